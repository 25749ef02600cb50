"""A reconciliation's comparison of 90,000 people in 100 units with a vendor's lists in pages.

Argument: the number of people. No network: the pages are made as a vendor would send them.
"""

import json
import sys
import time
from collections.abc import Iterator

from addon.delivery.listing import ListCollector, ListedResources, ListPage
from addon.planning.ledger import Ledger, LedgerEntry
from addon.ss12000.ids import Ids
from addon.ss12000.mapping import OutgoingResource
from addon.ss12000.resources import (
    SCHEMAS,
    Employment,
    Enrolment,
    Name,
    ResourceType,
    SchoolUser,
    User,
    content_hash,
    encode,
    reference,
    user_schemas,
)
from addon.sync.drift import OwnResources, compare
from bench.measure import report

UNITS = 100
PAGE = 500


def resources(ids: Ids, people: int) -> Iterator[OutgoingResource]:
    """Yield the account of each person, and the employment of every tenth."""
    units = [ids.school_unit(str(n)) for n in range(UNITS)]
    for n in range(people):
        unit = reference("SchoolUnit", units[n % UNITS])
        user = User(
            schemas=user_schemas(True, False),
            external_id=ids.user(str(n)),
            user_name=f"person.{n}@edu.example.se",
            display_name=f"Person {n}",
            name=Name(family_name=str(n), given_name="Person"),
            school=SchoolUser(enrolments=(Enrolment(unit.value, unit.ref, school_year=n % 10),)),
        )
        yield OutgoingResource("User", user.external_id, encode(user))
    for n in range(0, people, 10):
        employment = Employment(
            schemas=SCHEMAS["Employment"],
            external_id=ids.employment(str(n % UNITS), str(n)),
            employed_at=reference("SchoolUnit", units[n % UNITS]),
            user=reference("User", ids.user(str(n))),
            employment_role="Lärare",
        )
        yield OutgoingResource("Employment", employment.external_id, encode(employment))


def listed(wanted: Iterator[OutgoingResource], kind: ResourceType) -> ListedResources:
    """Return the list of one type as it is read, page by page."""
    found = ListCollector()
    page: list[object] = []
    for each in wanted:
        if each.resource_type == kind and each.body is not None:
            page.append({**json.loads(each.body), "id": f"v{each.external_id}"})
        if len(page) == PAGE:
            found.add(_read(page))
            page = []
    if page:
        found.add(_read(page))
    return found.listed()


def _read(page: list[object]) -> ListPage:
    read = ListPage.read(json.dumps({"Resources": page}).encode())
    assert read is not None
    return read


def main(people: int) -> None:
    ids = Ids("C0bench")
    ledger = Ledger()
    for each in resources(ids, people):
        assert each.body is not None
        entry = LedgerEntry(f"v{each.external_id}", content_hash(each.body))
        ledger.entries[each.resource_type][each.external_id] = entry
    start = time.perf_counter()
    kinds: tuple[ResourceType, ...] = ("User", "Employment")
    listings = {kind: listed(resources(ids, people), kind) for kind in kinds}
    read = time.perf_counter()
    accounts = (ids.user(str(n)) for n in range(people))
    units = {ids.school_unit(str(n)) for n in range(UNITS)}
    own = OwnResources(resources(ids, people), accounts, units)
    own.recognise(listings)
    for kind in kinds:
        drift, changes = compare(kind, listings[kind], ledger, own)
        assert not changes, drift
    report(
        {
            "people": people,
            "making_and_reading_pages_seconds": read - start,
            "comparing_seconds": time.perf_counter() - read,
        }
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
