"""The summer pause that is proposed to a tenant without one."""

from addon.school_register.municipalities import municipality_named
from addon.tenants.model import Tenant
from addon.tenants.pause import today
from addon.tenants.summer_pause import PauseProposal, proposed_pause


def pause_proposal(tenant: Tenant, now: float) -> PauseProposal | None:
    """Return the proposal, or None while the tenant has a pause that is not over."""
    day, pause = today(now), tenant.schedule.pause
    if pause is not None and day <= pause.until:
        return None
    return proposed_pause(day, municipality_named(tenant.organisation.name))


def timely_pause_proposal(tenant: Tenant, now: float) -> PauseProposal | None:
    """Return the proposal if it is time to plan the pause and none of the summer's is over."""
    found = pause_proposal(tenant, now)
    if found is None or not found.is_time(today(now)):
        return None
    pause = tenant.schedule.pause
    ended = pause is not None and pause.until >= found.last_day
    return None if ended else found
