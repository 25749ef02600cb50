"""Schools whose name stands together with the class: the OU "Norra 4A", the value "4A Norra"."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from addon.proposals.names import SchoolName, read_name
from addon.proposals.places import Place
from addon.proposals.roles import RoleScope
from addon.proposals.vocabulary import is_class, plain, plain_words
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Clause

_WITH_LETTER = re.compile(r"\d.*[a-zåäö]|[a-zåäö].*\d|f[a-e]")
_SAYS_CLASS = frozenset(("klass", "class", "ak", "arskurs", "ar", "year", "grade", "grupp"))
_FEWEST = 2


class ClassAndSchool(NamedTuple):
    """A text that says a class and a school: what is before and after the class."""

    before: str
    after: str

    @property
    def school(self) -> str:
        """The part that is not the class."""
        return (self.before or self.after).strip(" _-")


def class_and_school(text: str) -> ClassAndSchool | None:
    """What stands around the class in a text; None if it is a class alone or has none."""
    if is_class(text):
        return None
    first = re.match(r"^(\S+?)([ _-]+\D.*)$", text)
    last = re.match(r"^(.*\D[ _-]+)(\S+)$", text)
    if last and _is_class_word(last[2]):
        found = ClassAndSchool(last[1], "")
    elif first and _is_class_word(first[1]):
        found = ClassAndSchool("", first[2])
    else:
        return None
    words = plain_words(found.school)
    return found if words and _SAYS_CLASS.isdisjoint(words) else None


def _is_class_word(word: str) -> bool:
    return is_class(word) and _WITH_LETTER.search(plain(word)) is not None


def org_units_of_classes(
    index: DirectoryIndex, ignored: Collection[str]
) -> Iterator[tuple[Place, frozenset[str]]]:
    """The places of students that OUs side by side make, each named for a school and a class."""
    found: dict[tuple[str, ClassAndSchool], set[str]] = {}
    times: dict[tuple[str, ClassAndSchool], int] = {}
    for unit in index.org_units.values():
        above, _, own = unit.path.rpartition("/")
        parts = class_and_school(own)
        if parts is None or read_name(above.replace("/", " ")).role == "staff":
            continue
        found.setdefault((above, parts), set()).update(index.in_org_unit(unit.path))
        times[above, parts] = times.get((above, parts), 0) + 1
    for (above, parts), ids in found.items():
        name = _name(parts, ignored)
        if times[above, parts] < _FEWEST or not name.tells:
            continue
        clause = (
            Clause(attribute="orgUnitPath", operator="startsWith", value=f"{above}/{parts.before}")
            if parts.before
            else Clause(attribute="orgUnitPath", operator="endsWith", value=parts.after)
        )
        top = (above or "/",)
        place = Place("students", (name,), top, clauses=(clause,), people=len(ids))
        yield place, frozenset(ids)


def values_of_classes(
    scope: RoleScope, people: Mapping[tuple[str, str], set[str]], ignored: Collection[str]
) -> Iterator[tuple[Place, frozenset[str]]]:
    """The places of students that values make, each of which says a school and a class.

    `people` are the ids of those who have a value of an attribute.
    """
    found: dict[tuple[str, ClassAndSchool], set[str]] = {}
    times: dict[tuple[str, ClassAndSchool], int] = {}
    for (attribute, value), ids in people.items():
        parts = class_and_school(value)
        if parts is not None:
            found.setdefault((attribute, parts), set()).update(ids)
            times[attribute, parts] = times.get((attribute, parts), 0) + 1
    for (attribute, parts), ids in sorted(found.items()):
        name = _name(parts, ignored)
        if times[attribute, parts] < _FEWEST or not name.tells:
            continue
        clause = (
            Clause(attribute=attribute, operator="startsWith", value=parts.before)
            if parts.before
            else Clause(attribute=attribute, operator="endsWith", value=parts.after)
        )
        clauses = (*scope.clauses, clause)
        place = Place("students", (name,), scope.org_units, scope.groups, clauses, people=len(ids))
        yield place, frozenset(ids)


def _name(parts: ClassAndSchool, ignored: Collection[str]) -> SchoolName:
    return read_name(parts.school, ignored)
