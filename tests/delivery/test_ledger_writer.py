"""What a vendor has acknowledged reaches the store soon, in order, and before the end."""

import asyncio
import threading

import pytest

from addon.delivery.ledger_writer import INTERVAL, LedgerWriter
from addon.delivery.throttle import DeliveryStopped, RetryPolicy, Throttle
from addon.planning.ledger import Ledger, LedgerChange, LedgerEntry, LedgerWriteError
from tests.delivery.delivering import KEY, Kept


def change(external_id: str, content: bytes = b"hash") -> LedgerChange:
    return LedgerChange("User", external_id, LedgerEntry("v", content))


class Slow(Kept):
    """A store whose first write waits until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def record(self, key, changes, holder="") -> None:
        if not self.batches:
            self.begun.set()
            assert self.go_on.wait(10)
        super().record(key, changes, holder)


def throttle() -> Throttle:
    return Throttle(1000, RetryPolicy())


def test_the_ledger_in_memory_has_a_change_at_once():
    async def run() -> None:
        ledger = Ledger()
        async with LedgerWriter(Kept(), KEY, ledger, throttle()) as ledger_writer:
            ledger_writer.record([change("a")])
            assert set(ledger.entries["User"]) == {"a"}

    asyncio.run(run())


def test_the_end_keeps_everything_in_one_batch():
    kept = Kept()

    async def run() -> None:
        async with LedgerWriter(kept, KEY, Ledger(), throttle()) as ledger_writer:
            for n in range(50):
                ledger_writer.record([change(f"user-{n}")])

    asyncio.run(run())
    assert len(kept.ledger.entries["User"]) == 50
    assert len(kept.batches) == 1


def test_what_is_noted_is_kept_within_the_interval_without_being_asked_to():
    async def run() -> None:
        kept = Kept()
        async with LedgerWriter(kept, KEY, Ledger(), throttle()) as ledger_writer:
            ledger_writer.record([change("a")])
            async with asyncio.timeout(INTERVAL * 8):
                while not kept.batches:
                    await asyncio.sleep(INTERVAL / 10)

    asyncio.run(run())


def test_nothing_noted_writes_nothing():
    kept = Kept()

    async def run() -> None:
        async with LedgerWriter(kept, KEY, Ledger(), throttle()) as ledger_writer:
            await ledger_writer.flush()
            ledger_writer.record([])

    asyncio.run(run())
    assert kept.batches == []


def test_an_error_within_still_keeps_what_was_noted():
    kept = Kept()

    async def run() -> None:
        async with LedgerWriter(kept, KEY, Ledger(), throttle()) as ledger_writer:
            ledger_writer.record([change("a")])
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(run())
    assert set(kept.ledger.entries["User"]) == {"a"}


def test_a_cancellation_still_keeps_what_was_noted():
    kept = Kept()

    async def deliver() -> None:
        async with LedgerWriter(kept, KEY, Ledger(), throttle()) as ledger_writer:
            ledger_writer.record([change("a")])
            await asyncio.sleep(60)

    async def run() -> None:
        task = asyncio.create_task(deliver())
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert set(kept.ledger.entries["User"]) == {"a"}


def test_a_cancellation_during_a_write_keeps_the_order():
    kept = Slow()

    async def deliver() -> None:
        async with LedgerWriter(kept, KEY, Ledger(), throttle()) as ledger_writer:
            ledger_writer.record([change("a", b"first")])
            try:
                await ledger_writer.flush()
            finally:
                ledger_writer.record([change("a", b"second")])

    async def run() -> None:
        task = asyncio.create_task(deliver())
        await asyncio.to_thread(kept.begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0.01)
        kept.go_on.set()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert [batch[0].entry.content for batch in kept.batches] == [b"first", b"second"]


def test_writes_never_overtake_one_another():
    kept = Slow()

    async def run() -> None:
        async with LedgerWriter(kept, KEY, Ledger(), throttle()) as ledger_writer:
            ledger_writer.record([change("a", b"first")])
            first = asyncio.create_task(ledger_writer.flush())
            await asyncio.to_thread(kept.begun.wait, 10)
            ledger_writer.record([change("a", b"second")])
            second = asyncio.create_task(ledger_writer.flush())
            await asyncio.sleep(0.01)
            kept.go_on.set()
            await asyncio.gather(first, second)

    asyncio.run(run())
    assert kept.ledger.entries["User"]["a"].content == b"second"


@pytest.mark.parametrize(
    "trouble", [LedgerWriteError("the disk is full"), RuntimeError("?"), OSError("!")]
)
def test_a_store_that_fails_stops_the_delivery_and_loses_nothing_that_it_can_take_later(trouble):
    kept, one = Kept(), throttle()

    async def run() -> None:
        async with LedgerWriter(kept, KEY, Ledger(), one) as ledger_writer:
            kept.trouble = trouble
            ledger_writer.record([change("a")])
            with pytest.raises(LedgerWriteError):
                await ledger_writer.flush()
            with pytest.raises(DeliveryStopped, match="the ledger cannot be kept"):
                one.check()
            kept.trouble = None

    asyncio.run(run())
    assert set(kept.ledger.entries["User"]) == {"a"}


def test_a_store_that_fails_to_the_end_is_reported():
    async def run() -> None:
        kept = Kept()
        kept.trouble = LedgerWriteError("the disk is full")
        async with LedgerWriter(kept, KEY, Ledger(), throttle()) as ledger_writer:
            ledger_writer.record([change("a")])

    with pytest.raises(LedgerWriteError, match="the disk is full"):
        asyncio.run(run())
