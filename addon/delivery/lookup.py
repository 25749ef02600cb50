"""Asks a vendor what it holds: by a filter, else by its list, as far as it answers either."""

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
"""How much of an answer about one resource is read; a longer one is the vendor's whole list."""
PAGE = 500
LONGEST_LIST = 1_000_000
MOST_LISTINGS = 5
"""How often in a delivery a type is listed for want of a filter."""


Keep = Callable[[bytes], None]
"""Is given the body of a page."""


class _Listing(Struct, frozen=True):
    """A type's list, `begun` at a time of `time.monotonic`; `times` is how often it was asked.

    `failed` is why there is none.
    """

    begun: float
    times: int
    found: IdsByExternalId | None = None
    failed: RetriesExhausted | None = None


class ResourceLookup:
    """Questions to one vendor, with what it has answered in this delivery.

    A server error or an answer that cannot be read is not an answer: RetriesExhausted is raised.
    """

    def __init__(self, wire: Transport) -> None:
        self._wire = wire
        self._filters = True
        self._listings: dict[ResourceType, _Listing] = {}
        self._locks = {resource_type: asyncio.Lock() for resource_type in TYPES}

    async def find(
        self, resource_type: ResourceType, external_id: str, since: float = 0.0
    ) -> list[str] | None:
        """The vendor's ids of a resource; none when it has it not, None when it cannot say.

        An answer from before `since` (a time of `time.monotonic`) will not do.
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
        """All that the vendor holds of a type, or None when it cannot list."""
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
        """As `find`, or None where the vendor does not filter."""
        query = "?filter=" + quote(f'externalId eq "{external_id}"', safe="")
        try:
            page = await self._page(resource_type, query, bound=FILTER_BYTES)
        except RetriesExhausted as given_up:  # it may be able to list all the same
            self._filters = given_up.status != 500
            return None
        found = None if page is None else page.by_external_id()
        if found is None or found.keys() - {external_id}:
            self._filters = False
            return None
        return found.get(external_id, [])

    async def _listed(self, resource_type: ResourceType, since: float) -> IdsByExternalId | None:
        """The list of a type, asked for once for all who need it, and again where it is too old."""
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
            forgetful = given_up.with_traceback(None)  # which would keep the whole answer
            return _Listing(begun, times + 1, failed=forgetful)

    async def _page(
        self,
        resource_type: ResourceType,
        query: str,
        keep: Keep = lambda body: None,
        bound: int = LIST_BYTES,
    ) -> ListPage | None:
        """A page of a list, or None when the vendor does not answer such a question."""
        answer = await self._wire.send("GET", resource_type, query=query, bound=bound)
        if not answer.done or (bound < LIST_BYTES and len(answer.body) >= bound):
            return None
        page = None if answer.cut else ListPage.read(answer.body)
        if page is None:
            problem = VendorProblem("list", answer.status)
            raise RetriesExhausted("the vendor's list cannot be read", problem, uncertain=False)
        keep(answer.body)
        return page


class _Found:
    """What the pages so far have told."""

    def __init__(self) -> None:
        self.ids: IdsByExternalId = {}
        self.references: dict[str, tuple[str, ...]] = {}
        self._seen: set[str] = set()
        self._total: int | None = None

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, page: ListPage) -> bool:
        """Take in a page; whether it had anything new."""
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
        """Whether it is all that the vendor says there is."""
        return (self._total is not None and len(self) >= self._total) or len(self) > LONGEST_LIST

    @property
    def is_short(self) -> bool:
        """Whether the vendor says that there is more."""
        return self._total is not None and len(self) < self._total
