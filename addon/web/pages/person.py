"""One person: what is known, which rule placed them, what each vendor has."""

import json
from collections.abc import Iterable

from flask import Blueprint, abort, render_template, request
from msgspec import Struct

from addon.at_vendor import HeldResource, held_at
from addon.conditions import fold
from addon.delivery.ledger import Key
from addon.directory.snapshot import User
from addon.rooms import ledger_key
from addon.roster.explain import explain
from addon.roster.model import Finding
from addon.ss12000.ids import Ids
from addon.web.here import Here, here
from addon.web.study import Desk
from addon.web.views.differences import Line, differences

Known = tuple[tuple[str, tuple[str, ...]], ...]


class AtVendor(Struct, frozen=True):
    """A vendor and a person: whether they are sent there, and whether it has them.

    `has` is by the ledger: `yes`, `unsure` (a create whose answer was lost) or `no`; `planned`
    is what the next run would do, empty for nothing.
    """

    vendor: str
    mode: str
    sent: bool
    has: str
    planned: str
    refusal: str


class Held(Struct, frozen=True):
    """A resource as the vendor has it, line by line."""

    resource: HeldResource
    lines: tuple[Line, ...]


def blueprint() -> Blueprint:
    """A person's page; it also answers what a data subject may ask."""
    person = Blueprint("person", __name__)

    @person.get("/personer/<user_id>")
    def page(user_id: str) -> str:
        """What is known, which rule placed them, what does each vendor have?"""
        now = here()
        desk, user = now.desk, _user(now, user_id)
        prepared = desk.prepared
        return render_template(
            "person/page.html",
            user=user,
            known=_known(user),
            groups=_groups(desk, user_id),
            explanation=explain(now.tenant, desk.index, user_id, prepared.roster),
            placed=prepared.roster.people.get(user_id),
            reason=prepared.roster.left_out.get(user_id, ""),
            memberships=[
                group
                for group in prepared.roster.groups
                if user_id in group.students or user_id in group.teachers
            ],
            findings=_findings(prepared.findings, user_id),
            vendors=_vendors(now, desk, user_id),
            units={unit.code: unit.name for unit in now.tenant.school_units},
            external_id=Ids(now.tenant_id).user(user_id),
            read=desk.survey.read,
        )

    @person.get("/personer/<user_id>/hos/<vendor>")
    def at_vendor(user_id: str, vendor: str) -> str:
        """What a vendor has of them, asked of the vendor itself."""
        now = here()
        user = _user(now, user_id)
        if now.tenant.connection(vendor) is None:
            abort(404)
        found = held_at(now.rooms, now.tenant_id, vendor, user_id)
        part = request.headers.get("HX-Request") == "true"
        return render_template(
            "person/held.html" if part else "person/at_vendor.html",
            user=user,
            vendor_id=vendor,
            held=[Held(each, _lines(each)) for each in found],
        )

    return person


def _user(now: Here, user_id: str) -> User:
    user = now.desk.users.get(user_id)
    if user is None:
        abort(404)
    return user


def _known(user: User) -> Known:
    """What was read of the account, by the Directory API's names."""
    return (
        ("id", (user.id,)),
        ("primaryEmail", (user.primary_email,)),
        ("name.givenName", (user.given_name,)),
        ("name.familyName", (user.family_name,)),
        ("orgUnitPath", (user.org_unit_path,)),
        *sorted(user.attributes.items()),
    )


def _groups(desk: Desk, user_id: str) -> list[tuple[str, str]]:
    """Names and addresses of the groups that they are in."""
    index = desk.index
    found = [(g.name, g.email) for g in index.groups if user_id in index.members[g.id]]
    return sorted(found, key=lambda each: fold(each[0] or each[1]))


def _findings(findings: Iterable[Finding], user_id: str) -> list[Finding]:
    return [found for found in findings if found.subject == user_id]


def _vendors(now: Here, desk: Desk, user_id: str) -> list[AtVendor]:
    external_id = Ids(now.tenant_id).user(user_id)
    found = []
    for connection in now.tenant.connections:
        key = ledger_key(now.tenant_id, connection)
        if key is None:
            continue
        view = desk.prepared.views.get(connection.vendor)
        entries, refusals = _ledger(now, desk, key)
        entry = entries.get(external_id)
        planned = _planned(now, desk, connection.vendor).get(external_id, "")
        found.append(
            AtVendor(
                vendor=connection.vendor,
                mode=connection.mode,
                sent=view is not None and user_id in view.people,
                has="no" if entry is None else "unsure" if not entry else "yes",
                planned=planned,
                refusal=refusals.get(external_id, ""),
            )
        )
    return found


def _ledger(now: Here, desk: Desk, key: Key) -> tuple[dict[str, bytes], dict[str, str]]:
    """The people that the vendor has by the ledger, and what it said of those it refused."""
    store = now.store

    def look() -> tuple[dict[str, bytes], dict[str, str]]:
        ledger = store.ledger(key)
        return (
            {i: entry.content for i, entry in ledger.entries["User"].items()},
            {i: f"{r.status} {r.detail}".strip() for i, r in ledger.refusals["User"].items()},
        )

    return desk.make(("people at", key, now.newest_run), look)


def _planned(now: Here, desk: Desk, vendor: str) -> dict[str, str]:
    """What the next run would do to each person at a vendor."""
    foreseen = desk.foreseen(vendor, now.newest_run)
    if foreseen is None:
        return {}
    plan = foreseen.plan
    return desk.make(
        ("planned", vendor, now.newest_run),
        lambda: {o.external_id: o.kind for o in plan.operations() if o.resource_type == "User"},
    )


def _lines(resource: HeldResource) -> tuple[Line, ...]:
    body = None if resource.body is None else json.loads(resource.body)
    return differences(None, body)
