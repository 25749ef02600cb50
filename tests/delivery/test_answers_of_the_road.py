"""Single answers that are not the vendor's, among others that are: nothing is lost or doubled."""

import json

import pytest

from tests.delivery.delivering import (
    NOW,
    Kept,
    deliver,
    entries,
    held,
    intent,
    intents,
    resource,
    users,
    vendor,
)
from tests.support.egil_server import EgilServer

PAGE = b"<!DOCTYPE html><html><body>Under maintenance</body></html>"
HTML = {"Content-Type": "text/html; charset=utf-8"}
EMPTY = json.dumps({"totalResults": 0, "Resources": []}).encode()
UNTOLD = {"ids": "own", "answer": "no-id", "location": "none"}
"""A vendor that gives ids of its own and does not tell them."""


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_a_create_that_was_answered_by_a_page_may_have_been_carried_out(status):
    """A firewall that looks at answers hides one from us after its effect."""
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(3), kept)
        server.fail(status, method="POST", body=PAGE, headers=HTML, when="after")
        wanted = [*users(3), resource("new")]
        deliver(server, wanted, kept)
        assert intents(kept) == {"new"}
        server.clear()
        deliver(server, wanted, kept, now=2_000_000_000.0)
        assert sorted(server.externalIds("User")) == ["new", "user-000", "user-001", "user-002"]
        assert entries(kept) == held(server)


@pytest.mark.parametrize("left", [[], ["user-000"]], ids=["PUT", "DELETE"])
def test_the_404_of_an_id_that_the_vendor_never_told_proves_nothing(left):
    """The vendor's filter finds others, and this one not, for once."""
    with EgilServer(**UNTOLD) as server:
        kept = Kept()
        deliver(server, users(3), kept)
        about = {"external_id": None, "where": lambda r: "filter" in r.path and "-000" in r.path}
        server.fail(200, body=EMPTY, **about)
        wanted = [e for e in users(3, title="changed") if e.external_id not in left]
        deliver(server, wanted, kept, profile=vendor(1))
        assert server.externalIds("User").count("user-000") == 1
        assert "user-000" in kept.ledger.entries["User"]
        assert deliver(server, wanted, kept).complete
        assert server.externalIds("User") == [e.external_id for e in wanted]


def test_what_an_untold_vendor_lost_is_settled_by_the_second_run():
    """By then it has said twice that it is not there."""
    with EgilServer(**UNTOLD) as server:
        kept = Kept()
        deliver(server, users(3), kept)
        for each in [i for i, b in server.held("User").items() if b["externalId"] == "user-000"]:
            server._state._delete("Users", each)
        assert not deliver(server, users(3, title="changed"), kept).complete
        assert deliver(server, users(3, title="changed"), kept).complete
        assert server.externalIds("User") == ["user-000", "user-001", "user-002"]


def test_a_leaver_stays_known_at_a_vendor_that_tells_no_ids_and_cannot_be_asked():
    """Its 404 to our id is of an id that it never had, also when it takes new people."""
    with EgilServer(listing="none", refuse_duplicates=False, **UNTOLD) as server:
        kept = Kept()
        deliver(server, users(2), kept)
        result = deliver(server, [users(2)[0], resource("new")], kept)
        assert {f.problem.code for f in result.failures} == {"absence-unproven"}
        assert "user-001" in kept.ledger.entries["User"]


@pytest.mark.parametrize("status", [403, 404, 502])
def test_a_vendor_whose_filter_fails_for_once_is_not_taken_for_one_without(status):
    """It cannot list, so nothing is created again before its filter answers."""
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(3), kept)
        page = {"body": PAGE, "headers": HTML}
        server.fail(500, method="POST", when="after", times=1)
        server.fail(status, where=lambda r: "filter" in r.path, times=None, **page)
        server.fail(501, where=lambda r: r.method == "GET" and "filter" not in r.path, times=None)
        wanted = [*users(3), resource("new")]
        assert not deliver(server, wanted, kept).complete
        assert intents(kept) == {"new"}
        server.clear()
        assert deliver(server, wanted, kept).complete
        assert server.externalIds("User").count("new") == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_list_that_is_refused_after_it_was_answered_is_trouble(status):
    with EgilServer(ids="own", filter="refused") as server:
        kept = Kept()
        deliver(server, users(3), kept)
        listed = {"where": lambda r: r.method == "GET" and "filter" not in r.path}
        server.fail(500, method="POST", when="after", times=None)
        server.fail(status, skip=1, times=None, **listed)
        wanted = [*users(3), resource("new-1"), resource("new-2")]
        deliver(server, wanted, kept, profile=vendor(1))
        server.clear()
        assert deliver(server, wanted, kept).complete
        assert sorted(server.externalIds("User"))[:2] == ["new-1", "new-2"]
        assert len(server.externalIds("User")) == 5


@pytest.mark.parametrize("status", [403, 404, 405])
def test_who_is_back_after_a_removal_that_was_answered_by_a_page_is_sent_again(status):
    """The removal was carried out; its answer was hidden on the way back."""
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(3), kept)
        server.fail(status, method="DELETE", body=PAGE, headers=HTML, when="after")
        server.fail(502, method="GET", times=None)
        assert not deliver(server, users(2), kept, profile=vendor(1)).complete
        server.clear()
        deliver(server, users(3), kept)
        assert entries(kept) == held(server)
        assert server.externalIds("User") == ["user-000", "user-001", "user-002"]


@pytest.mark.parametrize("listing", ["paged", "none"])
@pytest.mark.parametrize("asked", [404, 500, 501, 502])
@pytest.mark.parametrize("status", [404, 410])
def test_a_change_that_was_answered_by_a_page_is_sent_again_also_when_it_is_undone(
    status, asked, listing
):
    """The change was carried out; its answer was hidden on the way back, and so was what it has."""
    with EgilServer(ids="ours", listing=listing) as server:
        kept = Kept()
        deliver(server, users(2), kept)
        page = {"body": PAGE, "headers": HTML, "times": None}
        server.fail(status, method="PUT", external_id="user-001", when="after", **page)
        server.fail(asked, method="GET", **page)
        assert not deliver(server, users(2, title="changed"), kept, profile=vendor(1)).complete
        server.clear()
        deliver(server, users(2), kept)
        assert entries(kept) == held(server)
        assert server.held("User")["user-001"] == json.loads(users(2)[1].body or b"")


def test_the_only_one_of_its_type_is_created_again_by_the_second_run_at_a_vendor_with_our_ids():
    """Nothing can be asked and nothing compared; a vendor with our ids refuses what it has."""
    with EgilServer(ids="ours", listing="none") as server:
        kept = Kept()
        deliver(server, users(1), kept)
        server.empty()
        assert not deliver(server, users(1, title="changed"), kept).complete
        assert deliver(server, users(1, title="changed"), kept).complete
        assert server.externalIds("User") == ["user-000"]


@pytest.mark.parametrize("status", [403, 404])
def test_a_copy_that_was_made_while_the_vendor_refused_to_be_asked_is_found_a_run_later(status):
    with EgilServer(ids="own", filter="refused") as server:
        kept = Kept()
        deliver(server, users(2), kept)
        server.fail(500, method="POST", when="after", times=1)
        server.fail(status, method="GET", times=None)
        wanted = [*users(2), resource("new")]
        result = deliver(server, wanted, kept)
        assert "filter" in str(result.limitation)
        server.clear()
        deliver(server, wanted, kept, now=NOW + 3600)
        assert sorted(server.externalIds("User")) == ["new", "user-000", "user-001"]
        assert entries(kept) == held(server)


def test_a_list_is_read_before_deletes_make_it_skip_some():
    """Its pages are by number: after a delete, the next page begins further on."""
    with EgilServer(ids="own", filter="ignored", page_limit=3) as server:
        kept = Kept()
        deliver(server, users(12), kept)
        server.put("User", {"externalId": "user-005", "userName": "copy"})
        kept.ledger.apply([intent("user-005")])
        server.clear()
        assert deliver(server, [], kept).complete
        assert server.externalIds("User") == []
        methods = [request.method for request in server.requests]
        assert "GET" not in methods[methods.index("DELETE") :]


def test_what_was_there_and_is_refused_when_it_is_created_again_is_asked_about():
    """The 404 and the filter were wrong, and the person leaves before the next run."""
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(3), kept)
        lies = {"where": lambda r: "filter" in r.path and "-000" in r.path}
        server.fail(404, method="PUT", external_id="user-000", times=None)
        server.fail(200, body=EMPTY, times=None, **lies)
        server.fail(400, method="POST", times=None)
        assert not deliver(server, users(3, title="changed"), kept).complete
        assert intents(kept) == {"user-000"}
        server.clear()
        assert deliver(server, users(3, title="changed")[1:], kept).complete
        assert server.externalIds("User") == ["user-001", "user-002"]


@pytest.mark.parametrize("listing", ["paged", "none"])
@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_says_that_one_is_gone_is_not_the_vendors_word(listing, status):
    """Other ids answer, but the page does not come from where they are."""
    with EgilServer(ids="ours", listing=listing) as server:
        kept = Kept()
        deliver(server, users(4), kept)
        page = {"body": PAGE, "headers": HTML}
        server.fail(status, method="DELETE", external_id="user-003", times=None, **page)
        shown = {"where": lambda r: r.method == "GET" and r.path.startswith("/Users?")}
        server.fail(200 if listing == "paged" else 501, body=EMPTY, times=None, **shown)
        assert not deliver(server, users(2, title="changed"), kept, profile=vendor(1)).complete
        assert "user-003" in kept.ledger.entries["User"]
        server.clear()
        assert deliver(server, users(2, title="changed"), kept).complete
        assert server.externalIds("User") == ["user-000", "user-001"]


def test_creates_that_a_firewall_answered_before_the_key_seemed_refused_may_have_been_carried_out():
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(1), kept)
        more = [resource(f"new-{n:02}") for n in range(30)]
        server.fail(403, method="POST", body=PAGE, headers=HTML, when="after", times=None)
        result = deliver(server, [*users(1), *more], kept, profile=vendor(1))
        assert result.problem is not None
        assert result.problem.code == "key-refused"
        there = server.externalIds("User")
        assert set(there) <= intents(kept) | {"user-000"}
        server.clear()
        assert deliver(server, [*users(1), *more], kept, now=NOW + 90_000).complete
        assert server.externalIds("User") == sorted({"user-000", *(m.external_id for m in more)})


@pytest.mark.parametrize("ids", ["ours", "own"])
@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_404_is_not_believed_while_a_vendor_that_may_be_asked_later_refuses_it(status, ids):
    """Others answer, but whether this one is there was not said; the next run asks again."""
    with EgilServer(ids=ids) as server:
        kept = Kept()
        deliver(server, users(4), kept)
        server.fail(404, method="DELETE", external_id="user-003", times=None)
        lists = {"where": lambda r: r.method == "GET" and r.path.partition("?")[0] == "/Users"}
        server.fail(status, times=None, **lists)
        assert not deliver(server, users(3, title="changed"), kept).complete
        assert "user-003" in kept.ledger.entries["User"]
        server.clear()
        assert deliver(server, users(3, title="changed"), kept).complete
        assert server.externalIds("User") == ["user-000", "user-001", "user-002"]


def test_a_404_is_believed_in_the_second_run_at_a_vendor_that_never_lets_itself_be_asked():
    with EgilServer(ids="own") as server:
        kept = Kept()
        deliver(server, users(4), kept)
        server.fail(404, method="DELETE", external_id="user-003", times=None)
        lists = {"where": lambda r: r.method == "GET" and r.path.partition("?")[0] == "/Users"}
        server.fail(404, times=None, **lists)
        assert not deliver(server, users(3, title="changed"), kept).complete
        assert deliver(server, users(3, title="again"), kept).complete
        assert "user-003" not in kept.ledger.entries["User"]
