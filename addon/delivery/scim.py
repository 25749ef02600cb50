"""Creates, updates, deletes and looks up one resource at a vendor, until the outcome is known.

Source: RFC 7644, and docs/wire-format.md for how EGIL servers in production behave.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from addon.delivery.answer import Answer, detail, json_object, vendor_id
from addon.delivery.http import GivenUp, Wire
from addon.delivery.pace import Stopped
from addon.delivery.plan import Operation
from addon.ss12000.resources import ResourceType

LIST_BYTES = 64 * 1024 * 1024
PAGE = 500
CANNOT_SAY = frozenset({500, 502, 504})
"""Server errors to a question that tell that the vendor cannot answer it."""

Intend = Callable[[Operation], Awaitable[None]]
"""Remembers that a create of this resource is about to be sent."""


class Done(Struct, frozen=True):
    """The vendor has what was asked for; `vendor_id` is empty where it told none."""

    vendor_id: str = ""


class Refused(Struct, frozen=True):
    """The vendor does not take this. `conflict`: something else there is in the way."""

    status: int
    detail: str
    conflict: bool = False


Outcome = Done | Refused


class _AlreadyThere(Exception):
    def __init__(self, ids: list[str]) -> None:
        super().__init__()
        self.ids = ids


class Scim:
    """The vendor's resources, by our externalIds."""

    def __init__(self, wire: Wire, intend: Intend) -> None:
        self._wire = wire
        self._intend = intend
        self._filters = True
        self._listed: dict[ResourceType, dict[str, list[str]] | None] = {}

    async def perform(self, op: Operation) -> Outcome:
        """Do one operation. Raises GivenUp, or Stopped when the whole delivery must end."""
        if op.kind == "create":
            return await self._create(op)
        return await (self._update(op) if op.kind == "update" else self._delete(op))

    # Writing

    async def _create(self, op: Operation) -> Outcome:
        if op.ask:
            ids = await self.find(op.resource_type, op.external_id)
            if ids:
                return await self._adopt(op, ids)
        try:
            answer = await self._wire.send(
                "POST",
                op.resource_type,
                body=op.body,
                before_repeat=lambda: self._stop_if_there(op),
            )
        except _AlreadyThere as there:
            return await self._adopt(op, there.ids)
        if answer.done:
            return Done(await self._told(op, answer))
        if answer.status == 409:
            ids = await self.find(op.resource_type, op.external_id, fresh=True)
            return await self._adopt(op, ids or [op.external_id])
        return _refused(op, answer)

    async def _update(self, op: Operation) -> Outcome:
        answer = await self._put(op, op.vendor_id or op.external_id)
        if answer.done:
            return Done(vendor_id(answer) or op.vendor_id)
        if answer.status not in (404, 410):
            return _refused(op, answer)
        if not op.vendor_id:
            ids = await self.find(op.resource_type, op.external_id, fresh=True)
            if ids:
                return await self._adopt(op, ids)
        await self._intend(op)
        return await self._create(op)

    async def _delete(self, op: Operation) -> Outcome:
        if op.ask:
            ids = await self.find(op.resource_type, op.external_id)
            return await self._delete_all(op, [op.external_id] if ids is None else ids)
        answer = await self._wire.send("DELETE", op.resource_type, op.vendor_id or op.external_id)
        if answer.status in (404, 410) and not op.vendor_id:
            ids = await self.find(op.resource_type, op.external_id, fresh=True)
            return await self._delete_all(op, ids or [])
        return _gone(op, answer)

    async def _delete_all(self, op: Operation, ids: list[str]) -> Outcome:
        for resource_id in ids:
            outcome = _gone(op, await self._wire.send("DELETE", op.resource_type, resource_id))
            if isinstance(outcome, Refused):
                return outcome
        return Done()

    async def _adopt(self, op: Operation, ids: list[str]) -> Outcome:
        """Give what is there already the right content; copies of it are removed."""
        answer = await self._put(op, ids[0])
        if not answer.done:
            return _refused(op, answer, conflict=answer.status in (404, 409))
        await self._delete_all(op, ids[1:])
        return Done(vendor_id(answer) or ("" if ids[0] == op.external_id else ids[0]))

    async def _put(self, op: Operation, resource_id: str) -> Answer:
        return await self._wire.send("PUT", op.resource_type, resource_id, body=op.body)

    async def _stop_if_there(self, op: Operation) -> None:
        ids = await self.find(op.resource_type, op.external_id, fresh=True)
        if ids:
            raise _AlreadyThere(ids)

    async def _told(self, op: Operation, answer: Answer) -> str:
        """The vendor's id of what it has just created; it is asked when its answer broke off."""
        told = vendor_id(answer)
        if told or not answer.cut:
            return told
        try:
            ids = await self.find(op.resource_type, op.external_id, fresh=True)
        except (GivenUp, Stopped):
            return ""
        return ids[0] if ids else ""

    # Asking

    async def find(
        self, resource_type: ResourceType, external_id: str, fresh: bool = False
    ) -> list[str] | None:
        """The vendor's ids of a resource; none when it has it not, None when it cannot say.

        `fresh` asks anew where the vendor's list is already known.
        """
        if self._filters:
            ids = await self._find_by_filter(resource_type, external_id)
            if ids is not None:
                return ids
            self._filters = False
        if fresh or resource_type not in self._listed:
            self._listed[resource_type] = await self.list(resource_type)
        listed = self._listed[resource_type]
        return None if listed is None else listed.get(external_id, [])

    async def _find_by_filter(
        self, resource_type: ResourceType, external_id: str
    ) -> list[str] | None:
        """As `find`, or None where the vendor does not filter."""
        query = "?filter=" + quote(f'externalId eq "{external_id}"', safe="")
        page = await self._page(resource_type, query)
        if page is None:
            return None
        found = page.by_external_id()
        return None if found.keys() - {external_id} else found.get(external_id, [])

    async def list(self, resource_type: ResourceType) -> dict[str, list[str]] | None:
        """All that the vendor holds of a type: ids by externalId; None when it cannot list.

        Resources without an externalId are under an empty one.
        """
        found: dict[str, list[str]] = {}
        seen: set[str] = set()
        while True:
            query = f"?startIndex={len(seen) + 1}&count={PAGE}"
            page = await self._page(resource_type, query)
            if page is None and not seen:
                page = await self._page(resource_type, "")
            if page is None:
                return None
            new = [r for r in page.resources if r[1] not in seen]
            for external_id, resource_id in new:
                found.setdefault(external_id, []).append(resource_id)
                seen.add(resource_id)
            if not new or page.total is None or len(seen) >= page.total:
                return found

    async def _page(self, resource_type: ResourceType, query: str) -> "_Page | None":
        """A page of a list, or None when the vendor does not answer such a question."""
        try:
            answer = await self._wire.send("GET", resource_type, query=query, bound=LIST_BYTES)
        except GivenUp as given_up:
            if given_up.status in CANNOT_SAY:
                return None
            raise
        body = json_object(answer) if answer.done and not answer.cut else None
        return None if body is None else _Page.of(body)


class _Page(Struct, frozen=True):
    """A list response's resources as (externalId, id), and how many there are in all."""

    resources: list[tuple[str, str]]
    total: int | None

    @classmethod
    def of(cls, body: dict[str, Any]) -> "_Page | None":
        total = body.get("totalResults")
        entries = body.get("Resources")
        if entries is None and isinstance(total, int):
            entries = []
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            return None
        found = [(str(e.get("externalId") or ""), str(e.get("id") or e.get("externalId") or ""))
                 for e in entries]
        return cls([f for f in found if f[1]], total if isinstance(total, int) else None)

    def by_external_id(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for external_id, resource_id in self.resources:
            found.setdefault(external_id, []).append(resource_id)
        return found


def _gone(op: Operation, answer: Answer) -> Outcome:
    return Done() if answer.done or answer.status in (404, 410) else _refused(op, answer)


def _refused(op: Operation, answer: Answer, conflict: bool | None = None) -> Refused:
    return Refused(
        status=answer.status,
        detail=detail(answer, op.resource_type, op.body),
        conflict=answer.status == 409 if conflict is None else conflict,
    )
