"""The demo's story, from an empty store to vendors that are up to date."""

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from addon.cli import output
from addon.sandbox.demo_environment import DemoEnvironment, DemoRun, expect
from addon.sandbox.documents import tenant_document
from addon.sandbox.school_units import Style
from addon.sandbox.terminal import Terminal
from addon.sync.people_csv import PersonDecisionRow, write_people_csv
from addon.sync.report import RunReport
from addon.sync.run import preview
from addon.tenants.document import DocumentError, decode_tenant
from addon.text import counted

Tell = Callable[[DemoEnvironment, Terminal], None]
DONE_WORDS = {"create": "created", "update": "changed", "delete": "removed"}
PLANNED_WORDS = {"create": "to create", "update": "to change", "delete": "to remove"}
KEPT_IN: Mapping[Style, str] = {
    "classOrgUnits": "an organisational unit for each class",
    "yearOrgUnits": "an organisational unit for each year, with one for each class",
    "classGroups": "a Google group for each class",
    "schemaField": "a custom field of the account",
    "department": "the department in the account",
    "startYears": "units named for the year in which a class began",
    "sharedTree": "a tree that it shares with another school unit",
    "groupsOnly": "addresses of groups, and nothing else",
}
SEVERITIES = ("error", "warning", "info")


class StoryStep(NamedTuple):
    """A step of the story: its heading, its introduction, and the function that runs it."""

    title: str
    why: str
    tell: Tell


def the_domain(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Show the directory, the vendors and the schools."""
    domain = demo.domain
    accounts = counted(len(domain.users), "account", "accounts")
    groups = counted(len(domain.groups), "group", "groups")
    units = counted(len(domain.org_units), "organisational unit", "organisational units")
    served = f"{accounts}, {groups}, {units}"
    binogi, gleerups = demo.vendors["binogi"], demo.vendors["gleerups"]
    terminal.rows(
        [
            ("Directory", demo.directory.url, served),
            (binogi.name, binogi.url, "takes classes only, and one placement of each person"),
            (gleerups.name, gleerups.url, "takes classes, teaching groups and all placements"),
        ]
    )
    terminal.label("Every school keeps its classes in a way of its own")
    terminal.rows([(unit.name, unit.code, KEPT_IN[unit.style]) for unit in domain.units])


def the_import(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Import a faulty document, which is refused, and the correct one, which is saved."""
    vendors = demo.sync_context.settings.vendors
    people = [each["primaryEmail"] for each in demo.administrators]
    document = {**tenant_document(demo.domain), "administrators": people}
    terminal.command("tenant import faulty.json")
    try:
        decode_tenant(json.dumps(_faulty(document)).encode(), vendors)
    except DocumentError as error:
        faults = error.faults
    else:
        faults = []
    terminal.rows([(each.place, each.message) for each in faults])
    expect(len(faults) == 4, f"four faults are found in the faulty document, not {len(faults)}")
    expect(demo.store.tenants() == [], "a faulty document leaves the store empty")

    terminal.command(f"tenant import {demo.tenant.lower()}.json")
    data = json.dumps(document).encode()
    tenant = decode_tenant(data, vendors)
    demo.store.save_tenant(tenant.customer_id, data)
    expect(demo.store.tenants() == [demo.tenant], "the right document is kept")
    connections = ", ".join(f"{vendors[c.vendor].name} ({c.mode})" for c in tenant.connections)
    units = counted(len(tenant.school_units), "school unit", "school units")
    terminal.rows([("kept", f"{units}, {connections}")])


def _faulty(document: dict[str, object]) -> dict[str, object]:
    """Return the document with four faults in four places."""
    faulty = copy.deepcopy(document)
    units, connections = faulty["schoolUnits"], faulty["connections"]
    assert isinstance(units, list)
    assert isinstance(connections, list)
    units[1]["students"]["filters"][0][0]["operator"] = "notContain"
    units[2]["classes"]["pattern"] = "^gy-klass-(?P<name>[^@]+@"
    connections[0]["fields"].append("schoolType")
    connections[1]["vendor"] = "gleerup"
    return faulty


def the_preview(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Show what would be sent, what the data lacks, and who is left out and why."""
    terminal.command(f"preview {demo.tenant} --csv overview.csv")
    report, prepared = preview(demo.sync_context, demo.tenant)
    expect(not any(v.requests for v in demo.vendors.values()), "a preview sends nothing")
    tell_directory(report, terminal)
    tell_connections(report, terminal, planned=True)
    tell_findings(report, terminal)

    rows = list(prepared.decision_rows())
    path = demo.folder / "overview.csv"
    write_people_csv(path, rows)
    terminal.label(f"Five of the {len(prepared.snapshot.users)} people in the overview")
    terminal.rows(_examples(rows))

    hidden = demo.protected()
    expect(len(hidden) == len(prepared.roster.protected) > 0, "all protected people are known")
    for text in (path.read_text("utf-8"), report.json().decode()):
        shown = any(user["primaryEmail"] in text for user in hidden)
        expect(not shown, "nobody with protected identity is named anywhere")
    terminal.label(f"Protected identity: {counted(len(hidden), 'person', 'people')}")
    terminal.why("They are counted here, named nowhere and sent to nobody.")


def _examples(rows: Iterable[PersonDecisionRow]) -> list[tuple[str, ...]]:
    """Return a student, a teacher, and one person left out for each of three reasons."""
    found: dict[str, dict[str, PersonDecisionRow]] = {}
    for row in rows:
        found.setdefault(row.id, {})[row.vendor] = row
    people = [each for each in found.values() if each["gleerups"].primary_email]
    wanted: list[Callable[[PersonDecisionRow], bool]] = [
        lambda row: row.role == "student" and bool(row.classes and row.teaching_groups),
        lambda row: row.role == "staff" and bool(row.teaching_groups),
        lambda row: row.reason == "missing-family-name",
        lambda row: row.reason == "suspended",
        lambda row: row.reason == "filtered" and "/Slutat" in row.org_unit_path,
    ]
    examples: list[tuple[str, ...]] = []
    for wants in wanted:
        person = next((each for each in people if wants(each["gleerups"])), None)
        expect(person is not None, "the overview has a row for every example")
        assert person is not None
        row = person["gleerups"]
        name = f"{row.given_name} {row.family_name}".strip()
        at_binogi, at_gleerups = _decision(person["binogi"]), _decision(row)
        both = f"Binogi: {at_binogi}. Gleerups: {at_gleerups}"
        told = at_gleerups if at_binogi == at_gleerups else both
        examples.append((name, row.org_unit_path, told))
    return examples


def _decision(row: PersonDecisionRow) -> str:
    if row.decision != "sent":
        return f"{row.decision}: {row.reason}"
    groups = (*row.classes, *row.teaching_groups)
    more = f" and {len(groups) - 3} more" if len(groups) > 3 else ""
    return f"{row.role}, {', '.join(groups[:3])}{more}" if groups else row.role


def the_first_sync(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Send everyone to both vendors."""
    outcome = run(demo, terminal)
    expect(outcome.report.exit_status == 0, "the first run is delivered in full")
    tell_connections(outcome.report, terminal)
    hidden = {user["primaryEmail"] for user in demo.protected()}
    for vendor, server in demo.vendors.items():
        held, seen = server.resources(), outcome.seen[vendor]
        created = {kind: len(some) for kind, some in held.items() if some}
        expect(created == outcome.of(vendor).operations["create"], f"{vendor} has what was sent")
        expect(all(w.status == 201 for w in seen.writes), f"{vendor} takes all that is sent")
        users = {user["userName"] for user in held["User"]}
        expect(not users & hidden, f"{vendor} has nobody with protected identity")
    kinds = {
        group["studentGroupType"] for group in demo.vendors["binogi"].resources()["StudentGroup"]
    }
    expect(kinds == {"Klass"}, "Binogi gets classes and no teaching groups")
    asked = sum(seen.asked for seen in outcome.seen.values())
    requests = counted(asked, "request", "requests")
    terminal.why(f"{requests} in {outcome.seconds:.1f} s, every one answered 201 Created.")


def nothing_changed(demo: DemoEnvironment, terminal: Terminal) -> None:
    """Run again, and find nothing to do."""
    outcome = run(demo, terminal)
    expect(outcome.report.exit_status == 0 and outcome.silent, "no request without a change")
    tell_connections(outcome.report, terminal)
    terminal.why(
        f"The directory was read whole in {counted(outcome.queries, 'query', 'queries')} and "
        "compared with the ledgers. No request went to any vendor. It took "
        f"{outcome.seconds:.1f} s."
    )


# Shared by the steps


def run(demo: DemoEnvironment, terminal: Terminal) -> DemoRun:
    """Run once, and print the command that an administrator would have typed."""
    terminal.command(f"sync {demo.tenant}")
    return demo.sync()


def tell_directory(report: RunReport, terminal: Terminal) -> None:
    """Print what was read, and the people and groups that the selection gives."""
    read, roster = report.directory, report.roster
    assert read is not None
    assert roster is not None
    people, groups, units = output.counts_read(read)
    students, staff, classes, teaching_groups = output.counts_selected(roster)
    terminal.rows(
        [
            ("read", f"{people}, {groups} and {units}, in {output.queries_of(read)}"),
            ("selected", f"{students} and {staff} in {classes} and {teaching_groups}"),
        ]
    )


def tell_connections(report: RunReport, terminal: Terminal, planned: bool = False) -> None:
    """Print what each connection did, or would do."""
    rows = []
    for connection in report.connections:
        ahead = planned or connection.status == "held"
        words = PLANNED_WORDS if ahead else DONE_WORDS
        parts = (
            f"{words[kind]} " + ", ".join(f"{n} {name}" for name, n in some.items())
            for kind, some in connection.operations.items()
            if some
        )
        status = "planned" if planned and connection.status == "delivered" else connection.status
        rows.append((connection.vendor, status, "; ".join(parts)))
    terminal.rows(rows)


def tell_findings(report: RunReport, terminal: Terminal) -> None:
    """Print the findings by kind, first those that keep someone from being sent."""
    first = {finding.code: finding for finding in report.findings}
    counted = Counter((f.severity, f.code) for f in report.findings)
    order = sorted(counted.items(), key=lambda each: (SEVERITIES.index(each[0][0]), each[0][1]))
    terminal.label(f"Findings: {len(report.findings)}, each told with what to do about it")
    terminal.rows(
        [
            (str(count), severity, f"{code}. {_sentence(first[code].message)}")
            for (severity, code), count in order
        ]
    )


def _sentence(message: str) -> str:
    return message.partition(". ")[0].rstrip(".") + "."
