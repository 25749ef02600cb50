"""Allow one run at a time for a connection, by a lease that its holder prolongs regularly."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from addon.delivery.throttle import DeliveryStopped
from addon.planning.ledger import LEASE_SECONDS, LedgerKey, LedgerWriteError
from addon.planning.result import VendorProblem

log = logging.getLogger(__name__)

TAKEN_OVER = "another run has taken over this connection"
SECONDS = LEASE_SECONDS
PROLONGED_AFTER = 15.0


class Leases(Protocol):
    """The interface to store leases; every store implements it. Times: seconds since 1970 UTC."""

    def acquire(self, key: LedgerKey, holder: str, until: float, now: float) -> str | None:
        """Take or prolong the lease. Return None if `holder` has it now, else the other holder.

        A lease of another that is not `is_lease_current` is free.
        """

    def release(self, key: LedgerKey, holder: str) -> None:
        """Release the lease if `holder` still has it."""


class LeaseHeldByOther(Exception):
    """Another run is delivering for this connection."""

    def __init__(self, holder: str) -> None:
        run = holder.rpartition("|")[2]
        super().__init__(
            f"another run is going on for this connection ({run}); nothing was sent by this one"
        )


class Lease:
    """A lease that is held for the duration of the block. An asynchronous context manager.

    Raises LeaseHeldByOther on entry if another holder has it. If it is lost later, the function
    given to `on_lost` is called.
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
        """Call `stop` with the reason when the lease is lost."""
        self._lost = stop

    def check_while_held(self, unwanted: Callable[[], DeliveryStopped | None]) -> None:
        """Call `unwanted`, in a thread, each time the lease has been prolonged.

        If it returns a reason, the delivery ends as if the lease were lost.
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
        if self._prolonging is not None:  # its thread is still running and would retake the lease
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
        """Prolong the lease regularly; report it as lost when that fails."""
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
            with suppress(LedgerWriteError):  # it is checked again the next time
                reason = await asyncio.to_thread(self._unwanted)
                if reason is not None:
                    self._lost(reason)
