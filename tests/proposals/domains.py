"""Small domains said as trees, and the sandbox municipality as an administrator's survey of it."""

import time
from functools import cache
from typing import NamedTuple

import msgspec

from addon.directory.google.reader import read
from addon.directory.snapshot import Group, Snapshot, User
from addon.proposals.model import Proposal, Proposals
from addon.proposals.propose import propose
from addon.roster.index import DirectoryIndex
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.documents import tenant_document
from addon.sandbox.municipality import generate
from addon.tenants.model import Organisation, Protected, SchoolUnit, Tenant
from addon.web.directory.snapshot_store import select_everybody, without_identifying_fields
from tests.directory.school import source
from tests.roster.builders import group, ou, snapshot, user

UNPROTECTED = Protected()


class Registered(NamedTuple):
    """A unit as the register has it."""

    code: str
    name: str
    school_types: tuple[str, ...] = ("GR",)
    status: str = "AKTIV"
    municipality_code: str | None = "9999"


def registered(*names: str) -> list[Registered]:
    return [Registered(f"{10000001 + n}", name) for n, name in enumerate(names)]


def people(path: str, count: int, **fields) -> list[User]:
    return [user(f"{path}#{n}", path, **fields) for n in range(count)]


def domain(
    places: dict[str, int],
    *groups: Group,
    more: tuple[User, ...] = (),
    protected: Protected = UNPROTECTED,
) -> DirectoryIndex:
    """An index of a domain with so many people in each OU; their ids are `PATH#NUMBER`."""
    users = [each for path, count in places.items() for each in people(path, count)]
    units = [ou(path) for path in places]
    return DirectoryIndex(protected, snapshot(*users, *more, *units, *groups))


def ids(path: str, count: int) -> list[str]:
    return [f"{path}#{n}" for n in range(count)]


def members(address: str, *of: str, name: str = "") -> Group:
    return group(address, *of, name=name)


def document(
    organisation: str = "Storköpings kommun", protected: Protected = UNPROTECTED
) -> Tenant:
    return Tenant(
        customer_id="C1", organisation=Organisation(name=organisation), protected=protected
    )


def proposed(index: DirectoryIndex, *units: Registered | str, organisation: str = "") -> Proposals:
    """What is proposed for units, of which a name is enough."""
    named = [
        Registered(f"{10000001 + n}", unit) if isinstance(unit, str) else unit
        for n, unit in enumerate(units)
    ]
    return propose(index, named, document(organisation or "Storköpings kommun"))


def first(index: DirectoryIndex, *units: Registered | str) -> Proposal:
    return proposed(index, *units).proposals[0]


def codes(proposal: Proposal) -> list[str]:
    return [each.code for each in proposal.reasons]


class Survey(NamedTuple):
    """What the administrator's survey of the sandbox gives, and the right document for it."""

    snapshot: Snapshot
    right: Tenant

    @property
    def empty(self) -> Tenant:
        """The document before anything is said."""
        return msgspec.structs.replace(
            self.right, school_units=(), connections=(), protected=Protected()
        )

    def registered(self) -> list[Registered]:
        return [_registered(unit) for unit in self.right.school_units]


@cache
def sandbox(students: int) -> Survey:
    generated = generate(students, students // 8)
    right = msgspec.convert(tenant_document(generated), Tenant)
    survey = Survey(Snapshot(users=(), groups=(), org_units=()), right)
    with DirectoryServer(generated) as server:
        reading = read(select_everybody(survey.empty), source(server))
    return Survey(without_identifying_fields(reading, time.time(), ()).snapshot, right)


def _registered(unit: SchoolUnit) -> Registered:
    return Registered(
        unit.code, unit.name, unit.school_types, municipality_code=unit.municipality_code
    )
