"""What a run's records say that somebody should be told. Pure.

A notice has numbers, vendors' names and what a vendor answered, which has been through
`addon.delivery.redaction`: never anybody's name or address.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from addon.logs import masked
from addon.planning.guard import LimitExceeded
from addon.store.records import RunRecord
from addon.sync.report import ConnectionReport, HoldReport, stored_report
from addon.tenants.model import Connection

Kind = Literal["held", "refused", "stopped", "configuration", "unread"]

UNREAD_APART = 30 * 60.0
"""Seconds between two readings that failed, for it to be more than one that was tried again."""
ANSWERS = 3
"""How many different answers of a vendor are repeated."""
LONGEST = 300
"""Characters of a detail."""


class Notice(Struct, frozen=True):
    """Something to tell of the run `run`, at one vendor or, of the directory, at none.

    `signature` is the same for what is the same trouble. Of a hold, `exceeded` are the limits
    that it is beyond.
    Of a refusal: `people` and `others` are how many resources this run was refused, `answers` the
    vendor's words, and `count` all that stand refused. `left` is how many operations the next
    run goes on with.
    """

    kind: Kind
    run: str
    signature: str
    vendor: str = ""
    mode: str = ""
    people: int = 0
    others: int = 0
    count: int = 0
    left: int = 0
    exceeded: tuple[LimitExceeded, ...] = ()
    answers: tuple[str, ...] = ()
    detail: str = ""


class ConnectionNews(Struct, frozen=True):
    """How a connection stands after its latest run.

    `news` is what is wrong, or None. `refused` tells that there are resources which the vendor
    did not take and which are left alone for now: an earlier refusal stands.
    """

    news: Notice | None
    refused: bool


def connection_standing(runs: Iterable[RunRecord], connection: Connection) -> ConnectionNews | None:
    """How the connection stands after the newest of `runs` that had a part in it, or None.

    `runs` are the newest first. A part in another mode than the connection's is of the past.
    """
    for run in runs:
        for part in stored_report(run).connections:
            if part.vendor == connection.vendor:
                if part.mode != connection.mode or part.status == "off":
                    return None
                return ConnectionNews(_news(run, part), bool(part.refused))
    return None


def directory_news(runs: Sequence[RunRecord]) -> tuple[Notice | None, bool]:
    """What is wrong with reading the directory, if it is, and whether it was read meanwhile.

    It is when two readings in a row failed, and not just the second try of one run. Deliveries
    between them, of what was read before, tell nothing.
    """
    newest: RunRecord | None = None
    for run in runs:
        if run.status == "unread":
            newest = newest or run
            if newest.started - run.started >= UNREAD_APART:
                return Notice("unread", newest.id, "unread", detail=_short(newest.detail)), False
        elif stored_report(run).directory is not None:
            return None, newest is None
    return None, False


def _news(run: RunRecord, part: ConnectionReport) -> Notice | None:
    if part.hold is not None:
        return _held(run, part, part.hold)
    if part.status != "failed":
        return None
    people = sum(1 for f in part.failures if f.resource_type == "User")
    answers = dict.fromkeys(_short(f.detail) for f in part.failures if f.detail)
    detail = _short(part.detail or "")
    kind: Kind = "configuration" if part.configuration else "stopped" if detail else "refused"
    return Notice(
        kind=kind,
        run=run.id,
        signature=f"{kind} {re.sub('[0-9]+', '#', detail)}".strip(),
        vendor=part.vendor,
        mode=part.mode,
        people=people,
        others=len(part.failures) - people,
        count=part.refused if kind == "refused" else 0,
        left=part.left,
        answers=tuple(answers)[:ANSWERS],
        detail=detail,
    )


def _held(run: RunRecord, part: ConnectionReport, hold: HoldReport) -> Notice:
    return Notice(
        kind="held",
        run=run.id,
        signature="held",
        vendor=part.vendor,
        mode=part.mode,
        exceeded=hold.exceeded,
    )


def _short(text: str) -> str:
    """A detail that fits into a message; addresses are masked, as in logs."""
    text = " ".join(masked(text).split()).rstrip(".")
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rpartition(' ')[0]} …"
