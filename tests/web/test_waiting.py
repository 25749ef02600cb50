"""How many requests wait for others at once, and what the others are told."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from addon.bounded_http import PAGE_SECONDS, seconds_left
from addon.web.views import person
from addon.web.waiting import MOST, MOST_OF_ONE, TooManyWaitingError, WaitingRequests
from tests.support.small_school import PUPILS, set_live, user_id


def test_a_tenant_has_so_many_places_and_others_have_theirs():
    waiting = WaitingRequests()

    def in_thread(tenant: str) -> bool:
        """Whether another request of the tenant gets a place."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(gets_place, waiting, tenant).result()

    with ExitStack() as places:
        hold_places(waiting, "one", MOST_OF_ONE, places)
        assert not in_thread("one")
        assert in_thread("other")
        hold_places(waiting, "other", MOST_OF_ONE, places)
        hold_places(waiting, "third", MOST - 2 * MOST_OF_ONE, places)
        assert not in_thread("fourth")
    assert in_thread("one")
    assert in_thread("fourth")


def gets_place(waiting: WaitingRequests, tenant: str) -> bool:
    try:
        with waiting.place_for(tenant):
            return True
    except TooManyWaitingError:
        return False


def hold_places(waiting: WaitingRequests, tenant: str, count: int, until: ExitStack) -> None:
    """Have so many requests, each in a thread of its own, wait until `until` ends."""
    release = threading.Event()
    held = threading.Barrier(count + 1)

    def hold() -> None:
        with waiting.place_for(tenant):
            held.wait(10)
            release.wait(10)

    threads = [threading.Thread(target=hold) for _ in range(count)]
    for thread in threads:
        thread.start()
    held.wait(10)
    until.callback(lambda: [thread.join() for thread in threads])
    until.callback(release.set)


def test_a_request_needs_one_place_and_has_a_pages_time_in_it():
    waiting = WaitingRequests()
    with ExitStack() as places:
        hold_places(waiting, "one", MOST_OF_ONE - 1, places)
        with waiting.place_for("one"), waiting.place_for("one"):
            assert seconds_left(100) <= PAGE_SECONDS
        assert seconds_left(100) == 100


@pytest.mark.parametrize("part", [False, True])
def test_of_forty_who_ask_a_vendor_that_hangs_most_are_told_to_come_again(
    world, client, monkeypatch: pytest.MonkeyPatch, part: bool
):
    set_live(world, "all")
    path = f"/personer/{user_id(world, *PUPILS['7A'][0])}/hos/all"
    assert world.ready(client, path).status_code == 200
    waiting, hang = threading.Semaphore(0), threading.Event()

    def lookup(*_: object) -> list[object]:
        waiting.release()
        hang.wait(20)
        return []

    monkeypatch.setattr(person, "lookup_person", lookup)
    headers = {"HX-Request": "true"} if part else {}
    cookie = client.get_cookie("skolsynk").value

    def ask():
        mine = world.app.test_client()
        mine.set_cookie("skolsynk", cookie)
        return mine.get(path, headers=headers)

    with ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(ask) for _ in range(MOST_OF_ONE)]
        for _ in asked:
            assert waiting.acquire(timeout=20)
        told = [pool.submit(ask) for _ in range(40 - MOST_OF_ONE)]
        answers = [each.result(20) for each in told]
        assert world.app.test_client().get("/healthz").status_code == 200
        hang.set()
        assert [each.result(20).status_code for each in asked] == [200] * MOST_OF_ONE
    assert {answer.status_code for answer in answers} == {200 if part else 503}
    assert all("Många frågor väntar redan" in answer.text for answer in answers)
    assert all(int(answer.headers["Retry-After"]) for answer in answers)
