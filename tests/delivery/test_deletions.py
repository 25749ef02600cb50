"""Deletions and lists of a type take turns, so that no page of a list moves while it is read."""

import asyncio
from typing import Any

from addon.delivery.deletions import Deletions


class Slow:
    """A transport whose DELETEs end when they are let."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.go = asyncio.Event()

    async def send(self, method: str, resource_type: str, resource_id: str) -> Any:
        self.sent.append(resource_id)
        await self.go.wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_list_waits_for_the_deletions_under_way_and_later_ones_wait_for_it():
    async def scene() -> None:
        transport = Slow()
        deletions = Deletions(transport)
        listed = asyncio.Event()
        end = asyncio.Event()

        async def listing() -> None:
            async with deletions.none_while_listing("User"):
                listed.set()
                await end.wait()

        first = asyncio.create_task(deletions.send("User", "1"))
        await settle()
        lists = asyncio.create_task(listing())
        await settle()
        second = asyncio.create_task(deletions.send("User", "2"))
        other = asyncio.create_task(deletions.send("StudentGroup", "3"))
        await settle()
        assert transport.sent == ["1", "3"], "of another type nothing waits"
        assert not listed.is_set()
        transport.go.set()
        await asyncio.gather(first, other)
        await settle()
        assert listed.is_set()
        assert transport.sent == ["1", "3"]
        end.set()
        await asyncio.gather(lists, second)
        assert transport.sent == ["1", "3", "2"]

    asyncio.run(scene())


def test_a_list_that_fails_or_is_cancelled_while_it_waits_holds_nothing_back():
    async def scene() -> None:
        transport = Slow()
        deletions = Deletions(transport)
        first = asyncio.create_task(deletions.send("User", "1"))
        await settle()

        async def listing() -> None:
            async with deletions.none_while_listing("User"):
                raise AssertionError("a deletion is under way")

        lists = asyncio.create_task(listing())
        await settle()
        lists.cancel()
        await asyncio.gather(lists, return_exceptions=True)
        transport.go.set()
        await asyncio.gather(first, deletions.send("User", "2"))
        assert transport.sent == ["1", "2"]

    asyncio.run(scene())
