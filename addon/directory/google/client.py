"""Google's client for the Directory API, with one connection per thread."""

import socket
import threading
from contextlib import suppress
from functools import lru_cache
from typing import Any

import google_auth_httplib2
import httplib2
from googleapiclient.discovery import build

from addon.directory.google.bounded_connection import bounded_client
from addon.directory.google.error_mapping import NETWORK_ERRORS, ErrorAnswer, NotJson

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What Google's libraries raise of JSON of another shape than theirs, the token's included."""


DIRECTORY = ("admin", "directory_v1")
REPORTS = ("admin", "reports_v1")
LICENSING = ("appsmarket", "v2")
"""Names and versions of APIs, whose descriptions are in Google's package."""


class DirectoryClient:
    """Builds requests with the API's methods in `api` and sends them from any thread.

    `endpoint` is the base URL of a server that replaces Google and gets no credentials; None is
    Google. `timeout` is in seconds, for each answer as a whole.
    """

    def __init__(
        self,
        credentials: Any,
        endpoint: str | None,
        timeout: float,
        described: tuple[str, str] = DIRECTORY,
    ) -> None:
        self._credentials = None if endpoint else credentials
        self._timeout = timeout
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: list[Any] = []
        self.api: Any = _api(described, endpoint)

    def send(self, request: Any, without_content: bool = False) -> Any:
        """Send `request` and return the decoded JSON of the answer.

        With `without_content` the answer may be 204, for which {} is returned.

        Raises ErrorAnswer for an error status, NotJson when the body of a good answer is not a
        JSON object or list, and what the connection and the credentials raise.
        """
        http = self._connection()
        try:
            self._sign_in(http)
            answer = request.execute(http=_ErrorsRaised(http))
            if answer == "" and without_content:
                return {}
            if not isinstance(answer, dict | list):
                raise NotJson
            return answer
        except NETWORK_ERRORS:
            http.close()
            raise
        except UNREADABLE:
            http.close()
            raise NotJson from None

    def fetch_token(self) -> None:
        """Fetch a token, if there is no valid one. Raises what the credentials raise."""
        self._sign_in(self._connection())

    def interrupt(self) -> None:
        """Interrupt the threads that wait for an answer; their requests fail."""
        for http in list(self._opened):
            for connection in list(http.connections.values()):
                with suppress(OSError, AttributeError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections; call it when no thread uses them any more."""
        for http in self._opened:
            http.close()

    def _connection(self) -> Any:
        """The connection of the calling thread: httplib2 must not be shared between threads."""
        if not hasattr(self._local, "http"):
            http = bounded_client(self._timeout)
            if self._credentials is not None:
                http = google_auth_httplib2.AuthorizedHttp(self._credentials, http=http)
            self._local.http = http
            self._opened.append(http)
        return self._local.http

    def _sign_in(self, http: Any) -> None:
        """Fetch a token if there is no valid one; one thread fetches it, all use it."""
        if self._credentials is None or self._credentials.valid:
            return
        with self._lock:
            if not self._credentials.valid:
                self._credentials.refresh(google_auth_httplib2.Request(http.http))


@lru_cache(maxsize=16)
def _api(described: tuple[str, str], endpoint: str | None) -> Any:
    """Return the methods of an API, which build requests and keep nothing: all clients share them.

    The description of the Directory API is 280 KB of JSON.
    """
    options = {"api_endpoint": endpoint.rstrip("/") + "/"} if endpoint else {}
    return build(*described, http=httplib2.Http(), static_discovery=True, client_options=options)


class _ErrorsRaised:
    """A connection that raises ErrorAnswer for every answer with an error status.

    Google's client would look into the body for a reason, and fail in ways of its own.
    """

    def __init__(self, http: Any) -> None:
        self._http = http

    def request(self, *args: Any, **options: Any) -> Any:
        answer, body = self._http.request(*args, **options)
        if answer.status >= 300:
            raise ErrorAnswer(int(answer.status), answer, body)
        return answer, body
