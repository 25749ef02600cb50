"""One person: what is known, which rule placed them, and what each vendor has."""

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from flask import Blueprint, abort, render_template, request
from msgspec import structs

from addon.directory.snapshot import User
from addon.roster.explain import explain
from addon.ss12000.ids import Ids
from addon.sync.known_findings import load_known
from addon.sync.vendor_lookup import VendorResource, lookup_person
from addon.text import fold
from addon.web.access_log import record_access
from addon.web.directory.cache import TenantDirectory
from addon.web.htmx import asks_for_part
from addon.web.presenters.delivery_history import person_lines
from addon.web.presenters.findings import FindingRow, kinds
from addon.web.presenters.resource_diff import differences
from addon.web.presenters.resource_names import named_resources, names_by_id
from addon.web.request_context import RequestContext, request_context
from addon.web.send_now import problem_text, send_problem
from addon.web.views.at_vendors import AtVendor, VendorResourceView, at_vendors
from addon.web.views.directory import updated_since
from addon.web.views.person_now import sending

Known = tuple[tuple[str, tuple[str, ...]], ...]


bp = Blueprint("person", __name__)


@bp.get("/personer/<user_id>")
def page(user_id: str) -> str:
    """Show what is known, which rule placed the person, and what each vendor has."""
    ctx = request_context()
    directory, user = ctx.directory, _user(ctx, user_id)
    prepared = directory.prepared
    vendors = at_vendors(ctx, directory, user_id)
    excerpt = request.args.get("utdrag") == "1"
    record_access("person.excerpt" if excerpt else "person.page", user_id)
    return render_template(
        "person/page.html",
        user=user,
        known=_known(user),
        groups=_groups(directory, user_id),
        explanation=explain(ctx.tenant, directory.index, user_id, prepared.roster),
        placed=prepared.roster.people.get(user_id),
        reason=prepared.roster.left_out.get(user_id, ""),
        memberships=[
            group
            for group in prepared.roster.groups
            if user_id in group.students or user_id in group.teachers
        ],
        findings=_findings(directory, user_id),
        marks=load_known(ctx.store, ctx.tenant_id, ctx.now),
        vendors=_all_asked(ctx, directory, user_id, vendors) if excerpt else vendors,
        problem=problem_text(send_problem(ctx, directory, user_id)),
        **sending(ctx, user_id),
        history=person_lines(directory, ctx.store, user_id),
        groups_by_id=named_resources(directory),
        excerpt=excerpt,
        units=ctx.tenant.unit_names,
        external_id=Ids(ctx.tenant_id).user(user_id),
        read=directory.directory_snapshot.read,
        stale=updated_since(ctx, directory.directory_snapshot.read),
    )


@bp.get("/personer/<user_id>/hos/<vendor>")
def at_vendor(user_id: str, vendor: str) -> str:
    """Show what a vendor has of the person, as the vendor itself answers."""
    ctx = request_context()
    directory, user = ctx.directory, _user(ctx, user_id)
    if ctx.tenant.connection(vendor) is None:
        abort(404)
    with ctx.waiting():
        record_access("vendor.asked", user_id, vendor)
        found = lookup_person(ctx.sync_context, ctx.tenant_id, vendor, user_id)
    part = asks_for_part()
    return render_template(
        "person/held.html" if part else "person/at_vendor.html",
        user=user,
        vendor_id=vendor,
        held=_told(found, names_by_id(directory)),
    )


def _user(ctx: RequestContext, user_id: str) -> User:
    user = ctx.directory.users.get(user_id)
    if user is None:
        abort(404)
    return user


def _known(user: User) -> Known:
    """Return what was read of the account, by the Directory API's names."""
    return (
        ("id", (user.id,)),
        ("primaryEmail", (user.primary_email,)),
        ("name.givenName", (user.given_name,)),
        ("name.familyName", (user.family_name,)),
        ("orgUnitPath", (user.org_unit_path,)),
        *sorted(user.attributes.items()),
    )


def _groups(directory: TenantDirectory, user_id: str) -> list[tuple[str, str, str]]:
    """Return the names, addresses and ids of the groups that the person is in."""
    index = directory.index
    found = [(g.name, g.email, g.id) for g in index.groups if user_id in index.members[g.id]]
    return sorted(found, key=lambda each: fold(each[0] or each[1]))


def _findings(directory: TenantDirectory, user_id: str) -> list[FindingRow]:
    """Return the findings about the person, the same as on the page of data quality."""
    return [
        about
        for kind in kinds(directory)
        for about in kind.found
        if about.user is not None and about.user.id == user_id
    ]


def _all_asked(
    ctx: RequestContext, directory: TenantDirectory, user_id: str, vendors: Sequence[AtVendor]
) -> list[AtVendor]:
    """Return the vendors with what they answer; all are asked concurrently."""
    context, tenant_id, known = ctx.sync_context, ctx.tenant_id, names_by_id(directory)
    asked = [each.vendor for each in vendors if each.current and each.has != "no"]

    def ask(each: AtVendor) -> AtVendor:
        if not each.current or each.has == "no":
            return each
        answers = lookup_person(context, tenant_id, each.vendor, user_id)
        return structs.replace(each, held=_told(answers, known))

    at_once = max(1, len(vendors))
    with ctx.waiting(), ThreadPoolExecutor(at_once, thread_name_prefix="ask") as pool:
        for vendor in asked:
            record_access("vendor.asked", user_id, vendor)
        return list(pool.map(ask, vendors))


def _told(
    found: Iterable[VendorResource], known: Mapping[str, str]
) -> tuple[VendorResourceView, ...]:
    """Return each resource that a vendor has, with one row per value."""
    return tuple(
        VendorResourceView(
            each, differences(None, None if each.body is None else json.loads(each.body), known)
        )
        for each in found
    )
