"""The state of a connection, from the records of its runs."""

import msgspec
import pytest

from addon.planning.ledger import LedgerKey
from addon.planning.limits import Hold
from addon.planning.result import FailedOperation
from addon.store.records import RunRecord
from addon.sync.report import ConnectionReport
from addon.tenants.model import Connection
from addon.web.presenters.connection_status import (
    ConnectionStatus,
    FinishedReport,
    last_ended,
    people_over_time,
)
from addon.web.waiting_holds import WaitingHold

REFUSED = FailedOperation("create", "User", "a", 400, "", refused=True)
CONFLICT = FailedOperation("create", "User", "a", 409, "")
TROUBLE = FailedOperation("create", "User", "a", 503, "")


HOLD = Hold(("a",), 1, "", {})


def status_of(mode="live", part=None, refused=0, hold=None, problem=None, **more):
    held = None if hold is None else WaitingHold(LedgerKey("C0", "all", "live"), "all", hold)
    return ConnectionStatus(
        connection=Connection("all", mode=mode),
        name="All",
        last=None if part is None else FinishedReport(part, 1.0),
        sent=None,
        resources=0,
        refused=refused,
        held=held,
        problem=problem,
        **more,
    )


def part(status="unchanged", *failures, **more):
    return ConnectionReport("all", "live", status, failures=failures, **more)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (status_of("off"), "off"),
        (status_of(), "waiting"),
        (status_of(part=part()), "ok"),
        (status_of(part=part("delivered")), "ok"),
        (status_of(part=part(), refused=2), "refused"),
        (status_of(part=part("failed", REFUSED, refused=1)), "refused"),
        (status_of(part=part("failed", CONFLICT)), "refused"),
        (status_of(part=part("failed", REFUSED, TROUBLE, refused=1)), "failed"),
        (
            status_of(part=part("failed", detail="the vendor answered 503, again and again")),
            "failed",
        ),
        (status_of(part=part(), problem="set SKOLSYNK_ALL_LIVE_KEY"), "problem"),
        (status_of(part=part(), hold=Hold(("a",), 1, "", {})), "held"),
        (status_of(part=part(), hold=Hold(("a",), 1, "", {}, refused=1.0)), "kept"),
        (status_of(part=part(), hold=HOLD, running=True), "held"),
        (status_of(part=part(), hold=HOLD, approved=True), "approved"),
        (status_of(part=part(), hold=HOLD, approved=True, running=True), "sending"),
        (status_of("off", part=part(), hold=HOLD, approved=True), "approved"),
        (status_of("off", hold=Hold(("a",), 1, "", {}, withdrawal=True)), "held"),
    ],
)
def test_a_connection_stands_as_its_last_run_and_hold_say(found, state):
    assert found.state == state


def test_conflicts_are_among_what_was_not_taken():
    assert status_of(part=part("failed", CONFLICT, CONFLICT), refused=1).not_taken == 3


def test_what_was_done_is_reported_with_people_first_and_nothing_that_was_not():
    done = part("delivered", operations={"create": {"StudentGroup": 2, "User": 3}, "update": {}})
    assert done.operations_by_type == (("User", (3, 0, 0)), ("StudentGroup", (2, 0, 0)))


def test_a_held_plan_has_done_nothing():
    assert not part("held", operations={"delete": {"User": 3}}).did_something


def ran(at, mode, people, status="done"):
    record = {
        "connections": [{"vendor": "all", "mode": mode, "status": "delivered", "people": people}]
    }
    return RunRecord(f"run-{at}", "C0", at, status, at, msgspec.json.encode(record))


def test_people_over_time_are_those_of_the_mode_it_is_in():
    runs = [ran(3.0, "live", 16), ran(2.0, "test", 9), ran(1.0, "live", 14)]
    live = people_over_time(runs, Connection("all", mode="live"))
    assert [(p.at, p.number) for p in live] == [(1.0, 14), (3.0, 16)]
    test = people_over_time(runs, Connection("all", mode="test"))
    assert [p.number for p in test] == [9]
    assert people_over_time(runs, Connection("all")) == live


def test_a_run_that_goes_on_or_gave_way_has_not_ended():
    runs = [ran(4.0, "live", 1, "running"), ran(3.0, "live", 1, "superseded"), ran(2.0, "live", 1)]
    assert last_ended(runs) == runs[2]
    assert last_ended(runs[:2]) is None
