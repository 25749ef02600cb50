"""The first visit: what is done, what is left, one step after the other."""

import re

from flask import Blueprint, flash, redirect, render_template, request, url_for
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.school_register.model import RegisterError
from addon.tenants.model import Mode, Organisation, Tenant
from addon.web.directory.cache import NotRead, NotReady
from addon.web.i18n import said as _
from addon.web.presenters.connection_status import lines
from addon.web.presenters.setup_steps import bring_back, put_away, steps
from addon.web.presenters.step_words import spelled
from addon.web.presenters.vendor_impact import Reach, carried
from addon.web.request_context import Here, Overtaken, here
from addon.web.views.directory import order_reading

NUMBER = re.compile(r"(\d{6})-?(\d{4})")


def blueprint() -> Blueprint:
    """The steps that have no page of their own."""
    guide = Blueprint("guide", __name__)

    @guide.post("/kom-igang")
    def start() -> AnyResponse:
        """Save the document that everything else is written in, and have the directory read."""
        now = here()
        if now.is_new:
            proposed = _proposed(now)
            now.save("organisation.saved", lambda t: structs.replace(t, organisation=proposed))
            order_reading(now)
        return redirect(url_for("guide.organisation"))

    @guide.get("/organisation")
    def organisation() -> str | AnyResponse:
        """Who the principal organiser is."""
        now = here()
        if now.is_new:
            return redirect(url_for("overview.page"))
        kept, found = now.tenant.organisation, _in_register(now)
        number = kept.organisation_number or (found.organisation_number if found else None)
        return _organisation_form(now, {"name": kept.name, "number": spelled(number or "")}, found)

    @guide.post("/organisation")
    def save_organisation() -> str | AnyResponse | tuple[str, int]:
        """Keep the organisation's name and number."""
        now = here()
        given = {name: request.form.get(name, "").strip() for name in ("name", "number")}
        faults = _faults(given)
        if faults:
            return _organisation_form(now, given, faults=faults), 400
        wanted = Organisation(given["name"], _plain(given["number"]) or None)
        try:
            now.save(
                "organisation.saved",
                lambda t: structs.replace(t, organisation=wanted),
                part=_organisation,
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            return _organisation_form(now, given, overtaken=overtaken), 409
        flash(_("Organisationen är sparad."))
        return redirect(url_for("guide.organisation" if steps(now).done else "register.page"))

    @guide.post("/organisation/las-i-mitt-namn")
    def reader() -> AnyResponse:
        """Have the directory be read in the name of whoever asks."""
        now = here()
        if now.is_new:
            return redirect(url_for("overview.page"))
        own = now.admin.email
        now.save("organisation.reader", lambda t: structs.replace(t, delegated_admin=own))
        order_reading(now)  # if it cannot be read so, that is told at once
        flash(_("Katalogen läses i ditt namn från och med nu."))
        return redirect(url_for("guide.organisation"))

    @guide.get("/testlage")
    def test() -> str:
        """Which vendors can be tried in their test environment."""
        return _modes(here(), "test")

    @guide.get("/skarpt-lage")
    def live() -> str:
        """Which vendors can be turned on."""
        return _modes(here(), "live")

    @guide.post("/guide/bort")
    def away() -> AnyResponse:
        """Show the steps no more by themselves."""
        put_away(here())
        flash(_("Guiden är undanlagd. Du hittar den igen under Inställningar."))
        return redirect(url_for("overview.page"))

    @guide.post("/guide/visa")
    def back() -> AnyResponse:
        """Show the steps again."""
        bring_back(here())
        return redirect(url_for("overview.page"))

    return guide


def _organisation(tenant: Tenant) -> Organisation:
    return tenant.organisation


def _organisation_form(
    now: Here,
    given: dict[str, str],
    found: Organisation | None = None,
    faults: dict[str, str] | None = None,
    overtaken: Overtaken | None = None,
) -> str:
    """The form; `found` is what the register has for the domain, where that is worth saying."""
    same = found is not None and _plain(given["number"]) == found.organisation_number
    kept = now.tenant.organisation.organisation_number
    return render_template(
        "guide/organisation.html",
        given=given,
        faults=faults or {},
        overtaken=overtaken,
        mark=now.mark(_organisation),
        found=found if found is not None and not (same and kept) else None,
        filled_in=same,
        spelled=spelled,
    )


def _modes(now: Here, mode: Mode) -> str:
    return render_template(
        "guide/modes.html",
        lines=lines(now),
        wanted=mode,
        reach={c.vendor: _carried(now, c.vendor) for c in now.tenant.connections},
    )


def _carried(now: Here, vendor: str) -> Reach | None:
    """Whom the connection carries; None where that is not known now."""
    try:
        return carried(now.desk, vendor)
    except (NotRead, NotReady):
        return None


def _proposed(now: Here) -> Organisation:
    """The organisation that the register says has this domain; else by its domain's name."""
    found = _in_register(now)
    return now.tenant.organisation if found is None else found


def _in_register(now: Here) -> Organisation | None:
    domain = now.tenant.primary_domain or ""
    try:
        organiser = now.house.register().organiser_for(domain, now.tenant.organisation.name)
    except RegisterError:
        return None
    return None if organiser is None else Organisation(organiser.name, organiser.number)


def _faults(given: dict[str, str]) -> dict[str, str]:
    faults = {}
    if not given["name"]:
        faults["name"] = _("Skriv organisationens namn, till exempel Storköpings kommun.")
    if given["number"] and not NUMBER.fullmatch(given["number"]):
        faults["number"] = _("Ett organisationsnummer har tio siffror, till exempel 212000-9999.")
    return faults


def _plain(number: str) -> str:
    match = NUMBER.fullmatch(number)
    return "".join(match.groups()) if match else ""
