"""Carry out tasks. The HTTP endpoints and the local queue call the same function."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from addon.directory.errors import AccessRefused, DirectoryError
from addon.logs import log_context
from addon.notifications.pause_notices import notice_of
from addon.notifications.weekly_letter import weekly_letter_due
from addon.planning.ledger import LOOK_AFTER
from addon.planning.urgency import Stage
from addon.sync import run as sync_run
from addon.sync.change_marks import begin_pause_reading
from addon.sync.context import SyncContext
from addon.sync.ending import continue_ending
from addon.sync.progress import StoredProgress
from addon.sync.protected_removal import read_protected, remove_protected_everywhere
from addon.sync.queued_deliveries import queue_deliveries
from addon.sync.reconcile import reconcile, save_reconciliation
from addon.sync.report import ConnectionReport
from addon.sync.run import PlannedRun
from addon.sync.withdraw import LedgerMode, looks_later, withdraw
from addon.tasks.base import RUNS, NoSuchQueueError, Task, TaskQueue, TaskQueueError, deliveries_to
from addon.tasks.changes import (
    AFTER_FAILURE,
    CHANGES,
    PLACES,
    changes_at,
    requested_changes,
)
from addon.tasks.channel_schedule import CHANNELS
from addon.tasks.push_tasks import PushTasks
from addon.tasks.results import DONE, FAILED, TaskResult, result_of_error
from addon.tasks.urgency import changes_due, removals_due, waited_in_queue
from addon.tenants.pause import PausedError
from addon.text import counted

log = logging.getLogger(__name__)

RUN, DELIVER = "/tasks/run", "/tasks/deliver"
READ = "/tasks/read"
"""Reads a tenant's whole directory for the pages; see `addon.web.directory.snapshot_store`."""
PROTECT = "/tasks/protect"
"""Removes protected people wherever a ledger says that they are, each hour."""
WITHDRAW, RECONCILE = "/tasks/withdraw", "/tasks/reconcile"
"""What a person requests on the pages for one vendor."""
SECONDS = 480.0
"""How long a delivery task sends; the rest of App Engine's ten minutes is for ending it."""


class RunSteps(Protocol):
    """The two steps of a run in tasks: `addon.sync.run`, or a replacement in tests."""

    def plan_run(self, context: SyncContext, tenant_id: str, request: str) -> PlannedRun: ...

    def plan_changes(
        self, context: SyncContext, tenant_id: str, request: str = ""
    ) -> PlannedRun: ...

    def deliver(
        self,
        context: SyncContext,
        tenant_id: str,
        vendor: str,
        run: str,
        seconds: float,
        stage: Stage | None = None,
    ) -> ConnectionReport: ...


Part = Annotated[str, Meta(pattern="^[0-9]{1,6}$")]
"""The number of a delivery attempt, for a task's name."""


class _RunPayload(Struct, frozen=True):
    """Payload of a run: a scheduled run has a `window`, one requested on a page a `request`."""

    tenant: str
    window: str = ""
    request: str = ""


class _TenantPayload(Struct, frozen=True):
    """Payload of a task about a whole tenant."""

    tenant: str


class _ChangesPayload(Struct, frozen=True, omit_defaults=True):
    """Payload of a run by what notices have named; one requested on a page has a `request`."""

    tenant: str
    request: str = ""


class _OrderPayload(Struct, frozen=True, omit_defaults=True):
    """Payload of a withdrawal or reconciliation at one vendor.

    `part` is as for a delivery; `mode` limits a withdrawal to one environment; `confirmed` is
    "yes" for a reconciliation that a person has confirmed; `looks` is "yes" for a withdrawal that
    only looks for what was removed in doubt.
    """

    tenant: str
    vendor: str
    part: Part = "0"
    mode: LedgerMode | None = None
    confirmed: str = ""
    looks: str = ""


class _DeliveryPayload(Struct, frozen=True, omit_defaults=True):
    """Payload of a delivery; the first attempt of a run is part 0.

    `stage` is how far the plan is carried out; with "" all of it, unless part 0 has waited.
    """

    tenant: str
    vendor: str
    run: str
    part: Part
    stage: Literal["", "new", "changes", "all"] = ""


class TaskHandler:
    """Carries out tasks. `context` and `queue` are called when they are needed.

    `read` reads a tenant's whole directory for the pages. `tell` sends notices about a tenant, or
    about one vendor after a delivery; it must not raise: `addon.notifications.notify.after_run`.
    `is_due` returns whether a tenant runs in a window. `keep` keeps a tenant's channels and returns
    when they must be looked at again.
    """

    def __init__(
        self,
        context: Callable[[], SyncContext],
        queue: Callable[[], TaskQueue],
        run_steps: RunSteps = sync_run,
        seconds: float = SECONDS,
        read: Callable[[str], None] = lambda tenant: None,
        tell: Callable[[str, str | None], None] = lambda tenant, vendor: None,
        is_due: Callable[[str, str], bool] = lambda tenant, window: True,
        keep: Callable[[str], float] | None = None,
    ) -> None:
        self._context = context
        self._queue = queue
        self._run_steps = run_steps
        self._seconds = seconds
        self._read = read
        self._tell = tell
        self._is_due = is_due
        self._push = PushTasks(context, queue, keep)

    def handle(self, path: str, payload: object) -> TaskResult:
        """Carry out a task. Never raises; errors are logged without personal data."""
        try:
            if path == RUN:
                return self._run(msgspec.convert(payload, _RunPayload))
            if path == DELIVER:
                return self._deliver(msgspec.convert(payload, _DeliveryPayload))
            if path in (WITHDRAW, RECONCILE):
                return self._order(path, msgspec.convert(payload, _OrderPayload))
            if path == CHANGES:
                return self._changes(msgspec.convert(payload, _ChangesPayload))
            if path == PLACES:
                return self._push.places(msgspec.convert(payload, _TenantPayload).tenant)
            if path == CHANNELS:
                return self._push.channels(msgspec.convert(payload, _TenantPayload).tenant)
            if path == PROTECT:
                return self._protect(msgspec.convert(payload, _TenantPayload))
            if path == READ:
                return self._read_directory(msgspec.convert(payload, _TenantPayload))
        except msgspec.ValidationError as error:
            log.error("%s has a malformed payload: %s", path, error)
            return TaskResult(DONE, "malformed")
        log.error("there is no task %r", path)
        return TaskResult(DONE, "unknown")

    def _run(self, wanted: _RunPayload) -> TaskResult:
        """Read and plan, then enqueue a delivery for each vendor with something to send."""
        with log_context(tenant=wanted.tenant):
            try:
                if wanted.window and not self._is_due(wanted.tenant, wanted.window):
                    return TaskResult(DONE, "not its turn")
                if wanted.window and (at := self._push.paced(wanted.tenant)):
                    due = math.ceil(at)
                    name = f"run-{wanted.tenant}-{wanted.window}-at-{due}"
                    self._queue().enqueue(Task(RUNS, name, RUN, msgspec.to_builtins(wanted), due))
                    return TaskResult(DONE, "not now")
                return self._read_and_plan(wanted)
            except Exception as error:
                return result_of_error(error, RUN)

    def _read_and_plan(self, wanted: _RunPayload) -> TaskResult:
        return self._plan(
            wanted.tenant,
            lambda context: self._run_steps.plan_run(context, wanted.tenant, wanted.request),
        )

    def _plan(self, tenant: str, plan: Callable[[SyncContext], PlannedRun]) -> TaskResult:
        """Read and plan, and enqueue a delivery for each vendor with something to send.

        A run by changes enqueues none where one waits already. The marks that the reading has taken
        are removed when that is done.
        """
        try:
            found = plan(self._context())
            log.info("vendors to deliver to: %d", len(found.vendors), extra={"run": found.run})
            by = queue_deliveries(
                self._context(), tenant, found.run, found.vendors, joining=bool(found.reading)
            )
            result = self._enqueue(
                [_DeliveryPayload(tenant, vendor, run, "0") for vendor, run in by.items()]
            )
            self._push.reading_done(tenant, found)
            return result
        finally:
            self._tell(tenant, None)

    def _changes(self, wanted: _ChangesPayload) -> TaskResult:
        """Run for what notices have named, when the pace allows it; in a pause only protect."""
        with log_context(tenant=wanted.tenant):
            try:
                context = self._context()
                if wanted.request:
                    if at := self._push.paced(wanted.tenant):
                        later = requested_changes(wanted.tenant, wanted.request, at)
                        self._queue().enqueue(later)
                        return TaskResult(DONE, "not now")
                elif not self._push.is_due(wanted.tenant):
                    self._push.enqueue_next(wanted.tenant)
                    return TaskResult(DONE, "not now")
                return self._plan(
                    wanted.tenant,
                    lambda context: self._run_steps.plan_changes(
                        context, wanted.tenant, wanted.request
                    ),
                )
            except PausedError:
                begin_pause_reading(context, wanted.tenant)
                return self._protect(_TenantPayload(wanted.tenant))
            except AccessRefused as error:
                return result_of_error(error, CHANGES)
            except DirectoryError as error:
                log.warning("the directory was not read: %s", error)
                self._queue().enqueue(changes_at(wanted.tenant, context.clock() + AFTER_FAILURE))
                return TaskResult(DONE, "read again later")
            except Exception as error:
                return result_of_error(error, CHANGES)

    def _order(self, path: str, wanted: _OrderPayload) -> TaskResult:
        """Carry out a withdrawal or a reconciliation at one vendor."""
        with log_context(tenant=wanted.tenant, vendor=wanted.vendor):
            try:
                if path == WITHDRAW:
                    return self._withdraw(wanted)
                context = self._context()
                found = reconcile(context, wanted.tenant, wanted.vendor, wanted.confirmed == "yes")
                save_reconciliation(context.store, found, context.clock())
                return TaskResult(DONE if found.detail is None else FAILED, found.detail or "done")
            except Exception as error:
                return result_of_error(error, path)

    def _withdraw(self, wanted: _OrderPayload) -> TaskResult:
        """Withdraw for a limited time, and enqueue the rest, because no later run does it."""
        began = time.monotonic()
        with self._shown(wanted.tenant) as context:
            report = withdraw(
                context,
                wanted.tenant,
                wanted.vendor,
                True,
                self._seconds,
                wanted.mode,
                only_looks=wanted.looks == "yes",
            )
            look_at = context.clock() + LOOK_AFTER + 1
        if not any(part.unfinished for part in report.connections):
            if any(looks_later(part) for part in report.connections):
                self._withdraw_again(replace(wanted, looks="yes"), report.run, look_at)
            elif continue_ending(self._context(), wanted.tenant):
                return TaskResult(DONE, "nothing is left of the tenant")
            return TaskResult(DONE, "done")
        removed = any(any(part.operations["delete"].values()) for part in report.connections)
        if removed and time.monotonic() - began >= self._seconds:
            self._withdraw_again(wanted, report.run)
            return TaskResult(DONE, "goes on")
        return TaskResult(FAILED, "not finished")

    def _withdraw_again(self, wanted: _OrderPayload, run: str, due: float = 0.0) -> None:
        """Enqueue the next part of a withdrawal, at `due` in seconds since 1970 UTC."""
        after = replace(wanted, part=str(int(wanted.part) + 1))
        name = f"withdraw-{after.tenant}-{after.vendor}-{run}-{after.part}"
        self._queue().enqueue(Task(RUNS, name, WITHDRAW, msgspec.to_builtins(after), due))

    def _protect(self, wanted: _TenantPayload) -> TaskResult:
        """Remove protected people everywhere; what is left is tried again soon, and each hour."""
        with log_context(tenant=wanted.tenant):
            try:
                context = self._context()
                tenant = read_protected(context, wanted.tenant)
                found = remove_protected_everywhere(context, wanted.tenant, self._seconds)
                now = context.clock()
                if found or notice_of(tenant, now) or weekly_letter_due(tenant, now):
                    self._tell(wanted.tenant, None)
                left = any(each.outcome.problem for each in found)
                return TaskResult(FAILED, "some are left") if left else TaskResult(DONE, "done")
            except Exception as error:
                return result_of_error(error, PROTECT)

    def _read_directory(self, wanted: _TenantPayload) -> TaskResult:
        """Read the whole directory for the pages, which show why it failed if it does."""
        with log_context(tenant=wanted.tenant):
            try:
                self._read(wanted.tenant)
                return TaskResult(DONE, "read")
            except Exception as error:
                return result_of_error(error, READ)

    def _deliver(self, wanted: _DeliveryPayload) -> TaskResult:
        """Deliver for a limited time; the next part continues with the rest.

        Where others wait for the vendor, what is urgent goes, and the rest gets behind them.
        """
        began = time.monotonic()
        with log_context(tenant=wanted.tenant, vendor=wanted.vendor, run=wanted.run):
            try:
                waited = waited_in_queue(wanted.run, self._context().clock())
                has_waited = wanted.part == "0" and waited > 0
                stage = wanted.stage or ("new" if has_waited else "all")
                report = self._deliver_for_a_while(wanted, stage)
                log.info("%s (%s), %d left", report.status, stage, report.left)
                spent = time.monotonic() - began >= self._seconds
                if report.left and spent and report.did_something:
                    part = str(int(wanted.part) + 1)
                    kept = "" if stage == "all" else stage
                    return self._enqueue([replace(wanted, part=part, stage=kept)])
                if report.left and not spent and stage != "all" and not report.is_stopped:
                    self._enqueue_rest(wanted, stage, waited)
                return TaskResult(DONE, report.status)
            except Exception as error:
                return result_of_error(error, DELIVER)
            finally:
                self._tell(wanted.tenant, wanted.vendor)

    def _deliver_for_a_while(
        self, wanted: _DeliveryPayload, stage: Stage | Literal["all"]
    ) -> ConnectionReport:
        """Carry out one attempt at the delivery and show its progress on the pages."""
        with self._shown(wanted.tenant) as context:
            deliver = partial(
                self._run_steps.deliver, context, wanted.tenant, wanted.vendor, wanted.run
            )
            if stage == "all":
                return deliver(seconds=self._seconds)
            return deliver(seconds=self._seconds, stage=stage)

    def _enqueue_rest(self, wanted: _DeliveryPayload, stage: str, waited: float) -> None:
        """Enqueue what is less urgent; several runs' are one task, of the newest reading."""
        now = self._context().clock()
        after: Literal["changes", "all"] = "changes" if stage == "new" else "all"
        due = changes_due(now, waited) if stage == "new" else removals_due(now)
        rest = replace(wanted, part=str(int(wanted.part) + 1), stage=after)
        name = f"deliver-{wanted.tenant}-{wanted.vendor}-{after}-at-{int(due)}"
        payload = msgspec.to_builtins(rest)
        self._queue().enqueue(Task(deliveries_to(wanted.vendor), name, DELIVER, payload, due))

    @contextmanager
    def _shown(self, tenant: str) -> Iterator[SyncContext]:
        """Return a context whose progress is shown on the tenant's pages."""
        context = self._context()
        progress = StoredProgress(context.store, tenant, context.clock)
        try:
            yield replace(context, progress=progress)
        finally:
            progress.end()

    def _enqueue(self, deliveries: Sequence[_DeliveryPayload]) -> TaskResult:
        """Enqueue the deliveries; an error of one queue does not affect the others.

        Raises TaskQueueError.
        """
        queue, trouble = self._queue(), None
        for each in deliveries:
            task = Task(
                queue=deliveries_to(each.vendor),
                name=f"deliver-{each.tenant}-{each.vendor}-{each.run}-{each.part}",
                path=DELIVER,
                payload=msgspec.to_builtins(each),
            )
            try:
                queue.enqueue(task)
            except NoSuchQueueError as error:
                log.error("%s", error, extra={"vendor": each.vendor})
            except TaskQueueError as error:
                trouble = error
        if trouble is not None:
            raise trouble
        return TaskResult(DONE, counted(len(deliveries), "delivery", "deliveries"))
