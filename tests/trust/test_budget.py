"""A run's time can be limited, and what was begun goes on: in the next run, or when asked again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.planning.guard import APPROVAL_LASTS
from addon.sync.holds import approve
from addon.sync.report import DONE, FAILED, HELD
from addon.sync.run import sync
from addon.sync.withdraw import withdraw
from tests.support.trust_town import DAY, TENANT, Crash, Life, Town, Trouble, crowd, there
from tests.trust.worker import Worker

PEOPLE = 200
MOST_CALLS = 100


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with Town(tmp_path, "own ids, filter") as town:
        town.become(crowd(PEOPLE))
        yield town


@pytest.fixture
def cautious(tmp_path: Path) -> Iterator[Town]:
    """A town whose limits hold a withdrawal, with everything delivered."""
    with Town(tmp_path, "own ids, filter", limits=(5, 10)) as town:
        town.become(crowd(PEOPLE))
        town.run()
        town.server.clear()
        yield town


def mode(town: Town) -> str:
    connection = town.tenant.connection("v")
    assert connection is not None
    return connection.mode


def test_calls_with_little_time_each_send_everything_once(town: Town) -> None:
    town.server.knobs.latency = 0.01
    resources = sum(map(len, town.wanted.values()))
    left = []
    for _ in range(MOST_CALLS):
        report = sync(town.sync_context(), TENANT, seconds=0.2)
        connection = report.connections[0]
        assert connection.status == "delivered"
        assert connection.failures == ()
        left.append(connection.left)
        held = len(town.server.externalIds())
        if not connection.left:
            assert report.exit_status == DONE
            break
        assert report.exit_status == FAILED
        assert connection.detail == "the time for this run is spent"
        assert connection.left == resources - held
    assert left[-1] == 0
    assert len(left) > 2
    assert there(town.server) == town.wanted
    assert [r.method for r in town.server.requests] == ["POST"] * resources


def test_a_run_without_time_sends_nothing_and_says_how_much_is_left(town: Town) -> None:
    report = sync(town.sync_context(), TENANT, seconds=1e-9)
    connection = report.connections[0]
    assert (report.exit_status, connection.left) == (FAILED, sum(map(len, town.wanted.values())))
    assert town.server.requests == []
    assert len(town.ledger) == 0
    assert town.run().status == "delivered"


def test_a_run_that_ends_in_time_is_as_one_without_a_limit(town: Town) -> None:
    report = sync(town.sync_context(), TENANT, seconds=600)
    assert (report.exit_status, report.connections[0].detail) == (DONE, None)
    assert there(town.server) == town.wanted


def test_a_process_with_little_time_goes_on_where_the_last_stopped(
    town: Town, tmp_path: Path
) -> None:
    town.server.knobs.latency = 0.01
    resources = sum(map(len, town.wanted.values()))
    with Worker() as worker:
        calls = 0
        for _ in range(MOST_CALLS):
            ended = worker.run(tmp_path, town.server.url, PEOPLE, seconds=0.3)
            calls += 1
            if ended.exit == DONE:
                break
            assert ended.exit == FAILED
    assert calls > 1
    assert there(town.server) == town.wanted
    assert len(town.server.requests) == resources


def test_a_run_that_was_cut_off_is_superseded(town: Town) -> None:
    town.run(Trouble(crash=Crash("request", 50, after=True)))
    assert [run.status for run in town.store.runs(TENANT)] == ["running"]
    assert 0 < len(town.server.externalIds()) < sum(map(len, town.wanted.values()))
    town.clock.now += DAY
    assert town.run().status == "delivered"
    assert [run.status for run in town.store.runs(TENANT)] == ["done", "cut off"]
    assert there(town.server) == town.wanted


def withdrawn(town: Town, confirmed: bool = False, trouble: Trouble | None = None) -> int:
    """The exit status of a withdrawal, which may meet trouble."""
    town.clock.now += 100
    life = None if trouble is None else Life(trouble)
    if life is not None:
        town.server.faults = life.decide
    status = withdraw(town.sync_context(life), TENANT, "v", confirmed).exit_status
    town.server.faults = []
    return status


def test_a_withdrawal_that_was_cut_off_goes_on_when_asked_again(cautious: Town) -> None:
    town = cautious
    everything = len(town.server.externalIds())
    withdrawn(town, confirmed=True, trouble=Trouble(crash=Crash("request", 60, after=True)))
    assert mode(town) == "off", "a run between would send everything again"
    assert everything - 70 < len(town.server.externalIds()) <= everything - 60
    assert withdrawn(town, confirmed=True) == DONE
    assert town.server.externalIds() == []
    assert mode(town) == "off"
    assert len(town.ledger) == 0
    deletes = [r for r in town.server.requests if r.method == "DELETE"]
    assert len(deletes) < everything + 80


def test_a_withdrawal_is_held_and_its_approval_outlives_a_crash(cautious: Town) -> None:
    town = cautious
    assert withdrawn(town) == HELD
    assert town.server.requests == []
    town.clock.now += 100
    life = Life(Trouble(crash=Crash("request", 60, after=True)))
    town.server.faults = life.decide
    approve(town.sync_context(life), TENANT, "v")
    town.server.faults = []
    assert town.server.externalIds() != []
    assert mode(town) == "off"
    assert withdrawn(town) == DONE  # not held again: it was approved
    assert town.server.externalIds() == []
    assert mode(town) == "off"
    assert town.store.approval(town.key) is None
    assert town.store.hold(town.key) is None


def test_an_approved_withdrawal_goes_on_after_the_vendors_trouble(cautious: Town) -> None:
    town = cautious
    assert withdrawn(town) == HELD
    town.server.fail(503, times=None, skip=50)
    assert approve(town.sync_context(), TENANT, "v").exit_status == FAILED
    assert mode(town) == "off"
    town.server.clear()
    assert withdrawn(town) == DONE
    assert town.server.externalIds() == []
    assert mode(town) == "off"


def test_an_approval_can_be_given_again_after_a_crash(cautious: Town) -> None:
    town = cautious
    assert withdrawn(town) == HELD
    town.clock.now += 100
    life = Life(Trouble(crash=Crash("request", 30, after=False)))
    town.server.faults = life.decide
    approve(town.sync_context(life), TENANT, "v")
    town.server.faults = []
    town.clock.now += 100
    assert approve(town.sync_context(), TENANT, "v").exit_status == DONE
    assert town.server.externalIds() == []
    assert mode(town) == "off"


def test_an_approval_of_a_withdrawal_does_not_last_for_ever(cautious: Town) -> None:
    town = cautious
    assert withdrawn(town) == HELD
    town.server.fail(503, times=None, skip=50)
    assert approve(town.sync_context(), TENANT, "v").exit_status == FAILED
    town.server.clear()
    town.clock.now += APPROVAL_LASTS
    assert withdrawn(town) == HELD
    assert town.server.requests == []
    town.clock.now += 100
    assert approve(town.sync_context(), TENANT, "v").exit_status == DONE
    assert town.server.externalIds() == []
