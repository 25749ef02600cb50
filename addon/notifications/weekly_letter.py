"""Send administrators who want it a letter each Monday about the week that has been, once.

It is claimed in the store before it is sent, as the notices of a pause are, so that two tasks at
the same time send one. What is kept of a sent letter are the numbers that the next one compares
with; both are one item, written when the message has been handed over.
"""

import logging
from collections import Counter
from collections.abc import Sequence

import msgspec

from addon.notifications.mailer import Mailer, MailError
from addon.notifications.message import render_message
from addon.notifications.week import (
    State,
    Week,
    changed_units,
    due_week,
    improvements,
    newest_part,
    state_of,
    vendors_of,
)
from addon.planning.protected_set import ProtectedSet
from addon.roster.placements import Placements
from addon.store.base import RUNS_KEPT
from addon.store.records import Namespace, RunRecord
from addon.sync.context import SyncContext, ledger_key
from addon.sync.known_findings import load_known as load_marks
from addon.sync.known_placements import load_known
from addon.tenants.model import Tenant
from addon.tenants.pause import current_pause
from addon.vendors.profiles import vendor_name

log = logging.getLogger(__name__)

CLAIMED = 15 * 60.0
"""Seconds until the claim of a letter that was never sent expires."""
KEPT = 60 * 24 * 3600.0
"""Seconds until the numbers of a sent letter expire."""
SENDING = b"sending"
MOST_UNITS = 20
"""How many school units a letter tells of; the others are counted."""


def weekly_letter_due(tenant: Tenant, now: float) -> Week | None:
    """Return the week that the tenant's administrators are to be written to about, or None.

    In a pause there is no letter: nothing is read or sent.
    """
    notices = tenant.notices
    if notices.weekly is None or not notices.email or current_pause(tenant, now) is not None:
        return None
    return due_week(now)


def tell_of_week(context: SyncContext, mail: Mailer, tenant: Tenant) -> int:
    """Send the letter that is due unless it has been sent; return how many messages were sent.

    Raises StoreError. A message that could not be sent is logged, and tried again the next time.
    """
    now = context.clock()
    week = weekly_letter_due(tenant, now)
    if week is None:
        return 0
    namespace = Namespace("notices", tenant.customer_id)
    if not context.store.put_if_absent(namespace, week.name, SENDING, now, now + CLAIMED):
        return 0
    runs = context.store.runs(tenant.customer_id, RUNS_KEPT)
    state = _state(context, tenant, runs)
    values = letter_values(context, tenant, week, runs, state, _earlier(context, tenant, week))
    message = render_message(
        tenant.notices.email,
        subject(week, state),
        "week",
        id=f"{week.name}.{tenant.customer_id}",
        **values,
    )
    try:
        mail.send(message)
    except MailError as error:
        log.warning("a weekly letter was not sent, and is tried again: %s", error)
        context.store.delete(namespace, week.name)
        return 0
    kept = msgspec.json.encode(state)
    context.store.put(namespace, week.name, kept, now, now + KEPT)
    log.info("a weekly letter was sent: %s", week.name)
    return 1


def subject(week: Week, state: State) -> str:
    """Return the subject: the week, and how much waits."""
    number = state.waits
    if not number:
        return f"Skolsynk vecka {week.number}: inget väntar på er"
    return (
        f"Skolsynk vecka {week.number}: {number} {'sak' if number == 1 else 'saker'} väntar på er"
    )


def letter_values(
    context: SyncContext,
    tenant: Tenant,
    week: Week,
    runs: Sequence[RunRecord],
    state: State,
    was: State | None,
) -> dict[str, object]:
    """Return what the letter's templates say, in numbers and names of vendors and school units."""
    settings = context.settings
    vendors = vendors_of(tenant, runs, week)
    names = {each.vendor: vendor_name(settings.vendors, each.vendor) for each in vendors}
    names |= {c.vendor: vendor_name(settings.vendors, c.vendor) for c in tenant.connections}
    units = () if was is None else changed_units(tenant.unit_names, state, was)
    failing = [newest_part(runs, c) for c in tenant.connections if c.vendor in state.failing]
    oldest = runs[-1] if len(runs) >= RUNS_KEPT else None
    return {
        "organisation": tenant.organisation.name,
        "week": week,
        "now": state,
        "was": State() if was is None else was,
        "better": () if was is None else tuple(improvements(state, was, tenant)),
        "vendors": vendors,
        "names": names,
        "apart": tenant.notices.weekly == "vendors",
        "units": units[:MOST_UNITS],
        "more_units": max(0, len(units) - MOST_UNITS),
        "failed_runs": {part.vendor: run.id for run, part in filter(None, failing)},
        "ran": any(week.has(run.finished or run.started) for run in runs),
        "cut": oldest is not None and oldest.started > week.begins,
        "runs_kept": RUNS_KEPT,
        "url": settings.web.url,
        "contact": settings.web.contact,
    }


def _state(context: SyncContext, tenant: Tenant, runs: Sequence[RunRecord]) -> State:
    """Return the tenant's state: from its runs, and a few items of the store."""
    store, tenant_id, now = context.store, tenant.customer_id, context.clock()
    known = load_known(store, tenant_id, now)
    held = {}
    for connection in tenant.connections:
        key, found = ledger_key(tenant_id, connection), newest_part(runs, connection)
        if key is not None and found is not None and found[1].status == "held":
            hold = store.hold(key)
            if hold is not None and hold.waits and not hold.refused:
                held[connection.vendor] = len(hold.people)
    return state_of(
        tenant,
        runs,
        Placements() if known is None else known.placements,
        held,
        Counter(mark.code for mark in load_marks(store, tenant_id, now).values()),
        store.protected_set(tenant_id) or ProtectedSet(),
    )


def _earlier(context: SyncContext, tenant: Tenant, week: Week) -> State | None:
    """Return what the letter of the week before said, or None if there was none."""
    namespace = Namespace("notices", tenant.customer_id)
    item = context.store.get(namespace, week.before.name, context.clock())
    if item is None or item.data == SENDING:
        return None
    try:
        return msgspec.json.decode(item.data, type=State)
    except msgspec.MsgspecError:  # of another version: as if there was none
        return None
