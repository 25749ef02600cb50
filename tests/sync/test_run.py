"""One run from the directory to the vendors: what is told, kept and left."""

import json
import threading
import time

import pytest
from msgspec import structs

from addon.delivery.lease import Lease
from addon.directory.errors import AccessRefused, DirectoryError
from addon.store.base import StoreError
from addon.sync import connection
from addon.sync.context import NotFoundError
from addon.sync.run import deliver, plan_run, preview, sync
from addon.sync.session import PAUSED, TURNED_OFF
from tests.support.small_school import HIDDEN, PUPILS, TENANT, address, leave, small_school
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with small_school(tmp_path) as world:
        yield world


def statuses(report) -> dict[str, str]:
    return {c.vendor: c.status for c in report.connections}


def run(world: World, vendor: str | None = None):
    with world.sync_context() as context:
        return sync(context, TENANT, vendor)


def test_a_run_is_kept_with_what_came_of_it(world):
    report = run(world)
    with world.open_store() as store:
        (kept,) = store.runs(TENANT)
    assert (kept.id, kept.status) == (report.run, "done")
    assert kept.finished is not None
    assert kept.finished >= kept.started
    assert kept.report is not None
    assert json.loads(kept.report)["connections"] == json.loads(report.json())["connections"]


def test_a_preview_is_what_the_run_then_does(world):
    with world.sync_context() as context:
        foreseen, _ = preview(context, TENANT)
        assert world.requests == []
        done = sync(context, TENANT)
    assert [c.operations for c in foreseen.connections] == [c.operations for c in done.connections]
    assert statuses(foreseen) == statuses(done)


def test_a_preview_keeps_nothing(world):
    with world.sync_context() as context:
        preview(context, TENANT)
    with world.open_store() as store:
        assert store.runs(TENANT) == []
        assert store.ledgers(TENANT) == []


def test_every_person_is_at_every_vendor_once_and_the_hidden_one_nowhere(world):
    run(world)
    for server in (world.vendor("all"), world.vendor("some")):
        names = [user["userName"] for user in server.held("User").values()]
        assert len(names) == len(set(names)) == 14
        assert address(*HIDDEN) not in names


def test_changes_are_sent_and_nothing_else(world):
    run(world)
    world.forget_requests()
    who = PUPILS["7A"][0]
    world.domain.rename_user(address(*who), "Torvald", "Blom")
    report = run(world, "all")
    assert report.connections[0].operations == {"create": {}, "update": {"User": 1}, "delete": {}}
    assert [r.method for r in world.vendor("all").requests] == ["PUT"]


def test_a_quota_and_a_server_error_are_retried(world):
    world.directory.fail("/users", status=503, times=2)
    world.directory.fail("/orgunits", status=403, reason="quotaExceeded", times=2)
    assert statuses(run(world)) == {"all": "delivered", "some": "delivered"}


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 503},
        {"status": 429, "reason": "rateLimitExceeded"},
        {"kind": "drop"},
        {"kind": "truncate"},
        {"kind": "notJson"},
        {"status": 400, "reason": "invalid"},
    ],
    ids=str,
)
def test_a_directory_that_cannot_be_read_whole_ends_the_run_before_anything(world, failure):
    world.directory.fail("/users", times=None, after=1, **failure)
    with world.sync_context() as context, pytest.raises(DirectoryError):
        sync(context, TENANT)
    assert world.requests == []
    with world.open_store() as store:
        (kept,) = store.runs(TENANT)
    assert kept.status == "unread"
    assert kept.detail


def test_missing_consent_is_reported_as_such(world):
    world.directory.fail(status=403, reason="forbidden", times=None)
    with world.sync_context() as context, pytest.raises(AccessRefused, match="Install Skolsynk"):
        sync(context, TENANT)


def test_an_unknown_tenant_or_vendor_is_reported_and_no_run_is_kept(world):
    with world.sync_context() as context:
        with pytest.raises(NotFoundError, match=TENANT):
            sync(context, "C0nobody")
        with pytest.raises(NotFoundError, match="all, some"):
            sync(context, TENANT, "nobody")
        assert context.store.runs(TENANT) == []


def test_no_vendor_that_can_be_reached_needs_no_directory(world):
    world.change_connection("all", mode="off")
    world.change_connection("some", mode="off")
    world.directory.forget_requests()
    report = run(world)
    assert statuses(report) == {"all": "off", "some": "off"}
    assert report.exit_status == 0
    assert world.directory.queries == 0


def test_a_refused_pupil_is_not_in_the_class_and_is_added_when_corrected(world):
    world.vendor("all").knobs.strict_references = True
    world.vendor("all").fail(400, endpoint="Users", skip=3)
    report = run(world, "all")
    (failure,) = report.connections[0].failures
    members = {
        m["value"]
        for group in world.vendor("all").held("StudentGroup").values()
        for m in group["studentMemberships"]
    }
    assert failure.external_id not in members
    assert len(members) == 11
    world.forget_requests()
    assert statuses(run(world, "all")) == {"all": "unchanged"}
    assert world.requests == []
    with world.sync_context() as context:
        a_day_on = structs.replace(context, clock=lambda: context.clock() + 24 * 3600 + 1)
        assert statuses(sync(a_day_on, TENANT, "all")) == {"all": "delivered"}
    assert failure.external_id in world.vendor("all").externalIds("User")


@pytest.mark.parametrize("ids", ["own", "ours"])
def test_a_lost_store_makes_no_copies_where_the_vendor_refuses_them(tmp_path, ids):
    with small_school(tmp_path, ids=ids, refuse_duplicates=True) as world:
        run(world)
        before = world.vendor("all").externalIds()
        for file in tmp_path.glob("skolsynk.db*"):
            file.unlink()
        world.import_document()
        assert statuses(run(world)) == {"all": "delivered", "some": "delivered"}
        assert world.vendor("all").externalIds() == before
        world.forget_requests()
        run(world)
        assert world.requests == []


def test_a_lost_store_at_a_vendor_that_only_lists_is_not_listed_for_every_resource(tmp_path):
    with small_school(tmp_path, refuse_duplicates=True, filter="refused", listing="whole") as world:
        run(world, "all")
        for file in tmp_path.glob("skolsynk.db*"):
            file.unlink()
        world.import_document()
        world.forget_requests()
        run(world, "all")
        lists = [path for method, path in world.requests if method == "GET" and "start" in path]
        assert len(lists) <= 7
        assert (
            len(world.vendor("all").externalIds())
            == len(set(world.vendor("all").externalIds()))
            == 20
        )


def test_a_right_to_nothing_withdraws_what_was_sent_before(world):
    """A unit that is no longer ticked takes its people with it, under the limits."""
    run(world)
    world.change_connection(
        "all", schoolUnits=[], limits={"deletions": 100, "deletionsPercent": 100}
    )
    report = run(world, "all")
    assert statuses(report) == {"all": "delivered"}
    assert world.vendor("all").externalIds() == []


def test_how_many_people_each_vendor_has_is_in_the_record(world):
    run(world)
    leave(world, PUPILS["7A"][0])
    report = run(world)
    assert [c.people for c in report.connections] == [13, 13]
    world.change_connection("some", mode="off")
    assert [c.people for c in run(world).connections] == [13, None]
    with world.open_store() as store:
        kept = store.runs(TENANT)[0].report
    assert [c["people"] for c in json.loads(kept or b"")["connections"]] == [13, None]


@pytest.mark.parametrize("where", ["check_readiness", "read_and_prepare", "complete_run"])
@pytest.mark.parametrize("step", ["sync", "plan_run"])
def test_no_run_stays_open_whatever_goes_wrong_in_it(world, monkeypatch, where, step):
    def broken(*_):
        raise StoreError("the disk is full")

    with world.sync_context() as context:
        with monkeypatch.context() as full:
            full.setattr(f"addon.sync.run.{where}", broken)
            with pytest.raises(StoreError):
                (sync if step == "sync" else plan_run)(context, TENANT)
        assert context.store.running(TENANT) == []
        assert [kept.status for kept in context.store.runs(TENANT)] == ["failed"]


@pytest.mark.parametrize("where", ["prepare_from_snapshot", "sync_connection", "complete_run"])
def test_no_delivery_stays_open_whatever_goes_wrong_in_it(world, monkeypatch, where):
    def broken(*_):
        raise StoreError("the disk is full")

    with world.sync_context() as context:
        found = plan_run(context, TENANT)
        assert found.vendors == ("all", "some")
        with monkeypatch.context() as full:
            full.setattr(f"addon.sync.run.{where}", broken)
            with pytest.raises(StoreError):
                deliver(context, TENANT, "all", found.run, 60)
        assert context.store.running(TENANT) == []
        assert deliver(context, TENANT, "all", found.run, 60).status in (
            "delivered",
            "unchanged",
        )


def test_a_delivery_whose_directory_is_gone_and_cannot_be_read_is_kept_as_unread(world):
    with world.sync_context() as context:
        found = plan_run(context, TENANT)
        later = structs.replace(context, clock=lambda: context.clock() + 7 * 3600)
        world.directory.fail("/users", times=None, status=400, reason="invalid")
        with pytest.raises(DirectoryError):
            deliver(later, TENANT, "all", found.run, 60)
        assert context.store.runs(TENANT)[0].status == "unread"


def test_connections_are_reported_in_the_order_of_the_document(world):
    world.change_connection("all", mode="off")
    assert [c.vendor for c in run(world).connections] == ["all", "some"]


PAUSE = {"pause": {"from": "2020-01-01", "until": "2199-12-31"}}


@pytest.fixture
def hurried(monkeypatch):
    """Leases that are put off all the time."""
    monkeypatch.setattr(Lease.__init__, "__defaults__", (time.time, 0.01))


@pytest.mark.parametrize(
    ("change", "back", "why"),
    [
        ({"mode": "off"}, {"mode": "live"}, TURNED_OFF),
        ({"mode": "test"}, {"mode": "live"}, TURNED_OFF),
        (PAUSE, {}, PAUSED),
    ],
)
def test_a_delivery_that_nobody_wants_any_more_stops_and_the_next_goes_on(
    world, hurried, monkeypatch, change, back, why
):
    world.vendor("all").knobs.latency = 0.1
    noticed, changed = threading.Event(), threading.Event()
    real = connection.cancellation_reason

    def notice(*given):
        reason = real(*given)
        if reason is not None:
            noticed.set()
        return reason

    def decide(request):
        if request.n == 3:
            change_document(world, change)
            changed.set()
        if request.n > 3:  # answered once the delivery knows, however slow the machine is
            noticed.wait(30)

    monkeypatch.setattr(connection, "cancellation_reason", notice)
    world.vendor("all").faults = decide
    part = run(world, "all").connections[0]
    assert changed.wait(30)
    assert (part.status, part.failures, part.detail) == ("delivered", (), why)
    there = len(world.vendor("all").held("User"))
    assert part.operations["create"].get("User", 0) == there < 14
    assert part.left
    world.forget_requests()
    change_document(world, back)
    world.vendor("all").knobs.latency = 0.0
    again = run(world, "all").connections[0]
    assert (again.left, again.failures, again.detail) == (0, (), None)
    assert len(world.vendor("all").held("User")) == 14
    assert [r.method for r in world.vendor("all").requests if r.path == "/Users"] == ["POST"] * (
        14 - there
    )


def change_document(world: World, change) -> None:
    """Has the document be another: the schedule, or the mode of the connection to All."""
    if "mode" in change:
        world.document["connections"][0].update(change)
    else:
        world.document["schedule"] = change
    with world.open_store() as store:
        store.save_tenant(TENANT, json.dumps(world.document).encode())


def test_what_was_turned_off_while_the_directory_was_read_is_sent_nothing(world):
    with world.sync_context() as context:

        def read_late(tenant):
            change_document(world, {"mode": "off"})
            return context.read_directory(tenant)

        (part,) = sync(
            structs.replace(context, read_directory=read_late), TENANT, "all"
        ).connections
        assert (part.detail, part.failures) == (TURNED_OFF, ())
        assert context.store.ledgers(TENANT) == []
    assert world.vendor("all").requests == []
