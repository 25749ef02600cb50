"""Inför terminsstart: what the first run after the pause would do, from a week before it ends.

What it would be held for can be approved in advance there.
"""

from collections.abc import Container, Sequence
from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.planning.ledger import LedgerKey
from addon.sync.advance_approval import approve_in_advance, take_back
from addon.sync.context import ledger_key
from addon.sync.known_placements import load_known
from addon.tenants.model import Pause
from addon.tenants.pause import is_rehearsed, rehearsal_begins, today
from addon.text import fold, sort_key
from addon.web.pagination import page_of
from addon.web.presenters.advance_approvals import AdvanceQuestion, advance_questions
from addon.web.presenters.next_run import NextRun, next_run
from addon.web.presenters.rehearsal import UnitRehearsal, rehearsal
from addon.web.request_context import RequestContext, request_context
from addon.web.translation import gettext_str as _
from addon.web.views.directory import current_directory
from addon.web.views.preview import vendor_problems

SIZE = 100
SORTS = {
    "slutar": "leaving",
    "borjar": "starting",
    "klass": "new_class",
    "arskurs": "without_year",
    "personal-slutar": "staff_leaving",
    "personal-borjar": "staff_starting",
}

bp = Blueprint("rehearsal", __name__)


@bp.get("/terminsstart")
def page() -> str:
    """Show what the first run after the pause would do, by school and by vendor."""
    ctx = request_context()
    pause, day = ctx.tenant.schedule.pause, today(ctx.now)
    if pause is None or pause.until < day or day < rehearsal_begins(pause):
        coming = pause if pause is not None and day <= pause.until else None
        begins = None if coming is None else rehearsal_begins(coming)
        return render_template("rehearsal/waiting.html", kept_pause=coming, begins=begins)
    directory = current_directory(ctx)
    found = rehearsal(
        directory, ctx.newest_run, lambda: load_known(ctx.store, ctx.tenant_id, ctx.now)
    )
    outlooks, problems = _outlooks(ctx), vendor_problems(ctx)
    text, sort = request.args.get("q", "").strip(), request.args.get("sort", "ordning")
    units = () if found is None else found.units
    chosen = ctx.tenant.connection(request.args.get("leverantor", ""))
    shown = [
        unit
        for unit in units
        if unit.changes and fold(text) in fold(f"{unit.name} {unit.code}")
        if chosen is None or unit.code in chosen.school_units
    ]
    return render_template(
        "rehearsal/page.html",
        found=found,
        outlooks=outlooks,
        problems=problems,
        questions=_questions(ctx, outlooks, problems),
        vendor="" if chosen is None else chosen.vendor,
        page=page_of(in_order(shown, sort), request.args, SIZE),
        unchanged=sum(not u.changes for u in units),
        text=text,
        sort=sort,
        read=directory.directory_snapshot.read,
        resumes=pause.until + timedelta(days=1),
    )


@bp.post("/terminsstart/<vendor>")
def decide(vendor: str) -> AnyResponse:
    """Approve in advance what the form showed of a vendor, or take an approval back."""
    ctx = request_context()
    decision, pause = request.form.get("decision", ""), ctx.tenant.schedule.pause
    connection = ctx.tenant.connection(vendor)
    key = None if connection is None else ledger_key(ctx.tenant_id, connection)
    if decision not in ("approve", "take-back") or key is None:
        abort(400)
    if pause is None or not is_rehearsed(ctx.tenant, ctx.now):
        flash(_("Pausen är inte i sin sista vecka, så inget kan godkännas i förväg."), "warning")
    elif decision == "take-back":
        _take_back(ctx, key)
    else:
        ctx.wait_longer()
        problems = vendor_problems(ctx)
        questions = _questions(ctx, _outlooks(ctx), problems)
        found = next((each for each in questions if each.vendor == vendor), None)
        _approve(ctx, key, found, pause)
    return redirect(url_for("rehearsal.page", _anchor="godkann"))


def _take_back(ctx: RequestContext, key: LedgerKey) -> None:
    name = ctx.vendor_name(key.vendor)
    if take_back(ctx.store, key, ctx.services.clock(), ctx.admin.email):
        flash(_("Godkännandet för %(vendor)s är tillbakataget.", vendor=name))
    else:
        flash(_("Inget är godkänt i förväg för %(vendor)s.", vendor=name), "warning")


def _approve(
    ctx: RequestContext, key: LedgerKey, found: AdvanceQuestion | None, pause: Pause
) -> None:
    """Approve what was shown; nothing if that is not what the first run would do now."""
    name = ctx.vendor_name(key.vendor)
    if found is None or found.hold is None or not found.can_approve:
        flash(_("Inget behöver godkännas hos %(vendor)s nu.", vendor=name), "warning")
    elif found.mark != request.form.get("mark"):
        told = _(
            "Det som skulle göras hos %(vendor)s har ändrats sedan sidan visades.", vendor=name
        )
        flash(f"{told} {_('Granska det och godkänn igen.')}", "warning")
    else:
        who = ctx.admin.email
        approve_in_advance(ctx.store, key, found.hold, pause, ctx.services.clock(), who)
        flash(_("Godkänt i förväg. Det skickas till %(vendor)s efter pausen.", vendor=name))


def _outlooks(ctx: RequestContext) -> list[NextRun]:
    """Return the first run at each vendor that is on. Raises StillComputing."""
    directory = current_directory(ctx)
    on = (each for each in ctx.tenant.connections if each.mode != "off")
    found = (next_run(directory, each.vendor, ctx.newest_run) for each in on)
    return [each for each in found if each is not None]


def _questions(
    ctx: RequestContext, outlooks: Sequence[NextRun], problems: Container[str]
) -> tuple[AdvanceQuestion, ...]:
    ready = [each for each in outlooks if each.vendor not in problems]
    return advance_questions(ready, ctx.advance_approvals)


def in_order(units: Sequence[UnitRehearsal], sort: str) -> list[UnitRehearsal]:
    """Return the units sorted by `namn`, `slutar` and so on; a `-` before it reverses the order."""
    name = sort.removeprefix("-")
    if name == "namn":
        found = sorted(units, key=lambda unit: sort_key(unit.name))
    elif name in SORTS:
        found = sorted(units, key=lambda unit: _number(unit, SORTS[name]))
    else:
        return list(units)
    return found[::-1] if sort.startswith("-") else found


def _number(unit: UnitRehearsal, name: str) -> int:
    return int(getattr(unit, name))
