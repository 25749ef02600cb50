"""Promise 1, at its edge: a page that cannot be had ends the reading, whatever the reason."""

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.google.retry import ReadRetryPolicy
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.tenants.model import Tenant
from tests.directory.school import (
    AT,
    QUICK,
    OtherServer,
    asked,
    other_server,
    person,
    reading,
    school,
    tenant,
)

PROTECTED = f"skyddade{AT}"
ENDPOINTS: dict[str, dict[str, str]] = {
    "orgunits.list": {"path_contains": "/orgunits"},
    "users.list": {"path_contains": "/v1/users"},
    "groups.list": {"path_contains": "/v1/groups", "query_contains": "customer="},
    "members.list": {"path_contains": f"/groups/7a-ma{AT}/members"},
    "members.list protected": {"path_contains": f"/groups/{PROTECTED}/members"},
    "domains.list": {"path_contains": "/domains"},
}
FAILURES: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "503": {"status": 503},
    "429": {"status": 429, "reason": "rateLimitExceeded"},
    "quota": {"status": 403, "reason": "quotaExceeded"},
    "400": {"status": 400, "reason": "invalid"},
    "domainNotFound": {"status": 400, "reason": "domainNotFound"},
    "401": {"status": 401, "reason": "authError"},
    "403": {"status": 403, "reason": "forbidden"},
    "404": {"status": 404, "reason": "notFound"},
    "drop": {"kind": "drop"},
    "truncate": {"kind": "truncate"},
    "notJson": {"kind": "notJson"},
}
REFUSALS = {"domainNotFound", "401", "403"}
TOLERATED = {("domains.list", each) for each in ("404", *REFUSALS)}
"""The domains serve a finding only, and not every server can tell them."""


def big_school() -> Domain:
    """Two pages of users, of groups and of members."""
    people = [person(f"elev{number}", "/Elever") for number in range(600)]
    groups = [{"email": f"g{number}{AT}"} for number in range(200)]
    return school(
        users=[*people, person("gömd", "/Skyddade")],
        groups=[*groups, {"email": f"7a-ma{AT}"}, {"email": PROTECTED}],
        members={f"7a-ma{AT}": [each["primaryEmail"] for each in people[:250]]},
    )


BIG = big_school()


def document() -> Tenant:
    return tenant(
        {
            "students": {"orgUnits": ["/Elever"]},
            "teachingGroups": {"from": "group", "pattern": r"^7a-(?P<name>.+)@"},
        },
        protected={"groups": [PROTECTED], "orgUnits": ["/Skyddade"]},
    )


@pytest.fixture
def server() -> Iterator[DirectoryServer]:
    with DirectoryServer(BIG) as server:
        yield server


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_promise_1_nothing_is_read_when_an_endpoint_fails(
    server: DirectoryServer, endpoint: str, failure: str
):
    server.fail(**ENDPOINTS[endpoint], times=None, **FAILURES[failure])
    if (endpoint, failure) in TOLERATED:
        assert reading(server, document()).domains == ()
        return

    with pytest.raises(DirectoryError) as raised:
        reading(server, document())
    assert isinstance(raised.value, AccessRefused) == (failure in REFUSALS)
    assert "Nothing was sent to anyone" in str(raised.value)
    if endpoint != "members.list protected" or failure != "404":
        assert str(raised.value).startswith(endpoint.split()[0])


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("endpoint", ["users.list", "groups.list", "members.list"])
def test_promise_1_nothing_is_read_when_one_page_fails(
    server: DirectoryServer, endpoint: str, failure: str
):
    later = ENDPOINTS[endpoint] | {"query_contains": "pageToken="}
    server.fail(**later, times=None, **FAILURES[failure])

    with pytest.raises(DirectoryError, match=f"^{endpoint}"):
        reading(server, document())


@pytest.mark.parametrize("endpoint", ["users.list", "groups.list", "members.list"])
def test_promise_1_nothing_is_read_when_a_page_token_has_expired(
    server: DirectoryServer, endpoint: str
):
    server.fail(**ENDPOINTS[endpoint], kind="expiredToken", times=None)

    with pytest.raises(DirectoryError, match=f"^{endpoint}.*400 invalid.*from the beginning"):
        reading(server, document())


@pytest.mark.parametrize("failure", ["503", "429", "quota", "drop", "truncate", "notJson"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_failure_that_passes_costs_nobody(server: DirectoryServer, endpoint: str, failure: str):
    server.fail(**ENDPOINTS[endpoint], times=2, **FAILURES[failure])

    snapshot = reading(server, document())
    assert len(snapshot.users) == 600
    assert len(snapshot.groups) == 202


@pytest.mark.parametrize("failure", ["500", "quota", "notJson"])
def test_promise_1_nothing_is_read_when_someone_outside_cannot_be_had(failure: str):
    group = f"larare{AT}"
    with DirectoryServer(school()) as server:
        server.fail("/users/", times=None, **FAILURES[failure])
        with pytest.raises(DirectoryError, match=r"^users\.get \d{21}: "):
            reading(server, tenant({"staff": {"groups": [group]}}))


def test_the_first_failure_is_the_one_raised(server: DirectoryServer):
    server.fail("/orgunits", kind="hang", seconds=60, times=None)
    server.fail("/v1/users", status=500, times=None)
    server.fail(**ENDPOINTS["groups.list"], status=401, reason="authError", times=None)

    with pytest.raises(AccessRefused, match=r"^groups\.list: .*401"):
        reading(server, document(), timeout=60.0)


def test_a_failure_does_not_wait_for_those_that_hang(server: DirectoryServer):
    server.fail("/v1/users", kind="hang", seconds=60, times=None)
    server.fail("/members", status=400, reason="invalid", times=None)
    begun = time.monotonic()

    with pytest.raises(DirectoryError, match=r"^members\.list"):
        reading(server, document(), timeout=60.0)
    assert time.monotonic() - begun < 20
    _all_threads_end()


def test_a_failure_does_not_wait_for_those_that_are_patient(server: DirectoryServer):
    server.fail("/v1/users", status=503, times=None)
    server.fail("/members", status=400, reason="invalid", times=None)

    with pytest.raises(DirectoryError, match=r"^members\.list"):
        reading(
            server, document(), retry_policy=ReadRetryPolicy(first_wait=3600, longest_wait=3600)
        )
    _all_threads_end()


def test_nothing_more_is_asked_after_the_first_failure(server: DirectoryServer):
    server.fail("/orgunits", status=400, reason="invalid", times=None)

    with pytest.raises(DirectoryError, match=r"^orgunits\.list"):
        reading(server, document(), threads=1)
    assert len(server.requests) == 1


def test_an_answer_that_does_not_come_in_time_is_a_failure(server: DirectoryServer):
    server.fail("/v1/users", kind="hang", seconds=60, times=None)

    with pytest.raises(DirectoryError, match=r"^users\.list in /\w+: .*TimeoutError"):
        reading(server, document(), timeout=0.05)


def test_an_interrupt_ends_a_reading_that_hangs():
    main = threading.main_thread().ident
    assert main is not None

    def interrupt(path: str, query: object, answer: Any) -> Any:
        if path.endswith("/domains"):
            signal.pthread_kill(main, signal.SIGINT)
        return answer

    with OtherServer(BIG, interrupt) as server:
        server.fail("/orgunits", kind="hang", seconds=60, times=None)
        server.fail("/v1/users", kind="hang", seconds=60, times=None)
        with pytest.raises(KeyboardInterrupt):
            reading(server, document(), timeout=60.0)
    _all_threads_end()


def _all_threads_end() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("directory"):
            thread.join(20)
            assert not thread.is_alive()


@pytest.mark.parametrize(
    "page",
    [
        {"users": {}},
        {"users": [{"primaryEmail": f"ada{AT}"}]},
        {"users": [{"id": 17}]},
        {"users": [], "nextPageToken": 2},
        {"error": {"code": 500}},
        [],
    ],
    ids=str,
)
def test_an_answer_of_another_shape_ends_the_reading(page: object):
    with (
        other_server(lambda path, query, answer: page if "users" in path else answer) as server,
        pytest.raises(DirectoryError, match=r"^users\.list in /Elever: .*not what") as raised,
    ):
        reading(server)
    assert f"ada{AT}" not in str(raised.value)


def same_token(number: int) -> str:
    return "again"


def new_token(number: int) -> str:
    return f"page {number}"


@pytest.mark.parametrize("token", [same_token, new_token])
@pytest.mark.parametrize("empty", [True, False])
def test_pages_without_end_end_the_reading(token: Any, empty: bool):
    def endless(path: str, query: Any, answer: Any) -> Any:
        if not path.endswith("/users"):
            return answer
        server_pages.append(path)
        users = [] if empty else [{"id": "1"}]
        return {"users": users, "nextPageToken": token(len(server_pages))}

    server_pages: list[str] = []
    with (
        _forgiving(endless) as server,
        pytest.raises(DirectoryError, match=r"^users\.list .*the pages have no end"),
    ):
        reading(server)
    assert len(asked(server, "/users")) <= (2 if token is same_token else 51)


def _forgiving(alter: Any) -> DirectoryServer:
    """A server that takes any page token."""

    class Forgiving(OtherServer):
        def answer(self, path: str, query: Any) -> bytes:
            return super().answer(path, {k: v for k, v in query.items() if k != "pageToken"})

    return Forgiving(school(), alter)


def test_a_listed_group_that_is_gone_ends_the_reading(server: DirectoryServer):
    server.fail(**ENDPOINTS["members.list"], status=404, reason="notFound", times=None)

    with pytest.raises(DirectoryError, match=r"the group was listed.*The next run"):
        reading(server, document())


@pytest.mark.parametrize("named", ["staff", "protected"])
def test_a_named_group_that_is_gone_halfway_ends_the_reading(server: DirectoryServer, named: str):
    endpoint = ENDPOINTS["members.list"] | {"query_contains": "pageToken="}
    server.fail(**endpoint, status=404, reason="notFound", times=None)
    groups = {"groups": [f"7a-ma{AT}"]}
    unit = {"staff": groups} if named == "staff" else {}

    with pytest.raises(DirectoryError, match=r"^members\.list of 7a-ma@.*no such thing"):
        reading(server, tenant(unit, protected=groups if named == "protected" else {}))


def test_a_wrong_customer_is_a_refusal():
    with DirectoryServer(school()) as server, pytest.raises(AccessRefused, match="403 forbidden"):
        reading(server, tenant(customerId="C0annan"))


def test_patience_is_kept_for_each_query_on_its_own(server: DirectoryServer):
    for endpoint in ENDPOINTS.values():
        server.fail(**endpoint, status=503, times=QUICK.tries - 1)

    assert len(reading(server, document()).users) == 600
