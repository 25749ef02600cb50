"""When the channels of notifications are looked at: on one machine, and by Cloud Tasks."""

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from addon.directory.push_state import RETRY_AFTER
from addon.store.base import Store, StoreError
from addon.tasks.base import RUNS, Task

log = logging.getLogger(__name__)

CHANNELS = "/tasks/channels"
LOOKS_EVERY = 1.0
"""Seconds between two looks for channels that are due; channels may live only for seconds."""
AT_ONCE = 8
"""How many tenants' channels are looked at at once, so that none waits for another."""
MINUTE = 60.0


def channels_now(tenant: str, now: float) -> Task:
    """Return the task that looks at the tenant's channels now, one a minute."""
    name = f"channels-{tenant}-{int(now // MINUTE)}"
    return Task(RUNS, name, CHANNELS, {"tenant": tenant})


def channels_at(tenant: str, at: float) -> Task:
    """Return the task that looks at the tenant's channels at a time, in seconds since 1970 UTC.

    It is due at a whole second, which is its name: a queue takes no name twice.
    """
    due = math.ceil(at)
    return Task(RUNS, f"channels-{tenant}-at-{due}", CHANNELS, {"tenant": tenant}, due)


class ChannelSchedule:
    """Keeps the channels of all tenants on one machine, from `start` until `stop`.

    `keep` keeps one tenant's. With `renewing` false the channels are looked at once, at the start.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        keep: Callable[[str], object],
        clock: Callable[[], float] = time.time,
        renewing: bool = True,
    ) -> None:
        self._store = store
        self._keep = keep
        self._clock = clock
        self._renewing = renewing
        self._looked_at_all = False
        self._failed: dict[str, float] = {}
        self._running: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="channels")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="channels", daemon=True)

    def start(self) -> None:
        """Start in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Look at no more channels."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def tick(self) -> list[Future[None]]:
        """Begin to look at the channels that are due, at the start at all. Raises StoreError."""
        store = self._store()
        due = store.push_due(self._clock()) if self._looked_at_all else store.tenants()
        self._looked_at_all = True
        self._running = {t: each for t, each in self._running.items() if not each.done()}
        begun = {t: self._pool.submit(self._one, t) for t in due if self._may_begin(t)}
        self._running |= begun
        return list(begun.values())

    def _may_begin(self, tenant: str) -> bool:
        since = self._clock() - self._failed.get(tenant, -RETRY_AFTER)
        return tenant not in self._running and not 0 <= since < RETRY_AFTER

    def _one(self, tenant: str) -> None:
        try:
            self._keep(tenant)
            self._failed.pop(tenant, None)
        except Exception as error:
            self._failed[tenant] = self._clock()
            log.error(
                "the channels could not be looked at: %s",
                type(error).__name__,
                extra={"tenant": tenant},
            )

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                self.tick()
            except StoreError as error:
                log.error("the channels wait for the store: %s", error)
            except RuntimeError:
                return  # the pool was shut down meanwhile
            if self._looked_at_all and not self._renewing:
                return
            self._stopped.wait(LOOKS_EVERY)
