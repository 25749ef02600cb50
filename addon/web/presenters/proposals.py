"""The proposal for each unit as a page shows it, with the alternatives that were chosen."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, structs

from addon.proposals.model import Alternative, Proposal, Proposals, UnitToPropose, Unmatched
from addon.proposals.propose import MANY, propose
from addon.proposals.reasons import DOUBTS, Reason
from addon.proposals.rules import RuleProposer
from addon.proposals.selectors import SelectorDraft, has_ceased
from addon.proposals.vocabulary import Role
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.tenants.model import (
    Connection,
    GroupRules,
    SchoolUnit,
    Selector,
    SelectorExceptions,
    Tenant,
    YearRule,
)
from addon.vendors.profiles import Vendor
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.forms.class_rules import excepted_names, leaving_out
from addon.web.presenters.class_rules import Replacement, replacements
from addon.web.presenters.school_unit import PeopleBreakdown
from addon.web.presenters.selection_preview import VendorRemoval, preview_selection
from addon.web.version_token import value_hash

Part = Literal["help", "ready", "done"]

FACTS = frozenset({"classes", "teaching-groups", "school-years"})
"""The reasons that are shown as what the unit gets."""


class ProposalsView(Struct, frozen=True):
    """The proposals for a document and a directory. `mark` is the hash of the proposals.

    `shaped` is the number of units placed in the tree as its main shape says. `left_out` are the
    OUs with many people that neither a proposal nor the document selects; `ceased` are the codes of
    units that have ceased according to the register.
    """

    proposals: Proposals
    by_code: Mapping[str, Proposal]
    left_out: tuple[Unmatched, ...]
    ceased: frozenset[str]
    shaped: int
    mark: str


class Picks(Struct, frozen=True):
    """The form's choices: units to accept, and numbers of alternatives by unit and role."""

    accepted: frozenset[str]
    students: Mapping[str, int] = {}
    staff: Mapping[str, int] = {}

    def of(self, role: Role) -> Mapping[str, int]:
        """Return the alternatives chosen for a role, by the unit's code."""
        return self.students if role == "students" else self.staff


class ProposalImpact(Struct, frozen=True):
    """What vendors that are on would lose by a proposal: people, and classes and groups."""

    removals: tuple[VendorRemoval, ...] = ()
    replacements: tuple[Replacement, ...] = ()


class ProposalRow(Struct, frozen=True):
    """One unit: what would be set up with the chosen alternatives, and its state."""

    unit: SchoolUnit
    proposal: Proposal
    part: Part
    accepted: bool
    ceased: bool
    students: tuple[Alternative, ...]
    staff: tuple[Alternative, ...]
    student_pick: int | None = None
    staff_pick: int | None = None
    loss: ProposalImpact = ProposalImpact()

    @property
    def doubts(self) -> list[Reason]:
        """The reasons that an administrator must judge."""
        return [reason for reason in self.proposal.reasons if reason.code in DOUBTS]

    @property
    def why(self) -> list[Reason]:
        """The reasons that explain the proposal."""
        told = DOUBTS | FACTS
        return [reason for reason in self.proposal.reasons if reason.code not in told]

    @property
    def facts(self) -> dict[str, Reason]:
        """What was found of classes, teaching groups and school years, by the reason's code."""
        return {r.code: r for r in self.proposal.reasons if r.code in FACTS}

    @property
    def same(self) -> bool:
        """Whether the unit already is as proposed."""
        return selection_of(self.unit) == accepted_selection(self.unit, self.proposal)

    @property
    def replaces(self) -> bool:
        """Whether accepting it would replace something that an administrator has chosen."""
        return self.part == "done" and not self.same and not self.empty

    @property
    def empty(self) -> bool:
        """Whether there is nothing to accept."""
        return not has_places(self.proposal.students) and not has_places(self.proposal.staff)

    @property
    def possible(self) -> bool:
        """Whether there is something to accept, or to choose first."""
        return not self.empty or bool(self.students or self.staff)


def proposals_view(
    index: DirectoryIndex, units: Sequence[UnitToPropose], tenant: Tenant
) -> ProposalsView:
    """Return the proposals for all of a document's units. Takes seconds in a large domain."""
    found = propose(index, units, tenant)
    return ProposalsView(
        proposals=found,
        by_code={proposal.code: proposal for proposal in found.proposals},
        left_out=tuple(_left_out(index, found.unmatched_org_units, tenant)),
        ceased=frozenset(unit.code for unit in units if has_ceased(unit.status)),
        shaped=sum(s.units for s in found.shapes if _begins(found.shape, s.students)),
        mark=value_hash(found),
    )


def altered(
    index: DirectoryIndex, proposal: Proposal, students: Selector | None, staff: Selector | None
) -> Proposal:
    """Return the proposal with other selectors, and with rules that fit the people they choose."""
    chosen = structs.replace(
        proposal,
        students=students or proposal.students,
        staff=staff or proposal.staff,
        classes=None,
        teaching_groups=None,
        school_year=None,
    )
    people = _chosen_by(index, chosen)
    draft = SelectorDraft(
        students=chosen.students,
        staff=chosen.staff,
        pupils=people.students,
        adults=people.staff,
        reasons=(),
        confidence=proposal.confidence,
    )
    rules = RuleProposer(index, {proposal.code: draft}).rules(chosen.school_unit())
    return structs.replace(
        chosen,
        classes=rules.classes,
        teaching_groups=rules.teaching_groups,
        school_year=rules.school_year,
        class_names=rules.class_names,
        reasons=rules.reasons,
        students_reached=len(people.students),
        staff_reached=len(people.staff),
    )


def _chosen_by(index: DirectoryIndex, proposal: Proposal) -> PeopleBreakdown:
    """Return the people whom the proposal chooses; staff are not counted as students."""
    staff = choose(proposal.staff, index).chosen
    return PeopleBreakdown(choose(proposal.students, index).chosen - staff, staff)


def with_losses(
    directory: TenantDirectory,
    vendors: Mapping[str, Vendor],
    delivered: Sequence[Connection],
    newest_run: str,
    lines: Sequence[ProposalRow],
) -> list[ProposalRow]:
    """Add to each row what accepting it would remove at the connections `delivered`.

    Raises StillComputing.
    """
    others = [line for line in lines if line.replaces]

    def find() -> dict[str, ProposalImpact]:
        return {x.unit.code: _loss(directory, vendors, delivered, newest_run, x) for x in others}

    wanted = [(line.unit.code, selection_of(line.proposal)) for line in others]
    losses = directory.get_or_compute(
        DirectoryResult.PROPOSAL_IMPACT, find, (newest_run, value_hash(wanted))
    )
    return [
        structs.replace(line, loss=losses.get(line.unit.code, ProposalImpact())) for line in lines
    ]


def _loss(
    directory: TenantDirectory,
    vendors: Mapping[str, Vendor],
    delivered: Sequence[Connection],
    newest_run: str,
    line: ProposalRow,
) -> ProposalImpact:
    unit = line.unit
    changed = structs.replace(unit, **accepted_selection(unit, line.proposal))
    students, staff = changed.students, changed.staff
    return ProposalImpact(
        preview_selection(directory, unit, students, staff, delivered, newest_run).removals,
        replacements(
            directory, vendors, newest_run, changed, _chosen_by(directory.index, line.proposal)
        ),
    )


def alternatives_of(proposal: Proposal, role: Role) -> tuple[Alternative, ...]:
    """Return the alternative selectors for a role, in the order of their numbers."""
    return tuple(each for each in proposal.alternatives if each.role == role)


def first_picks(tenant: Tenant, found: ProposalsView) -> Picks:
    """Return the default choices: likely proposals for units without a selection."""
    return Picks(
        frozenset(
            unit.code for unit in tenant.school_units if part_of(unit, found.by_code) == "ready"
        )
    )


def part_of(unit: SchoolUnit, by_code: Mapping[str, Proposal]) -> Part:
    """Return `done` for a unit with a selection, else `ready` or `help` by its confidence."""
    if is_set_up(unit):
        return "done"
    return "ready" if by_code[unit.code].confidence in ("sure", "likely") else "help"


def is_set_up(unit: SchoolUnit) -> bool:
    """Whether the unit has a selection of students or staff."""
    return has_places(unit.students) or has_places(unit.staff)


def has_places(selector: Selector) -> bool:
    """Whether a selector names any OU or group."""
    return bool(selector.org_units or selector.groups)


def accepted_selection(unit: SchoolUnit, proposal: Proposal) -> dict[str, object]:
    """Return the fields that a unit gets by a proposal, which leaves out whom the unit does too."""
    return {
        **selection_of(proposal),
        "students": _leaving_out_too(proposal.students, unit.students),
        "staff": _leaving_out_too(proposal.staff, unit.staff),
        "classes": _without_names_too(proposal.classes, unit.classes),
        "teaching_groups": _without_names_too(proposal.teaching_groups, unit.teaching_groups),
    }


def _leaving_out_too(selector: Selector, other: Selector) -> Selector:
    mine, its = selector.exceptions, other.exceptions
    return selector.excepting(
        SelectorExceptions(
            users=tuple(dict.fromkeys((*mine.users, *its.users))),
            org_units=tuple(dict.fromkeys((*mine.org_units, *its.org_units))),
            groups=tuple(dict.fromkeys((*mine.groups, *its.groups))),
        )
    )


def _without_names_too(rule: GroupRules | None, other: GroupRules | None) -> GroupRules | None:
    names = tuple(dict.fromkeys((*excepted_names(rule), *excepted_names(other))))
    if rule is None or not names:
        return rule
    made = leaving_out(rule, names)
    return None if isinstance(made, YearRule) else made


def selection_of(unit: SchoolUnit | Proposal) -> dict[str, object]:
    """Return the fields of a unit that a proposal concerns, by field name."""
    return {
        "students": unit.students,
        "staff": unit.staff,
        "classes": unit.classes,
        "teaching_groups": unit.teaching_groups,
        "school_year": unit.school_year,
    }


def _begins(path: str, start: str) -> bool:
    return bool(start) and f"{path}/".startswith(f"{start}/")


def _left_out(
    index: DirectoryIndex, unmatched: Sequence[Unmatched], tenant: Tenant
) -> list[Unmatched]:
    """Return the OUs with many people who are not chosen by the document either."""
    reached: set[str] = set()
    for unit in tenant.school_units:
        for selector in (unit.students, unit.staff):
            for path in selector.org_units:
                reached |= index.in_org_unit(path)
            for address in selector.groups:
                reached |= index.in_group(address)
    counted = (Unmatched(u.path, len(index.in_org_unit(u.path) - reached)) for u in unmatched)
    return sorted((u for u in counted if u.people >= MANY), key=lambda u: -u.people)
