"""What became of a person who is sent at once, vendor by vendor."""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from addon.web.presenters.delivery_history import HistoryLine
from addon.web.presenters.run_history import RunSummary

SentState = Literal["sent", "current", "refused", "held", "waits", "failed", "unread"]


class LedgerState(Struct, frozen=True):
    """Whether a vendor that gets a person has them by its ledger, and whether it refuses them."""

    vendor: str
    mode: str
    has: bool
    refuses: bool


class SentNow(Struct, frozen=True):
    """What became of it at one vendor; `at` is when it was sent, in seconds since 1970 UTC."""

    vendor: str
    mode: str
    state: SentState
    at: float = 0.0


def sent_now(
    vendors: Iterable[LedgerState], run: RunSummary | None, lines: Sequence[HistoryLine]
) -> tuple[SentNow, ...]:
    """Return what became of the request at each vendor; nothing while its run has not begun.

    The run's delivery may be carried out by that of another run, which then has the history.
    """
    if run is None:
        return ()
    found = []
    for each in vendors:
        line = next((a for a in lines if _is_since(a, each, run.started)), None)
        if line is not None:
            state: SentState = "sent" if line.entry.result == "done" else "refused"
            found.append(SentNow(each.vendor, each.mode, state, line.at))
        elif not run.running:
            found.append(SentNow(each.vendor, each.mode, _without_line(run, each)))
    return tuple(found)


def _is_since(line: HistoryLine, vendor: LedgerState, started: float) -> bool:
    return (line.vendor, line.mode) == (vendor.vendor, vendor.mode) and line.at >= started


def _without_line(run: RunSummary, vendor: LedgerState) -> SentState:
    """Return what became of the vendor's part of a run that has done nothing to the person."""
    if run.status == "unread":
        return "unread"
    parts = (part for part in run.record.connections if part.vendor == vendor.vendor)
    part = next(parts, None)
    if part is None or part.left:
        return "waits"
    if part.status == "failed" and not part.only_refused:
        return "failed"
    if part.status == "held":
        return "held"
    return "refused" if vendor.refuses else "current" if vendor.has else "waits"
