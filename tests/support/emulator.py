"""Google's own Firestore emulator for tests and figures: started on a free port."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

HOST = "FIRESTORE_EMULATOR_HOST"
REQUIRED = "SKOLSYNK_REQUIRE_EMULATOR"
STARTS_WITHIN = 60.0
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""What Java is told: it lives for seconds, in which compiling well costs more than it gains."""
HOW = (
    "install the Google Cloud CLI with the package google-cloud-cli-firestore-emulator (or "
    "`gcloud components install cloud-firestore-emulator`) and a Java runtime"
)


def missing() -> str | None:
    """Why the emulator cannot be started here and what to do about it, or None."""
    lacking = [program for program in ("gcloud", "java") if shutil.which(program) is None]
    if not lacking:
        return None
    return f"the Firestore emulator needs {' and '.join(lacking)}: {HOW}"


@contextmanager
def emulator() -> Iterator[str]:
    """The emulator's host and port, until the block ends."""
    host, process = _start()
    try:
        yield host
    finally:
        _end(host, process)


@contextmanager
def shared_emulator(folder: Path) -> Iterator[str]:
    """As `emulator`, one for all processes that share `folder`: the last of them ends it."""
    state = folder / "firestore-emulator.json"
    with _locked(state):
        if state.exists():
            host, process, users = json.loads(state.read_text())
        else:
            host, process = _start()
            users = 0
        state.write_text(json.dumps([host, process, users + 1]))
    try:
        yield host
    finally:
        with _locked(state):
            host, process, users = json.loads(state.read_text())
            if users > 1:
                state.write_text(json.dumps([host, process, users - 1]))
            else:
                state.unlink()
                _end(host, process)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def _start() -> tuple[str, int]:
    """The host and port of a new emulator, and its process group."""
    with socket.socket() as free, tempfile.TemporaryFile("w+") as said:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        process = subprocess.Popen(
            ["gcloud", "emulators", "firestore", "start", f"--host-port={host}", "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # gcloud starts Java: they end together
            env={**os.environ, "JAVA_TOOL_OPTIONS": QUICK_START},
        )
        process.returncode = 0  # not waited for: whoever ends it need not have started it
        last = time.monotonic() + STARTS_WITHIN
        while not _answers(host):
            if time.monotonic() > last or _has_ended(process.pid):
                _end(host, process.pid)
                said.seek(0)
                raise RuntimeError(f"the Firestore emulator did not start ({HOW}):\n{said.read()}")
            time.sleep(0.05)
        return host, process.pid


def _answers(host: str) -> bool:
    with suppress(URLError, OSError), urlopen(f"http://{host}/", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _has_ended(process: int) -> bool:
    """Whether a child of this process has ended; False for the child of another."""
    with suppress(ChildProcessError):
        return os.waitpid(process, os.WNOHANG)[0] != 0
    return False


def _end(host: str, process: int) -> None:
    last = time.monotonic() + 10
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGTERM)
        while time.monotonic() < last and _answers(host):
            time.sleep(0.05)
        os.killpg(process, signal.SIGKILL)
    _has_ended(process)
