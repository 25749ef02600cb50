"""An answer of the Directory API that trickles, or is far too large, ends in a DirectoryError."""

import gzip
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from addon.directory.errors import DirectoryError
from addon.directory.google import bounded_connection
from addon.directory.google.client import DirectoryClient
from addon.directory.google.quota import Quota
from addon.directory.google.retry import ReadRetryPolicy, RetryingCaller
from tests.test_bounded_http import HEAD, Trickling

TWICE = ReadRetryPolicy(tries=2, quota_tries=2, first_wait=0.0)
LARGEST = 10_000


@pytest.fixture
def server() -> Iterator[Trickling]:
    server = Trickling()
    yield server
    server.close()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> RetryingCaller:
    monkeypatch.setattr(bounded_connection, "LARGEST_PAGE", LARGEST)
    return RetryingCaller(TWICE, Quota(), threading.Event())


def ask(server: Trickling, calls: RetryingCaller, seconds: float) -> Any:
    service = DirectoryClient(None, server.url, seconds)
    try:
        request = service.api.domains().list(customer="C1")
        return calls.execute("domains.list", lambda: service.send(request))
    finally:
        service.close()


@pytest.mark.parametrize(
    ("at_once", "drip"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nA: ", b"a"),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["status", "header", "body", "chunks"],
)
def test_an_answer_in_drips_ends_in_time(
    server: Trickling, calls: RetryingCaller, at_once: bytes, drip: bytes
):
    server.at_once, server.drip = at_once, drip
    began = time.monotonic()
    with pytest.raises(DirectoryError):
        ask(server, calls, 0.2)
    assert calls.count == 2
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 1000000\r\n\r\n", b" " * 1_000_000),
        (b"\r\n", b" " * 1_000_000),
        (b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b" " * 1_000_000)),
    ],
    ids=["said", "until the end", "compressed"],
)
def test_too_large_an_answer_is_not_asked_for_again(
    server: Trickling, calls: RetryingCaller, head: bytes, body: bytes
):
    server.at_once = HEAD + head + body
    with pytest.raises(DirectoryError, match="larger than it may be"):
        ask(server, calls, 5)
    assert calls.count == 1


def test_a_compressed_answer_within_the_limit_is_read(server: Trickling, calls: RetryingCaller):
    body = gzip.compress(b'{"domains": []}')
    server.at_once = HEAD + b"Content-Encoding: gzip\r\n\r\n" + body
    assert ask(server, calls, 5) == {"domains": []}
