"""A run's time can be limited, and what was begun goes on: in the next run, or when asked again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.planning.limits import APPROVAL_LASTS
from addon.sync.holds import approve
from addon.sync.report import DONE, FAILED, HELD
from addon.sync.run import sync
from addon.sync.withdraw import withdraw
from tests.support.changing_tenant import DAY, ChangingTenant
from tests.support.crashes import Crash, DyingProcess, Trouble
from tests.support.generated_tenant import TENANT, held_at, state_with
from tests.trust.worker import Worker

PEOPLE = 200
MOST_CALLS = 100


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[ChangingTenant]:
    with ChangingTenant(tmp_path, "own ids, filter") as tenant:
        tenant.change_to(state_with(PEOPLE))
        yield tenant


@pytest.fixture
def cautious(tmp_path: Path) -> Iterator[ChangingTenant]:
    """A tenant whose limits hold a withdrawal, with everything delivered."""
    with ChangingTenant(tmp_path, "own ids, filter", limits=(5, 10)) as tenant:
        tenant.change_to(state_with(PEOPLE))
        tenant.run()
        tenant.server.clear()
        yield tenant


def mode(tenant: ChangingTenant) -> str:
    connection = tenant.stored_tenant.connection("v")
    assert connection is not None
    return connection.mode


def test_calls_with_little_time_each_send_everything_once(tenant: ChangingTenant) -> None:
    tenant.server.knobs.latency = 0.01
    resources = sum(map(len, tenant.wanted.values()))
    left = []
    for _ in range(MOST_CALLS):
        report = sync(tenant.sync_context(), TENANT, seconds=0.2)
        connection = report.connections[0]
        assert connection.status == "delivered"
        assert connection.failures == ()
        left.append(connection.left)
        held = len(tenant.server.externalIds())
        if not connection.left:
            assert report.exit_status == DONE
            break
        assert report.exit_status == FAILED
        assert connection.detail == "the time for this run is spent"
        assert connection.left == resources - held
    assert left[-1] == 0
    assert len(left) > 2
    assert held_at(tenant.server) == tenant.wanted
    assert [r.method for r in tenant.server.writes] == ["POST"] * resources


def test_a_run_without_time_sends_nothing_and_says_how_much_is_left(tenant: ChangingTenant) -> None:
    report = sync(tenant.sync_context(), TENANT, seconds=1e-9)
    connection = report.connections[0]
    assert (report.exit_status, connection.left) == (FAILED, sum(map(len, tenant.wanted.values())))
    assert tenant.server.requests == []
    assert len(tenant.ledger) == 0
    assert tenant.run().status == "delivered"


def test_a_run_that_ends_in_time_is_as_one_without_a_limit(tenant: ChangingTenant) -> None:
    report = sync(tenant.sync_context(), TENANT, seconds=600)
    assert (report.exit_status, report.connections[0].detail) == (DONE, None)
    assert held_at(tenant.server) == tenant.wanted


def test_a_process_with_little_time_goes_on_where_the_last_stopped(
    tenant: ChangingTenant, tmp_path: Path
) -> None:
    tenant.server.knobs.latency = 0.01
    resources = sum(map(len, tenant.wanted.values()))
    with Worker() as worker:
        calls = 0
        for _ in range(MOST_CALLS):
            ended = worker.run(tmp_path, tenant.server.url, PEOPLE, seconds=0.3)
            calls += 1
            if ended.exit == DONE:
                break
            assert ended.exit == FAILED
    assert calls > 1
    assert held_at(tenant.server) == tenant.wanted
    assert len(tenant.server.writes) == resources


def test_a_run_that_was_cut_off_is_superseded(tenant: ChangingTenant) -> None:
    tenant.run(Trouble(crash=Crash("request", 50, after=True)))
    assert [run.status for run in tenant.store.runs(TENANT)] == ["running"]
    assert 0 < len(tenant.server.externalIds()) < sum(map(len, tenant.wanted.values()))
    tenant.clock.advance(DAY)
    assert tenant.run().status == "delivered"
    assert [run.status for run in tenant.store.runs(TENANT)] == ["done", "cut off"]
    assert held_at(tenant.server) == tenant.wanted


def withdrawn(
    tenant: ChangingTenant, confirmed: bool = False, trouble: Trouble | None = None
) -> int:
    """The exit status of a withdrawal, which may meet trouble."""
    tenant.clock.advance(100)
    process = None if trouble is None else DyingProcess(trouble)
    if process is not None:
        tenant.server.faults = process.decide
    status = withdraw(tenant.sync_context(process), TENANT, "v", confirmed).exit_status
    tenant.server.faults = []
    return status


def test_a_withdrawal_that_was_cut_off_goes_on_when_asked_again(cautious: ChangingTenant) -> None:
    tenant = cautious
    everything = len(tenant.server.externalIds())
    withdrawn(tenant, confirmed=True, trouble=Trouble(crash=Crash("request", 60, after=True)))
    assert mode(tenant) == "off", "a run between would send everything again"
    assert everything - 70 < len(tenant.server.externalIds()) <= everything - 60
    assert withdrawn(tenant, confirmed=True) == DONE
    assert tenant.server.externalIds() == []
    assert mode(tenant) == "off"
    assert len(tenant.ledger) == 0
    deletes = [r for r in tenant.server.requests if r.method == "DELETE"]
    assert len(deletes) < everything + 2 * 70, "who is gone is asked for twice at most"


def test_a_withdrawal_is_held_and_its_approval_outlives_a_crash(cautious: ChangingTenant) -> None:
    tenant = cautious
    assert withdrawn(tenant) == HELD
    assert tenant.server.requests == []
    tenant.clock.advance(100)
    process = DyingProcess(Trouble(crash=Crash("request", 60, after=True)))
    tenant.server.faults = process.decide
    approve(tenant.sync_context(process), TENANT, "v")
    tenant.server.faults = []
    assert tenant.server.externalIds() != []
    assert mode(tenant) == "off"
    assert withdrawn(tenant) == DONE  # not held again: it was approved
    assert tenant.server.externalIds() == []
    assert mode(tenant) == "off"
    assert tenant.store.approval(tenant.key) is None
    assert tenant.store.hold(tenant.key) is None


def test_an_approved_withdrawal_goes_on_after_the_vendors_trouble(cautious: ChangingTenant) -> None:
    tenant = cautious
    assert withdrawn(tenant) == HELD
    tenant.server.fail(503, times=None, skip=50)
    assert approve(tenant.sync_context(), TENANT, "v").exit_status == FAILED
    assert mode(tenant) == "off"
    tenant.server.clear()
    assert withdrawn(tenant) == DONE
    assert tenant.server.externalIds() == []
    assert mode(tenant) == "off"


def test_an_approval_can_be_given_again_after_a_crash(cautious: ChangingTenant) -> None:
    tenant = cautious
    assert withdrawn(tenant) == HELD
    tenant.clock.advance(100)
    process = DyingProcess(Trouble(crash=Crash("request", 30, after=False)))
    tenant.server.faults = process.decide
    approve(tenant.sync_context(process), TENANT, "v")
    tenant.server.faults = []
    tenant.clock.advance(100)
    assert approve(tenant.sync_context(), TENANT, "v").exit_status == DONE
    assert tenant.server.externalIds() == []
    assert mode(tenant) == "off"


def test_an_approval_of_a_withdrawal_does_not_last_for_ever(cautious: ChangingTenant) -> None:
    tenant = cautious
    assert withdrawn(tenant) == HELD
    tenant.server.fail(503, times=None, skip=50)
    assert approve(tenant.sync_context(), TENANT, "v").exit_status == FAILED
    tenant.server.clear()
    tenant.clock.advance(APPROVAL_LASTS)
    assert withdrawn(tenant) == HELD
    assert tenant.server.requests == []
    tenant.clock.advance(100)
    assert approve(tenant.sync_context(), TENANT, "v").exit_status == DONE
    assert tenant.server.externalIds() == []
