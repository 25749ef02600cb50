"""Inför terminsstart: what the first run after the pause would do, from a week before it ends."""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, render_template, request

from addon.sync.known_placements import load_known
from addon.tenants.pause import rehearsal_begins, today
from addon.text import fold, sort_key
from addon.web.pagination import page_of
from addon.web.presenters.next_run import next_run
from addon.web.presenters.rehearsal import UnitRehearsal, rehearsal
from addon.web.request_context import request_context
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
    outlooks = [
        next_run(directory, c.vendor, ctx.newest_run)
        for c in ctx.tenant.connections
        if c.mode != "off"
    ]
    text, sort = request.args.get("q", "").strip(), request.args.get("sort", "ordning")
    units = () if found is None else found.units
    shown = [u for u in units if u.changes and fold(text) in fold(f"{u.name} {u.code}")]
    return render_template(
        "rehearsal/page.html",
        found=found,
        outlooks=[each for each in outlooks if each is not None],
        problems=vendor_problems(ctx),
        page=page_of(in_order(shown, sort), request.args, SIZE),
        unchanged=sum(not u.changes for u in units),
        text=text,
        sort=sort,
        read=directory.directory_snapshot.read,
        resumes=pause.until + timedelta(days=1),
    )


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
