"""One class or teaching group: who is in it, and which units' lists and vendors have it."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.ss12000.ids import Ids
from addon.tenants.model import Tenant
from addon.text import fold
from addon.web.forms.class_rules import Kind, excepted_names, leaving_out, rule_of
from addon.web.htmx import asks_for_part
from addon.web.presenters.connection_status import delivered
from addon.web.presenters.delivery_history import GroupEvent, group_events
from addon.web.presenters.exceptions import (
    WHOLE_GROUP,
    GroupInclusion,
    group_effect,
    group_inclusion,
)
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
from addon.web.views.exception_common import PLACES, is_accepted, not_seen, toggled
from addon.web.views.school_unit import stored_unit

bp = Blueprint("student_group", __name__)


@bp.get("/skolenheter/<code>/grupp/<external_id>")
def page(code: str, external_id: str) -> str:
    """Show a class or teaching group and where it is sent, to change it."""
    ctx = request_context()
    return _page(ctx, _group_of(ctx, code, external_id))


@bp.post("/skolenheter/<code>/grupp/<external_id>")
def save(code: str, external_id: str) -> AnyResponse | str | tuple[str, int]:
    """Save where the class is sent; or, with `do`, show what that means."""
    ctx = request_context()
    ctx.wait_longer()
    before = _group_of(ctx, code, external_id)
    wanted = before.choosing(request.form.getlist("offered"), request.form.getlist("with"))
    if request.form.get("do") == "show":
        if asks_for_part():
            return render_template("exceptions/preview.html", **_view(ctx, wanted))
        return _page(ctx, wanted)
    if _view(ctx, wanted)["asks"] and not is_accepted(wanted):
        return _page(ctx, wanted, faults=not_seen()), 400
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
        return _page(ctx, wanted, conflict=conflict), 409
    flash(_("Undantagen för %(who)s är sparade.", who=wanted.group.name))
    return redirect(url_for("school_unit.page", code=code))


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
            classes = toggled(excepted.classes, wanted.external_id, at.included)
            changed = connection.excepting(structs.replace(excepted, classes=classes))
            tenant = with_connection(tenant, at.vendor, exceptions=changed.exceptions)
    return tenant


def _group_of(ctx: RequestContext, code: str, external_id: str) -> GroupInclusion:
    found = group_inclusion(ctx.directory, code, external_id)
    if found is None:
        abort(404)
    return found


def _exceptions_of_group(tenant: Tenant, wanted: GroupInclusion) -> object:
    """Return whether the unit's rules and which connections leave the class or group out."""
    unit, name = stored_unit(tenant, wanted.group.unit), fold(wanted.group.name)
    rules = () if unit is None else (rule_of(unit, "classes"), rule_of(unit, "teaching_groups"))
    left = [name in map(fold, excepted_names(rule)) for rule in rules]
    return left, [
        (c.vendor, wanted.external_id in c.exceptions.classes) for c in tenant.connections
    ]


def _history(ctx: RequestContext, wanted: GroupInclusion) -> list[GroupEvent]:
    activity = Ids(ctx.tenant_id).activity(wanted.group)
    return group_events(ctx.directory, ctx.store, (wanted.external_id, activity))


def _view(ctx: RequestContext, wanted: GroupInclusion) -> dict[str, object]:
    replacements = group_effect(ctx.directory, wanted, delivered(ctx.store, ctx.tenant))
    return {
        "group": wanted.group,
        "inclusion": wanted,
        "replacements": replacements,
        "asks": bool(replacements),
        "seen": value_hash(wanted),
        "accepted": is_accepted(wanted),
    }


def _page(
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
        history=_history(ctx, wanted),
        **_view(ctx, wanted),
    )
