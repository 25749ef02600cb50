"""Query a vendor for resources: by a filter or, if it has none, by its list."""

import asyncio
import time
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from urllib.parse import quote

from msgspec import Struct, structs

from addon.delivery.answer_evidence import (
    GONE,
    Absence,
    CollectionEvidence,
    is_of_scim_server,
    is_success,
    judge_absence,
)
from addon.delivery.deletions import Deletions
from addon.delivery.listing import (
    IdsByExternalId,
    ListCollector,
    ListedResources,
    ListPage,
)
from addon.delivery.response import as_id, json_object
from addon.delivery.transport import RetriesExhausted, Transport
from addon.planning.result import VendorProblem
from addon.ss12000.resources import TYPES, ResourceType

LIST_BYTES = 128 * 1024 * 1024
FILTER_BYTES = 1024 * 1024
"""The number of bytes read of the response to a filter.

A longer response is the vendor's whole list: the vendor ignores the filter.
"""
PAGE = 500
SMALLEST_FULL_PAGE = 50
"""No vendor is known to return fewer resources in a page when there are more."""
MOST_LISTINGS = 5
"""How often a type is listed in a delivery if the vendor does not filter."""


MOST_FILTER_PAGES = 20
"""The number of pages that are read of the response to a filter."""
PASSING_REFUSALS = (403, 404, 410)
"""Statuses by which a vendor may say that it cannot be asked, or the road that it cannot be now."""
MOST_PROBES = 3
"""How many resources that are known to be there are asked for to try a filter."""

Keep = Callable[[bytes], None]
"""Called with the body of each page."""
Known = Callable[[ResourceType], Iterable[tuple[str, str]]]
"""Yields (externalId, vendor's id) of resources of a type that the vendor has acknowledged."""


def nothing_known(resource_type: ResourceType) -> Iterable[tuple[str, str]]:
    """Yield nothing: nothing of any type is known to be at the vendor."""
    return ()


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

    `may_answer_later` is whether one was refused in a way that may pass (PASSING_REFUSALS).
    For a server error or an unreadable response RetriesExhausted is raised.
    """

    def __init__(
        self, transport: Transport, deletions: Deletions, known: Known = nothing_known
    ) -> None:
        self._transport = transport
        self._deletions = deletions
        self._known = known
        self._filters = True
        self._answered = False
        self.may_answer_later = False
        self.evidence = {resource_type: CollectionEvidence() for resource_type in TYPES}
        self._probes = {resource_type: asyncio.Lock() for resource_type in TYPES}
        self._listings: dict[ResourceType, _Listing] = {}
        self._locks = {resource_type: asyncio.Lock() for resource_type in TYPES}

    async def find(
        self, resource_type: ResourceType, external_id: str, since: float = 0.0
    ) -> list[str] | None:
        """Return the vendor's ids of a resource.

        An empty list if the vendor does not find it, None if the vendor can neither filter nor
        list. A filter that does not find what is known to be there is not relied on. A cached
        list from before `since` (time of `time.monotonic`) is not used.
        """
        trouble = None
        try:
            ids = await self._by_filter(resource_type, external_id) if self._filters else None
        except RetriesExhausted as given_up:  # the vendor may still be able to list
            ids, trouble = None, given_up
        if ids:
            self.evidence[resource_type].filter_found = True
        if ids or (ids is not None and await self._filter_finds(resource_type, external_id)):
            return ids
        listed = await self._listed(resource_type, since)
        if listed is None and trouble is not None:
            raise trouble
        if listed is None or (external_id not in listed and listed.keys() == {""}):
            return ids
        self._try_list(resource_type, external_id, listed)
        return listed.get(external_id, [])

    async def user_name(self, external_id: str, resource_id: str) -> str | None:
        """Return the userName of a person of ours, read by the vendor's id; None if unknown."""
        answer = await self._transport.send("GET", "User", resource_id)
        user = json_object(answer) if is_success(answer) and not answer.cut else None
        if user is None or as_id(user.get("externalId")).lower() != external_id:
            return None
        user_name = user.get("userName")
        return user_name if isinstance(user_name, str) else None

    async def read(
        self, resource_type: ResourceType, external_id: str, resource_id: str
    ) -> bytes | None:
        """Return a resource as the vendor has it, read by the vendor's id, which may be empty.

        Empty if the vendor does not have it, None if that is unknown. Raises RetriesExhausted and
        DeliveryStopped.
        """
        answer = await self._transport.send("GET", resource_type, resource_id or external_id)
        if answer.status in GONE and is_of_scim_server(answer):
            found = await self.find(resource_type, external_id)
            known = found or await self.absence(resource_type, external_id, found, False)
            return b"" if known == "absent" else None
        resource = json_object(answer) if is_success(answer) and not answer.cut else None
        if resource is None or as_id(resource.get("externalId")).lower() != external_id:
            return None
        self.evidence[resource_type].note_id(told=bool(resource_id))
        return answer.body.removeprefix(BOM_UTF8)

    async def absence(
        self,
        resource_type: ResourceType,
        external_id: str,
        found: Sequence[str] | None,
        refuses_copies: bool,
    ) -> Absence:
        """Return what it proves that a resource's id was answered 404 or 410.

        `found` is what `find` returned of it, which is nothing. For `refuses_copies` see
        `judge_absence`.
        """
        evidence = self.evidence[resource_type]
        others = self._others(resource_type, external_id)
        async with self._probes[resource_type]:
            if not evidence.can_tell and others and evidence.id_answered is None:
                await self._try_id(resource_type, *others[0])
        return judge_absence(evidence, found is not None, bool(others), refuses_copies)

    def _others(self, resource_type: ResourceType, external_id: str) -> list[tuple[str, str]]:
        known = (each for each in self._known(resource_type) if each[0] != external_id)
        return list(islice(known, MOST_PROBES))

    async def _filter_finds(self, resource_type: ResourceType, external_id: str) -> bool:
        """Whether the filter finds what is known to be there; True if nothing is."""
        evidence = self.evidence[resource_type]
        async with self._probes[resource_type]:
            others = self._others(resource_type, external_id)
            if evidence.filter_found is None and others:
                evidence.filter_found = False
                for other, _ in others:
                    if await self.filtered(resource_type, other):
                        evidence.filter_found = True
                        break
        return self._filters and evidence.filter_found is not False

    def _try_list(
        self, resource_type: ResourceType, external_id: str, listed: IdsByExternalId
    ) -> None:
        """Note whether the list has something that is known to be there, under its known id."""
        others = self._others(resource_type, external_id)
        if others:
            found = any(resource_id in listed.get(other, ()) for other, resource_id in others)
            self.evidence[resource_type].list_found = found

    async def _try_id(
        self, resource_type: ResourceType, external_id: str, resource_id: str
    ) -> None:
        """Ask for a resource that is known to be there by its id, to see whether ids answer."""
        answer = await self._transport.send("GET", resource_type, resource_id or external_id)
        if answer.done:
            self.evidence[resource_type].note_id(told=bool(resource_id))
        else:
            self.evidence[resource_type].id_answered = False

    async def filtered(self, resource_type: ResourceType, external_id: str) -> list[str] | None:
        """Return the vendor's ids of a resource, or None if the vendor does not filter."""
        with suppress(RetriesExhausted):
            return await self._by_filter(resource_type, external_id) if self._filters else None
        return None

    async def reliably_filtered(
        self, resource_type: ResourceType, external_id: str
    ) -> list[str] | None:
        """Like `filtered`, but None too if the filter does not find what is known to be there."""
        ids = await self.filtered(resource_type, external_id)
        if ids or ids is None or await self._filter_finds(resource_type, external_id):
            return ids
        return None

    async def everything(
        self, resource_type: ResourceType, keep: Keep = lambda body: None
    ) -> ListedResources | None:
        """Return all resources of a type at the vendor, or None if it cannot list.

        `keep` is called with the body of each page. Raises RetriesExhausted if the list is
        incomplete.
        """
        found = ListCollector()
        page = await self._page(resource_type, f"?startIndex=1&count={PAGE}", keep)
        if page is None:
            page = await self._page(resource_type, "", keep)
            if page is None:
                return None
            found.add(page)
        else:
            await self._collect(resource_type, page, found, keep)
        if found.is_short:
            page = await self._page(resource_type, "", keep)
            if page is not None:
                found.add(page)
        if found.is_short or found.is_too_long:
            raise RetriesExhausted(
                "the vendor's list is not whole", VendorProblem("list", 200), uncertain=False
            )
        return found.listed()

    async def _collect(
        self, resource_type: ResourceType, page: ListPage | None, found: ListCollector, keep: Keep
    ) -> None:
        """Add `page` and the pages after it, until one has nothing new.

        When the vendor's total is reached by a page that may be full, one more is asked for,
        because some vendors' total is that of the page. A page longer than PAGE is the whole list.
        """
        while page is not None and found.add(page) and page.count <= PAGE:
            is_last = found.reaches_total and page.count < SMALLEST_FULL_PAGE
            if is_last or found.is_too_long:
                return
            try:
                query = f"?startIndex={found.next_index}&count={PAGE}"
                page = await self._page(resource_type, query, keep)
            except RetriesExhausted:
                if not found.reaches_total:
                    raise
                return

    async def _by_filter(self, resource_type: ResourceType, external_id: str) -> list[str] | None:
        """Like `find`, but None if the vendor does not filter, which a 500 to it says too.

        Pages are read on as long as they have something new. Raises RetriesExhausted too if there
        is more than can be read.
        """
        query = "?filter=" + quote(f'externalId eq "{external_id}"', safe="")
        found = ListCollector()
        next_page = ""
        for _ in range(MOST_FILTER_PAGES):
            try:
                page = await self._page(resource_type, query + next_page, bound=FILTER_BYTES)
            except RetriesExhausted as given_up:
                if given_up.status != 500 or next_page:
                    raise
                page = None
            if page is None and next_page:
                break
            has_new = page is not None and found.add(page)
            if page is None or found.ids.keys() - {external_id}:
                self._filters = False
                return None
            if not (has_new and (found.is_short or page.count >= SMALLEST_FULL_PAGE)):
                return found.ids.get(external_id, [])
            next_page = f"&startIndex={found.next_index}&count={PAGE}"
        raise _unreadable(VendorProblem("list", 200))

    def forget_lists(self) -> None:
        """Do not use the lists that were requested so far any more."""
        for resource_type, known in self._listings.items():
            self._listings[resource_type] = structs.replace(known, begun=float("-inf"), found=None)

    async def _listed(self, resource_type: ResourceType, since: float) -> IdsByExternalId | None:
        """Return the cached list of a type; request it if there is none since `since`."""
        async with self._locks[resource_type]:
            known = self._listings.get(resource_type)
            if known is None or known.begun < max(since, 0.0):
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
        async with self._deletions.none_while_listing(resource_type):
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
        """Return a page of a list, or None if the vendor does not support the query.

        What has been answered before is supported: then 403 and 404 are trouble.
        """
        answer = await self._transport.send("GET", resource_type, query=query, bound=bound)
        if not is_of_scim_server(answer):
            raise _unreadable(VendorProblem("not-scim", answer.status))
        self.may_answer_later = self.may_answer_later or answer.status in PASSING_REFUSALS
        if self._answered and answer.status in PASSING_REFUSALS:
            raise _unreadable(VendorProblem("status", answer.status))
        if not answer.done or (bound < LIST_BYTES and len(answer.body) >= bound):
            return None
        page = None if answer.cut else ListPage.read(answer.body)
        if page is None:
            raise _unreadable(VendorProblem("list", answer.status))
        self._answered = True
        keep(answer.body)
        return page


def _unreadable(problem: VendorProblem) -> RetriesExhausted:
    return RetriesExhausted("the vendor's list cannot be read", problem, uncertain=False)
