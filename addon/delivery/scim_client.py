"""Create, update and delete single resources at a vendor and determine the outcome.

Source: RFC 7644, and docs/wire-format.md for how EGIL servers in production behave.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice

from msgspec import structs

from addon.delivery.answer_evidence import (
    GONE,
    KeyEvidence,
    is_of_scim_server,
    is_scim_error,
)
from addon.delivery.deletions import Deletions
from addon.delivery.listing import ListedResources
from addon.delivery.lookup import Keep, Known, ResourceLookup, nothing_known
from addon.delivery.operation_outcome import (
    AbsenceUnproven,
    OperationOutcome,
    RefusedByVendor,
    Succeeded,
    contradiction,
)
from addon.delivery.response import VendorResponse, answered, detail, vendor_id
from addon.delivery.throttle import DeliveryStopped
from addon.delivery.transport import RetriesExhausted, Transport
from addon.planning.ledger import ASK_FIRST, LedgerEntry
from addon.planning.plan import Operation
from addon.planning.result import VendorProblem
from addon.ss12000.resources import ENDPOINTS, ResourceType

NO_ENDPOINT = (404, 405)
"""The HTTP statuses of a POST to an endpoint that does not exist."""
ENOUGH_MISSING = 3
"""The number of types without an endpoint from which the vendor's address is considered wrong."""

CANNOT_TELL = (
    "the vendor can neither filter nor list, so it cannot be known whether something whose answer "
    "was lost is there, or is there twice; ask the vendor to support filter=externalId eq"
)

Intend = Callable[[Operation], Awaitable[None]]
"""Records that a create of the resource is about to be sent."""


class _AlreadyThere(Exception):
    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__()
        self.ids = ids


class ScimClient:
    """A client for the vendor's resources, identified by our externalIds."""

    def __init__(self, transport: Transport, intend: Intend, known: Known = nothing_known) -> None:
        self._transport = transport
        self._intend = intend
        self._known = known
        self._deletions = Deletions(transport)
        self.lookup = ResourceLookup(transport, self._deletions, known)
        self._accepted = False
        self._key = KeyEvidence()
        self.limitation: str | None = None
        self._missing: set[ResourceType] = set()

    async def perform(self, op: Operation) -> OperationOutcome:
        """Carry out one operation.

        Raises RetriesExhausted, or DeliveryStopped when the whole delivery must end. If it is not
        `uncertain`, the operation has changed nothing at the vendor.
        """
        if op.kind == "create":
            outcome = await self._create(op)
        elif op.kind == "update" and op.look:
            outcome = await self._look(op)
        else:
            outcome = await (self._update(op) if op.kind == "update" else self._delete(op))
        if isinstance(outcome, Succeeded):
            self._accepted = True
            self.lookup.evidence[op.resource_type].accepted = True
        status = 200 if isinstance(outcome, Succeeded) else outcome.status
        self._key.add(op.resource_type, op.external_id, status)
        if isinstance(outcome, RefusedByVendor) and status == 403 and self._key.is_refused:
            stopped = self._transport.stop_for_key(status)
            raise stopped.unsure() if outcome.unsure else stopped
        return outcome

    async def check_key(self) -> None:
        """Stop the delivery if nothing was accepted in it and the key may not read either.

        Raises RetriesExhausted and DeliveryStopped.
        """
        if self._key.is_in_doubt:
            answer = await self._transport.send("GET", "User", query="?startIndex=1&count=1")
            if answer.status == 403:
                raise self._transport.stop_for_key(answer.status)

    async def find(self, resource_type: ResourceType, external_id: str) -> list[str] | None:
        """Return the vendor's ids of a resource.

        An empty list if the vendor does not have it, None if the vendor cannot be queried.
        Raises RetriesExhausted and DeliveryStopped.
        """
        return await self.lookup.find(resource_type, external_id)

    async def filter(self, resource_type: ResourceType, external_id: str) -> list[str] | None:
        """Return the vendor's ids of a resource, or None if its filter cannot be relied on.

        A filter that does not find what is known to be there cannot. Raises DeliveryStopped.
        """
        return await self.lookup.reliably_filtered(resource_type, external_id)

    async def list(
        self, resource_type: ResourceType, keep: Keep = lambda body: None
    ) -> ListedResources | None:
        """Return all resources of a type at the vendor; None if it cannot list.

        `keep` is called with the body of each page. Resources without an externalId are under
        `""`. Raises RetriesExhausted and DeliveryStopped.
        """
        return await self.lookup.everything(resource_type, keep)

    def forget_lists(self) -> None:
        """Ask for lists again: what was created meanwhile is not in those so far."""
        self.lookup.forget_lists()

    # Creating

    async def _create(self, op: Operation) -> OperationOutcome:
        """Create a resource; ask first if an earlier create may have reached the vendor."""
        if op.ask:
            ids = await self.find(op.resource_type, op.external_id)
            adopted = await self._adopt(op, ids or [op.vendor_id]) if ids or op.vendor_id else None
            if adopted is not None:
                return self._doubt(op, adopted, ids) if op.doubted else adopted
            if ids:
                raise contradiction(uncertain=True)
            if op.vendor_id:
                await self._check_absence(op, ids)
            outcome = await self._post(op)
            return self._doubt(op, outcome, ids) if op.doubted or ids is None else outcome
        return await self._post(op)

    def _doubt(
        self, op: Operation, outcome: OperationOutcome, asked: Sequence[str] | None
    ) -> OperationOutcome:
        """Mark a success as one of which the vendor may come to show copies.

        A vendor that uses our ids would have refused the second one. `asked` is what `find`
        returned; where nothing can be asked, now or later, that is noted.
        """
        if not isinstance(outcome, Succeeded) or outcome.vendor_id == op.external_id:
            return outcome
        if asked is None and outcome.vendor_id:
            self.limitation = CANNOT_TELL
        doubted = asked is not None or self.lookup.may_answer_later
        return structs.replace(outcome, doubted=doubted)

    async def _post(self, op: Operation) -> OperationOutcome:
        asked: list[str] | None = []

        async def stop_if_there() -> None:
            nonlocal asked
            since = time.monotonic()
            asked = await self.lookup.find(op.resource_type, op.external_id, since=since)
            if asked:
                raise _AlreadyThere(asked)

        try:
            answer = await self._transport.send(
                "POST", op.resource_type, body=op.body, before_repeat=stop_if_there
            )
        except _AlreadyThere as there:
            adopted = await self._adopt(op, there.ids)
            if adopted is None:
                raise contradiction(uncertain=True) from None
            return self._doubt(op, adopted, there.ids)
        except RetriesExhausted as given_up:
            if given_up.late and self._takes_our_ids(op):
                given_up.late = 0.0
            raise
        if answer.done:
            created = Succeeded(await self._told(op, answer))
            return self._doubt(op, created, asked) if answer.unsure else created
        if answer.status == 409:
            yielded = await self._yield(op, answer)
            return self._doubt(op, yielded, asked) if answer.unsure else yielded
        if answer.status in NO_ENDPOINT:
            self._miss(op, answer)
        if answer.status in GONE and not is_of_scim_server(answer):
            problem = VendorProblem("not-scim", answer.status)
            raise RetriesExhausted(answered(answer.status), problem, uncertain=True)
        return _refused(op, answer, there=False)

    async def _yield(self, op: Operation, conflict: VendorResponse) -> OperationOutcome:
        """Update the existing resource after a create was answered with a conflict."""
        with _perhaps_there():
            try:
                ids = await self.find(op.resource_type, op.external_id)
            except RetriesExhausted:
                ids = None
        adopted = await self._adopt(op, ids or [op.external_id])
        return adopted or _refused(op, conflict, there=ids is None or bool(ids))

    async def _adopt(self, op: Operation, ids: Sequence[str]) -> OperationOutcome | None:
        """Update the existing resource under one of `ids`, and delete its duplicates.

        None if the vendor has it under none of `ids`.
        """
        with _perhaps_there():
            for number, resource_id in enumerate(ids):
                answer = await self._put(op, resource_id)
                if answer.status in GONE and is_of_scim_server(answer):
                    continue
                if not answer.done:
                    return _refused(op, answer, there=True)
                copies = await self._delete_all(op, ids[number + 1 :])
                if isinstance(copies, RefusedByVendor):
                    return copies
                return Succeeded(
                    resource_id if resource_id != op.external_id else vendor_id(answer)
                )
            return None

    async def _told(self, op: Operation, answer: VendorResponse) -> str:
        """Return the vendor's id of a created resource; query it if the response was cut off."""
        told = vendor_id(answer)
        if told or not answer.cut:
            return told
        try:
            ids = await self.lookup.find(op.resource_type, op.external_id, since=time.monotonic())
        except (RetriesExhausted, DeliveryStopped):
            return ""
        return ids[0] if ids else ""

    def _miss(self, op: Operation, answer: VendorResponse) -> None:
        """Record that a type has no endpoint.

        Raises DeliveryStopped if that is so for ENOUGH_MISSING types and nothing has succeeded.
        """
        self._missing.add(op.resource_type)
        if not self._accepted and len(self._missing) >= ENOUGH_MISSING:
            endpoint = ENDPOINTS[op.resource_type]
            reason = f"there is no {endpoint} and nothing else of ours at the vendor's address"
            raise self._transport.stop(
                f"{reason} ({answer.status}); is it right?", "endpoint-missing", answer.status
            )

    def _takes_our_ids(self, op: Operation) -> bool:
        """Whether the vendor is known to use our externalIds as its ids, so that none is twice."""
        told = (each for each in self._known(op.resource_type) if each[1])
        return any(external_id == theirs for external_id, theirs in islice(told, 1))

    # Updating and deleting

    async def _look(self, op: Operation) -> OperationOutcome:
        """Delete copies of a resource, and update it unless it is unchanged and there is one.

        The one with the id of the ledger is kept, if the vendor still has it under that id.
        """
        ids = await self.find(op.resource_type, op.external_id)
        own = op.vendor_id or op.external_id
        if ids is None and op.vendor_id not in ("", op.external_id):
            self.limitation = CANNOT_TELL
        if op.only_looks and (ids is None or ids == [own]):
            return Succeeded(op.vendor_id)
        if ids and ids != [own]:
            others = [each for each in ids if each != own]
            known = bool(op.vendor_id) or own in ids
            adopted = await self._adopt(op, [own, *others] if known else others)
            if adopted is not None:
                return adopted
        return await self._update(op)

    async def _update(self, op: Operation) -> OperationOutcome:
        answer = await self._put(op, op.vendor_id or op.external_id)
        if answer.done:
            self.lookup.evidence[op.resource_type].note_id(told=bool(op.vendor_id))
            return Succeeded(op.vendor_id or vendor_id(answer))
        if answer.status not in GONE:
            return _refused(op, answer, there=True)
        with _perhaps_there() if _is_unsure(answer) else nullcontext():
            ids = await self.find(op.resource_type, op.external_id)
            adopted = await self._adopt(op, ids) if ids else None
            if adopted is not None:
                return adopted
            if ids:
                raise contradiction(uncertain=False)
            await self._check_absence(op, ids, answer)
        await self._intend(op)
        outcome = await self._post(op)
        refused = isinstance(outcome, RefusedByVendor)  # then it may be there after all
        return structs.replace(outcome, unsure=True) if refused else outcome

    async def _check_absence(
        self, op: Operation, found: Sequence[str] | None, answer: VendorResponse | None = None
    ) -> None:
        """Raise AbsenceUnproven unless it is proven that the vendor does not have a resource.

        `found` is what `find` returned. What was a question in an earlier run (`op.ask`) is
        proven when the vendor answers it in the same way. A 404 that is a web page says nothing,
        nor does one to our id where the vendor has told none: then `found` is a single answer.
        """
        refuses_copies = op.kind != "delete" and op.vendor_id == op.external_id
        known = await self.lookup.absence(op.resource_type, op.external_id, found, refuses_copies)
        is_page = answer is not None and not is_of_scim_server(answer)
        has_id = op.vendor_id or self.lookup.evidence[op.resource_type].our_id_answered
        if known == "absent" and (is_page or not has_id):
            known = "unknown" if found is None else "question"
        elif known == "absent" and found is None and self.lookup.may_answer_later:
            known = "question"
        if known == "unknown" or (known == "question" and not op.ask):
            status = GONE[0] if answer is None else answer.status
            raise AbsenceUnproven(status, question=known == "question")
        self._note_if_unasked(op, found)

    def _note_if_unasked(self, op: Operation, found: Sequence[str] | None) -> None:
        """Note that an absence is believed of which nothing could be asked."""
        if found is None and not self._takes_our_ids(op):
            self.limitation = CANNOT_TELL

    async def _delete(self, op: Operation) -> OperationOutcome:
        ids = await self.find(op.resource_type, op.external_id) if op.ask else None
        if ids:
            unlisted = [op.vendor_id] if op.vendor_id and op.vendor_id not in ids else []
            return await self._delete_all(op, [*ids, *(unlisted if not _is_question(op) else ())])
        never_acknowledged = op.ask and not (op.vendor_id or _is_known(op))
        if never_acknowledged and ids is not None:
            return Succeeded()
        answer = await self._deletions.send(op.resource_type, op.vendor_id or op.external_id)
        if answer.done:
            self.lookup.evidence[op.resource_type].note_id(told=bool(op.vendor_id))
        if answer.status not in GONE:
            return _deleted(op, answer)
        with _perhaps_there():  # or no longer: either is for the next run
            ids = await self.find(op.resource_type, op.external_id)
        if ids:
            return await self._delete_all(op, ids)
        if never_acknowledged and is_scim_error(answer):
            self._note_if_unasked(op, ids)
        else:
            await self._check_absence(op, ids, answer)
        return Succeeded()

    async def _delete_all(self, op: Operation, ids: Sequence[str]) -> OperationOutcome:
        """Delete the resource under each of the ids by which the vendor has listed it."""
        for resource_id in ids:
            begun = time.monotonic()
            answer = await self._deletions.send(op.resource_type, resource_id)
            if answer.status in GONE:
                there = await self.lookup.find(op.resource_type, op.external_id, since=begun)
                if there is None or resource_id in there:
                    raise contradiction(uncertain=False)
                continue
            outcome = _deleted(op, answer)
            if isinstance(outcome, RefusedByVendor):
                return outcome
        return Succeeded()

    async def _put(self, op: Operation, resource_id: str) -> VendorResponse:
        return await self._transport.send("PUT", op.resource_type, resource_id, body=op.body)


@contextmanager
def _perhaps_there() -> Iterator[None]:
    """Mark RetriesExhausted and DeliveryStopped from the block as uncertain."""
    try:
        yield
    except RetriesExhausted as given_up:
        given_up.uncertain, given_up.late = True, None
        raise
    except DeliveryStopped as stopped:
        raise stopped.unsure() from None


def _is_known(op: Operation) -> bool:
    """Whether the vendor has acknowledged a resource of which it may have copies too."""
    return LedgerEntry("", op.previous).is_doubted


def _is_question(op: Operation) -> bool:
    """Whether it was left open by an earlier run whether the vendor's id is still right."""
    return op.previous == ASK_FIRST


def _deleted(op: Operation, answer: VendorResponse) -> OperationOutcome:
    return Succeeded() if answer.done else _refused(op, answer, there=True)


def _refused(op: Operation, answer: VendorResponse, there: bool) -> RefusedByVendor:
    """Return the refusal that an answer says; a web page may hide the vendor's own answer."""
    return RefusedByVendor(
        status=answer.status,
        detail=detail(answer, op.resource_type, op.body),
        conflict=answer.status == 409,
        there=there,
        unsure=_is_unsure(answer),
    )


def _is_unsure(answer: VendorResponse) -> bool:
    """Whether a write may have been carried out although the answer says otherwise."""
    return answer.unsure or not is_of_scim_server(answer)
