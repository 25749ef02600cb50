"""A structure of `tests/proposals/structures` as a world: a domain, a register and vendors."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from addon.sandbox.demo_environment import PROFILES, vendor_servers
from addon.sandbox.domain import Domain
from addon.sandbox.identity import add_administrators
from addon.school_register.model import ACTIVE, Organiser, RegisterUnit
from tests.proposals.library import AUTUMN, Structure
from tests.support.clock import Clock
from tests.support.world import JSON, Pages, World

DOMAIN = "skola.se"
NUMBER = "2120007777"
"""The organisation number of every structure's organiser."""
_NOW = datetime(AUTUMN, 10, 20, 8, tzinfo=UTC)
"""In the school year that the structures are of."""


@contextmanager
def structure_world(folder: Path, structure: Structure) -> Iterator[World]:
    """The structure, whose administrators have never signed in."""
    domain = domain_of(structure)
    accounts = add_administrators(domain)
    organiser = Organiser(NUMBER, structure.tenant.organisation.name, "KOMMUN")
    register = tuple(
        RegisterUnit(u.code, u.name, ACTIVE, u.municipality_code, u.school_types, NUMBER)
        for u in structure.units
    )
    pages = Pages(accounts, register, retry_policy=None, organisers=(organiser,))
    clock = Clock(_NOW.timestamp() - time.time())
    with World(folder, domain, vendor_servers(), PROFILES, pages=pages, clock=clock) as world:
        world.serve()
        yield world


def domain_of(structure: Structure) -> Domain:
    """The domain of a structure whose accounts have no attributes of their own."""
    snapshot = structure.snapshot
    assert not any(user.attributes for user in snapshot.users), "attributes are not made yet"
    addresses = {user.id: user.primary_email for user in snapshot.users}
    users: list[JSON] = [
        {
            "primaryEmail": user.primary_email,
            "name": {"givenName": "Åsa", "familyName": f"Öberg {user.id}"},
            "orgUnitPath": user.org_unit_path,
            "suspended": user.suspended,
        }
        for user in snapshot.users
    ]
    service = {
        "primaryEmail": f"skolsynk@{DOMAIN}",
        "name": {"givenName": "Skolsynk", "familyName": "Tjänstekonto"},
        "isDelegatedAdmin": True,
    }
    return Domain.from_json(
        {
            "customer": {"id": f"C0{structure.name.replace('_', '')}", "customerDomain": DOMAIN},
            "domains": [{"domainName": DOMAIN, "isPrimary": True}],
            "orgUnits": [unit.path for unit in snapshot.org_units],
            "users": [*users, service],
            "groups": [{"email": g.email, "name": g.name} for g in snapshot.groups],
            "members": {
                g.email: [addresses[id] for id in sorted(g.members)] for g in snapshot.groups
            },
        }
    )
