"""The secret that sessions are signed with, and where no session is."""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from flask import Flask
from flask.testing import FlaskClient

from addon import create_app
from addon.settings import Settings, SqliteAddress, WebSettings
from addon.store.base import StoreError
from addon.store.records import Namespace
from addon.store.sqlite.store import SQLiteStore
from addon.vendors.profiles import NotConfigured
from addon.web.security.signing_keys import SigningKeys
from tests.support.page_content import form_of
from tests.support.small_school import small_school_pages

NOW = 1_700_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "x.db")
    yield store
    store.close()


def settings(folder: Path, given: str | None = None) -> Settings:
    return Settings(SqliteAddress(folder / "x.db"), {}, web=WebSettings(session_secret=given))


def keys(settings: Settings, store: SQLiteStore) -> tuple[str, ...]:
    return SigningKeys(settings, lambda: store, lambda: NOW)()


def test_the_secret_is_made_once_and_long(tmp_path: Path, store: SQLiteStore) -> None:
    made = [keys(settings(tmp_path), store) for _ in range(2)]
    assert made[0] == made[1]
    assert len(made[0][0]) == 64


def test_two_processes_that_begin_at_once_have_the_same_secret(
    tmp_path: Path, store: SQLiteStore
) -> None:
    real = type(store).get
    seen = []

    def first_nothing(self: SQLiteStore, namespace: Namespace, name: str, now: float) -> object:
        seen.append(name)
        return None if len(seen) <= 1 else real(self, namespace, name, now)

    store.put_if_absent(Namespace("session"), "secret", b"of the other process", NOW)
    with mock.patch.object(type(store), "get", first_nothing):
        assert keys(settings(tmp_path), store) == ("of the other process",)


def test_a_secret_that_is_set_is_used_and_nothing_is_kept(
    tmp_path: Path, store: SQLiteStore
) -> None:
    assert keys(settings(tmp_path, "s" * 40), store) == ("s" * 40,)
    assert store.get(Namespace("session"), "secret", NOW) is None


def test_the_secret_may_be_in_secret_manager(tmp_path: Path, store: SQLiteStore) -> None:
    name = "projects/p/secrets/s/versions/1"
    held = {name: "k\nearlier"}
    with mock.patch(
        "addon.web.security.signing_keys.secret_manager",
        return_value=held.__getitem__,
    ):
        assert keys(settings(tmp_path, f"secretmanager:{name}"), store) == ("k", "earlier")


@pytest.mark.parametrize("trouble", [NotConfigured("no such secret"), StoreError("away")])
def test_without_a_secret_nobody_gets_a_page_and_programs_are_answered(
    tmp_path: Path, trouble: Exception
) -> None:
    with mock.patch.object(SigningKeys, "__call__", side_effect=trouble):
        client = bare(tmp_path).test_client()
        answer = client.get("/logga-in")
        assert answer.status_code == 503
        assert "Något gick fel" in answer.text
        assert "Set-Cookie" not in answer.headers
        assert client.get("/healthz").status_code == 200
        assert client.get("/static/skolsynk.css").status_code == 200


def test_after_the_secret_was_away_sessions_work_again(tmp_path: Path) -> None:
    app = bare(tmp_path)
    with mock.patch.object(SigningKeys, "__call__", side_effect=StoreError("away")):
        assert app.test_client().get("/logga-in").status_code == 503
    assert app.test_client().get("/").status_code == 302


def test_a_secret_is_replaced_while_people_work(tmp_path: Path) -> None:
    old, new = "o" * 32, "n" * 32
    with small_school_pages(tmp_path, SKOLSYNK_SESSION_SECRET=old) as world:

        def client_with(cookie: str, secrets: str) -> FlaskClient:
            world.environ["SKOLSYNK_SESSION_SECRET"] = secrets
            world.restart_application()
            client = world.app.test_client()
            client.set_cookie("skolsynk", cookie)
            return client

        first = world.sign_in().get_cookie("skolsynk")
        assert first is not None
        client = client_with(first.value, f"{old} {new}")
        page = client.get("/installningar")
        assert page.status_code == 200
        kept = client.get_cookie("skolsynk")
        assert kept is not None
        client = client_with(kept.value, f"{new} {old}")
        assert client.post("/sprak", data=form_of(page, "/sprak")).status_code == 302
        assert client.get("/installningar").status_code == 200
        assert client_with(first.value, new).get("/installningar").status_code == 302


def test_programs_and_files_have_no_session(tmp_path: Path) -> None:
    with small_school_pages(tmp_path) as world:
        client = world.sign_in()
        for path in ("/healthz", "/readyz", "/static/skolsynk.css", "/cron/sync"):
            assert "Set-Cookie" not in client.get(path).headers


def bare(folder: Path) -> Flask:
    return create_app(settings(folder))
