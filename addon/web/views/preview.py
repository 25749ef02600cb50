"""Förhandsgranska: what happens at the next run."""

import json
from collections.abc import Mapping

from flask import Blueprint, abort, render_template, request
from msgspec import Struct

from addon.planning.plan import Operation
from addon.sync.context import resolve_target
from addon.sync.vendor_lookup import VendorResource, lookup_person
from addon.vendors.profiles import NotConfigured
from addon.web.access_log import record_access
from addon.web.directory.cache import TenantDirectory
from addon.web.pagination import page_of
from addon.web.presenters.next_run import ORDER, NextRun, next_run, operations_on
from addon.web.presenters.resource_diff import DiffRow, differences
from addon.web.presenters.resource_names import names_by_id
from addon.web.presenters.setup_steps import previewed
from addon.web.request_context import RequestContext, request_context
from addon.web.views.directory import current_directory

SIZE = 100
MOST_SCHOOLS = 50
"""School units in the table of one vendor; the page of the vendor has all people."""


class Side(Struct, frozen=True):
    """A resource before and after, row by row; `problem` says why the vendor did not answer."""

    resource_type: str
    kind: str
    lines: tuple[DiffRow, ...]
    problem: str | None = None


bp = Blueprint("preview", __name__)


@bp.get("/forhandsgranska")
def page() -> str:
    """Show what happens at the next run."""
    ctx = request_context()
    directory = current_directory(ctx)
    found = [next_run(directory, c.vendor, ctx.newest_run) for c in ctx.tenant.connections]
    previewed(ctx.store, ctx.tenant_id, ctx.now)
    return render_template(
        "preview/page.html",
        outlooks=[each for each in found if each is not None],
        units=ctx.tenant.unit_names,
        most_schools=MOST_SCHOOLS,
        problems=vendor_problems(ctx),
        read=directory.directory_snapshot.read,
    )


@bp.get("/forhandsgranska/<vendor>")
def vendor(vendor: str) -> str:
    """Show who would be created, changed and removed at a vendor."""
    ctx = request_context()
    directory = current_directory(ctx)
    found = _outlook(ctx, directory, vendor)
    kind, of_type = request.args.get("vad", ""), request.args.get("typ", "User")
    kind = kind if kind in ORDER else ""
    of_type = of_type if of_type in found.types else "User"
    school = request.args.get("enhet") if of_type == "User" else None
    actions = [
        d
        for d in found.operations
        if d.resource_type == of_type
        and (not kind or d.kind == kind)
        and (school is None or school in (d.units or ("",)))
    ]
    return render_template(
        "preview/vendor.html",
        next_run=found,
        page=page_of(actions, request.args, SIZE),
        kind=kind,
        of_type=of_type,
        school=school,
        units=ctx.tenant.unit_names,
    )


@bp.get("/forhandsgranska/<vendor>/<user_id>")
def person(vendor: str, user_id: str) -> str:
    """Show what of one person's resources would change at a vendor."""
    ctx = request_context()
    directory = current_directory(ctx)
    found = _outlook(ctx, directory, vendor)
    user = directory.users.get(user_id)
    if user is None:
        abort(404)
    operations = operations_on(found.planned, user_id)
    record_access("person.preview", user_id, vendor)
    there = _at_vendor(ctx, vendor, user_id, operations) if found.on else {}
    known = names_by_id(directory)
    return render_template(
        "preview/person.html",
        vendor_id=vendor,
        user=user,
        sides=[_side(operation, there, known) for operation in operations],
        next_run=found,
    )


def _outlook(ctx: RequestContext, directory: TenantDirectory, vendor: str) -> NextRun:
    found = next_run(directory, vendor, ctx.newest_run)
    if found is None:
        abort(404)
    return found


def vendor_problems(ctx: RequestContext) -> dict[str, str]:
    """Return what is not configured, by vendor, of the connections that are on but cannot run."""
    context = ctx.sync_context
    targets = {
        c.vendor: resolve_target(context.settings, c, context.secrets)
        for c in ctx.tenant.connections
        if c.mode != "off"
    }
    return {v: str(target) for v, target in targets.items() if isinstance(target, NotConfigured)}


def _at_vendor(
    ctx: RequestContext, vendor: str, user_id: str, operations: tuple[Operation, ...]
) -> dict[str, VendorResource]:
    """Return what the vendor has of the person; it is asked only when some of it will change."""
    if all(operation.kind == "create" for operation in operations):
        return {}
    with ctx.waiting():
        record_access("vendor.asked", user_id, vendor)
        held = lookup_person(ctx.sync_context, ctx.tenant_id, vendor, user_id)
    return {each.external_id: each for each in held}


def _side(
    operation: Operation, there: Mapping[str, VendorResource], known: Mapping[str, str]
) -> Side:
    held = there.get(operation.external_id)
    before = json.loads(held.body) if held is not None and held.body else None
    after = json.loads(operation.body) if operation.body else None
    return Side(
        resource_type=operation.resource_type,
        kind=operation.kind,
        lines=differences(before, after, known),
        problem=None if held is None else held.problem,
    )
