"""Connections of httplib2 whose answers have a time for the whole of them, and a size.

httplib2 limits each wait for the server only: an answer in drips never ends. The adapter of
`addon.bounded_http` does not keep its connections, of which a reading needs thousands.
"""

import http.client
import io
import socket
import time
from typing import Any

import httplib2

from addon.bounded_http import AnswerTooLargeError

LARGEST_PAGE = 10_000_000
"""Bytes of an answer, compressed or not; 500 users with all that is asked of them are about 1 MB,
and all OUs, which come in one answer, less."""


def bounded_client(seconds: float) -> Any:
    """Return a client whose answers arrive whole within `seconds`.

    Its requests raise TimeoutError, AnswerTooLargeError or DecodeLimitError for others.
    """
    return _BoundedClient(seconds, LARGEST_PAGE)


class _BoundedClient(httplib2.Http):  # type: ignore[misc]
    def __init__(self, seconds: float, largest: int) -> None:
        super().__init__(timeout=seconds, decode_limit_hard=largest)
        self._largest = largest

    def _conn_request(self, conn: Any, *request: Any) -> Any:
        """Send by httplib2, which calls this for each request of a connection."""
        if conn.sock is not None:
            conn.sock.settimeout(self.timeout)  # an earlier answer may have left it less
        until = time.monotonic() + self.timeout

        def response(sock: socket.socket, *given: Any, **options: Any) -> http.client.HTTPResponse:
            made = http.client.HTTPResponse(sock, *given, **options)
            made.fp = io.BufferedReader(_BoundedReader(sock, made.fp, until, self._largest))
            return made

        conn.response_class = response
        return super()._conn_request(conn, *request)


class _BoundedReader(io.RawIOBase):
    """What a socket receives of one answer until the time is out or there is too much."""

    def __init__(self, sock: socket.socket, received: Any, until: float, largest: int) -> None:
        self._sock = sock
        self._received = received.detach()
        self._until = until
        self._left = largest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("no whole answer in time")
        self._sock.settimeout(seconds)
        count: int | None = self._received.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise AnswerTooLargeError("an answer is larger than it may be")
        return count

    def close(self) -> None:
        self._received.close()
        super().close()
