"""Sorts units in the order that pages show them, and finds them by words in their names. Pure."""

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import islice

from msgspec import structs

from addon.school_register.model import ACTIVE, CEASED, PLANNED, RESTING, Organiser, RegisterUnit
from addon.school_register.organisers import Organisers
from addon.text import ascii_fold, fold, sort_key

_ORDER = {ACTIVE: 0, PLANNED: 1, RESTING: 2, CEASED: 3}


def rank(unit: RegisterUnit) -> int:
    """A unit's sort rank by its status: active ones first, ceased ones last."""
    return _ORDER.get(unit.status, 2)


def in_order(units: Iterable[RegisterUnit]) -> list[RegisterUnit]:
    """Units by status, then by name."""
    return sorted(units, key=lambda u: (rank(u), sort_key(u.name), u.code))


def has_words(unit: RegisterUnit, words: Sequence[str]) -> bool:
    """Whether a unit's name has all of the folded words."""
    name = fold(unit.name)
    return all(word in name for word in words)


def with_gaps_filled(unit: RegisterUnit, other: RegisterUnit) -> RegisterUnit:
    """A unit with empty fields filled in from `other`, another reading of the same unit."""
    return structs.replace(
        unit,
        municipality_code=unit.municipality_code or other.municipality_code,
        school_types=unit.school_types or other.school_types,
        organisation_number=unit.organisation_number or other.organisation_number,
    )


class RegisterIndex:
    """Units to search in, already sorted `in_order`. `fetched` is in seconds since 1970 UTC."""

    def __init__(
        self,
        units: Sequence[RegisterUnit] = (),
        organisers: Sequence[Organiser] = (),
        fetched: float | None = None,
    ) -> None:
        self.units = units
        self.organisers = Organisers(organisers)
        self.fetched = fetched
        self._said = [fold(unit.name) for unit in units]

    @cached_property
    def by_code(self) -> dict[str, RegisterUnit]:
        """The units by their codes."""
        return {unit.code: unit for unit in self.units}

    @cached_property
    def _said_plainly(self) -> list[str]:
        return [ascii_fold(said) for said in self._said]

    def search(
        self, words: Sequence[str], limit: int, without: Collection[str] = ()
    ) -> list[RegisterUnit]:
        """Units with all of the folded words in their names, except those with codes in `without`.

        If none is found, accents are ignored, since not all keyboards have them.
        """
        if not words:
            return []
        return self._with(words, self._said, limit, without) or self._with(
            [ascii_fold(word) for word in words], self._said_plainly, limit, without
        )

    def _with(
        self, words: Sequence[str], said: Sequence[str], limit: int, without: Collection[str]
    ) -> list[RegisterUnit]:
        found = (
            unit
            for unit, name in zip(self.units, said, strict=True)
            if all(word in name for word in words) and unit.code not in without
        )
        return list(islice(found, limit))
