"""The progress of deliveries, kept in the store for the pages."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
from msgspec import Struct

from addon.store.base import CacheStore, StoreError
from addon.store.records import Namespace

log = logging.getLogger(__name__)

NAMESPACE = "progress"
KEPT_EVERY = 2.0
KEPT_FOR = 3600.0
"""Seconds between two updates of a delivery's progress, and until one expires."""


class VendorProgress(Struct, frozen=True):
    """The progress of the delivery to a vendor: operations done and planned."""

    vendor: str
    done: int
    planned: int


def load_progress(store: CacheStore, tenant: str, now: float) -> tuple[VendorProgress, ...]:
    """Return the progress of current deliveries by vendor. Raises StoreError."""
    namespace = Namespace(NAMESPACE, tenant)
    found = []
    for vendor in store.list_names(namespace, now):
        item = store.get(namespace, vendor, now)
        if item is not None:
            told = msgspec.json.decode(item.data, type=dict[str, int])
            found.append(VendorProgress(vendor, told.get("done", 0), told.get("planned", 0)))
    return tuple(found)


class StoredProgress:
    """Saves the progress of a delivery in the store, where the pages read it.

    It is saved every few seconds, so a delivery that ends sooner saves nothing, and in a
    separate thread, so that a slow store does not delay the delivery. `end` must be called.
    """

    def __init__(
        self, store: CacheStore, tenant: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._namespace = Namespace(NAMESPACE, tenant)
        self._clock = clock
        self._next = clock() + KEPT_EVERY
        self._kept: set[str] = set()
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(1, "progress")
        self._last: Future[None] | None = None

    def __call__(self, vendor: str, done: int, planned: int) -> None:
        """Report the operations of a vendor. A slow or failing store does not delay the caller."""
        now = self._clock()
        with self._lock:
            if now < self._next or (self._last is not None and not self._last.done()):
                return
            self._next = now + KEPT_EVERY
            self._last = self._executor.submit(self._keep, vendor, done, planned, now)

    def end(self) -> None:
        """Remove the saved progress at the end of the delivery."""
        self._executor.shutdown()
        for vendor in self._kept:
            try:
                self._store.delete(self._namespace, vendor)
            except StoreError:
                log.warning("the progress of a delivery stays for an hour")

    def _keep(self, vendor: str, done: int, planned: int, now: float) -> None:
        told = msgspec.json.encode({"done": done, "planned": planned})
        try:
            self._store.put(self._namespace, vendor, told, now, now + KEPT_FOR)
            self._kept.add(vendor)
        except StoreError:
            log.warning("the progress of a delivery could not be kept")
