"""An HTTP/1.1 server for a sandbox vendor, with connections kept alive."""

from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from addon.sandbox.loopback import LoopbackServer


class HttpRequest(NamedTuple):
    """A request as received; `path` does not include the query."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes


class HttpAnswer(NamedTuple):
    """The response to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class AnsweringServer(LoopbackServer):
    """A server in its own thread that answers each request by one function, until `close()`."""

    def __init__(self, port: int, answer: Callable[[HttpRequest], HttpAnswer]) -> None:
        self.answer = answer
        super().__init__(port, _Handler)
        self.start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: AnsweringServer

    def _serve(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.send_error(411)
            return
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.answer(
            HttpRequest(self.command, url.path, url.query, self.headers.items(), body)
        )
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""
