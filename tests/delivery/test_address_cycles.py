"""People who have exchanged their addresses get them, at a vendor where each may be there once."""

import copy
import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.delivery.address_cycles import MOST_PEOPLE, find_cycles
from addon.planning.ledger import UNCERTAIN
from tests.delivery.delivering import NOW, Kept, deliver, held, resource, sent, vendor
from tests.support.egil_server import EgilServer

DAY = 24 * 3600.0


def person(external_id: str, address: str):
    return resource(external_id, userName=address, emails=[{"value": address, "type": "work"}])


def people(*addresses: str):
    return [person(f"p{number}", address) for number, address in enumerate(addresses)]


def addresses(server: EgilServer) -> dict[str, str]:
    """The vendor's addresses by externalId; `emails` says the same."""
    found = server.held("User").values()
    assert all(user["emails"][0]["value"] == user["userName"] for user in found)
    return {user["externalId"]: user["userName"] for user in found}


def ring(count: int) -> tuple[list, list]:
    """People before and after each got the address of the next."""
    names = [f"{letter}@edu.se" for letter in "abcdefgh"[:count]]
    return people(*names), people(*names[1:], names[0])


def wanted_of(resources: Sequence) -> dict[str, str]:
    return {each.external_id: json.loads(each.body)["userName"] for each in resources}


# Who is in a ring

NAMES = [f"{letter}@edu.se" for letter in "abcdefg"]


@given(
    st.dictionaries(st.sampled_from("1234567"), st.sampled_from(NAMES)),
    st.dictionaries(st.sampled_from("1234567"), st.sampled_from(NAMES)),
)
def test_everybody_in_a_ring_wants_what_the_next_alone_has_and_nobody_is_in_two(wanted, current):
    cycles = find_cycles(wanted, {who: name.upper() for who, name in current.items()})
    members = [who for cycle in cycles for who in cycle]
    assert len(set(members)) == len(members)
    for cycle in cycles:
        assert len(cycle) > 1
        for who, following in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert [p for p, name in current.items() if name == wanted[who]] == [following]
            assert [p for p, name in wanted.items() if name == wanted[who]] == [who]


@given(st.permutations(range(7)))
def test_of_any_exchange_each_who_changes_is_in_one_ring(order):
    current = {str(number): NAMES[number] for number in range(7)}
    wanted = {str(number): NAMES[order[number]] for number in range(7)}
    members = sorted(who for cycle in find_cycles(wanted, current) for who in cycle)
    assert members == [str(n) for n in range(7) if order[n] != n]


# At the vendor


@pytest.mark.parametrize("ids", ["own", "ours"])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_people_who_exchanged_addresses_have_them_after_one_run(count, ids):
    before, after = ring(count)
    with EgilServer(ids=ids, unique_user_names=True) as server:
        kept = Kept()
        deliver(server, before, kept)
        known = held(server)
        result = deliver(server, after, kept)
        assert result.complete
        assert result.operations == {"create": {}, "update": {"User": count}, "delete": {}}
        assert addresses(server) == wanted_of(after)
        assert held(server) == known
        server.clear()
        deliver(server, after, kept)
        assert sent(server) == []


def test_the_address_in_between_is_of_the_externalId_in_the_own_domain():
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        deliver(server, people("A@edu.se", "b@edu.se"), kept)
        server.clear()
        deliver(server, people("b@edu.se", "a@edu.se"), kept)
        names = [r.body["userName"] for r in server.writes if r.status == 200]
        assert names == ["p0@edu.se", "a@edu.se", "b@edu.se"]


def test_two_rings_and_a_chain_are_settled_in_one_run():
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        names = [f"{letter}@edu.se" for letter in "abcdefgh"]
        deliver(server, people(*names), kept)
        after = people(*[f"{letter}@edu.se" for letter in "badcfghx"])
        assert deliver(server, after, kept, profile=vendor(1)).complete
        assert addresses(server) == wanted_of(after)


def test_a_chain_of_addresses_passed_on_needs_no_address_in_between():
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        deliver(server, people(*[f"{letter}@edu.se" for letter in "abcdef"]), kept)
        server.clear()
        after = people(*[f"{letter}@edu.se" for letter in "bcdefx"])
        assert deliver(server, after, kept, profile=vendor(1)).complete
        assert addresses(server) == wanted_of(after)
        assert {r.body["userName"] for r in server.writes} == set(wanted_of(after).values())


def test_an_address_of_an_account_that_is_not_ours_is_a_conflict_as_before():
    """Neither the account made by hand nor those who want its address are changed."""
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        deliver(server, people("a@edu.se", "b@edu.se"), kept)
        server.put("User", {"userName": "c@edu.se"})
        server.put("User", {"userName": "d@edu.se", "externalId": "another"})
        before = server.held("User")
        for _ in range(2):
            result = deliver(server, people("c@edu.se", "d@edu.se"), kept)
            assert [f.http_status for f in result.failures] == [409, 409]
            assert server.held("User") == before


def test_what_the_vendor_says_of_somebody_else_is_no_address_of_ours():
    with EgilServer(unique_user_names=True) as server:
        before, after = ring(2)
        kept = Kept()
        deliver(server, before, kept)
        other = json.dumps({"externalId": "other", "userName": "b@edu.se"}).encode()
        server.fail(200, method="GET", external_id="p1", times=None, body=other)
        assert len(deliver(server, after, kept).failures) == 2
        assert addresses(server) == wanted_of(before)


def test_beyond_so_many_conflicts_nobody_is_asked_about():
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        names = [f"{number}@edu.se" for number in range(MOST_PEOPLE + 1)]
        deliver(server, people(*names), kept)
        server.clear()
        result = deliver(server, people(*names[1:], names[0]), kept)
        assert len(result.failures) == MOST_PEOPLE + 1
        assert {r.method for r in server.requests} == {"PUT"}


def test_a_vendor_that_gives_nobody_by_id_is_asked_twice_and_no_more():
    with EgilServer(unique_user_names=True) as server:
        before, after = ring(8)
        kept = Kept()
        deliver(server, before, kept)
        server.clear()
        server.fail(500, method="GET", times=None)
        result = deliver(server, after, kept)
        assert len(result.failures) == 8
        assert len({r.path for r in server.requests if r.method == "GET"}) == 2
        assert addresses(server) == wanted_of(before)


# What goes wrong on the way


def steps_of(server: EgilServer, count: int):
    """Whether a request is a step of an exchange: a PUT after each has been refused once."""
    seen = 0

    def is_step(number: int):
        def where(incoming) -> bool:
            nonlocal seen
            if incoming.method != "PUT":
                return False
            seen += 1
            return seen == count + number

        return where

    return is_step


@pytest.mark.parametrize("status", [400, 403, 409])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_refused_step_leaves_everybody_the_address_that_they_had(number, status):
    before, after = ring(3)
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        deliver(server, before, kept)
        server.fail(status, where=steps_of(server, 3)(number), times=1)
        result = deliver(server, after, kept)
        assert sorted(f.external_id for f in result.failures) == ["p0", "p1", "p2"]
        assert not any(result.operations.values())
        assert addresses(server) == wanted_of(before)
        assert deliver(server, after, kept, now=NOW + DAY + 1).complete
        assert addresses(server) == wanted_of(after)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_step_without_an_answer_is_put_right_by_the_next_run(number, when):
    before, after = ring(3)
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        deliver(server, before, kept)
        server.clear()
        is_step = steps_of(server, 3)
        server.fail(where=is_step(number), times=None, drop=True, when=when)
        server.fail(where=lambda r: bool(server.writes[6:]), times=None, drop=True)
        deliver(server, after, kept)
        server.clear()
        assert deliver(server, after, kept).complete
        assert addresses(server) == wanted_of(after)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_kill_at_any_request_leaves_a_ledger_from_which_the_next_run_gets_there(count):
    before, after = ring(count)
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        deliver(server, before, kept)
        moments = []

        def look(incoming) -> None:
            moments.append((kept.read(), copy.deepcopy(server._state)))

        server.faults = look
        deliver(server, after, kept)
        server.faults = []
        with_effect = [(one[0], other[1]) for one, other in pairwise(moments)]
        assert len(moments) >= 3 * count
        for ledger, state in [*moments, *with_effect]:
            left = Kept()
            left.ledger, server._state = copy.deepcopy(ledger), copy.deepcopy(state)
            assert deliver(server, after, left).complete
            assert addresses(server) == wanted_of(after)
            server.clear()
            deliver(server, after, left)
            assert sent(server) == []


def test_an_exchange_is_in_the_ledger_before_its_first_request():
    before, after = ring(2)
    with EgilServer(unique_user_names=True) as server:
        kept = Kept()
        deliver(server, before, kept)
        seen = []

        def look(incoming) -> None:
            if incoming.method == "PUT":
                seen.append({entry.content for entry in kept.ledger.entries["User"].values()})

        server.faults = look
        deliver(server, after, kept)
        assert seen[-3:] == [{UNCERTAIN}] * 3
