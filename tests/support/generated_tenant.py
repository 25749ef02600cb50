"""A tenant whose directory is made up: a few people, units, classes and groups, all by value."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from addon.directory.snapshot import Group, OrgUnit, Snapshot, User
from addon.roster.select import select
from addon.sandbox.domain import Domain
from addon.settings import Settings, SqliteAddress
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.resources import TYPES
from addon.ss12000.vendor_roster import vendor_roster
from addon.tenants.model import Tenant
from addon.vendors.profiles import Endpoint, Vendor
from tests.support.egil_server import EgilServer
from tests.support.world import World

TENANT = "C0trust"
UNITS = ("10000001", "10000002", "10000003")
PEOPLE = 8
LIMITED = "limited"
FAMILIES = ("Öberg", "Ångström", "Lind", "")


@dataclass(frozen=True)
class Spot:
    """Where one person is and what they are called; `place` is an OU, "" for nowhere."""

    place: str = ""
    family: int = 0
    address: int = -1
    groups: frozenset[str] = frozenset()
    protected: bool = False
    suspended: bool = False


@dataclass(frozen=True)
class State:
    """A directory and a document, as small as they can be and have everything in them."""

    spots: Mapping[int, Spot] = field(default_factory=dict)
    renamed: bool = False
    ticked: tuple[str, ...] = UNITS
    edits: tuple[str, ...] = ()

    def snapshot(self) -> Snapshot:
        """What a reading gives."""
        there = {p: spot for p, spot in self.spots.items() if spot.place}
        taken: set[int] = set()
        users = []
        for p, spot in there.items():
            if spot.protected:
                continue
            address = f"u{p}"
            if spot.address >= 0 and spot.address not in taken:
                taken.add(spot.address)
                address = f"a{spot.address}"
            users.append(
                User(
                    id=f"id{p}",
                    primary_email=f"{address}@edu.se",
                    given_name="Kim",
                    family_name=FAMILIES[spot.family],
                    org_unit_path=self._path(spot.place),
                    suspended=spot.suspended,
                )
            )
        return Snapshot(
            users=tuple(users),
            groups=tuple(self._groups(there)),
            org_units=tuple(
                OrgUnit(id=f"ou{place}", path=self._path(place), name=place) for place in PLACES
            ),
            protected=frozenset(f"id{p}" for p, spot in there.items() if spot.protected),
        )

    def _path(self, place: str) -> str:
        return place + " ny" if self.renamed and place.count("/") == 3 else place

    def _groups(self, there: Mapping[int, Spot]) -> Iterable[Group]:
        for name in GROUPS:
            members = frozenset(
                f"id{p}" for p, spot in there.items() if name in spot.groups and not spot.protected
            )
            shown = f"{name} ny" if self.renamed else name
            yield Group(id=f"g-{name}", email=f"{name}@edu.se", name=shown, members=members)


PLACES = (
    *(f"/Elever/{u}" for u in "ABC"),
    *(f"/Elever/{u}/{c}" for u in "ABC" for c in ("7A", "8B")),
    *(f"/Personal/{u}" for u in "ABC"),
    "/Annat",
)
GROUPS = ("kurs-a-ma", "kurs-a-sv", "kurs-b-ma", "elever-a", "elever-b", "personal-a", "personal-c")


def document(
    ticked: Iterable[str] = UNITS,
    vendors: Iterable[str] = ("v",),
    tenant: str = TENANT,
    deletions: int = 1_000_000,
    percent: float = 100,
    edits: Iterable[str] = (),
) -> bytes:
    """The tenant document; limits so high that they hold nothing, unless told otherwise.

    `edits` are names of changes in `EDITS`, made one after the other.
    """
    letters = dict(zip(UNITS, "ABC", strict=True))
    units = [
        {
            "code": code,
            "name": f"Skola {letter}",
            "schoolTypes": ["GR"],
            "students": {
                "orgUnits": [f"/Elever/{letter}"],
                "groups": _existing(f"elever-{letter.lower()}"),
            },
            "staff": {
                "orgUnits": [f"/Personal/{letter}"],
                "groups": _existing(f"personal-{letter.lower()}"),
            },
            "classes": {"from": "orgUnit", "pattern": f"^/Elever/{letter}/(?P<name>[^/]+)"},
            "teachingGroups": {"from": "group", "pattern": f"^kurs-{letter.lower()}-"},
            "schoolYear": {"from": "class", "pattern": "^(?P<year>\\d+)"},
        }
        for code, letter in letters.items()
    ]
    connections = [
        {
            "vendor": vendor,
            "mode": "live",
            "schoolUnits": list(ticked),
            "fields": ["email", "schoolYear"],
            "limits": {"deletions": deletions, "deletionsPercent": percent},
        }
        for vendor in vendors
    ]
    whole = {
        "customerId": tenant,
        "organisation": {"name": "Staden"},
        "schoolUnits": units,
        "connections": connections,
    }
    for edit in edits:
        EDITS[edit](whole)
    return json.dumps(whole).encode()


def _replace_code(found: dict[str, Any], old: str, *new: str) -> None:
    for each in (*found["schoolUnits"], *found["connections"]):
        if each.get("code") == old and new:
            each["code"] = new[0]
        elif "schoolUnits" in each:
            codes = each["schoolUnits"]
            each["schoolUnits"] = [c for code in codes for c in (new if code == old else (code,))]


def _without_unit(found: dict[str, Any], code: str) -> None:
    found["schoolUnits"] = [unit for unit in found["schoolUnits"] if unit["code"] != code]
    _replace_code(found, code)


def _merge_b_into_a(found: dict[str, Any]) -> None:
    _without_unit(found, UNITS[1])
    found["schoolUnits"][0]["students"]["orgUnits"].append("/Elever/B")
    found["schoolUnits"][0]["staff"]["orgUnits"].append("/Personal/B")


def _filter(n: int, operator: str, value: str | list[str]) -> Callable[[dict[str, Any]], None]:
    clause = {"attribute": "groups", "operator": operator, "value": value}
    return lambda found: found["schoolUnits"][n]["students"].update(filters=[[clause]])


def _except(n: int, **places: list[str]) -> Callable[[dict[str, Any]], None]:
    whole = {"users": [], "orgUnits": [], "groups": [], **places}
    return lambda found: found["schoolUnits"][n]["students"].update({"except": whole})


def _courses_are_classes(found: dict[str, Any]) -> None:
    unit = found["schoolUnits"][0]
    unit["classes"] = unit.pop("teachingGroups")
    del unit["schoolYear"]


def _classes_by_groups(found: dict[str, Any]) -> None:
    rule = {"from": "attribute", "attribute": "groups", "pattern": "^kurs-a-(?P<name>[a-z]+)@"}
    found["schoolUnits"][0]["classes"] = rule


def _students_by_group(found: dict[str, Any]) -> None:
    found["schoolUnits"][1]["students"] = {"orgUnits": [], "groups": ["elever-a@edu.se"]}


EDITS: dict[str, Callable[[dict[str, Any]], None]] = {
    "filter": _filter(0, "in", ["elever-a@edu.se", "kurs-a-ma@edu.se"]),
    "filter by pattern": _filter(1, "startsWith", "kurs-"),
    "filter out": _filter(0, "notEquals", "kurs-a-sv@edu.se"),
    "except an OU": _except(0, orgUnits=["/Elever/A/7A"]),
    "except a group": _except(1, groups=["kurs-b-ma@edu.se"]),
    "another code": lambda found: _replace_code(found, UNITS[0], "10000009"),
    "taken out": lambda found: _without_unit(found, UNITS[0]),
    "merged": _merge_b_into_a,
    "courses are classes": _courses_are_classes,
    "classes by groups": _classes_by_groups,
    "students by group": _students_by_group,
    LIMITED: lambda found: found["connections"][0]["limits"].update(deletions=0),
}
"""Changes of a document; `LIMITED` holds every removal."""


def _existing(group: str) -> list[str]:
    """The group's address, if the directory has it: a selector of one that is missing is held."""
    return [f"{group}@edu.se"] if group in GROUPS else []


PROFILE = """
[vendors.{vendor}]
name = "{vendor}"
fields = ["email", "schoolYear"]
placements = "{placements}"
requestsPerSecond = 100000
concurrency = {concurrency}

[vendors.{vendor}.live]
url = "env:SKOLSYNK_{variable}_LIVE_URL"
secret = "env:SKOLSYNK_{variable}_LIVE_KEY"
"""


def profiles(*vendors: str, concurrency: int = 4, placements: str = "many") -> str:
    """Profiles (TOML) of vendors in a `World`."""
    return "".join(
        PROFILE.format(
            vendor=vendor,
            variable=vendor.upper(),
            concurrency=concurrency,
            placements=placements,
        )
        for vendor in vendors
    )


def profile(url: str, vendor: str = "v", concurrency: int = 4, **endpoint: Any) -> Vendor:
    """A vendor at `url` that may be spoken to as fast as one can."""
    return Vendor(
        id=vendor,
        name=vendor,
        fields=("email", "schoolYear"),
        requests_per_second=1_000_000,
        concurrency=concurrency,
        live=Endpoint(url=url, secret="env:KEY", **endpoint),
    )


def settings(folder: Path, *vendors: Vendor) -> Settings:
    """What the environment would say."""
    return Settings(
        store=SqliteAddress(folder / "skolsynk.db"),
        vendors={vendor.id: vendor for vendor in vendors},
        environ={"KEY": "egil-key"},
    )


def wanted(
    tenant: Tenant, snapshot: Snapshot, vendor: Vendor
) -> dict[str, dict[str, dict[str, Any]]]:
    """What the vendor should hold: bodies by type and externalId."""
    connection = tenant.connection(vendor.id)
    assert connection is not None
    carried = vendor_roster(select(tenant, snapshot), tenant, connection, vendor)
    found: dict[str, dict[str, dict[str, Any]]] = {t: {} for t in TYPES}
    for resource in ResourceMapper(carried, tenant, connection).resources():
        assert resource.body is not None
        found[resource.resource_type][resource.external_id] = json.loads(resource.body)
    return found


def held_at(server: EgilServer) -> dict[str, dict[str, dict[str, Any]]]:
    """What a vendor holds, likewise. Raises AssertionError when it holds anything twice."""
    assert not (twice := duplicates(server)), f"held more than once: {twice}"
    return {t: {b["externalId"]: b for b in server.held(t).values()} for t in TYPES}


def duplicates(server: EgilServer) -> dict[tuple[str, str], int]:
    """What a vendor holds more than once, and how often."""
    found = Counter((t, each) for t in TYPES for each in server.externalIds(t))
    return {about: n for about, n in found.items() if n > 1}


def state_with(people: int) -> State:
    """So many people: pupils in classes of all units, a teacher for each ten, courses."""
    return State(
        {
            p: Spot(
                PLACES[9 + p % 3] if p % 10 == 0 else PLACES[3 + p % 6],
                groups=frozenset({GROUPS[p % 3]} if p % 4 == 0 else ()),
            )
            for p in range(people)
        }
    )


def as_domain(state: State) -> Domain:
    """The same directory, for a server that answers as Google does."""
    snapshot = state.snapshot()
    addresses = {user.id: user.primary_email for user in snapshot.users}
    return Domain.from_json(
        {
            "customer": {"id": TENANT, "customerDomain": "edu.se"},
            "domains": [{"domainName": "edu.se", "isPrimary": True}],
            "orgUnits": [
                {"orgUnitPath": unit.path, "orgUnitId": unit.id} for unit in snapshot.org_units
            ],
            "users": [
                {
                    "id": user.id,
                    "primaryEmail": user.primary_email,
                    "name": {"givenName": user.given_name, "familyName": user.family_name},
                    "orgUnitPath": user.org_unit_path,
                }
                for user in snapshot.users
            ],
            "groups": [
                {"id": group.id, "email": group.email, "name": group.name}
                for group in snapshot.groups
            ],
            "members": {
                group.email: [addresses[member] for member in sorted(group.members or ())]
                for group in snapshot.groups
            },
        }
    )


def with_spots(state: State, spots: Mapping[int, Spot], **more: Any) -> State:
    """The state with some people somewhere else."""
    return replace(state, spots={**state.spots, **spots}, **more)


def generated_world(folder: Path, people: int, vendor: EgilServer) -> World:
    """A world with a directory of so many people and one vendor, `v`."""
    domain = as_domain(state_with(people))
    return World(folder, domain, {("v", "live"): vendor}, profiles("v"))
