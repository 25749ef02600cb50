"""What Google's notices cost and cause, and that nobody else's do anything."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from addon import create_app
from addon.directory.push_state import MOST_USERS, ChangeMark
from addon.store.base import StoreError
from addon.web.internal import push
from tests.support.push_world import PushWorld, push_world
from tests.support.small_school import TENANT, address


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PushWorld]:
    with push_world(tmp_path) as world:
        world.keep_channels()
        world.answers.clear()
        yield world


def headers(world: PushWorld, kind: str = "update", **changes: str) -> dict[str, str]:
    channel = next(channel for channel in world.push.channels if channel.kind == kind)
    return {
        "X-Goog-Channel-ID": channel.id,
        "X-Goog-Channel-Token": channel.token,
        "X-Goog-Resource-ID": channel.resource,
        "X-Goog-Resource-State": kind,
        "X-Goog-Message-Number": "2",
    } | changes


class Untouched:
    """A store, or a queue, that may not be used."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was used")


def test_a_notice_marks_the_account_and_nothing_else_of_it(world, caplog):
    caplog.set_level(logging.DEBUG)
    world.domain.rename_user(address("Bo", "Ek"), "Bo", "Ekman")
    world.delivery.send_due()
    assert world.answers == [200]
    user = world.domain.find_user(address("Bo", "Ek"))["id"]
    assert world.state.marked == ChangeMark(frozenset({user}), last=world.clock())
    (task,) = world.queue.waiting
    assert task.payload == {"tenant": TENANT}
    assert 0 < task.due - world.clock() <= 10
    kept = b"".join(path.read_bytes() for path in world._folder.glob("*.db*"))
    assert b"update" in kept
    with_names = str(world.state) + str(world.queue.waiting) + caplog.text
    assert "Ek" not in with_names
    assert address("Bo", "Ek") not in with_names


def test_an_account_that_is_marked_already_is_not_written_again(world):
    world.post(headers(world), {"id": "17"})
    before = world.store.cost()
    assert world.post(headers(world), {"id": "17"}).status_code == 200
    reads, writes = (after - known for after, known in zip(world.store.cost(), before, strict=True))
    assert (reads, writes) == (1, 0)
    assert len(world.queue.waiting) == 1


def test_a_new_account_costs_one_write(world):
    world.post(headers(world), {"id": "17"})
    before = world.store.cost()[1]
    world.post(headers(world), {"id": "18"})
    assert world.store.cost()[1] == before + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"X-Goog-Channel-Token": ""},
        {"X-Goog-Channel-Token": "x"},
        {"X-Goog-Channel-Token": f"{TENANT}.{'0' * 64}"},
        {"X-Goog-Channel-ID": "another"},
        {"X-Goog-Channel-ID": ""},
    ],
)
def test_a_wrong_token_or_channel_costs_nothing(world, changes):
    given = headers(world, **changes)
    app = create_app(
        world.settings,
        store=Untouched(),  # type: ignore[arg-type]
        queue=Untouched(),  # type: ignore[arg-type]
        clock=world.clock,
    )
    answer = app.test_client().post("/push/google", headers=given, json={"id": "17"})
    assert (answer.status_code, answer.json) == (404, {"error": "Not Found"})


def test_every_refusal_is_alike(world, tmp_path):
    kept = headers(world)
    answers = [world.post({}, {}), world.post(headers(world, **{"X-Goog-Channel-Token": "x"}))]
    for connection in world.document["connections"]:
        connection["mode"] = "off"
    world.save_document()
    world.keep_channels()
    answers.append(world.post(kept, {"id": "1"}))  # it was stopped
    world.store.delete_tenant(TENANT, world.clock())
    answers.append(world.post(kept, {"id": "1"}))
    (tmp_path / "off").mkdir()
    with push_world(tmp_path / "off", SKOLSYNK_PUSH="off") as off:
        answers.append(off.post(kept, {"id": "1"}))
    assert {(a.status_code, a.data, str(sorted(a.headers))) for a in answers} == {
        (404, answers[0].data, str(sorted(answers[0].headers)))
    }


def test_a_channel_that_has_ended_is_none(world):
    kept = headers(world)
    assert world.post(kept, {"id": "1"}).status_code == 200
    world.clock.advance(2 * 86_400 + 1)
    assert world.post(kept, {"id": "1"}).status_code == 404


def test_what_cannot_be_read_of_a_notice_has_everything_read(world):
    odd: list[tuple[str | bytes, str]] = [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (json.dumps({"id": address("Bo", "Ek")}), "application/json"),
        (json.dumps({"id": 17}), "application/json"),
        (b'{"id": "17", "x": "' + b"x" * push.LARGEST + b'"}', "application/json"),
    ]
    for body, kind in odd:
        world.store.update_push_state(TENANT, lambda known: known.reading_begins("r", 1.0))
        world.store.update_push_state(TENANT, lambda known: known.reading_done("r"))
        client = world.app.test_client()
        answer = client.post("/push/google", headers=headers(world), data=body, content_type=kind)
        assert answer.status_code == 200
        assert world.state.marked == ChangeMark(whole=True, last=world.clock()), body[:20]


def test_beyond_two_hundred_accounts_everything_is_read(world):
    for number in range(MOST_USERS):
        world.post(headers(world), {"id": str(number)})
    assert len(world.state.marked.users) == MOST_USERS
    world.post(headers(world), {"id": "more"})
    assert world.state.marked == ChangeMark(whole=True, last=world.clock())
    before = world.store.cost()[1]
    for number in range(50):
        world.post(headers(world), {"id": f"m{number}"})
    assert world.store.cost()[1] == before


def test_a_thousand_notices_at_once_are_all_taken_and_one_task(world):
    given = headers(world)
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda n: world.post(given, {"id": str(n)}).status_code, range(1000))
        )
    assert set(answers) == {200}
    assert world.state.marked.whole
    assert len(world.queue.waiting) == 1


def test_a_store_or_queue_that_fails_has_google_send_it_again(world, monkeypatch):
    def failing(*_: object) -> None:
        raise StoreError("full")

    monkeypatch.setattr(type(world.store), "update_push_state", failing)
    assert world.post(headers(world), {"id": "17"}).status_code == 503


def test_nobody_needs_to_have_signed_in_or_have_a_csrf_token(world):
    assert world.post(headers(world), {"id": "17"}).status_code == 200
    assert world.app.test_client().get("/push/google").status_code in (404, 405)
    assert "Set-Cookie" not in world.post(headers(world), {"id": "17"}).headers
