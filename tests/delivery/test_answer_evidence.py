"""What a vendor's answers prove: a status is not an answer."""

import json

import pytest

from addon.delivery.answer_evidence import CollectionEvidence, is_success, judge_absence
from addon.delivery.response import VendorResponse
from addon.planning.ledger import LOOK_AFTER
from tests.delivery.delivering import (
    NOW,
    Kept,
    deliver,
    entries,
    held,
    resource,
    users,
    vendor,
)
from tests.support.egil_server import EgilServer

PAGE = b"<!DOCTYPE html><html><body>Under maintenance</body></html>"
ERROR = json.dumps(
    {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "500"}
).encode()
HTML = {"Content-Type": "text/html; charset=utf-8"}
SERVERS = [
    pytest.param({"ids": "own"}, id="filter"),
    pytest.param({"ids": "own", "filter": "refused"}, id="list"),
    pytest.param({"ids": "own", "filter": "ignored", "page_limit": 3}, id="filter ignored"),
    pytest.param({"ids": "own", "listing": "none"}, id="own ids, blind"),
    pytest.param({"ids": "ours", "listing": "none"}, id="our ids, blind"),
]


def response(body: bytes, media_type: str = "application/scim+json") -> VendorResponse:
    return VendorResponse(200, body, media_type=media_type)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"", "application/scim+json"),
        (b"", "text/html"),
        (b"OK", "text/plain"),
        (b'{"id": "1"}', "text/html"),
        (b"[]", "application/json"),
        (b'{"id": ', "application/scim+json"),
        (b'{"id": "1", "status": "active"}', "application/json"),
        (b'{"status": 200}', "application/json"),
        (b'{"status": null, "schemas": null}', "application/json"),
        (b"\xff\xfe", ""),
    ],
)
def test_an_answer_that_can_be_a_scim_servers_is_a_success(body, media_type):
    assert is_success(response(body, media_type))


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (PAGE, "text/html"),
        (PAGE, "application/scim+json"),
        (b"\n\t <?xml version='1.0'?>", ""),
        (b"\xef\xbb\xbf<html>", "text/plain"),
        (b"Back soon", "text/html"),
        (ERROR, "application/scim+json"),
        (b'{"schemas": "URN:ietf:params:scim:api:messages:2.0:Error"}', "application/json"),
        (b'{"status": 404}', "text/plain"),
        (b'{"status": "503", "detail": "busy"}', "application/json"),
    ],
)
def test_a_page_or_an_error_is_no_success(body, media_type):
    assert not is_success(response(body, media_type))


def test_absence_is_believed_as_far_as_something_that_is_there_was_found():
    unproven = CollectionEvidence(filter_found=False, list_found=False, id_answered=False)
    assert judge_absence(unproven, asked=True, comparable=True) == "question"
    assert judge_absence(unproven, asked=False, comparable=True) == "unknown"
    assert judge_absence(CollectionEvidence(accepted=True), False, True) == "absent"
    for shown in ("filter_found", "list_found", "id_answered"):
        evidence = CollectionEvidence(**{shown: True})
        assert judge_absence(evidence, asked=False, comparable=True) == "absent"


def renamed(count: int) -> list:
    return users(count, title="changed")


def assert_each_once(server: EgilServer, kept: Kept, count: int) -> None:
    assert held(server) == entries(kept)
    assert len(held(server)) == count


@pytest.mark.parametrize("knobs", SERVERS)
@pytest.mark.parametrize("body", [PAGE, b'{"message": "no route"}', b""], ids=["page", "json", "0"])
def test_a_gateways_404_forgets_and_doubles_nobody(knobs, body):
    with EgilServer(**knobs) as server:
        kept = Kept()
        deliver(server, users(9), kept)
        server.fail(404, times=None, body=body, headers=HTML if body == PAGE else {})
        result = deliver(server, renamed(6), kept)
        assert (result.left, result.complete) == (9, False)
        assert len(held(server)) == 9
        server.clear()
        assert deliver(server, renamed(6), kept).complete
        assert_each_once(server, kept, 6)


@pytest.mark.parametrize("knobs", SERVERS)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_404_to_one_method_only_forgets_and_doubles_nobody(knobs, method):
    with EgilServer(**knobs) as server:
        kept = Kept()
        deliver(server, users(9), kept)
        server.fail(404, times=None, method=method, where=lambda r: r.external_id != "user-000")
        blind = "listing" in knobs
        deliver(server, renamed(9) if method == "PUT" else [], kept)
        if not blind:
            assert len(held(server)) == (9 if method == "PUT" else 8)
        server.clear()
        if not blind:
            assert deliver(server, renamed(9) if method == "PUT" else [], kept).complete
            assert_each_once(server, kept, 9 if method == "PUT" else 0)


@pytest.mark.parametrize("knobs", SERVERS[:3])
def test_a_vendor_that_has_changed_its_ids_keeps_and_loses_the_right_people(knobs):
    with EgilServer(**knobs) as server:
        kept = Kept()
        deliver(server, users(9), kept)
        server.change_ids()
        assert deliver(server, renamed(6), kept).complete
        assert_each_once(server, kept, 6)


@pytest.mark.parametrize("shows", [[], [{"id": "x", "userName": "by hand"}]], ids=["0", "others"])
def test_a_filter_that_knows_no_external_id_proves_nothing_about_changed_ids(shows):
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(9), kept)
        server.change_ids()
        page = json.dumps({"totalResults": len(shows), "Resources": shows}).encode()
        server.fail(200, times=None, where=lambda r: "filter" in r.path, body=page)
        assert deliver(server, renamed(6), kept).complete, "the list tells"
        assert_each_once(server, kept, 6)


def test_a_vendor_without_filter_and_list_that_has_changed_its_ids_is_not_sent_copies():
    with EgilServer(ids="own", listing="none") as server:
        kept = Kept()
        deliver(server, users(9), kept)
        server.change_ids()
        for _ in range(3):
            result = deliver(server, renamed(6), kept)
            assert {f.problem.code for f in result.failures} == {"absence-unproven"}
            assert result.left == 9
        assert len(held(server)) == 9


@pytest.mark.parametrize("knobs", SERVERS[:3])
def test_a_vendor_that_has_lost_everything_is_filled_by_the_second_run(knobs):
    """By then it has said twice that nothing is there."""
    with EgilServer(**knobs) as server:
        kept = Kept()
        deliver(server, users(9), kept)
        server.empty()
        first = deliver(server, renamed(6), kept)
        assert {f.problem.code for f in first.failures} == {"absence-unproven"}
        assert deliver(server, renamed(6), kept).complete
        assert_each_once(server, kept, 6)


@pytest.mark.parametrize("knobs", SERVERS)
def test_what_was_deleted_by_hand_is_settled_in_the_same_run(knobs):
    with EgilServer(**knobs) as server:
        kept = Kept()
        deliver(server, users(9), kept)
        for each in ("user-001", "user-008"):
            server._state._delete("Users", held(server)[each])
        assert deliver(server, renamed(6), kept, profile=vendor(1)).complete
        assert_each_once(server, kept, 6)


@pytest.mark.parametrize("body", [PAGE, ERROR, b'{"status": 404}'], ids=["page", "error", "404"])
@pytest.mark.parametrize("method", [None, "POST", "PUT", "DELETE"])
def test_a_page_that_comes_with_200_is_no_success(body, method):
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(4), kept)
        before = entries(kept)
        server.fail(200, times=None, method=method, body=body)
        wanted = [*renamed(3), resource("new", title="new")]
        result = deliver(server, wanted, kept)
        assert not result.complete
        assert entries(kept).keys() <= before.keys() | {"new"}
        server.clear()
        assert deliver(server, wanted, kept).complete
        assert_each_once(server, kept, 4)


@pytest.mark.parametrize(("ids", "said"), [("own", True), ("ours", False)])
def test_what_cannot_be_known_at_a_vendor_is_said(ids, said):
    with EgilServer(ids=ids, listing="none", refuse_duplicates=ids == "ours") as server:
        kept = Kept()
        server.fail(drop=True, times=None, method="POST", external_id="user-001")
        assert deliver(server, users(3), kept).limitation is None
        server.clear()
        result = deliver(server, users(3), kept)
        assert result.complete
        assert ("filter" in str(result.limitation)) is said


@pytest.mark.parametrize(("ids", "said"), [("own", True), ("ours", False)])
def test_that_a_lost_create_may_stay_at_a_vendor_that_cannot_be_asked_is_said(ids, said):
    with EgilServer(ids=ids, listing="none", refuse_duplicates=ids == "ours") as server:
        kept = Kept()
        server.fail(drop=True, when="after", times=None, method="POST", external_id="user-001")
        deliver(server, users(3), kept)
        server.clear()
        left = [users(3)[0], users(3)[2]]
        result = deliver(server, left, kept)
        assert result.complete
        assert ("filter" in str(result.limitation)) is said
        assert ("user-001" in server.externalIds()) is said


def test_what_cannot_be_known_is_said_of_a_create_that_is_repeated_in_the_run():
    with EgilServer(listing="none", refuse_duplicates=False) as server:
        server.fail(drop=True, method="POST", external_id="user-001")
        kept = Kept()
        result = deliver(server, users(3), kept)
        assert result.complete
        assert "filter" in str(result.limitation)
        server.clear()
        assert deliver(server, users(3), kept, now=NOW + LOOK_AFTER).complete
        assert server.requests == [], "what cannot be asked is not marked"
