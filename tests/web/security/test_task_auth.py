"""/cron and /tasks: only App Engine, or only our service account, or nobody."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from addon import create_app
from addon.settings import CloudTasks, Settings, SqliteAddress, WebSettings
from addon.tasks.base import Task
from tests.support.served import Google

URL = "https://skolsynk.example.se"
ACCOUNT = "skolsynk@p.iam.gserviceaccount.com"
CRON = {"X-Appengine-Cron": "true"}
TASK = {"X-AppEngine-QueueName": "runs", "X-AppEngine-TaskName": "t"}
PATHS = [("GET", "/cron/sync"), ("POST", "/tasks/run"), ("POST", "/tasks/deliver")]


class NoQueue:
    def enqueue(self, task: Task) -> bool:
        return True


def client(folder: Path, certs_url: str | None = None, **settings: object) -> FlaskClient:
    web = WebSettings(google_certs=certs_url)
    given = Settings(SqliteAddress(folder / "skolsynk.db"), {}, web=web, **settings)  # type: ignore[arg-type]
    return create_app(given, queue=NoQueue()).test_client()


def on_app_engine(folder: Path) -> FlaskClient:
    return client(folder, on_app_engine=True, tasks=CloudTasks("p", "europe-west1"))


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with Google() as google:
        yield google


@pytest.fixture
def elsewhere(tmp_path: Path, google: Google) -> FlaskClient:
    tasks = CloudTasks("p", "europe-west1")
    return client(tmp_path, google.certs_url, tasks=tasks, tasks_url=URL, service_account=ACCOUNT)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def came_in(client: FlaskClient, method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether the endpoint was reached; a refusal says nothing but that it is one."""
    answer = client.open(
        path, method=method, headers=headers, json={} if method == "POST" else None
    )
    if answer.status_code == 403:
        assert answer.json == {"error": "Forbidden"}
        return False
    assert answer.status_code == 200, answer.text
    return True


# On App Engine


def test_on_app_engine_cron_comes_in_to_cron(tmp_path: Path) -> None:
    assert came_in(on_app_engine(tmp_path), "GET", "/cron/sync", CRON)


def test_on_app_engine_tasks_come_in_to_tasks(tmp_path: Path) -> None:
    for path in ("/tasks/run", "/tasks/deliver"):
        assert came_in(on_app_engine(tmp_path), "POST", path, TASK)


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Appengine-Cron": "false"},
        {"X-Appengine-Cron": "TRUE"},
        {"X-AppEngine-QueueName": "runs"},
        {"X-AppEngine-TaskName": "t"},
        {"X-CloudTasks-QueueName": "runs", "X-CloudTasks-TaskName": "t"},
        {"Authorization": "Bearer x"},
    ],
)
def test_on_app_engine_nobody_else_does(
    tmp_path: Path, method: str, path: str, headers: dict[str, str]
) -> None:
    assert not came_in(on_app_engine(tmp_path), method, path, headers)


def test_cron_has_no_business_with_tasks_nor_tasks_with_cron(tmp_path: Path) -> None:
    assert not came_in(on_app_engine(tmp_path), "POST", "/tasks/run", CRON)
    assert not came_in(on_app_engine(tmp_path), "GET", "/cron/sync", TASK)


def test_a_good_token_is_not_accepted_in_place_of_app_engines_header(
    tmp_path: Path, google: Google
) -> None:
    app = client(
        tmp_path,
        google.certs_url,
        on_app_engine=True,
        tasks=CloudTasks("p", "europe-west1"),
        service_account=ACCOUNT,
    )
    assert not came_in(app, "POST", "/tasks/run", bearer(google.token(ACCOUNT, URL)))


# Elsewhere


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_elsewhere_our_service_account_comes_in(
    elsewhere: FlaskClient, google: Google, method: str, path: str
) -> None:
    assert came_in(elsewhere, method, path, bearer(google.token(ACCOUNT, URL)))


NOW = int(time.time())
WRONG: dict[str, dict[str, object]] = {
    "another audience": {"aud": "https://other.example.se"},
    "no audience": {"aud": None},
    "another account": {"email": "other@p.iam.gserviceaccount.com"},
    "no account": {"email": None},
    "not verified": {"email_verified": False},
    "verified in words": {"email_verified": "true"},
    "expired": {"iat": NOW - 7200, "exp": NOW - 3600},
    "not yet": {"iat": NOW + 3600, "exp": NOW + 7200},
    "another issuer": {"iss": "https://accounts.example.com"},
    "no issuer": {"iss": None},
    "no end": {"exp": None},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_token_that_is_wrong_in_one_thing_is_refused(
    elsewhere: FlaskClient,
    google: Google,
    method: str,
    path: str,
    claims: dict[str, object],
) -> None:
    assert not came_in(elsewhere, method, path, bearer(google.token(ACCOUNT, URL, **claims)))


def _unsigned(token: str) -> str:
    def part(said: dict[str, str]) -> str:
        return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'kid': 'key-1'})}.{token.split('.')[1]}."


def test_a_token_that_google_has_not_signed_is_refused(
    elsewhere: FlaskClient, google: Google
) -> None:
    good = google.token(ACCOUNT, URL)
    head, body, signature = good.split(".")
    other = google.token("other@p.iam.gserviceaccount.com", URL)
    forged = Google()
    for token in (
        _unsigned(good),
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{other.split('.')[1]}.{signature}",
        forged.token(ACCOUNT, URL),  # another's key under the same id
        "",
        "x",
        "a.b.c",
    ):
        assert not came_in(elsewhere, "POST", "/tasks/run", bearer(token)), token


@pytest.mark.parametrize("scheme", ["Basic {}", "{}", "Token {}"])
def test_a_token_must_be_a_bearers(elsewhere: FlaskClient, google: Google, scheme: str) -> None:
    headers = {"Authorization": scheme.format(google.token(ACCOUNT, URL))}
    assert not came_in(elsewhere, "POST", "/tasks/run", headers)


def test_elsewhere_app_engines_headers_open_nothing(elsewhere: FlaskClient) -> None:
    for method, path in PATHS:
        assert not came_in(elsewhere, method, path, {**CRON, **TASK})


def test_certificates_are_fetched_once(tmp_path: Path) -> None:
    with Google() as google:
        tasks = CloudTasks("p", "europe-west1")
        app = client(
            tmp_path, google.certs_url, tasks=tasks, tasks_url=URL, service_account=ACCOUNT
        )
        for _ in range(3):
            assert came_in(app, "POST", "/tasks/run", bearer(google.token(ACCOUNT, URL)))
        assert google.fetched == 1


def test_without_certificates_nobody_comes_in_and_they_are_not_asked_for_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Google() as google:
        google.status = 503
        tasks = CloudTasks("p", "europe-west1")
        app = client(
            tmp_path, google.certs_url, tasks=tasks, tasks_url=URL, service_account=ACCOUNT
        )
        for _ in range(3):
            assert not came_in(app, "POST", "/tasks/run", bearer(google.token(ACCOUNT, URL)))
        assert google.fetched == 1
    assert "cannot be had" in caplog.text


# On one machine, and everywhere


def test_on_one_machine_nobody_comes_in(tmp_path: Path, google: Google) -> None:
    app = client(tmp_path, google.certs_url, service_account=ACCOUNT)
    for method, path in PATHS:
        token = bearer(google.token(ACCOUNT, URL))
        assert not came_in(app, method, path, {**CRON, **TASK, **token})


@pytest.mark.parametrize("path", ["/tasks/none", "/tasks/", "/tasks", "/cron", "/cron/sync/x"])
def test_what_is_not_there_is_refused_before_it_is_looked_for(tmp_path: Path, path: str) -> None:
    for app in (client(tmp_path), on_app_engine(tmp_path)):
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            assert app.open(path, method=method).status_code == 403


def test_every_endpoint_of_programs_is_authenticated(tmp_path: Path) -> None:
    app = client(tmp_path).application
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] in ("cron", "tasks"):
            assert rule.rule.split("/")[1] in ("cron", "tasks")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_cron_is_got_and_tasks_are_posted(tmp_path: Path, method: str) -> None:
    app = on_app_engine(tmp_path)
    assert app.open("/cron/sync", method=method, headers=CRON).status_code == 405
    assert app.get("/tasks/run", headers=TASK).status_code == 405
    assert app.open("/tasks/run", method="PUT", headers=TASK).status_code == 405


def test_a_refusal_is_logged_on_one_line_with_why_and_without_the_token(
    elsewhere: FlaskClient, google: Google, caplog: pytest.LogCaptureFixture
) -> None:
    token = google.token("other@p.iam.gserviceaccount.com", URL)
    elsewhere.post("/tasks/run", headers=bearer(token))
    elsewhere.post("/tasks/run%0Aforged line")
    assert [record.getMessage() for record in caplog.records] == [
        "refused POST '/tasks/run': its token is another account's",
        "refused POST '/tasks/run\\nforged line': it has no token",
    ]
    assert token not in caplog.text
