"""A threaded HTTP server on loopback that can be closed with all its connections."""

import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from socketserver import TCPServer
from threading import Lock, Thread
from typing import Any


def stop(server: TCPServer) -> None:
    """End `serve_forever` at once, which else looks twice a second whether it should."""
    with suppress(OSError):  # what waits for a connection wakes up; elsewhere than on Linux, later
        server.socket.shutdown(SHUT_RDWR)
    server.shutdown()
    server.server_close()


class LoopbackServer(ThreadingHTTPServer):
    """A server on 127.0.0.1 with one thread per connection; port 0 chooses a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket] = set()
        self._lock = Lock()
        super().__init__(("127.0.0.1", port), handler)

    def start(self) -> None:
        """Serve in a thread of its own until `close`."""
        Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End `serve_forever` and close the connections that clients keep alive."""
        stop(self)
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and keep track of it until it is closed."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error, unless it is that the client has disconnected."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
