"""The overview's headline: the most important thing to tell the administrator."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from addon.planning.limits import Hold
from addon.roster.findings import MESSAGES
from addon.store.records import RunRecord
from addon.sync.known_findings import Known
from addon.sync.report import StoredReport
from addon.web.directory.snapshot_store import ReadingState
from addon.web.formats import listed
from addon.web.presenters.connection_status import ConnectionStatus, last_ended, newest
from addon.web.presenters.findings import FindingKind

GRAVEST_FIRST = (
    "held",
    "problem",
    "stale",
    "failed",
    "kept",
    "approved",
    "sending",
    "refused",
    "waiting",
    "ok",
)


class FindingCounts(Struct, frozen=True):
    """How many findings of the newest run keep people from being sent (`errors`), and others."""

    errors: int
    others: int


class Headline(Struct, frozen=True):
    """The overview's headline.

    `state` is `unread`, `cut off`, `off`, or a connection's state; `statuses` are those of the
    connections in that state, `on` those that are on, `ended` the newest run that ended, and
    `record` the report of the newest run that placed people. `refused` is whether the customer does
    not let Skolsynk read the directory, as the newest run or reading of a page found. `unmarked`
    are the findings that nobody has marked as known, when they are counted.
    """

    state: str
    statuses: tuple[ConnectionStatus, ...]
    on: tuple[ConnectionStatus, ...]
    ended: RunRecord | None
    running: bool
    record: StoredReport | None
    refused: bool = False
    unmarked: FindingCounts | None = None

    @property
    def names(self) -> str:
        """The names of the vendors in that state."""
        return listed(each.name for each in self.statuses)

    @property
    def hold(self) -> Hold | None:
        """The hold that waits for a decision, if there is exactly one."""
        held = [each.held for each in self.statuses if each.held is not None]
        return held[0].hold if len(held) == 1 else None

    @property
    def withdraws(self) -> bool:
        """Whether each of the holds is of a withdrawal."""
        return all(each.held is not None and each.held.hold.withdrawal for each in self.statuses)

    @property
    def findings(self) -> FindingCounts | None:
        """The findings to look at; those of the newest run where marks are not counted out.

        None if no run has placed people.
        """
        if self.record is None:
            return None
        return self.unmarked or findings_of(self.record.findings)

    @property
    def not_taken(self) -> int:
        """How many resources the vendors do not take."""
        return sum(each.not_taken for each in self.statuses)


def headline(
    runs: Sequence[RunRecord],
    connections: Sequence[ConnectionStatus],
    reading: ReadingState | None,
    unmarked: FindingCounts | None = None,
) -> Headline:
    """Return the headline for these connections; `reading` is the last reading for the pages."""
    ended, placed = last_ended(runs), newest(runs)
    on = tuple(each for each in connections if each.mode != "off")
    refused = _is_refused(ended, reading)
    state = "unread" if refused else _state(ended, connections)
    return Headline(
        state=state,
        statuses=tuple(each for each in connections if each.state == state),
        on=on,
        ended=ended,
        running=bool(runs) and runs[0].status == "running",
        record=None if placed is None else placed[1],
        refused=refused,
        unmarked=unmarked,
    )


def unmarked_findings(kinds: Sequence[FindingKind], known: Known) -> FindingCounts:
    """Return the number of errors and of other findings that nobody has marked as known."""
    errors = others = 0
    for kind in kinds:
        number = len(kind.told_apart(known)[0])
        if kind.severity == "error":
            errors += number
        else:
            others += number
    return FindingCounts(errors, others)


def findings_of(counts: Mapping[str, int]) -> FindingCounts:
    """Return the number of errors and of other findings."""
    severity = {code: kind for code, (kind, _) in MESSAGES.items()}
    errors = sum(n for code, n in counts.items() if severity.get(code) == "error")
    return FindingCounts(errors, sum(counts.values()) - errors)


def _is_refused(ended: RunRecord | None, reading: ReadingState | None) -> bool:
    """Whether the newer of both that has an outcome was refused."""
    at = 0.0 if ended is None else ended.finished or ended.started
    if reading is not None and reading.at > at and (reading.refused or reading.status == "done"):
        return reading.refused
    return ended is not None and ended.refused


def _state(ended: RunRecord | None, connections: Sequence[ConnectionStatus]) -> str:
    if ended is not None and ended.status in ("unread", "cut off"):
        return ended.status
    states = {each.state for each in connections}
    return next((state for state in GRAVEST_FIRST if state in states), "off")
