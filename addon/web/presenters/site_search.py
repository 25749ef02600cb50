"""What the search in the header finds: people, classes, school units, vendors and runs."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from addon.ss12000.ids import Ids
from addon.tenants.model import SchoolUnit
from addon.text import fold, sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.formats import moment
from addon.web.presenters.people import PeopleFilter, PersonRow, chosen
from addon.web.presenters.run_history import RunSummary

SHOWN = 10
"""Maximum number of entries of each kind on the page."""
_DAY = re.compile(r"\d{4}-\d{2}")


class FoundGroup(Struct, frozen=True):
    """A class or a teaching group, with the name of its unit."""

    unit: str
    unit_name: str
    external_id: str
    name: str
    is_class: bool


class InDirectory(Struct, frozen=True):
    """People and classes whose names match: those named so in whole words, then those at units.

    Only people who are not protected are found.
    """

    people: Sequence[PersonRow]
    groups: Sequence[FoundGroup]


def in_directory(directory: TenantDirectory, text: str) -> InDirectory:
    """Return the people, and the classes and groups, that match. Raises StillComputing."""
    if not fold(text).split():
        return InDirectory((), ())
    words = set(fold(text).split())
    people = sorted(
        chosen(directory, PeopleFilter(text=text)),
        key=lambda row: (not words <= set(fold(row.name).split()), not row.role),
    )
    return InDirectory(people, _groups(directory, text))


def units_named(units: Iterable[SchoolUnit], text: str) -> tuple[SchoolUnit, ...]:
    """Return the school units whose name or code has all words of the text."""
    matches = _matcher(text)
    return tuple(unit for unit in units if matches(f"{unit.name} {unit.code}"))


def vendors_named(names: Mapping[str, str], text: str) -> tuple[str, ...]:
    """Return the ids of the vendors whose name has all words; `names` are by id."""
    matches = _matcher(text)
    return tuple(vendor for vendor, name in names.items() if matches(name))


def is_about_a_day(text: str) -> bool:
    """Whether the text can be the day of a run: 2026-08 or 2026-08-17."""
    return bool(_DAY.match(text.strip()))


def runs_of(runs: Iterable[RunSummary], text: str) -> tuple[RunSummary, ...]:
    """Return the runs that began on that day, or at that time of it."""
    matches = _matcher(text)
    return tuple(run for run in runs if matches(moment(run.started)))


def _groups(directory: TenantDirectory, text: str) -> tuple[FoundGroup, ...]:
    """Return the groups whose name has a word of the text, and whose unit has the rest."""
    words, names = fold(text).split(), directory.tenant.unit_names
    ids = Ids(directory.tenant.customer_id)
    matches = _matcher(text)
    found = [
        FoundGroup(
            unit=group.unit,
            unit_name=names.get(group.unit, group.unit),
            external_id=ids.of_group(group.unit, group.source, group.source_id)[0],
            name=group.name,
            is_class=group.kind == "class",
        )
        for group in directory.prepared.roster.groups
        if any(word in fold(group.name) for word in words)
        and matches(f"{group.name} {names.get(group.unit, '')}")
    ]
    return tuple(sorted(found, key=lambda group: _order(group, words)))


def _order(group: FoundGroup, words: Sequence[str]) -> tuple[bool, bool, str, str]:
    """Return a key that puts what is named exactly so first, and classes before groups."""
    return (
        fold(group.name) not in words,
        not group.is_class,
        sort_key(group.name),
        sort_key(group.unit_name),
    )


def _matcher(text: str) -> Callable[[str], bool]:
    words = fold(text).split()

    def matches(name: str) -> bool:
        folded = fold(name)
        return bool(words) and all(word in folded for word in words)

    return matches
