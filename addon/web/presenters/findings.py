"""The findings grouped by kind, with the names of the people and things that they concern."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from addon.directory.snapshot import User
from addon.roster.findings import MESSAGES, SEVERITIES
from addon.roster.model import Finding
from addon.store.records import RunRecord
from addon.sync.known_findings import Known, finding_key
from addon.sync.prepare import PreparedRun
from addon.sync.report import StoredReport, stored_report
from addon.text import SortKey, fold, sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.connection_status import Point
from addon.web.presenters.resource_names import alphabetical, full_name

DAY = 24 * 3600.0
LONG = 3 * DAY
"""Seconds; a longer trend has one point a day, the last of that day."""


class FindingRow(Struct, frozen=True, gc=False):
    """One finding, with the name of its subject and the codes of its school units.

    In `finding`, codes of units are replaced by their names. If the finding counts members of a
    group, `members` are those in the directory, and `strangers` is the number of the others. `key`
    is that of its mark, and `group_id` that of the Google group that it is about.
    """

    finding: Finding
    name: str
    units: tuple[str, ...] = ()
    user: User | None = None
    members: tuple[User, ...] = ()
    strangers: int = 0
    key: str = ""
    group_id: str = ""

    @property
    def values(self) -> Mapping[str, str]:
        """The values of its message."""
        return dict(self.finding.values)


class FindingKind(Struct, frozen=True):
    """All findings of one code."""

    code: str
    severity: str
    found: tuple[FindingRow, ...]

    def told_apart(self, known: Known) -> tuple[list[FindingRow], list[FindingRow]]:
        """Return the findings that nobody has marked, and those that somebody has."""
        rows: tuple[list[FindingRow], list[FindingRow]] = [], []
        for about in self.found:
            rows[about.key in known].append(about)
        return rows


def kinds(directory: TenantDirectory) -> tuple[FindingKind, ...]:
    """Return the findings by kind: errors first, then the most frequent. Raises StillComputing."""
    users, prepared = directory.users, directory.prepared
    return directory.get_or_compute(DirectoryResult.FINDINGS, lambda: _kinds(users, prepared))


def over_time(runs: Sequence[RunRecord]) -> dict[str, tuple[Point, ...]]:
    """Return the number of findings of each severity when a run ended, oldest first.

    Takes the `runs` newest first, and uses those that placed people.
    """
    told = [(run.finished or run.started, stored_report(run)) for run in reversed(runs)]
    told = [(at, record) for at, record in told if record.roster is not None]
    if told and told[-1][0] - told[0][0] > LONG:
        told = list({at // DAY: (at, record) for at, record in told}.values())
    return {
        severity: tuple(Point(at, _number(record, severity)) for at, record in told)
        for severity in SEVERITIES
        if any(_number(record, severity) for _at, record in told)
    }


def _number(record: StoredReport, severity: str) -> int:
    return sum(n for code, n in record.findings.items() if _severity(code) == severity)


def _severity(code: str) -> str:
    return MESSAGES[code][0] if code in MESSAGES else "info"


def _kinds(users: Mapping[str, User], prepared: PreparedRun) -> tuple[FindingKind, ...]:
    on = {c.vendor for c in prepared.tenant.connections if c.mode != "off"}
    by_code: dict[str, list[FindingRow]] = defaultdict(list)
    tell = _Telling(prepared, users)
    for found in prepared.findings_at(on):
        by_code[found.code].append(tell.about(found))
    made = [
        FindingKind(code, about[0].finding.severity, tuple(sorted(about, key=tell.place)))
        for code, about in by_code.items()
    ]
    order: dict[str, int] = {severity: n for n, severity in enumerate(SEVERITIES)}
    return tuple(sorted(made, key=lambda k: (order.get(k.severity, 9), -len(k.found), k.code)))


class _Telling:
    """Makes rows of findings: looks up the names of users, groups and units."""

    def __init__(self, prepared: PreparedRun, users: Mapping[str, User]) -> None:
        self._prepared = prepared
        self._users = users
        tenant = prepared.tenant
        self._names = {**tenant.unit_names, tenant.customer_id: tenant.organisation.name}
        self._groups = {fold(g.email): g for g in prepared.snapshot.groups}
        self._selectors = [
            (unit.code, {fold(each) for each in (*selector.org_units, *selector.groups)})
            for unit in prepared.tenant.school_units
            for selector in (unit.students, unit.staff)
        ]

    def about(self, found: Finding) -> FindingRow:
        """Return the row of a finding."""
        user = self._users.get(found.subject)
        group = None if user else self._groups.get(fold(found.subject))
        if user is not None:
            name = full_name(user)
        else:
            named = "" if group is None else group.name
            name = self._names.get(found.subject) or named or found.subject
        about = FindingRow(
            self._named(found),
            name,
            self._of(found),
            user,
            key=finding_key(found),
            group_id="" if group is None else group.id,
        )
        return self._with_members(about) if found.code == "member-not-selected" else about

    def _with_members(self, about: FindingRow) -> FindingRow:
        """Add the members of the group that no selection includes, sorted by name."""
        group = self._groups.get(fold(about.finding.subject))
        if group is None:
            return about
        left_out = self._prepared.roster.left_out
        found = [
            self._users[i]
            for i in group.members or (self._users if group.everyone else ())
            if i in self._users and left_out.get(i) in ("not selected", "filtered")
        ]
        strangers = int(about.values["count"]) - len(found)
        by_name = tuple(sorted(found, key=alphabetical))
        return structs.replace(about, members=by_name, strangers=max(0, strangers))

    def place(self, about: FindingRow) -> tuple[SortKey, SortKey, str]:
        """Return the sort key: by unit, then by name."""
        unit = self._names.get(about.units[0], "") if about.units else ""
        name = alphabetical(about.user) if about.user else sort_key(about.name)
        return sort_key(unit), name, about.finding.subject

    def _named(self, found: Finding) -> Finding:
        """Replace the codes of units in the finding's values by their names."""
        values = dict(found.values)
        if "units" not in values:
            return found
        codes = [code.strip() for code in values["units"].split(",")]
        values["units"] = ", ".join(self._names.get(code, code) for code in codes)
        return structs.replace(found, values=tuple(values.items()))

    def _of(self, found: Finding) -> tuple[str, ...]:
        """Return its units: the one it states, else the person's, else those that select them."""
        values = dict(found.values)
        if "unit" in values:
            return (values["unit"],)
        person = self._prepared.roster.people.get(found.subject)
        if person is not None:
            return (*(e.unit for e in person.enrolments), *person.employments)
        if "units" in values:
            return tuple(values["units"].split(", "))
        subject = fold(found.subject)
        return tuple(dict.fromkeys(code for code, named in self._selectors if subject in named))
