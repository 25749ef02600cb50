"""Where one person or one class is sent: at which units and vendors, and what is left out."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.directory.snapshot import User
from addon.tenants.model import ConnectionExceptions, Tenant
from addon.text import fold
from addon.web.forms.class_rules import Kind, excepted_names, leaving_out, rule_of
from addon.web.htmx import asks_for_part
from addon.web.presenters.connection_status import delivered
from addon.web.presenters.exceptions import (
    WHOLE_GROUP,
    GroupInclusion,
    PersonInclusion,
    group_effect,
    group_inclusion,
    person_effect,
    person_inclusion,
)
from addon.web.presenters.resource_names import full_name
from addon.web.presenters.selection_preview import names
from addon.web.request_context import (
    EditConflict,
    RequestContext,
    request_context,
    with_connection,
    with_unit,
)
from addon.web.translation import gettext_str as _
from addon.web.version_token import value_hash
from addon.web.views.school_unit import stored_unit
from addon.web.views.vendor_common import connection_to, known_vendor, with_settings

PLACES = ("schoolUnits[", "connections[")
"""Where a document has exceptions."""

bp = Blueprint("exceptions", __name__)


@bp.get("/personer/<user_id>/undantag")
def person(user_id: str) -> str:
    """Show where the person is included, to change it."""
    ctx = request_context()
    user = _user(ctx, user_id)
    return _person(ctx, user, person_inclusion(ctx.directory, user_id))


@bp.post("/personer/<user_id>/undantag")
def save_person(user_id: str) -> AnyResponse | str | tuple[str, int]:
    """Save where the person is included; or, with `do`, show what that means."""
    ctx = request_context()
    ctx.wait_longer()
    user = _user(ctx, user_id)
    before = person_inclusion(ctx.directory, user_id)
    wanted = before.choosing(request.form.getlist("offered"), request.form.getlist("with"))
    if request.form.get("do") == "show":
        if asks_for_part():
            return render_template("exceptions/preview.html", **_person_view(ctx, user, wanted))
        return _person(ctx, user, wanted)
    if _person_view(ctx, user, wanted)["asks"] and not _is_accepted(wanted):
        return _person(ctx, user, wanted, faults=_not_seen()), 400
    try:
        ctx.save(
            "person.included",
            lambda tenant: with_person(tenant, user_id, wanted),
            subject=user_id,
            part=lambda tenant: _exceptions_of(tenant, user_id),
            version_token=request.form.get("mark", ""),
            places=PLACES,
        )
    except EditConflict as conflict:
        return _person(ctx, user, wanted, conflict=conflict), 409
    flash(_("Undantagen för %(who)s är sparade.", who=full_name(user)))
    return redirect(url_for("person.page", user_id=user_id))


@bp.get("/skolenheter/<code>/grupp/<external_id>")
def group(code: str, external_id: str) -> str:
    """Show a class or teaching group and where it is sent, to change it."""
    ctx = request_context()
    return _group(ctx, _group_of(ctx, code, external_id))


@bp.post("/skolenheter/<code>/grupp/<external_id>")
def save_group(code: str, external_id: str) -> AnyResponse | str | tuple[str, int]:
    """Save where the class is sent; or, with `do`, show what that means."""
    ctx = request_context()
    ctx.wait_longer()
    before = _group_of(ctx, code, external_id)
    wanted = before.choosing(request.form.getlist("offered"), request.form.getlist("with"))
    if request.form.get("do") == "show":
        if asks_for_part():
            return render_template("exceptions/preview.html", **_group_view(ctx, wanted))
        return _group(ctx, wanted)
    if _group_view(ctx, wanted)["asks"] and not _is_accepted(wanted):
        return _group(ctx, wanted, faults=_not_seen()), 400
    try:
        ctx.save(
            "group.included",
            lambda tenant: with_group(tenant, wanted),
            subject=code,
            part=lambda tenant: _exceptions_of_group(tenant, wanted),
            version_token=request.form.get("mark", ""),
            places=PLACES,
        )
    except EditConflict as conflict:
        return _group(ctx, wanted, conflict=conflict), 409
    flash(_("Undantagen för %(who)s är sparade.", who=wanted.group.name))
    return redirect(url_for("school_unit.page", code=code))


@bp.post("/leverantorer/<vendor>/undantag")
def save_vendor(vendor: str) -> AnyResponse:
    """Keep only the ticked exceptions of a vendor: it gets the other people and classes again."""
    ctx = request_context()
    known_vendor(ctx, vendor)
    kept = frozenset(request.form.getlist("except"))

    def change(tenant: Tenant) -> Tenant:
        connection = connection_to(tenant, vendor)
        excepted = ConnectionExceptions(
            users=tuple(each for each in connection.exceptions.users if each in kept),
            classes=tuple(each for each in connection.exceptions.classes if each in kept),
        )
        changed = connection.excepting(excepted)
        return with_settings(tenant, vendor, exceptions=changed.exceptions)

    try:
        ctx.save(
            "vendor.exceptions",
            change,
            subject=vendor,
            part=lambda tenant: connection_to(tenant, vendor).exceptions,
            version_token=request.form.get("mark", ""),
        )
    except EditConflict:
        flash(
            _("Någon annan har ändrat undantagen under tiden. Se efter och spara igen."), "warning"
        )
    else:
        name = ctx.vendor_name(vendor)
        flash(_("Sparat. Nästa körning skickar ändringen till %(vendor)s.", vendor=name))
    return redirect(url_for("vendor.page", vendor=vendor))


def with_person(tenant: Tenant, user_id: str, wanted: PersonInclusion) -> Tenant:
    """Return the document in which the person is included as wanted."""
    for each in wanted.units:
        unit = stored_unit(tenant, each.unit)
        if unit is not None:
            selector = unit.students if each.role == "students" else unit.staff
            users = _toggled(selector.exceptions.users, user_id, each.included)
            selector = selector.excepting(structs.replace(selector.exceptions, users=users))
            tenant = with_unit(tenant, each.unit, **{each.role: selector})
    for at in wanted.vendors:
        connection = tenant.connection(at.vendor)
        if connection is not None:
            excepted = connection.exceptions
            users = _toggled(excepted.users, user_id, at.included)
            changed = connection.excepting(structs.replace(excepted, users=users))
            tenant = with_connection(tenant, at.vendor, exceptions=changed.exceptions)
    return tenant


def with_group(tenant: Tenant, wanted: GroupInclusion) -> Tenant:
    """Return the document in which the class or teaching group is included as wanted."""
    group = wanted.group
    kind: Kind = "classes" if group.kind == "class" else "teaching_groups"
    unit = stored_unit(tenant, group.unit)
    rule = None if unit is None else rule_of(unit, kind)
    if rule is not None:
        names = excepted_names(rule)
        left = tuple(name for name in names if fold(name) != fold(group.name))
        if not wanted.included:
            left = names if len(left) < len(names) else (*names, group.name)
        if left != names:
            tenant = with_unit(tenant, group.unit, **{kind: leaving_out(rule, left)})
    for at in wanted.vendors:
        connection = tenant.connection(at.vendor)
        if connection is not None:
            excepted = connection.exceptions
            classes = _toggled(excepted.classes, wanted.external_id, at.included)
            changed = connection.excepting(structs.replace(excepted, classes=classes))
            tenant = with_connection(tenant, at.vendor, exceptions=changed.exceptions)
    return tenant


def _not_seen() -> dict[str, str]:
    return {"accepted": _("Kryssa för att du har sett vad som tas bort.")}


def _user(ctx: RequestContext, user_id: str) -> User:
    user = ctx.directory.users.get(user_id)
    if user is None:
        abort(404)
    return user


def _group_of(ctx: RequestContext, code: str, external_id: str) -> GroupInclusion:
    found = group_inclusion(ctx.directory, code, external_id)
    if found is None:
        abort(404)
    return found


def _exceptions_of(tenant: Tenant, user_id: str) -> object:
    """Return which selections and connections leave the person out."""
    units = [
        (
            unit.code,
            user_id in unit.students.exceptions.users,
            user_id in unit.staff.exceptions.users,
        )
        for unit in tenant.school_units
    ]
    return units, [(c.vendor, user_id in c.exceptions.users) for c in tenant.connections]


def _exceptions_of_group(tenant: Tenant, wanted: GroupInclusion) -> object:
    """Return whether the unit's rules and which connections leave the class or group out."""
    unit, name = stored_unit(tenant, wanted.group.unit), fold(wanted.group.name)
    rules = () if unit is None else (rule_of(unit, "classes"), rule_of(unit, "teaching_groups"))
    left = [name in map(fold, excepted_names(rule)) for rule in rules]
    return left, [
        (c.vendor, wanted.external_id in c.exceptions.classes) for c in tenant.connections
    ]


def _is_accepted(wanted: PersonInclusion | GroupInclusion) -> bool:
    return request.form.get("accepted") == value_hash(wanted)


def _person_view(ctx: RequestContext, user: User, wanted: PersonInclusion) -> dict[str, object]:
    connections = delivered(ctx.store, ctx.tenant)
    effect = person_effect(ctx.directory, user.id, wanted, connections, ctx.newest_run)
    return {
        "user": user,
        "who": full_name(user),
        "inclusion": wanted,
        "effect": effect,
        "asks": bool(effect.removals or (effect.turned and connections)),
        "seen": value_hash(wanted),
        "accepted": _is_accepted(wanted),
    }


def _person(
    ctx: RequestContext,
    user: User,
    wanted: PersonInclusion,
    *,
    faults: dict[str, str] | None = None,
    conflict: EditConflict | None = None,
) -> str:
    return render_template(
        "exceptions/person.html",
        faults=faults or {},
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _exceptions_of(tenant, user.id)),
        **_person_view(ctx, user, wanted),
    )


def _group_view(ctx: RequestContext, wanted: GroupInclusion) -> dict[str, object]:
    replacements = group_effect(ctx.directory, wanted, delivered(ctx.store, ctx.tenant))
    return {
        "group": wanted.group,
        "inclusion": wanted,
        "replacements": replacements,
        "asks": bool(replacements),
        "seen": value_hash(wanted),
        "accepted": _is_accepted(wanted),
    }


def _group(
    ctx: RequestContext,
    wanted: GroupInclusion,
    *,
    faults: dict[str, str] | None = None,
    conflict: EditConflict | None = None,
) -> str:
    unit = stored_unit(ctx.tenant, wanted.group.unit)
    return render_template(
        "exceptions/group.html",
        unit=unit,
        whole=WHOLE_GROUP,
        students=names(ctx.directory, wanted.group.students),
        teachers=names(ctx.directory, wanted.group.teachers),
        faults=faults or {},
        conflict=conflict,
        mark=ctx.version_token(lambda tenant: _exceptions_of_group(tenant, wanted)),
        **_group_view(ctx, wanted),
    )


def _toggled(values: tuple[str, ...], value: str, included: bool) -> tuple[str, ...]:
    """Return the excepted `values` without the value if it is included, else with it."""
    if included:
        return tuple(each for each in values if each != value)
    return values if value in values else (*values, value)
