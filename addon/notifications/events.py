"""Derive the notices to send from the records of runs. Pure.

A notice has numbers, vendors' names and vendors' messages, which `addon.delivery.redaction` has
redacted; it never has a person's name or address.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct, UnsetType

from addon.age import age
from addon.logs import masked
from addon.planning.limit_exceeded import LimitExceeded
from addon.planning.protected_set import ProtectedSet
from addon.store.records import RunRecord
from addon.sync.report import ConnectionReport, HoldReport, stored_report
from addon.tenants.model import Connection

Kind = Literal[
    "held",
    "refused",
    "stopped",
    "configuration",
    "unread",
    "protectedUnknown",
    "protectedEnded",
    "protectedRemoved",
    "protectedLeft",
]
ABOUT_PROTECTED = ("protectedUnknown", "protectedEnded", "protectedRemoved", "protectedLeft")
"""The kinds about protected people, which are sent whatever else administrators chose."""

UNKNOWN = "protected-member-unknown"
"""The code of the finding that members of a protected group or OU cannot be identified."""
UNREAD_APART = 30 * 60.0
"""Seconds between two failed reads of the directory from which they are not retries of one run."""
ANSWERS = 3
"""How many different messages of a vendor are included."""
REMOVED_WITHIN = 24 * 3600.0
"""Seconds within which administrators are told that protected people were removed."""
LONGEST = 300
"""The maximum length of a detail, in characters."""


class Notice(Struct, frozen=True):
    """Something to notify administrators about after `run`.

    `vendor` is empty for a notice about the directory. `signature` is equal for notices with the
    same cause; `earlier_signature` is what earlier versions stored for it. For a hold, `exceeded`
    are the limits that it exceeds. For a refusal, `people` and `others` are how many resources
    were refused in this run, `answers` the vendor's messages, and `count` how many resources are
    refused in all. `left` is how many operations the next run continues with.
    """

    kind: Kind
    run: str
    signature: str
    earlier_signature: str = ""
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
    """The state of a connection after its latest run.

    `news` is the notice about what is wrong, or None. `refused` is whether there are resources
    that the vendor has refused, in this run or an earlier one, and that are not tried again yet.
    """

    news: Notice | None
    refused: bool


def connection_news(runs: Iterable[RunRecord], connection: Connection) -> ConnectionNews | None:
    """Return the connection's state after the newest of `runs` that includes it, or None.

    `runs` are sorted newest first. None also if that run was in another mode than the connection
    is in now.
    """
    for run in runs:
        for part in stored_report(run).connections:
            if part.vendor == connection.vendor:
                if part.mode != connection.mode or part.status == "off":
                    return None
                return ConnectionNews(_news(run, part), bool(part.refused))
    return None


def directory_news(runs: Sequence[RunRecord]) -> tuple[Notice | None, bool]:
    """Return the notice if reading the directory fails, and whether the latest read succeeded.

    There is a notice if two reads in a row failed that are not retries of one run. Deliveries in
    between are ignored, because they use a snapshot that was read earlier.
    """
    newest: RunRecord | None = None
    for run in runs:
        if run.status == "unread":
            newest = newest or run
            if abs(newest.started - run.started) >= UNREAD_APART:
                return Notice("unread", newest.id, "unread", detail=_short(newest.detail)), False
        elif stored_report(run).directory is not None:
            return None, newest is None
    return None, False


def protection_news(runs: Iterable[RunRecord]) -> ConnectionNews | None:
    """Return whether members of protected groups are unknown after the newest whole reading.

    None if none of `runs`, newest first, has read the directory. `count` is the number of groups
    and OUs that have such members.
    """
    for run in runs:
        report = stored_report(run)
        if report.directory is not None:
            count = report.findings.get(UNKNOWN, 0)
            news = Notice("protectedUnknown", run.id, UNKNOWN, count=count) if count else None
            return ConnectionNews(news, refused=False)
    return None


def protected_set_news(known: ProtectedSet, now: float) -> Iterator[tuple[str, ConnectionNews]]:
    """Yield what is new about who is protected, each with the key of its notices.

    That is whose protection has ended, and what the latest removals at each vendor came to.
    """
    ended = len(known.ended)
    news = Notice("protectedEnded", "", "protection-ended", count=ended) if ended else None
    yield "protected.ended", ConnectionNews(news, refused=False)
    for place, outcome in known.removals.items():
        vendor, _, mode = place.rpartition(".")
        kind: Kind = "protectedLeft" if outcome.problem else "protectedRemoved"
        number = outcome.left if outcome.problem else outcome.removed
        # What was removed is told once; what is left, until it is done.
        signature = kind if outcome.problem else f"{kind} {outcome.at:.0f}"
        is_new = outcome.problem or (outcome.removed and age(outcome.at, now) < REMOVED_WITHIN)
        found = (
            Notice(kind, "", signature, vendor=vendor, mode=mode, people=number) if is_new else None
        )
        yield f"protected.{place}", ConnectionNews(found, refused=False)


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
        signature=_signature(kind, part, detail),
        earlier_signature=_earlier_signature(kind, detail),
        vendor=part.vendor,
        mode=part.mode,
        people=people,
        others=len(part.failures) - people,
        count=part.refused if kind == "refused" else 0,
        left=part.left,
        answers=tuple(answers)[:ANSWERS],
        detail=detail,
    )


def _signature(kind: Kind, part: ConnectionReport, detail: str) -> str:
    """Return the signature of a failure: the code of its problem and the class of its status.

    Problems without a code, such as missing settings, differ by their detail.
    """
    problem = part.problem
    if kind == "refused" or isinstance(problem, UnsetType):
        return _earlier_signature(kind, detail)
    status = f" {problem.status // 100}xx" if problem.status else ""
    return f"{kind} {problem.code}{status}"


def _earlier_signature(kind: Kind, detail: str) -> str:
    return f"{kind} {re.sub('[0-9]+', '#', detail)}".strip()


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
    """Return a detail shortened for a message; addresses are masked, as in logs."""
    text = " ".join(masked(text).split()).rstrip(".")
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rpartition(' ')[0]} …"
