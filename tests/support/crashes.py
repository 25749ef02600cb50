"""A process that dies in the middle of a run, and a vendor in trouble meanwhile."""

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from addon.delivery.throttle import RetryPolicy
from addon.planning.ledger import LedgerChange, LedgerKey
from addon.store.sqlite.store import SQLiteStore
from tests.support.egil_faults import Fault, Incoming, Rule

CALM = RetryPolicy(first_wait=0.001, longest_wait=0.01, read=30.0, late_effect=0.0)
"""A vendor without trouble, on a machine that may be slow."""
SHORT = RetryPolicy(
    tries=3, first_wait=0.0005, longest_wait=0.001, longest_pause=1.0, read=30.0, late_effect=0.0
)
HASTY = RetryPolicy(
    tries=2, first_wait=0.0005, longest_wait=0.001, longest_pause=1.0, read=0.1, late_effect=0.0
)
HANG = 0.25
"""Longer than HASTY reads."""


@dataclass(frozen=True)
class Crash:
    """The process dies at the `n`-th request to the vendor, or write to the store.

    `after` is whether that one still has its effect. After it, nothing has.
    """

    at: str
    n: int
    after: bool


@dataclass(frozen=True)
class Trouble:
    """What one run meets: faults of the vendor, each with whom it befalls, and its own death."""

    faults: tuple[tuple[str | None, int, int, Fault], ...] = ()  # method, skip, times, fault
    crash: Crash | None = None

    @property
    def retry_policy(self) -> RetryPolicy:
        hangs = any(fault.hang for *_, fault in self.faults)
        return HASTY if hangs else SHORT


class DyingProcess:
    """What the vendor and the store see of a process until it dies."""

    def __init__(self, trouble: Trouble) -> None:
        self._crash = trouble.crash
        self._rules = [
            Rule(fault=fault, times=times, skip=skip, method=method)
            for method, skip, times, fault in trouble.faults
        ]
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.dead = False

    def decide(self, request: Incoming) -> Fault | None:
        """What happens to a request: the vendor's `faults`."""
        if not self.comes("request"):
            return Fault(drop=True)
        if self.dead:
            return Fault(drop=True, when="after")
        return next((fault for rule in self._rules if (fault := rule(request))), None)

    def comes(self, what: str) -> bool:
        """Whether this request or write has its effect; it may be the last."""
        with self._lock:
            if self.dead:
                return False
            self._seen[what] += 1
            if self._crash and self._crash.at == what and self._seen[what] == self._crash.n:
                self.dead = True
                return self._crash.after
            return True


class DyingStore:
    """A store whose writer may die: after that, what is written is lost without a word."""

    def __init__(self, store: SQLiteStore, process: DyingProcess) -> None:
        self._store = store
        self._process = process

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in WRITES:
            return method
        return lambda *given, **named: (
            method(*given, **named) if self._process.comes("write") else None
        )

    def record(self, key: LedgerKey, changes: list[LedgerChange], holder: str = "") -> None:
        """As the store does; nothing to write is no write."""
        if changes and self._process.comes("write"):
            self._store.record(key, changes, holder)


WRITES = frozenset({"acquire", "release", "set_hold", "set_approval", "save_run", "save_tenant"})
