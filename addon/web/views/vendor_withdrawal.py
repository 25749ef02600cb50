"""Withdrawing from a vendor: everything the tenant has there is removed."""

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from addon.tasks.base import QueueError
from addon.tasks.requests import withdraw_now
from addon.tenants.model import Mode
from addon.web.request_context import Here, here
from addon.web.views.vendor_common import (
    connection_to,
    known_vendor,
    people_there,
    problem_in,
    with_settings,
)

MODES: tuple[Mode, ...] = ("live", "test")


def add_to(vendor: Blueprint) -> None:
    """Give the vendor's pages the withdrawal."""

    @vendor.get("/leverantorer/<vendor>/avveckla")
    def withdraw(vendor: str) -> str:
        """What it means to remove everything at the vendor."""
        now = here()
        known_vendor(now, vendor)
        return _page(now, vendor)

    @vendor.post("/leverantorer/<vendor>/avveckla")
    def do_withdraw(vendor: str) -> str | AnyResponse | tuple[str, int]:
        """Have it removed, when the vendor's name was written."""
        now = here()
        known_vendor(now, vendor)
        name, typed = now.vendor_name(vendor), request.form.get("name", "").strip()
        there = people_there(now, vendor)
        problems = _problems(now, vendor, there)
        if len(problems) == len(there):  # also where there is nothing
            return _page(now, vendor, typed), 400
        if typed.casefold() != name.casefold():
            wrong = _("Skriv leverantörens namn, %(vendor)s, för att bekräfta.", vendor=name)
            return _page(now, vendor, typed, {"name": str(wrong)}), 400
        if connection_to(now.tenant, vendor).mode != "off":
            now.save("vendor.mode", lambda t: with_settings(t, vendor, mode="off"), subject=vendor)
        try:
            withdraw_now(now.house.queue(), now.tenant_id, vendor, now.now)
        except QueueError:
            told = _("Det gick inte att börja, så inget har tagits bort. Försök igen om en stund.")
            flash(f"{told} {_('%(vendor)s är av så länge.', vendor=name)}", "warning")
            return redirect(url_for("vendor.withdraw", vendor=vendor))
        now.log("vendor.withdrawn", vendor)
        if "live" in problems:
            flash(_("Allt ni har i testmiljön hos %(vendor)s tas bort nu.", vendor=name))
        elif "test" in problems:
            flash(_("Allt ni har i skarpt läge hos %(vendor)s tas bort nu.", vendor=name))
        else:
            flash(_("Allt ni har hos %(vendor)s tas bort nu.", vendor=name))
        return redirect(url_for("runs.page"))

    @vendor.get("/leverantorer/<vendor>/tom-testmiljon")
    def empty(vendor: str) -> str:
        """What it means to remove everything in the vendor's test environment."""
        now = here()
        known_vendor(now, vendor)
        return _emptying(now, vendor)

    @vendor.post("/leverantorer/<vendor>/tom-testmiljon")
    def do_empty(vendor: str) -> AnyResponse | tuple[str, int]:
        """Have it removed; what is in live mode stays as it is."""
        now = here()
        known_vendor(now, vendor)
        there = people_there(now, vendor)
        if not can_empty(now, vendor, there):
            return _emptying(now, vendor), 400
        empty_tests(now, vendor)
        return redirect(url_for("vendor.page", vendor=vendor))


def can_empty(now: Here, vendor: str, there: Mapping[str, int]) -> bool:
    """Whether the test environment has something that nothing keeps up to date, and is set up."""
    left = "test" in there and connection_to(now.tenant, vendor).mode != "test"
    return left and "test" not in _problems(now, vendor, there)


def empty_tests(now: Here, vendor: str) -> None:
    """Have all in the test environment removed, and say so."""
    name = now.vendor_name(vendor)
    try:
        withdraw_now(now.house.queue(), now.tenant_id, vendor, now.now, "test")
    except QueueError:
        told = _("Testmiljön hos %(vendor)s kunde inte tömmas nu. Försök igen om en stund.")
        flash(told % {"vendor": name}, "warning")
    else:
        now.log("vendor.emptied", vendor)
        flash(_("Allt ni har i testmiljön hos %(vendor)s tas bort nu.", vendor=name))


def _emptying(now: Here, vendor: str) -> str:
    there = people_there(now, vendor)
    return render_template(
        "vendor/empty.html",
        vendor_id=vendor,
        connection=connection_to(now.tenant, vendor),
        there=there,
        possible=can_empty(now, vendor, there),
        problem=_problems(now, vendor, there).get("test"),
    )


def _problems(now: Here, vendor: str, there: Mapping[str, int]) -> dict[str, str]:
    """By mode, what must be set up in this installation before anything can be removed there."""
    connection = connection_to(now.tenant, vendor)
    found = {mode: problem_in(now, connection, mode) for mode in MODES if mode in there}
    return {mode: problem for mode, problem in found.items() if problem is not None}


def _page(now: Here, vendor: str, typed: str = "", faults: dict[str, str] | None = None) -> str:
    there = people_there(now, vendor)
    problems = _problems(now, vendor, there)
    reached = {mode: people for mode, people in there.items() if mode not in problems}
    return render_template(
        "vendor/withdraw.html",
        vendor_id=vendor,
        connection=connection_to(now.tenant, vendor),
        there=there,
        reached=reached,
        people=sum(reached.values()),
        typed=typed,
        faults=faults or {},
        problem=next(iter(problems.values()), None),
    )
