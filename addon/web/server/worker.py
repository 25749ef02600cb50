"""A gunicorn worker that gives a thread whole requests only.

gunicorn's own `gthread` reads a request in the thread that answers it, and closes a connection in
its loop, both for as long as the client likes: sixteen half requests, or clients that do not hang
up, stop everything. Here the loop reads each request, within a time and a size, before a thread
gets it, and a connection that is closed waits for its client beside the others. What nobody can
send whole within the time costs a file descriptor, and the oldest go first when those are scarce.
"""

import socket
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from addon.web.security.headers import LARGEST
from addon.web.server.received_request import ReceivedRequest

HEAD_SECONDS = 10.0
"""Seconds in which the head of a request must have come."""
BODY_SECONDS = 60.0
"""Seconds in which its body must have come."""
WRITE_SECONDS = 30.0
"""Seconds in which a client must have taken each part of an answer."""
LINGER_SECONDS = 2.0
"""Seconds that a client has to hang up, so that it gets the end of an answer."""
MOST_RECEIVED = 64 * 1024 * 1024
"""Bytes of all requests that are not whole yet."""
SEND_BUFFER = 1024 * 1024
"""Bytes of an answer that the system takes for a client that reads slowly, as far as it allows."""
PART = 65_536
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
REFUSAL = "HTTP/1.1 {} \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _Reading:
    """A request that is being received on a connection."""

    def __init__(self, deadline: float) -> None:
        self.request = ReceivedRequest(LARGEST)
        self.deadline = deadline


class BufferingWorker(ThreadWorker):  # type: ignore[misc]
    """Reads requests in its loop and answers them in threads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading: dict[TConn, _Reading] = {}  # the oldest first
        self._received = 0
        self._lingering: deque[tuple[float, TConn]] = deque()
        self._unread: set[TConn] = set()

    # Receiving

    def enqueue_req(self, conn: TConn) -> None:
        """Receive a request; called when a connection is new, or has more to say."""
        if conn.parser is None:
            with suppress(OSError):
                conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        reading = self._reading[conn] = _Reading(time.monotonic() + HEAD_SECONDS)
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, EVENT_READ, partial(self._receive, conn))
        ahead = b"" if conn.parser is None else conn.parser.unreader.take_buffered()
        if ahead:
            self._take(conn, reading, ahead)
        if self.nr_conns > self.worker_connections * 3 // 4:
            self._drop_oldest()

    def _receive(self, conn: TConn, _sock: object) -> None:
        reading = self._reading.get(conn)
        if reading is None:  # dropped since the loop woke up
            return
        try:
            part = conn.sock.recv(PART)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if part:
            self._take(conn, reading, part)
        else:
            self._drop(conn)

    def _take(self, conn: TConn, reading: _Reading, part: bytes) -> None:
        before = reading.request.stage
        self._received += len(part)
        stage = reading.request.add(part)
        if stage == "head-too-large":
            self._drop(conn, "431 Request Header Fields Too Large")
        elif stage in ("whole", "body-too-large"):
            if stage == "body-too-large":  # answered without it
                self._unread.add(conn)
            self._forget(conn)
            conn.init()
            conn.parser.unreader.unread(bytes(reading.request.data))
            conn.data_ready = True
            super().enqueue_req(conn)
        elif stage == "body" and before == "head":
            reading.deadline = time.monotonic() + BODY_SECONDS
            if reading.request.expects_continue:
                with suppress(OSError):
                    conn.sock.send(CONTINUE)
        if self._received > MOST_RECEIVED:
            self._drop_oldest()

    def _forget(self, conn: TConn) -> None:
        """Receive no more on the connection for now."""
        self._received -= len(self._reading.pop(conn).request.data)
        self.poller.unregister(conn.sock)

    def _drop(self, conn: TConn, status: str = "") -> None:
        """Close a connection whose request has not come whole."""
        self._forget(conn)
        if status:
            with suppress(OSError):
                conn.sock.send(REFUSAL.format(status).encode())
        self._close(conn)

    def _drop_oldest(self) -> None:
        if self._reading:
            self._drop(next(iter(self._reading)), "503 Service Unavailable")

    def murder_pending(self) -> None:
        """Close the connections whose time is out; the loop calls it each second."""
        now = time.monotonic()
        if not self.alive:
            for reading in self._reading.values():
                reading.deadline = min(reading.deadline, now + LINGER_SECONDS)
        late = [conn for conn, reading in self._reading.items() if reading.deadline <= now]
        for conn in late:
            self._drop(conn, "408 Request Timeout" if self._reading[conn].request.data else "")
        while self._lingering and self._lingering[0][0] <= now:
            _, conn = self._lingering.popleft()
            if conn.sock.fileno() >= 0:
                self.poller.unregister(conn.sock)
                self._close(conn)

    # Answering

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer a request; a client that does not take the answer in time is given up."""
        conn.sock.settimeout(WRITE_SECONDS)
        try:
            return super().handle_request(req, conn)
        except TimeoutError:
            raise StopIteration from None  # as gunicorn's own: the connection is closed

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Whether the connection can be used again: not if the rest of a body would follow."""
        return conn not in self._unread and bool(super()._keepalive_after(conn, keepalive))

    def finish_request(self, conn: TConn, fs: "Future[Any]") -> None:
        """Keep the connection or close it, without waiting for the client in the loop."""
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
            return
        self._unread.discard(conn)
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, EVENT_READ, partial(self._hang_up, conn))
        except (OSError, ValueError):
            self._close(conn)
        else:
            self._lingering.append((time.monotonic() + LINGER_SECONDS, conn))

    def _hang_up(self, conn: TConn, _sock: object) -> None:
        """Discard what a client still sends; close when it has hung up."""
        if conn.sock.fileno() < 0:
            return
        try:
            rest = conn.sock.recv(PART)
        except BlockingIOError:
            return
        except OSError:
            rest = b""
        if not rest:
            self.poller.unregister(conn.sock)
            self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()
