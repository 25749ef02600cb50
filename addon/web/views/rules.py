"""The rules that a unit could have, each with what it finds, and what a chosen one does."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, structs

from addon.proposals.outcome import Outcome, outcome
from addon.proposals.patterns import (
    PatternChoice,
    class_patterns,
    school_year_patterns,
    teaching_group_patterns,
)
from addon.tenant import SchoolUnit
from addon.web.forms.rules import Kind, Rule, choice_of, rule_of
from addon.web.study import Desk
from addon.web.views.reach import Names, names
from addon.web.views.unit import People, people_of

ENOUGH = 0.5
"""A rule that looks less right than this share of the best one is not shown."""


class Choice(Struct, frozen=True):
    """A rule to choose: what stands for it in a form, what it finds, whether it is the best."""

    value: str
    rule: Rule
    outcome: Outcome
    best: bool

    @property
    def first(self) -> tuple[str, ...]:
        """The first names that it finds."""
        return self.outcome.names[:6]


class Effect(Struct, frozen=True):
    """What a rule makes of the unit's students, with names where it makes too little.

    `change` is how many more classes, groups or years there are than by the saved rule.
    """

    outcome: Outcome
    without: Names
    several: Names
    out_of_range: Names
    change: int


def choices(desk: Desk, unit: SchoolUnit, kind: Kind) -> tuple[Choice, ...]:
    """Rules that the tenant's own names suggest, the best first, and the one that is saved.

    Raises NotReady.
    """
    people, index = people_of(desk).get(unit.code, People()), desk.index

    def find() -> tuple[Choice, ...]:
        found = _patterns(kind, desk, people, unit)
        enough = found[0].score * ENOUGH if found else 0.0
        made = [
            _choice(each.rule, each.outcome, n == 0)
            for n, each in enumerate(found)
            if each.score >= enough
        ]
        saved = rule_of(unit, kind)
        if saved is None:
            return tuple(made)
        own = outcome(index, people.students, people.staff, saved, unit, _group_kind(kind))
        for n, choice in enumerate(made):
            if _are_same(choice.outcome, own) and choice.rule.source == saved.source:
                made[n] = _choice(saved, own, choice.best)
                return tuple(made)
        return (*made, _choice(saved, own, False))

    return desk.make(("choices", unit.code, kind), find)


def effect(desk: Desk, unit: SchoolUnit, kind: Kind, rule: Rule) -> Effect:
    """What `rule` makes of the unit's students. Raises NotReady."""
    people = people_of(desk).get(unit.code, People())
    saved = rule_of(unit, kind)
    found = _outcome(desk, unit, kind, rule, people)
    before = 0
    if saved is not None:
        before = len(_outcome(desk, unit, kind, saved, people).found)
    return Effect(
        outcome=found,
        without=names(desk, found.without),
        several=names(desk, found.several),
        out_of_range=names(desk, found.out_of_range),
        change=len(found.found) - before,
    )


def _outcome(desk: Desk, unit: SchoolUnit, kind: Kind, rule: Rule, people: People) -> Outcome:
    index = desk.index
    name = ("outcome", unit.code, kind, choice_of(rule))
    return desk.make(
        name,
        lambda: outcome(index, people.students, people.staff, rule, unit, _group_kind(kind)),
    )


def _patterns(kind: Kind, desk: Desk, people: People, unit: SchoolUnit) -> Sequence[PatternChoice]:
    """The rule that the unit has must not colour what is proposed in its place."""
    students, staff = sorted(people.students), sorted(people.staff)
    if kind == "classes":
        bare = structs.replace(unit, classes=None)
        return class_patterns(desk.index, students, bare, staff)
    if kind == "teaching_groups":
        bare = structs.replace(unit, teaching_groups=None)
        return teaching_group_patterns(desk.index, students, staff, bare)
    bare = structs.replace(unit, school_year=None)
    return school_year_patterns(desk.index, students, bare)


def _group_kind(kind: Kind) -> Literal["class", "teaching"]:
    return "teaching" if kind == "teaching_groups" else "class"


def _are_same(one: Outcome, other: Outcome) -> bool:
    """Whether two rules find the very same, though they are written otherwise."""
    return (one.found, one.without) == (other.found, other.without)


def _choice(rule: Rule, found: Outcome, best: bool) -> Choice:
    return Choice(choice_of(rule), rule, found, best)
