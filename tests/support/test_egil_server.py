"""Each knob and fault of the EGIL test server does what it says, by the standard library."""

import http.client
import json
import ssl
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pytest

from tests.support.egil_faults import Fault, Incoming
from tests.support.egil_server import EgilServer


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def connect(server: EgilServer, timeout: float = 10) -> http.client.HTTPConnection:
    netloc = urlsplit(server.url).netloc
    if server.url.startswith("http:"):
        return http.client.HTTPConnection(netloc, timeout=timeout)
    context = ssl.create_default_context(cafile=server.ca_file)
    return http.client.HTTPSConnection(netloc, timeout=timeout, context=context)


def ask(
    server: EgilServer,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
    timeout: float = 10,
) -> Got:
    sent = {"Content-Type": "application/scim+json", "X-API-Key": server.key, **(headers or {})}
    with closing(connect(server, timeout)) as wire:
        full = urlsplit(server.url).path + path
        wire.request(method, full, None if body is None else json.dumps(body), sent)
        answer = wire.getresponse()
        return Got(answer.status, dict(answer.getheaders()), answer.read().decode())


def user(n: int, **more: Any) -> dict[str, Any]:
    return {"externalId": f"e{n}", "userName": f"user{n}@edu.se", **more}


def test_ids_of_its_own_are_random_and_a_second_external_id_is_taken() -> None:
    with EgilServer(ids="own") as server:
        first, second = (ask(server, "POST", "/Users", user(1)) for _ in range(2))
        assert (first.status, second.status) == (201, 201)
        assert len({first.json["id"], second.json["id"], "e1"}) == 3
        assert first.headers["Location"] == f"{server.url}/Users/{first.json['id']}"
        assert server.externalIds("User") == ["e1", "e1"]
        assert server.held("Users")[first.json["id"]] == user(1)


def test_ids_of_ours_are_refused_the_second_time() -> None:
    with EgilServer(ids="ours") as server:
        assert ask(server, "POST", "/Users", user(1)).json["id"] == "e1"
        assert ask(server, "POST", "/Users", user(1)).status == 409
        assert ask(server, "POST", "/Employments", user(1)).status == 201
        assert server.held("User") == {"e1": user(1)}


def test_duplicates_are_refused_or_not_whoever_gives_the_ids() -> None:
    with EgilServer(ids="own", refuse_duplicates=True) as server:
        assert [ask(server, "POST", "/Users", user(1)).status for _ in "12"] == [201, 409]
    with EgilServer(ids="ours", refuse_duplicates=False) as server:
        assert [ask(server, "POST", "/Users", user(1)).status for _ in "12"] == [201, 201]
        assert server.externalIds() == ["e1"]


def test_put_and_delete_find_what_is_there_and_miss_what_is_not() -> None:
    with EgilServer(ids="ours") as server:
        assert ask(server, "PUT", "/Users/e1", user(1)).status == 404
        assert ask(server, "DELETE", "/Users/e1").status == 404
        ask(server, "POST", "/Users", user(1))
        assert ask(server, "PUT", "/Users/e1", user(1, displayName="Alva")).status == 200
        assert ask(server, "GET", "/Users/e1").json["displayName"] == "Alva"
        assert ask(server, "DELETE", "/Users/e1").status == 204
        assert ask(server, "GET", "/Users/e1").status == 404
        assert server.externalIds() == []


def test_a_user_name_is_one_users_when_asked_so() -> None:
    with EgilServer(ids="ours", unique_user_names=True) as server:
        ask(server, "POST", "/Users", user(1))
        ask(server, "POST", "/Users", user(2))
        taken = {"userName": "USER1@edu.se"}
        assert ask(server, "POST", "/Users", user(3, **taken)).status == 409
        assert ask(server, "PUT", "/Users/e2", user(2, **taken)).status == 409
        assert ask(server, "PUT", "/Users/e1", user(1, userName="new@edu.se")).status == 200
        assert ask(server, "PUT", "/Users/e2", user(2, **taken)).status == 200
    with EgilServer() as server:
        assert [ask(server, "POST", "/Users", user(n, userName="a")).status for n in (1, 2)] == [
            201,
            201,
        ]


@pytest.mark.parametrize(
    ("answer", "media_type"),
    [
        ("full", "application/scim+json"),
        ("no-id", "application/scim+json"),
        ("other-media-type", "text/html"),
        ("invalid-json", "application/scim+json"),
        ("text", "text/plain"),
        ("empty", None),
    ],
)
def test_the_answers_to_writes(answer: str, media_type: str | None) -> None:
    with EgilServer(answer=answer, ids="ours") as server:
        for got in (
            ask(server, "POST", "/Users", user(1)),
            ask(server, "PUT", "/Users/e1", user(1)),
        ):
            assert got.status in (200, 201)
            if media_type:
                assert got.headers["Content-Type"].startswith(media_type)
            if answer in ("full", "other-media-type"):
                assert got.json["id"] == "e1"
            elif answer == "no-id":
                assert "id" not in got.json
            elif answer == "invalid-json":
                with pytest.raises(ValueError):
                    json.loads(got.text)
            else:
                assert got.text == ("OK" if answer == "text" else "")


def test_location_and_status_can_be_others() -> None:
    with EgilServer(location="relative", ids="ours", created=202, deleted=200) as server:
        got = ask(server, "POST", "/Users", user(1))
        assert (got.status, got.headers["Location"]) == (202, "/Users/e1")
        assert ask(server, "DELETE", "/Users/e1").status == 200
        server.knobs.location = "none"
        assert "Location" not in ask(server, "POST", "/Users", user(1)).headers


def fill(server: EgilServer, count: int) -> None:
    for n in range(count):
        ask(server, "POST", "/Users", user(n))


def test_a_paged_listing_goes_by_start_index_and_count_up_to_its_limit() -> None:
    with EgilServer(listing="paged", page_limit=2) as server:
        fill(server, 5)
        first = ask(server, "GET", "/Users").json
        assert (first["totalResults"], first["startIndex"], first["itemsPerPage"]) == (5, 1, 2)
        last = ask(server, "GET", "/Users?startIndex=5&count=100").json
        assert [each["externalId"] for each in last["Resources"]] == ["e4"]
        assert ask(server, "GET", "/Users?startIndex=6").json["Resources"] == []
        assert ask(server, "GET", "/Users?count=0").json["totalResults"] == 5
        assert ask(server, "GET", "/Users?count=many").status == 400


def test_a_whole_listing_pays_no_heed_to_paging() -> None:
    with EgilServer(listing="whole", page_limit=2) as server:
        fill(server, 5)
        listing = ask(server, "GET", "/Users?startIndex=4&count=1").json
        assert len(listing["Resources"]) == listing["totalResults"] == 5
        assert listing["Resources"][0]["id"] in server.held("User")


def test_listing_may_be_missing() -> None:
    with EgilServer(listing="none") as server:
        assert ask(server, "GET", "/Users").status == 501


@pytest.mark.parametrize(
    ("setting", "status", "found"),
    [("honoured", 200, ["e1"]), ("ignored", 200, ["e0", "e1", "e2"]), ("refused", 400, None)],
)
def test_filters(setting: str, status: int, found: list[str] | None) -> None:
    with EgilServer(filter=setting) as server:
        fill(server, 3)
        got = ask(server, "GET", "/Users?filter=" + quote('externalId eq "e1"'))
        assert got.status == status
        if found is not None:
            assert [each["externalId"] for each in got.json["Resources"]] == found


def test_other_filters_find_by_user_name_and_refuse_the_rest() -> None:
    with EgilServer() as server:
        fill(server, 3)
        got = ask(server, "GET", "/Users?filter=" + quote('userName eq "USER2@edu.se"'))
        assert [each["externalId"] for each in got.json["Resources"]] == ["e2"]
        assert ask(server, "GET", "/Users?filter=" + quote('displayName co "a"')).status == 400


def test_the_key_is_asked_for_in_the_header_that_is_set() -> None:
    with EgilServer(key="k") as server:
        assert ask(server, "POST", "/Users", user(1), {"X-API-Key": "fel"}).status == 401
        assert server.held("User") == {}
        assert server.requests[0].status == 401
    with EgilServer(key="k", header="Authorization", prefix="Bearer ") as server:
        assert ask(server, "GET", "/Users").status == 401
        assert ask(server, "GET", "/Users", headers={"Authorization": "Bearer k"}).status == 200


def test_references_are_followed_when_asked_so() -> None:
    group = {"externalId": "g", "studentMemberships": [{"value": "e1", "$ref": "Users/e1"}]}
    nested = user(2, ext={"enrolments": [{"value": "u", "$ref": "SchoolUnits/u"}]})
    with EgilServer(strict_references=True) as server:
        assert ask(server, "POST", "/StudentGroups", group).status == 400
        ask(server, "POST", "/Users", user(1))
        assert ask(server, "POST", "/StudentGroups", group).status == 201
        assert ask(server, "POST", "/Users", nested).status == 400
    with EgilServer() as server:
        assert ask(server, "POST", "/StudentGroups", group).status == 201


def test_what_is_no_resource_is_refused() -> None:
    with EgilServer() as server:
        assert ask(server, "POST", "/Users", {"userName": "a"}).status == 400
        assert ask(server, "POST", "/Users").status == 400
        assert ask(server, "POST", "/Users", user(1), {"Content-Type": "text/plain"}).status == 415
        assert ask(server, "POST", "/Groups", user(1)).status == 404
        assert ask(server, "PATCH", "/Users/1", {}).status == 405


def test_requests_are_kept_in_order_and_cleared() -> None:
    before = time.monotonic()
    with EgilServer(ids="ours", base_path="/scim/v2") as server:
        assert server.url.endswith("/scim/v2")
        ask(server, "POST", "/Users", user(1))
        ask(server, "GET", "/Users?count=1")
        ask(server, "DELETE", "/Users/e9")
        assert [(each.method, each.path, each.body, each.status) for each in server.requests] == [
            ("POST", "/Users", user(1), 201),
            ("GET", "/Users?count=1", None, 200),
            ("DELETE", "/Users/e9", None, 404),
        ]
        times = [before, *(each.time for each in server.requests), time.monotonic()]
        assert times == sorted(times)
        server.fail(500)
        server.clear()
        assert server.requests == []
        assert ask(server, "GET", "/Users").status == 200
        assert server.externalIds() == ["e1"]


@pytest.mark.parametrize(("when", "held"), [("before", []), ("after", ["e1"])])
def test_a_status_before_or_after_the_effect(when: str, held: list[str]) -> None:
    with EgilServer() as server:
        server.fail(503, when=when, retry_after=7)
        got = ask(server, "POST", "/Users", user(1))
        assert (got.status, got.headers["Retry-After"]) == (503, "7")
        assert (server.externalIds(), server.requests[0].status) == (held, 503)
        assert ask(server, "POST", "/Users", user(1)).status == 201


def test_retry_after_may_be_a_date() -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    with EgilServer() as server:
        server.fail(429, retry_after=moment)
        got = ask(server, "GET", "/Users")
        assert parsedate_to_datetime(got.headers["Retry-After"]) == moment


@pytest.mark.parametrize(("when", "held"), [("before", []), ("after", ["e1"])])
@pytest.mark.parametrize("kind", ["drop", "truncate", "garbage"])
def test_connections_are_cut_before_or_after_the_effect(
    kind: str, when: str, held: list[str]
) -> None:
    with EgilServer() as server:
        cut: dict[str, Any] = {kind: True}
        server.fail(when=when, **cut)
        with pytest.raises((ConnectionError, http.client.HTTPException)) as trouble:
            ask(server, "POST", "/Users", user(1))
        expected = {"truncate": http.client.IncompleteRead, "garbage": http.client.BadStatusLine}
        assert isinstance(trouble.value, expected.get(kind, ConnectionError))
        assert (server.externalIds(), server.requests[0].status) == (held, None)
        assert ask(server, "POST", "/Users", user(2)).status == 201


@pytest.mark.parametrize(("when", "held"), [("before", []), ("after", ["e1"])])
def test_a_hanging_request_holds_up_no_other(when: str, held: list[str]) -> None:
    with EgilServer() as server:
        server.fail(hang=60, when=when, method="POST")
        with pytest.raises(TimeoutError):
            ask(server, "POST", "/Users", user(1), timeout=0.2)
        assert ask(server, "GET", "/Users").status == 200
        assert server.externalIds() == held
        start = time.monotonic()
    assert time.monotonic() - start < 5


def test_a_short_hang_is_answered_in_the_end() -> None:
    with EgilServer() as server:
        server.fail(hang=0.1)
        start = time.monotonic()
        assert ask(server, "POST", "/Users", user(1)).status == 201
        assert time.monotonic() - start >= 0.1


def test_redirects_and_large_bodies() -> None:
    with EgilServer() as server:
        server.fail(redirect="http://127.0.0.1:9/away")
        got = ask(server, "GET", "/Users")
        assert (got.status, got.headers["Location"]) == (302, "http://127.0.0.1:9/away")
        server.fail(megabytes=3)
        assert len(ask(server, "GET", "/Users").text) == 3 << 20
        server.fail(418, body=b"teapot", headers={"X-A": "b"})
        got = ask(server, "GET", "/Users")
        assert (got.status, got.text, got.headers["X-A"]) == (418, "teapot", "b")


def test_rules_choose_by_method_endpoint_resource_and_number() -> None:
    with EgilServer(ids="ours") as server:
        server.fail(500, method="PUT", endpoint="Users", external_id="e1", skip=1, times=2)
        fill(server, 3)
        assert ask(server, "PUT", "/Users/e2", user(2)).status == 200
        statuses = [ask(server, "PUT", "/Users/e1", user(1)).status for _ in range(4)]
        assert statuses == [200, 500, 500, 200]
        server.fail(500, method="DELETE", external_id="e2", times=None)
        assert [ask(server, "DELETE", "/Users/e2").status for _ in range(3)] == [500] * 3
        server.fail(502, where=lambda request: "count=7" in request.path)
        assert ask(server, "GET", "/Users").status == 200
        assert ask(server, "GET", "/Users?count=7").status == 502


def test_the_plan_may_be_a_callable_that_sees_each_request() -> None:
    seen: list[Incoming] = []

    def plan(request: Incoming) -> Fault | None:
        seen.append(request)
        return Fault(status=503) if request.nth == 2 and request.external_id == "e1" else None

    with EgilServer() as server:
        server.faults = plan
        statuses = [ask(server, "POST", "/Users", user(n)).status for n in (1, 2, 1, 1)]
        assert statuses == [201, 201, 503, 201]
        assert seen[2] == Incoming("POST", "Users", "/Users", "e1", 3, 2)
        server.fail(500)
        assert ask(server, "GET", "/Users").status == 500


def test_a_rate_above_the_limit_is_told_to_wait() -> None:
    with EgilServer(requests_per_second=0.001, burst=2) as server:
        got = [ask(server, "GET", "/Users") for _ in range(3)]
        assert [each.status for each in got] == [200, 200, 429]
        assert got[2].headers["Retry-After"] == "1"


def test_latency_shows_how_many_were_under_way_at_once() -> None:
    with EgilServer(latency=0.3) as server:
        asking = [threading.Thread(target=ask, args=(server, "GET", "/Users")) for _ in range(4)]
        for each in asking:
            each.start()
        for each in asking:
            each.join()
        assert server.peak == 4


def test_tls_is_trusted_with_its_own_authority_only() -> None:
    with EgilServer(tls=True) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert ask(server, "POST", "/Users", user(1)).status == 201
        strict = http.client.HTTPSConnection(urlsplit(server.url).netloc, timeout=10)
        with closing(strict), pytest.raises(ssl.SSLCertVerificationError):
            strict.request("GET", "/Users")


def test_connections_end_with_the_server() -> None:
    with EgilServer() as server:
        wire = connect(server)
        wire.request("GET", "/Users", headers={"X-API-Key": server.key})
        wire.getresponse().read()
        assert wire.sock is not None
    with closing(wire):
        assert wire.sock.recv(1) == b""


def test_a_port_in_use_is_an_error_at_once() -> None:
    with EgilServer() as server:
        port = urlsplit(server.url).port or 0
        with pytest.raises(OSError, match="in use"):
            EgilServer(port=port).__enter__()


def test_it_runs_in_another_process_and_tells_what_it_holds() -> None:
    command = [sys.executable, "-m", "tests.support.egil_server", "--port", "0", "--ids", "ours"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        netloc = urlsplit(process.stdout.readline().strip()).netloc
        headers = {"Content-Type": "application/json", "X-API-Key": "egil-key"}
        with closing(http.client.HTTPConnection(netloc, timeout=10)) as wire:

            def say(method: str, path: str, body: object = None) -> Any:
                wire.request(method, path, json.dumps(body) if body else None, headers)
                return json.loads(wire.getresponse().read())

            say("POST", "/Users", user(1))
            say("POST", "/_fail", {"status": 503, "times": 1})
            wire.request("GET", "/Users", headers=headers)
            failed = wire.getresponse()
            assert (failed.status, failed.read()) == (503, b"")
            assert say("GET", "/_state")["User"] == {"e1": user(1)}
            assert [each["status"] for each in say("GET", "/_requests")] == [201, 503]
        process.terminate()
