"""Clients that send slowly, read slowly or never hang up, against a real gunicorn."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from addon.web.security.headers import LARGEST
from tests.support.served_by_gunicorn import GUNICORN, served_by_gunicorn

MANY = 64
"""Four times as many as there are threads."""
SERVE = ("-m", "addon", "serve", "--port", "PORT")
HALF = b"POST /logga-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
Connect = Callable[[bytes], socket.socket]


@pytest.fixture(scope="module", params=[GUNICORN, SERVE], ids=["gunicorn", "serve"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("served")
    with (
        socket.create_server(("127.0.0.1", 0), backlog=128) as silent,  # never accepts or answers
        served_by_gunicorn(
            folder,
            *request.param,
            SKOLSYNK_OIDC_DISCOVERY=f"http://127.0.0.1:{silent.getsockname()[1]}",
            SKOLSYNK_OIDC_CLIENT_ID="skolsynk",
            SKOLSYNK_OIDC_CLIENT_SECRET="secret",
        ) as port,
    ):
        yield port


@pytest.fixture
def connect(port: int) -> Iterator[Connect]:
    with ExitStack() as opened:

        def connect(data: bytes) -> socket.socket:
            made = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            made.sendall(data)
            return made

        yield connect


def seconds_to_answer(port: int) -> float:
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    return time.monotonic() - began


@pytest.mark.parametrize(
    "sent",
    [b"", HALF[:10], HALF, HALF + b"\r\n" + b"a" * 1000, WHOLE],
    ids=["nothing", "half a line", "half a head", "half a body", "whole, and never hung up"],
)
def test_many_clients_that_stop_midway_keep_nobody_from_an_answer(
    connect: Connect, port: int, sent: bytes
):
    for _ in range(MANY):
        connect(sent)
    assert seconds_to_answer(port) < 2


def test_many_clients_that_send_in_drips_keep_nobody_from_an_answer(connect: Connect, port: int):
    dripping = [connect(HALF[:1]) for _ in range(MANY)]
    for at in range(1, 20):
        for each in dripping:
            each.send(HALF[at : at + 1])
        assert seconds_to_answer(port) < 2


def test_a_body_that_is_too_large_is_refused_at_once_and_takes_no_thread(
    connect: Connect, port: int
):
    head = HALF.replace(b"100000", str(LARGEST + 1).encode())
    refused = [connect(head + b"\r\n") for _ in range(MANY)]
    assert seconds_to_answer(port) < 2
    assert b" 413 " in refused[0].recv(1000)


def test_a_client_that_does_not_read_its_answer_takes_no_thread(connect: Connect, port: int):
    asks = b"GET /static/skolsynk.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(MANY):
        connect(asks)
    assert seconds_to_answer(port) < 2


def test_a_request_that_comes_in_parts_is_answered_and_its_connection_used_again(
    connect: Connect, port: int
):
    body = b"5\r\na=b&c\r\n0\r\n\r\n"
    made = connect(b"POST /logga-in HTTP/1.1\r\nHost: localhost\r\n")
    made.sendall(b"Content-Type: application/x-www-form-urlencoded\r\n")
    made.sendall(b"Transfer-Encoding: chunked\r\n\r\n" + body[:4])
    made.sendall(body[4:] + WHOLE[:20])
    made.sendall(WHOLE[20:])
    answers = b"".join(iter(lambda: made.recv(65_536), b""))
    assert answers.startswith(b"HTTP/1.1 400 ")  # the form has no token
    assert b'{"status":"ok"}' in answers.rpartition(b"HTTP/1.1 200")[2]


def test_a_head_without_end_is_refused(connect: Connect, port: int):
    made = connect(b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000)
    assert made.recv(100).startswith(b"HTTP/1.1 431 ")


def test_answers_come_while_others_send_as_fast_as_they_can(connect: Connect, port: int):
    """Whole requests of many clients at once are each answered."""
    statuses: list[bytes] = []

    def ask() -> None:
        statuses.append(connect(WHOLE).recv(12))

    asking = [threading.Thread(target=ask) for _ in range(MANY)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert statuses == [b"HTTP/1.1 200"] * MANY


def test_many_who_wait_for_a_provider_that_hangs_keep_nobody_from_an_answer(
    connect: Connect, port: int
):
    asks = b"GET /logga-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    asked = [connect(asks) for _ in range(40)]
    assert seconds_to_answer(port) < 2
    assert b"503" in asked[-1].recv(12)
