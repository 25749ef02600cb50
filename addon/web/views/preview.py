"""Förhandsgranska: what happens at the next run."""

import json
from collections.abc import Mapping

from flask import Blueprint, abort, render_template, request
from msgspec import Struct

from addon.planning.plan import Operation
from addon.sync.context import target_of
from addon.sync.vendor_lookup import HeldResource, held_at
from addon.vendors.profiles import NotConfigured
from addon.web.directory.cache import Desk
from addon.web.pagination import page_of
from addon.web.presenters.fresh import fresh_desk
from addon.web.presenters.next_run import ORDER, Outlook, operations_on, outlook
from addon.web.presenters.resource_diff import Line, differences
from addon.web.presenters.resource_names import names_by_id
from addon.web.presenters.setup_steps import previewed
from addon.web.request_context import Here, here

SIZE = 100


class Side(Struct, frozen=True):
    """A resource before and after, line by line; `problem` says why the vendor did not tell."""

    resource_type: str
    kind: str
    lines: tuple[Line, ...]
    problem: str | None = None


def blueprint() -> Blueprint:
    """What the next run would do, by vendor: numbers, then names, then one person."""
    preview = Blueprint("preview", __name__)

    @preview.get("/forhandsgranska")
    def page() -> str:
        """What happens at the next run?"""
        now = here()
        desk = fresh_desk(now)
        found = [outlook(now, desk, c.vendor) for c in now.tenant.connections]
        previewed(now)
        return render_template(
            "preview/page.html",
            outlooks=[each for each in found if each is not None],
            problems=_problems(now),
            read=desk.survey.read,
        )

    @preview.get("/forhandsgranska/<vendor>")
    def vendor(vendor: str) -> str:
        """Who would be created, changed and removed at a vendor."""
        now = here()
        desk = fresh_desk(now)
        found = _outlook(now, desk, vendor)
        kind, of_type = request.args.get("vad", ""), request.args.get("typ", "User")
        kind = kind if kind in ORDER else ""
        of_type = of_type if of_type in found.types else "User"
        deeds = [
            d for d in found.deeds if d.resource_type == of_type and (not kind or d.kind == kind)
        ]
        return render_template(
            "preview/vendor.html",
            outlook=found,
            page=page_of(deeds, request.args, SIZE),
            kind=kind,
            of_type=of_type,
            units={unit.code: unit.name for unit in now.tenant.school_units},
        )

    @preview.get("/forhandsgranska/<vendor>/<user_id>")
    def person(vendor: str, user_id: str) -> str:
        """What of one person's resources would change at a vendor."""
        now = here()
        desk = fresh_desk(now)
        found = _outlook(now, desk, vendor)
        user = desk.users.get(user_id)
        if user is None:
            abort(404)
        operations = operations_on(found.foreseen, now.tenant, user_id)
        there = _there(now, vendor, user_id, operations) if found.on else {}
        known = names_by_id(desk)
        return render_template(
            "preview/person.html",
            vendor_id=vendor,
            user=user,
            sides=[_side(operation, there, known) for operation in operations],
            outlook=found,
        )

    return preview


def _outlook(now: Here, desk: Desk, vendor: str) -> Outlook:
    found = outlook(now, desk, vendor)
    if found is None:
        abort(404)
    return found


def _problems(now: Here) -> dict[str, str]:
    """What is not set up of the connections that are on, so that they cannot run."""
    rooms = now.rooms
    targets = {
        c.vendor: target_of(rooms.settings, c, rooms.secrets)
        for c in now.tenant.connections
        if c.mode != "off"
    }
    return {v: str(target) for v, target in targets.items() if isinstance(target, NotConfigured)}


def _there(
    now: Here, vendor: str, user_id: str, operations: tuple[Operation, ...]
) -> dict[str, HeldResource]:
    """What the vendor has of the person, asked of it where something of that is to change."""
    if all(operation.kind == "create" for operation in operations):
        return {}
    held = held_at(now.rooms, now.tenant_id, vendor, user_id)
    return {each.external_id: each for each in held}


def _side(
    operation: Operation, there: Mapping[str, HeldResource], known: Mapping[str, str]
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
