"""The rules of a unit as choices beside its selection, and what the chosen ones give."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from addon.proposals.model import Proposal
from addon.proposals.rule_outcome import RuleOutcome, outcome
from addon.proposals.vocabulary import is_class, is_left, plain_words
from addon.roster.filters import choose
from addon.tenants.model import SchoolUnit, Selector
from addon.vendors.profiles import Vendor
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.forms.class_rules import Kind, Rule, excepted_names, leaving_out, rule_of
from addon.web.forms.unit_rules import KINDS, Rules, by_field, rules_of_unit, value_of
from addon.web.presenters.class_rules import Replacement, replacements
from addon.web.presenters.school_unit import PeopleBreakdown
from addon.web.version_token import value_hash


class RuleOption(Struct, frozen=True):
    """A rule to choose: the unit's own (`saved`), a proposed one, or both."""

    value: str
    rule: Rule
    saved: bool
    proposed: bool


class RuleChoices(Struct, frozen=True):
    """The choices for a kind of rule; `outcome` is what the chosen one gives, None for none."""

    kind: Kind
    options: tuple[RuleOption, ...]
    chosen: str
    outcome: RuleOutcome | None


def unit_as_edited(
    unit: SchoolUnit, students: Selector, staff: Selector, rules: Rules
) -> SchoolUnit:
    """Return the unit with the selectors and rules of a form."""
    return structs.replace(unit, students=students, staff=staff, **by_field(rules))


def without_leavers(directory: TenantDirectory, unit: SchoolUnit, edited: SchoolUnit) -> Rules:
    """Return the edited rules; classes named for people who have left become exceptions.

    Those that are classes of the unit already stay. Raises StillComputing.
    """
    rules, classes = rules_of_unit(edited), rule_of(edited, "classes")
    found = _outcome(directory, edited, "classes")
    if found is None or classes is None:
        return rules
    groups = directory.prepared.roster.groups
    known = {g.name for g in groups if g.unit == unit.code and g.kind == "class"}
    left = [n for n in found.names if n not in known and _is_for_leavers(n)]
    if not left:
        return rules
    names = tuple(dict.fromkeys((*excepted_names(classes), *left)))
    return {**rules, "classes": leaving_out(classes, names)}


def _is_for_leavers(name: str) -> bool:
    return is_left(plain_words(name)) and not is_class(name)


def rule_choices(
    directory: TenantDirectory, unit: SchoolUnit, edited: SchoolUnit, proposal: Proposal | None
) -> tuple[RuleChoices, ...]:
    """Return the choices of rules for a unit that is `edited`. Raises StillComputing."""
    return tuple(
        RuleChoices(
            kind=kind,
            options=tuple(_options(unit, edited, proposal, kind)),
            chosen=value_of(rule_of(edited, kind)),
            outcome=_outcome(directory, edited, kind),
        )
        for kind in KINDS
    )


def _options(
    unit: SchoolUnit, edited: SchoolUnit, proposal: Proposal | None, kind: Kind
) -> Sequence[RuleOption]:
    proposed = None if proposal is None else rule_of(proposal.school_unit(), kind)
    saved = rule_of(unit, kind)
    rules = (proposed, saved, rule_of(edited, kind))
    found = {value_of(rule): rule for rule in rules if rule is not None}
    return [
        RuleOption(value, rule, saved=rule == saved, proposed=rule == proposed)
        for value, rule in found.items()
    ]


def _outcome(directory: TenantDirectory, edited: SchoolUnit, kind: Kind) -> RuleOutcome | None:
    rule = rule_of(edited, kind)
    if rule is None:
        return None

    def find() -> RuleOutcome:
        people = people_as_edited(directory, edited)
        return outcome(
            directory.index,
            people.students,
            people.staff,
            rule,
            edited,
            "teaching" if kind == "teaching_groups" else "class",
            brief=True,
        )

    of = (edited.code, kind, value_hash((edited.students, edited.staff, rules_of_unit(edited))))
    return directory.get_or_compute(DirectoryResult.CLASS_RULE_OUTCOME, find, of)


def people_as_edited(directory: TenantDirectory, edited: SchoolUnit) -> PeopleBreakdown:
    """Return whom the selectors of a unit choose; staff are not counted as students."""
    staff = choose(edited.staff, directory.index).chosen
    return PeopleBreakdown(choose(edited.students, directory.index).chosen - staff, staff)


def replaced_groups(
    directory: TenantDirectory,
    vendors: Mapping[str, Vendor],
    newest_run: str,
    unit: SchoolUnit,
    edited: SchoolUnit,
) -> tuple[Replacement, ...]:
    """Return the classes and groups that vendors lose by changed rules. Raises StillComputing."""
    kinds: tuple[Kind, ...] = ("classes", "teaching_groups")
    if all(rule_of(unit, kind) == rule_of(edited, kind) for kind in kinds):
        return ()
    return directory.get_or_compute(
        DirectoryResult.CLASS_REPLACEMENTS,
        lambda: replacements(
            directory, vendors, newest_run, edited, people_as_edited(directory, edited)
        ),
        (value_hash(edited), newest_run),
    )
