"""In a pause nothing is read or sent, and everything says so."""

import json
from datetime import UTC, date, datetime

import pytest
from msgspec import structs

from addon.settings import Settings
from addon.sync.holds import approve, find_hold
from addon.sync.report import USAGE
from addon.sync.run import deliver, plan_run, preview, sync
from addon.sync.status import status
from addon.sync.withdraw import withdraw
from addon.tasks.handlers import DELIVER, RUN, TaskHandler
from addon.tenants.model import Organisation, Pause, Schedule, Tenant
from addon.tenants.pause import PausedError, current_pause, today
from tests.support.small_school import PUPILS, TENANT, leave, small_school
from tests.support.world import World

ALWAYS = {"pause": {"from": "2020-01-01", "until": "2199-12-31"}}


@pytest.fixture
def world(tmp_path):
    with small_school(tmp_path) as world:
        yield world


def pause(world: World, **schedule: object) -> None:
    world.document["schedule"] = schedule
    world.import_document()
    world.directory.forget_requests()
    world.forget_requests()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_days_are_swedens_in_summer_and_winter():
    assert str(today(at("2027-06-14T21:59:59"))) == "2027-06-14"
    assert str(today(at("2027-06-14T22:00:00"))) == "2027-06-15"
    assert str(today(at("2027-12-14T22:59:59"))) == "2027-12-14"
    assert str(today(at("2027-12-14T23:00:00"))) == "2027-12-15"


@pytest.mark.parametrize(
    ("now", "is_paused"),
    [
        ("2027-06-14T21:59:59", False),
        ("2027-06-14T22:00:00", True),
        ("2027-08-09T21:59:59", True),
        ("2027-08-09T22:00:00", False),
    ],
)
def test_both_its_days_are_in_it(now, is_paused):
    summer = Pause(start=date(2027, 6, 15), until=date(2027, 8, 9))
    tenant = Tenant(
        customer_id=TENANT, organisation=Organisation(name="x"), schedule=Schedule(pause=summer)
    )
    assert current_pause(tenant, at(now)) == (summer if is_paused else None)


def test_a_run_reads_and_sends_nothing_and_is_not_kept(world):
    pause(world, **ALWAYS)
    with world.sync_context() as context:
        with pytest.raises(PausedError, match="2199-12-31"):
            sync(context, TENANT)
        with pytest.raises(PausedError):
            plan_run(context, TENANT)
        with pytest.raises(PausedError):
            deliver(context, TENANT, "all", "R1", 60)
        assert context.store.runs(TENANT) == []
    assert world.directory.queries == 0
    assert world.requests == []


@pytest.mark.parametrize("path", [RUN, DELIVER])
def test_a_task_in_a_pause_is_done(world, path):
    pause(world, **ALWAYS)
    with world.sync_context() as context:
        queue: list[object] = []
        work = TaskHandler(lambda: context, lambda: queue)  # type: ignore[arg-type,return-value]
        asked = {"tenant": TENANT}
        if path == DELIVER:
            asked |= {"vendor": "all", "run": "R1", "part": "0"}
        answer = work.handle(path, asked)
    assert (answer.done, answer.outcome) == (True, "paused")
    assert world.directory.queries == 0


def test_the_command_line_says_it_and_ends_with_2(world):
    pause(world, **ALWAYS)
    ran = world.run("sync", TENANT)
    assert ran.status == USAGE
    assert "paused until 2199-12-31" in ran.err
    assert "paused until 2199-12-31" in world.run("status", TENANT).out
    told = world.run("status", TENANT, "--json").json
    assert told["pause"] == {"from": "2020-01-01", "until": "2199-12-31"}


def test_a_status_outside_of_it_tells_none(world):
    pause(world, pause={"from": "2027-06-15", "until": "2027-08-09"})
    settings = Settings.from_environ(world.environ)
    with world.open_store() as store:
        before = status(settings, store, TENANT, now=at("2027-06-01T12:00:00"))
        during = status(settings, store, TENANT, now=at("2027-07-01T12:00:00"))
    assert before.pause is None
    assert during.pause is not None


def test_runs_go_on_when_it_is_over(world):
    pause(world, pause={"from": "2027-06-15", "until": "2027-08-09"})
    with world.sync_context() as context:
        july = structs.replace(context, clock=lambda: at("2027-07-01T12:00:00"))
        with pytest.raises(PausedError):
            sync(july, TENANT)
        august = structs.replace(context, clock=lambda: at("2027-08-10T05:00:00"))
        assert sync(august, TENANT).exit_status == 0


def test_a_preview_and_a_withdrawal_work_all_the_same(world):
    world.run("sync", TENANT)
    pause(world, **ALWAYS)
    with world.sync_context() as context:
        preview(context, TENANT)
        assert withdraw(context, TENANT, "all", confirmed=True).exit_status == 0
    assert world.vendor("all").externalIds() == []
    assert json.loads(world.run("tenant", "export", TENANT).out)["schedule"] == ALWAYS


def test_an_approval_waits_but_that_of_a_withdrawal_does_not(world):
    world.run("sync", TENANT)
    leave(world, *PUPILS["7A"][:4])
    world.run("sync", TENANT)
    with world.sync_context() as context:
        withdraw(context, TENANT, "some")
    pause(world, **ALWAYS)
    with world.sync_context() as context:
        with pytest.raises(PausedError):
            approve(context, TENANT, "all")
        held = find_hold(context.store, TENANT, "all")
        assert held is not None
        assert context.store.approval(held[0]) is None
        assert approve(context, TENANT, "some").exit_status == 0
    assert world.vendor("some").externalIds() == []
    assert len(world.vendor("all").held("User")) == 14
