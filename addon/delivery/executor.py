"""Carry out a plan: protected people first, then writes type by type, then deletes.

All operations of one type end before the next type starts, so that no resource refers to one
that the vendor may not have. When the vendor lacks a resource after that, the plan is made again
without the references to it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence, Set
from contextlib import suppress

from msgspec import structs

from addon.delivery.address_cycles import AddressExchange, ReadAddress
from addon.delivery.intents import changes_entry, intent_of
from addon.delivery.ledger_writer import LedgerWriter
from addon.delivery.operation_outcome import AbsenceUnproven, OperationOutcome
from addon.delivery.outcome_tally import OutcomeTally, ResourceKey, resource_key
from addon.delivery.response import answered
from addon.delivery.scim_client import NO_ENDPOINT
from addon.delivery.throttle import DeliveryStopped, Throttle
from addon.delivery.transport import RetriesExhausted
from addon.logs import error_place
from addon.planning.ledger import LedgerChange, LedgerWriteError
from addon.planning.plan import Operation, Plan
from addon.planning.result import DeliveryResult, VendorProblem
from addon.ss12000.resources import TYPES

log = logging.getLogger(__name__)

FORBIDDEN = 403
INTENT_BATCH = 200
"""How many intents are written to the store at once."""
MOST_CONFLICT_ROUNDS = 10
"""How often the conflicts of a type are tried again, as long as some of them end."""

Perform = Callable[[Operation], Awaitable[OperationOutcome]]
"""Carries out one operation at the vendor; `addon.delivery.scim_client.ScimClient.perform`."""
CheckKey = Callable[[], Awaitable[None]]
"""Stops the delivery if the vendor accepts nothing with our key; `ScimClient.check_key`."""
Replan = Callable[[Set[str]], Plan]
"""Returns the plan from the current ledger, without references to the given externalIds."""


async def _no_check() -> None:
    """Accept the key."""


async def _no_address(external_id: str, vendor_id: str) -> None:
    """Do not know the address."""


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
        read_address: ReadAddress = _no_address,
    ) -> None:
        self._perform = perform
        self._check_key = check_key
        self._after_wait = after_wait
        self._read_address = read_address
        self._ledger_writer = ledger_writer
        self._tally = OutcomeTally(ledger_writer, clock)
        self._throttle = throttle
        self._concurrency = concurrency
        self._progress = progress
        self._clock = clock
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
        before = self._tally.removed
        await self._round(plan, replan)
        if self._tally.conflicts and self._tally.removed > before and not self._over:
            await self._round_without_conflicts(replan)
        if self._tally.conflicts and not self._over:
            await self._exchange_addresses()
        await self._settle([op for op in plan.looks if self._is_as_planned(op)])
        await self._conclude()
        await self._ledger_writer.flush()
        stopped = self._throttle.stopped
        return DeliveryResult(
            operations=self._tally.done,
            failures=tuple(self._tally.failures.values()),
            left=len(self._tally.left),
            stopped=str(stopped) if stopped is not None else None,
            spent=stopped is not None and stopped.spent,
            problem=None if stopped is None else stopped.problem,
            done=self._tally.succeeded,
        )

    @property
    def _over(self) -> bool:
        return self._throttle.stopped is not None

    # Rounds

    async def _round(self, plan: Plan, replan: Replan) -> None:
        """Carry out the writes and deletes of `plan`."""
        absent = set(plan.absent)
        for resource_type in TYPES:
            if not self._tally.lacking <= absent and not self._over:
                absent |= self._tally.lacking
                plan = replan(absent)
            operations: Sequence[Operation] = plan.writes[resource_type]
            for _ in range(1 + MOST_CONFLICT_ROUNDS):
                updated = self._tally.updated(resource_type)
                await self._settle(operations)
                if self._over or self._tally.updated(resource_type) == updated:
                    break  # nothing has become free
                operations = self._tally.take_conflicts(resource_type)
        for resource_type in reversed(TYPES):
            await self._settle(plan.deletes[resource_type])

    async def _round_without_conflicts(self, replan: Replan) -> None:
        """Try conflicts again after deletes, which may have removed the resource in conflict.

        Example: an e-mail address that was passed on from a person who has been deleted.
        """
        for resource_type in TYPES:
            self._tally.take_conflicts(resource_type)
        plan = replan(self._tally.lacking)
        self._planned = self._count + sum(1 for _ in plan.operations())
        await self._round(plan, replan)

    async def _exchange_addresses(self) -> None:
        """Let people in conflict who want each other's addresses have them."""
        self._throttle.begin_group()
        exchange = AddressExchange(
            self._read_address,
            self._attempt,
            self._write_intents,
            self._ledger_writer,
            self._tally,
            self._throttle,
        )
        await exchange.run()

    def _is_as_planned(self, op: Operation) -> bool:
        """Whether the ledger has of a resource what it had when the operation was planned."""
        entry = self._ledger_writer.entry(*resource_key(op))
        return entry is not None and entry.content == op.previous

    # Settling one type

    async def _settle(self, operations: Sequence[Operation]) -> None:
        """Carry out the operations until the outcome of each is known.

        Those whose resource may or may not be absent are tried again after the others. Those of
        which a create may still have its effect come last, when that is over.
        """
        self._doubted = []
        self._late = [op for op in operations if op.not_before]
        ready = [op for op in operations if not op.not_before]
        await self._settle_all([op for op in ready if _deletes_what_is_listed(op)])
        await self._settle_all([op for op in ready if not _deletes_what_is_listed(op)])
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
                self._tally.leave(op, untried=True)
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
            self._tally.left |= {resource_key(op) for op in operations}
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
                self._tally.leave(op, untried=True)
            self._waiting.clear()

    async def _announce(
        self, operations: Sequence[Operation], queue: asyncio.Queue[Operation | None], workers: int
    ) -> None:
        """Queue the operations; the intent of each is written to the store before it is sent."""
        for start in range(0, len(operations), INTENT_BATCH):
            batch = operations[start : start + INTENT_BATCH]
            self._waiting.update((resource_key(op), op) for op in batch)
            await self._write_intents(batch)
            for op in batch:
                await queue.put(op)
        for _ in range(workers):
            await queue.put(None)

    async def _write_intents(self, operations: Sequence[Operation]) -> None:
        """Write to the store that the operations are about to be sent; stop if that fails."""
        self._tally.recorder.note_earlier_errors(operations)
        unknown = [op for op in operations if changes_entry(op)]
        if not unknown or self._over:
            return
        self._ledger_writer.record(intent_of(op) for op in unknown)
        try:
            await self._ledger_writer.flush()
        except LedgerWriteError as error:
            self._throttle.stop(DeliveryStopped(str(error), VendorProblem("ledger")))

    async def _work(self, queue: asyncio.Queue[Operation | None]) -> None:
        while (op := await queue.get()) is not None:
            del self._waiting[resource_key(op)]
            if self._over or self._throttle.group_given_up:
                self._tally.leave(op, untried=True)
                continue
            await self._do(op)
            self._count += 1
            self._progress(self._count, max(self._planned, self._count))

    async def _do(self, op: Operation) -> None:
        outcome = await self._attempt(op, self._defer)
        if outcome is not None:
            self._tally.note(op, outcome)

    async def _attempt(
        self,
        op: Operation,
        defer: Callable[[Operation, RetriesExhausted], bool] = lambda op, given_up: False,
    ) -> OperationOutcome | None:
        """Carry out an operation; return None if it had no outcome, which is in the tally then.

        `defer` may take an operation whose tries are exhausted.
        """
        try:
            return await self._perform(op)
        except AbsenceUnproven as unproven:
            self._tally.doubt(op, unproven)
            self._doubted.append(op)  # tried again when the others have shown what they can
        except RetriesExhausted as given_up:
            if defer(op, given_up):
                return None
            if self._throttle.group_given_up:
                self._given_up = given_up.problem
            self._tally.fail(op, given_up.status, str(given_up), given_up.problem)
            self._tally.leave(op, untried=not given_up.uncertain, late=given_up.late)
            self._tally.recorder.count_error(op, given_up.status)
        except DeliveryStopped as stopped:
            self._throttle.stop(stopped)
            if not self._tally.failures and not stopped.spent:
                # One message for all remaining operations.
                self._tally.fail(op, stopped.status, str(stopped), stopped.problem)
            self._tally.leave(op, untried=not stopped.uncertain, late=stopped.late)
        except LedgerWriteError as error:
            self._throttle.stop(DeliveryStopped(str(error), VendorProblem("ledger")))
            self._tally.leave(op, untried=False)
        except Exception as error:  # a bug must not lose the outcomes of other operations
            what = error_place(error)
            log.error("%s %s %s: %s", op.kind, op.resource_type, op.external_id, what)
            self._throttle.stop(
                DeliveryStopped(
                    f"the delivery ended with an error: {what}", VendorProblem("program")
                )
            )
            self._tally.leave(op, untried=False)
        return None

    def _defer(self, op: Operation, given_up: RetriesExhausted) -> bool:
        """Try a create whose effect may come late once more, after the others of its type.

        Return whether that is so.
        """
        if given_up.late is None or op.not_before or self._over or self._throttle.group_given_up:
            return False
        self._tally.fail(op, given_up.status, str(given_up), given_up.problem)
        self._tally.recorder.late(op, given_up.late)
        self._tally.recorder.count_error(op, given_up.status)
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

    async def _conclude(self) -> None:
        """Stop if nothing at all was accepted, and remove the refusals that only that caused."""
        if not self._over:
            with suppress(RetriesExhausted, DeliveryStopped):
                await self._check_key()
        if not self._over and self._given_up is not None and not any(self._tally.done.values()):
            said = f"{answered(self._given_up.status)}, again and again"
            self._throttle.stop(DeliveryStopped(said, self._given_up))
        stopped = self._throttle.stopped
        if stopped is None or stopped.status not in (*NO_ENDPOINT, FORBIDDEN):
            return
        alike = NO_ENDPOINT if stopped.status in NO_ENDPOINT else (FORBIDDEN,)
        names = [n for n, failure in self._tally.failures.items() if failure.http_status in alike]
        for name in names:
            self._ledger_writer.record([LedgerChange(*name)])
            if stopped.status == FORBIDDEN:
                self._tally.left.add(name)
                failure = self._tally.failures.pop(name)
                one = structs.replace(failure, detail=str(stopped), refused=False)
                if name == names[0]:
                    self._tally.failures[name] = structs.replace(one, problem=stopped.problem)


def _deletes_what_is_listed(op: Operation) -> bool:
    """Whether a delete asks first; a list from which others are deleted meanwhile skips some."""
    return op.kind == "delete" and op.ask
