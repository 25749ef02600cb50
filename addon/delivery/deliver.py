"""Carries out a plan: protected people first, then writes type by type, then deletes.

Everything of one type is settled before the next type starts, so that nothing refers to
what the vendor may not have. What the vendor lacks after its type was settled is left out
of what refers to it, by translating anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence, Set

from msgspec import Struct

from addon.delivery.http import GivenUp
from addon.delivery.journal import Journal
from addon.delivery.ledger import Change, Entry, NotKept, OperationKind, Refusal
from addon.delivery.pace import Pace, Stopped
from addon.delivery.plan import Operation, Plan
from addon.delivery.scim import Outcome, Refused
from addon.ss12000.resources import TYPES, ResourceType

INTENTS = 200
"""How many creates are announced to the store at once."""

Perform = Callable[[Operation], Awaitable[Outcome]]
"""Does one operation at the vendor; `addon.delivery.scim.Scim.perform`."""
Replan = Callable[[Set[str]], Plan]
"""The plan from the ledger as it is now, with externalIds that the vendor will not have."""


class Failure(Struct, frozen=True, rename="camel"):
    """An operation that the vendor did not do, for the run's report."""

    operation: OperationKind
    resource_type: ResourceType
    external_id: str
    http_status: int | None
    detail: str
    refused: bool = False


class Result(Struct, frozen=True):
    """What came of a plan. `left` is how many operations were not tried or given up."""

    operations: dict[str, dict[str, int]]
    failures: tuple[Failure, ...]
    left: int = 0
    stopped: str | None = None
    status: int | None = None
    spent: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything of the plan was done."""
        return not (self.failures or self.left or self.stopped)


class Delivery:
    """One delivery to one vendor. `progress` is told operations done and planned."""

    def __init__(
        self,
        perform: Perform,
        journal: Journal,
        pace: Pace,
        concurrency: int,
        progress: Callable[[int, int], None] = lambda done, planned: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._perform = perform
        self._journal = journal
        self._pace = pace
        self._concurrency = concurrency
        self._progress = progress
        self._clock = clock
        self._done: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
        self._failures: dict[tuple[ResourceType, str], Failure] = {}
        self._conflicts: set[tuple[ResourceType, str]] = set()
        self._lacking: set[str] = set()
        self._count = 0
        self._planned = 0
        self._left = 0
        self._stopped: Stopped | None = None

    async def run(self, plan: Plan, replan: Replan) -> Result:
        """Carry out `plan`; the outcome of every operation is in the ledger when it ends."""
        self._planned = sum(1 for _ in plan.operations())
        await self._settle(plan.protected)
        removed = await self._round(plan, replan)
        if self._conflicts and removed and self._stopped is None:
            await self._round_without_conflicts(replan)
        await self._journal.flush()
        stopped = self._stopped
        return Result(
            operations=self._done,
            failures=tuple(self._failures.values()),
            left=self._left,
            stopped=str(stopped) if stopped is not None else None,
            status=stopped.status if stopped is not None else None,
            spent=stopped is not None and stopped.spent,
        )

    async def _round(self, plan: Plan, replan: Replan) -> bool:
        """Writes and deletes of `plan`; whether anything was removed."""
        absent = set(plan.absent)
        for resource_type in TYPES:
            if not self._lacking <= absent:
                absent |= self._lacking
                plan = replan(absent)
            await self._settle(plan.writes[resource_type])
        before = sum(self._done["delete"].values())
        for resource_type in reversed(TYPES):
            await self._settle(plan.deletes[resource_type])
        return sum(self._done["delete"].values()) > before

    async def _round_without_conflicts(self, replan: Replan) -> None:
        """Once more, now that what was in the way may be gone: an address passed on."""
        tried = {external_id for _, external_id in self._conflicts}
        for key in self._conflicts:
            self._failures.pop(key, None)
        self._conflicts.clear()
        self._lacking -= tried
        plan = replan(self._lacking)
        self._planned = self._count + sum(1 for _ in plan.operations())
        await self._round(plan, replan)

    async def _settle(self, operations: Sequence[Operation]) -> None:
        """Do the operations, several at once, until the outcome of each is known."""
        if not operations:
            return
        if self._stopped is not None:
            self._left += len(operations)
            return
        queue: asyncio.Queue[Operation | None] = asyncio.Queue(INTENTS)
        workers = min(self._concurrency, len(operations))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._announce(operations, queue, workers))
            for _ in range(workers):
                tasks.create_task(self._work(queue))

    async def _announce(
        self, operations: Sequence[Operation], queue: asyncio.Queue[Operation | None], workers: int
    ) -> None:
        """Hand out the operations; the intent of each create is in the store before it goes."""
        for start in range(0, len(operations), INTENTS):
            batch = operations[start : start + INTENTS]
            creates = [op for op in batch if op.kind == "create" and not op.ask]
            if creates and self._stopped is None:
                self._journal.note(_intent(op) for op in creates)
                try:
                    await self._journal.flush()
                except NotKept as error:
                    self._stopped = Stopped(str(error))
            for op in batch:
                await queue.put(op)
        for _ in range(workers):
            await queue.put(None)

    async def _work(self, queue: asyncio.Queue[Operation | None]) -> None:
        while (op := await queue.get()) is not None:
            if self._stopped is not None:
                self._leave(op, untried=True)
                continue
            try:
                self._note(op, await self._perform(op))
            except GivenUp as given_up:
                self._give_up(op, given_up)
            except Stopped as stopped:
                self._stopped = self._stopped or stopped
                self._leave(op, untried=True)
            except NotKept as error:
                self._stopped = self._stopped or Stopped(str(error))
                self._leave(op, untried=False)
            self._count += 1
            self._progress(self._count, self._planned)

    def _note(self, op: Operation, outcome: Outcome) -> None:
        """Remember what came of an operation."""
        if isinstance(outcome, Refused):
            self._refuse(op, outcome)
            return
        of_kind = self._done[op.kind]
        of_kind[op.resource_type] = of_kind.get(op.resource_type, 0) + 1
        entry = None if op.kind == "delete" else Entry(outcome.vendor_id, op.content)
        self._change(op, entry, forget=op.kind == "delete")

    def _refuse(self, op: Operation, refused: Refused) -> None:
        """Remember a refusal, so that it rests; a conflict is tried again as soon as may be."""
        self._fail(op, refused.status, refused.detail, refused=True)
        key = (op.resource_type, op.external_id)
        refusal = None
        if refused.conflict and op.kind != "delete":
            self._conflicts.add(key)
        else:
            refusal = Refusal(op.kind, op.content, refused.status, refused.detail, self._clock())
        self._journal.note([Change(*key, forget=op.kind == "create", refusal=refusal)])

    def _give_up(self, op: Operation, given_up: GivenUp) -> None:
        self._fail(op, given_up.status, str(given_up))
        self._leave(op, untried=not given_up.uncertain)

    def _leave(self, op: Operation, untried: bool) -> None:
        """Leave an operation for the next run, which need not ask about it if it was `untried`."""
        self._left += 1
        if op.kind == "create":
            self._lacking.add(op.external_id)
            if untried and not op.ask:
                self._change(op, None, forget=True)

    def _fail(
        self, op: Operation, status: int | None, detail: str, refused: bool = False
    ) -> None:
        key = (op.resource_type, op.external_id)
        self._failures[key] = Failure(
            op.kind, op.resource_type, op.external_id, status, detail, refused
        )
        if op.kind == "create":
            self._lacking.add(op.external_id)

    def _change(self, op: Operation, entry: Entry | None, forget: bool = False) -> None:
        self._journal.note([Change(op.resource_type, op.external_id, entry, forget)])


def _intent(op: Operation) -> Change:
    return Change(op.resource_type, op.external_id, Entry("", b""))


def intend_with(journal: Journal) -> Callable[[Operation], Awaitable[None]]:
    """Remembers one create's intent at once: for a resource that the vendor has lost."""

    async def intend(op: Operation) -> None:
        journal.note([_intent(op)])
        await journal.flush()

    return intend
