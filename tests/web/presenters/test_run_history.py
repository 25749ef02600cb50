"""Runs as a person thinks of them: the records of readings and deliveries put together."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from addon.store.records import RunRecord
from addon.tenants.model import Connection, Organisation, Tenant
from addon.web.presenters.run_history import BEGINS_WITHIN, run_summaries

TENANT = "C0storvik"
DIRECTORY = {"users": 14, "groups": 0, "orgUnits": 3, "queries": 9}
ROSTER = {"students": 12, "staff": 2, "classes": 2, "teachingGroups": 0}


def tenant(*vendors):
    return Tenant(
        customer_id=TENANT,
        organisation=Organisation(name="Storvik"),
        primary_domain="edu.storvik.se",
        delegated_admin="it@edu.storvik.se",
        connections=tuple(
            Connection(vendor=vendor, mode="live", school_units=("12345678",)) for vendor in vendors
        ),
    )


def part(vendor, status="delivered", created=0, **more):
    operations = {"create": {"User": created} if created else {}, "update": {}, "delete": {}}
    return {"vendor": vendor, "mode": "live", "status": status, "operations": operations, **more}


def failure(external_id, refused=False):
    return {
        "operation": "create",
        "resourceType": "User",
        "externalId": external_id,
        "httpStatus": 400,
        "detail": "",
        "refused": refused,
    }


def reading(at, *parts, status="done"):
    report = {
        "roster": ROSTER,
        "directory": {"users": 14, "groups": 0, "orgUnits": 3, "queries": 9},
        "connections": parts,
    }
    return record(at, report, status)


def attempt(at, *parts, status="done"):
    return record(at, {"roster": None, "directory": None, "connections": parts}, status)


def record(at, report=None, status="running", detail=""):
    return RunRecord(
        id=f"run-{at:04}",
        tenant=TENANT,
        started=float(at),
        status=status,
        finished=None if status == "running" else float(at + 5),
        report=None if report is None else msgspec.json.encode(report),
        detail=detail,
    )


def whole(*records, vendors=("all", "some"), now=100.0, off=()):
    """From the oldest to the newest in, and out."""
    there = tenant(*vendors)
    connections = (
        structs.replace(c, mode="off") if c.vendor in off else c for c in there.connections
    )
    there = structs.replace(there, connections=tuple(connections))
    return list(reversed(run_summaries(list(reversed(records)), there, now)))


def test_no_records_are_no_runs():
    assert whole() == []


def test_a_run_of_one_record_is_itself():
    (run,) = whole(reading(0, part("all", created=3), part("some", "unchanged")))
    assert (run.status, run.people["create"], run.seconds, run.waiting) == ("done", 3, 5.0, ())


def test_each_vendors_delivery_belongs_to_the_reading_before_it():
    first, second = whole(
        reading(0),
        attempt(10, part("all", created=3)),
        attempt(12, part("some", created=2)),
        reading(60, part("all", "unchanged"), part("some", "unchanged")),
    )
    assert (first.people["create"], first.seconds) == (5, 17.0)
    assert [p.vendor for p in first.record.connections] == ["all", "some"]
    assert first.has("run-0012")
    assert not second.did_anything


def test_a_delivery_to_a_vendor_that_was_turned_off_since_belongs_to_its_reading():
    (run,) = whole(
        reading(0, part("some", "unchanged")), attempt(10, part("all", created=3)), off=("all",)
    )
    assert run.people["create"] == 3


def test_a_vendor_that_is_off_is_not_waited_for():
    (run,) = whole(reading(0, part("some", "unchanged")), now=10.0, off=("all",))
    assert (run.waiting, run.running) == ((), False)


def test_attempts_at_one_delivery_are_added_up():
    (run,) = whole(
        reading(0, part("some", "unchanged")),
        attempt(10, part("all", created=100, left=50)),
        attempt(20, part("all", created=50)),
    )
    (_some, found) = run.record.connections
    assert (found.operations["create"], found.left) == ({"User": 150}, 0)


def test_a_last_attempt_without_anything_left_does_not_undo_what_was_done():
    (run,) = whole(
        reading(0, part("some", "unchanged")),
        attempt(10, part("all", created=9, left=1)),
        attempt(20, part("all", "unchanged")),
    )
    assert run.record.connections[1].status == "delivered"


def test_a_delivery_that_has_not_begun_is_waited_for_a_while():
    records = (reading(0, part("some", "unchanged")),)
    (run,) = whole(*records, now=10.0)
    assert (run.status, run.waiting, run.finished) == ("running", ("all",), None)
    (run,) = whole(*records, now=10.0 + BEGINS_WITHIN)
    assert (run.status, run.waiting) == ("done", ())


def test_only_the_newest_run_is_waited_for():
    first, _second = whole(
        reading(0, part("some", "unchanged")),
        reading(60, part("all", "unchanged"), part("some", "unchanged")),
    )
    assert first.waiting == ()


def test_a_delivery_that_is_going_on_has_the_run_go_on():
    (run,) = whole(reading(0, part("some", "unchanged")), record(10))
    assert (run.status, run.waiting) == ("running", ())


def test_a_reading_that_is_going_on_is_a_run_of_its_own():
    first, second = whole(
        reading(0, part("all", "unchanged"), part("some", "unchanged")), record(60)
    )
    assert (first.status, second.status) == ("done", "running")


def test_a_withdrawal_is_a_run_of_its_own():
    first, second = whole(
        reading(0), attempt(10, part("all")), attempt(12, part("some")), attempt(50, part("all"))
    )
    assert len(first.attempts) == 2
    assert second.id == "run-0050"


def test_the_worst_of_the_attempts_is_the_runs():
    failed = part("all", "failed", failures=[failure("a")])
    (run,) = whole(
        reading(0, part("some", "held"), status="held"), attempt(10, failed, status="failed")
    )
    assert (run.status, run.failed) == ("failed", 1)


def test_an_attempt_that_another_run_made_needless_does_not_colour_the_run():
    (run,) = whole(
        reading(0, part("some", "unchanged")),
        record(10, status="superseded", detail="another run has it"),
        attempt(20, part("all", created=1)),
    )
    assert (run.status, run.details) == ("done", ("another run has it",))


def test_what_was_refused_is_reported_once_and_what_then_went_well_not_at_all():
    refused, passing = failure("a", refused=True), failure("b")
    (run,) = whole(
        reading(0, part("some", "unchanged")),
        attempt(10, part("all", "failed", left=1, failures=[refused, passing]), status="failed"),
        attempt(20, part("all", created=1, refused=1)),
    )
    assert [f.external_id for f in run.record.connections[1].failures] == ["a"]


def test_what_a_held_plan_would_have_done_is_not_counted():
    (run,) = whole(reading(0, part("all", "held", created=9), part("some"), status="held"))
    assert run.people["create"] == 0
    assert run.did_anything


# Records that name the run they belong to


def named(run, parent, vendor=""):
    """A record as this version writes it."""
    return structs.replace(run, parent=parent, vendor=vendor)


def read_at(at, *parts):
    return named(reading(at, *parts), f"run-{at:04}")


def test_two_readings_keep_their_own_deliveries_when_a_queue_is_late():
    first, second = whole(
        read_at(0, part("some", "unchanged")),
        read_at(60, part("some", "unchanged")),
        named(attempt(90, part("all", created=3)), "run-0000", "all"),
        named(attempt(95, part("all", created=5)), "run-0060", "all"),
    )
    assert (first.id, first.people["create"]) == ("run-0000", 3)
    assert (second.id, second.people["create"]) == ("run-0060", 5)


def test_a_delivery_whose_reading_is_not_kept_any_more_is_a_run_of_its_own():
    first, second = whole(
        named(attempt(90, part("all", created=3, left=2)), "run-0000", "all"),
        read_at(92, part("all", "unchanged"), part("some", "unchanged")),
        named(attempt(95, part("all", created=2)), "run-0000", "all"),
    )
    assert (first.people["create"], [a.id for a in first.attempts]) == (5, ["run-0095"])
    assert not second.attempts


def test_a_withdrawal_belongs_to_no_reading():
    first, second = whole(
        read_at(0, part("some", "unchanged")),
        named(attempt(10, part("all")), "run-0010", "all"),
    )
    assert (first.attempts, second.id) == ((), "run-0010")


@given(st.data())
def test_every_delivery_is_shown_under_its_own_reading(data):
    """However two to four readings and their deliveries come between each other."""
    readings = data.draw(st.integers(2, 4))
    steps = [(r, vendor) for r in range(readings) for vendor in ("all", "some")]
    order = data.draw(st.permutations(steps))
    records, created, at, begun = [], {}, 0, set()
    for number, (r, vendor) in enumerate(order, 1):
        for earlier in range(r + 1):
            if earlier not in begun:
                records.append(named(reading(at), f"reading-{earlier}"))
                records[-1] = structs.replace(records[-1], id=f"reading-{earlier}")
                begun.add(earlier)
                at += 1
        records.append(named(attempt(at, part(vendor, created=number)), f"reading-{r}", vendor))
        created[f"reading-{r}"] = created.get(f"reading-{r}", 0) + number
        at += 1
    found = whole(*records, now=float(at))
    assert {run.id: run.people["create"] for run in found} == created
