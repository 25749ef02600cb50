"""A small school in a `World`: twelve pupils, a few of the staff, the vendors `all` and `some`.

with small_school(folder) as world:
    assert world.run("sync", TENANT).status == 0
    assert world.vendor("all").held("User")

with small_school_pages(folder) as world:
    client = world.sign_in()
    assert "Allt är i ordning" in world.text(client.get("/"))
"""

import copy
from pathlib import Path
from typing import Any

from addon.sandbox.domain import Domain
from addon.sandbox.identity import add_administrators
from addon.school_register.model import RegisterUnit
from tests.support.egil_server import EgilServer
from tests.support.world import JSON, Pages, VendorServer, World

TENANT = "C0storvik"
DOMAIN = "edu.storvik.se"
ADMIN = f"it.admin@{DOMAIN}"
DELEGATED = f"it.support@{DOMAIN}"
TEACHER = f"gunnel.parlbat@{DOMAIN}"
STRANGER = "chef@edu.annanstad.se"
OTHER_TENANT = "C0annanstad"
UNITS = (
    RegisterUnit("12345678", "Norra skolan", "AKTIV", "9999", ("GR",), "2120009999"),
    RegisterUnit("12345679", "Gamla skolan", "UPPHORT", "9999", ("GR",), "2120009999"),
)

UNIT = "12345678"
HELD, UNREAD = 3, 4
"""Exit statuses of a run."""

PUPILS = {
    "7A": [
        ("Torvald", "Äppelqvist"),
        ("Sigbritt", "Nguyễn"),
        ("Zoë", "af Klercker"),
        ("Ottar", "Groß-Lindahl"),
        ("Ylva", "O'Leary"),
        ("Bo", "Ek"),
    ],
    "7B": [
        ("Hjördis", "Vängbo"),
        ("Abdirahman", "Warsame"),
        ("Ragnvald", "Kvist"),
        ("Åsa-Märta", "Fjäll"),
        ("Øyvind", "Brandt"),
        ("Li", "Xu"),
    ],
}
STAFF = [("Gunnel", "Pärlbåt"), ("Rickard", "Ödesjö")]
HIDDEN = ("Hemliga", "Skyddsson")

PROFILES = """\
[vendors.all]
name = "All"
fields = ["email", "schoolYear", "cloudId"]
requestsPerSecond = 5000
concurrency = 4

[vendors.all.live]
url = "env:SKOLSYNK_ALL_LIVE_URL"
secret = "env:SKOLSYNK_ALL_LIVE_KEY"

[vendors.all.test]
url = "env:SKOLSYNK_ALL_TEST_URL"
secret = "env:SKOLSYNK_ALL_TEST_KEY"

[vendors.some]
name = "Some"
groups = "classes"
placements = "one"
fields = ["email", "schoolYear"]
requestsPerSecond = 5000
concurrency = 4

[vendors.some.live]
url = "env:SKOLSYNK_SOME_LIVE_URL"
secret = "env:SKOLSYNK_SOME_LIVE_KEY"
"""

DOCUMENT: JSON = {
    "customerId": TENANT,
    "primaryDomain": DOMAIN,
    "delegatedAdmin": f"skolsynk@{DOMAIN}",
    "organisation": {"name": "Storviks kommun", "organisationNumber": "2120009999"},
    "protected": {"orgUnits": ["/Skyddade"]},
    "schoolUnits": [
        {
            "code": "12345678",
            "name": "Norra skolan",
            "schoolTypes": ["GR"],
            "students": {"orgUnits": ["/Elever"]},
            "staff": {"orgUnits": ["/Personal"]},
            "classes": {"from": "orgUnit", "pattern": "^/Elever/(?P<name>[^/]+)$"},
            "schoolYear": {"from": "class", "pattern": "^(?P<year>\\d+)"},
        }
    ],
    "connections": [
        {
            "vendor": vendor,
            "mode": "live",
            "schoolUnits": ["12345678"],
            "fields": ["email", "schoolYear"],
            "limits": {"deletions": 3, "deletionsPercent": 50},
        }
        for vendor in ("all", "some")
    ],
}


def address(given: str, family: str) -> str:
    """The address of a person: their name, in the letters that an address can have."""
    plain = f"{given}.{family}".lower().translate(str.maketrans("äåöëøễß' ", "aaoeoes--"))
    return f"{plain}@{DOMAIN}"


def person(given: str, family: str, org_unit: str) -> JSON:
    return {
        "primaryEmail": address(given, family),
        "orgUnitPath": org_unit,
        "name": {"givenName": given, "familyName": family},
    }


def add_people(domain: Any, path: str, count: int) -> None:
    """Add an OU with so many people."""
    domain.add_org_unit(path)
    for n in range(count):
        domain.add_user(person(f"Ada{n}", f"Bo{path.strip('/').replace('/', '-')}", path))


def small_domain() -> Domain:
    """A school with two classes, two teachers, and a pupil with protected identity."""
    users = [person(*name, f"/Elever/{group}") for group, names in PUPILS.items() for name in names]
    users += [person(*name, "/Personal") for name in STAFF]
    users.append(person(*HIDDEN, "/Skyddade"))
    return Domain.from_json(
        {
            "customer": {"id": TENANT, "customerDomain": DOMAIN},
            "domains": [{"domainName": DOMAIN, "isPrimary": True}],
            "orgUnits": ["/Skyddade", "/Elever/Slutat"],
            "users": users,
        }
    )


def small_school(folder: Path, **knobs: Any) -> World:
    """The school with a directory and vendors; `knobs` are those of the vendors' servers."""
    return World(folder, small_domain(), _vendors(**knobs), PROFILES, DOCUMENT)


def small_school_pages(folder: Path, own_servers: bool = False, **environ: str) -> World:
    """The school with the application, and no connection on; `environ` adds settings.

    People who can sign in: two administrators, a teacher, and an administrator of another tenant.
    """
    domain = small_domain()
    add_administrators(domain)
    domain.add_user(
        {
            "primaryEmail": STRANGER,
            "name": {"givenName": "Annan", "familyName": "Stad"},
            "isAdmin": True,
            "customerId": OTHER_TENANT,
        }
    )
    found = (domain.find_user(each) for each in (ADMIN, DELEGATED, TEACHER, STRANGER))
    pages = Pages([user for user in found if user is not None], UNITS, own_servers)
    document = copy.deepcopy(DOCUMENT)
    for connection in document["connections"]:
        connection["mode"] = "off"
    return World(folder, domain, _vendors(), PROFILES, document, pages=pages, environ=environ)


def leave(world: World, *names: tuple[str, str]) -> None:
    """Delete the accounts of people who leave."""
    for name in names:
        world.domain.remove_user(address(*name))


def set_live(world: World, *vendors: str, **values: Any) -> None:
    """Set connections live in the document, and import it."""
    for vendor in vendors or ("all", "some"):
        world.change_connection(vendor, **{"mode": "live", **values})


def deliver(world: World, status: int = 0) -> None:
    """Run, and check the exit status."""
    ran = world.run("sync", TENANT)
    assert ran.status == status, ran


def cause_hold(world: World, status: int = HELD) -> None:
    """Deliver, then let four pupils of class 7A leave, which is one more than the limit."""
    deliver(world)
    world.forget_requests()
    leave(world, *PUPILS["7A"][:4])
    deliver(world, status)


def user_id(world: World, given: str, family: str) -> str:
    """The Workspace id of somebody."""
    user = world.domain.find_user(address(given, family))
    assert user is not None
    found: str = user["id"]
    return found


def _vendors(**knobs: Any) -> dict[tuple[str, str], VendorServer]:
    return {
        ("all", "live"): EgilServer(key="all-key", **knobs),
        ("some", "live"): EgilServer(key="some-key", **knobs),
        ("all", "test"): EgilServer(key="test-key", **knobs),
    }
