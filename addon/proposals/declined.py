"""Proposals that an administrator has declined or corrected, so that they are not made again."""

from collections.abc import Iterable

from msgspec import Struct

from addon.proposals.places import Place
from addon.proposals.vocabulary import Role
from addon.tenants.model import Selector


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
        """Whether a place was declined for a unit, with whatever exceptions or further filters."""
        return any(
            each.role == place.role
            and each.selector.org_units == place.org_units
            and each.selector.groups == place.groups
            and set(place.clauses) <= {c for clauses in each.selector.filters for c in clauses}
            for each in self._by_unit.get(code, ())
        )
