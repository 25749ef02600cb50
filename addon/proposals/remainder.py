"""The unit that has the rest of an OU, when the others have the parts named for a stage or form."""

from collections.abc import Callable, Mapping, Sequence

from addon.proposals.matching import Match, UnitToMatch
from addon.proposals.places import Place
from addon.proposals.roles import RoleScope
from addon.proposals.vocabulary import Role
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.text import fold

_POOR = 0.6
_MOST_UNITS = 3
_LEAST = 0.2


def remainder(
    role: Role,
    index: DirectoryIndex,
    scope: RoleScope | None,
    units: Sequence[UnitToMatch],
    found: Mapping[str, Match],
    in_schools: Callable[[Place], int],
) -> tuple[str, Place] | None:
    """The only unit without a place, and the OUs of all of a role, of which it has the rest.

    The other units have OUs there that only say school years or a kind of school. `in_schools`
    counts those in OUs that are named as schools.
    """
    open_units = [unit for unit in units if not unit.ceased]
    left = [u for u in open_units if u.code not in found or found[u.code].score < _POOR]
    if scope is None or scope.clauses or not scope.org_units or len(left) != 1:
        return None
    if not 1 < len(open_units) <= _MOST_UNITS:
        return None
    tops = tuple(fold(path).rstrip("/") + "/" for path in scope.org_units)
    others = [found[unit.code].place for unit in open_units if unit is not left[0]]
    if not all(_is_part(place, tops) for place in others):
        return None
    place = Place(role, (), scope.org_units)
    everybody = frozenset(choose(place.selector, index).chosen)
    taken = frozenset().union(*(choose(other.selector, index).chosen for other in others))
    rest = len(everybody - taken)
    if rest < _LEAST * len(everybody) or in_schools(place) > len(taken):
        return None
    return left[0].code, Place(role, (), scope.org_units, people=rest)


def _is_part(place: Place, tops: tuple[str, ...]) -> bool:
    """Whether a place is OUs below some folded paths that name no school of their own."""
    inside = all(fold(path).startswith(tops) for path in place.org_units)
    return (
        bool(place.org_units)
        and inside
        and not place.clauses
        and not any(name.core for name in place.names)
    )
