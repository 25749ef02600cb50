"""What every answer has in common."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from flask import Flask, Response

from addon import create_app, logs
from addon.settings import CloudTasks, Settings, SqliteAddress
from addon.store.base import StoreError
from addon.tenants.conditions import SlowPatternError
from addon.web.security.headers import HEADERS, HSTS, LARGEST
from tests.support.page_content import form_of
from tests.support.small_school import small_school_pages
from tests.support.world import World


def make(folder: Path, **settings: object) -> Flask:
    return create_app(Settings(SqliteAddress(folder / "x.db"), {}, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/tasks/run", "/cron/sync"])
def test_every_answer_keeps_browsers_careful(tmp_path: Path, path: str) -> None:
    headers = make(tmp_path).test_client().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "Strict-Transport-Security" not in headers


def test_on_app_engine_browsers_stay_with_https(tmp_path: Path) -> None:
    app = make(tmp_path, on_app_engine=True, tasks=CloudTasks("p", "l"))
    headers = app.test_client().get("/healthz").headers
    assert headers["Strict-Transport-Security"].startswith("max-age=")


def test_a_page_may_say_otherwise(tmp_path: Path) -> None:
    app = make(tmp_path)

    @app.get("/healthz/page")
    def page() -> Response:
        return Response("x", headers={"Cache-Control": "private, max-age=60"})

    answer = app.test_client().get("/healthz/page")
    assert answer.headers["Cache-Control"] == "private, max-age=60"


def test_what_a_request_logs_belongs_to_its_trace(tmp_path: Path) -> None:
    app, told = make(tmp_path), []

    @app.get("/healthz/page")
    def page() -> str:
        record = logging.makeLogRecord({"name": "addon.web", "levelno": 20, "msg": "x"})
        told.append(logs.JsonFormatter("p").format(record))
        return ""

    app.test_client().get("/healthz/page", headers={"X-Cloud-Trace-Context": f"{'ab' * 16}/1;o=1"})
    app.test_client().get("/healthz/page")
    traces = [json.loads(event).get("logging.googleapis.com/trace") for event in told]
    assert traces == [f"projects/p/traces/{'ab' * 16}", None]


def test_programs_get_their_errors_in_json_and_nobody_learns_of_pages(tmp_path: Path) -> None:
    client = make(tmp_path).test_client()
    answer = client.post("/healthz")
    assert (answer.status_code, answer.json) == (405, {"error": "Method Not Allowed"})
    assert "GET" in answer.headers["Allow"]
    answer = client.get("/nowhere")
    assert (answer.status_code, answer.location) == (302, "/logga-in?vidare=/nowhere")


def test_a_file_that_is_not_there_is_no_error_of_ours(tmp_path: Path) -> None:
    """Also where nobody has come yet, and there is no secret to sign a session with."""
    answer = make(tmp_path).test_client().get("/static/../addon/settings.py")
    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers
    assert {name: answer.headers[name] for name in HEADERS if name != "Cache-Control"} == {
        name: value for name, value in HEADERS.items() if name != "Cache-Control"
    }


# Pages


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


def test_what_is_not_there_is_reported_in_words(world: World) -> None:
    answer = world.sign_in().get("/finns-inte")
    assert answer.status_code == 404
    assert "Sidan finns inte Adressen är fel" in world.text(answer)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_page_that_is_only_sent_to_is_reported_in_words(world: World) -> None:
    answer = world.sign_in().get("/skolenheter/lagg-till")
    assert answer.status_code in (404, 405)
    answer = world.sign_in().get("/katalog/las")
    assert answer.status_code == 405
    assert "Gå tillbaka och använd knapparna på sidan." in world.text(answer)
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/installningar/dokument", "/skolenheter/fil", "/sprak"])
def test_what_is_too_large_is_not_read(world: World, path: str) -> None:
    client = world.sign_in()
    data = {"file": (io.BytesIO(b"x" * (LARGEST + 1)), "x.csv")}
    answer = client.post(path, data=data, content_type="multipart/form-data")
    assert answer.status_code == 413
    assert "Filen är för stor" in world.text(answer)
    assert "högst 5 MB" in world.text(answer)
    answer = client.post(path, data={"text": "x" * (LARGEST + 1)})
    assert answer.status_code == 413


def test_an_error_of_ours_is_reported_without_a_word_of_what_it_was(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = world.sign_in()
    broken = mock.Mock(side_effect=RuntimeError("Torvald Äppelqvist"))
    with mock.patch.object(type(world.store), "audit_entries", broken):
        answer = client.get("/installningar/logg")
    assert answer.status_code == 500
    assert "Felet är Skolsynks och inte ditt." in world.text(answer)
    assert "Torvald" not in answer.text
    assert "Traceback" not in answer.text
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    lines = [logs.JsonFormatter("p").format(r) for r in caplog.records if r.levelno >= 30]
    assert lines
    assert "Torvald" not in "".join(lines)


def test_while_the_store_is_away_a_page_says_so(world: World) -> None:
    client = world.sign_in()
    away = mock.Mock(side_effect=StoreError("away"))
    with mock.patch.object(type(world.store), "audit_entries", away):
        answer = client.get("/installningar/logg")
    assert answer.status_code == 503
    assert "Skolsynk når inte sina sparade uppgifter. Inget har gått förlorat." in world.text(
        answer
    )


@pytest.mark.parametrize("what", ["runs", "hold", "get", "ledgers", "approval", "authentication"])
@pytest.mark.parametrize("path", ["/", "/leverantorer", "/personer", "/finns-inte"])
def test_whatever_of_the_store_is_away_the_answer_is_a_page(
    world: World, what: str, path: str
) -> None:
    client = world.sign_in()
    away = mock.Mock(side_effect=StoreError("away"))
    with mock.patch.object(type(world.store), what, away):
        answer = client.get(path)
    if away.called:
        assert answer.status_code in (404, 500, 503)
        assert "<h1" in answer.text


def test_a_part_that_takes_too_long_is_told_beside_the_form_and_replaces_no_field(
    world: World,
) -> None:
    client = world.sign_in()
    path = "/skolenheter/12345678/urval"
    page = world.ready(client, path)
    asked = {**form_of(page, path), "do": "students:filter"}
    slow = mock.Mock(side_effect=SlowPatternError("mönstret"))
    with mock.patch("addon.web.views.selection.preview_selection", slow):
        answer = client.post(path, data=asked, headers={"HX-Request": "true"})
    assert "för lång tid" in answer.text
    assert answer.headers["HX-Retarget"] == "#utfall"


def test_over_https_every_page_says_that_it_stays_so(tmp_path: Path) -> None:
    with small_school_pages(tmp_path, SKOLSYNK_URL="https://skolsynk.example") as world:
        client = world.app.test_client()
        for path in ("/", "/logga-in", "/finns-inte", "/static/skolsynk.css", "/healthz"):
            said = client.get(path, base_url="https://skolsynk.example").headers
            assert said["Strict-Transport-Security"] == HSTS, path
