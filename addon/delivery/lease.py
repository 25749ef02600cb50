"""One run at a time for a connection: a lease that its holder keeps putting off."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from addon.delivery.throttle import DeliveryStopped
from addon.planning.ledger import LedgerKey, LedgerWriteError
from addon.planning.result import VendorProblem

log = logging.getLogger(__name__)

TAKEN_OVER = "another run has taken over this connection"
SECONDS = 60.0
"""How long a lease lasts when its holder says nothing more."""

PROLONGED_AFTER = 15.0


class Leases(Protocol):
    """What keeps leases; every store is one. Times are seconds since 1970 UTC."""

    def acquire(self, key: LedgerKey, holder: str, until: float, now: float) -> str | None:
        """Take the lease, or put off its end. None when it is ours now, else who has it."""

    def release(self, key: LedgerKey, holder: str) -> None:
        """Release the lease, if it is still ours."""


class LeaseHeldByOther(Exception):
    """Another run is delivering for this connection."""

    def __init__(self, holder: str) -> None:
        run = holder.rpartition("|")[2]
        super().__init__(
            f"another run is going on for this connection ({run}); nothing was sent by this one"
        )


class Lease:
    """A lease held for as long as the block lasts. An asynchronous context manager.

    Raises LeaseHeldByOther when another has it. `lost` is called once when it could not be kept.
    """

    def __init__(
        self,
        leases: Leases,
        key: LedgerKey,
        holder: str,
        clock: Callable[[], float] = time.time,
        prolonged_after: float = PROLONGED_AFTER,
    ) -> None:
        self._leases = leases
        self._key = key
        self._holder = holder
        self._clock = clock
        self._prolonged_after = prolonged_after
        self._lost: Callable[[DeliveryStopped], None] = lambda reason: None
        self._unwanted: Callable[[], DeliveryStopped | None] = lambda: None
        self._keeping: asyncio.Task[None] | None = None
        self._prolonging: asyncio.Future[str | None] | None = None

    def on_lost(self, stop: Callable[[DeliveryStopped], None]) -> None:
        """Have `stop` called with the reason when the lease is lost."""
        self._lost = stop

    def check_while_held(self, unwanted: Callable[[], DeliveryStopped | None]) -> None:
        """Have `unwanted` asked, in a thread, each time that the lease is put off.

        Where it gives a reason, that ends the delivery as a lost lease does.
        """
        self._unwanted = unwanted

    async def __aenter__(self) -> "Lease":
        taken_by = await asyncio.to_thread(self._acquire)
        if taken_by is not None:
            raise LeaseHeldByOther(taken_by)
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._keeping is not None
        self._keeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeping
        if self._prolonging is not None:  # its thread goes on, and would take the lease back
            with suppress(LedgerWriteError):
                await self._prolonging
        try:
            await asyncio.to_thread(self._leases.release, self._key, self._holder)
        except LedgerWriteError:
            key = self._key
            log.warning("the lease of %s at %s was not released", key.tenant, key.vendor)

    def _acquire(self) -> str | None:
        now = self._clock()
        return self._leases.acquire(self._key, self._holder, now + SECONDS, now)

    async def _keep(self) -> None:
        """Prolong the lease again and again; say when that is not possible."""
        kept = time.monotonic()
        while True:
            await asyncio.sleep(self._prolonged_after)
            asked = time.monotonic()
            try:
                self._prolonging = asyncio.ensure_future(asyncio.to_thread(self._acquire))
                taken_by = await asyncio.shield(self._prolonging)
            except LedgerWriteError as error:
                if asked - kept >= SECONDS - self._prolonged_after:
                    self._lost(
                        DeliveryStopped(
                            f"the lease could not be kept: {error}", VendorProblem("ledger")
                        )
                    )
                continue
            if taken_by is not None:
                self._lost(DeliveryStopped(TAKEN_OVER, VendorProblem("taken-over")))
                return
            kept = asked
            with suppress(LedgerWriteError):  # the next time may tell
                reason = await asyncio.to_thread(self._unwanted)
                if reason is not None:
                    self._lost(reason)
