"""The work that deliveries are measured on: 20 units, 10,000 students, 1,000 staff, 400 classes.

12,821 resources at size 1; five times as many units, people and classes give 64,101.
"""

from addon.roster.model import Enrolment, Person, Roster, StudentGroup
from addon.ss12000.translate import Translation
from addon.ss12000.view import view
from addon.tenant import Connection, Organisation, SchoolUnit, Tenant
from addon.vendors import Vendor

VENDOR = Vendor(
    id="bench",
    name="Bench",
    fields=("email", "schoolYear"),
    requests_per_second=1_000_000,
    concurrency=16,
)


def tenant(size: int) -> Tenant:
    """The document: only what translation asks for."""
    units = tuple(
        SchoolUnit(code=f"{10000000 + i}", name=f"Skola {i}", school_types=("GR",))
        for i in range(20 * size)
    )
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


def roster(size: int, changed: int = 0) -> Roster:
    """The people; the family names of the first `changed` students differ."""
    people: dict[str, Person] = {}
    groups = []
    for i in range(10_000 * size):
        unit = f"{10000000 + i // 500}"
        family = "Ångström" if i < changed else "Öberg"
        people[f"s{i:06}"] = _person(f"s{i:06}", family, (Enrolment(unit, 7),), ())
    for i in range(1_000 * size):
        people[f"t{i:05}"] = _person(f"t{i:05}", "Lärare", (), (f"{10000000 + i // 50}",))
    for i in range(400 * size):
        groups.append(
            StudentGroup(
                unit=f"{10000000 + i // 20}",
                kind="class",
                source="orgUnit",
                source_id=f"id:{i:05}",
                name=f"{i % 9 + 1}{'ABC'[i % 3]}",
                students=tuple(f"s{n:06}" for n in range(25 * i, 25 * i + 25)),
                teachers=tuple(f"t{n:05}" for n in range(50 * (i // 20), 50 * (i // 20) + 3)),
            )
        )
    return Roster(people, tuple(groups), (), {}, frozenset())


def translation(size: int, changed: int = 0) -> Translation:
    """What the connection carries, ready to be said."""
    document = tenant(size)
    connection = document.connections[0]
    return Translation(
        view(roster(size, changed), document, connection, VENDOR), document, connection
    )


def _person(
    user_id: str, family: str, enrolments: tuple[Enrolment, ...], employments: tuple[str, ...]
) -> Person:
    return Person(
        id=user_id,
        primary_email=f"{user_id}@edu.bank.se",
        given_name="Ärla",
        family_name=family,
        enrolments=enrolments,
        employments=employments,
    )
