"""The states that a municipality can be in, and which pages matter in each."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from msgspec import structs

from addon.directory.errors import DirectoryError
from addon.ss12000.ids import Ids
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry
from addon.tenants.diff import Changed, places_of
from addon.tenants.document import load_tenant
from addon.tenants.restore import is_restorable
from addon.web.directory.snapshot_store import ReadingState, forget, save_reading_state
from addon.web.presenters.saved_searches import save_search
from addon.web.services import Services
from tests.browser.addresses import PAGES
from tests.browser.history import ELSEWHERE, move_north, some_days
from tests.support.municipality import (
    NORTH,
    administrator,
    document_of,
    read_directory,
    refuse_hold,
    save_document,
    set_up,
    sync_now,
    today_in_sweden,
)
from tests.support.world import World

BAND = ("/", "/leverantorer", "/personer", "/datakvalitet", "/korningar", "/installningar")
SIGNED_OUT = ("/logga-in", "/logga-in/klar")
"""For those who have not signed in."""
LEFT = ("/avsked/{farewell}",)
"""For those who have left."""
FAREWELL_TOKEN = "farewell-of-the-tests"


class State(NamedTuple):
    """What prepares it, and the addresses that are looked at then."""

    prepare: Callable[[World], None]
    addresses: tuple[str, ...]


def new(world: World) -> None:
    """Nobody has been here."""


def begun(world: World) -> None:
    """The organisation is saved and the directory read; nothing is chosen."""
    _save(world, schoolUnits=[], connections=[], protected={})
    read_directory(world)


def chosen(world: World) -> None:
    """Units have been added, and nobody has said who belongs to them."""
    document = document_of(world)
    bare = [{**unit, "students": {}, "staff": {}} for unit in document["schoolUnits"]]
    for unit in bare:
        for rule in ("classes", "teachingGroups", "schoolYear"):
            unit.pop(rule, None)
    _save(world, schoolUnits=bare, connections=[], protected={})
    read_directory(world)


def settled(world: World) -> None:
    """Some days have passed, and a unit's selection was changed, which can be taken back."""
    some_days(world)
    tenant = load_tenant(json.dumps(document_of(world)).encode())
    place = f"schoolUnits[{tenant.school_units[0].code}].students"
    change = Changed(place, '{"orgUnits":["/Elever/Finns inte"]}', places_of(tenant)[place])
    entry = new_entry_id(now := world.clock())
    code, who = tenant.school_units[0].code, administrator(world)
    world.store.append_audit(
        world.tenant, AuditEntry(entry, now, who, "unit.saved", code, (change,))
    )


def held(world: World) -> None:
    """A school's pupils were moved to where no selection reaches."""
    set_up(world)
    sync_now(world)
    move_north(world)
    read_directory(world)


def asked(world: World) -> None:
    """An OU has another name, somebody is missing, and somebody's protection has ended."""
    set_up(world)
    pupils = world.domain.users_in(NORTH)
    hidden, missing = (user["primaryEmail"] for user in pupils[:2])
    home, sort = pupils[0]["orgUnitPath"], load_tenant(json.dumps(document_of(world)).encode())
    world.domain.move_user(hidden, sort.protected.org_units[0])
    sync_now(world)
    world.domain.move_user(hidden, home)
    world.directory.fail(f"users/{pupils[1]['id']}", times=None)
    world.domain.remove_user(missing)
    world.domain.rename_org_unit(NORTH, "Nordskolan")
    sync_now(world)
    read_directory(world)


def refused(world: World) -> None:
    """Somebody has said no to one hold; the other waits."""
    held(world)
    refuse_hold(world, "gleerups")


def paused(world: World) -> None:
    """It is summer, and a school's pupils were moved to where no selection reaches."""
    set_up(world)
    sync_now(world)
    world.domain.move_people(NORTH, f"/Elever/{ELSEWHERE}")
    read_directory(world)
    today = today_in_sweden(world)
    _save(world, schedule={"pause": {"from": str(today), "until": str(today)}})


def in_trouble(world: World) -> None:
    """A vendor does not answer, and the run after that cannot read the directory."""
    set_up(world)
    world.vendor("binogi").fail(503, times=1_000_000)
    sync_now(world)
    world.directory.fail("/users", status=403, reason="forbidden", times=None)
    with suppress(DirectoryError):
        sync_now(world)
    world.directory.clear_failures()
    read_directory(world)


def reading(world: World) -> None:
    """The directory is being read."""
    set_up(world)
    _told(world, "reading", users=11_204, groups=812)


def unreadable(world: World) -> None:
    """The directory could not be read."""
    set_up(world)
    _told(world, "failed", detail="Google svarar 403: behörighet saknas.")


def left(world: World) -> None:
    """The app was uninstalled, and the access withdrawn."""
    set_up(world)
    sync_now(world)
    now = world.services.clock()
    world.store.update_licence(
        world.tenant,
        lambda known: structs.replace(known, farewell=now, erased=True, token=FAREWELL_TOKEN),
    )


STATES: Mapping[str, State] = {
    "new": State(new, ("/",)),
    "begun": State(
        begun,
        (
            "/",
            "/organisation",
            "/skolenheter",
            "/skolenheter/sok",
            "/forslag",
            "/leverantorer",
            "/forhandsgranska",
            "/testlage",
            "/skarpt-lage",
            "/personer",
            "/datakvalitet",
            "/korningar",
            "/sparrar",
            "/installningar/logg",
        ),
    ),
    "chosen": State(
        chosen,
        (
            "/",
            "/skolenheter",
            "/skolenheter/{unit}",
            "/skolenheter/{unit}/urval",
            "/skolenheter/{unit}/klasser",
            "/forslag",
            "/forslag?enhet={unit}",
            "/testlage",
        ),
    ),
    "settled": State(
        settled, tuple(a for some in PAGES.values() for a in some if a not in SIGNED_OUT + LEFT)
    ),
    "held": State(
        held,
        (
            *BAND,
            "/sparrar",
            "/leverantorer/gleerups",
            "/korningar/{run}",
            "/forhandsgranska",
            "/forhandsgranska/gleerups",
            "/skolenheter/{unit}",
        ),
    ),
    "asked": State(asked, ("/", "/sparrar")),
    "refused": State(refused, ("/", "/sparrar", "/leverantorer/gleerups")),
    "paused": State(
        paused, ("/", "/leverantorer/gleerups", "/korningar", "/installningar", "/terminsstart")
    ),
    "in trouble": State(
        in_trouble, ("/", "/leverantorer/binogi", "/korningar", "/korningar/{run}")
    ),
    "reading": State(reading, ("/personer", "/skolenheter", "/skolenheter/{unit}", "/sparrar")),
    "unreadable": State(unreadable, ("/personer",)),
    "left": State(left, ("/", "/korningar", *LEFT)),
}


def _people_in(world: World, path: str) -> list[dict[str, Any]]:
    """The people in an organisational unit, if there is one."""
    return world.domain.users_in(path) if world.domain.find_org_unit(path) else []


def _class_at(world: World, unit: str) -> str:
    """The externalId of a class of the unit whose classes are OUs."""
    paths = sorted({pupil["orgUnitPath"] for pupil in _people_in(world, NORTH)})
    named = (world.domain.find_org_unit(path) for path in paths if path[-2:-1].isdigit())
    found = next(filter(None, named), {"orgUnitId": "none"})
    return Ids(world.tenant).of_group(unit, "orgUnit", found["orgUnitId"])[0]


def known(world: World) -> dict[str, str]:
    """What the braces of addresses stand for."""
    domain, store = world.domain, world.store
    runs = [run.id for run in store.runs(world.tenant, 100)] or [""]
    users = list(domain.users.values())
    units = [unit.code for unit in domain.units]
    found = {
        "run": runs[0],
        "farewell": f"{world.tenant}.{FAREWELL_TOKEN}",
        "first_run": runs[-1],
        "unit": units[0],
        "other_unit": units[-1],
        "pupil": next((user["id"] for user in _people_in(world, NORTH)), ""),
        "class": _class_at(world, units[0]),
        "teacher": domain.users_in("/Personal")[0]["id"],
        "nameless": next(u["id"] for u in users if not u["name"].get("familyName")),
    }
    entries = store.audit_entries(world.tenant, 50)
    found["entry"] = next((e.id for e in entries if is_restorable(e.changes)), "none")
    found["searched"] = save_search(store, world.tenant, "a", world.services.clock())
    beginners = {"beginner": "sixten.lovdahl", "renamed": "tuva.ekdal"}
    for name, local in beginners.items():
        addressed = (u["id"] for u in users if u["primaryEmail"].startswith(local))
        found[name] = next(addressed, found["pupil"])
    return found


def _save(world: World, **values: object) -> None:
    save_document(world, {**document_of(world), **values})


def _told(world: World, status: str, **values: object) -> None:
    services: Services = world.services
    forget(services.store(), world.tenant)
    told = ReadingState(status, services.clock(), **values)  # type: ignore[arg-type]
    save_reading_state(services.store(), world.tenant, told)
