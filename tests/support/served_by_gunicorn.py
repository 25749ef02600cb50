"""The program under a real gunicorn, as the container or `serve` starts it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
GUNICORN = ("-m", "gunicorn")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def served_by_gunicorn(folder: Path, *command: str, **settings: str) -> Iterator[int]:
    """Serve until the end of `with`; gives the port once it answers."""
    port = free_port()
    environ = {n: v for n, v in os.environ.items() if not n.startswith("SKOLSYNK_")}
    environ |= {"PORT": str(port), "SKOLSYNK_STORE": f"sqlite:///{folder}/skolsynk.db"}
    process = subprocess.Popen(
        [sys.executable, *(part.replace("PORT", str(port)) for part in command)],
        cwd=ROOT,
        env=environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(40)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    last = time.monotonic() + 60
    while time.monotonic() < last and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as response:
                assert json.load(response) == {"status": "ok"}
                return
        except (URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError("it does not answer")
