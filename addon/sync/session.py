"""Sessions with a connection's vendor, under the connection's lease."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Set
from contextlib import asynccontextmanager

from msgspec import Struct, structs

from addon.delivery.executor import PlanExecutor, Replan
from addon.delivery.intents import intend_with
from addon.delivery.lease import PROLONGED_AFTER, Lease
from addon.delivery.ledger_writer import LedgerWriter
from addon.delivery.protected_in_groups import GROUPS, updates_without
from addon.delivery.scim_client import ScimClient
from addon.delivery.throttle import DeliveryStopped, RetryPolicy, Throttle
from addon.delivery.transport import RetriesExhausted, Transport
from addon.directory.scope import places_of
from addon.planning.ledger import Ledger, LedgerKey, LedgerRecorder
from addon.planning.plan import Operation, Plan
from addon.planning.result import DeliveryResult, VendorProblem
from addon.ss12000.resources import TYPES, ResourceType
from addon.sync.context import NotFoundError, SyncContext, load_tenant_with_licence
from addon.sync.protected_set import load_protection
from addon.tenants.document import DocumentError
from addon.tenants.pause import current_pause
from addon.vendors.profiles import Target, Vendor

Progress = Callable[[int, int], None]
"""Called with the numbers of operations done and planned."""


class ScimSession(Struct, frozen=True):
    """An open session with one vendor for one tenant."""

    scim: ScimClient
    ledger_writer: LedgerWriter
    throttle: Throttle
    concurrency: int

    async def carry_out(
        self,
        plan: Plan,
        replan: Replan,
        progress: Progress = lambda done, planned: None,
        clock: Callable[[], float] = time.time,
    ) -> DeliveryResult:
        """Deliver a plan. Raises LedgerWriteError when the store failed."""
        delivery = PlanExecutor(
            self.scim.perform,
            self.ledger_writer,
            self.throttle,
            self.concurrency,
            progress,
            clock,
            self.scim.check_key,
            self.scim.forget_lists,
            self.scim.lookup.user_name,
        )
        result = await delivery.run(plan, replan)
        return structs.replace(result, limitation=self.scim.limitation)


@asynccontextmanager
async def open_session(
    vendor: Vendor,
    target: Target,
    recorder: LedgerRecorder,
    key: LedgerKey,
    ledger: Ledger,
    retry_policy: RetryPolicy,
    deadline: float | None = None,
    holder: str = "",
    growth: float = 0.0,
) -> AsyncIterator[ScimSession]:
    """Open a session; at its end everything the vendor acknowledged is in the store.

    `deadline` is a time of `time.monotonic` at which the delivery stops between operations.
    `holder` has the connection's lease; for `growth` see `LedgerWriter`.
    """
    throttle = Throttle(vendor.requests_per_second, retry_policy, deadline)
    async with (
        LedgerWriter(recorder, key, ledger, throttle, holder, growth) as ledger_writer,
        Transport(target, vendor.concurrency, throttle, retry_policy) as transport,
    ):
        yield ScimSession(
            ScimClient(transport, intend_with(ledger_writer), ledger.acknowledged),
            ledger_writer,
            throttle,
            vendor.concurrency,
        )


NOT_ASKED = (
    "people with protected identity are removed, but the vendor could not be asked for the groups "
    "that may refer to them, which the next run tries again: {}"
)
CANNOT_SHOW = (
    "the vendor can neither list its groups nor show them by their ids, so it cannot be known "
    "whether they refer to people who were removed because they are protected; they are sent "
    "without them when their other changes are sent"
)

TURNED_OFF = "the connection was turned off, or its mode changed, so nothing more was sent"
PAUSED = "a pause began, so nothing more was sent"
LEFT = "the customer has uninstalled the app, so nothing more was sent"
PROTECTED = (
    "people have become protected since this was planned, so the rest is left to the next run"
)


class VendorSession(Struct, frozen=True):
    """The parameters of a run's sessions with one vendor.

    `holder` takes the lease; `deadline` is a time of `time.monotonic` at which sending stops
    between operations. Sending also stops when `cancellation_reason` returns a reason; it is
    called at the start, unless it was `checked` just before, and each time the lease has been
    prolonged.
    """

    context: SyncContext
    key: LedgerKey
    target: Target
    holder: str
    deadline: float | None = None
    cancellation_reason: Callable[[], DeliveryStopped | None] = lambda: None
    checked: float | None = None

    @asynccontextmanager
    async def with_lease(self) -> AsyncIterator[Lease]:
        """Hold the connection's lease. Raises LeaseHeldByOther when another run has it."""
        context = self.context
        async with Lease(context.store, self.key, self.holder, context.clock) as lease:
            lease.check_while_held(self.cancellation_reason)
            yield lease

    @asynccontextmanager
    async def open(
        self, ledger: Ledger, lease: Lease, tries: int | None = None
    ) -> AsyncIterator[ScimSession]:
        """Open a session that stops when the lease is lost or the run is cancelled.

        `tries` is how often a request is tried, if not as often as usual.
        """
        context, key = self.context, self.key
        async with open_session(
            context.settings.vendors[key.vendor],
            self.target,
            context.store,
            key,
            ledger,
            _with_tries(context.retry_policy, tries),
            self.deadline,
            self.holder,
            context.store.batch_growth,
        ) as session:
            lease.on_lost(session.throttle.stop)
            if self.checked is None or time.monotonic() - self.checked >= PROLONGED_AFTER:
                reason = await asyncio.to_thread(self.cancellation_reason)
                if reason is not None:
                    session.throttle.stop(reason)
            yield session

    async def remove_protected(
        self,
        plan: Plan,
        gone: Set[str],
        ledger: Ledger,
        lease: Lease,
        current: Set[str] = frozenset(),
    ) -> tuple[DeliveryResult, bool]:
        """Carry out removals, and remove those in `gone` from the groups at the vendor.

        The groups are listed and sent back without them, because the plan that would update the
        groups is not sent. `current` are groups that are known to be without them. Return the
        outcome, and whether no group contains them any more; if not, this must be tried again.
        Raises LedgerWriteError when the store failed.
        """
        async with self.open(ledger, lease) as session:
            result = await session.carry_out(plan, lambda absent: plan, clock=self.context.clock)
            if not result.complete:
                return result, False
            return await self._clear_groups(session, result, gone, ledger, current)

    async def clear_groups(
        self,
        result: DeliveryResult,
        gone: Set[str],
        ledger: Ledger,
        lease: Lease,
        current: Set[str],
    ) -> tuple[DeliveryResult, bool]:
        """Remove those in `gone` from the groups after a delivery with this `result`.

        Those of `current` are known to be without them. Groups that the delivery could not change
        are left to the next. Return as `remove_protected` does.
        """
        if result.stopped is not None or result.left:
            return result, False
        tried = {f.external_id for f in result.failures if not f.refused}
        left = {i for kind in GROUPS for i in ledger.entries[kind] if i in tried}
        async with self.open(ledger, lease) as session:
            done = current | left
            result, clean = await self._clear_groups(session, result, gone, ledger, done)
        return result, clean and not left

    async def _clear_groups(
        self,
        session: ScimSession,
        result: DeliveryResult,
        gone: Set[str],
        ledger: Ledger,
        current: Set[str],
    ) -> tuple[DeliveryResult, bool]:
        clock = self.context.clock
        try:
            found = await updates_without(gone, session.scim, ledger, current, clock())
        except (RetriesExhausted, DeliveryStopped) as error:
            return structs.replace(result, stopped=NOT_ASKED.format(error)), False
        writes: dict[ResourceType, list[Operation]] = {kind: [] for kind in TYPES}
        for operation in found.operations:
            writes[operation.resource_type].append(operation)
        plan = Plan(protected=(), writes=writes, deletes={kind: [] for kind in TYPES})
        if found.operations:
            groups_result = await session.carry_out(plan, lambda absent: plan, clock=clock)
            result = result.combined_with(groups_result)
            if (
                groups_result.left
                or groups_result.stopped is not None
                or not all(f.refused for f in groups_result.failures)
            ):
                return result, False
        if found.unseen and found.can_list:
            stopped = NOT_ASKED.format(f"{len(found.unseen)} are not in its list")
            return structs.replace(result, stopped=stopped, problem=VendorProblem("list")), False
        if found.unseen:
            return structs.replace(result, limitation=result.limitation or CANNOT_SHOW), False
        return result, True

    async def send(
        self, plan: Plan, replan: Replan, ledger: Ledger, lease: Lease
    ) -> DeliveryResult:
        """Carry out a plan. Raises LedgerWriteError when the store failed."""

        def progress(done: int, planned: int) -> None:
            self.context.progress(self.key.vendor, done, planned)

        async with self.open(ledger, lease) as session:
            return await session.carry_out(plan, replan, progress, self.context.clock)


def _with_tries(policy: RetryPolicy, tries: int | None) -> RetryPolicy:
    return policy if tries is None else structs.replace(policy, tries=tries)


def cancellation_reason(
    context: SyncContext, key: LedgerKey, hidden: Set[str] = frozenset()
) -> DeliveryStopped | None:
    """Return why the delivery must end although the run has begun, or None.

    A person has cancelled it, or others than `hidden` are protected now. Raises StoreError.
    """
    try:
        tenant, licence = load_tenant_with_licence(context.store, key.tenant)
    except (NotFoundError, DocumentError):
        return DeliveryStopped(TURNED_OFF, VendorProblem("turned-off"), spent=True)
    connection = tenant.connection(key.vendor)
    if connection is None or connection.mode != key.mode:
        return DeliveryStopped(TURNED_OFF, VendorProblem("turned-off"), spent=True)
    if current_pause(tenant, context.clock()) is not None:
        return DeliveryStopped(PAUSED, VendorProblem("paused"), spent=True)
    if licence.farewell:
        return DeliveryStopped(LEFT, VendorProblem("turned-off"), spent=True)
    can_change = bool(hidden or places_of(tenant.protected))  # else nobody is, which costs no read
    if can_change and not load_protection(context.store, key.tenant).hidden <= hidden:
        return DeliveryStopped(PROTECTED, VendorProblem("protection"), spent=True)
    return None
