"""The status of a tenant's connections: last run, holds, failures and configuration."""

import time
from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, structs

from addon.delivery.response import answered
from addon.directory.push_state import REFUSALS, USER_EVENTS, PushState
from addon.planning.ledger import Ledger, LedgerKey
from addon.planning.protected_set import ProtectedSet
from addon.settings import Settings
from addon.store.base import Store
from addon.store.records import RunRecord
from addon.store.unit_claims import delivered_for_others
from addon.sync.channels import wanted_channels
from addon.sync.context import SecretSource, ledger_key, load_tenant_or_raise, resolve_target
from addon.sync.farewell_notices import Unwritten, unwritten
from addon.sync.licence import came_by_hand
from addon.sync.protected_set import load_protection
from addon.sync.report import ConnectionReport, HoldReport, as_printed, stored_report
from addon.tenants.licence import DAY
from addon.tenants.model import Connection, Pause, Tenant
from addon.tenants.pause import current_pause
from addon.vendors.profiles import NotConfigured


class RunStatus(Struct, frozen=True):
    """A summary of a run. Times are seconds since 1970 UTC."""

    run: str
    status: str
    started: float
    finished: float | None
    detail: str = ""


class RefusedStatus(Struct, frozen=True, rename="camel"):
    """A resource that the vendor refuses, with its message."""

    operation: str
    resource_type: str
    external_id: str
    http_status: int
    detail: str
    since: float


class LastReport(ConnectionReport, frozen=True, kw_only=True):
    """A connection's part of the run `run`, which ended at `finished`: seconds since 1970 UTC."""

    run: str
    finished: float | None


class ConnectionSummary(Struct, frozen=True, rename="camel"):
    """A connection's state in its mode.

    `resources` is how many resources the vendor has acknowledged, `uncertain` how many it must be
    asked about, `refused` those that it refuses. `problem` says what must be configured before
    the connection can run. `last` is the connection's part of the last run that had one.
    """

    vendor: str
    mode: str
    resources: int
    uncertain: int
    refused: tuple[RefusedStatus, ...]
    hold: HoldReport | None
    problem: str | None
    last: LastReport | None


class LeftBehind(Struct, frozen=True):
    """Resources of the tenant at a vendor that no connection keeps up to date."""

    vendor: str
    mode: str
    resources: int
    advice: str


class ProtectedStatus(Struct, frozen=True):
    """How many people are protected, of how many the protection has ended, and how many wait.

    Those whose protection has `ended` are not sent until a person releases them. `pending` became
    protected beyond the limit in one step, and wait for a person too; `confirmed` is whether a
    person has confirmed all of them.
    """

    people: int
    ended: int = 0
    pending: int = 0
    confirmed: bool = False


class LicenceStatus(Struct, frozen=True):
    """The tenant's licence in the Marketplace.

    `state` is `active`, `unlicensed`, `farewell` (nothing is read or sent any more), `by hand` (the
    access was not given by the Marketplace), `unknown` (no answer yet) or `not asked`. `since` is
    when that began (seconds since 1970 UTC), None if it never did.
    `problem` is a code of why the last time there was no answer. `ends` is when what vendors have
    is to be withdrawn, and `unwritten` who has not been written to of a farewell, and why.
    """

    state: str
    since: float | None
    problem: str | None = None
    ends: float | None = None
    unwritten: tuple[Unwritten, ...] = ()


class PushStatus(Struct, frozen=True):
    """Whether Google notifies us of the tenant's changes.

    `until` is when the first of the channels ends (seconds since 1970 UTC). `problem` is a code of
    docs/push.md; that of groups and OUs alone begins with `audit-`, and leaves the state on.
    `again` is when Google, which has refused, is asked again.
    """

    state: Literal["on", "off", "refused"]
    until: float | None = None
    problem: str | None = None
    again: float | UnsetType = UNSET


class UnitElsewhere(Struct, frozen=True):
    """A school unit of the document that is not delivered, since `tenant` had its code first."""

    code: str
    tenant: str


class TenantStatus(Struct, frozen=True, rename="camel"):
    """The status of a tenant. `pause` is the current pause, in which nothing runs."""

    tenant: str
    last_run: RunStatus | None
    connections: tuple[ConnectionSummary, ...]
    left_behind: tuple[LeftBehind, ...]
    pause: Pause | None = None
    protected: ProtectedStatus = ProtectedStatus(0)
    licence: LicenceStatus = LicenceStatus("not asked", None)
    push: PushStatus = PushStatus("off")
    units_elsewhere: tuple[UnitElsewhere, ...] = ()


def status(
    settings: Settings,
    store: Store,
    tenant_id: str,
    secrets: SecretSource | None = None,
    now: float | None = None,
) -> TenantStatus:
    """Return the tenant's status at `now` (seconds since 1970 UTC).

    Raises NotFoundError and StoreError.
    """
    tenant = load_tenant_or_raise(store, tenant_id)
    runs = store.runs(tenant_id)
    connections = tuple(
        _connection(settings, store, runs, tenant_id, c, secrets) for c in tenant.connections
    )
    in_use = {ledger_key(tenant_id, c) for c in tenant.connections}
    left = tuple(
        LeftBehind(key.vendor, key.mode, resources, _advice(settings, key))
        for key, resources, _ in store.ledgers(tenant_id)
        if key not in in_use and resources
    )
    last = (
        RunStatus(runs[0].id, runs[0].status, runs[0].started, runs[0].finished, runs[0].detail)
        if runs
        else None
    )
    now = time.time() if now is None else now
    pause = current_pause(tenant, now)
    licence = _licence(settings, store, tenant, now)
    protected = _protected(load_protection(store, tenant_id))
    push = push_status(settings, store, tenant, now)
    elsewhere = tuple(
        UnitElsewhere(*each) for each in delivered_for_others(store, tenant, now).items()
    )
    return TenantStatus(
        tenant_id, last, connections, left, pause, protected, licence, push, elsewhere
    )


def push_status(settings: Settings, store: Store, tenant: Tenant, now: float) -> PushStatus:
    """Return whether Google notifies us of the tenant's changes. Raises StoreError."""
    if not settings.push:
        return PushStatus("off")
    wanted = wanted_channels(settings, tenant, store.licence(tenant.customer_id)).kinds
    state = store.push_state(tenant.customer_id) or PushState()
    if not wanted:
        return PushStatus("off")
    live = [c for c in state.channels if c.resource and c.is_live(now) and c.kind in USER_EVENTS]
    until = min((channel.expires for channel in live), default=None)
    found = [state.problems[kind] for kind in USER_EVENTS if state.problems.get(kind)]
    if {channel.kind for channel in live} == set(USER_EVENTS):
        audit = [code for kind, code in state.problems.items() if kind not in USER_EVENTS and code]
        problem = found[0] if found else f"audit-{audit[0]}" if audit else None
        return PushStatus("on", until, problem)
    if any(code in REFUSALS for code in found):
        waiting = [each.again for kind, each in state.refused.items() if kind in USER_EVENTS]
        again = min(waiting, default=now)
        problem = next(code for code in found if code in REFUSALS)
        return PushStatus("refused", until, problem, max(now, again))
    return PushStatus("off", until, found[0] if found else None)


def _protected(known: ProtectedSet) -> ProtectedStatus:
    return ProtectedStatus(
        people=len(known.ids),
        ended=len(known.ended),
        pending=len(known.pending),
        confirmed=bool(known.pending) and known.pending <= known.confirmed,
    )


def _licence(settings: Settings, store: Store, tenant: Tenant, now: float) -> LicenceStatus:
    record = store.licence(tenant.customer_id)
    if settings.marketplace_app is None and not record.farewell:
        return LicenceStatus("not asked", None)
    state: str = record.name
    if not record.farewell and came_by_hand(store, tenant.customer_id, record, now):
        return LicenceStatus("by hand", record.since)
    ends = record.farewell + settings.farewell_days * DAY if record.farewell else None
    missed = unwritten(settings, store, tenant, record, now)
    return LicenceStatus(state, record.began or None, record.problem or None, ends, missed)


def _connection(
    settings: Settings,
    store: Store,
    runs: Sequence[RunRecord],
    tenant_id: str,
    connection: Connection,
    secrets: SecretSource | None,
) -> ConnectionSummary:
    key = ledger_key(tenant_id, connection)
    ledger = store.ledger(key) if key is not None else Ledger()
    hold = store.hold(key) if key is not None else None
    target = resolve_target(settings, connection, secrets) if key is not None else None
    uncertain = sum(e.is_pending for entries in ledger.entries.values() for e in entries.values())
    return ConnectionSummary(
        vendor=connection.vendor,
        mode=connection.mode,
        resources=len(ledger) - uncertain,
        uncertain=uncertain,
        refused=tuple(
            RefusedStatus(r.operation, t, i, r.status, r.detail or answered(r.status), r.at)
            for t, i, r in ledger.refused()
        ),
        hold=None if hold is None or not hold.waits else HoldReport(len(hold.people), hold.reason),
        problem=str(target) if isinstance(target, NotConfigured) else None,
        last=_last(runs, connection.vendor),
    )


def _last(runs: Sequence[RunRecord], vendor: str) -> LastReport | None:
    for run in runs:
        for part in stored_report(run).connections:
            if part.vendor == vendor:
                printed = structs.asdict(as_printed(part))
                return LastReport(**printed, run=run.id, finished=run.finished)
    return None


def _advice(settings: Settings, key: LedgerKey) -> str:
    if key.vendor not in settings.vendors:
        return (
            "The vendor is no longer among the vendor profiles. Put its profile back and "
            f"`withdraw {key.tenant} --vendor {key.vendor}`, or ask the vendor to remove it."
        )
    return (
        "Nothing keeps this up to date. Turn the connection on in this mode, or "
        f"`withdraw {key.tenant} --vendor {key.vendor}`."
    )
