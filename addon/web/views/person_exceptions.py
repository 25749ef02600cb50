"""Where one person is included: at which units and vendors."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.directory.snapshot import User
from addon.tenants.model import Tenant
from addon.web.access_log import record_access
from addon.web.htmx import asks_for_part
from addon.web.presenters.connection_status import delivered
from addon.web.presenters.exceptions import PersonInclusion, person_effect, person_inclusion
from addon.web.presenters.resource_names import full_name
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

bp = Blueprint("person_exceptions", __name__)


@bp.get("/personer/<user_id>/undantag")
def page(user_id: str) -> str:
    """Show where the person is included, to change it."""
    ctx = request_context()
    user = _user(ctx, user_id)
    record_access("person.exceptions", user_id)
    return _page(ctx, user, person_inclusion(ctx.directory, user_id))


@bp.post("/personer/<user_id>/undantag")
def save(user_id: str) -> AnyResponse | str | tuple[str, int]:
    """Save where the person is included; or, with `do`, show what that means."""
    ctx = request_context()
    ctx.wait_longer()
    user = _user(ctx, user_id)
    before = person_inclusion(ctx.directory, user_id)
    wanted = before.choosing(request.form.getlist("offered"), request.form.getlist("with"))
    if request.form.get("do") == "show":
        if asks_for_part():
            return render_template("exceptions/preview.html", **_view(ctx, user, wanted))
        return _page(ctx, user, wanted)
    if _view(ctx, user, wanted)["asks"] and not is_accepted(wanted):
        return _page(ctx, user, wanted, faults=not_seen()), 400
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
        return _page(ctx, user, wanted, conflict=conflict), 409
    flash(_("Undantagen för %(who)s är sparade.", who=full_name(user)))
    return redirect(url_for("person.page", user_id=user_id))


def with_person(tenant: Tenant, user_id: str, wanted: PersonInclusion) -> Tenant:
    """Return the document in which the person is included as wanted."""
    for each in wanted.units:
        unit = stored_unit(tenant, each.unit)
        if unit is not None:
            selector = unit.students if each.role == "students" else unit.staff
            users = toggled(selector.exceptions.users, user_id, each.included)
            selector = selector.excepting(structs.replace(selector.exceptions, users=users))
            tenant = with_unit(tenant, each.unit, **{each.role: selector})
    for at in wanted.vendors:
        connection = tenant.connection(at.vendor)
        if connection is not None:
            excepted = connection.exceptions
            users = toggled(excepted.users, user_id, at.included)
            changed = connection.excepting(structs.replace(excepted, users=users))
            tenant = with_connection(tenant, at.vendor, exceptions=changed.exceptions)
    return tenant


def _user(ctx: RequestContext, user_id: str) -> User:
    user = ctx.directory.users.get(user_id)
    if user is None:
        abort(404)
    return user


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


def _view(ctx: RequestContext, user: User, wanted: PersonInclusion) -> dict[str, object]:
    connections = delivered(ctx.store, ctx.tenant)
    effect = person_effect(ctx.directory, user.id, wanted, connections, ctx.newest_run)
    return {
        "user": user,
        "who": full_name(user),
        "inclusion": wanted,
        "effect": effect,
        "asks": bool(effect.removals or (effect.turned and connections)),
        "seen": value_hash(wanted),
        "accepted": is_accepted(wanted),
    }


def _page(
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
        **_view(ctx, user, wanted),
    )
