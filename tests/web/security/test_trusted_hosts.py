"""Under which names the installation answers."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from addon import create_app
from addon.settings import Settings, SqliteAddress, WebSettings

PAGES = ("/", "/logga-in", "/hjalp", "/static/skolsynk.css")
FOREIGN = ("evil.example", "skolsynk.example.evil.example", "skolsynk.example@evil.example")
MALFORMED = ("a b", "ö", "evil.example/x", "x:y", "[::1", "x" * 300, "")


def client(folder: Path, url: str | None = "https://Skolsynk.example") -> FlaskClient:
    store, web = SqliteAddress(folder / "x.db"), WebSettings(url=url)
    return create_app(Settings(store, {}, web=web, on_app_engine=True)).test_client()


def status(client: FlaskClient, path: str, host: str) -> int:
    return client.get(path, environ_overrides={"HTTP_HOST": host}).status_code


@pytest.mark.parametrize("host", [*FOREIGN, *MALFORMED])
def test_pages_are_refused_under_another_name(tmp_path: Path, host: str) -> None:
    asking = client(tmp_path)
    for path in PAGES:
        assert status(asking, path, host) == 400, path
    answer = asking.get("/", environ_overrides={"HTTP_HOST": host})
    assert "Fel adress" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "host", ["skolsynk.example", "SKOLSYNK.EXAMPLE:443", "skolsynk.example.", "127.0.0.1:8080"]
)
def test_pages_are_answered_under_their_own_name(tmp_path: Path, host: str) -> None:
    assert status(client(tmp_path), "/hjalp", host) == 200


@pytest.mark.parametrize("host", ["v1-dot-my-project.ew.r.appspot.com", "10.0.0.7", *MALFORMED])
def test_health_checks_and_what_the_platform_calls_come_under_any_name(
    tmp_path: Path, host: str
) -> None:
    asking = client(tmp_path)
    for path in ("/healthz", "/readyz"):
        assert status(asking, path, host) == 200
    headers = {"X-Appengine-Cron": "true"}
    cron = asking.get("/cron/push", headers=headers, environ_overrides={"HTTP_HOST": host})
    assert cron.status_code == 200
    headers = {"X-AppEngine-QueueName": "runs", "X-AppEngine-TaskName": "t"}
    overrides = {"HTTP_HOST": host}
    task = asking.post("/tasks/run", headers=headers, json={}, environ_overrides=overrides)
    assert task.status_code not in (400, 500) or task.is_json


def test_without_an_address_any_well_formed_name_is_taken(tmp_path: Path) -> None:
    asking = client(tmp_path, url=None)
    assert status(asking, "/hjalp", "skolsynk.kommunen.se:8443") == 200
    assert status(asking, "/hjalp", "a b") == 400
