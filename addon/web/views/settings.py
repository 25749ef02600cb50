"""Inställningar: schedule, pause, notices and administrators."""

import re
from collections.abc import Callable
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.notifications import notify
from addon.notifications.advice import remedy
from addon.notifications.mailer import Mailer, MailError
from addon.notifications.message_limit import MOST, take_message
from addon.store.base import StoreError
from addon.sync.channels import resume_notifications
from addon.tenants.model import About, Notices, Pause, Tenant, Weekly
from addon.tenants.pause import today
from addon.web.labels import LIST_FAULTS
from addon.web.presenters.pause_proposal import pause_proposal
from addon.web.request_context import EditConflict, RequestContext, request_context
from addon.web.security.admission import fault_of_list
from addon.web.support_contact import support_contact

HOURS = (1, 2, 3, 4, 6, 8, 12, 24)
ABOUT: tuple[About, ...] = ("held", "failed", "unread")
WEEKLY: dict[str, Weekly] = {"summary": "summary", "vendors": "vendors"}
ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+")
LONGEST_PAUSE = 200
"""Days; a longer pause is taken for a mistake, since nobody is removed during it."""

Faults = dict[str, str]
PARTS: dict[str, Callable[[Tenant], object]] = {
    "schedule": lambda t: t.schedule.hours,
    "pause": lambda t: t.schedule.pause,
    "notices": lambda t: t.notices,
    "administrators": lambda t: t.administrators,
}
"""The part of the document that each form on the page is about."""
PLACES = {
    "schedule": "schedule.hours",
    "pause": "schedule.pause",
    "notices": "notices",
    "administrators": "administrators",
}
"""The prefix of the places in the document that each form is about."""


bp = Blueprint("settings", __name__)


@bp.get("/installningar")
def page() -> str:
    """Show the schedule, pause, notices and administrators, with links to the log and export."""
    return _page(request_context())


@bp.post("/installningar/schema")
def schedule() -> AnyResponse | tuple[str, int]:
    """Save how often the tenant runs."""
    chosen = request.form.get("hours", "")
    if chosen and chosen not in map(str, HOURS):
        return _page(request_context(), faults={"hours": _("Välj hur ofta i listan.")}), 400
    hours = int(chosen) if chosen else None
    return _save(
        "schedule",
        "schedule.saved",
        lambda t: structs.replace(t, schedule=structs.replace(t.schedule, hours=hours)),
        _("Schemat är sparat."),
    )


@bp.post("/installningar/paus")
def pause() -> AnyResponse | tuple[str, int]:
    """Save or end a pause."""
    ctx = request_context()
    if request.form.get("do") == "end":
        wanted = None
    else:
        wanted, faults = _read_pause(
            request.form.get("from", ""), request.form.get("until", ""), today(ctx.now)
        )
        if faults:
            return _page(ctx, faults=faults), 400
    said = _("Pausen är sparad.") if wanted else _("Pausen är avslutad.")
    return _save(
        "pause",
        "pause.saved",
        lambda t: structs.replace(t, schedule=structs.replace(t.schedule, pause=wanted)),
        said,
    )


@bp.post("/installningar/aviseringar")
def notices() -> AnyResponse | tuple[str, int]:
    """Save who receives notices, and about what."""
    addresses, bad = _addresses(request.form.get("email", ""))
    if bad:
        told = _("Det här är ingen e-postadress: %(bad)s", bad=bad)
        return _page(request_context(), faults={"email": told}), 400
    about = tuple(kind for kind in ABOUT if kind in request.form.getlist("about"))
    weekly = WEEKLY.get(request.form.get("weekly", ""))
    if addresses and not about and weekly is None:
        told = _("Kryssa för minst en sak, eller ta bort adresserna.")
        return _page(request_context(), faults={"about": told}), 400
    wanted = Notices(email=addresses, about=about, weekly=weekly)
    return _save(
        "notices",
        "notices.saved",
        lambda t: structs.replace(t, notices=wanted),
        _("Aviseringarna är sparade."),
    )


@bp.post("/installningar/provmeddelande")
def test_mail() -> AnyResponse:
    """Send a message to check that it arrives."""
    ctx = request_context()
    mailer = ctx.services.mailer()
    if mailer is None:
        told = _(
            "E-post är inte inställd i Skolsynk. Det ordnar %(support)s.", support=support_contact()
        )
        flash(told, "warning")
    elif not ctx.tenant.notices.email:
        flash(_("Spara minst en adress först."), "warning")
    elif not take_message(ctx.store, ctx.tenant_id, ctx.now):
        told = _("Högst %(most)s provmeddelanden skickas i timmen. Försök igen senare.", most=MOST)
        flash(told, "warning")
    else:
        with ctx.waiting():
            _send_test(ctx, mailer)
    return redirect(url_for("settings.page"))


@bp.post("/installningar/administratorer")
def administrators() -> AnyResponse | tuple[str, int]:
    """Save who may sign in."""
    ctx = request_context()
    addresses, bad = _addresses(request.form.get("administrators", ""))
    if bad:
        told = _("Det här är ingen e-postadress: %(bad)s", bad=bad)
        return _page(ctx, faults={"administrators": told}), 400
    fault = fault_of_list(ctx.services, ctx.admin, ctx.tenant, addresses)
    if fault is not None:
        return _page(ctx, faults={"administrators": str(LIST_FAULTS[fault])}), 400
    return _save(
        "administrators",
        "administrators.saved",
        lambda t: structs.replace(t, administrators=addresses),
        _("Administratörerna är sparade."),
    )


def _send_test(ctx: RequestContext, mailer: Mailer) -> None:
    """Send the message, and show the result."""
    try:
        notify.test_message(ctx.tenant, mailer)
    except MailError as error:
        flash(remedy(error, support_contact()), "warning")
    else:
        flash(_("Ett provmeddelande är skickat. Titta i inkorgen."))


@bp.post("/installningar/meddelanden")
def ask_google_again() -> AnyResponse:
    """Have Google asked for notifications within a minute, although it has refused."""
    ctx = request_context()
    try:
        resume_notifications(ctx.sync_context, ctx.tenant_id)
    except StoreError:
        flash(_("Det gick inte att börja just nu. Försök igen om en stund."), "warning")
    else:
        flash(_("Skolsynk frågar Google igen inom en minut."))
    return redirect(url_for("settings.page"))


def _save(
    form: str, what: str, change: Callable[[Tenant], Tenant], said: str
) -> AnyResponse | tuple[str, int]:
    ctx = request_context()
    try:
        ctx.save(
            what,
            change,
            part=PARTS[form],
            version_token=request.form.get("mark", ""),
            places=(PLACES[form],),
        )
    except EditConflict as conflict:
        return _page(ctx, conflict=conflict), 409
    except StoreError:
        flash(_("Det kunde inte sparas just nu. Försök igen om en stund."), "warning")
        return redirect(url_for("settings.page"))
    flash(said)
    return redirect(url_for("settings.page"))


def _page(
    ctx: RequestContext, faults: Faults | None = None, conflict: EditConflict | None = None
) -> str:
    """Return the page; a form that was not saved is shown as it was filled in."""
    stored = ctx.tenant
    given = request.form if request.method == "POST" else {}
    every, day = ctx.services.settings.schedule_hours, today(ctx.now)
    pause = stored.schedule.pause
    if pause is not None and pause.until < day:
        pause = None  # it is over
    proposal = pause_proposal(stored, ctx.now)
    shown = proposal.pause if proposal is not None else pause
    return render_template(
        "settings/page.html",
        hours=[h for h in HOURS if h > every or h == stored.schedule.hours],
        chosen=given.get("hours", str(stored.schedule.hours or "")),
        every=every,
        runs_every=max(every, stored.schedule.hours or every),
        pause_from=given.get("from", "" if shown is None else str(shown.start)),
        pause_until=given.get("until", "" if shown is None else str(shown.until)),
        kept_pause=pause,
        pause_proposal=proposal,
        email=given.get("email", "\n".join(stored.notices.email)),
        about=request.form.getlist("about") if "email" in given else stored.notices.about,
        kinds=ABOUT,
        weekly=given.get("weekly", stored.notices.weekly or ""),
        administrators=given.get("administrators", "\n".join(stored.administrators)),
        has_mail=ctx.services.settings.web.mail is not None,
        faults=faults or {},
        conflict=conflict,
        marks={name: _version_token(ctx, name) for name in PARTS},
        today=day,
        push=ctx.push,
    )


def _version_token(ctx: RequestContext, form: str) -> str:
    """Return the version token of one of the forms; the one that was sent keeps its token."""
    sent = request.endpoint == f"settings.{form}"
    return ctx.version_token(PARTS[form]) if sent else ctx.current_version_token(PARTS[form])


def _addresses(text: str) -> tuple[tuple[str, ...], str | None]:
    """Return the distinct addresses in a text, and the first part of it that is not an address."""
    found = [part for part in re.split(r"[\s,;]+", text) if part]
    bad = next((part for part in found if not ADDRESS.fullmatch(part)), None)
    return tuple(dict.fromkeys(found)), bad


def _read_pause(start: str, until: str, day: date) -> tuple[Pause | None, Faults]:
    faults = {}
    days = {}
    for name, text in (("from", start), ("until", until)):
        try:
            days[name] = date.fromisoformat(text.strip())
        except ValueError:
            faults[name] = _("Skriv datumet som 2027-06-15.")
    if faults:
        return None, faults
    if days["until"] < days["from"]:
        return None, {"until": _("Pausen slutar innan den börjar.")}
    if days["until"] < day:
        return None, {"until": _("Det datumet har redan varit.")}
    if (days["until"] - days["from"]).days >= LONGEST_PAUSE:
        return None, {"until": _("En paus får vara högst %(days)s dagar.", days=LONGEST_PAUSE)}
    return Pause(start=days["from"], until=days["until"]), {}
