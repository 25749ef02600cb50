"""One resource's trouble, or one type's, is not the vendor's."""

import json

import pytest

from addon.delivery.answer_evidence import KeyEvidence
from tests.delivery.delivering import (
    NOW,
    Kept,
    deliver,
    entries,
    held,
    intents,
    resource,
    sent,
    users,
    vendor,
)
from tests.support.egil_server import EgilServer

DAY = 24 * 3600.0
CLASSES = [resource(f"class-{n}", "StudentGroup") for n in range(3)]
UNITS = [resource("unit", "Organisation"), resource("school", "SchoolUnit")]


def failing(count: int):
    """Those of the first people whose number is less than `count`."""
    names = {f"user-{n:03}" for n in range(count)}
    return lambda request: request.external_id in names


def test_a_403_to_one_resource_is_that_resources():
    with EgilServer(ids="own") as server:
        kept = Kept()
        server.fail(403, times=None, external_id="user-000")
        result = deliver(server, users(9), kept, profile=vendor(1))
        assert [(f.external_id, f.http_status, f.refused) for f in result.failures] == [
            ("user-000", 403, True)
        ]
        assert (result.stopped, len(held(server))) == (None, 8)
        requests = len(server.requests)
        deliver(server, users(9), kept, now=NOW + 3600)
        assert len(server.requests) == requests, "it rests"
        server.clear()
        assert deliver(server, users(9), kept, now=NOW + DAY).complete
        assert held(server) == entries(kept)


def test_a_403_to_the_only_change_is_that_resources():
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(9), kept)
        server.fail(403, times=None, method="PUT")
        result = deliver(server, [*users(8), resource("user-008", title="new")], kept)
        assert (result.stopped, [f.refused for f in result.failures]) == (None, [True])


@pytest.mark.parametrize("endpoint", ["Organisations", "Users", "StudentGroups"])
def test_a_403_to_one_type_keeps_no_other_away(endpoint):
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, [resource("leaver"), resource("old", "Activity")], kept)
        server.fail(403, times=None, endpoint=endpoint, method="POST")
        wanted = [*UNITS, *users(9), *CLASSES]
        result = deliver(server, wanted, kept)
        assert result.stopped is None
        assert {f.http_status for f in result.failures} == {403}
        assert result.operations["delete"] == {"User": 1, "Activity": 1}
        server.clear()
        assert deliver(server, wanted, kept, now=NOW + DAY).complete
        assert len(server.externalIds()) == len(wanted)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_403_to_everything_ends_the_connection_with_one_message(concurrency):
    with EgilServer(ids="own") as server:
        kept = Kept()
        server.fail(403, times=None)
        wanted = [*UNITS, *users(50), *CLASSES]
        result = deliver(server, wanted, kept, profile=vendor(concurrency))
        assert (result.status, result.left) == (403, len(wanted))
        assert [(f.http_status, f.refused) for f in result.failures] == [(403, False)]
        assert "does not accept our key (403)" in str(result.stopped)
        assert len(server.requests) <= 2 + 2 * concurrency
        server.clear()
        assert deliver(server, wanted, kept).complete, "nothing rests"


def test_a_403_to_everything_of_one_type_ends_soon():
    with EgilServer(ids="own") as server:
        server.fail(403, times=None)
        result = deliver(server, users(300), Kept())
        assert (result.status, result.left, len(result.failures)) == (403, 300, 1)
        assert len(server.requests) < 30


def test_what_was_refused_for_its_content_shows_that_the_key_is_accepted():
    evidence = KeyEvidence()
    for n in range(99):
        evidence.add("User", str(n), 403)
    assert evidence.is_refused
    evidence.add("User", "one", 422)
    assert not evidence.is_refused
    assert not evidence.is_in_doubt


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("status", [500, 502, 504])
def test_lasting_errors_on_some_people_keep_nobody_else_away(status, concurrency):
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, [resource("leaver"), resource("old", "Activity")], kept)
        server.fail(status, times=None, method="POST", where=failing(10))
        wanted = [*users(40), *CLASSES]
        for run in range(2):
            result = deliver(server, wanted, kept, profile=vendor(concurrency))
            assert run or result.stopped is None
            assert set(server.externalIds("StudentGroup")) == {"class-0", "class-1", "class-2"}
            assert server.externalIds("Activity") == []
            assert "leaver" not in held(server)
        assert len(held(server)) == 30, "those who fail go last in the second run"
        server.clear()
        assert deliver(server, wanted, kept, now=NOW + DAY).complete
        assert held(server) == entries(kept)
        assert len(held(server)) == 40


def test_what_meets_errors_in_three_runs_rests_for_a_day():
    with EgilServer(ids="own") as server:
        kept = Kept()
        server.fail(500, times=None, method="POST", external_id="user-000")
        asked = []
        for hour in range(5):
            before = len(server.requests)
            result = deliver(server, users(5), kept, now=NOW + hour * 3600)
            asked.append(len(server.requests) - before)
            assert len(result.failures) == (1 if hour < 3 else 0)
        assert asked[3:] == [0, 0]
        server.clear()
        assert deliver(server, users(5), kept, now=NOW + DAY + 3 * 3600).complete
        assert held(server) == entries(kept)
        assert intents(kept) == set()


def test_another_content_is_tried_at_once():
    with EgilServer(ids="own") as server:
        kept = Kept()
        server.fail(500, times=None, method="POST", external_id="user-000")
        for hour in range(4):
            deliver(server, users(2), kept, now=NOW + hour * 3600)
        server.clear()
        assert deliver(server, users(2, title="new"), kept, now=NOW + 5 * 3600).complete
        assert len(held(server)) == 2


def test_removals_do_not_hang_on_creates():
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(9), kept)
        server.fail(500, times=None, method="POST", body=json.dumps({"detail": "full"}).encode())
        result = deliver(server, [*users(3), *(resource(f"new-{n}") for n in range(30))], kept)
        assert result.operations["delete"] == {"User": 6}
        assert len(held(server)) == 3
        assert ("POST", "/Users", 500) in sent(server)


def test_one_that_never_gets_an_answer_is_not_the_vendor():
    with EgilServer(ids="own") as server:
        kept = Kept()
        server.fail(drop=True, times=None, method="POST", external_id="user-001")
        result = deliver(server, [*users(9), *CLASSES], kept, profile=vendor(1))
        assert (result.stopped, result.left, len(held(server))) == (None, 1, 8)
