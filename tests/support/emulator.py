"""Google's own Firestore emulator for tests and figures: started once, on a free port."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.error import URLError
from urllib.request import urlopen

HOST = "FIRESTORE_EMULATOR_HOST"
REQUIRED = "SKOLSYNK_REQUIRE_EMULATOR"
STARTS_WITHIN = 60.0
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
        )
        try:
            if not _answers(host, process):
                said.seek(0)
                raise RuntimeError(f"the Firestore emulator did not start ({HOW}):\n{said.read()}")
            yield host
        finally:
            _end(process)


def _answers(host: str, process: "subprocess.Popen[bytes]") -> bool:
    last = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < last and process.poll() is None:
        with suppress(URLError, OSError), urlopen(f"http://{host}/", timeout=5) as answer:
            return bool(answer.status == 200)
        time.sleep(0.05)
    return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
            break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
