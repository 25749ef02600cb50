"""The findings, grouped by kind, with whom and what they are about by name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from addon.directory.snapshot import User
from addon.prepared import Prepared
from addon.roster.findings import MESSAGES, SEVERITIES
from addon.roster.model import Finding
from addon.store import Run
from addon.web.study import Desk
from addon.web.views.standing import Point, record_of
from addon.web.views.subjects import full_name


class About(Struct, frozen=True, gc=False):
    """One finding: what it is about, by name, and where that is."""

    finding: Finding
    name: str
    user: User | None = None

    @property
    def values(self) -> Mapping[str, str]:
        """The words of its message."""
        return dict(self.finding.values)


class Kind(Struct, frozen=True):
    """All findings of one code."""

    code: str
    severity: str
    found: tuple[About, ...]


def kinds(desk: Desk) -> tuple[Kind, ...]:
    """The findings by kind: errors first, and of those the most frequent. Raises NotReady."""
    users, prepared = desk.users, desk.prepared
    return desk.make("findings", lambda: _kinds(users, prepared))


def over_time(runs: Sequence[Run]) -> dict[str, tuple[Point, ...]]:
    """How many findings there were of each severity when a run ended, the oldest first."""
    points: dict[str, list[Point]] = {severity: [] for severity in SEVERITIES}
    for run in reversed(runs):
        record = record_of(run)
        if record.roster is None:
            continue
        for severity in SEVERITIES:
            number = sum(n for c, n in record.findings.items() if _severity(c) == severity)
            points[severity].append(Point(run.finished or run.started, number))
    return {severity: tuple(found) for severity, found in points.items() if found}


def _severity(code: str) -> str:
    return MESSAGES[code][0] if code in MESSAGES else "info"


def _kinds(users: Mapping[str, User], prepared: Prepared) -> tuple[Kind, ...]:
    on = {c.vendor for c in prepared.tenant.connections if c.mode != "off"}
    findings = [*prepared.roster.findings]
    for vendor, view in prepared.views.items():
        if vendor in on:
            findings.extend(view.findings)
    units = {unit.code: unit.name for unit in prepared.tenant.school_units}
    by_code: dict[str, list[About]] = defaultdict(list)
    for found in findings:
        user = users.get(found.subject)
        name = full_name(user) if user else units.get(found.subject, found.subject)
        by_code[found.code].append(About(found, name, user))
    made = [
        Kind(code, about[0].finding.severity, tuple(sorted(about, key=_by_unit_and_name)))
        for code, about in by_code.items()
    ]
    order: dict[str, int] = {severity: n for n, severity in enumerate(SEVERITIES)}
    return tuple(sorted(made, key=lambda k: (order.get(k.severity, 9), -len(k.found), k.code)))


def _by_unit_and_name(about: About) -> tuple[str, str, str]:
    return about.values.get("unitName", ""), about.name.casefold(), about.finding.subject
