"""The outcome of a rule for classes, teaching groups or school years for one unit's students.

Computed with the selection's own code, so that it shows what a run would do.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct, structs

from addon.roster.filters import values_of
from addon.roster.groups import GroupFinder, classes_of
from addon.roster.index import DirectoryIndex
from addon.roster.model import StudentGroup
from addon.roster.patterns import finder
from addon.roster.placement import Placement, UnitPeople
from addon.roster.years import NoYearError, year_by_classes, year_of
from addon.tenants.conditions import compiled
from addon.tenants.model import GroupRule, GroupRules, SchoolUnit, YearRule, rules_of
from addon.text import SortKey, path_key, sort_key

Kind = Literal["class", "teaching", "year"]


class RuleGroup(Struct, frozen=True):
    """A class, a teaching group or a school year that was found, with its number of members.

    `source_id` is that of `StudentGroup`; empty for a year.
    """

    name: str
    students: int
    teachers: int = 0
    source_id: str = ""


class UnmatchedText(Struct, frozen=True):
    """An OU path, a group's address or an attribute's value in which the rule finds nothing.

    `students` are the unit's students there.
    """

    text: str
    students: int


class RuleOutcome(Struct, frozen=True):
    """The outcome of a rule for a unit with so many `students`.

    `found` is in natural order. `without` (ids, sorted) are the students for whom the rule
    finds nothing, `several` those in more than one class or group, `out_of_range` those whose
    school year is not a whole number from 0 to 13. `duplicates` are names of more than one class.
    `teachers` is the number of staff members in the groups. `excepted` are the classes or groups
    that the rule leaves out by name.
    """

    kind: Kind
    students: int
    found: tuple[RuleGroup, ...] = ()
    without: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    out_of_range: tuple[str, ...] = ()
    unmatched: tuple[UnmatchedText, ...] = ()
    duplicates: tuple[str, ...] = ()
    teachers: int = 0
    excepted: tuple[RuleGroup, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names found, each once."""
        return tuple(dict.fromkeys(part.name for part in self.found))


def outcome(
    index: DirectoryIndex,
    students: Collection[str],
    staff: Collection[str],
    rule: GroupRules | YearRule,
    unit: SchoolUnit,
    kind: Literal["class", "teaching"] = "class",
    brief: bool = False,
) -> RuleOutcome:
    """Apply `rule` to the unit's people, in place of the unit's present rule.

    `kind` says what a rule of groups is for; the unit's other rules apply unchanged.
    `brief` leaves out `unmatched`. `students` and `staff` are ids as
    `addon.roster.placement` gives them; users who are not active are ignored. Raises
    PatternError for a bad pattern and ValueError when the rule lacks its pattern or attribute.
    """
    for each in (rule,) if isinstance(rule, YearRule) else rules_of(rule):
        check(each)
    people = UnitPeople(
        unit,
        frozenset(students) & index.users.keys(),
        frozenset(staff) & index.users.keys(),
    )
    if isinstance(rule, YearRule):
        return _years(index, people, rule, brief)
    field = {"classes": rule} if kind == "class" else {"teaching_groups": rule}
    changed = structs.replace(unit, **field)
    return _groups(index, structs.replace(people, unit=changed), rule, kind, brief)


def check(rule: GroupRule | YearRule) -> None:
    """Raise PatternError for a bad pattern, ValueError when the rule lacks a part."""
    part = "year" if isinstance(rule, YearRule) else "name"
    if not rule.pattern:
        raise ValueError("the rule has no pattern: write one, or take away the rule")
    if rule.source == "attribute" and not rule.attribute:
        raise ValueError("the rule reads an attribute but does not say which: choose one")
    try:
        regex = compiled(rule.pattern)
    except (OverflowError, RecursionError):
        raise ValueError("the pattern is too large a regular expression: shorten it") from None
    if rule.source != "group" and part not in regex.groupindex:
        raise ValueError(f"the pattern must have the named part (?P<{part}>...)")


def groups_of(index: DirectoryIndex, people: UnitPeople) -> tuple[StudentGroup, ...]:
    """The classes and teaching groups of one unit, as the selection makes them."""
    return _found(index, people)[0]


def _found(
    index: DirectoryIndex, people: UnitPeople
) -> tuple[tuple[StudentGroup, ...], list[StudentGroup]]:
    """The classes and teaching groups of one unit, and those that its rules leave out."""
    placement = Placement(
        units=(people,),
        selected=people.students | people.staff,
        enrolled=people.students,
        left_out={},
        findings=(),
    )
    grouping = GroupFinder(index, placement)
    return grouping.of_unit(people), grouping.excepted


def _groups(
    index: DirectoryIndex,
    people: UnitPeople,
    rule: GroupRules,
    kind: Literal["class", "teaching"],
    brief: bool,
) -> RuleOutcome:
    made, excepted = _found(index, people)
    groups = [group for group in made if group.kind == kind]
    times = Counter(id for group in groups for id in group.students)
    same = Counter(group.name for group in groups)
    return RuleOutcome(
        kind=kind,
        students=len(people.students),
        found=_parts(groups),
        without=tuple(sorted(people.students - times.keys())),
        several=tuple(sorted(id for id, count in times.items() if count > 1)),
        unmatched=() if brief else _unmatched_by_all(index, people.students, rules_of(rule)),
        duplicates=tuple(sorted((n for n, count in same.items() if count > 1), key=sort_key)),
        teachers=len({id for group in groups for id in group.teachers}),
        excepted=_parts(group for group in excepted if group.kind == kind),
    )


def _parts(groups: Iterable[StudentGroup]) -> tuple[RuleGroup, ...]:
    """The groups with their numbers, in natural order."""
    parts = [RuleGroup(g.name, len(g.students), len(g.teachers), g.source_id) for g in groups]
    return tuple(sorted(parts, key=lambda part: (sort_key(part.name), part.source_id)))


def _years(index: DirectoryIndex, people: UnitPeople, rule: YearRule, brief: bool) -> RuleOutcome:
    made, excepted = _found(index, people) if rule.source == "class" else ((), [])
    classes, left_out = classes_of(made), classes_of(excepted)
    year = year_of(rule, index)
    count: Counter[int] = Counter()
    without: list[str] = []
    beyond: list[str] = []
    for id in people.students:
        try:
            found = year_by_classes(
                year, index.users[id], classes.get(id, ()), left_out.get(id, ())
            )
        except NoYearError:
            beyond.append(id)
            continue
        if found is None:
            without.append(id)
        else:
            count[found] += 1
    return RuleOutcome(
        kind="year",
        students=len(people.students),
        found=tuple(RuleGroup(str(number), count[number]) for number in sorted(count)),
        without=tuple(sorted(without)),
        out_of_range=tuple(sorted(beyond)),
        unmatched=() if brief else _without_year(index, people, rule, classes),
    )


def _without_year(
    index: DirectoryIndex, people: UnitPeople, rule: YearRule, classes: Mapping[str, list[str]]
) -> tuple[UnmatchedText, ...]:
    if rule.source == "class":
        return _misses(classes.get, people.students, rule.pattern, "year", sort_key)
    return _unmatched(index, people.students, rule, "year")


def _unmatched_by_all(
    index: DirectoryIndex, students: frozenset[str], rules: Iterable[GroupRule]
) -> tuple[UnmatchedText, ...]:
    """The texts in which no rule finds anything, of the rules that search such texts."""
    missed: dict[tuple[str, str | None], tuple[UnmatchedText, ...]] = {}
    for rule in rules:
        key, found = (rule.source, rule.attribute), _unmatched(index, students, rule, "name")
        before = missed.get(key)
        missed[key] = found if before is None else tuple(m for m in before if m in found)
    return tuple(miss for found in missed.values() for miss in found)


def _unmatched(
    index: DirectoryIndex, students: frozenset[str], rule: GroupRule | YearRule, part: str
) -> tuple[UnmatchedText, ...]:
    if rule.source == "group":
        return tuple(sorted(_other_groups(index, students, rule.pattern), key=_by_text))
    if rule.source == "orgUnit":
        return _misses(
            lambda id: (index.users[id].org_unit_path,), students, rule.pattern, part, path_key
        )
    values = values_of(rule.attribute or "", index)
    return _misses(lambda id: values(index.users[id]), students, rule.pattern, part, sort_key)


def _misses(
    texts: Callable[[str], Iterable[str] | None],
    students: Iterable[str],
    pattern: str,
    part: str,
    key: Callable[[str], SortKey | tuple[SortKey, ...]],
) -> tuple[UnmatchedText, ...]:
    count = Counter(text for id in students for text in texts(id) or ())
    find = finder(pattern, part)
    missed = [text for text in count if text and find(text) is None]
    return tuple(UnmatchedText(text, count[text]) for text in sorted(missed, key=key))


def _other_groups(
    index: DirectoryIndex, students: frozenset[str], pattern: str
) -> Iterator[UnmatchedText]:
    find = finder(pattern, "name")
    for group in index.groups:
        if group.everyone or find(group.email) is not None:
            continue
        count = len(index.members[group.id] & students)
        if count:
            yield UnmatchedText(group.email, count)


def _by_text(miss: UnmatchedText) -> SortKey:
    return sort_key(miss.text)
