"""The class rules offered for a unit with what each finds, and the effect of a chosen rule."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, structs

from addon.proposals.patterns import (
    PatternChoice,
    class_patterns,
    teaching_group_patterns,
)
from addon.proposals.rule_outcome import RuleOutcome, groups_of, outcome
from addon.proposals.school_years import school_year_patterns
from addon.roster.placement import UnitPeople
from addon.ss12000.ids import Ids
from addon.tenants.model import SchoolUnit
from addon.text import fold
from addon.vendors.profiles import Vendor
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.forms.class_rules import (
    Kind,
    Rule,
    choice_of,
    excepted_names,
    leaving_out,
    rule_of,
    rules_in,
)
from addon.web.presenters.school_unit import PeopleBreakdown, people_of
from addon.web.presenters.selection_preview import NameList, names
from addon.web.version_token import value_hash

KINDS: tuple[Literal["class", "teaching"], ...] = ("class", "teaching")
ENOUGH = 0.5
"""A rule is not shown if its score is below this share of the best rule's score."""


class RuleChoice(Struct, frozen=True):
    """A rule on offer: `value` identifies it in a form, `outcome` is what it finds.

    `best` marks the best proposal, `saved` the rule that the unit has, and `proposed` a rule that
    is suggested by names in the tenant's directory.
    """

    value: str
    rule: Rule
    outcome: RuleOutcome
    best: bool = False
    saved: bool = False
    proposed: bool = True

    @property
    def first(self) -> tuple[str, ...]:
        """The first names that it finds, at most six."""
        return self.outcome.names[:6]


class ExceptedName(Struct, frozen=True):
    """A name that the rule leaves out, and how many students are in what is named so."""

    name: str
    students: int


class RuleEffect(Struct, frozen=True):
    """The effect of a rule on the unit's students, with the names of those it does not fit.

    `change` is how many more classes, groups or years there are than by the saved rule; `excepted`
    are the names that it leaves out.
    """

    outcome: RuleOutcome
    without: NameList
    several: NameList
    out_of_range: NameList
    change: int
    excepted: tuple[ExceptedName, ...] = ()


class Replacement(Struct, frozen=True):
    """How many of a unit's classes or teaching groups a vendor loses, and how many new it gets."""

    vendor: str
    kind: Literal["class", "teaching"]
    removed: int
    created: int


def choices(directory: TenantDirectory, unit: SchoolUnit, kind: Kind) -> tuple[RuleChoice, ...]:
    """Return the rules suggested by the tenant's own names, best first, and the saved rule.

    Raises StillComputing.
    """
    people, index = people_of(directory).get(unit.code, PeopleBreakdown()), directory.index

    def find() -> tuple[RuleChoice, ...]:
        saved = rule_of(unit, kind)

        def result(rule: Rule) -> RuleOutcome:
            return outcome(index, people.students, people.staff, rule, unit, _group_kind(kind))

        found = _patterns(kind, directory, people, unit)
        enough = found[0].score * ENOUGH if found else 0.0
        made = []
        for n, each in enumerate(found):
            if each.score >= enough:
                rule = leaving_out(each.rule, excepted_names(saved))
                gives = each.outcome if rule == each.rule else result(rule)
                made.append(RuleChoice(choice_of(rule), rule, gives, best=n == 0))
        if saved is None:
            return tuple(made)
        own = result(saved)
        for n, choice in enumerate(made):
            if _are_same(choice.outcome, own) and _sources(choice.rule) == _sources(saved):
                made[n] = RuleChoice(choice_of(saved), saved, own, choice.best, saved=True)
                return tuple(made)
        return (*made, RuleChoice(choice_of(saved), saved, own, saved=True, proposed=False))

    return directory.get_or_compute(DirectoryResult.CLASS_RULE_CHOICES, find, (unit.code, kind))


def effect(directory: TenantDirectory, unit: SchoolUnit, kind: Kind, rule: Rule) -> RuleEffect:
    """Return the effect of `rule` on the unit's students. Raises StillComputing."""
    people = people_of(directory).get(unit.code, PeopleBreakdown())
    saved = rule_of(unit, kind)
    found = _outcome(directory, unit, kind, rule, people)
    before = 0
    if saved is not None:
        before = len(_outcome(directory, unit, kind, saved, people).found)
    return RuleEffect(
        outcome=found,
        without=names(directory, found.without),
        several=names(directory, found.several),
        out_of_range=names(directory, found.out_of_range),
        change=len(found.found) - before,
        excepted=tuple(
            ExceptedName(
                name, sum(e.students for e in found.excepted if fold(e.name) == fold(name))
            )
            for name in excepted_names(rule)
        ),
    )


def replacements(
    directory: TenantDirectory,
    vendors: Mapping[str, Vendor],
    newest_run: str,
    changed: SchoolUnit,
    people: PeopleBreakdown,
) -> tuple[Replacement, ...]:
    """Return what vendors that are on lose if the unit gets the rules of `changed` and `people`.

    A class is identified by where it is found, so one found elsewhere is a different class. Unlike
    the removal of people, no limit holds the removal of classes and groups. Raises StillComputing.
    """
    ids, code = Ids(directory.tenant.customer_id), changed.code
    made = groups_of(directory.index, UnitPeople(changed, people.students, people.staff))
    known = {ids.student_group(g) for g in directory.prepared.roster.groups if g.unit == code}
    found = []
    for connection in directory.tenant.connections:
        carried = directory.prepared.vendor_rosters.get(connection.vendor)
        if connection.mode == "off" or carried is None:
            continue
        takes_all = vendors[connection.vendor].groups == "all"
        stay = {ids.student_group(g) for g in made if takes_all or g.kind == "class"}
        gone = [g for g in carried.groups if g.unit == code and ids.student_group(g) not in stay]
        if not gone:
            continue
        not_there = _not_there_yet(directory, connection.vendor, newest_run)
        for kind in KINDS:
            removed = sum(g.kind == kind and ids.student_group(g) not in not_there for g in gone)
            new = {ids.student_group(g) for g in made if g.kind == kind} & (stay - known)
            if removed:
                found.append(Replacement(connection.vendor, kind, removed, len(new)))
    return tuple(found)


def _not_there_yet(directory: TenantDirectory, vendor: str, newest_run: str) -> frozenset[str]:
    """Return the external ids of the classes and groups that the next run would create."""
    planned = directory.planned(vendor, newest_run)
    if planned is None:
        return frozenset()
    writes = planned.plan.writes["StudentGroup"]
    return frozenset(each.external_id for each in writes if each.kind == "create")


def _outcome(
    directory: TenantDirectory, unit: SchoolUnit, kind: Kind, rule: Rule, people: PeopleBreakdown
) -> RuleOutcome:
    index = directory.index
    return directory.get_or_compute(
        DirectoryResult.CLASS_RULE_OUTCOME,
        lambda: outcome(index, people.students, people.staff, rule, unit, _group_kind(kind)),
        (unit.code, kind, value_hash(rule)),
    )


def _patterns(
    kind: Kind, directory: TenantDirectory, people: PeopleBreakdown, unit: SchoolUnit
) -> Sequence[PatternChoice]:
    """Return the patterns that fit the unit, without influence from the rule that it has."""
    students, staff = sorted(people.students), sorted(people.staff)
    if kind == "classes":
        bare = structs.replace(unit, classes=None)
        return class_patterns(directory.index, students, bare, staff)
    if kind == "teaching_groups":
        bare = structs.replace(unit, teaching_groups=None)
        return teaching_group_patterns(directory.index, students, staff, bare)
    bare = structs.replace(unit, school_year=None)
    return school_year_patterns(directory.index, students, bare)


def _group_kind(kind: Kind) -> Literal["class", "teaching"]:
    return "teaching" if kind == "teaching_groups" else "class"


def _sources(rule: Rule) -> tuple[str, ...]:
    return tuple(each.source for each in rules_in(rule))


def _are_same(one: RuleOutcome, other: RuleOutcome) -> bool:
    """Whether two rules find exactly the same, although they are written differently."""
    return (one.found, one.without) == (other.found, other.without)
