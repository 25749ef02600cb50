"""Records of runs: start, end, and the detection of runs whose process died."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from msgspec import structs

from addon.age import age
from addon.delivery.lease import LeaseHeldByOther
from addon.directory.errors import DirectoryError, is_access_refused
from addon.store.base import RunStore
from addon.store.ids import new_run_id
from addon.store.process_identity import is_dead, process_holder
from addon.store.records import RunRecord
from addon.sync.report import RunReport
from addon.tenants.licence import FarewellError

LONGEST = 24 * 3600.0
"""Seconds after which a run that has not ended is considered cut off, on whatever machine."""


class CountingRunStore(RunStore, Protocol):
    """A store of runs that counts its reads and writes, as every store does."""

    def cost(self) -> tuple[int, int]:
        """Return how many documents or rows were read and written so far."""


def start_run(
    store: CountingRunStore,
    tenant_id: str,
    now: float,
    *,
    parent: str = "",
    vendor: str = "",
    request: str = "",
) -> RunRecord:
    """Save a new run as running and return it. Mark earlier runs whose process died as cut off.

    For `parent` (default: its own id), `vendor` and `request` see `RunRecord`.
    """
    run_id = new_run_id(now)
    for earlier in store.running(tenant_id):
        if is_dead(earlier.holder) or age(earlier.started, now) > LONGEST:
            detail = f"its process ended; {run_id} goes on"
            ended = structs.replace(earlier, status="cut off", finished=now, detail=detail)
            store.save_run(ended)
    reads, writes = store.cost()
    run = RunRecord(
        run_id,
        tenant_id,
        now,
        "running",
        holder=process_holder(run_id),
        parent=parent or run_id,
        vendor=vendor,
        request=request,
    )
    store.save_run(run)
    return structs.replace(run, store_reads=-reads, store_writes=-writes)


def complete_run(store: CountingRunStore, run: RunRecord, now: float, report: RunReport) -> None:
    """Save a run with its outcome."""
    statuses = {connection.status for connection in report.connections}
    status = "held" if "held" in statuses else "failed" if "failed" in statuses else "done"
    end_run(store, run, now, status, report.record())


@contextmanager
def recorded_run(
    store: CountingRunStore, run: RunRecord, clock: Callable[[], float]
) -> Iterator[None]:
    """Save the run as ended if the block raises, so that it does not stay `running`."""
    try:
        yield
    except (DirectoryError, FarewellError) as error:
        refused = isinstance(error, FarewellError) or is_access_refused(error)
        problem = error.problem if isinstance(error, DirectoryError) else "access"
        run = structs.replace(run, refused=refused, problem=problem)
        end_run(store, run, clock(), "unread", detail=str(error))
        raise
    except LeaseHeldByOther as taken:
        end_run(store, run, clock(), "superseded", detail=str(taken))
        raise
    except BaseException as error:
        end_run(store, run, clock(), "failed", detail=type(error).__name__)
        raise


def end_run(
    store: CountingRunStore,
    run: RunRecord,
    now: float,
    status: str,
    report: bytes | None = None,
    detail: str = "",
) -> None:
    """Save a run as ended, with the store's reads and writes since its start in this process."""
    reads, writes = store.cost()
    ended = structs.replace(
        run,
        status=status,
        finished=now,
        report=report,
        detail=detail,
        store_reads=run.store_reads + reads,
        store_writes=run.store_writes + writes + 1,
    )
    store.save_run(ended)
