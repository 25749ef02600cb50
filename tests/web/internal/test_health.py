"""Alive, and able to work."""

import threading
from pathlib import Path
from typing import Any

import pytest

from addon import create_app
from addon.settings import Settings, SqliteAddress
from addon.store.base import StoreError
from addon.web.internal import health


class Broken:
    """A store that fails in its own way, and counts how often it is asked."""

    def __init__(self, trouble: Exception | None) -> None:
        self.asked = 0
        self._trouble = trouble

    def tenant(self, customer_id: str) -> None:
        self.asked += 1
        if self._trouble is not None:
            raise self._trouble


def app(folder: Path, store: Any = None) -> Any:
    return create_app(Settings(SqliteAddress(folder / "x.db"), {}), store=store).test_client()


def test_it_is_alive_without_a_store(tmp_path: Path) -> None:
    answer = app(tmp_path).get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert list(tmp_path.iterdir()) == []


def test_it_is_ready_when_the_store_answers(tmp_path: Path) -> None:
    answer = app(tmp_path).get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "store": "ok"})


@pytest.mark.parametrize("trouble", [StoreError("/secret/path is full"), RuntimeError("secret")])
def test_it_is_not_when_it_does_not_and_says_no_more(tmp_path: Path, trouble: Exception) -> None:
    client = app(tmp_path, Broken(trouble))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"status": "unavailable", "store": "unavailable"}
    assert client.get("/healthz").status_code == 200


def test_a_store_that_cannot_be_opened_is_not_reached(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is no database, and long enough to be seen as none" * 20)
    assert app(tmp_path).get("/readyz").status_code == 503


def test_a_store_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ANSWERS_WITHIN", 0.05)
    hanging, calls = threading.Event(), []

    class Hanging:
        def tenant(self, customer_id: str) -> None:
            calls.append(1)
            hanging.wait(60)

    client = app(tmp_path, Hanging())
    assert [client.get("/readyz").status_code for _ in range(3)] == [503] * 3
    assert calls == [1]
    hanging.set()


def test_who_asks_often_costs_one_read(tmp_path: Path) -> None:
    store = Broken(None)
    client = app(tmp_path, store)
    assert {client.get("/readyz").status_code for _ in range(20)} == {200}
    assert store.asked == 1
