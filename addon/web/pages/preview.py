"""Förhandsgranska: what happens at the next run."""

import json

from flask import Blueprint, abort, render_template, request
from msgspec import Struct

from addon.at_vendor import HeldResource, held_at
from addon.ss12000.ids import Ids
from addon.web.here import Here, here
from addon.web.paging import page_of
from addon.web.steps import previewed
from addon.web.views.differences import Line, differences
from addon.web.views.foreseen import Outlook, outlook, resource

SIZE = 100
KINDS = ("create", "update", "delete")


class Side(Struct, frozen=True):
    """A resource before and after, line by line; `problem` says why the vendor did not tell."""

    lines: tuple[Line, ...]
    kind: str
    problem: str | None = None


def blueprint() -> Blueprint:
    """What the next run would do, by vendor: numbers, then names, then one person."""
    preview = Blueprint("preview", __name__)

    @preview.get("/forhandsgranska")
    def page() -> str:
        """What happens at the next run?"""
        now = here()
        desk = now.desk
        outlooks = [outlook(now, desk, c.vendor) for c in now.tenant.connections]
        previewed(now)
        return render_template(
            "preview/page.html",
            outlooks=[each for each in outlooks if each is not None],
            off=[
                (c.vendor, desk.prepared.views.get(c.vendor))
                for c in now.tenant.connections
                if c.mode == "off" and c.school_units
            ],
            read=desk.survey.read,
        )

    @preview.get("/forhandsgranska/<vendor>")
    def vendor(vendor: str) -> str:
        """Who would be created, changed and removed at a vendor."""
        now = here()
        found = _outlook(now, vendor)
        kind = request.args.get("vad", "")
        deeds = [d for d in found.people if not kind or d.kind == kind]
        return render_template(
            "preview/vendor.html",
            outlook=found,
            page=page_of(deeds, request.args, SIZE),
            kind=kind if kind in KINDS else "",
        )

    @preview.get("/forhandsgranska/<vendor>/<user_id>")
    def person(vendor: str, user_id: str) -> str:
        """What of one person's resource would change at a vendor."""
        now = here()
        found = _outlook(now, vendor)
        user = now.desk.users.get(user_id)
        if user is None:
            abort(404)
        operation = resource(found.foreseen, Ids(now.tenant_id).user(user_id))
        side = None
        if operation is not None:
            there = _there(now, vendor, user_id) if operation.kind != "create" else None
            before = there.body if there is not None and there.body else None
            after = operation.body.decode() if operation.body else None
            lines = differences(_parsed(before), _parsed(after))
            problem = there.problem if there is not None else None
            side = Side(lines, operation.kind, problem)
        return render_template(
            "preview/person.html", vendor_id=vendor, user=user, side=side, outlook=found
        )

    return preview


def _outlook(now: Here, vendor: str) -> Outlook:
    if now.tenant.connection(vendor) is None:
        abort(404)
    found = outlook(now, now.desk, vendor)
    if found is None:
        abort(404)
    return found


def _there(now: Here, vendor: str, user_id: str) -> HeldResource | None:
    """The person's User resource as the vendor has it."""
    held = held_at(now.rooms, now.tenant_id, vendor, user_id)
    return next((each for each in held if each.resource_type == "User"), None)


def _parsed(body: str | None) -> object:
    return None if body is None else json.loads(body)
