"""Format reports as text for the terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from msgspec import UNSET

from addon.cli.terminal import printable
from addon.proposals.reasons import DOUBTS
from addon.proposals.summary import ProposedTenant, ProposedUnit
from addon.roster.findings import SEVERITIES
from addon.sync.advance_approval import AdvanceReport
from addon.sync.reconcile import Reconciliation
from addon.sync.report import ConnectionReport, DirectoryCounts, RosterCounts, RunReport
from addon.sync.status import LicenceStatus, ProtectedStatus, PushStatus, TenantStatus
from addon.tenants.model import Tenant
from addon.text import counted

MOST_FAILURES = 10
VERBS = {"create": "created", "update": "changed", "delete": "removed"}
_RANKS: dict[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
PLANNED = {"create": "to create", "update": "to change", "delete": "to remove"}


def document(tenant: Tenant) -> str:
    """Return a short description of a tenant document."""
    modes = ", ".join(f"{c.vendor} ({c.mode})" for c in tenant.connections) or "no vendor"
    return f"{counted(len(tenant.school_units), 'school unit', 'school units')}, {modes}"


def report(run: RunReport, planned: bool = False) -> str:
    """Return the report of a run, or of a preview if `planned`, as text."""
    return _lines(_report(run, planned))


def _report(run: RunReport, planned: bool) -> Iterator[str]:
    if run.directory is not None and run.roster is not None:
        read, roster = run.directory, run.roster
        yield f"Directory: {', '.join(counts_read(read))}, in {queries_of(read)}."
        yield f"Roster: {', '.join(counts_selected(roster))}."
    yield from _findings(run)
    withdrawal = run.directory is None  # every other run with a hold has read the directory
    for connection in run.connections:
        yield from _connection(connection, run.tenant, planned, withdrawal)
    if planned:
        yield "Nothing was sent."


def counts_read(read: DirectoryCounts) -> tuple[str, str, str]:
    """Return how many people, groups and organisational units were read."""
    return (
        counted(read.users, "person", "people"),
        counted(read.groups, "group", "groups"),
        counted(read.org_units, "organisational unit", "organisational units"),
    )


def queries_of(read: DirectoryCounts) -> str:
    """Return in how many queries the directory was read."""
    return counted(read.queries, "query", "queries")


def counts_selected(roster: RosterCounts) -> tuple[str, str, str, str]:
    """Return how many students, staff, classes and teaching groups were selected."""
    return (
        counted(roster.students, "student", "students"),
        f"{roster.staff} staff",
        counted(roster.classes, "class", "classes"),
        counted(roster.teaching_groups, "teaching group", "teaching groups"),
    )


def _findings(run: RunReport) -> Iterator[str]:
    if not run.findings:
        return
    yield "Findings:"
    by_code = Counter((f.severity, f.code) for f in run.findings)
    for severity, code in sorted(by_code, key=lambda kind: (_RANKS[kind[0]], kind[1])):
        count = by_code[severity, code]
        first = next(f for f in run.findings if f.code == code)
        about = (
            f"{count} of these; the first is about {first.subject}" if count > 1 else first.subject
        )
        yield f"  {severity}: {code} ({about}). {first.message}"


def _connection(
    connection: ConnectionReport, tenant: str, planned: bool, withdrawal: bool
) -> Iterator[str]:
    if connection.status == "off":
        yield f"{connection.vendor}: off"
        return
    words, hold = PLANNED if planned else VERBS, connection.hold
    yield f"{connection.vendor} ({connection.mode}): {_status_word(connection, planned)}"
    yield from _operations(connection.operations if hold is None else connection.sent, words, "  ")
    if hold is not None:
        yield f"  Held: {hold.reason}. This is not sent until a person decides:"
        yield from _operations(hold.waiting or connection.operations, PLANNED, "    ")
        if not planned:
            if not withdrawal:
                yield f"  See who: preview {tenant} --vendor {connection.vendor} --csv FILE"
            yield f"  Let it go: approve {tenant} --vendor {connection.vendor}"
        if hold.content:
            how = f"approve {tenant} --vendor {connection.vendor} --advance {hold.content}"
            yield f"  Let it go when the pause is over: {how}"
    if connection.approved:
        yield f"  removed as approved: {counted(connection.approved, 'person', 'people')}"
    if connection.detail:
        yield f"  {_sentence(connection.detail)}"
    for failure in connection.failures[:MOST_FAILURES]:
        status = f" ({failure.http_status})" if failure.http_status else ""
        yield (
            f"  failed: {failure.operation} {failure.resource_type} {failure.external_id}"
            f"{status}: {failure.detail}"
        )
    if len(connection.failures) > MOST_FAILURES:
        yield f"  ... and {len(connection.failures) - MOST_FAILURES} more; --json has all"
    if connection.left:
        yield f"  left for the next run: {connection.left}"
    if connection.refused:
        count = connection.refused
        yield f"  refused by the vendor, tried again when changed or after a day: {count}"
    if connection.unconfirmed:
        yield f"  not removed until there is evidence that they are gone: {connection.unconfirmed}"


def _operations(
    operations: Mapping[str, Mapping[str, int]], words: Mapping[str, str], indent: str
) -> Iterator[str]:
    for kind, of_kind in operations.items():
        if of_kind:
            counts = ", ".join(f"{n} {name}" for name, n in of_kind.items())
            yield f"{indent}{words[kind]}: {counts}"


def _status_word(connection: ConnectionReport, planned: bool) -> str:
    return (
        "would be delivered" if planned and connection.status == "delivered" else connection.status
    )


def _lines(lines: Iterable[str]) -> str:
    """Return lines as a text; what is in a line cannot end it or control the terminal."""
    return "\n".join(printable(line).replace("\n", "\\n") for line in lines)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def reconciled(found: Reconciliation) -> str:
    """Return the result of a reconciliation as text."""
    lines = [f"{found.vendor} ({found.mode}):"]
    for drift in found.types:
        if not drift.listed:
            lines.append(f"  {drift.resource_type}: the vendor cannot list these")
            continue
        lines.append(
            f"  {drift.resource_type}: {drift.there} there, {drift.missing} missing, "
            f"{drift.adopted} unknown to the ledger, {drift.different_id} with another id, "
            f"{drift.several} more than once, {drift.others} not ours (left alone)"
            + (f", {drift.changed} with other content" if drift.changed else "")
        )
    if found.detail:
        lines.append(f"  Not finished: {_sentence(found.detail)}")
    for each in found.held:
        lines.append(
            f"  Held: {each.missing} of {each.known} {each.resource_type} "
            f"{'is' if each.missing == 1 else 'are'} missing. Is this the right address and key?"
        )
    if found.held:
        lines.append("The ledger is as it was. If the vendor has lost them:")
        lines.append(f"  reconcile {found.tenant} --vendor {found.vendor} --yes")
    elif any(drift.listed for drift in found.types):
        lines.append("The ledger is fixed; the next run puts right what differs.")
    return _lines(lines)


def status(found: TenantStatus) -> str:
    """Return a tenant's status as text."""
    return _lines(_status(found))


def _protected(found: ProtectedStatus) -> Iterator[str]:
    yield f"protected: {found.people}"
    if found.ended:
        yield f"  ended: {found.ended}, not sent until `release`"
    if found.pending:
        wait = "until the next reading" if found.confirmed else "until a person has looked"
        yield f"  became protected at once: {found.pending}, not sent {wait}"


def _status(found: TenantStatus) -> Iterator[str]:
    last = found.last_run
    yield f"{found.tenant}: " + (f"last run {last.run}, {last.status}" if last else "no run yet")
    if last is not None and last.detail:
        yield f"  {last.detail}"
    if found.pause is not None:
        yield f"paused until {found.pause.until}, that day included: nothing is read or sent"
    for connection in found.connections:
        if connection.mode == "off":
            yield f"{connection.vendor}: off"
            continue
        yield (
            f"{connection.vendor} ({connection.mode}): "
            f"{counted(connection.resources, 'resource', 'resources')} there, "
            f"{len(connection.refused)} refused"
            + (f", {connection.uncertain} to be asked about" if connection.uncertain else "")
        )
        if connection.last is not None:
            yield f"  last: {connection.last.status} in {connection.last.run}"
            if connection.last.detail:
                yield f"  {connection.last.detail}"
        if connection.problem:
            yield f"  cannot run: {connection.problem}"
        if connection.hold is not None:
            yield f"  held: {connection.hold.reason}"
        for refused in connection.refused[:MOST_FAILURES]:
            yield (
                f"  refused: {refused.operation} {refused.resource_type} {refused.external_id} "
                f"({refused.http_status}): {refused.detail}"
            )
    for unit in found.units_elsewhere:
        yield f"school unit {unit.code}: not delivered, {unit.tenant} had it first"
    yield from _protected(found.protected)
    yield from _licence(found.licence)
    yield from _push(found.push)
    for left in found.left_behind:
        there = counted(left.resources, "resource", "resources")
        yield f"{left.vendor} ({left.mode}): {there} left behind. {left.advice}"


def approved_in_advance(found: AdvanceReport) -> str:
    """Return the result of approving in advance as text."""
    if found.approved:
        people = counted(found.people, "person", "people")
        return (
            f"{found.vendor}: approved in advance: the first run after the pause may remove "
            f"{people} without a hold, until {_time(found.until)}"
        )
    if not found.held:
        return f"{found.vendor}: nothing is approved in advance, and nothing needs to be"
    how = f"preview {found.tenant} --vendor {found.vendor}"
    return f"{found.vendor}: not approved: the first run would now do something else, see {how}"


def proposed(found: ProposedTenant) -> str:
    """Return what would be set up for each unit as text."""
    return _lines(line for unit in found.school_units for line in _proposed(unit))


def _proposed(unit: ProposedUnit) -> Iterator[str]:
    yield f"{unit.code} {unit.name}: {unit.confidence}"
    for role, selector, number in (
        ("students", unit.students, unit.counts.students),
        ("staff", unit.staff, unit.counts.staff),
    ):
        if selector is not None:
            yield f"  {role}: {number} in {', '.join((*selector.org_units, *selector.groups))}"
    if unit.class_names:
        yield f"  classes: {', '.join(unit.class_names)}"
    if unit.students is not None:
        yield f"  without a class: {unit.counts.without_class}"
        yield f"  without a school year: {unit.counts.without_school_year}"
    for each in unit.reasons:
        if each["code"] in DOUBTS:
            values = ", ".join(f"{name}: {each[name]}" for name in each if name != "code")
            yield f"  to look at: {each['code']}{f' ({values})' if values else ''}"


_PUSH_REMEDIES = {
    "address-unverified": "the domain of SKOLSYNK_URL is not verified for the Cloud project",
    "scope-missing": "the customer has not granted the scope",
    "not-allowed": "Google does not let Skolsynk read the directory",
    "refused": "see that the Admin SDK API is enabled in the Cloud project",
}


def _push(found: PushStatus) -> Iterator[str]:
    """Yield whether Google notifies us, and what to do if it does not."""
    until = f" until {_time(found.until)}, renewed before" if found.until is not None else ""
    if found.state == "refused":
        remedy = _PUSH_REMEDIES.get(found.problem or "", "see docs/push.md")
        yield f"push: refused ({found.problem}): {remedy}; runs go on by the schedule"
        if found.again is not UNSET:
            at = _time(found.again)
            yield f"push: Google is asked again at {at}, or when the tenant is saved"
        return
    yield f"push: {found.state}{until}"
    if found.problem is not None:
        yield f"push: {found.problem}; it is tried again each minute"


def _licence(found: LicenceStatus) -> Iterator[str]:
    since = f" since {_time(found.since)}" if found.since else ""
    match found.state:
        case "farewell":
            yield f"licence: the customer has left{since}: nothing is read or sent"
            if found.ends is not None:
                yield f"licence: what vendors have is to be withdrawn from {_time(found.ends)} on"
            for each in found.unwritten:
                yield f"licence: {each}"
        case "by hand":
            yield "licence: not asked for, as the access was given by hand"
        case "not asked":
            yield "licence: not asked for"
        case "unknown":
            yield "licence: no answer yet"
        case _:
            yield f"licence: {found.state}{since}"
    if found.problem is not None:
        yield f"licence: no answer the last time ({found.problem}); it is asked for again"


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
