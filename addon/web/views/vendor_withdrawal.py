"""Withdrawal from a vendor: everything the tenant has there is removed."""

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import request_withdrawal
from addon.tenants.model import Mode
from addon.web.request_context import RequestContext, request_context
from addon.web.views.vendor_common import (
    connection_to,
    known_vendor,
    people_there,
    problem_in,
    with_settings,
)

MODES: tuple[Mode, ...] = ("live", "test")


bp = Blueprint("vendor_withdrawal", __name__)


@bp.get("/leverantorer/<vendor>/avveckla")
def page(vendor: str) -> str:
    """Show the consequences of removing everything at the vendor."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    return _page(ctx, vendor)


@bp.post("/leverantorer/<vendor>/avveckla")
def save(vendor: str) -> str | AnyResponse | tuple[str, int]:
    """Request the removal, when the vendor's name was typed as confirmation."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    name, typed = ctx.vendor_name(vendor), request.form.get("name", "").strip()
    there = people_there(ctx, vendor)
    problems = _problems(ctx, vendor, there)
    if len(problems) == len(there):  # also when there is nothing to remove
        return _page(ctx, vendor, typed), 400
    if typed.casefold() != name.casefold():
        wrong = _("Skriv leverantörens namn, %(vendor)s, för att bekräfta.", vendor=name)
        return _page(ctx, vendor, typed, {"name": str(wrong)}), 400
    if connection_to(ctx.tenant, vendor).mode != "off":
        ctx.save("vendor.mode", lambda t: with_settings(t, vendor, mode="off"), subject=vendor)
    try:
        request_withdrawal(ctx.services.queue(), ctx.tenant_id, vendor, ctx.now)
    except TaskQueueError:
        told = _("Det gick inte att börja, så inget har tagits bort. Försök igen om en stund.")
        flash(f"{told} {_('%(vendor)s är av så länge.', vendor=name)}", "warning")
        return redirect(url_for("vendor_withdrawal.page", vendor=vendor))
    ctx.append_audit("vendor.withdrawn", vendor)
    if "live" in problems:
        flash(_("Allt ni har i testmiljön hos %(vendor)s tas bort nu.", vendor=name))
    elif "test" in problems:
        flash(_("Allt ni har i skarpt läge hos %(vendor)s tas bort nu.", vendor=name))
    else:
        flash(_("Allt ni har hos %(vendor)s tas bort nu.", vendor=name))
    return redirect(url_for("runs.page"))


@bp.get("/leverantorer/<vendor>/tom-testmiljon")
def empty(vendor: str) -> str:
    """Show the consequences of removing everything in the vendor's test environment."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    return _emptying(ctx, vendor)


@bp.post("/leverantorer/<vendor>/tom-testmiljon")
def do_empty(vendor: str) -> AnyResponse | tuple[str, int]:
    """Request the removal; what is in live mode is left unchanged."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    there = people_there(ctx, vendor)
    if not can_empty(ctx, vendor, there):
        return _emptying(ctx, vendor), 400
    empty_tests(ctx, vendor)
    return redirect(url_for("vendor.page", vendor=vendor))


def can_empty(ctx: RequestContext, vendor: str, there: Mapping[str, int]) -> bool:
    """Whether the test environment is configured, not in use, and still has something."""
    left = "test" in there and connection_to(ctx.tenant, vendor).mode != "test"
    return left and "test" not in _problems(ctx, vendor, there)


def empty_tests(ctx: RequestContext, vendor: str) -> None:
    """Request the removal of everything in the test environment, and confirm it."""
    name = ctx.vendor_name(vendor)
    try:
        request_withdrawal(ctx.services.queue(), ctx.tenant_id, vendor, ctx.now, "test")
    except TaskQueueError:
        told = _("Testmiljön hos %(vendor)s kunde inte tömmas nu. Försök igen om en stund.")
        flash(told % {"vendor": name}, "warning")
    else:
        ctx.append_audit("vendor.emptied", vendor)
        flash(_("Allt ni har i testmiljön hos %(vendor)s tas bort nu.", vendor=name))


def _emptying(ctx: RequestContext, vendor: str) -> str:
    there = people_there(ctx, vendor)
    return render_template(
        "vendor/empty.html",
        vendor_id=vendor,
        connection=connection_to(ctx.tenant, vendor),
        there=there,
        possible=can_empty(ctx, vendor, there),
        problem=_problems(ctx, vendor, there).get("test"),
    )


def _problems(ctx: RequestContext, vendor: str, there: Mapping[str, int]) -> dict[str, str]:
    """Return, by mode, what must be configured in this installation before a removal there."""
    connection = connection_to(ctx.tenant, vendor)
    found = {mode: problem_in(ctx, connection, mode) for mode in MODES if mode in there}
    return {mode: problem for mode, problem in found.items() if problem is not None}


def _page(
    ctx: RequestContext, vendor: str, typed: str = "", faults: dict[str, str] | None = None
) -> str:
    there = people_there(ctx, vendor)
    problems = _problems(ctx, vendor, there)
    reached = {mode: people for mode, people in there.items() if mode not in problems}
    return render_template(
        "vendor/withdraw.html",
        vendor_id=vendor,
        connection=connection_to(ctx.tenant, vendor),
        there=there,
        reached=reached,
        people=sum(reached.values()),
        typed=typed,
        faults=faults or {},
        problem=next(iter(problems.values()), None),
    )
