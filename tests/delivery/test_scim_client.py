"""One resource at a vendor: whatever it answers, the vendor ends with it once, or we know why."""

import asyncio
import json

import pytest
from msgspec import structs

from addon.delivery.operation_outcome import OperationOutcome, RefusedByVendor, Succeeded
from addon.delivery.throttle import DeliveryStopped, RetryPolicy
from addon.delivery.transport import RetriesExhausted
from addon.planning.plan import Operation
from tests.delivery.delivering import (
    QUICK,
    Kept,
    held,
    in_session,
    intents,
    operation,
    sent,
)
from tests.support.egil_faults import Decide, Fault, Incoming
from tests.support.egil_server import EgilServer

KINDS = {
    "our ids": {"ids": "ours"},
    "own ids": {"ids": "own"},
    "own ids, no filter": {"ids": "own", "filter": "refused"},
    "own ids, filter ignored": {"ids": "own", "filter": "ignored"},
    "own ids, one list": {"ids": "own", "filter": "ignored", "listing": "whole"},
    "own ids, small pages": {"ids": "own", "filter": "refused", "page_limit": 2},
}
"""Servers that can say what they hold."""


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def server(request):
    with EgilServer(**request.param) as server:
        yield server


def perform(
    server: EgilServer,
    *operations: Operation,
    kept: Kept | None = None,
    retry_policy: RetryPolicy = QUICK,
) -> OperationOutcome:
    """What comes of the last of the operations, one after the other in one session."""

    async def work(session) -> OperationOutcome:
        for op in operations:
            outcome = await session.scim.perform(op)
        return outcome

    return in_session(server, work, kept, retry_policy)


def id_of(outcome: OperationOutcome) -> str:
    """The vendor's id of what was created or found."""
    assert isinstance(outcome, Succeeded)
    return outcome.vendor_id


def put_there(server: EgilServer, *external_ids: str) -> list[str]:
    """What the vendor has already, from an earlier life; the ids that it gave."""
    perform(server, *(operation(external_id=external_id) for external_id in external_ids))
    found = held(server)
    server.clear()
    return [found[external_id] for external_id in external_ids]


def lose_the_answer(server: EgilServer, external_id: str = "user-1") -> None:
    """A create that the vendor did and of which nobody here heard."""
    server.fail(drop=True, when="after", times=None, method="POST")
    server.fail(500, times=None, method="GET")
    with pytest.raises(RetriesExhausted):
        perform(server, operation(external_id=external_id))
    assert external_id in held(server)
    server.clear()


# Creating


@pytest.mark.parametrize("answer", ["full", "empty", "text", "no-id", "other-media-type"])
@pytest.mark.parametrize("location", ["absolute", "relative", "none"])
def test_a_create_learns_the_vendors_id_where_it_is_reported(answer, location):
    with EgilServer(answer=answer, location=location, base_path="/scim") as server:
        outcome = perform(server, operation())
        told = answer in ("full", "other-media-type") or location != "none"
        assert outcome == Succeeded(held(server)["user-1"] if told else "")
        assert len(server.requests) == 1


@pytest.mark.parametrize("created", [200, 201, 202, 204])
def test_any_2xx_is_success(created):
    with EgilServer(created=created) as server:
        assert isinstance(perform(server, operation()), Succeeded)


def test_an_answer_that_breaks_off_is_asked_for(server):
    server.fail(truncate=True, when="after")
    assert id_of(perform(server, operation())) == held(server)["user-1"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 503}], ids=str)
def test_a_create_that_may_have_arrived_is_done_once(server, fault, when):
    put_there(server, "other-1", "other-2", "other-3")
    server.fail(when=when, **fault)
    assert id_of(perform(server, operation())) == held(server)["user-1"]
    assert [method for method, _, _ in sent(server)].count("POST") == (1 if when == "after" else 2)


def test_a_create_that_comes_late_is_not_doubled():
    with EgilServer(ids="own") as server:
        server.fail(hang=0.3)
        impatient = structs.replace(QUICK, read=0.05)
        with pytest.raises(RetriesExhausted) as given_up:
            perform(server, operation(), retry_policy=impatient)
        assert given_up.value.uncertain
        asyncio.run(until(lambda: "user-1" in held(server)))
        assert id_of(perform(server, operation(ask=True))) == held(server)["user-1"]


async def until(true) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)


# Asking first


def test_a_create_of_which_nothing_is_known_is_asked_about_and_adopted(server):
    put_there(server, "other-1", "other-2", "other-3")
    lose_the_answer(server)
    outcome = perform(server, operation(ask=True))
    assert isinstance(outcome, Succeeded)
    assert outcome.vendor_id == held(server)["user-1"]
    assert "POST" not in {method for method, _, _ in sent(server)}
    assert len(held(server)) == 4


def test_a_create_of_which_nothing_is_known_is_sent_when_it_never_arrived(server):
    put_there(server, "other-1", "other-2", "other-3")
    assert id_of(perform(server, operation(ask=True))) == held(server)["user-1"]


def test_copies_are_removed_when_they_are_found():
    with EgilServer(ids="own") as server:
        perform(server, operation(), operation(), operation())
        assert server.externalIds("User") == ["user-1"] * 3
        assert id_of(perform(server, operation(ask=True))) == held(server)["user-1"]


@pytest.mark.parametrize(
    ("count", "knobs"),
    [(5, {"page_limit": 2}), (5, {"page_limit": 5}), (55, {"page_limit": 50, "total": "page"})],
)
def test_all_copies_are_found_however_short_the_pages_of_a_filter_are(count, knobs):
    with EgilServer(ids="own", **knobs) as server:
        perform(server, *[operation()] * count)
        server.clear()
        perform(server, operation(ask=True))
        assert server.externalIds("User") == ["user-1"]
        assert all("filter" in r.path for r in server.requests if r.method == "GET")


@pytest.mark.parametrize("status", [400, 500])
def test_a_filter_whose_second_page_does_not_come_is_made_up_for_by_the_list(status):
    with EgilServer(ids="own", page_limit=2) as server:
        perform(server, *[operation()] * 5)
        server.fail(status, times=None, where=lambda r: "filter" in r.path and "Index" in r.path)
        perform(server, operation(ask=True))
        assert server.externalIds("User") == ["user-1"]


def test_copies_that_can_neither_be_read_nor_listed_are_left_for_the_next_run():
    with EgilServer(ids="own", page_limit=2) as server:
        perform(server, *[operation()] * 5)
        server.fail(501, times=None, where=lambda r: r.method == "GET" and "filter" not in r.path)
        server.fail(501, times=None, where=lambda r: "filter" in r.path and "Index" in r.path)
        with pytest.raises(RetriesExhausted):
            perform(server, operation(ask=True))
        assert len(server.externalIds("User")) == 5


def test_a_filter_with_the_total_of_everything_is_asked_for_one_more_page():
    with EgilServer(ids="own") as server:
        put_there(server, *(f"user-{number}" for number in range(8)))
        answer = {"totalResults": 8, "Resources": [{"externalId": "user-1", "id": "one"}]}
        server.fail(200, times=None, method="GET", body=json.dumps(answer).encode())
        found = in_session(server, lambda session: session.scim.filter("User", "user-1"))
        assert found == ["one"]
        assert len(server.requests) == 2


def test_a_copy_that_cannot_be_removed_is_not_forgotten():
    with EgilServer(ids="own") as server:
        perform(server, operation(), operation())
        server.fail(400, method="DELETE")
        outcome = perform(server, operation(ask=True))
        assert isinstance(outcome, RefusedByVendor)
        assert outcome.there


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_nothing_is_sent_as_long_as_the_vendor_cannot_say_for_trouble(status):
    """Else a second copy might be made."""
    with EgilServer(ids="own") as server:
        lose_the_answer(server)
        server.fail(status, times=None, method="GET")
        with pytest.raises((RetriesExhausted, DeliveryStopped)):
            perform(server, operation(ask=True))
        assert {method for method, _, _ in sent(server)} == {"GET"}


@pytest.mark.parametrize(
    "body",
    [b"", b"OK", b"{}", b'{"Resources": 7}', b'{"totalResults": 9, "Resources": []}'],
)
def test_nothing_is_sent_as_long_as_the_answer_cannot_be_read(body):
    with EgilServer(ids="own") as server:
        lose_the_answer(server)
        server.fail(400, times=None, where=lambda request: "filter" in request.path)
        server.fail(200, times=None, method="GET", body=body)
        with pytest.raises(RetriesExhausted):
            perform(server, operation(ask=True))
        assert "POST" not in {method for method, _, _ in sent(server)}


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_a_vendor_that_does_not_answer_questions_is_relied_on_to_refuse_a_copy(status):
    with EgilServer(ids="ours") as server:
        lose_the_answer(server)
        server.fail(status, times=None, method="GET")
        assert perform(server, operation(ask=True)) == Succeeded("user-1")
        assert [method for method, _, _ in sent(server)][-2:] == ["POST", "PUT"]


def test_a_filter_that_fails_is_made_up_for_by_the_list():
    with EgilServer(ids="own") as server:
        lose_the_answer(server)
        server.fail(500, times=None, where=lambda request: "filter" in request.path)
        assert id_of(perform(server, operation(ask=True))) == held(server)["user-1"]


def test_a_list_is_asked_for_once_for_all_who_need_it():
    async def work(session) -> list[OperationOutcome]:
        asked = (session.scim.perform(operation(external_id=each, ask=True)) for each in names)
        return await asyncio.gather(*asked)

    names = [f"user-{n}" for n in range(20)]
    with EgilServer(ids="own", filter="refused", listing="whole") as server:
        put_there(server, *names)
        assert all(isinstance(each, Succeeded) for each in in_session(server, work))
        lists = [path for method, path, _ in sent(server) if method == "GET" and "start" in path]
        assert len(lists) == 1


def test_a_list_with_other_peoples_resources_is_no_answer_about_ours():
    with EgilServer(ids="own", filter="ignored") as server:
        put_there(server, "other-1")
        lose_the_answer(server)
        body = b'{"totalResults": 1, "Resources": [{"id": "x", "userName": "who@edu.se"}]}'
        server.fail(200, times=None, method="GET", body=body)

        async def work(session) -> list[str] | None:
            return await session.scim.find("User", "user-1")

        assert in_session(server, work) is None


# 409


def test_what_is_there_already_is_updated(server):
    server.knobs.refuse_duplicates = True
    put_there(server, "other-1", "other-2", "user-1")
    assert id_of(perform(server, operation())) == held(server)["user-1"]
    assert len(held(server)) == 3


@pytest.mark.parametrize("fault", [{"status": 501}, {"status": 403}, {"body": b"?", "status": 200}])
def test_what_is_there_already_is_updated_by_our_id_without_any_questions(fault):
    with EgilServer(ids="ours") as server:
        put_there(server, "user-1")
        server.fail(times=None, method="GET", **fault)
        assert perform(server, operation()) == Succeeded("user-1")


def test_something_else_in_the_way_is_a_conflict_with_the_vendors_own_words():
    with EgilServer(unique_user_names=True) as server:
        other = operation(external_id="other")
        perform(server, structs.replace(other, body=b'{"externalId": "other", "userName": "a@b"}'))
        mine = structs.replace(operation(), body=b'{"externalId": "user-1", "userName": "a@b"}')
        outcome = perform(server, mine)
        assert outcome == RefusedByVendor(409, "userName is in use", conflict=True, there=False)


def test_a_conflict_at_a_vendor_that_cannot_say_may_be_the_resource_itself():
    with EgilServer(ids="own", refuse_duplicates=True, listing="none", filter="refused") as server:
        put_there(server, "user-1")
        outcome = perform(server, operation())
        assert isinstance(outcome, RefusedByVendor)
        assert (outcome.conflict, outcome.there) == (True, True)


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 429, "retry_after": 0}, {"drop": True}, {"status": 401}],
    ids=str,
)
def test_trouble_after_a_409_leaves_it_open_whether_it_is_there(fault):
    with EgilServer(ids="ours") as server:
        put_there(server, "user-1")
        server.fail(times=None, method="PUT", **fault)
        with pytest.raises((RetriesExhausted, DeliveryStopped)) as trouble:
            perform(server, operation())
        assert trouble.value.uncertain  # type: ignore[union-attr]


def test_what_is_there_and_refuses_its_new_content_is_still_there(server):
    lose_the_answer(server)
    server.fail(400, times=None, method="PUT")
    outcome = perform(server, operation(ask=True))
    assert isinstance(outcome, RefusedByVendor)
    assert outcome.there


# Refusals


@pytest.mark.parametrize("status", [400, 413, 415, 422, 501])
def test_a_refused_create_is_reported_with_status_and_words(status):
    with EgilServer() as server:
        server.fail(status, times=None, body=b'{"detail": "schoolYear is required"}')
        outcome = perform(server, operation())
        assert outcome == RefusedByVendor(
            status, "schoolYear is required", conflict=False, there=False
        )
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [404, 405])
def test_an_endpoint_that_is_missing_is_a_refusal(status):
    with EgilServer() as server:
        server.fail(status, times=None, method="POST")
        assert isinstance(perform(server, operation()), RefusedByVendor)


# Updating


def test_an_update_goes_to_the_vendors_id_and_keeps_it(server):
    (vendor_id,) = put_there(server, "user-1")
    outcome = perform(server, operation("update", vendor_id=vendor_id))
    assert outcome == Succeeded(vendor_id)
    assert sent(server) == [("PUT", f"/Users/{vendor_id}", 200)]


def test_an_update_keeps_the_id_that_works_whatever_the_answer_says():
    with EgilServer(ids="own") as server:
        (vendor_id,) = put_there(server, "user-1")
        server.fail(200, when="after", body=b'{"id": "request-1"}')
        assert perform(server, operation("update", vendor_id=vendor_id)) == Succeeded(vendor_id)


def test_an_update_without_the_vendors_id_finds_it(server):
    put_there(server, "other-1", "other-2", "user-1")
    outcome = perform(server, operation("update"))
    assert outcome == Succeeded(held(server)["user-1"])
    assert "POST" not in {method for method, _, _ in sent(server)}


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_created_again_and_the_intent_is_kept_first(server, status):
    kept = Kept()
    server.fail(status, method="PUT")
    outcome = perform(server, operation("update", vendor_id="gone"), kept=kept)
    assert outcome == Succeeded(held(server)["user-1"])
    assert intents(kept) == {"user-1"}


def test_what_is_there_under_another_id_is_updated_there(server):
    server.knobs.refuse_duplicates = True
    put_there(server, "user-1")
    outcome = perform(server, operation("update", vendor_id="wrong"))
    assert outcome == Succeeded(held(server)["user-1"])
    assert [method for method, _, _ in sent(server) if method != "GET"] == ["PUT", "PUT"]


def test_a_refused_update_is_of_something_that_is_there():
    with EgilServer() as server:
        (vendor_id,) = put_there(server, "user-1")
        server.fail(422)
        outcome = perform(server, operation("update", vendor_id=vendor_id))
        assert isinstance(outcome, RefusedByVendor)
        assert (outcome.status, outcome.conflict, outcome.there) == (422, False, True)


# Deleting


def test_a_delete_goes_to_the_vendors_id(server):
    (vendor_id, _) = put_there(server, "user-1", "other-1")
    assert perform(server, operation("delete", vendor_id=vendor_id)) == Succeeded()
    assert set(held(server)) == {"other-1"}
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "requests"), [(200, 1), (202, 1), (204, 1), (404, 2), (410, 2)])
def test_what_is_gone_is_deleted_once_the_vendor_does_not_find_it(status, requests):
    with EgilServer() as server:
        server.fail(status)
        assert perform(server, operation("delete", vendor_id="v1")) == Succeeded()
        assert len(server.requests) == requests


def test_a_delete_without_the_vendors_id_finds_it(server):
    put_there(server, "other-1", "other-2", "user-1")
    assert perform(server, operation("delete")) == Succeeded()
    assert set(held(server)) == {"other-1", "other-2"}


def test_every_copy_is_deleted():
    with EgilServer(ids="own") as server:
        perform(server, operation(), operation())
        assert perform(server, operation("delete", ask=True)) == Succeeded()
        assert server.externalIds() == []


def test_a_create_of_which_nothing_is_known_is_deleted_where_it_arrived(server):
    put_there(server, "other-1", "other-2", "other-3")
    lose_the_answer(server)
    assert perform(server, operation("delete", ask=True)) == Succeeded()
    assert set(held(server)) == {"other-1", "other-2", "other-3"}


def test_a_delete_that_is_refused_is_reported():
    with EgilServer() as server:
        (vendor_id,) = put_there(server, "user-1")
        server.fail(400, body=b"Active licence")
        outcome = perform(server, operation("delete", vendor_id=vendor_id))
        assert outcome == RefusedByVendor(400, "Active licence", there=True)


# Listing


@pytest.mark.parametrize("listing", ["paged", "whole"])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_all_that_the_vendor_holds_is_listed(listing, count):
    async def work(session):
        holding = await session.scim.list("User")
        return None if holding is None else holding.ids

    with EgilServer(listing=listing) as server:
        for n in range(count):
            server._state._create("Users", {"externalId": f"user-{n}"})
        found = in_session(server, work)
        assert found == {external_id: [key] for external_id, key in held(server).items()}


def test_a_vendor_that_cannot_list_is_told_apart_from_one_that_holds_nothing():
    async def work(session):
        holding = await session.scim.list("User")
        return None if holding is None else holding.ids

    with EgilServer(listing="none") as server:
        assert in_session(server, work) is None
    with EgilServer() as server:
        assert in_session(server, work) == {}


def pages(*bodies: object, plain: object = None) -> Decide:
    """A vendor's lists by startIndex, two at a time; `plain` is what it answers without one."""

    def decide(request: Incoming) -> Fault | None:
        if request.method != "GET":
            return None
        if "startIndex=" not in request.path:
            found = plain
        else:
            start = int(request.path.partition("startIndex=")[2].partition("&")[0])
            at = (start - 1) // 2
            found = bodies[at] if 0 <= at < len(bodies) else {"Resources": [], "totalResults": 5}
        return Fault(status=200, body=json.dumps(found).encode())

    return decide


def some(*names: str, total: object = 5) -> dict:
    listed = [{"externalId": name, "id": f"v-{name}"} for name in names]
    return {"totalResults": total, "Resources": listed}


@pytest.mark.parametrize(
    "plan",
    [
        pages(some("a", "b"), some("c", "d"), some("e")),
        pages(some("a", "b", total=None), some("c", "d", total=None), some("e", total=None)),
        pages(some("a", "b", "c", "d", "e")),
        pages(some("b", "c"), some("d", "e"), plain=some("a", "b", "c", "d", "e")),
        pages([{"externalId": n, "id": f"v-{n}"} for n in "abcde"]),
    ],
    ids=["paged", "without a total", "whole", "counted from 0", "bare"],
)
def test_lists_are_read_in_all_their_ways(plan):
    async def work(session):
        holding = await session.scim.list("User")
        return None if holding is None else holding.ids

    with EgilServer() as server:
        server.faults = [plan]
        assert in_session(server, work) == {n: [f"v-{n}"] for n in "abcde"}


def test_a_list_that_is_not_whole_is_not_taken_for_one():
    """A page that lacks what the total promises must not make anyone missing."""

    async def work(session):
        holding = await session.scim.list("User")
        return None if holding is None else holding.ids

    with EgilServer() as server:
        server.faults = [pages(some("a", "b"), some("c"), plain=some("a", "b"))]
        with pytest.raises(RetriesExhausted, match="not whole"):
            in_session(server, work)
