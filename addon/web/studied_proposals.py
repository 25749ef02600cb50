"""What is proposed for the units of a request's tenant, from the register and the directory."""

from collections.abc import Iterable, Mapping

from addon.proposals.declined import DeclinedPlace, declined_part
from addon.proposals.model import Proposal
from addon.proposals.propose import propose
from addon.proposals.vocabulary import Role
from addon.school_register.model import ACTIVE, RegisterUnit
from addon.sync.proposal_answers import ProposalAnswers, load_answers, save_answers
from addon.tenants.model import SchoolUnit, Selector
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.proposals import ProposalsView, proposals_view
from addon.web.presenters.selection_preview import unsendable
from addon.web.request_context import RequestContext
from addon.web.version_token import value_hash


def answers_of(ctx: RequestContext) -> ProposalAnswers:
    """Return what the tenant's administrators have answered. Raises StoreError."""
    return load_answers(ctx.store, ctx.tenant_id, ctx.now)


def study(ctx: RequestContext) -> ProposalsView:
    """Return what could be set up for each unit.

    Raises DirectoryNotRead, StillComputing and StoreError.
    """
    directory, tenant, answers = ctx.directory, ctx.tenant, answers_of(ctx)
    index, codes = directory.index, [unit.code for unit in tenant.school_units]
    statuses = ctx.services.register().statuses(ctx.tenant_id, codes)
    units = [_registered(unit, statuses) for unit in tenant.school_units]
    found = directory.get_or_compute_for_any_document(
        DirectoryResult.PROPOSALS,
        lambda: propose(index, units, tenant, answers.declined),
        value_hash((tenant.organisation.name, units, answers.declined)),
    )
    cannot = unsendable(directory)
    return directory.get_or_compute(
        DirectoryResult.PROPOSALS_VIEW,
        lambda: proposals_view(index, found, units, tenant, answers, cannot),
        value_hash((units, answers)),
    )


def group_addresses(ctx: RequestContext) -> list[str]:
    """Return the addresses of the directory's groups; none while it is not read."""
    found = ctx.from_directory(lambda directory: [g.email for g in directory.index.groups])
    return found or []


def decline_departures(
    ctx: RequestContext, made: Iterable[tuple[Proposal, Mapping[Role, Selector]]]
) -> None:
    """Remember as declined what proposals have and the selectors that were saved instead lack.

    Raises StoreError.
    """
    places = [
        DeclinedPlace(proposal.code, role, part)
        for proposal, saved in made
        for role, selector in saved.items()
        if (part := declined_part(_of(proposal, role), selector)) is not None
    ]
    if places:
        save_answers(ctx.store, ctx.tenant_id, answers_of(ctx).declining(places), ctx.now)


def _of(proposal: Proposal, role: Role) -> Selector:
    return proposal.students if role == "students" else proposal.staff


def _registered(unit: SchoolUnit, statuses: Mapping[str, str]) -> RegisterUnit:
    status = statuses.get(unit.code, ACTIVE)
    return RegisterUnit(unit.code, unit.name, status, unit.municipality_code, unit.school_types)
