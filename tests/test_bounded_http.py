"""Answers that trickle or never end are given up in time, whatever part of them trickles."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests

from addon.bounded_http import AnswerTooLargeError, bounded_session, page_deadline

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Trickling:
    """A server that sends `at_once`, and then `drip` again and again."""

    def __init__(self) -> None:
        self.at_once, self.drip, self.pause = b"", b"", 0.01
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client:
                try:
                    client.recv(65_536)
                    client.sendall(self.at_once)
                    while self.drip and not self._ended.wait(self.pause):
                        client.sendall(self.drip)
                except OSError:
                    pass

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Trickling]:
    server = Trickling()
    yield server
    server.close()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with bounded_session(largest=10_000) as session:
        yield session


def test_an_answer_is_as_with_requests(server: Trickling, session: requests.Session):
    server.at_once = HEAD + b'Content-Length: 8\r\nSet-Cookie: a=b\r\n\r\n{"a": 1}'
    answer = session.get(server.url, params=[("å", "ö")], timeout=5)
    assert (answer.status_code, answer.json()) == (200, {"a": 1})
    assert answer.url.endswith("/?%C3%A5=%C3%B6")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("at_once", "drip"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nA: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        (HEAD + b"Content-Length: 1000\r\n\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["status", "header", "headers", "body", "chunks"],
)
def test_an_answer_in_drips_has_a_time_for_the_whole(
    server: Trickling, session: requests.Session, at_once: bytes, drip: bytes
):
    server.at_once, server.drip = at_once, drip
    began = time.monotonic()
    with pytest.raises(requests.RequestException):
        session.get(server.url, timeout=(5.0, 0.3))
    assert time.monotonic() - began < 2


def test_all_that_a_page_asks_has_one_time_together(server: Trickling, session: requests.Session):
    server.at_once, server.drip = HEAD, b"a"
    began = time.monotonic()
    with page_deadline(0.4):
        for _ in range(4):
            with pytest.raises(requests.Timeout):
                session.get(server.url, timeout=0.3)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("head", [b"\r\n", b"Content-Encoding: gzip\r\n\r\n"])
def test_an_answer_without_end_is_not_kept(
    server: Trickling, session: requests.Session, head: bytes
):
    server.at_once, server.drip, server.pause = HEAD + head, b"a" * 5_000, 0
    with pytest.raises(AnswerTooLargeError):
        session.get(server.url, timeout=5)


def test_a_server_that_is_not_there_is_a_failed_connection(session: requests.Session):
    with pytest.raises(requests.ConnectionError):
        session.get("http://127.0.0.1:1/", timeout=5)
