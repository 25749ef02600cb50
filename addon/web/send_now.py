"""A person's request that one person is sent at once, under the rules of every run.

Where Google notifies of changes, their account alone is read; the run sends what waits to be sent.
Where it does not, the whole directory is read.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from addon.directory.push_state import ChangeMark
from addon.store.records import Namespace
from addon.sync.change_marks import mark_changes
from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import request_person, request_run
from addon.tenants.pause import current_pause
from addon.web.directory.cache import TenantDirectory
from addon.web.request_context import RequestContext
from addon.web.translation import gettext_str as _

SAME_PERSON = 60.0
"""Seconds for which a person is not sent again: so often a tenant's runs begin at most."""
MOST = 10
"""How many people are sent so in that time; for more there is a run."""

SendProblem = Literal["", "paused", "all off", "excepted", "not chosen", "not selected"]


class SendRefused(Struct, frozen=True):
    """Why nobody is sent, as a sentence."""

    text: str


def send_problem(ctx: RequestContext, directory: TenantDirectory, user_id: str) -> SendProblem:
    """Return why a person cannot be sent now, "" if they can be. Raises StillComputing."""
    if current_pause(ctx.tenant, ctx.now) is not None:
        return "paused"
    on = [c for c in ctx.tenant.connections if c.mode != "off"]
    if not on:
        return "all off"
    rosters = directory.prepared.vendor_rosters
    if any(user_id in rosters[c.vendor].people for c in on if c.vendor in rosters):
        return ""
    if any(user_id in c.exceptions.users for c in on):
        return "excepted"
    return "not chosen" if user_id in directory.prepared.roster.people else "not selected"


def problem_text(problem: SendProblem) -> str:
    """Return why a person cannot be sent now, as a sentence."""
    texts: dict[SendProblem, str] = {
        "paused": _("Det är paus, så inget skickas nu."),
        "all off": _("Ingen leverantör är på, så inget skickas."),
        "excepted": _("Personen är undantagen, så inget skickas om personen."),
        "not chosen": _("Personens skolenhet går inte till någon leverantör som är på."),
        "not selected": _("Personen skickas inte, så det finns inget att skicka nu."),
    }
    return texts.get(problem, "")


def request_send_now(ctx: RequestContext, user_id: str) -> SendRefused | None:
    """Request that a person is sent; return None when that is done. Raises StoreError."""
    space = Namespace("send-now", ctx.tenant_id)
    if _is_too_many(ctx.store.list_names(space, ctx.now), user_id):
        return SendRefused(
            _("Många har skickats en och en den senaste minuten. Vänta lite, eller kör allt nu.")
        )
    until = ctx.now + SAME_PERSON
    if not ctx.store.put_if_absent(space, user_id, b"", ctx.now, until):
        return SendRefused(_("Personen skickades för mindre än en minut sedan. Vänta lite."))
    try:
        _enqueue(ctx, user_id)
    except TaskQueueError:
        ctx.store.delete(space, user_id)
        return SendRefused(_("Det gick inte att börja skicka just nu. Försök igen om en stund."))
    ctx.append_audit("person.sent", user_id)
    return None


def _is_too_many(names: Sequence[str], user_id: str) -> bool:
    return user_id not in names and len(names) >= MOST


def _enqueue(ctx: RequestContext, user_id: str) -> None:
    """Enqueue the run. Google's id is marked in the store, so that it is in no task."""
    store, queue = ctx.store, ctx.services.queue()
    if not ctx.sync_context.settings.push or store.push_state(ctx.tenant_id) is None:
        request_run(queue, ctx.tenant_id, ctx.now)
        return
    mark = ChangeMark(frozenset({user_id}), last=ctx.now)
    mark_changes(store, ctx.tenant_id, mark)
    request_person(queue, ctx.tenant_id, ctx.now)
