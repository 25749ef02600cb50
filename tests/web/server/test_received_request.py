"""Where a request ends, however it is cut up on the way."""

import pytest

from addon.web.server.received_request import MOST_HEAD, ReceivedRequest, Stage

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = CHUNKED + b"5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n"


def stage_of(data: bytes, most_body: int = 100) -> Stage:
    return ReceivedRequest(most_body).add(data)


@pytest.mark.parametrize(
    "whole", [GET, POST + b"hello", CHUNKS + b"\r\n", CHUNKS + b"a: b\r\n\r\n"]
)
def test_a_request_is_whole_with_its_last_byte_and_not_before(whole: bytes):
    in_drips = ReceivedRequest(100)
    stages = [in_drips.add(whole[n : n + 1]) for n in range(len(whole))]
    assert stages[-1] == "whole"
    assert "whole" not in stages[:-1]
    assert stage_of(whole) == "whole"
    assert bytes(in_drips.data) == whole


def test_what_follows_a_request_stays_with_it():
    request = ReceivedRequest(100)
    assert request.add(b"\r\n" + POST + b"hello" + GET) == "whole"
    assert bytes(request.data) == POST + b"hello" + GET


@pytest.mark.parametrize(
    ("data", "stage"),
    [
        (b"G" * (MOST_HEAD + 1), "head-too-large"),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * MOST_HEAD + b"\r\n\r\n", "head-too-large"),
        (POST.replace(b"5", b"101"), "body-too-large"),
        (CHUNKED + b"fff\r\n" + b"a" * 300, "body-too-large"),
        (CHUNKED + b"1\r\na\r\n" * 60, "body-too-large"),
    ],
)
def test_what_is_too_large_is_not_received_to_its_end(data: bytes, stage: Stage):
    assert stage_of(data) == stage


@pytest.mark.parametrize("odd", [b"-1\r\n", b"\r\n", b"x\r\n", b"1" * 2000, b"0x5\r\n"])
def test_a_malformed_chunk_is_left_to_the_parser(odd: bytes):
    assert stage_of(CHUNKED + odd, most_body=10_000) == "whole"


def test_a_client_that_waits_for_leave_to_send_its_body_gets_it():
    request = ReceivedRequest(100)
    request.add(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert request.expects_continue
    assert not ReceivedRequest(100).expects_continue
