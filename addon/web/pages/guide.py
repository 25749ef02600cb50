"""The first visit: what is done, what is left, one step after the other."""

import re

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.register import RegisterError
from addon.tenant import Organisation, Tenant
from addon.web.here import Here, Overtaken, here, mark_of
from addon.web.steps import bring_back, put_away, steps
from addon.web.views.standing import lines
from addon.web.waiting import order_reading

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
        kept = now.tenant.organisation
        given = {"name": kept.name, "number": kept.organisation_number or ""}
        return _organisation_form(now, given)

    @guide.post("/organisation")
    def save_organisation() -> str | AnyResponse | tuple[str, int]:
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
        return redirect(url_for("register.page" if _walking(now) else "guide.organisation"))

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


def _walking(now: Here) -> bool:
    return not steps(now).done


def _organisation(tenant: Tenant) -> Organisation:
    return tenant.organisation


def _organisation_form(
    now: Here,
    given: dict[str, str],
    faults: dict[str, str] | None = None,
    overtaken: Overtaken | None = None,
) -> str:
    return render_template(
        "guide/organisation.html",
        given=given,
        faults=faults or {},
        overtaken=overtaken,
        mark=mark_of(now.store_tenant().organisation),
        found=None if given["number"] else _in_register(now),
    )


def _modes(now: Here, mode: str) -> str:
    return render_template("guide/modes.html", lines=lines(now), wanted=mode)


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
