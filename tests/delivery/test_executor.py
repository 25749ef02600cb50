"""A plan is carried out in order, once, whatever happens on the way; what is told is true."""

import asyncio
import json
import threading
import time

import pytest

from addon.delivery.executor import INTENT_BATCH, PlanExecutor
from addon.delivery.ledger_writer import LedgerWriter
from addon.delivery.scim_client import Succeeded
from addon.delivery.throttle import RetryPolicy, Throttle
from addon.planning.ledger import Ledger, LedgerChange, LedgerEntry, LedgerWriteError, Refusal
from addon.planning.plan import REFUSAL_LASTS, Operation, plan_for
from addon.planning.result import FailedOperation
from addon.ss12000.resources import content_hash
from addon.sync.session import open_session
from addon.vendors.profiles import Target
from tests.delivery.delivering import (
    KEY,
    NOW,
    QUICK,
    Kept,
    deliver,
    entries,
    held,
    intent,
    intents,
    resource,
    sent,
    target,
    users,
    vendor,
)
from tests.support.egil_server import EgilServer

NOTHING = {"create": {}, "update": {}, "delete": {}}


def school(*absent: str) -> list:
    """A unit, two pupils, a teacher's employment and a class with what is not `absent`."""
    pupils = [n for n in ("ada", "bo") if n not in absent]
    members = [{"value": n, "$ref": f"Users/{n}"} for n in pupils]
    return [
        resource("org", "Organisation"),
        resource("unit", "SchoolUnit"),
        resource("ada"),
        resource("bo"),
        resource("tom"),
        resource("tom-at-unit", "Employment", user={"value": "tom", "$ref": "Users/tom"}),
        resource("7a", "StudentGroup", studentMemberships=members),
        resource("7a-activity", "Activity"),
    ]


def wanted_without(absent):
    return school(*absent)


# The order


def test_types_go_in_order_and_deletes_the_other_way_round():
    with EgilServer() as server:
        kept = Kept()
        assert deliver(server, school(), kept).complete
        created = [path.split("/")[1] for _, path, _ in sent(server)]
        expected = (
            "Organisations SchoolUnits Users Users Users Employments StudentGroups Activities"
        )
        assert created == expected.split()
        server.clear()
        assert deliver(server, [], kept).complete
        assert [path.split("/")[1] for _, path, _ in sent(server)] == created[::-1]
        assert server.externalIds() == []


def test_nothing_of_a_type_starts_before_the_last_ones_outcome_is_known():
    with EgilServer(latency=0.02) as server:
        deliver(server, [*users(8), *(resource(f"e{n}", "Employment") for n in range(4))])
        last = max(r.time for r in server.requests if r.path == "/Users")
        first = min(r.time for r in server.requests if r.path == "/Employments")
        assert first - last >= 0.02


def test_references_are_never_to_what_is_not_there():
    with EgilServer(strict_references=True) as server:
        assert deliver(server, wanted_without).complete


@pytest.mark.parametrize("concurrency", [1, 4])
def test_as_many_requests_at_once_as_the_profile_says(concurrency):
    with EgilServer(latency=0.01) as server:
        deliver(server, users(20), profile=vendor(concurrency))
        assert server.peak == concurrency


def test_as_many_requests_a_second_as_the_profile_says():
    with EgilServer() as server:
        began = time.monotonic()
        deliver(server, users(30), profile=vendor(per_second=100))
        assert time.monotonic() - began >= 29 / 100 - Throttle.LAG


# What is told and kept


def test_everything_done_is_counted_and_kept():
    with EgilServer() as server:
        kept = Kept()
        result = deliver(server, users(450), kept)
        assert result.operations == {**NOTHING, "create": {"User": 450}}
        assert (result.complete, result.left, result.failures) == (True, 0, ())
        assert entries(kept) == held(server)
        assert len(server.requests) == 450


def test_the_run_after_sends_nothing():
    with EgilServer() as server:
        kept = Kept()
        deliver(server, school(), kept)
        server.clear()
        assert deliver(server, school(), kept).operations == NOTHING
        assert server.requests == []


def test_progress_counts_every_operation_once():
    told: list[tuple[int, int]] = []
    with EgilServer() as server:
        deliver(server, users(25), progress=lambda done, planned: told.append((done, planned)))
    assert told == [(n, 25) for n in range(1, 26)]


def test_the_intent_of_every_create_is_kept_before_it_is_sent():
    kept = Kept()
    unannounced: list[str | None] = []

    def look(request) -> None:
        known = {change.external_id for batch in list(kept.batches) for change in batch}
        if request.external_id not in known:
            unannounced.append(request.external_id)

    with EgilServer() as server:
        server.faults = [look]
        deliver(server, users(2 * INTENT_BATCH + 7), kept)
    assert unannounced == []


# Refusals


def test_a_refused_resource_blocks_no_other_and_is_left_alone_for_a_day():
    with EgilServer() as server:
        kept = Kept()
        server.fail(422, times=None, external_id="ada", body=b'{"detail": "invalid value"}')
        result = deliver(server, wanted_without, kept)
        assert result.failures == (
            FailedOperation("create", "User", "ada", 422, "invalid value", refused=True),
        )
        assert result.left == 0
        assert set(held(server)) == {"bo", "tom"}
        (group,) = server.held("StudentGroup").values()
        assert [m["value"] for m in group["studentMemberships"]] == ["bo"]
        server.clear()
        assert deliver(server, wanted_without, kept).complete
        assert server.requests == []
        assert deliver(server, wanted_without, kept, now=NOW + REFUSAL_LASTS).complete
        assert set(held(server)) == {"ada", "bo", "tom"}
        (group,) = server.held("StudentGroup").values()
        assert [m["value"] for m in group["studentMemberships"]] == ["ada", "bo"]


def test_a_refused_update_leaves_what_was_acknowledged():
    with EgilServer() as server:
        kept = Kept()
        deliver(server, [resource("ada")], kept)
        before = entries(kept)
        server.fail(400, times=None, method="PUT")
        changed = [resource("ada", userName="new@edu.se")]
        assert deliver(server, changed, kept).failures[0].operation == "update"
        assert entries(kept) == before
        server.clear()
        assert deliver(server, changed, kept).complete
        assert server.requests == []


def test_a_refused_delete_is_kept_and_left_alone_for_a_day():
    with EgilServer() as server:
        kept = Kept()
        deliver(server, [resource("ada")], kept)
        server.fail(400, times=None, method="DELETE")
        assert deliver(server, [], kept).failures[0].operation == "delete"
        assert set(entries(kept)) == {"ada"}
        server.clear()
        assert deliver(server, [], kept).complete
        assert server.requests == []
        deliver(server, [], kept, now=NOW + REFUSAL_LASTS)
        assert held(server) == {}


def test_what_is_there_and_refuses_its_new_content_is_not_forgotten():
    """Asked for after a lost answer, it is there; when its person leaves, it is removed."""
    with EgilServer(ids="own") as server:
        kept = Kept(intent("ada"))
        server._state._create("Users", {"externalId": "ada"})
        server.fail(400, times=None, method="PUT")
        result = deliver(server, wanted_without, kept)
        assert result.failures[0].http_status == 400
        assert intents(kept) == {"ada"}
        server.clear()
        deliver(server, [], kept)
        assert server.externalIds() == []


def test_what_is_gone_and_refused_again_is_left_out_of_what_refers_to_it():
    with EgilServer(strict_references=True) as server:
        kept = Kept()
        deliver(server, wanted_without, kept)
        server._state._delete("Users", held(server)["ada"])
        server.fail(400, times=None, method="POST", external_id="ada")

        def changed(absent):
            return [*wanted_without(absent)[:2], resource("ada", x=1), *wanted_without(absent)[3:]]

        result = deliver(server, changed, kept)
        assert [f.external_id for f in result.failures] == ["ada"]
        (group,) = server.held("StudentGroup").values()
        assert [m["value"] for m in group["studentMemberships"]] == ["bo"]
        assert "ada" not in entries(kept)


# Conflicts


def person(external_id: str, address: str):
    return resource(external_id, userName=address)


@pytest.mark.parametrize("ids", ["own", "ours"])
def test_an_address_passed_on_by_one_who_leaves_is_free_in_the_same_run(ids):
    with EgilServer(ids=ids, unique_user_names=True) as server:
        kept = Kept()
        deliver(server, [person("old", "a@edu.se")], kept)
        result = deliver(server, [person("new", "a@edu.se")], kept)
        assert result.complete
        assert result.operations == {"create": {"User": 1}, "update": {}, "delete": {"User": 1}}
        assert set(held(server)) == set(entries(kept)) == {"new"}


def test_an_address_passed_on_by_one_who_changes_is_free_in_the_same_run():
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        deliver(server, [person("z", "a@edu.se")], kept, profile=vendor(1))
        both = [person("a", "a@edu.se"), person("z", "b@edu.se")]
        result = deliver(server, both, kept, profile=vendor(1))
        assert result.complete
        assert result.operations == {"create": {"User": 1}, "update": {"User": 1}, "delete": {}}
        assert set(held(server)) == {"a", "z"}


def test_a_conflict_that_stays_is_reported_once_and_tried_by_every_run():
    with EgilServer(unique_user_names=True) as server:
        server._state._create("Users", {"externalId": "theirs", "userName": "a@edu.se"})
        kept = Kept()
        for _ in range(2):
            server.clear()
            result = deliver(server, [person("ours", "a@edu.se")], kept)
            assert [(f.external_id, f.http_status) for f in result.failures] == [("ours", 409)]
            assert ("POST", "/Users", 409) in sent(server)
            assert len(kept.ledger) == 0


# Trouble


def test_trouble_with_one_is_left_for_the_next_run_and_the_others_are_done():
    with EgilServer(ids="own") as server:
        kept = Kept()
        server.fail(500, times=None, external_id="user-003", when="after")
        server.fail(500, times=None, where=lambda r: r.method == "GET")
        result = deliver(server, users(20), kept, profile=vendor(1))
        assert [(f.external_id, f.http_status) for f in result.failures] == [("user-003", 500)]
        assert result.left == 1
        assert intents(kept) == {"user-003"}
        server.clear()
        assert deliver(server, users(20), kept).complete
        assert len(held(server)) == 20
        assert intents(kept) == set()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", [{"drop": True}, {"garbage": True}, {"status": 503}], ids=str)
@pytest.mark.parametrize("ids", ["own", "ours"])
def test_a_vendor_that_fails_in_the_middle_loses_and_doubles_nothing(ids, fault, when):
    with EgilServer(ids=ids, refuse_duplicates=False) as server:
        kept = Kept()
        server.fail(times=None, skip=30, when=when, method="POST", **fault)
        result = deliver(server, users(60), kept)
        assert (result.stopped is not None) == (when == "before")
        done = result.operations["create"]["User"]
        assert done + result.left == 60
        assert len(entries(kept)) == done
        server.clear()
        assert deliver(server, users(60), kept).complete
        assert len(held(server)) == 60
        assert held(server) == entries(kept)
        posts = [r for r in server.requests if r.method == "POST"]
        assert len(posts) <= 60 - done


def test_a_key_that_is_no_longer_good_ends_the_delivery_with_one_message():
    with EgilServer() as server:
        kept = Kept()
        result = deliver(server, users(50), kept, to=target(server, "old"))
        assert (result.status, result.left) == (401, 50)
        assert [failure.http_status for failure in result.failures] == [401]
        assert result.stopped is not None
        assert "does not accept our key (401)" in result.stopped
        assert len(server.requests) <= 4
        assert len(kept.ledger) == 0


def test_a_key_refused_after_a_lost_answer_does_not_forget_the_create():
    with EgilServer(ids="own") as server:
        kept = Kept()
        server.fail(drop=True, when="after")
        server.fail(401, times=None)
        deliver(server, users(1), kept)
        assert intents(kept) == {"user-000"}
        server.clear()
        assert deliver(server, users(1), kept).complete
        assert entries(kept) == held(server)


def test_an_address_that_leads_nowhere_leaves_nothing_resting():
    """When the address is right again, the next run delivers all."""
    with EgilServer(base_path="/scim") as server:
        kept = Kept()
        wrong = Target(server.url + "/v9", {"X-API-Key": server.key})
        result = deliver(server, wanted_without, kept, to=wrong)
        assert result.status == 404
        assert result.stopped is not None
        assert "is it right?" in result.stopped
        assert deliver(server, wanted_without, kept).complete
        assert set(held(server)) == {"ada", "bo", "tom"}


def test_a_vendor_without_one_of_the_endpoints_gets_the_rest():
    with EgilServer() as server:
        server.fail(404, times=None, endpoint="Organisations")
        server.fail(404, times=None, endpoint="Activities")
        kept = Kept()
        result = deliver(server, wanted_without, kept)
        assert {f.resource_type for f in result.failures} == {"Organisation", "Activity"}
        assert result.stopped is None
        server.clear()
        assert deliver(server, wanted_without, kept).complete
        assert server.requests == []


# The time


def test_a_run_whose_time_is_spent_says_how_much_is_left_and_the_next_goes_on():
    with EgilServer(latency=0.01) as server:
        kept = Kept()
        result = deliver(server, users(200), kept, deadline=time.monotonic() + 0.15)
        assert result.spent
        assert result.failures == ()
        done = result.operations["create"].get("User", 0)
        assert 0 < done < 200
        assert done + result.left == 200
        assert len(entries(kept)) == done
        assert intents(kept) == set()
        server.knobs.latency = 0
        server.clear()
        assert deliver(server, users(200), kept).complete
        assert len(server.requests) == result.left


def test_a_time_spent_before_the_start_sends_nothing():
    with EgilServer() as server:
        result = deliver(server, users(3), deadline=0.0)
        assert (result.spent, result.left) == (True, 3)
        assert server.requests == []


# The store


def test_nothing_is_sent_that_could_not_be_remembered():
    with EgilServer() as server:
        kept = Kept()
        kept.trouble = LedgerWriteError("the disk is full")
        with pytest.raises(LedgerWriteError, match="the disk is full"):
            deliver(server, users(10), kept)
        assert server.requests == []


def test_a_store_that_fails_on_the_way_ends_the_delivery_soon():
    kept = Kept()

    def break_the_store(request) -> None:
        if request.n == 5:
            kept.trouble = LedgerWriteError("the disk is full")

    with EgilServer(latency=0.01) as server:
        server.faults = [break_the_store]
        with pytest.raises(LedgerWriteError):
            deliver(server, users(300), kept)
        assert len(server.requests) < 300
        kept.trouble = None
        server.knobs.latency = 0
        server.clear()
        assert deliver(server, users(300), kept).complete
        assert len(held(server)) == 300


# Being stopped from outside


def test_an_interruption_keeps_what_was_acknowledged_and_what_is_open():
    with EgilServer(ids="own", latency=0.005) as server:
        kept = Kept()
        ledger = kept.read()

        async def run() -> None:
            async with asyncio.timeout(10):
                task = asyncio.create_task(begin())
                while len(server.held("User")) < 20:
                    await asyncio.sleep(0.002)
                task.cancel()
                await task

        async def begin() -> None:
            async with open_session(vendor(), target(server), kept, KEY, ledger, QUICK) as session:
                plan = plan_for(lambda absent: users(300), ledger, NOW)
                await session.carry_out(plan, lambda absent: plan)

        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run())
        there = held(server)
        assert set(there) - set(entries(kept)) <= intents(kept)
        assert len(intents(kept)) <= vendor().concurrency
        assert set(entries(kept)) <= set(there)
        server.clear()
        server.knobs.latency = 0
        assert deliver(server, users(300), kept).complete
        assert len(held(server)) == 300


class Odd(Exception):
    pass


@pytest.mark.parametrize("broken", [1, 150, 399])
def test_a_fault_of_ours_ends_the_delivery_and_costs_nobody_elses_outcome(broken):
    """Nothing raised in the middle may leave the queue waiting, or hide what others have told."""

    async def run() -> tuple:
        kept, throttle = Kept(), Throttle(1e6, RetryPolicy())
        ledger = Ledger()
        seen = 0

        async def perform(op: Operation) -> Succeeded:
            nonlocal seen
            seen += 1
            mine = seen
            await asyncio.sleep(0)
            if mine == broken:
                raise Odd("with something secret in it")
            return Succeeded(f"v-{op.external_id}")

        async with asyncio.timeout(10), LedgerWriter(kept, KEY, ledger, throttle) as ledger_writer:
            delivery = PlanExecutor(perform, ledger_writer, throttle, 4)
            plan = plan_for(lambda absent: users(400), ledger, NOW)
            return await delivery.run(plan, lambda absent: plan), kept

    result, kept = asyncio.run(run())
    assert result.stopped.startswith("the delivery ended with an error: Odd at ")
    assert "secret" not in result.stopped
    assert result.operations["create"].get("User", 0) + result.left == 400
    assert len(entries(kept)) == result.operations["create"].get("User", 0)
    assert len(intents(kept)) == 1


def test_what_is_done_the_second_time_is_no_failure():
    """A resource given up for now and done in the round after the deletes is done."""
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        deliver(server, [person("old", "a@edu.se")], kept)
        server.fail(500, times=QUICK.tries, external_id="late")
        wanted = [person("late", "b@edu.se"), person("new", "a@edu.se")]
        server.fail(500, times=2 * QUICK.tries, where=lambda r: "late" in r.path)
        result = deliver(server, wanted, kept, profile=vendor(1))
        assert result.complete, result
        assert set(held(server)) == {"late", "new"}


# Side by side


def test_two_deliveries_side_by_side_do_not_touch_each_other():
    results = []
    with EgilServer() as well, EgilServer() as ill:
        ill.fail(503, times=None)

        def one(server: EgilServer) -> None:
            results.append((server is well, deliver(server, users(30)).complete))

        threads = [threading.Thread(target=one, args=(server,)) for server in (well, ill)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == [(False, False), (True, True)]
        assert len(held(well)) == 30


def test_a_refusal_of_an_earlier_content_ends_with_the_new_one():
    with EgilServer() as server:
        old = Refusal("create", content_hash(b"old"), 400, "no", NOW)
        kept = Kept(LedgerChange("User", "ada", refusal=old))
        assert deliver(server, [resource("ada")], kept).complete
        assert list(kept.ledger.refused()) == []
        assert kept.ledger.entries["User"]["ada"] == LedgerEntry(
            held(server)["ada"], content_hash(json.dumps(body("ada")).encode())
        )


def body(external_id: str) -> dict:
    return {"externalId": external_id, "displayName": f"The {external_id}"}
