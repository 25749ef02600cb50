"""The rules that a unit could have, each with what it finds, and what a chosen one does."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, structs

from addon.proposals.patterns import (
    PatternChoice,
    class_patterns,
    school_year_patterns,
    teaching_group_patterns,
)
from addon.proposals.rule_outcome import Outcome, groups_of, outcome
from addon.roster.placement import UnitPeople
from addon.ss12000.ids import Ids
from addon.tenants.model import SchoolUnit
from addon.web.directory.cache import Desk
from addon.web.forms.class_rules import Kind, Rule, choice_of, rule_of
from addon.web.presenters.school_unit import People, people_of
from addon.web.presenters.selection_preview import Names, names
from addon.web.request_context import Here

KINDS: tuple[Literal["class", "teaching"], ...] = ("class", "teaching")
ENOUGH = 0.5
"""A rule that looks less right than this share of the best one is not shown."""


class Choice(Struct, frozen=True):
    """A rule to choose: what stands for it in a form, what it finds, whether it is the best.

    `saved` is the one that the unit has, `proposed` what the tenant's own names suggest.
    """

    value: str
    rule: Rule
    outcome: Outcome
    best: bool = False
    saved: bool = False
    proposed: bool = True

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


class Replacement(Struct, frozen=True):
    """How many of a unit's classes, or teaching groups, a vendor loses and how many new it gets."""

    vendor: str
    kind: Literal["class", "teaching"]
    removed: int
    created: int


def choices(desk: Desk, unit: SchoolUnit, kind: Kind) -> tuple[Choice, ...]:
    """Rules that the tenant's own names suggest, the best first, and the one that is saved.

    Raises NotReady.
    """
    people, index = people_of(desk).get(unit.code, People()), desk.index

    def find() -> tuple[Choice, ...]:
        found = _patterns(kind, desk, people, unit)
        enough = found[0].score * ENOUGH if found else 0.0
        made = [
            Choice(choice_of(each.rule), each.rule, each.outcome, best=n == 0)
            for n, each in enumerate(found)
            if each.score >= enough
        ]
        saved = rule_of(unit, kind)
        if saved is None:
            return tuple(made)
        own = outcome(index, people.students, people.staff, saved, unit, _group_kind(kind))
        for n, choice in enumerate(made):
            if _are_same(choice.outcome, own) and choice.rule.source == saved.source:
                made[n] = Choice(choice_of(saved), saved, own, choice.best, saved=True)
                return tuple(made)
        return (*made, Choice(choice_of(saved), saved, own, saved=True, proposed=False))

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


def replacements(now: Here, changed: SchoolUnit, people: People) -> tuple[Replacement, ...]:
    """What the unit with other rules, and `people`, takes away from the vendors that are on.

    A class is known by where it is found: found elsewhere it is another one. No limit holds its
    removal, as it holds that of people. Raises NotReady.
    """
    desk, ids, code = now.desk, Ids(now.tenant_id), changed.code
    made = groups_of(desk.index, UnitPeople(changed, people.students, people.staff))
    known = {ids.student_group(g) for g in desk.prepared.roster.groups if g.unit == code}
    found = []
    for connection in now.tenant.connections:
        carried = desk.prepared.views.get(connection.vendor)
        if connection.mode == "off" or carried is None:
            continue
        takes_all = now.vendors[connection.vendor].groups == "all"
        stay = {ids.student_group(g) for g in made if takes_all or g.kind == "class"}
        gone = [g for g in carried.groups if g.unit == code and ids.student_group(g) not in stay]
        if not gone:
            continue
        not_there = _not_there_yet(now, connection.vendor)
        for kind in KINDS:
            removed = sum(g.kind == kind and ids.student_group(g) not in not_there for g in gone)
            new = {ids.student_group(g) for g in made if g.kind == kind} & (stay - known)
            if removed:
                found.append(Replacement(connection.vendor, kind, removed, len(new)))
    return tuple(found)


def _not_there_yet(now: Here, vendor: str) -> frozenset[str]:
    """The classes and groups that the next run would create."""
    foreseen = now.desk.foreseen(vendor, now.newest_run)
    if foreseen is None:
        return frozenset()
    writes = foreseen.plan.writes["StudentGroup"]
    return frozenset(each.external_id for each in writes if each.kind == "create")


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
