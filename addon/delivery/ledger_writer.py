"""Write what a vendor acknowledges to the store, in small batches during the delivery."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress

from addon.delivery.throttle import DeliveryStopped, Throttle
from addon.planning.ledger import (
    Ledger,
    LedgerChange,
    LedgerEntry,
    LedgerKey,
    LedgerRecorder,
    LedgerWriteError,
    Refusal,
    check_keys,
)
from addon.planning.result import VendorProblem
from addon.ss12000.resources import ResourceType

INTERVAL = 0.25
"""Seconds between batches. After a crash the vendor is asked again about what is not written."""


class LedgerWriter:
    """Records the changes of a delivery in its ledger. An asynchronous context manager.

    A change is in the ledger in memory at once, and in the store with the next batch. When the
    store fails, the delivery is stopped: nothing is sent that could not be recorded. `growth` is
    the length of the pause between batches as a share of the delivery's age, at least INTERVAL:
    with a store that charges for each write, a delivery of hours then takes a few hundred writes.
    """

    def __init__(
        self,
        recorder: LedgerRecorder,
        key: LedgerKey,
        ledger: Ledger,
        throttle: Throttle,
        holder: str = "",
        growth: float = 0.0,
    ) -> None:
        self._recorder = recorder
        self._key = key
        self._ledger = ledger
        self._throttle = throttle
        self._holder = holder
        self._growth = growth
        self._pending: list[LedgerChange] = []
        self._write_lock = asyncio.Lock()
        self._closing = asyncio.Event()
        self._batches: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "LedgerWriter":
        self._batches = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._batches is not None
        self._closing.set()
        await self._batches
        await self.flush()

    def record(self, changes: Iterable[LedgerChange]) -> None:
        """Apply changes to the ledger in memory and queue them for the next batch.

        Raises UnusableKeyError for a change that `addon.planning.ledger.check_keys` refuses.
        """
        changes = list(changes)
        check_keys(changes)
        self._ledger.apply(changes)
        self._pending.extend(changes)

    def entry(self, resource_type: ResourceType, external_id: str) -> LedgerEntry | None:
        """Return what the ledger has of a resource."""
        return self._ledger.entries[resource_type].get(external_id)

    def refusal(self, resource_type: ResourceType, external_id: str) -> Refusal | None:
        """Return what the ledger has of an earlier refusal or server error."""
        return self._ledger.refusals[resource_type].get(external_id)

    async def flush(self) -> None:
        """Write everything recorded so far to the store. Raises LedgerWriteError."""
        async with self._write_lock:
            batch, self._pending = self._pending, []
            if not batch:
                return
            writing = asyncio.create_task(self._write(batch))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                # A later batch must not overtake the one that is being written.
                await asyncio.wait((writing,))
                raise
            finally:
                if writing.done() and writing.exception() is not None:
                    self._pending = batch + self._pending

    async def _write(self, batch: list[LedgerChange]) -> None:
        try:
            await asyncio.to_thread(self._recorder.record, self._key, batch, self._holder)
        except Exception as error:
            kept = (
                error
                if isinstance(error, LedgerWriteError)
                else LedgerWriteError(f"{type(error).__name__}")
            )
            self._throttle.stop(
                DeliveryStopped(f"the ledger cannot be kept: {kept}", VendorProblem("ledger"))
            )
            raise kept from error

    async def _keep(self) -> None:
        began = time.monotonic()
        while not self._closing.is_set():
            with suppress(TimeoutError):
                pause = max(INTERVAL, self._growth * (time.monotonic() - began))
                await asyncio.wait_for(self._closing.wait(), pause)
            with suppress(LedgerWriteError):  # _write has stopped the delivery with this error
                await self.flush()
