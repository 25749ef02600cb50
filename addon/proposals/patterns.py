"""Candidate rules for classes and teaching groups, best first."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from statistics import fmean

from msgspec import Struct, structs

from addon.proposals.pattern_candidates import class_rules, teaching_rules
from addon.proposals.rule_outcome import RuleOutcome, groups_of, outcome
from addon.proposals.scope import around
from addon.proposals.vocabulary import (
    is_adapted_class,
    is_class,
    is_programme_class,
    is_year,
    plain,
)
from addon.proposals.year_candidates import introductory
from addon.roster.index import DirectoryIndex
from addon.roster.placement import UnitPeople
from addon.tenants.model import GroupRule, SchoolUnit, YearRule, rules_of

__all__ = [
    "PatternChoice",
    "RuleOutcome",
    "class_patterns",
    "outcome",
    "teaching_group_patterns",
]

_MOST = 6
_EXAMPLES = 5
_WORST = 0.05
_YEAR_AS_CLASS, _YEAR_IN_FIELD = 0.48, 0.2
_OF_ADAPTED = 0.9
_AFTER_CLASS, _WITH_WORD, _NUMBER_AFTER_CLASS, _GROUP_WITH_WORD = 0.92, 0.9, 0.85, 0.84
_AFTER_WORD = re.compile(r"(?i)/klass\s\(\?P<name>")
_FREELY_NAMED, _FREELY_NAMED_GROUP = 0.3, 0.6
_CLASS_WORD_LAST = re.compile(
    r"(?:klass|class)(?:[-_]|\\\.)?(?:\(\?!.*\))?(?:\(\?P<name>\[\^@\]\+\)@)?$"
)
_USUAL_SIZE = range(4, 41)
_SOURCE = {"orgUnit": 0.02, "group": 0.01, "attribute": 0.0, "class": 0.0}


class PatternChoice(Struct, frozen=True):
    """A rule, the first names that it finds, its full outcome, and its score (0 to 1)."""

    rule: GroupRule | YearRule
    examples: tuple[str, ...]
    outcome: RuleOutcome
    score: float


def class_patterns(
    index: DirectoryIndex, people: Collection[str], unit: SchoolUnit, staff: Collection[str] = ()
) -> list[PatternChoice]:
    """Rules for the classes of the students `people` (ids) at the unit, best first."""
    return classes_near(around(index, people, staff), people, unit, staff, brief=False)


def teaching_group_patterns(
    index: DirectoryIndex, students: Collection[str], staff: Collection[str], unit: SchoolUnit
) -> list[PatternChoice]:
    """Rules for teaching groups, best first; what the unit's class rule finds is excluded."""
    return teaching_near(around(index, students, staff), students, unit, staff, brief=False)


def classes_near(
    near: DirectoryIndex,
    people: Collection[str],
    unit: SchoolUnit,
    staff: Collection[str],
    brief: bool = True,
) -> list[PatternChoice]:
    """As `class_patterns`, in the unit's surroundings."""
    students = known(near, people)
    tried = [
        tried_rule(rule, outcome(near, students, staff, rule, unit, brief=brief))
        for rule in dict.fromkeys(class_rules(near, students, unit))
    ]
    alike = {(_names_of(x), _sources_of(x)) for x in tried if x.rule.source == "group"}
    times = Counter(names for names, _ in alike)
    return best(
        (choice, _class_score(choice) * _no_subject(choice, times[_names_of(choice)]))
        for choice in tried
    )


def teaching_near(
    near: DirectoryIndex,
    students: Collection[str],
    unit: SchoolUnit,
    staff: Collection[str],
    brief: bool = True,
) -> list[PatternChoice]:
    """As `teaching_group_patterns`, in the unit's surroundings."""
    ids = known(near, students)
    claimed: frozenset[str] = frozenset()
    if any(rule.source == "group" for rule in rules_of(unit.classes)):
        made = groups_of(near, UnitPeople(unit, frozenset(ids), frozenset(staff)))
        claimed = frozenset(group.source_id for group in made if group.kind == "class")
    else:
        # Classes of another source cannot claim a group: they need not be found each time.
        unit = structs.replace(unit, classes=None)
    tried = [
        tried_rule(rule, outcome(near, ids, staff, rule, unit, "teaching", brief))
        for rule in dict.fromkeys(teaching_rules(near, ids, claimed))
    ]
    owned = {
        id
        for id, members in near.members.items()
        if 2 * len(members & near.users.keys()) > len(members)
    }
    number = max(1, len(owned - claimed))
    return best((choice, _teaching_score(choice, owned, number)) for choice in tried)


def _names_of(choice: PatternChoice) -> tuple[str, ...]:
    return tuple(name.lower() for name in choice.outcome.names)


def _sources_of(choice: PatternChoice) -> frozenset[str]:
    return frozenset(part.source_id for part in choice.outcome.found)


def _no_subject(choice: PatternChoice, times: int) -> float:
    """Lower the score of groups of one subject: they are named like classes too."""
    several = choice.rule.source == "group" and times > 1
    return 0.6 if several and not _says_class(choice.rule) else 1.0


def _says_class(rule: GroupRule | YearRule) -> bool:
    """Whether the addresses of a rule's groups have the word class."""
    pattern = rule.pattern.replace("f-?klass", "")
    return "klas" in pattern or "class" in pattern


def known(index: DirectoryIndex, ids: Iterable[str]) -> list[str]:
    """The ids that are those of active users, each once."""
    return [id for id in dict.fromkeys(ids) if id in index.users]


def tried_rule(rule: GroupRule | YearRule, result: RuleOutcome) -> PatternChoice:
    """A rule with its outcome and no score yet."""
    return PatternChoice(rule, result.names[:_EXAMPLES], result, 0.0)


def best(scored: Iterable[tuple[PatternChoice, float]]) -> list[PatternChoice]:
    """The choices by score; of rules with the same outcome, only the first."""
    found: dict[object, PatternChoice] = {}
    for choice, score in scored:
        if score >= _WORST:
            same = (choice.rule.source, choice.outcome.found, choice.outcome.without)
            rated = structs.replace(choice, score=round(min(score, 1.0), 3))
            if same not in found or found[same].score < rated.score:
                found[same] = rated
    return sorted(found.values(), key=lambda choice: -choice.score)[:_MOST]


def _class_score(choice: PatternChoice) -> float:
    result = choice.outcome
    if not result.students or not result.found:
        return 0.0
    reached = result.students - len(result.without)
    single = (reached - len(result.several)) / result.students
    size = reached / len(result.found)
    worded = choice.rule.source == "group" and _says_class(choice.rule)
    looks = sum(_looks(part.name, worded, choice) * part.students for part in result.found)
    looks /= reached
    score = single * _size_factor(size) * (0.35 + 0.6 * min(1.0, looks))
    return score * _hint(choice.rule, better=("klass", "class"), worse=("ar", "year"))


def _looks(name: str, worded: bool, choice: PatternChoice) -> float:
    """How much a name resembles that of a class; a bare number is more likely a school year.

    `worded` is whether the rule says that it is about classes.
    """
    if name.strip().isdecimal():
        return _NUMBER_AFTER_CLASS if worded else 0.5
    if not worded and is_year(name):
        return _YEAR_AS_CLASS if choice.rule.source == "orgUnit" else _YEAR_IN_FIELD
    if plain(name).startswith(("klass", "class")):
        return _WITH_WORD if choice.rule.source == "orgUnit" else _GROUP_WITH_WORD
    if is_class(name):
        return 1.0
    if is_adapted_class(name):
        return _OF_ADAPTED
    if choice.rule.source == "orgUnit" and _AFTER_WORD.search(choice.rule.pattern):
        return _AFTER_CLASS
    if introductory([name]):
        return 1.0
    if choice.rule.source == "group":
        return _FREELY_NAMED_GROUP if _CLASS_WORD_LAST.search(choice.rule.pattern) else 0.0
    if is_programme_class(name):
        return 1.0
    if plain(name).startswith(("grupp", "group")):
        return 0.8
    return _FREELY_NAMED if choice.rule.source == "orgUnit" else 0.0


def _size_factor(size: float) -> float:
    if round(size) in _USUAL_SIZE:
        return 1.0
    if size < _USUAL_SIZE.start:
        return 0.85 if size >= 2 else 0.5
    return 0.6 if size < 80 else 0.15


def _hint(rule: GroupRule | YearRule, better: Sequence[str], worse: Sequence[str]) -> float:
    """The attribute's name as evidence; OUs are usually better maintained than attributes."""
    bonus = 1.0 + _SOURCE[rule.source]
    if rule.source == "attribute":
        name = plain((rule.attribute or "").rpartition(".")[2])
        if any(word in name for word in better):
            bonus += 0.05
        elif any(name.startswith(word) for word in worse):
            bonus -= 0.25
    return bonus


def _teaching_score(choice: PatternChoice, owned: set[str], number: int) -> float:
    """The share of the unit's groups that it finds, reduced by groups of other units."""
    result = choice.outcome
    if not result.found:
        return 0.0
    mine = [part for part in result.found if part.source_id in owned]
    purity = len(mine) / len(result.found)
    size = fmean(part.students for part in result.found)
    return min(1.0, len(mine) / number) * purity * (1.0 if size >= 3 else 0.7)
