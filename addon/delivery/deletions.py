"""DELETE requests, and lists while none is under way.

A list has pages by position: what is deleted while it is read moves what comes after it to a page
that has been read already, so that something that is there is in no page.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from addon.delivery.response import VendorResponse
from addon.delivery.transport import Transport
from addon.ss12000.resources import TYPES, ResourceType


class Deletions:
    """Sends the DELETE requests of one delivery; those of a type wait while it is listed."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._types = {resource_type: _Traffic() for resource_type in TYPES}

    async def send(self, resource_type: ResourceType, resource_id: str) -> VendorResponse:
        """Delete a resource by the vendor's id. Raises as `Transport.send` does."""
        async with self._types[resource_type].deleting():
            return await self._transport.send("DELETE", resource_type, resource_id)

    @asynccontextmanager
    async def none_while_listing(self, resource_type: ResourceType) -> AsyncIterator[None]:
        """Wait for the deletions of a type that are under way, and let no other begin meanwhile."""
        async with self._types[resource_type].listing():
            yield


class _Traffic:
    """How many deletions and lists of a type are under way: never both."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._deletions = self._lists = 0

    @asynccontextmanager
    async def deleting(self) -> AsyncIterator[None]:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._lists)
            self._deletions += 1
        try:
            yield
        finally:
            async with self._changed:
                self._deletions -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def listing(self) -> AsyncIterator[None]:
        self._lists += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._deletions)
            yield
        finally:
            async with self._changed:
                self._lists -= 1
                self._changed.notify_all()
