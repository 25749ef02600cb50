"""The index that users.list answers from, which is behind the accounts by some seconds."""

import time
from collections.abc import Callable

from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON
from addon.sandbox.records import DomainChange


class IndexLag:
    """Who has changed so lately that a list does not show it yet. Hold the domain's lock.

    `clock` returns seconds since any moment.
    """

    def __init__(self, domain: Domain, clock: Callable[[], float] = time.monotonic) -> None:
        self._domain = domain
        self._clock = clock
        self._before: dict[str, tuple[float, JSON | None]] = {}
        domain.listeners.append(self._changed)

    def outdated(self) -> dict[str, JSON | None]:
        """Return the users, by id, whom a list shows as they were; None if it does not yet."""
        now = self._clock()
        self._before = {key: each for key, each in self._before.items() if each[0] > now}
        return {key: before for key, (_, before) in self._before.items()}

    def _changed(self, changes: list[DomainChange]) -> None:
        if not self._domain.lag:
            return
        until = self._clock() + self._domain.lag
        for change in changes:
            if change.of_user:
                self._before.setdefault(change.thing["id"], (until, change.before))
