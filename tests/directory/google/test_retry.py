"""Queries tried again, told apart by what went wrong, against a server that fails as asked."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.google.client import DirectoryClient
from addon.directory.google.error_mapping import ApiError, NotFoundAnswer
from addon.directory.google.parallel import ReadingStopped
from addon.directory.google.quota import Quota
from addon.directory.google.retry import ReadRetryPolicy, RetryingCaller
from addon.sandbox.directory_server import DirectoryServer
from tests.directory.school import QUICK, other_server, school

WHAT = "domains.list"


@pytest.fixture
def server() -> Iterator[DirectoryServer]:
    with DirectoryServer(school()) as server:
        yield server


def calls(retry_policy: ReadRetryPolicy = QUICK) -> RetryingCaller:
    return RetryingCaller(retry_policy, Quota(), Event())


def ask(server: DirectoryServer, calls: RetryingCaller) -> Any:
    service = DirectoryClient(None, server.url, timeout=5)
    try:
        request = service.api.domains().list(customer="my_customer")
        return calls.execute(WHAT, lambda: service.send(request))
    finally:
        service.close()


def test_an_answer_is_given_as_it_is(server: DirectoryServer):
    asking = calls()

    assert ask(server, asking)["domains"][0]["domainName"] == "edu.storkoping.se"
    assert asking.count == 1


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 429, "reason": "rateLimitExceeded"},
        {"status": 429, "reason": ""},
        {"status": 403, "reason": "userRateLimitExceeded"},
        {"status": 403, "reason": "rateLimitExceeded"},
        {"status": 403, "reason": "quotaExceeded"},
        {"status": 500, "reason": "backendError"},
        {"status": 502, "reason": ""},
        {"status": 503, "reason": "backendError"},
        {"status": 504, "reason": ""},
        {"kind": "drop"},
        {"kind": "truncate"},
        {"kind": "notJson"},
    ],
    ids=lambda failure: "-".join(map(str, failure.values())),
)
def test_a_failure_that_passes_is_waited_out(server: DirectoryServer, failure: dict[str, Any]):
    server.fail(**failure)

    assert ask(server, calls())["domains"]


def test_a_server_that_never_recovers_is_given_up_with_the_query_and_the_remedy(
    server: DirectoryServer,
):
    server.fail(status=503, times=None)
    asking = calls()

    with pytest.raises(DirectoryError, match=r"^domains.list: the answer was 503, 3 times\. ") as e:
        ask(server, asking)
    assert "Nothing was sent to anyone" in str(e.value)
    assert asking.count == server.queries == QUICK.tries


def test_the_quota_is_given_more_patience(server: DirectoryServer):
    server.fail(status=403, reason="quotaExceeded", times=None)

    with pytest.raises(DirectoryError, match="the quota was exceeded, 4 times"):
        ask(server, calls())
    assert server.queries == QUICK.quota_tries


def test_quota_errors_do_not_use_up_the_patience_with_server_errors(server: DirectoryServer):
    server.fail(status=429, times=QUICK.quota_tries - 1)
    server.fail(status=500, times=QUICK.tries - 1)

    assert ask(server, calls())["domains"]


def test_the_patience_with_the_quota_lasts_longer_than_its_minute():
    retry_policy = ReadRetryPolicy()
    waits = [
        min(retry_policy.longest_wait, retry_policy.first_wait * 2.0**n) / 2
        for n in range(retry_policy.quota_tries - 1)
    ]

    assert sum(waits) > 60


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "authError"),
        (403, "forbidden"),
        (403, "notAuthorized"),
        (403, "insufficientPermissions"),
        (400, "domainNotFound"),
    ],
)
def test_missing_consent_is_reported_at_once_with_what_to_do(
    server: DirectoryServer, status: int, reason: str
):
    server.fail(status=status, reason=reason, times=None, message="ada@edu.storkoping.se may not")

    with pytest.raises(AccessRefused, match=f"^domains.list: .*{status} {reason}") as raised:
        ask(server, calls())
    assert server.queries == 1
    assert "Domain-wide delegation" in str(raised.value)
    assert "delegatedAdmin" in str(raised.value)
    assert "@" not in str(raised.value)


def test_an_api_that_is_not_enabled_is_for_the_operator_to_enable(server: DirectoryServer):
    server.fail(status=403, reason="accessNotConfigured")

    with pytest.raises(AccessRefused, match="Enable the Admin SDK API"):
        ask(server, calls())


def test_what_is_not_there_is_told_apart(server: DirectoryServer):
    server.fail(status=404, reason="notFound")

    with pytest.raises(NotFoundAnswer):
        ask(server, calls())


@pytest.mark.parametrize("status", [400, 409, 412])
def test_what_does_not_pass_is_not_tried_again(server: DirectoryServer, status: int):
    server.fail(status=status, reason="invalid", times=None)

    with pytest.raises(DirectoryError, match=f"^domains.list: the answer was {status} invalid\\."):
        ask(server, calls())
    assert server.queries == 1


def test_a_reason_that_is_no_word_is_not_repeated(server: DirectoryServer):
    server.fail(status=400, reason="Ada Ek ada@edu.storkoping.se")

    with pytest.raises(DirectoryError) as raised:
        ask(server, calls())
    assert "ada" not in str(raised.value).lower()


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"nonsense"])
def test_an_answer_that_is_no_json_is_tried_again_and_then_given_up(body: bytes):
    with other_server(lambda path, query, answer: body) as server:
        with pytest.raises(DirectoryError, match=r"^domains\.list: the answer failed"):
            ask(server, calls())
        assert server.queries == QUICK.tries


def test_a_server_that_is_not_there_is_an_error():
    with DirectoryServer(school()) as server:
        pass

    with pytest.raises(DirectoryError, match=r"ConnectionRefusedError.*, 3 times"):
        ask(server, calls())


def test_a_server_that_does_not_answer_is_an_error(server: DirectoryServer):
    server.fail(kind="hang", seconds=60, times=None)
    service = DirectoryClient(None, server.url, timeout=0.01)
    request = service.api.domains().list(customer="my_customer")

    with pytest.raises(DirectoryError, match="TimeoutError"):
        calls().execute(WHAT, lambda: service.send(request))
    service.close()


def test_waits_grow_and_are_never_the_same():
    retry_policy = ReadRetryPolicy(first_wait=0.5, longest_wait=4.0)
    waits = {
        n: {calls(retry_policy).wait_after(ApiError("503"), n) for _ in range(50)} for n in (1, 9)
    }

    assert all(0.25 <= wait <= 0.5 for wait in waits[1])
    assert all(2.0 <= wait <= 4.0 for wait in waits[9])
    assert len(waits[1]) > 1


def test_retry_after_is_waited_for_and_some_more_but_not_for_ever():
    retry_policy = ReadRetryPolicy(first_wait=0.5, longest_told=120.0)

    assert 30.0 <= calls(retry_policy).wait_after(ApiError("429", wait=30.0), 1) <= 30.5
    assert calls(retry_policy).wait_after(ApiError("429", wait=86400.0), 1) <= 120.5


def test_retry_after_is_read_from_the_answer(server: DirectoryServer):
    server.fail(status=429, retry_after=86400, times=1)

    assert ask(server, calls())["domains"]


def test_each_try_takes_a_turn_of_the_quota(server: DirectoryServer):
    server.fail(status=503, times=2)
    quota = Quota(3, 60.0, lambda: 0.0)
    ask(server, RetryingCaller(QUICK, quota, Event()))

    assert quota.delay() == 60.0


def test_nothing_is_asked_when_all_has_been_stopped(server: DirectoryServer):
    stopped = Event()
    stopped.set()

    with pytest.raises(ReadingStopped):
        ask(server, RetryingCaller(QUICK, Quota(), stopped))
    assert server.queries == 0


def test_a_wait_ends_when_all_is_stopped():
    stopped = Event()

    def fail() -> None:
        stopped.set()
        raise ConnectionResetError

    with pytest.raises(ReadingStopped):
        RetryingCaller(
            ReadRetryPolicy(first_wait=3600, longest_wait=3600), Quota(), stopped
        ).execute(WHAT, fail)


def test_a_fault_of_our_own_is_not_taken_for_the_directorys():
    def fault() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        calls().execute(WHAT, fault)
