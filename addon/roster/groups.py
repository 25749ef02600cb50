"""Classes and teaching groups: the rules of the units applied to the directory."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct, field, structs

from addon.directory.snapshot import OrgUnit
from addon.roster.filters import values_of
from addon.roster.findings import finding
from addon.roster.index import DirectoryIndex
from addon.roster.model import Finding, StudentGroup
from addon.roster.patterns import PatternMatch, finder
from addon.roster.placement import Placement, UnitPeople
from addon.tenants.model import GroupRule, GroupRules, SchoolUnit, rules_of
from addon.text import composed, fold

Kind = Literal["class", "teaching"]
Origin = Literal["orgUnit", "group", "attribute"]
SourceKey = tuple[Origin, str]
WRITTEN = "NAME"
"""The named part of a group's address that is spelled as in the group's own name."""
_IN_ADDRESS = re.compile(
    r"\d{1,2}[a-zåäö]{0,3}\d?|f[a-zåäö]?|[a-zåäö]{1,5}\d{2}[a-zåäö]{0,4}"
    r"|[a-zåäö]{1,3}\d[a-zåäö]{0,2}"
)
_WORDS = re.compile(r"[^\s,;()/]+")
NO_MATCH: dict[Kind, str] = {
    "class": "class-pattern-without-match",
    "teaching": "teaching-group-pattern-without-match",
}


class GroupSource(Struct):
    """A source that becomes a group of the unit if it has students.

    `origin` is what it is, `id` what identifies it among those. `name` is the first in sort order
    when the source has several names.
    """

    origin: Origin
    id: str
    name: str
    students: list[str] = field(default_factory=list)
    teachers: list[str] = field(default_factory=list)

    @property
    def key(self) -> SourceKey:
        """What identifies the source at the unit."""
        return (self.origin, self.id)


class FoundGroups(Struct):
    """What the rules of one kind found at one unit, by source.

    `matched` is true when a pattern matched anything; `claimed` are the sources that belong to
    the rules even if they have no people, or are left out. `excepted` are those with a name that
    a rule leaves out.
    """

    sources: dict[SourceKey, GroupSource] = field(default_factory=dict)
    matched: bool = False
    claimed: set[SourceKey] = field(default_factory=set)
    excepted: list[GroupSource] = field(default_factory=list)

    def source(self, origin: Origin, id: str, name: str) -> GroupSource:
        """Return the source, added if it is new, and record that it was seen under `name`."""
        source = self.sources.setdefault((origin, id), GroupSource(origin, id, name))
        source.name = min(source.name, name)
        return source

    def leave_out(self, names: Collection[str]) -> None:
        """Move the sources with one of the folded `names` to `excepted`."""
        if names:
            for key in [key for key, each in self.sources.items() if fold(each.name) in names]:
                self.excepted.append(self.sources.pop(key))
                self.claimed.add(key)

    def add(self, later: "FoundGroups") -> None:
        """Add what a later rule found; what an earlier rule found or left out stays as it was."""
        self.matched |= later.matched
        left_out = {each.key for each in self.excepted}
        for key, source in later.sources.items():
            known = self.sources.get(key)
            if known is not None:
                known.students.extend(set(source.students).difference(known.students))
                known.teachers.extend(set(source.teachers).difference(known.teachers))
            elif key not in left_out:
                self.sources[key] = source
        known_keys = left_out | self.sources.keys()
        self.excepted.extend(each for each in later.excepted if each.key not in known_keys)
        self.claimed |= later.claimed


class GroupFinder:
    """Makes the groups of one unit at a time and collects findings about them."""

    def __init__(self, index: DirectoryIndex, placement: Placement) -> None:
        self._index = index
        self._placement = placement
        self._groups = {group.id: group for group in index.groups}
        self._matching: dict[str, dict[str, str]] = {}
        self._sent: set[str] = set()
        self._excepted: set[str] = set()
        self.findings: list[Finding] = []
        self.excepted: list[StudentGroup] = []

    def of_unit(self, people: UnitPeople) -> tuple[StudentGroup, ...]:
        """The unit's groups, sorted by kind, name and source; a class is never a teaching group."""
        unit = people.unit
        classes = self._find(unit.classes, "class", people)
        teaching = self._find(unit.teaching_groups, "teaching", people)
        self._keep_classes(unit, classes, teaching)
        made = [
            *_groups(unit, "class", classes.sources.values()),
            *_groups(unit, "teaching", teaching.sources.values()),
        ]
        excepted = [
            *_groups(unit, "class", classes.excepted),
            *_groups(unit, "teaching", teaching.excepted),
        ]
        self._sent.update(g.source_id for g in made if g.source == "group")
        self.findings.extend(_duplicates(unit, made))
        self.excepted.extend(sorted(excepted, key=lambda g: (g.kind, g.name, g.source_id)))
        return tuple(sorted(made, key=lambda g: (g.kind, g.name, g.source_id)))

    def about_google_groups(self) -> Iterator[Finding]:
        """Findings about the Google groups that rules matched; call it after the last unit."""
        placement, index = self._placement, self._index
        known = placement.selected | placement.excepted | index.inactive.keys()
        enrolled = placement.enrolled | placement.excepted
        for id in set().union(*self._matching.values()):
            members, address = index.members[id], self._groups[id].email
            if id in self._sent:
                count = len(members - known)
                if count:
                    yield finding("member-not-selected", address, count=str(count))
            elif id not in self._excepted and members.isdisjoint(enrolled):
                yield finding("group-without-students", address)

    def _find(self, rules: GroupRules | None, kind: Kind, people: UnitPeople) -> FoundGroups:
        """What the rules find. A student's classes come from the first rule that gives any."""
        found = FoundGroups()
        tried = rules_of(rules)
        left_out = frozenset(fold(name) for rule in tried for name in rule.exceptions)
        remaining = people
        for rule in tried:
            more = self._by_rule(rule, remaining)
            more.leave_out(left_out)
            found.add(more)
            if left_out and rule.source == "group":
                names = self._matching[rule.pattern]
                self._excepted.update(id for id, name in names.items() if fold(name) in left_out)
            if kind == "class" and rule is not tried[-1]:
                placed = {id for each in more.sources.values() for id in each.students}
                students = remaining.students - placed
                remaining = structs.replace(remaining, students=students)
        by_group = any(rule.source == "group" for rule in tried)
        if tried and not found.matched and (people.students or by_group):
            self.findings.append(_about(NO_MATCH[kind], people.unit))
        return found

    def _by_rule(self, rule: GroupRule, people: UnitPeople) -> FoundGroups:
        if rule.source == "group":
            return self._by_group(rule, people)
        if rule.source == "orgUnit":
            return self._by_org_unit(rule, people)
        return self._by_attribute(rule, people)

    def _by_group(self, rule: GroupRule, people: UnitPeople) -> FoundGroups:
        if rule.pattern not in self._matching:
            self._matching[rule.pattern] = dict(self._matches(rule.pattern))
        names = self._matching[rule.pattern]
        found = FoundGroups(matched=bool(names), claimed={("group", id) for id in names})
        for id, name in names.items():
            members = self._index.members[id]
            if not members.isdisjoint(people.students):
                source = found.source("group", id, name)
                source.students.extend(members & people.students)
                source.teachers.extend(members & people.staff)
        return found

    def _matches(self, pattern: str) -> Iterator[tuple[str, str]]:
        """The ids and names of the Google groups whose address matches the pattern."""
        find, find_written = finder(pattern, "name"), finder(pattern, WRITTEN)
        for group in self._index.groups:
            hit = find(group.email)
            if hit is None:
                continue
            written = find_written(group.email)
            if written and written.part:
                yield group.id, spelled(written.part, group.name)
            else:
                yield group.id, hit.part or group.name.strip() or group.email

    def _by_org_unit(self, rule: GroupRule, people: UnitPeople) -> FoundGroups:
        find = finder(rule.pattern, "name")
        students: dict[str, list[str]] = {}
        for id in people.students:
            students.setdefault(self._index.users[id].org_unit_path, []).append(id)
        found = FoundGroups()
        for path, ids in students.items():
            hit = find(path)
            if hit is None:
                continue
            found.matched = True
            org_unit = self._index.org_units.get(fold(_class_path(path, hit)))
            if org_unit is not None:
                part = _part_by_present_name(path, org_unit, find) or hit.part or ""
                name = part.strip("/ ") or org_unit.name.strip() or org_unit.path
                found.source("orgUnit", org_unit.id, name).students.extend(ids)
        return found

    def _by_attribute(self, rule: GroupRule, people: UnitPeople) -> FoundGroups:
        find, values = finder(rule.pattern, "name"), values_of(rule.attribute or "", self._index)
        found = FoundGroups()
        for id in people.students:
            hits = filter(None, map(find, values(self._index.users[id])))
            for name in {hit.whole if hit.part is None else hit.part for hit in hits}:
                if name:
                    found.matched = True
                    found.source("attribute", name, name).students.append(id)
        return found

    def _keep_classes(self, unit: SchoolUnit, classes: FoundGroups, teaching: FoundGroups) -> None:
        """Remove from `teaching` the sources that are classes: a source is only one group."""
        for key in teaching.sources.keys() & (classes.sources.keys() | classes.claimed):
            source = teaching.sources.pop(key)
            if source.origin == "attribute" and key in classes.sources:
                about = _about("teaching-group-named-as-class", unit, name=source.name)
                self.findings.append(about)


def spelled(part: str, name: str) -> str:
    """Return the `part` of a group's address as the group's own `name` writes it.

    It is in upper case if the name does not have it and it is written as 7a, fa, na24a or ag1.
    """
    words = (word for word in _WORDS.findall(name) if fold(word) == fold(part))
    return next(words, part.upper() if _IN_ADDRESS.fullmatch(part) else part)


def _class_path(path: str, hit: PatternMatch) -> str:
    """The part of `path` up to the end of the named part, extended to the next "/"."""
    text = composed(path)
    end = len(text[: hit.end].rstrip("/"))
    boundary = text.find("/", end)
    return text if boundary < 0 else text[:boundary]


def _part_by_present_name(
    path: str, org_unit: OrgUnit, find: Callable[[str], PatternMatch | None]
) -> str | None:
    """The part that names a class in a user's path, if its OU is named as it is now.

    The path is the document's; None if the OU has the same name, or the pattern is not found.
    """
    named = org_unit.named_path
    if not named or named == org_unit.path:
        return None
    present = named + composed(path)[len(org_unit.path) :]
    hit = find(present)
    if hit is None or fold(_class_path(present, hit)) != fold(named):
        return None
    return hit.part


def _groups(unit: SchoolUnit, kind: Kind, sources: Iterable[GroupSource]) -> Iterator[StudentGroup]:
    for source in sources:
        if source.students:
            yield StudentGroup(
                unit=unit.code,
                kind=kind,
                source=source.origin,
                source_id=source.id,
                name=source.name,
                students=tuple(sorted(source.students)),
                teachers=tuple(sorted(source.teachers)),
            )


def _duplicates(unit: SchoolUnit, groups: Iterable[StudentGroup]) -> Iterator[Finding]:
    names: dict[str, list[str]] = {}
    for group in groups:
        if group.kind == "class":
            names.setdefault(fold(group.name), []).append(group.name)
    for same in names.values():
        if len(same) > 1:
            yield _about("duplicate-class-name", unit, name=min(same), count=str(len(same)))


def _about(code: str, unit: SchoolUnit, **values: str) -> Finding:
    return finding(code, unit.code, unit=unit.code, unitName=unit.name, **values)


def classes_of(groups: Iterable[StudentGroup]) -> Mapping[str, list[str]]:
    """The names of each student's classes, in the order of the groups."""
    classes: dict[str, list[str]] = {}
    for group in groups:
        if group.kind == "class":
            for id in group.students:
                classes.setdefault(id, []).append(group.name)
    return classes
