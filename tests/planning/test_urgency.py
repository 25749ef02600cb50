"""What is new goes before what has changed, and both before removals, in the order of types."""

import msgspec

from addon.planning.ledger import Ledger, LedgerChange, LedgerEntry
from addon.planning.plan import Plan, make_plan
from addon.planning.urgency import urgent_part
from addon.ss12000.mapping import OutgoingResource
from addon.ss12000.resources import TYPES, content_hash

NOW = 1_800_000_000.0


def resource(kind, external_id: str, *members: str) -> OutgoingResource:
    body = {"externalId": external_id, "studentMemberships": [{"value": each} for each in members]}
    return OutgoingResource(kind, external_id, msgspec.json.encode(body))


def there(kind, external_id: str) -> LedgerChange:
    return LedgerChange(kind, external_id, LedgerEntry("", content_hash(b"before")))


USERS = ["00000000-0000-4000-8000-00000000000" + str(n) for n in range(4)]
NEW, CHANGED, GONE, PROTECTED = USERS
WANTED = [
    resource("SchoolUnit", "unit"),
    resource("User", NEW),
    resource("User", CHANGED),
    resource("StudentGroup", "with-new", NEW, CHANGED),
    resource("StudentGroup", "without", CHANGED),
    resource("StudentGroup", "new-class", CHANGED),
    resource("Activity", "activity", CHANGED),
]


def planned() -> Plan:
    ledger = Ledger()
    ledger.apply(
        [
            *(there("User", each) for each in (CHANGED, GONE, PROTECTED)),
            *(there("StudentGroup", each) for each in ("with-new", "without", "gone")),
            there("Activity", "activity"),
        ]
    )
    return make_plan(WANTED, ledger, NOW, protected=frozenset({PROTECTED}))


def sent(plan: Plan) -> list[tuple[str, str]]:
    return [(op.kind, op.external_id) for op in plan.operations()]


def test_new_people_go_with_their_units_and_classes_after_the_protected():
    part = urgent_part(planned(), "new")
    assert sent(part.plan) == [
        ("delete", PROTECTED),
        ("create", "unit"),
        ("create", NEW),
        ("create", "new-class"),
        ("update", "with-new"),
    ]
    assert part.later == len(sent(planned())) - 5 == 5


def test_then_go_the_changes_and_the_removals_last():
    part = urgent_part(planned(), "changes")
    assert {kind for kind, _ in sent(part.plan)} == {"delete", "create", "update"}
    assert [each for each in sent(part.plan) if each[0] == "delete"] == [("delete", PROTECTED)]
    assert part.later == 2


def test_a_class_stays_urgent_when_the_plan_is_made_again_after_its_people_were_created():
    part = urgent_part(planned(), "new")
    ledger = Ledger()
    ledger.apply([there("User", NEW), there("StudentGroup", "with-new")])
    again = part.of(make_plan([WANTED[1], WANTED[3], WANTED[6]], ledger, NOW))
    assert ("update", "with-new") in sent(again)
    assert ("update", NEW) not in sent(again)


def test_the_parts_of_a_plan_are_in_the_order_of_references():
    for stage in ("new", "changes"):
        kinds = [op.resource_type for op in urgent_part(planned(), stage).plan.operations()][1:]
        assert kinds == sorted(kinds, key=TYPES.index)
