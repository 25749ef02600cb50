"""What every answer has in common."""

import json
import logging
from pathlib import Path

import pytest
from flask import Flask, Response

from addon import create_app, logs
from addon.settings import CloudTasks, Settings, SqliteStore
from addon.web.answers import HEADERS


def make(folder: Path, **settings: object) -> Flask:
    return create_app(Settings(SqliteStore(folder / "x.db"), {}, **settings))  # type: ignore[arg-type]


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
