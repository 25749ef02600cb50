"""Checks whether a server can listen on a port, before it is started."""

import socket
from errno import EADDRINUSE


class PortError(Exception):
    """The port cannot be used; the message says why."""


def usable(host: str, port: int) -> int:
    """Return the port, or a free one for 0. Raises PortError if it cannot be used."""
    try:
        with socket.create_server((host, port)) as probe:
            return int(probe.getsockname()[1])
    except OverflowError:
        raise PortError(
            f"port {port} is not between 0 and 65535; choose another with --port"
        ) from None
    except OSError as error:
        why = "is taken" if error.errno == EADDRINUSE else f"cannot be had ({error.strerror})"
        raise PortError(f"port {port} {why}; choose another with --port") from None
