"""What waits for the administrator beside holds, for the overview, the most urgent first. Pure."""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from addon.tenants.model import Tenant
from addon.web.presenters.connection_status import ConnectionStatus
from addon.web.presenters.overview import FindingCounts
from addon.web.presenters.proposals import is_set_up

Kind = Literal[
    "protection-ended",
    "failed",
    "problem",
    "stale",
    "refused",
    "units",
    "errors",
    "findings",
    "test",
]


class ToDo(Struct, frozen=True):
    """One thing to do: its kind, how many it concerns, and the connection that it is about."""

    kind: Kind
    number: int = 0
    status: ConnectionStatus | None = None


def things_to_do(
    tenant: Tenant,
    statuses: Sequence[ConnectionStatus],
    findings: FindingCounts | None,
    protection_ended: int,
    without_students: frozenset[str] = frozenset(),
) -> tuple[ToDo, ...]:
    """Return what waits for the administrator, apart from the questions about holds.

    `protection_ended` is the number of people whose protection has ended, and `without_students`
    are the codes of units that are said to have no students.
    """
    found = [ToDo("protection-ended", protection_ended)] if protection_ended else []
    for status in statuses:
        found.extend(_at_vendor(status))
    units = [unit for unit in tenant.school_units if unit.code not in without_students]
    if missing := sum(not is_set_up(unit) for unit in units):
        found.append(ToDo("units", missing))
    if findings and findings.errors:
        found.append(ToDo("errors", findings.errors))
    if findings and findings.others:
        found.append(ToDo("findings", findings.others))
    tested = (each for each in statuses if each.mode == "test" and each.state == "ok")
    return (*found, *(ToDo("test", 0, each) for each in tested))


def _at_vendor(status: ConnectionStatus) -> Iterator[ToDo]:
    match status.state:
        case "failed" | "problem" | "stale" as state:
            yield ToDo(state, 0, status)
        case "refused":
            yield ToDo("refused", status.not_taken, status)
