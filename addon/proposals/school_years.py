"""Candidate rules for school years, best first, and whether they contradict each other."""

from collections.abc import Collection, Sequence

from addon.proposals.names import read_name
from addon.proposals.patterns import PatternChoice, best, known, tried_rule
from addon.proposals.plausibility import plausibility
from addon.proposals.rule_outcome import groups_of, outcome
from addon.proposals.scope import around
from addon.proposals.vocabulary import plain, stage_of
from addon.proposals.year_candidates import introductory, year_rules
from addon.roster.groups import classes_of
from addon.roster.index import DirectoryIndex
from addon.roster.placement import UnitPeople
from addon.roster.years import NoYearError, year_of
from addon.tenants.model import SchoolUnit, YearRule

_NEARLY_AS_GOOD = 0.15
_FEW = 0.05
_OTHER_FIELD = 0.8
_GROUPS = 0.97
_CALENDAR = 0.93


def school_year_patterns(
    index: DirectoryIndex, people: Collection[str], unit: SchoolUnit
) -> list[PatternChoice]:
    """Rules for the school years of the students, best first, given the unit's classes."""
    return years_near(around(index, people), people, unit, brief=False)


def years_near(
    near: DirectoryIndex, people: Collection[str], unit: SchoolUnit, brief: bool = True
) -> list[PatternChoice]:
    """As `school_year_patterns`, in the unit's surroundings."""
    students = known(near, people)
    made = groups_of(near, UnitPeople(unit, frozenset(students), frozenset()))
    names = sorted({group.name for group in made if group.kind == "class"})
    tried = [
        tried_rule(rule, outcome(near, students, (), rule, unit, brief=brief))
        for rule in dict.fromkeys(year_rules(near, students, names, unit.school_types))
    ]
    starts = introductory(names)
    without = sum(
        len(group.students)
        for group in made
        if starts and group.kind == "class" and group.name.upper().startswith(starts)
    )
    mixed = sum(
        len(group.students)
        for group in made
        if group.kind == "class" and len(stage_of(group.name)[0]) > 1
    )
    said = read_name(unit.name).years
    return best((choice, _score(choice, unit, said, without, mixed)) for choice in tried)


def years_by(
    near: DirectoryIndex, people: Collection[str], unit: SchoolUnit, rule: YearRule
) -> dict[str, int]:
    """The school year that a rule gives each of the unit's students who gets one."""
    students = frozenset(known(near, people))
    names = classes_of(groups_of(near, UnitPeople(unit, students, frozenset())))
    read = year_of(rule, near)
    found: dict[str, int] = {}
    for id in students:
        try:
            year = read(near.users[id], names.get(id, ()))
        except NoYearError:
            continue
        if year is not None:
            found[id] = year
    return found


def contradiction(
    near: DirectoryIndex,
    people: Collection[str],
    unit: SchoolUnit,
    choices: Sequence[PatternChoice],
) -> PatternChoice | None:
    """The best other rule that is nearly as good as the first and gives other years; or None."""
    first, *others = [each for each in choices if isinstance(each.rule, YearRule)]
    ours = None
    for other in others:
        if other.score < first.score - _NEARLY_AS_GOOD:
            continue
        if ours is None:
            ours = _years(near, people, unit, first)
        theirs = _years(near, people, unit, other)
        both = ours.keys() & theirs.keys()
        if sum(ours[id] != theirs[id] for id in both) > _FEW * len(both):
            return other
    return None


def _years(
    near: DirectoryIndex, people: Collection[str], unit: SchoolUnit, choice: PatternChoice
) -> dict[str, int]:
    if not isinstance(choice.rule, YearRule):
        return {}
    return years_by(near, people, unit, choice.rule)


def _score(
    choice: PatternChoice, unit: SchoolUnit, said: frozenset[int], without: int, mixed: int
) -> float:
    """How plausible a rule is; classes of several years (`mixed` students) say none of them."""
    result = choice.outcome
    if not result.students or not result.found:
        return 0.0
    if choice.rule.source == "class":
        without += mixed
    score = plausibility(result, unit.school_types, said, without)
    if isinstance(choice.rule, YearRule) and choice.rule.form != "number":
        score *= _CALENDAR
    if choice.rule.source != "attribute":
        return score
    if choice.rule.attribute == "groups":
        return score * _GROUPS
    name = plain((choice.rule.attribute or "").rpartition(".")[2])
    is_named = name.startswith(("ar", "year", "ak", "grade"))
    return score if is_named else score * _OTHER_FIELD
