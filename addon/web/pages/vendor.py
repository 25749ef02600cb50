"""One vendor: what it has, whether it is up to date, what it refused."""

from typing import cast, get_args

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.approve import find_hold
from addon.pause import paused
from addon.queue.orders import reconcile_now, run_now, withdraw_now
from addon.rooms import target_of
from addon.tenant import Connection, Mode, OptionalField, Tenant
from addon.vendors import NotConfigured, Vendor
from addon.web.charts import Series, line_chart
from addon.web.forms.limits import LimitsForm, limits_of, read_limits
from addon.web.here import Here, Overtaken, here, mark_of, with_connection
from addon.web.steps import steps
from addon.web.study import Foreseen, NotRead, NotReady
from addon.web.views.refused import Refused, refused
from addon.web.views.standing import Line, lines, people_over_time

FIELDS: tuple[OptionalField, ...] = get_args(OptionalField)
SHOWN = 100
"""Refusals and reduced people on a page."""


def blueprint() -> Blueprint:
    """A vendor's page and what can be done there."""
    vendor = Blueprint("vendor", __name__)

    @vendor.get("/leverantorer/<vendor>")
    def page(vendor: str) -> str:
        """What does it have, is it up to date, what did it refuse?"""
        now = here()
        _known(now, vendor)
        return _page(now, vendor)

    @vendor.post("/leverantorer/<vendor>")
    def save(vendor: str) -> str | AnyResponse | tuple[str, int]:
        """Keep the optional fields and the limits."""
        now = here()
        profile = _known(now, vendor)
        form = read_limits(request.form)
        chosen = set(request.form.getlist("fields"))
        fields = tuple(f for f in FIELDS if f in chosen and f in profile.fields)
        if form.faults or form.limits is None:
            return _page(now, vendor, form=form, fields=fields), 400
        limits = form.limits

        def change(tenant: Tenant) -> Tenant:
            connection = tenant.connection(vendor)
            changes = connection.limits.changes if connection is not None else {}
            kept = structs.replace(limits, changes=changes)  # those are set in the document only
            return with_connection(tenant, vendor, fields=fields, limits=kept)

        try:
            now.save(
                "vendor.saved",
                change,
                subject=vendor,
                part=lambda t: _settings(t, vendor),
                mark=request.form.get("mark", ""),
            )
        except Overtaken as overtaken:
            return _page(now, vendor, form=form, fields=fields, overtaken=overtaken), 409
        flash(_("Sparat."))
        return redirect(url_for("vendor.page", vendor=vendor))

    @vendor.get("/leverantorer/<vendor>/lage/<mode>")
    def mode(vendor: str, mode: str) -> str:
        """What it means to turn the vendor on, try it or turn it off, with the numbers."""
        now = here()
        _known(now, vendor)
        connection = _connection(now, vendor)
        wanted = _mode(mode)
        foreseen = None
        if wanted != "off":
            foreseen = now.desk.foreseen(vendor, now.newest_run, wanted)
        return render_template(
            "vendor/mode.html",
            vendor_id=vendor,
            connection=connection,
            wanted=wanted,
            sent=None if wanted == "off" else _sent(now, vendor),
            foreseen=foreseen,
            counts=None if foreseen is None else _people_counts(foreseen),
            problem=_problem(now, connection, wanted),
            mark=mark_of(connection.mode),
        )

    @vendor.post("/leverantorer/<vendor>/lage/<mode>")
    def set_mode(vendor: str, mode: str) -> AnyResponse:
        """Do it, and have a run begin."""
        now = here()
        _known(now, vendor)
        wanted, connection = _mode(mode), _connection(now, vendor)
        if wanted != "off" and (not connection.school_units or _problem(now, connection, wanted)):
            abort(400)
        try:
            now.save(
                "vendor.mode",
                lambda t: with_connection(t, vendor, mode=wanted),
                subject=vendor,
                part=lambda t: (t.connection(vendor) or connection).mode,
                mark=request.form.get("mark", ""),
            )
        except Overtaken:
            flash(_("Någon annan har ändrat läget sedan sidan visades. Se efter igen."), "warning")
            return redirect(url_for("vendor.page", vendor=vendor))
        name = now.vendor_name(vendor)
        if wanted == "off":
            flash(_("%(vendor)s är av. Inget mer skickas dit.", vendor=name))
        elif paused(now.tenant, now.now) is not None:
            flash(_("%(vendor)s är på. Körningen börjar när pausen är över.", vendor=name))
        else:
            run_now(now.house.queue(), now.tenant_id, now.now)
            now.log("run.asked")
            flash(_("%(vendor)s är på. Den första körningen har börjat.", vendor=name))
        return redirect(url_for("vendor.page", vendor=vendor))

    @vendor.get("/leverantorer/<vendor>/avveckla")
    def withdraw(vendor: str) -> str:
        """What it means to remove everything at the vendor."""
        now = here()
        _known(now, vendor)
        ledgers = [each for each in now.store.ledgers(now.tenant_id) if each[0].vendor == vendor]
        return render_template(
            "vendor/withdraw.html",
            vendor_id=vendor,
            connection=_connection(now, vendor),
            resources=sum(n for _, n, _ in ledgers),
            people=_people_there(now, vendor),
        )

    @vendor.post("/leverantorer/<vendor>/avveckla")
    def do_withdraw(vendor: str) -> AnyResponse | tuple[str, int]:
        now = here()
        _known(now, vendor)
        name = now.vendor_name(vendor)
        if request.form.get("name", "").strip().casefold() != name.casefold():
            flash(
                _("Skriv leverantörens namn, %(vendor)s, för att bekräfta.", vendor=name), "warning"
            )
            return redirect(url_for("vendor.withdraw", vendor=vendor))
        withdraw_now(now.house.queue(), now.tenant_id, vendor, now.now)
        now.log("vendor.withdrawn", vendor)
        flash(_("Allt ni har hos %(vendor)s tas bort nu.", vendor=name))
        return redirect(url_for("runs.page"))

    @vendor.post("/leverantorer/<vendor>/stam-av")
    def reconcile(vendor: str) -> AnyResponse:
        """Ask the vendor what it has, and mend what is remembered."""
        now = here()
        _known(now, vendor)
        reconcile_now(now.house.queue(), now.tenant_id, vendor, now.now)
        now.log("vendor.reconciled", vendor)
        flash(_("%(vendor)s tillfrågas nu om vad den har.", vendor=now.vendor_name(vendor)))
        return redirect(url_for("vendor.page", vendor=vendor))

    return vendor


def _known(now: Here, vendor: str) -> Vendor:
    profile = now.vendors.get(vendor)
    if profile is None:
        abort(404)
    return profile


def _connection(now: Here, vendor: str) -> Connection:
    return now.tenant.connection(vendor) or Connection(vendor=vendor)


def _mode(text: str) -> Mode:
    if text not in get_args(Mode):
        abort(404)
    return cast(Mode, text)


def _settings(tenant: Tenant, vendor: str) -> object:
    connection = tenant.connection(vendor) or Connection(vendor=vendor)
    return connection.fields, connection.limits


def _page(
    now: Here,
    vendor: str,
    form: LimitsForm | None = None,
    fields: tuple[OptionalField, ...] | None = None,
    overtaken: Overtaken | None = None,
) -> str:
    connection = _connection(now, vendor)
    line = next((each for each in lines(now) if each.connection.vendor == vendor), None)
    stored = now.store_tenant()
    points = people_over_time(now.runs, vendor)
    series = Series(now.vendor_name(vendor), tuple((p.at, p.number) for p in points))
    return render_template(
        "vendor/page.html",
        vendor_id=vendor,
        profile=now.vendors[vendor],
        connection=connection,
        line=line,
        units=[u for u in now.tenant.school_units if u.code in connection.school_units],
        form=form or limits_of(connection.limits),
        fields=connection.fields if fields is None else fields,
        overtaken=overtaken,
        mark=mark_of(_settings(stored, vendor)),
        refused=_refused(now, line),
        reduced=_reduced(now, vendor),
        chart=line_chart([series]) if len(points) > 1 else None,
        shown=SHOWN,
        held=find_hold(now.store, now.tenant_id, vendor),
        walking=not steps(now).done,
        all_fields=FIELDS,
    )


def _refused(now: Here, line: Line | None) -> tuple[Refused, ...] | None:
    """What the vendor does not take; None where the names are not to be had now."""
    if line is None or not line.refused:
        return ()
    try:
        return refused(now, now.desk, line.connection)
    except (NotRead, NotReady):
        return None


def _reduced(now: Here, vendor: str) -> tuple[tuple[str, str], ...]:
    """Ids and names of those who have more placements than the vendor can take."""
    connection = now.tenant.connection(vendor)
    if connection is None or not connection.school_units:
        return ()
    try:
        desk = now.desk
        view = desk.prepared.views.get(vendor)
        users = desk.users
    except (NotRead, NotReady):
        return ()
    if view is None:
        return ()
    about = [users[f.subject] for f in view.findings if f.subject in users]
    named = ((u.id, f"{u.given_name} {u.family_name}".strip()) for u in about)
    return tuple(sorted(named, key=lambda each: each[1].casefold()))


def _sent(now: Here, vendor: str) -> dict[str, int] | None:
    """How many students and staff the connection carries."""
    view = now.desk.prepared.views.get(vendor)
    if view is None:
        return None
    students = sum(1 for person in view.people.values() if person.enrolments)
    return {"students": students, "staff": len(view.people) - students, "groups": len(view.groups)}


def _people_counts(foreseen: Foreseen) -> dict[str, int]:
    """How many people would be created, updated and removed."""
    plan = foreseen.plan
    kinds = [op.kind for op in plan.writes["User"]]
    hidden = sum(1 for op in plan.protected if op.resource_type == "User")
    return {
        "create": kinds.count("create"),
        "update": kinds.count("update"),
        "delete": len(plan.deletes["User"]) + hidden,
    }


def _problem(now: Here, connection: Connection, wanted: Mode) -> str | None:
    """What must be set up in this installation first."""
    if wanted == "off":
        return None
    rooms = now.rooms
    target = target_of(rooms.settings, structs.replace(connection, mode=wanted), rooms.secrets)
    return str(target) if isinstance(target, NotConfigured) else None


def _people_there(now: Here, vendor: str) -> int | None:
    points = people_over_time(now.runs, vendor)
    return points[-1].number if points else None
