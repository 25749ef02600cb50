"""Runs in processes of their own, cheap enough to kill fifty: `python -m tests.trust.worker`.

Reads a command as a line of JSON, forks for it and tells the child's process number at once;
when the child has ended, tells how: `{"exit": -9, "report": null}`. The store, the
connection to the vendor and the run are the child's own and real.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

import addon
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import SyncContext
from addon.sync.report import RunReport
from addon.sync.run import sync
from tests.support.crashes import CALM
from tests.support.directory_answers import answers_from
from tests.support.generated_tenant import TENANT, profile, settings, state_with

ROOT = Path(addon.__file__).resolve().parent.parent
SECONDS = 60.0
"""Longer than anything here takes, even on a busy machine."""


class Ended(NamedTuple):
    """How a run's process ended; a killed one has no report."""

    exit: int
    connections: list[dict[str, Any]]
    kilobytes: int  # of memory, at most

    @property
    def killed(self) -> bool:
        return self.exit == -signal.SIGKILL


class Worker:
    """The process that forks, seen from the test. One run at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.trust.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._read() == {"ready": True}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(
        self,
        folder: Path,
        url: str,
        people: int,
        tenant: str = TENANT,
        vendor: str = "v",
        concurrency: int = 4,
        seconds: float | None = None,
    ) -> int:
        """Begin a run of a tenant of `state_with(people)`; its process number."""
        assert self._process.stdin is not None
        given = {k: v for k, v in locals().items() if k != "self"} | {"folder": str(folder)}
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        return int(self._read()["pid"])

    def end(self) -> Ended:
        """Wait for the run to end."""
        told = self._read()
        report = told["report"]
        return Ended(told["exit"], report["connections"] if report else [], told["kilobytes"])

    def run(self, folder: Path, url: str, people: int, **more: Any) -> Ended:
        """A whole run."""
        self.start(folder, url, people, **more)
        return self.end()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the worker has ended"
        told: dict[str, Any] = json.loads(line)
        return told


def _run(
    folder: str,
    url: str,
    people: int,
    tenant: str,
    vendor: str,
    concurrency: int,
    seconds: float | None,
) -> RunReport:
    snapshot = state_with(people).snapshot()
    place = Path(folder)
    with closing(SQLiteStore(place / "skolsynk.db")) as store:
        context = SyncContext(
            settings(place, profile(url, vendor, concurrency)),
            store,
            lambda tenant: snapshot,
            retry_policy=CALM,
            clock=time.time,
            ask_directory=answers_from(lambda: snapshot),
        )
        return sync(context, tenant, seconds=seconds)


def _child(given: dict[str, Any], report: int) -> int:
    """The child's process; what it leaves is the report, through a pipe."""
    try:
        found = _run(**given)
        with os.fdopen(report, "wb") as pipe:
            pipe.write(found.json())
        return found.exit_status
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 70


def main() -> None:
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            os._exit(_child(json.loads(line), writing))
        os.close(writing)
        print(json.dumps({"pid": pid}), flush=True)
        with os.fdopen(reading, "rb") as pipe:
            report = pipe.read()
        _, status, used = os.wait4(pid, 0)
        told = {
            "exit": os.waitstatus_to_exitcode(status),
            "report": msgspec.json.decode(report) if report else None,
            "kilobytes": used.ru_maxrss,
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
