"""A connection's session with its vendor: pace, wire, journal and client put together."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from addon.delivery.executor import PlanExecutor, Replan, intend_with
from addon.delivery.ledger_writer import LedgerWriter
from addon.delivery.scim_client import ScimClient
from addon.delivery.throttle import RetryPolicy, Throttle
from addon.delivery.transport import Transport
from addon.planning.ledger import Ledger, LedgerKeeper, LedgerKey
from addon.planning.plan import Plan
from addon.planning.result import DeliveryResult
from addon.vendors.profiles import Target, Vendor

Progress = Callable[[int, int], None]
"""Told the operations done and planned."""


class ScimSession(Struct, frozen=True):
    """What talks to one vendor for one tenant."""

    scim: ScimClient
    journal: LedgerWriter
    pace: Throttle
    concurrency: int

    async def carry_out(
        self,
        plan: Plan,
        replan: Replan,
        progress: Progress = lambda done, planned: None,
        clock: Callable[[], float] = time.time,
    ) -> DeliveryResult:
        """Deliver a plan. Raises NotKept when the store failed."""
        delivery = PlanExecutor(
            self.scim.perform, self.journal, self.pace, self.concurrency, progress, clock
        )
        return await delivery.run(plan, replan)


@asynccontextmanager
async def open_session(
    vendor: Vendor,
    target: Target,
    keeper: LedgerKeeper,
    key: LedgerKey,
    ledger: Ledger,
    patience: RetryPolicy,
    deadline: float | None = None,
    holder: str = "",
    growth: float = 0.0,
) -> AsyncIterator[ScimSession]:
    """A session, ended with everything that was acknowledged in the store.

    `deadline` is a time of `time.monotonic` at which the delivery stops between operations.
    `holder` is who has the connection's lease, `growth` that of the pause between batches.
    """
    pace = Throttle(vendor.requests_per_second, patience, deadline)
    async with (
        LedgerWriter(keeper, key, ledger, pace, holder, growth) as journal,
        Transport(target, vendor.concurrency, pace, patience) as wire,
    ):
        yield ScimSession(ScimClient(wire, intend_with(journal)), journal, pace, vendor.concurrency)
