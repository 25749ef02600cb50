"""A lease is held for as long as its block lasts, and not a moment longer."""

import asyncio
import threading

from addon.delivery.lease import Lease
from addon.planning.ledger import LedgerKey

KEY = LedgerKey("C1", "binogi", "live")


class SlowLeases:
    """Leases of which the second acquiring takes until the block is over."""

    def __init__(self) -> None:
        self.holder: str | None = None
        self.prolonging = threading.Event()
        self.go_on = threading.Event()
        self._calls = 0

    def acquire(self, key: LedgerKey, holder: str, until: float, now: float) -> str | None:
        self._calls += 1
        if self._calls > 1:
            self.prolonging.set()
            assert self.go_on.wait(30)
        self.holder = holder
        return None

    def release(self, key: LedgerKey, holder: str) -> None:
        self.holder = None


def test_a_lease_that_is_being_prolonged_at_the_end_is_free_afterwards() -> None:
    leases = SlowLeases()

    async def held() -> None:
        async with Lease(leases, KEY, "run", prolonged_after=0.001):
            await asyncio.to_thread(leases.prolonging.wait, 30)
            asyncio.get_running_loop().call_later(0.01, leases.go_on.set)

    asyncio.run(held())
    assert leases.holder is None
