"""A connection's session with its vendor: pace, wire, journal and client put together."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from addon.delivery.executor import Delivery, Replan, intend_with
from addon.delivery.ledger_writer import Journal
from addon.delivery.scim_client import Scim
from addon.delivery.throttle import Pace, Patience
from addon.delivery.transport import Wire
from addon.planning.ledger import Keeper, Key, Ledger
from addon.planning.plan import Plan
from addon.planning.result import Result
from addon.vendors.profiles import Target, Vendor

Progress = Callable[[int, int], None]
"""Told the operations done and planned."""


class Session(Struct, frozen=True):
    """What talks to one vendor for one tenant."""

    scim: Scim
    journal: Journal
    pace: Pace
    concurrency: int

    async def carry_out(
        self,
        plan: Plan,
        replan: Replan,
        progress: Progress = lambda done, planned: None,
        clock: Callable[[], float] = time.time,
    ) -> Result:
        """Deliver a plan. Raises NotKept when the store failed."""
        delivery = Delivery(
            self.scim.perform, self.journal, self.pace, self.concurrency, progress, clock
        )
        return await delivery.run(plan, replan)


@asynccontextmanager
async def open_session(
    vendor: Vendor,
    target: Target,
    keeper: Keeper,
    key: Key,
    ledger: Ledger,
    patience: Patience,
    deadline: float | None = None,
    holder: str = "",
    growth: float = 0.0,
) -> AsyncIterator[Session]:
    """A session, ended with everything that was acknowledged in the store.

    `deadline` is a time of `time.monotonic` at which the delivery stops between operations.
    `holder` is who has the connection's lease, `growth` that of the pause between batches.
    """
    pace = Pace(vendor.requests_per_second, patience, deadline)
    async with (
        Journal(keeper, key, ledger, pace, holder, growth) as journal,
        Wire(target, vendor.concurrency, pace, patience) as wire,
    ):
        yield Session(Scim(wire, intend_with(journal)), journal, pace, vendor.concurrency)
