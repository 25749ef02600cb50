"""What would be set up for each unit, as values that a program can read. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from addon.proposals.confidence import Confidence
from addon.proposals.declined import DeclinedPlace
from addon.proposals.model import Proposal, UnitToPropose
from addon.proposals.propose import propose
from addon.proposals.rule_outcome import outcome
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.tenants.model import GroupRule, GroupRules, Selector, Tenant, YearRule


class ProposedCounts(Struct, frozen=True, rename="camel"):
    """How many people and classes a proposal gives, and how many students lack something."""

    students: int = 0
    staff: int = 0
    classes: int = 0
    without_class: int = 0
    several_classes: int = 0
    without_school_year: int = 0


class ProposedUnit(Struct, frozen=True, rename="camel"):
    """What would be set up for one school unit, in the tenant document's form.

    A selector or rule is None if nothing is proposed. `reasons` have a code and its values
    (`addon.proposals.reasons.CODES`).
    """

    code: str
    name: str
    confidence: Confidence
    students: Selector | None
    staff: Selector | None
    classes: GroupRules | None
    teaching_groups: GroupRule | None
    school_year: YearRule | None
    counts: ProposedCounts
    class_names: tuple[str, ...]
    reasons: tuple[dict[str, Any], ...]


class ProposedTenant(Struct, frozen=True, rename="camel"):
    """What would be set up for each school unit of a tenant's document, in its order."""

    tenant: str
    school_units: tuple[ProposedUnit, ...]


def proposed_tenant(
    index: DirectoryIndex,
    units: Sequence[UnitToPropose],
    tenant: Tenant,
    declined: Iterable[DeclinedPlace] = (),
) -> ProposedTenant:
    """Return what `addon.proposals.propose.propose` proposes for the units."""
    found = propose(index, units, tenant, declined)
    return ProposedTenant(
        tenant.customer_id, tuple(_proposed_unit(index, each) for each in found.proposals)
    )


def _proposed_unit(index: DirectoryIndex, proposal: Proposal) -> ProposedUnit:
    return ProposedUnit(
        code=proposal.code,
        name=proposal.name,
        confidence=proposal.confidence,
        students=_or_none(proposal.students),
        staff=_or_none(proposal.staff),
        classes=proposal.classes,
        teaching_groups=proposal.teaching_groups,
        school_year=proposal.school_year,
        counts=_counts(index, proposal),
        class_names=proposal.class_names,
        reasons=tuple({"code": r.code, **dict(r.values)} for r in proposal.reasons),
    )


def _or_none(selector: Selector) -> Selector | None:
    return selector if selector.org_units or selector.groups else None


def _counts(index: DirectoryIndex, proposal: Proposal) -> ProposedCounts:
    staff = choose(proposal.staff, index).chosen
    students = choose(proposal.students, index).chosen - staff
    unit = proposal.school_unit()
    classes = years = None
    if proposal.classes is not None:
        classes = outcome(index, students, staff, proposal.classes, unit, brief=True)
    if proposal.school_year is not None:
        years = outcome(index, students, staff, proposal.school_year, unit, brief=True)
    return ProposedCounts(
        students=len(students),
        staff=len(staff),
        classes=0 if classes is None else len(classes.found),
        without_class=len(students) if classes is None else len(classes.without),
        several_classes=0 if classes is None else len(classes.several),
        without_school_year=(
            len(students) if years is None else len(years.without) + len(years.out_of_range)
        ),
    )
