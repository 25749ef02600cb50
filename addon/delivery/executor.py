"""Carry out a plan: protected people first, then writes type by type, then deletes.

All operations of one type end before the next type starts, so that no resource refers to one
that the vendor may not have. When the vendor lacks a resource after that, the plan is made again
without the references to it.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence, Set
from contextlib import suppress

from msgspec import UNSET, UnsetType, structs

from addon.delivery.intents import changes_entry, intent_of
from addon.delivery.ledger_writer import LedgerWriter
from addon.delivery.operation_outcome import (
    AbsenceUnproven,
    OperationOutcome,
    RefusedByVendor,
)
from addon.delivery.outcome_recorder import OutcomeRecorder
from addon.delivery.response import answered
from addon.delivery.scim_client import NO_ENDPOINT
from addon.delivery.throttle import DeliveryStopped, Throttle
from addon.delivery.transport import RetriesExhausted
from addon.planning.ledger import (
    LedgerChange,
    LedgerWriteError,
)
from addon.planning.plan import Operation, Plan
from addon.planning.result import DeliveryResult, FailedOperation, VendorProblem
from addon.ss12000.resources import TYPES, ResourceType

log = logging.getLogger(__name__)

FORBIDDEN = 403
INTENT_BATCH = 200
"""How many intents are written to the store at once."""

Perform = Callable[[Operation], Awaitable[OperationOutcome]]
"""Carries out one operation at the vendor; `addon.delivery.scim_client.ScimClient.perform`."""
CheckKey = Callable[[], Awaitable[None]]
"""Stops the delivery if the vendor accepts nothing with our key; `ScimClient.check_key`."""
Replan = Callable[[Set[str]], Plan]
"""Returns the plan from the current ledger, without references to the given externalIds."""
ResourceKey = tuple[ResourceType, str]
"""A resource by its type and externalId."""


async def _no_check() -> None:
    """Accept the key."""


class PlanExecutor:
    """One delivery to one vendor.

    `progress` is called with the numbers of operations done and planned.
    """

    def __init__(
        self,
        perform: Perform,
        ledger_writer: LedgerWriter,
        throttle: Throttle,
        concurrency: int,
        progress: Callable[[int, int], None] = lambda done, planned: None,
        clock: Callable[[], float] = time.time,
        check_key: CheckKey = _no_check,
        after_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self._perform = perform
        self._check_key = check_key
        self._after_wait = after_wait
        self._ledger_writer = ledger_writer
        self._recorder = OutcomeRecorder(ledger_writer, clock)
        self._throttle = throttle
        self._concurrency = concurrency
        self._progress = progress
        self._clock = clock
        self._done: dict[str, dict[str, int]] = {"create": {}, "update": {}, "delete": {}}
        self._failures: dict[ResourceKey, FailedOperation] = {}
        self._left: set[ResourceKey] = set()
        self._conflicts: dict[ResourceKey, Operation] = {}
        self._lacking: set[str] = set()
        self._doubted: list[Operation] = []
        self._late: list[Operation] = []
        self._given_up: VendorProblem | None = None
        self._waiting: dict[ResourceKey, Operation] = {}
        self._count = 0
        self._planned = 0

    async def run(self, plan: Plan, replan: Replan) -> DeliveryResult:
        """Carry out `plan` and return its outcome, which is then in the ledger too.

        `replan` makes the plan again without resources that the vendor lacks. Raises
        LedgerWriteError when the store failed.
        """
        self._planned = sum(1 for _ in plan.operations())
        if any(op.ask and not op.not_before for op in plan.operations()):
            await self._throttle.settle()
        await self._settle(plan.protected)
        before = self._removed
        await self._round(plan, replan)
        if self._conflicts and self._removed > before and not self._over:
            await self._round_without_conflicts(replan)
        await self._settle([op for op in plan.looks if self._is_as_planned(op)])
        await self._conclude()
        await self._ledger_writer.flush()
        stopped = self._throttle.stopped
        return DeliveryResult(
            operations=self._done,
            failures=tuple(self._failures.values()),
            left=len(self._left),
            stopped=str(stopped) if stopped is not None else None,
            spent=stopped is not None and stopped.spent,
            problem=None if stopped is None else stopped.problem,
        )

    @property
    def _over(self) -> bool:
        return self._throttle.stopped is not None

    @property
    def _removed(self) -> int:
        return sum(self._done["delete"].values())

    # Rounds

    async def _round(self, plan: Plan, replan: Replan) -> None:
        """Carry out the writes and deletes of `plan`."""
        absent = set(plan.absent)
        for resource_type in TYPES:
            if not self._lacking <= absent and not self._over:
                absent |= self._lacking
                plan = replan(absent)
            updated = self._done["update"].get(resource_type, 0)
            await self._settle(plan.writes[resource_type])
            if self._done["update"].get(resource_type, 0) > updated:
                await self._settle(self._in_conflict(resource_type))
        for resource_type in reversed(TYPES):
            await self._settle(plan.deletes[resource_type])

    async def _round_without_conflicts(self, replan: Replan) -> None:
        """Try conflicts again after deletes, which may have removed the resource in conflict.

        Example: an e-mail address that was passed on from a person who has been deleted.
        """
        for resource_type in TYPES:
            self._in_conflict(resource_type)
        plan = replan(self._lacking)
        self._planned = self._count + sum(1 for _ in plan.operations())
        await self._round(plan, replan)

    def _is_as_planned(self, op: Operation) -> bool:
        """Whether the ledger has of a resource what it had when the operation was planned."""
        entry = self._ledger_writer.entry(*_name(op))
        return entry is not None and entry.content == op.previous

    def _in_conflict(self, resource_type: ResourceType) -> list[Operation]:
        """Return the operations of a type that were in conflict, and clear their failures."""
        if self._over:
            return []
        found = [name for name in self._conflicts if name[0] == resource_type]
        for name in found:
            del self._failures[name]
            self._lacking.discard(name[1])
        return [self._conflicts.pop(name) for name in found]

    # Settling one type

    async def _settle(self, operations: Sequence[Operation]) -> None:
        """Carry out the operations until the outcome of each is known.

        Those whose resource may or may not be absent are tried again after the others. Those of
        which a create may still have its effect come last, when that is over.
        """
        self._doubted = []
        self._late = [op for op in operations if op.not_before]
        await self._settle_all([op for op in operations if not op.not_before])
        again, self._doubted = self._doubted, []
        if 0 < len(again) < len(operations):
            await self._settle_all(again)
        late, self._late = self._late, []
        await self._settle_late(late)

    async def _settle_late(self, operations: Sequence[Operation]) -> None:
        """Carry out operations when an earlier create of each can have no effect any more.

        Without the time to wait for that they are left for the next run.
        """
        if not operations:
            return
        waits = max(op.not_before for op in operations) - self._clock()
        if not self._throttle.has_time(waits):
            for op in operations:
                self._leave(op, untried=True)
            return
        with suppress(DeliveryStopped):
            await self._throttle.rest(max(0.0, waits))
        self._after_wait()
        await self._settle_all(operations)

    async def _settle_all(self, operations: Sequence[Operation]) -> None:
        """Carry out the operations, several at once."""
        if not operations:
            return
        if self._over:
            self._left |= {_name(op) for op in operations}
            return
        self._throttle.begin_group()
        queue: asyncio.Queue[Operation | None] = asyncio.Queue(INTENT_BATCH)
        workers = min(self._concurrency, len(operations))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._announce(operations, queue, workers))
                for _ in range(workers):
                    tasks.create_task(self._work(queue))
        finally:
            for op in self._waiting.values():
                self._leave(op, untried=True)
            self._waiting.clear()

    async def _announce(
        self, operations: Sequence[Operation], queue: asyncio.Queue[Operation | None], workers: int
    ) -> None:
        """Queue the operations; the intent of each is written to the store before it is sent."""
        for start in range(0, len(operations), INTENT_BATCH):
            batch = operations[start : start + INTENT_BATCH]
            self._waiting.update((_name(op), op) for op in batch)
            self._recorder.note_earlier_errors(batch)
            unknown = [op for op in batch if changes_entry(op)]
            if unknown and not self._over:
                self._ledger_writer.record(intent_of(op) for op in unknown)
                try:
                    await self._ledger_writer.flush()
                except LedgerWriteError as error:
                    self._throttle.stop(DeliveryStopped(str(error), VendorProblem("ledger")))
            for op in batch:
                await queue.put(op)
        for _ in range(workers):
            await queue.put(None)

    async def _work(self, queue: asyncio.Queue[Operation | None]) -> None:
        while (op := await queue.get()) is not None:
            del self._waiting[_name(op)]
            if self._over or self._throttle.group_given_up:
                self._leave(op, untried=True)
                continue
            await self._do(op)
            self._count += 1
            self._progress(self._count, max(self._planned, self._count))

    async def _do(self, op: Operation) -> None:
        try:
            outcome = await self._perform(op)
        except AbsenceUnproven as unproven:
            self._doubt(op, unproven)
        except RetriesExhausted as given_up:
            if self._defer(op, given_up):
                return
            if self._throttle.group_given_up:
                self._given_up = given_up.problem
            self._fail(op, given_up.status, str(given_up), given_up.problem)
            self._leave(op, untried=not given_up.uncertain, late=given_up.late)
            self._recorder.count_error(op, given_up.status)
        except DeliveryStopped as stopped:
            self._throttle.stop(stopped)
            if not self._failures and not stopped.spent:
                # One message for all remaining operations.
                self._fail(op, stopped.status, str(stopped), stopped.problem)
            self._leave(op, untried=not stopped.uncertain, late=stopped.late)
        except LedgerWriteError as error:
            self._throttle.stop(DeliveryStopped(str(error), VendorProblem("ledger")))
            self._leave(op, untried=False)
        except Exception as error:  # a bug must not lose the outcomes of other operations
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__} at {where.filename}:{where.lineno}"
            log.error("%s %s %s: %s", op.kind, op.resource_type, op.external_id, what)
            self._throttle.stop(
                DeliveryStopped(
                    f"the delivery ended with an error: {what}", VendorProblem("program")
                )
            )
            self._leave(op, untried=False)
        else:
            self._note(op, outcome)

    def _defer(self, op: Operation, given_up: RetriesExhausted) -> bool:
        """Try a create whose effect may come late once more, after the others of its type.

        Return whether that is so.
        """
        if given_up.late is None or op.not_before or self._over or self._throttle.group_given_up:
            return False
        self._fail(op, given_up.status, str(given_up), given_up.problem)
        self._recorder.late(op, given_up.late)
        self._recorder.count_error(op, given_up.status)
        self._late.append(
            structs.replace(
                op,
                kind="create",
                vendor_id="",
                previous=b"",
                ask=True,
                doubted=True,
                look=False,
                not_before=self._clock() + given_up.late,
            )
        )
        return True

    # Recording outcomes

    def _note(self, op: Operation, outcome: OperationOutcome) -> None:
        """Record the outcome of an operation."""
        if isinstance(outcome, RefusedByVendor):
            self._refuse(op, outcome)
            return
        name = _name(op)
        if not op.only_looks:
            of_kind = self._done[op.kind]
            of_kind[op.resource_type] = of_kind.get(op.resource_type, 0) + 1
        self._failures.pop(name, None)
        self._left.discard(name)
        self._lacking.discard(op.external_id)
        self._recorder.succeeded(op, outcome)

    def _refuse(self, op: Operation, refused: RefusedByVendor) -> None:
        """Record a refusal, so that it is not tried again at once; a conflict is.

        A resource that the vendor has nevertheless stays in the ledger; if that is uncertain,
        it stays as one that the vendor must be asked about.
        """
        rests = not refused.conflict or op.kind == "delete"
        problem = UNSET if refused.detail else VendorProblem("status", refused.status)
        said = refused.detail or answered(refused.status)
        self._fail(op, refused.status, said, problem, refused=rests)
        lacks = op.kind != "delete" and not refused.there  # certain unless `unsure`
        if lacks:
            self._lacking.add(op.external_id)
        if refused.conflict and op.kind != "delete":
            again = op.ask or (op.kind == "create" and refused.there)
            self._conflicts[_name(op)] = structs.replace(op, ask=again)
        self._recorder.refused(op, refused, lacks)

    def _doubt(self, op: Operation, unproven: AbsenceUnproven) -> None:
        """Leave an operation on a resource whose absence is not proven.

        It is tried once more when the other operations of its type have shown what they can. A
        delete may have been carried out, so its resource stays uncertain.
        """
        self._fail(op, unproven.status, str(unproven), unproven.problem)
        self._left.add(_name(op))
        self._doubted.append(op)
        if unproven.question:
            self._recorder.question(op)
        elif op.kind != "delete":
            self._recorder.untried(op)

    def _leave(self, op: Operation, untried: bool, late: float | None = None) -> None:
        """Leave an operation for the next run.

        If it was `untried`, its intent is removed, so that the next run need not ask the vendor.
        `late` is for how many seconds a create may still have its effect.
        """
        self._left.add(_name(op))
        if op.kind == "create":
            self._lacking.add(op.external_id)
        if untried:
            self._recorder.untried(op)
        elif late is not None:
            self._recorder.late(op, late)

    def _fail(
        self,
        op: Operation,
        status: int | None,
        said: str,
        problem: VendorProblem | UnsetType = UNSET,
        refused: bool = False,
    ) -> None:
        self._failures[_name(op)] = FailedOperation(
            op.kind, op.resource_type, op.external_id, status, said, refused, problem
        )

    async def _conclude(self) -> None:
        """Stop if nothing at all was accepted, and remove the refusals that only that caused."""
        if not self._over:
            with suppress(RetriesExhausted, DeliveryStopped):
                await self._check_key()
        if not self._over and self._given_up is not None and not any(self._done.values()):
            said = f"{answered(self._given_up.status)}, again and again"
            self._throttle.stop(DeliveryStopped(said, self._given_up))
        stopped = self._throttle.stopped
        if stopped is None or stopped.status not in (*NO_ENDPOINT, FORBIDDEN):
            return
        alike = NO_ENDPOINT if stopped.status in NO_ENDPOINT else (FORBIDDEN,)
        names = [n for n, failure in self._failures.items() if failure.http_status in alike]
        for name in names:
            self._ledger_writer.record([LedgerChange(*name)])
            if stopped.status == FORBIDDEN:
                self._left.add(name)
                failure = self._failures.pop(name)
                one = structs.replace(failure, detail=str(stopped), refused=False)
                if name == names[0]:
                    self._failures[name] = structs.replace(one, problem=stopped.problem)


def _name(op: Operation) -> ResourceKey:
    return op.resource_type, op.external_id
