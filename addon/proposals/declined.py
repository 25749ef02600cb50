"""Proposals that an administrator has declined or corrected, so that they are not made again."""

from collections.abc import Iterable

from msgspec import Struct

from addon.proposals.places import Place
from addon.proposals.vocabulary import Role
from addon.tenants.model import Clause, Selector
from addon.text import fold

_TAKES_OUT = frozenset({"notEquals", "notIn", "notContains", "notMatches"})


class DeclinedPlace(Struct, frozen=True):
    """A selector that was proposed for a role at the unit `code`, and declined."""

    code: str
    role: Role
    selector: Selector


class DeclinedPlaces:
    """Which places a unit is not to be offered again."""

    def __init__(self, declined: Iterable[DeclinedPlace] = ()) -> None:
        self._by_unit: dict[str, list[DeclinedPlace]] = {}
        for each in declined:
            self._by_unit.setdefault(each.code, []).append(each)

    def has(self, code: str, place: Place) -> bool:
        """Whether a place was declined for a unit, alone or with others, whatever it leaves out."""
        return any(
            each.role == place.role
            and bool(place.org_units or place.groups)
            and set(place.org_units) <= set(each.selector.org_units)
            and set(place.groups) <= set(each.selector.groups)
            and set(place.clauses) <= _clauses(each.selector)
            for each in self._by_unit.get(code, ())
        )


def declined_part(proposed: Selector, chosen: Selector) -> Selector | None:
    """The OUs and groups of a proposed selector that `chosen` does not have; None for none.

    With the same OUs and groups, the proposed selector is declined if `chosen` lacks a clause that
    says who belongs there. Clauses that only take somebody out, and exceptions, do not count.
    """
    paths, groups = set(map(fold, chosen.org_units)), set(map(fold, chosen.groups))
    left = Selector(
        org_units=tuple(path for path in proposed.org_units if fold(path) not in paths),
        groups=tuple(address for address in proposed.groups if fold(address) not in groups),
        filters=proposed.filters,
    )
    if left.org_units or left.groups:
        return left
    telling = {clause for clause in _clauses(proposed) if clause.operator not in _TAKES_OUT}
    if telling <= _clauses(chosen):
        return None
    return Selector(org_units=proposed.org_units, groups=proposed.groups, filters=proposed.filters)


def _clauses(selector: Selector) -> set[Clause]:
    return {clause for clauses in selector.filters for clause in clauses}
