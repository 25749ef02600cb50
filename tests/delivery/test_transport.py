"""One request to a vendor ends in an answer, is given up, or ends the delivery; never worse."""

import asyncio
import resource
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from addon.delivery.response import VendorResponse
from addon.delivery.throttle import DeliveryStopped, RetryPolicy, Throttle
from addon.delivery.transport import ANSWER_BYTES, RetriesExhausted, Transport
from addon.vendors.profiles import Target
from tests.delivery.delivering import QUICK, sent, target, with_transport
from tests.support.egil_server import EgilServer
from tests.support.egil_tls import server_context

BODY = b'{"externalId": "user-1"}'


async def post(transport: Transport) -> VendorResponse:
    return await transport.send("POST", "User", body=BODY)


async def posting(transport: Transport, *names: str) -> None:
    for name in names:
        body = b'{"externalId": "%b"}' % name.encode()
        await transport.send("POST", "User", body=body)


def posts(server: EgilServer) -> list[int | None]:
    return [status for method, _, status in sent(server) if method == "POST"]


def test_a_request_carries_the_key_the_type_and_the_body():
    with EgilServer(base_path="/scim/v2") as server:
        answer = with_transport(server, post)
        assert (answer.status, answer.done, answer.cut) == (201, True, False)
        assert sent(server) == [("POST", "/Users", 201)]
        assert server.requests[0].body == {"externalId": "user-1"}


@pytest.mark.parametrize("resource_id", ["a/b", "a b", "å?x=1#y", "%2e", "{id}"])
def test_any_id_is_one_part_of_the_address(resource_id):
    with EgilServer() as server:
        with_transport(server, lambda transport: transport.send("DELETE", "User", resource_id))
        assert server.requests[0].path.count("/") == 2
        assert "?" not in server.requests[0].path


def test_connections_are_kept_alive():
    async def many(transport: Transport) -> int:
        for _ in range(20):
            await post(transport)
        assert transport._session is not None
        connector = transport._session.connector
        return sum(len(idle) for idle in connector._conns.values())  # type: ignore[union-attr]

    with EgilServer() as server:
        assert with_transport(server, many) == 1


# Trouble that passes


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_speaks_of_the_vendors_state_is_tried_again(status):
    with EgilServer() as server:
        server.fail(status, times=2)
        assert with_transport(server, post).status == 201
        assert posts(server) == [status, status, 201]


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 413, 415, 422, 501])
def test_what_speaks_of_the_request_is_not_tried_again(status):
    with EgilServer() as server:
        server.fail(status, times=None)
        assert with_transport(server, post).status == status
        assert posts(server) == [status]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_breaks_is_tried_again(when):
    with EgilServer() as server:
        server.fail(drop=True, when=when)
        assert with_transport(server, post).status == 201


def test_a_request_is_given_up_after_a_few_tries():
    with EgilServer() as server:
        server.fail(500, times=None)
        with pytest.raises(RetriesExhausted, match="the vendor answered 500") as given_up:
            with_transport(server, post)
        assert given_up.value.status == 500
        assert given_up.value.uncertain
        assert posts(server) == [500] * QUICK.tries


@pytest.mark.parametrize("retry_after", [0, "0.01", "-5", "soon", datetime(2020, 1, 1, tzinfo=UTC)])
def test_being_asked_to_wait_is_waited_out(retry_after):
    with EgilServer() as server:
        server.fail(429, times=4, retry_after=retry_after)
        assert with_transport(server, post).status == 201
        assert posts(server) == [429] * 4 + [201]


def test_a_wait_in_seconds_is_kept():
    with EgilServer() as server:
        server.fail(503, retry_after="0.2")
        with_transport(server, post)
        first, second = server.requests
        assert 0.2 <= second.time - first.time < 5


def test_a_wait_until_a_date_is_kept():
    with EgilServer() as server:
        server.fail(429, retry_after=datetime.now(UTC) + timedelta(seconds=1))
        retry_policy = structs.replace(QUICK, longest_pause=5.0)
        with_transport(server, post, retry_policy=retry_policy)
        first, second = server.requests
        assert 0 < second.time - first.time < 5


@pytest.mark.parametrize(
    "retry_after", [3600, "9" * 400, datetime(2500, 1, 1, tzinfo=UTC)], ids=["hour", "huge", "date"]
)
def test_a_wait_that_is_too_long_ends_the_delivery_at_once(retry_after):
    with EgilServer() as server:
        server.fail(503, times=None, retry_after=retry_after)
        with pytest.raises(DeliveryStopped, match="left alone") as stopped:
            with_transport(server, post)
        assert stopped.value.status == 503
        assert not stopped.value.uncertain
        assert posts(server) == [503]


def test_a_wait_holds_back_every_request_of_the_connection():
    async def several(transport: Transport) -> None:
        await asyncio.gather(
            *(posting(transport, *(f"{n}-{i}" for i in range(10))) for n in range(4))
        )

    with EgilServer() as server:
        server.fail(429, retry_after="0.3")
        with_transport(server, several)
        refused = next(r for r in server.requests if r.status == 429)
        later = [r.time - refused.time for r in server.requests if r.time > refused.time + 0.1]
        assert min(later) >= 0.29


def test_failures_in_a_row_stop_the_delivery():
    async def several(transport: Transport) -> list[type[BaseException]]:
        found = await asyncio.gather(
            *(posting(transport, *(f"{n}-{i}" for i in range(10))) for n in range(4)),
            return_exceptions=True,
        )
        return [type(each) for each in found if isinstance(each, BaseException)]

    with EgilServer() as server:
        server.fail(500, times=None)
        found = with_transport(server, several)
        assert set(found) <= {RetriesExhausted, DeliveryStopped}
        assert len(found) == 4
        assert len(server.requests) < 40


def test_a_500_to_a_question_says_nothing_of_the_vendor():
    """Some servers cannot list, and say it with a 500."""

    async def ask_and_write(transport: Transport) -> int:
        for _ in range(5):
            with pytest.raises(RetriesExhausted):
                await transport.send("GET", "User")
        return (await post(transport)).status

    with EgilServer() as server:
        server.fail(500, times=None, method="GET")
        assert with_transport(server, ask_and_write) == 201


# Whether it had its effect


@pytest.mark.parametrize(
    ("fault", "uncertain"),
    [
        ({"status": 500}, True),
        ({"status": 502}, True),
        ({"status": 408}, True),
        ({"status": 503}, True),
        ({"status": 503, "retry_after": 0}, False),
        ({"status": 429}, False),
        ({"status": 425}, False),
        ({"drop": True}, True),
        ({"garbage": True}, True),
        ({"hang": 0.4}, True),
    ],
    ids=str,
)
def test_it_is_told_whether_a_request_may_have_had_its_effect(fault, uncertain):
    impatient = structs.replace(QUICK, tries=1, read=0.1)
    with EgilServer() as server:
        server.fail(times=None, **fault)
        with pytest.raises(RetriesExhausted) as given_up:
            with_transport(server, post, retry_policy=structs.replace(impatient, incidents=99))
        assert given_up.value.uncertain is uncertain


def test_what_ends_the_delivery_after_an_uncertain_try_leaves_it_uncertain():
    with EgilServer() as server:
        server.fail(drop=True, when="after")
        server.fail(401, times=None)
        with pytest.raises(DeliveryStopped) as stopped:
            with_transport(server, post)
        assert stopped.value.uncertain
        assert stopped.value.status == 401


def test_a_create_that_may_have_arrived_is_not_repeated_before_the_vendor_is_asked():
    asked: list[int] = []

    async def careful(transport: Transport) -> VendorResponse:
        async def ask() -> None:
            asked.append(len(server.requests))

        return await transport.send("POST", "User", body=BODY, before_repeat=ask)

    with EgilServer() as server:
        server.fail(429, retry_after=0)
        server.fail(500, when="after")
        with_transport(server, careful)
        assert posts(server) == [429, 500, 201]
        assert asked == [2]


def test_a_create_that_the_vendor_may_still_be_at_work_on_is_not_repeated():
    """Its effect may come after the vendor has said that it has nothing."""

    async def careful(transport: Transport) -> VendorResponse:
        async def ask() -> None:
            raise AssertionError

        return await transport.send("POST", "User", body=BODY, before_repeat=ask)

    with EgilServer() as server:
        server.fail(hang=0.4, times=None)
        impatient = structs.replace(QUICK, read=0.1)
        with pytest.raises(RetriesExhausted, match="did not answer in time") as given_up:
            with_transport(server, careful, retry_policy=impatient)
        assert given_up.value.uncertain
        assert len(server.requests) == 1


# What no other request would survive


def test_a_key_that_is_not_accepted_ends_the_delivery():
    with EgilServer() as server:
        server.fail(401, times=None)
        with pytest.raises(DeliveryStopped, match=r"does not accept our key .401") as stopped:
            with_transport(server, post)
        assert stopped.value.status == 401
        assert len(server.requests) == 1


def test_a_key_that_may_only_write_is_good_for_writing():
    async def ask(transport: Transport) -> list[int]:
        return [(await transport.send("GET", "User")).status, (await post(transport)).status]

    with EgilServer() as server:
        server.fail(403, times=None, method="GET")
        assert with_transport(server, ask) == [403, 201]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_with_our_key(status):
    with EgilServer() as elsewhere, EgilServer() as server:
        server.fail(status, times=None, redirect=f"{elsewhere.url}/Users")
        with pytest.raises(DeliveryStopped, match="redirects"):
            with_transport(server, post)
        assert elsewhere.requests == []


def test_a_certificate_that_is_not_trusted_ends_the_delivery():
    with EgilServer(tls=True) as server:
        with pytest.raises(
            DeliveryStopped, match="authority is not known; see caBundle"
        ) as stopped:
            with_transport(server, post)
        assert stopped.value.problem.code == "certificate-authority"
        assert server.requests == []


@pytest.mark.parametrize(
    ("certificate", "said", "code"),
    [
        ({"expired": True}, "it has expired", "certificate-expired"),
        ({"address": "127.0.0.9"}, "it is for another address", "certificate-name"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_reported(certificate, said, code):
    with EgilServer(tls=certificate) as server:
        to = Target(server.url, {"X-API-Key": server.key}, server.ca_file)
        with pytest.raises(DeliveryStopped, match=said) as stopped:
            with_transport(server, post, to)
        assert stopped.value.problem.code == code


def test_our_own_lack_of_files_is_not_the_vendors_fault():
    async def short_of_files(transport: Transport) -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket() as lowest:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest.fileno(), before[1]))
        try:
            await post(transport)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    with EgilServer() as server:
        with pytest.raises(DeliveryStopped, match="too many open files") as stopped:
            with_transport(server, short_of_files)
        assert stopped.value.problem.code == "own-resources"


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    with EgilServer() as server:
        monkeypatch.setenv("http_proxy", server.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with_transport(
            server, post, Target("http://vendor.invalid/scim", {"X-API-Key": server.key})
        )
        assert [r.path for r in server.requests] == ["http://vendor.invalid/scim/Users"]
        assert with_transport(server, post).status == 201


def test_connections_that_are_closed_without_a_word_are_not_used_again():
    """Else a POST to such a vendor is lost each time, and the vendor is asked about each."""
    answered = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(BODY))
        answered.append(head)
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        if b"connection: close" not in head.lower():
            with suppress(asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")  # the next request meets the end
        writer.close()

    async def post_many() -> list[int]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        to = Target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", {})
        asked = []

        async def ask() -> None:
            asked.append(1)

        async with server, Transport(to, 1, Throttle(10_000, QUICK), QUICK) as transport:
            for _ in range(9):
                await transport.send("POST", "User", body=BODY, before_repeat=ask)
        return asked

    assert len(asyncio.run(post_many())) == 2
    assert len(answered) == 9


def test_a_ca_bundle_is_trusted():
    with EgilServer(tls=True) as server:
        to = Target(server.url, {"X-API-Key": server.key}, server.ca_file)
        assert with_transport(server, post, to).status == 201


def test_a_certificate_of_another_host_is_not_trusted(tmp_path):
    async def to_another_host() -> None:
        async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            raise AssertionError

        context = server_context(tmp_path)
        server = await asyncio.start_server(never, "127.0.0.2", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        to = Target(f"https://127.0.0.2:{port}", {}, str(tmp_path / "ca.pem"))
        async with server, Transport(to, 1, Throttle(1000, QUICK), QUICK) as transport:
            await post(transport)

    with pytest.raises(DeliveryStopped, match="not trusted"):
        asyncio.run(to_another_host())


def test_an_address_that_is_none_ends_the_delivery():
    with EgilServer() as server, pytest.raises(DeliveryStopped, match="its address is not one"):
        with_transport(server, post, Target("http://127.1", {}))


def test_no_tls_where_there_should_be_ends_the_delivery():
    with EgilServer() as server:
        to = Target(server.url.replace("http:", "https:"), {})
        with pytest.raises(DeliveryStopped, match="TLS could not be agreed on"):
            with_transport(server, post, to)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_ca_bundle_that_cannot_be_read_ends_the_delivery_before_it_begins(tmp_path, content):
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_bytes(content)
    with (
        EgilServer(tls=True) as server,
        pytest.raises(DeliveryStopped, match="cannot be read") as stopped,
    ):
        with_transport(server, post, Target(server.url, {}, str(bundle)))
    assert str(stopped.value).startswith(f"its caBundle {bundle}")


# A vendor that is not there, or never ends


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_host_that_cannot_be_reached_is_given_up_and_nothing_is_uncertain():
    async def to_nobody() -> None:
        throttle = Throttle(1000, QUICK)
        to = Target(f"http://127.0.0.1:{closed_port()}", {})
        async with Transport(to, 1, throttle, QUICK) as transport:
            await post(transport)

    with pytest.raises(RetriesExhausted, match="could not be reached") as given_up:
        asyncio.run(to_nobody())
    assert not given_up.value.uncertain


def test_a_vendor_that_never_answers_is_left_within_bounds():
    async def to_silence(port: int) -> None:
        retry_policy = structs.replace(QUICK, read=0.1)
        throttle = Throttle(1000, retry_policy)
        async with Transport(
            Target(f"http://127.0.0.1:{port}", {}), 1, throttle, retry_policy
        ) as transport:
            for name in ("one", "another", "a third"):
                with suppress(RetriesExhausted):
                    await posting(transport, name)

    began = time.monotonic()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(DeliveryStopped, match="did not answer in time, again and again") as stopped,
    ):
        asyncio.run(to_silence(listener.getsockname()[1]))
    assert stopped.value.uncertain
    assert time.monotonic() - began < 5


# Answers of any size and kind


def test_an_answer_is_read_up_to_a_bound():
    with EgilServer() as server:
        server.fail(megabytes=50)
        answer = with_transport(server, post)
        assert answer.done
        assert answer.cut
        assert len(answer.body) == ANSWER_BYTES


def test_an_error_of_any_size_is_an_error():
    with EgilServer() as server:
        server.fail(400, megabytes=5)
        assert with_transport(server, post).status == 400


def test_an_answer_that_breaks_off_has_told_its_status():
    with EgilServer() as server:
        server.fail(truncate=True, when="after")
        answer = with_transport(server, post)
        assert (answer.done, answer.cut) == (True, True)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "utter-nonsense"},
        {"Content-Type": "no/such; charset=klingon"},
        {"Set-Cookie": "a=b" * 100},
    ],
    ids=str,
)
def test_odd_headers_do_not_undo_an_answer(headers):
    with EgilServer() as server:
        server.fail(201, headers=headers, body=b"\x1f\x8b broken")
        assert with_transport(server, post).done


class Chatterer:
    """A server that sends the same bytes to whoever connects, and then closes."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    async def __aenter__(self) -> str:
        async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._said)
            writer.close()

        self._server = await asyncio.start_server(say, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


def talk(said: bytes, retry_policy: RetryPolicy = QUICK) -> VendorResponse:
    async def run() -> VendorResponse:
        async with (
            Chatterer(said) as url,
            Transport(Target(url, {}), 1, Throttle(1000, retry_policy), retry_policy) as transport,
        ):
            return await transport.send("POST", "User", body=BODY)

    return asyncio.run(run())


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 201 Created\r\nContent-Length: 999\r\n\r\n{}",
        b"HTTP/1.0 201 Created\r\n\r\n{}",
        b"HTTP/1.1 201\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_status_that_was_told_stands_however_the_body_ends(said):
    assert talk(said).status == 201


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x16\x03\x01\x00",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nbroken",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_trouble_that_may_have_had_its_effect(said):
    with pytest.raises(RetriesExhausted, match="the connection broke") as given_up:
        talk(said)
    assert given_up.value.uncertain


def test_the_key_is_in_no_message():
    with EgilServer(key="very-secret") as server:
        to = target(server, "not-the-key")
        with pytest.raises(DeliveryStopped) as stopped:
            with_transport(server, post, to)
        assert "not-the-key" not in str(stopped.value)
        assert "not-the-key" not in repr(to)
