"""Keeps each tenant's channels of notifications: makes, renews and stops them.

One channel for each kind, renewed when half the life that Google granted has passed: the new one is
made first, then the old one stopped. What fails is tried again within a minute; what Google
refuses is tried again after twice the time each time, up to a day.
"""

import logging
import uuid
from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from addon.directory.channel_tokens import ChannelTokens
from addon.directory.google.channels import LONGEST_LIFE, ChannelRequest, WatchOutcome
from addon.directory.push_state import (
    AUDIT_APPLICATIONS,
    UNWANTED_FOR,
    USER_EVENTS,
    ProblemCode,
    PushChannel,
    PushState,
    due_after,
    plan_channels,
    refusals_after,
    without_ended,
)
from addon.settings import Settings
from addon.store.base import StoreError
from addon.sync.context import (
    NotFoundError,
    SyncContext,
    load_tenant_or_raise,
    load_tenant_with_licence,
)
from addon.tenants.document import DocumentError
from addon.tenants.licence import LicenceRecord
from addon.tenants.model import Tenant

log = logging.getLogger(__name__)

PATH = "/push/google"
"""Where notices are sent, below the public address."""
KEEPS_FOR = 60.0
"""Seconds for which a process has the channels of a tenant to itself."""


class WantedChannels(Struct, frozen=True):
    """The kinds of channels that a tenant shall have, at an address."""

    kinds: tuple[str, ...] = ()
    address: str = ""


def wanted_channels(settings: Settings, tenant: Tenant, licence: LicenceRecord) -> WantedChannels:
    """Return what the tenant shall have: channels where a connection is on, unless it has left."""
    on = any(connection.mode != "off" for connection in tenant.connections)
    if not settings.push or settings.web.url is None or not on or licence.farewell:
        return WantedChannels()
    kinds = USER_EVENTS + (AUDIT_APPLICATIONS if settings.audit_watch else ())
    return WantedChannels(kinds, settings.web.url + PATH)


def keep_channels(context: SyncContext, tenant_id: str, tokens: ChannelTokens) -> float:
    """Make, renew and stop the tenant's channels; return when they must be looked at again.

    Nothing is asked of Google while all is as it should be, or another process does the same.
    Raises NotFoundError and StoreError.
    """
    store, now = context.store, context.clock()
    tenant, licence = load_tenant_with_licence(store, tenant_id)
    wanted = wanted_channels(context.settings, tenant, licence)
    requests: list[ChannelRequest] = []
    taken_by_other: list[float] = []

    def begin(known: PushState | None) -> PushState | None:
        known = _without_ended(known or PushState(), now)
        requests.clear()
        taken_by_other.clear()
        if now < known.keeping <= now + KEEPS_FOR:
            taken_by_other.append(known.keeping)
            return known
        early = not 0 < known.due <= now  # at the start, or since the document was saved
        plan = plan_channels(known, wanted.kinds, wanted.address, tokens.name, now, early)
        if not (plan.make or plan.stop):
            return _looked(known, wanted, tokens, now)
        pending = [_new_channel(kind, wanted.address, tokens.name, now) for kind in plan.make]
        requests.extend(ChannelRequest(c, tokens.token(tenant_id, c.id)) for c in pending)
        return structs.replace(known, channels=(*known.channels, *pending), keeping=now + KEEPS_FOR)

    state = store.update_push_state(tenant_id, begin)
    assert state is not None
    if taken_by_other:
        return taken_by_other[0]
    if state.keeping <= now:
        return state.due
    outcomes = context.watch_changes(tenant, requests)
    state = store.update_push_state(tenant_id, lambda known: _with_outcomes(known, outcomes, now))
    old = _old_ones(state or PushState(), wanted, tokens, now)
    stopped = context.stop_channels(tenant, old) if old else frozenset()
    state = store.update_push_state(
        tenant_id,
        lambda known: _looked(_without(known or PushState(), stopped), wanted, tokens, now),
    )
    _log_outcomes(tenant_id, outcomes, len(stopped))
    return now if state is None else state.due


def stop_all_channels(context: SyncContext, tenant: Tenant) -> None:
    """Stop the tenant's channels and forget them and all marks, whatever Google says.

    Raises StoreError.
    """
    state = context.store.push_state(tenant.customer_id)
    if state is None:
        return
    now = context.clock()
    live = [channel for channel in state.channels if channel.resource and channel.is_live(now)]
    if live:
        context.stop_channels(tenant, live)
    gone = PushState(looked=now, due=now + UNWANTED_FOR)
    context.store.update_push_state(tenant.customer_id, lambda known: gone)


def _new_channel(kind: str, address: str, key: str, now: float) -> PushChannel:
    """Return a channel that Google has not granted yet."""
    return PushChannel(str(uuid.uuid4()), kind, address, key, now, now + LONGEST_LIFE)


def _old_ones(
    state: PushState, wanted: WantedChannels, tokens: ChannelTokens, now: float
) -> Sequence[PushChannel]:
    return plan_channels(state, wanted.kinds, wanted.address, tokens.name, now).stop


def _with_outcomes(
    known: PushState | None, outcomes: Mapping[str, WatchOutcome], now: float
) -> PushState:
    """Return the state with the channels that Google granted, without those that it did not."""
    known = known or PushState()
    kinds = {channel.id: channel.kind for channel in known.channels}
    asked: dict[str, ProblemCode] = {
        kinds[key]: "" if isinstance(outcome, PushChannel) else outcome
        for key, outcome in outcomes.items()
        if key in kinds
    }
    channels = []
    for channel in known.channels:
        outcome = outcomes.get(channel.id, channel)
        if isinstance(outcome, PushChannel):
            channels.append(outcome)
    problems = {**known.problems, **asked}
    known = structs.replace(known, channels=tuple(channels))
    return structs.replace(
        known,
        problems={kind: problem for kind, problem in problems.items() if problem},
        refused=refusals_after(known, asked, now),
    )


def _without(known: PushState, stopped: frozenset[str]) -> PushState:
    channels = tuple(channel for channel in known.channels if channel.id not in stopped)
    return structs.replace(known, channels=channels)


def _without_ended(known: PushState, now: float) -> PushState:
    return structs.replace(known, channels=without_ended(known.channels, now))


def _looked(
    known: PushState, wanted: WantedChannels, tokens: ChannelTokens, now: float
) -> PushState:
    """Return the state after its channels were looked at: with when that must be done again."""
    problems = {kind: code for kind, code in known.problems.items() if kind in wanted.kinds}
    refused = {kind: each for kind, each in known.refused.items() if kind in wanted.kinds}
    known = structs.replace(known, looked=now, keeping=0.0, problems=problems, refused=refused)
    due = due_after(known, wanted.kinds, wanted.address, tokens.name, now)
    return structs.replace(known, due=due)


def _log_outcomes(tenant: str, outcomes: Mapping[str, WatchOutcome], stopped: int) -> None:
    made = sum(isinstance(outcome, PushChannel) for outcome in outcomes.values())
    log.info("channels: %d made, %d stopped", made, stopped, extra={"tenant": tenant})
    problems = {str(o) for o in outcomes.values() if not isinstance(o, PushChannel)}
    if problems:
        text = ", ".join(sorted(problems))
        log.warning("Google gives no notifications (%s)", text, extra={"tenant": tenant})


def forget_notifications(context: SyncContext, tenant_id: str) -> None:
    """Stop the channels of a tenant that is deleted or has left; a failure is only logged."""
    try:
        stop_all_channels(context, load_tenant_or_raise(context.store, tenant_id))
    except (StoreError, NotFoundError, DocumentError) as error:
        log.warning("the channels were not stopped: %s", type(error).__name__)


def resume_notifications(context: SyncContext, tenant_id: str) -> None:
    """Have channels asked for at once: of a tenant that was not deleted after all, or on request.

    Raises StoreError.
    """

    def due(known: PushState | None) -> PushState | None:
        return None if known is None else structs.replace(known, due=0.0, refused={})

    context.store.update_push_state(tenant_id, due)
