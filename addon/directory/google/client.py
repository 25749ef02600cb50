"""Google's client for the Directory API, with a connection for each thread."""

import socket
import threading
from contextlib import suppress
from typing import Any

import google_auth_httplib2
import httplib2
from googleapiclient.discovery import build

from addon.directory.google.error_mapping import NETWORK_ERRORS, NotJson


class DirectoryClient:
    """The API's methods, in `api`, and a way to send what they make from any thread.

    `endpoint` is a base URL that answers in Google's place, to which no credentials are
    shown; None is Google. `timeout` is in seconds, for each wait for the other side.
    """

    def __init__(self, credentials: Any, endpoint: str | None, timeout: float) -> None:
        self._credentials = None if endpoint else credentials
        self._timeout = timeout
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: list[Any] = []
        options = {"api_endpoint": endpoint.rstrip("/") + "/"} if endpoint else {}
        self.api: Any = build(
            "admin",
            "directory_v1",
            http=httplib2.Http(),
            static_discovery=True,
            client_options=options,
        )

    def send(self, request: Any) -> Any:
        """The decoded JSON that answers `request`.

        Raises what Google's client raises, and NotJson, where that gives the bare text.
        """
        http = self._connection()
        try:
            self._sign_in(http)
            answer = request.execute(http=http)
            if not isinstance(answer, dict | list):
                raise NotJson
            return answer
        except NETWORK_ERRORS:
            http.close()
            raise

    def hang_up(self) -> None:
        """Wake the threads that wait for an answer; what they wait for fails."""
        for http in list(self._opened):
            for connection in list(http.connections.values()):
                with suppress(OSError, AttributeError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections; no thread uses them any more."""
        for http in self._opened:
            http.close()

    def _connection(self) -> Any:
        """The connection of the calling thread: httplib2 must not be shared between threads."""
        if not hasattr(self._local, "http"):
            http = httplib2.Http(timeout=self._timeout)
            if self._credentials is not None:
                http = google_auth_httplib2.AuthorizedHttp(self._credentials, http=http)
            self._local.http = http
            self._opened.append(http)
        return self._local.http

    def _sign_in(self, http: Any) -> None:
        """See that there is a token: fetched by one thread, used by all."""
        if self._credentials is None or self._credentials.valid:
            return
        with self._lock:
            if not self._credentials.valid:
                self._credentials.refresh(google_auth_httplib2.Request(http.http))
