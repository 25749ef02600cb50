"""The workload of deliveries: 20 units, 10,000 students, 1,000 staff, 400 classes.

12,821 resources at size 1; five times as many units, people and classes give 64,101.
"""

from addon.directory.snapshot import Group, OrgUnit, Snapshot, User
from addon.roster.select import select
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.vendor_roster import vendor_roster
from addon.tenants.model import (
    Connection,
    GroupRule,
    Organisation,
    SchoolUnit,
    Selector,
    Tenant,
    YearRule,
)
from addon.vendors.profiles import Vendor

VENDOR = Vendor(
    id="bench",
    name="Bench",
    fields=("email", "schoolYear"),
    requests_per_second=1_000_000,
    concurrency=16,
)


def tenant(size: int) -> Tenant:
    """The document: students and staff by OU, classes by Google group."""
    units = tuple(_unit(i) for i in range(20 * size))
    connection = Connection(
        vendor="bench",
        mode="live",
        school_units=tuple(unit.code for unit in units),
        fields=("email", "schoolYear"),
    )
    return Tenant(
        customer_id="C0bench",
        organisation=Organisation(name="Bänkkommunen"),
        school_units=units,
        connections=(connection,),
    )


def snapshot(size: int, changed: int = 0) -> Snapshot:
    """The directory; the family names of the first `changed` students differ."""
    students = [
        _user(f"s{i:06}", "Ångström" if i < changed else "Öberg", f"/Elever/Skola {i // 500}")
        for i in range(10_000 * size)
    ]
    staff = [_user(f"t{i:05}", "Lärare", f"/Personal/Skola {i // 50}") for i in range(1_000 * size)]
    org_units = [
        OrgUnit(id=f"id:{kind}{i}", path=f"/{kind}/Skola {i}", name=f"Skola {i}")
        for kind in ("Elever", "Personal")
        for i in range(20 * size)
    ]
    groups = tuple(_class(i) for i in range(400 * size))
    return Snapshot(users=(*students, *staff), groups=groups, org_units=tuple(org_units))


def mapper(document: Tenant, directory: Snapshot) -> ResourceMapper:
    """The resources of a directory for the connection."""
    connection = document.connections[0]
    carried = vendor_roster(select(document, directory), document, connection, VENDOR)
    return ResourceMapper(carried, document, connection)


def _unit(i: int) -> SchoolUnit:
    return SchoolUnit(
        code=f"{10000000 + i}",
        name=f"Skola {i}",
        school_types=("GR",),
        students=Selector(org_units=(f"/Elever/Skola {i}",)),
        staff=Selector(org_units=(f"/Personal/Skola {i}",)),
        classes=GroupRule(source="group", pattern=rf"^skola{i}-(?P<name>[^@]+)@"),
        school_year=YearRule(source="class", pattern=r"^(?P<year>\d+)"),
    )


def _class(i: int) -> Group:
    """A class of 25 students and three teachers, 20 of them at each school."""
    school, number = i // 20, i % 20
    students = (f"s{n:06}" for n in range(25 * i, 25 * i + 25))
    teachers = (f"t{n:05}" for n in range(50 * school, 50 * school + 3))
    return Group(
        id=f"g{i:05}",
        email=f"skola{school}-{number % 9 + 1}{'abc'[number // 9]}@edu.bank.se",
        name=f"Klass {i}",
        members=frozenset((*students, *teachers)),
    )


def _user(user_id: str, family: str, path: str) -> User:
    return User(
        id=user_id,
        primary_email=f"{user_id}@edu.bank.se",
        given_name="Ärla",
        family_name=family,
        org_unit_path=path,
    )
