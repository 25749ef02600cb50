"""Query a vendor for resources: by a filter or, if it has none, by its list."""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import quote

from msgspec import Struct

from addon.delivery.listing import IdsByExternalId, ListedResources, ListPage
from addon.delivery.transport import RetriesExhausted, Transport
from addon.planning.result import VendorProblem
from addon.ss12000.resources import TYPES, ResourceType

LIST_BYTES = 128 * 1024 * 1024
FILTER_BYTES = 1024 * 1024
"""The number of bytes read of the response to a filter.

A longer response is the vendor's whole list: the vendor ignores the filter.
"""
PAGE = 500
LONGEST_LIST = 1_000_000
MOST_LISTINGS = 5
"""How often a type is listed in a delivery if the vendor does not filter."""


Keep = Callable[[bytes], None]
"""Called with the body of each page."""


class _Listing(Struct, frozen=True):
    """The list of a type, requested at `begun` (time of `time.monotonic`).

    `times` is how often the type was listed. `failed` is why there is no list.
    """

    begun: float
    times: int
    found: IdsByExternalId | None = None
    failed: RetriesExhausted | None = None


class ResourceLookup:
    """Queries to one vendor, with a cache of its lists for one delivery.

    For a server error or an unreadable response RetriesExhausted is raised.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._filters = True
        self._listings: dict[ResourceType, _Listing] = {}
        self._locks = {resource_type: asyncio.Lock() for resource_type in TYPES}

    async def find(
        self, resource_type: ResourceType, external_id: str, since: float = 0.0
    ) -> list[str] | None:
        """Return the vendor's ids of a resource.

        An empty list if the vendor does not have it, None if the vendor can neither filter nor
        list. A cached list from before `since` (time of `time.monotonic`) is not used.
        """
        ids = await self._by_filter(resource_type, external_id) if self._filters else None
        if ids is not None:
            return ids
        listed = await self._listed(resource_type, since)
        if listed is None or (external_id not in listed and listed.keys() == {""}):
            return None
        return listed.get(external_id, [])

    async def everything(
        self, resource_type: ResourceType, keep: Keep = lambda body: None
    ) -> ListedResources | None:
        """Return all resources of a type at the vendor, or None if it cannot list.

        `keep` is called with the body of each page. Raises RetriesExhausted if the list is
        incomplete.
        """
        found = _Found()
        while True:
            query = f"?startIndex={len(found) + 1}&count={PAGE}"
            page = await self._page(resource_type, query, keep)
            if page is None and not len(found):
                page = await self._page(resource_type, "", keep)
            if page is None and not len(found):
                return None
            if page is None or not found.add(page) or found.is_whole:
                break
        if found.is_short:
            page = await self._page(resource_type, "", keep)
            if page is not None:
                found.add(page)
        if found.is_short or len(found) > LONGEST_LIST:
            raise RetriesExhausted(
                "the vendor's list is not whole", VendorProblem("list", 200), uncertain=False
            )
        return ListedResources(found.ids, found.references)

    async def _by_filter(self, resource_type: ResourceType, external_id: str) -> list[str] | None:
        """Like `find`, but None if the vendor does not filter."""
        query = "?filter=" + quote(f'externalId eq "{external_id}"', safe="")
        try:
            page = await self._page(resource_type, query, bound=FILTER_BYTES)
        except RetriesExhausted as given_up:  # the vendor may still be able to list
            self._filters = given_up.status != 500
            return None
        found = None if page is None else page.by_external_id()
        if found is None or found.keys() - {external_id}:
            self._filters = False
            return None
        return found.get(external_id, [])

    async def _listed(self, resource_type: ResourceType, since: float) -> IdsByExternalId | None:
        """Return the cached list of a type; request it if there is none since `since`."""
        async with self._locks[resource_type]:
            known = self._listings.get(resource_type)
            if known is None or known.begun < since:
                known = await self._list_again(resource_type, 0 if known is None else known.times)
                self._listings[resource_type] = known
            if known.failed is not None:
                raise RetriesExhausted(str(known.failed), known.failed.problem, uncertain=False)
            return known.found

    async def _list_again(self, resource_type: ResourceType, times: int) -> _Listing:
        if times >= MOST_LISTINGS:
            raise RetriesExhausted(
                "the vendor must be asked again later", VendorProblem("list"), uncertain=False
            )
        begun = time.monotonic()
        try:
            held = await self.everything(resource_type)
            return _Listing(begun, times + 1, None if held is None else held.ids)
        except RetriesExhausted as given_up:
            # A traceback would keep the response in memory.
            without_traceback = given_up.with_traceback(None)
            return _Listing(begun, times + 1, failed=without_traceback)

    async def _page(
        self,
        resource_type: ResourceType,
        query: str,
        keep: Keep = lambda body: None,
        bound: int = LIST_BYTES,
    ) -> ListPage | None:
        """Return a page of a list, or None if the vendor does not support the query."""
        answer = await self._transport.send("GET", resource_type, query=query, bound=bound)
        if not answer.done or (bound < LIST_BYTES and len(answer.body) >= bound):
            return None
        page = None if answer.cut else ListPage.read(answer.body)
        if page is None:
            problem = VendorProblem("list", answer.status)
            raise RetriesExhausted("the vendor's list cannot be read", problem, uncertain=False)
        keep(answer.body)
        return page


class _Found:
    """The resources of the pages read so far."""

    def __init__(self) -> None:
        self.ids: IdsByExternalId = {}
        self.references: dict[str, tuple[str, ...]] = {}
        self._seen: set[str] = set()
        self._total: int | None = None

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, page: ListPage) -> bool:
        """Add the resources of a page; return whether any of them was new."""
        before = len(self)
        self.references.update(page.references)
        for external_id, resource_id in page.resources:
            if resource_id not in self._seen:
                self._seen.add(resource_id)
                self.ids.setdefault(external_id, []).append(resource_id)
        self._total = page.total if page.total is not None else self._total
        return len(self) > before

    @property
    def is_whole(self) -> bool:
        """Whether the total of the vendor, or the limit LONGEST_LIST, is reached."""
        return (self._total is not None and len(self) >= self._total) or len(self) > LONGEST_LIST

    @property
    def is_short(self) -> bool:
        """Whether there are fewer resources than the total of the vendor."""
        return self._total is not None and len(self) < self._total
