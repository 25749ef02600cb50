"""A server on loopback that answers for a sandbox domain: the Directory API, its notifications
and those of the Reports API, and the licensing API.

    with DirectoryServer(generate()) as server:
        ...  # SKOLSYNK_DIRECTORY_ENDPOINT=server.url

Beside the APIs, under /admin/ and /appsmarket/v2/:

    GET    /                   a page that shows the domain
    GET    /sandbox/marketplace  {"installed": whether it has the app, "by_hand": has given access}
    POST   /sandbox/marketplace  the same, to install and uninstall the app
    GET    /sandbox/domain     the whole domain, in the JSON form of `Domain`
    GET    /sandbox/queries    {"queries": the number of API queries answered}
    POST   /sandbox/change     {"method": "rename_user", ...its arguments}
    GET    /sandbox/push       the channels of notifications, and how notices were answered
    POST   /sandbox/push       the fields of a `PushBehaviour` that change, and "lag": the seconds
                               that users.list is behind
    POST   /sandbox/notices    {"number": 1000}: notify of so many users at once
    POST   /sandbox/failures   the fields of an `InjectedFailure`
    DELETE /sandbox/failures   remove all failures
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler
from threading import Event, Lock
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from addon.sandbox.directory_api import PREFIX, DirectoryApi, DirectoryApiError
from addon.sandbox.directory_page import directory_page
from addon.sandbox.domain import CHANGES, Domain, SandboxError
from addon.sandbox.failures import Failures, InjectedFailure
from addon.sandbox.loopback import LoopbackServer
from addon.sandbox.marketplace import LICENCE_PREFIX, Marketplace
from addon.sandbox.push_notifications import PushNotifications

ADMIN_PREFIX = "/admin/"
_JSON = "application/json; charset=UTF-8"
_HTML = "text/html; charset=UTF-8"


class Request(NamedTuple):
    """A request to the API as the server saw it; the path is decoded."""

    method: str
    path: str
    query: Mapping[str, str]


class DirectoryServer:
    """A server of a domain that runs in its own thread until closed; a context manager.

    Port 0 chooses a free one. The domain may be changed while it is served.
    """

    def __init__(
        self,
        domain: Domain,
        port: int = 0,
        failures: Iterable[InjectedFailure] = (),
        push: PushNotifications | None = None,
    ) -> None:
        self.domain = domain
        self.marketplace = Marketplace(domain)
        self.push = push or PushNotifications(domain)
        self._api = DirectoryApi(domain)
        self._failures = Failures(failures)
        self._requests: list[Request] = []
        self._lock = Lock()
        self._closed = Event()
        handler = type("Handler", (_Handler,), {"sandbox": self})
        self._http = LoopbackServer(port, handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._http.start()

    @property
    def requests(self) -> list[Request]:
        """The requests to the API so far, failed ones too."""
        with self._lock:
            return list(self._requests)

    @property
    def queries(self) -> int:
        """The number of requests to the API so far."""
        with self._lock:
            return len(self._requests)

    def forget_requests(self) -> None:
        """Clear `requests` and start counting again."""
        with self._lock:
            self._requests.clear()

    def fail(
        self,
        path_contains: str = "",
        status: int = 503,
        reason: str = "backendError",
        times: int | None = 1,
        after: int = 0,
        retry_after: int | None = None,
        **more: Any,
    ) -> None:
        """Add a failure; `more` are other fields of `InjectedFailure`, e.g. kind="drop"."""
        self._failures.add(
            InjectedFailure(path_contains, status, reason, times, after, retry_after, **more)
        )

    def clear_failures(self) -> None:
        """Remove all failures."""
        self._failures.clear()

    def close(self) -> None:
        """Stop serving, close all connections and release requests that hang."""
        self._closed.set()
        self.push.close()
        self._http.close()

    def __enter__(self) -> "DirectoryServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def wait(self) -> None:
        """Wait until the server has been closed."""
        self._closed.wait()

    # Called by the handler

    def received(self, request: Request) -> InjectedFailure | None:
        """Record a request to the API and return the failure to inject, if any."""
        with self._lock:
            self._requests.append(request)
        return self._failures.next_for(request.path, request.query)

    def answer(self, path: str, query: Mapping[str, str]) -> bytes:
        """Return the response body of this API path. Raises DirectoryApiError."""
        if path.startswith(LICENCE_PREFIX):
            return _encode(self.marketplace.answer(path))
        if not self.marketplace.gives_access:  # as Google refuses what has no delegation
            raise DirectoryApiError(401, "Request had invalid credentials.", "authError")
        with self.domain.lock:
            return _encode(self._api.answer(path, query))

    def answer_post(self, path: str, query: Mapping[str, str], body: bytes) -> bytes | None:
        """Return the response body of a POST to the API, None without content.

        Raises DirectoryApiError.
        """
        if not self.marketplace.gives_access:
            raise DirectoryApiError(401, "Request had invalid credentials.", "authError")
        try:
            given = json.loads(body)
        except ValueError:
            raise DirectoryApiError(400, "Parse Error", "parseError") from None
        answer = self.push.answer(path, query, given)
        return None if answer is None else _encode(answer)

    def change_push(self, given: Mapping[str, Any]) -> None:
        """Change how the sandbox notifies, and how far its lists are behind."""
        rest = dict(given)
        if "lag" in rest:
            self.domain.lag = float(rest.pop("lag"))
        self.push.change(rest)

    def send_notices(self, given: Mapping[str, Any]) -> None:
        """Notify of `number` users, though nothing changed."""
        with self.domain.lock:
            users = list(self.domain.users)[: int(given.get("number", 1000))]
        self.push.tell(users)

    def hang(self, seconds: float) -> None:
        """Wait, but no longer than until the server is closed."""
        self._closed.wait(seconds)

    def whole_domain(self) -> bytes:
        """Return the domain in its JSON form."""
        with self.domain.lock:
            return _encode(self.domain.to_json())

    def page(self, query: Mapping[str, str]) -> bytes:
        """Return the page that shows the domain."""
        with self.domain.lock:
            return directory_page(self.domain, query).encode()

    def change(self, given: Mapping[str, Any]) -> None:
        """Call the story method that `given` names. Raises ValueError if it cannot."""
        arguments = dict(given)
        method = CHANGES.get(arguments.pop("method", ""))
        if method is None:
            raise ValueError(f"method is one of {', '.join(CHANGES)}")
        try:
            method(self.domain, **arguments)
        except (SandboxError, TypeError, KeyError) as error:
            raise ValueError(str(error)) from error

    def change_marketplace(self, given: Mapping[str, Any]) -> None:
        """Install or uninstall the app. Raises ValueError if the fields are invalid."""
        try:
            self.marketplace.change(**given)
        except TypeError as error:
            raise ValueError(str(error)) from error

    def add_failure(self, given: Mapping[str, Any]) -> None:
        """Add the failure with these fields. Raises ValueError if they are invalid."""
        self._failures.add(InjectedFailure.from_json(given))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SkolsynkSandbox"
    wbufsize = -1
    disable_nagle_algorithm = True
    sandbox: DirectoryServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path.startswith((PREFIX, LICENCE_PREFIX)):
            self._answer_api("GET", parts.path, query)
        elif parts.path == "/":
            self._send(200, self.sandbox.page(query), _HTML)
        elif parts.path == "/sandbox/domain":
            self._send(200, self.sandbox.whole_domain())
        elif parts.path == "/sandbox/marketplace":
            self._send(200, _encode(self.sandbox.marketplace.to_json()))
        elif parts.path == "/sandbox/push":
            self._send(200, _encode(self.sandbox.push.to_json()))
        elif parts.path == "/sandbox/queries":
            self._send(200, _encode({"queries": self.sandbox.queries}))
        else:
            self._send_error(DirectoryApiError(404, "Not Found", "notFound"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        methods = {
            "/sandbox/change": self.sandbox.change,
            "/sandbox/failures": self.sandbox.add_failure,
            "/sandbox/marketplace": self.sandbox.change_marketplace,
            "/sandbox/push": self.sandbox.change_push,
            "/sandbox/notices": self.sandbox.send_notices,
        }
        parts = urlsplit(self.path)
        if parts.path.startswith(ADMIN_PREFIX):
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            self._answer_api("POST", parts.path, query, body)
            return
        method = methods.get(self.path)
        if method is None:
            self._send_error(DirectoryApiError(404, "Not Found", "notFound"))
            return
        try:
            given = json.loads(body)
            if not isinstance(given, dict):
                raise ValueError("the body is a JSON object")
            method(given)
        except ValueError as error:
            self._send_error(DirectoryApiError(400, str(error), "invalid"))
        else:
            self._send(200, b"{}")

    def do_DELETE(self) -> None:
        if self.path == "/sandbox/failures":
            self.sandbox.clear_failures()
            self._send(200, b"{}")
        else:
            self._send_error(DirectoryApiError(404, "Not Found", "notFound"))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: `requests` is the log."""

    def _answer_api(
        self, method: str, path: str, query: Mapping[str, str], given: bytes = b""
    ) -> None:
        failure = self.sandbox.received(Request(method, unquote(path), query))
        if failure is not None and failure.kind != "hang" and failure.kind != "truncate":
            self._fail(failure)
            return
        if failure is not None and failure.kind == "hang":
            self.sandbox.hang(failure.seconds)
        try:
            if method == "GET":
                body: bytes | None = self.sandbox.answer(path, query)
            else:
                body = self.sandbox.answer_post(path, query, given)
        except DirectoryApiError as error:
            self._send_error(error)
            return
        cut = failure is not None and failure.kind == "truncate"
        self._send(204 if body is None else 200, body or b"", cut=cut)

    def _fail(self, failure: InjectedFailure) -> None:
        if failure.kind == "drop":
            self.close_connection = True
        elif failure.kind == "notJson":
            self._send(200, b"<html><body>502 Bad Gateway</body></html>", _HTML)
        elif failure.kind == "expiredToken":
            self._send_error(DirectoryApiError(400, "Invalid Input: pageToken", "invalid"))
        elif failure.body is not None:
            self._send(failure.status, failure.body, _HTML, failure.retry_after)
        else:
            message = failure.message or failure.reason
            error = DirectoryApiError(failure.status, message, failure.reason)
            self._send_error(error, failure.retry_after)

    def _send_error(self, error: DirectoryApiError, retry_after: int | None = None) -> None:
        self._send(error.status, _encode(error.body()), retry_after=retry_after)

    def _send(
        self,
        status: int,
        body: bytes,
        content_type: str = _JSON,
        retry_after: int | None = None,
        cut: bool = False,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.wfile.flush()
        if cut:
            self.close_connection = True


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def main(arguments: list[str] | None = None) -> None:
    """Serve a generated municipality until interrupted, and print its address."""
    from addon.sandbox.municipality import generate

    parser = ArgumentParser(prog="python -m addon.sandbox.directory_server")
    parser.add_argument("--students", type=int, default=600)
    parser.add_argument("--staff", type=int, default=70)
    parser.add_argument("--groups", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args(arguments)
    domain = generate(asked.students, asked.staff, asked.groups, asked.seed)
    with DirectoryServer(domain, asked.port) as server:
        print(server.url, flush=True)
        try:
            server.wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
