"""The proposal for each unit as a row of a table, with the alternatives that were chosen."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from addon.proposals.model import Alternative, Proposal
from addon.proposals.reasons import DOUBTS, Reason
from addon.proposals.rules import RuleProposer
from addon.proposals.selectors import SelectorDraft
from addon.proposals.vocabulary import Role
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Connection, SchoolUnit, Selector
from addon.vendors.profiles import Vendor
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.class_rules import Replacement, replacements
from addon.web.presenters.proposals import (
    Claim,
    State,
    accepted_selection,
    chosen_by,
    has_places,
    selection_of,
)
from addon.web.presenters.school_unit import PeopleBreakdown
from addon.web.presenters.selection_preview import VendorRemoval, preview_selection
from addon.web.version_token import value_hash

FACTS = frozenset({"classes", "teaching-groups", "school-years"})
"""The reasons that are shown as what the unit gets."""
ELSEWHERE = frozenset({"same-people"})
"""The reasons that are told by `ProposalRow.claims`, which knows the saved selections too."""


class Picks(Struct, frozen=True):
    """The form's choices: numbers of alternatives by unit and role."""

    students: Mapping[str, int] = {}
    staff: Mapping[str, int] = {}


class ProposalImpact(Struct, frozen=True):
    """What vendors that are on would lose by a proposal: people, and classes and groups."""

    removals: tuple[VendorRemoval, ...] = ()
    replacements: tuple[Replacement, ...] = ()


class ProposalRow(Struct, frozen=True):
    """One unit: what would be set up with the chosen alternatives, and its state.

    `people` are those who would be sent, and `not_sent` is how many more it would choose who cannot
    be. `claims` are the units that have some of its students too.
    """

    unit: SchoolUnit
    proposal: Proposal
    state: State
    ceased: bool
    students: tuple[Alternative, ...]
    staff: tuple[Alternative, ...]
    people: PeopleBreakdown
    not_sent: int = 0
    student_pick: int | None = None
    staff_pick: int | None = None
    claims: tuple[Claim, ...] = ()
    loss: ProposalImpact = ProposalImpact()

    @property
    def doubts(self) -> list[Reason]:
        """The reasons that an administrator must judge."""
        told = DOUBTS - ELSEWHERE
        return [reason for reason in self.proposal.reasons if reason.code in told]

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
    def picked(self) -> bool:
        """Whether another place than the proposed one is chosen."""
        return self.student_pick is not None or self.staff_pick is not None

    @property
    def same(self) -> bool:
        """Whether the unit already is as proposed."""
        return selection_of(self.unit) == accepted_selection(self.unit, self.proposal)

    @property
    def replaces(self) -> bool:
        """Whether accepting it would replace something that an administrator has chosen."""
        return self.state == "done" and not self.same and not self.empty

    @property
    def empty(self) -> bool:
        """Whether there is nobody to accept."""
        return not (self.proposal.students_reached or self.proposal.staff_reached)

    @property
    def where(self) -> tuple[Selector, ...]:
        """The selectors of the students and the staff that have places."""
        both = (self.proposal.students, self.proposal.staff)
        return tuple(selector for selector in both if has_places(selector))


def altered(
    index: DirectoryIndex, proposal: Proposal, students: Selector | None, staff: Selector | None
) -> tuple[Proposal, PeopleBreakdown]:
    """Return the proposal with other selectors and rules that fit, and whom it chooses."""
    chosen = structs.replace(
        proposal,
        students=students or proposal.students,
        staff=staff or proposal.staff,
        classes=None,
        teaching_groups=None,
        school_year=None,
    )
    people = chosen_by(index, chosen)
    draft = SelectorDraft(
        students=chosen.students,
        staff=chosen.staff,
        pupils=people.students,
        adults=people.staff,
        reasons=(),
        confidence=proposal.confidence,
    )
    rules = RuleProposer(index, {proposal.code: draft}).rules(chosen.school_unit())
    made = structs.replace(
        chosen,
        classes=rules.classes,
        teaching_groups=rules.teaching_groups,
        school_year=rules.school_year,
        class_names=rules.class_names,
        reasons=rules.reasons,
        students_reached=len(people.students),
        staff_reached=len(people.staff),
    )
    return made, people


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
            directory, vendors, newest_run, changed, chosen_by(directory.index, line.proposal)
        ),
    )


def alternatives_of(proposal: Proposal, role: Role) -> tuple[Alternative, ...]:
    """Return the alternative selectors for a role, in the order of their numbers."""
    return tuple(each for each in proposal.alternatives if each.role == role)
