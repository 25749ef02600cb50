"""What one unit's rule would give at other units, beside what they have now."""

from collections.abc import Mapping

from msgspec import Struct, structs

from addon.proposals.moved_rules import moved
from addon.proposals.rule_outcome import RuleOutcome, outcome
from addon.tenants.model import GroupRule, SchoolUnit, YearRule, rules_of
from addon.vendors.profiles import Vendor
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.forms.class_rules import Kind, Rule, excepted_names, leaving_out, rule_of
from addon.web.presenters.class_rules import Replacement, replacements
from addon.web.presenters.proposals import is_set_up
from addon.web.presenters.school_unit import PeopleBreakdown, people_of
from addon.web.version_token import value_hash


class RuleAtUnit(Struct, frozen=True):
    """A unit, what its own rule gives (`now`, None without one), and what the other rule would.

    `fits` is whether the rule can be used there: not if it names OUs of its own unit and the unit
    has none to take their place. `same` is whether it has that rule already; `losses` are the
    classes and groups that vendors would lose.
    """

    unit: SchoolUnit
    rule: Rule
    same: bool
    now: RuleOutcome | None
    then: RuleOutcome
    losses: tuple[Replacement, ...] = ()
    fits: bool = True


def rule_at_units(
    directory: TenantDirectory,
    vendors: Mapping[str, Vendor],
    newest_run: str,
    unit: SchoolUnit,
    kind: Kind,
    rule: Rule,
) -> tuple[RuleAtUnit, ...]:
    """Return what a unit's rule would give at each other unit with a selection.

    A unit keeps the names that it leaves out. Raises StillComputing.
    """
    people = people_of(directory)

    def find() -> tuple[RuleAtUnit, ...]:
        return tuple(
            _at(directory, vendors, newest_run, each, kind, rule, unit, people[each.code])
            for each in directory.tenant.school_units
            if each.code != unit.code and is_set_up(each) and each.code in people
        )

    of = (unit.code, kind, value_hash(rule), newest_run)
    return directory.get_or_compute(DirectoryResult.RULE_AT_UNITS, find, of)


def _at(
    directory: TenantDirectory,
    vendors: Mapping[str, Vendor],
    newest_run: str,
    unit: SchoolUnit,
    kind: Kind,
    rule: Rule,
    source: SchoolUnit,
    people: PeopleBreakdown,
) -> RuleAtUnit:
    own, at_unit = rule_of(unit, kind), _moved(rule, source, unit)
    wanted = leaving_out(at_unit or rule, excepted_names(own))
    changed = structs.replace(unit, **{kind: wanted})
    then = _outcome(directory, changed, kind, wanted, people)
    if own == wanted:
        return RuleAtUnit(unit, wanted, True, then, then)
    return RuleAtUnit(
        unit=unit,
        rule=wanted,
        same=False,
        fits=at_unit is not None,
        now=None if own is None else _outcome(directory, unit, kind, own, people),
        then=then,
        losses=()
        if kind == "school_year"
        else replacements(directory, vendors, newest_run, changed, people),
    )


def _moved(rule: Rule, source: SchoolUnit, unit: SchoolUnit) -> Rule | None:
    """The rule of `source` for another unit; None if any part of it cannot be used there."""
    if isinstance(rule, YearRule):
        return moved(rule, source, unit)
    parts = [moved(each, source, unit) for each in rules_of(rule)]
    found = tuple(each for each in parts if each is not None)
    if len(found) < len(parts):
        return None
    return found[0] if isinstance(rule, GroupRule) else found


def _outcome(
    directory: TenantDirectory, unit: SchoolUnit, kind: Kind, rule: Rule, people: PeopleBreakdown
) -> RuleOutcome:
    return outcome(
        directory.index,
        people.students,
        people.staff,
        rule,
        unit,
        "teaching" if kind == "teaching_groups" else "class",
        brief=True,
    )
