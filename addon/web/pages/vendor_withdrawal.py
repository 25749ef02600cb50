"""Withdrawing from a vendor: everything the tenant has there is removed."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from addon.queue import QueueError
from addon.queue.orders import withdraw_now
from addon.tenant import Mode
from addon.web.here import Here, here
from addon.web.pages.vendor_parts import connection_to, known_vendor, people_there, problem_in

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
        if not people_there(now, vendor):
            return _page(now, vendor, typed), 400
        if typed.casefold() != name.casefold():
            wrong = _("Skriv leverantörens namn, %(vendor)s, för att bekräfta.", vendor=name)
            return _page(now, vendor, typed, {"name": str(wrong)}), 400
        try:
            withdraw_now(now.house.queue(), now.tenant_id, vendor, now.now)
        except QueueError:
            told = _("Det gick inte att börja, så inget har tagits bort. Försök igen om en stund.")
            flash(told, "warning")
            return redirect(url_for("vendor.withdraw", vendor=vendor))
        now.log("vendor.withdrawn", vendor)
        flash(_("Allt ni har hos %(vendor)s tas bort nu.", vendor=name))
        return redirect(url_for("runs.page"))


def _page(now: Here, vendor: str, typed: str = "", faults: dict[str, str] | None = None) -> str:
    connection, there = connection_to(now.tenant, vendor), people_there(now, vendor)
    problems = {mode: problem_in(now, connection, mode) for mode in MODES if mode in there}
    return render_template(
        "vendor/withdraw.html",
        vendor_id=vendor,
        connection=connection,
        there=there,
        people=sum(there.values()),
        typed=typed,
        faults=faults or {},
        problem=next((problem for problem in problems.values() if problem), None),
    )
