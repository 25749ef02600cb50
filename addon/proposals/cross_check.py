"""Whether any other source names somebody for a unit whom the unit's proposal does not choose."""

from collections.abc import Iterator, Mapping, Set

from addon.proposals.exclusions import ClosedPlaces, OutsidePlaces, protected_places
from addon.proposals.matching import PeopleOf
from addon.proposals.placement import MatchedUnit
from addon.proposals.places import Place
from addon.proposals.selectors import SelectorDraft
from addon.proposals.vocabulary import Role
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Protected

_NAMES = 0.75
_ROLES: tuple[Role, Role] = ("students", "staff")


def contradicted(
    index: DirectoryIndex,
    settled: Mapping[str, MatchedUnit],
    drafts: Mapping[str, SelectorDraft],
    people_of: PeopleOf,
) -> dict[str, tuple[Place, ...]]:
    """The places that name a unit and have people whom its draft does not choose, by unit.

    A unit that chooses people whom such a place of another unit has is in it too. Those who have
    left, the protected, and those whom a unit's selectors leave out do not count, nor do units
    that share an OU.
    """
    tops = ("/",)
    protected, _ = protected_places(index, Protected())
    closed = (ClosedPlaces(index).below(tops), OutsidePlaces(index).below(tops), protected)
    paths = [path for each in closed for path in each.org_units]
    gone = frozenset().union(*map(index.in_org_unit, paths), *map(index.in_group, protected.groups))
    found: dict[str, dict[Place, None]] = {}
    for role in _ROLES:
        chosen = {c: d.pupils if role == "students" else d.adults for c, d in drafts.items()}
        for place, code in _named(settled, role).items():
            people = people_of(place)
            missing = people - drafts[code].pupils - drafts[code].adults - gone
            missing -= _left_out(settled[code], drafts[code], people_of)
            if not missing or not chosen[code] or settled[code].shared is not None:
                continue
            found.setdefault(code, {})[place] = None
            for other, ids in chosen.items():
                shares = settled[other].shared is not None
                if other != code and not shares and not missing.isdisjoint(ids):
                    found.setdefault(other, {})[place] = None
    for code, place in _of_both(settled, drafts):
        found.setdefault(code, {})[place] = None
    return {code: tuple(places) for code, places in found.items()}


def _of_both(
    settled: Mapping[str, MatchedUnit], drafts: Mapping[str, SelectorDraft]
) -> Iterator[tuple[str, Place]]:
    """Units whose OU of staff has people whom a value names for another, with that one's place."""
    owners: dict[str, list[str]] = {}
    for code, draft in drafts.items():
        for id in draft.adults:
            owners.setdefault(id, []).append(code)
    pairs = {tuple(codes) for codes in owners.values() if len(codes) == 2}
    for pair in sorted(pairs):
        for code, other in (pair, pair[::-1]):
            ours, theirs = settled[code].staff, settled[other].staff
            if ours is None or theirs is None or settled[code].shared is not None:
                continue
            if theirs.place.clauses and not ours.place.clauses:
                yield code, theirs.place
                yield other, ours.place


def _named(settled: Mapping[str, MatchedUnit], role: Role) -> dict[Place, str]:
    """The unit that each place names best and well, of those that nobody has."""
    best: dict[Place, tuple[float, str]] = {}
    for code, unit in settled.items():
        for place, score in unit.near_students if role == "students" else unit.near_staff:
            if score >= _NAMES and not place.mixed:
                best[place] = max(best.get(place, (0.0, "")), (score, code))
    taken = {
        match.place
        for unit in settled.values()
        for match in (unit.students, unit.staff)
        if match is not None
    }
    return {place: code for place, (_, code) in best.items() if place not in taken}


def _left_out(unit: MatchedUnit, draft: SelectorDraft, people_of: PeopleOf) -> Set[str]:
    """Those whom a unit's places have and its selectors leave out."""
    reached = {
        id
        for match in (unit.students, unit.staff)
        if match is not None
        for id in people_of(match.place)
    }
    return reached - draft.pupils - draft.adults
