"""Reports in words: what happened, what to do, and nothing that is not so."""

import re

import pytest

from addon.cli import output
from addon.planning.result import FailedOperation
from addon.sync.drift import TooManyMissing, TypeDrift
from addon.sync.reconcile import Reconciliation
from addon.sync.report import (
    ConnectionReport,
    DirectoryCounts,
    FindingReport,
    HoldReport,
    RosterCounts,
    RunReport,
)
from addon.sync.status import (
    ConnectionSummary,
    LastReport,
    LeftBehind,
    LicenceStatus,
    PushStatus,
    RefusedStatus,
    RunStatus,
    TenantStatus,
)
from addon.tenants.model import Connection, Organisation, SchoolUnit, Tenant

DONE = {"create": {"User": 3, "StudentGroup": 1}, "update": {}, "delete": {"User": 1}}


def part(status="delivered", vendor="binogi", **more) -> ConnectionReport:
    return ConnectionReport(vendor, "live", status, more.pop("operations", DONE), **more)


def report(*parts: ConnectionReport, findings=(), planned=False) -> list[str]:
    run = RunReport(
        "C0",
        "r",
        DirectoryCounts(users=9, groups=2, org_units=4, queries=7),
        RosterCounts(students=6, staff=2, classes=1, teaching_groups=0),
        tuple(findings),
        parts,
    )
    return output.report(run, planned).splitlines()


def test_a_run_is_told_by_directory_roster_and_vendor():
    assert report(part(), part("unchanged", "ne", operations={})) == [
        "Directory: 9 people, 2 groups, 4 organisational units, in 7 queries.",
        "Roster: 6 students, 2 staff, 1 class, 0 teaching groups.",
        "binogi (live): delivered",
        "  created: 3 User, 1 StudentGroup",
        "  removed: 1 User",
        "ne (live): unchanged",
    ]


PLURAL = re.compile(
    r"\b1 (organisational |teaching |school )?(people|\w+[^s]s|classes|are|were|have)\b"
)
"""A one before a word in the plural; `1 of 2 people` is right."""


def test_of_one_the_terminal_says_one():
    run = RunReport("C0", "r", DirectoryCounts(1, 1, 1, 1), RosterCounts(1, 1, 1, 1), (), (part(),))
    one = ConnectionSummary("ne", "live", 1, 1, (), None, None, None)
    left = (LeftBehind("gone", "live", 1, "Ask."),)
    drifts = (TypeDrift("User", True, 1, 1, 1, 1, 1, 1, 1),)
    held = (TooManyMissing("User", 1, 1),)
    said = [
        output.report(run),
        output.status(TenantStatus("C0", None, (one,), left)),
        output.reconciled(Reconciliation("C0", "ne", "live", drifts, None, held)),
    ]
    assert [line for text in said for line in text.splitlines() if PLURAL.search(line)] == []
    assert said[0].startswith(
        "Directory: 1 person, 1 group, 1 organisational unit, in 1 query.\n"
        "Roster: 1 student, 1 staff, 1 class, 1 teaching group.\n"
    )
    assert "ne (live): 1 resource there" in said[1]
    assert "gone (live): 1 resource left behind. Ask." in said[1]
    assert "  Held: 1 of 1 User is missing." in said[2]


def test_what_a_line_says_can_neither_end_it_nor_control_the_terminal():
    evil = "\x1b[2J\nbinogi (live): delivered\r\u202e"
    finding = FindingReport("name", "warning", evil, evil)
    failure = FailedOperation("create", "User", evil, 400, evil)
    lines = report(part("failed", failures=(failure,), detail=evil), findings=[finding])
    assert lines[3] == (
        r"  warning: name (\x1b[2J\nbinogi (live): delivered\r\u202e). "
        r"\x1b[2J\nbinogi (live): delivered\r\u202e"
    )
    assert "binogi (live): delivered" not in lines
    assert "\x1b" not in "".join(lines)


def test_a_run_without_a_reading_has_no_counts_of_it():
    run = RunReport("C0", "r", None, None, (), (part(),))
    assert output.report(run).startswith("binogi (live): delivered")


def test_a_preview_says_what_would_be_and_that_nothing_was_sent():
    told = report(part(), planned=True)
    assert told[2:] == [
        "binogi (live): would be delivered",
        "  to create: 3 User, 1 StudentGroup",
        "  to remove: 1 User",
        "Nothing was sent.",
    ]


def test_a_held_plan_says_what_it_would_do_and_what_to_do_about_it():
    waiting = {"create": {}, "update": {"StudentGroup": 2}, "delete": {"User": 9}}
    hold = HoldReport(9, "9 people would be removed; the limit is 3", waiting=waiting)
    sent = {"create": {"User": 3}, "update": {"StudentGroup": 1}, "delete": {}}
    held = [
        "  Held: 9 people would be removed; the limit is 3. This is not sent until a person "
        "decides:",
        "    to change: 2 StudentGroup",
        "    to remove: 9 User",
    ]
    told = report(part("held", hold=hold, sent=sent), planned=True)
    assert told[2:] == [
        "binogi (live): held",
        "  to create: 3 User",
        "  to change: 1 StudentGroup",
        *held,
        "Nothing was sent.",
    ]
    told = report(part("held", hold=hold, sent=sent))
    assert told[2:] == [
        "binogi (live): held",
        "  created: 3 User",
        "  changed: 1 StudentGroup",
        *held,
        "  See who: preview C0 --vendor binogi --csv FILE",
        "  Let it go: approve C0 --vendor binogi",
    ]


def test_of_a_held_withdrawal_no_preview_tells():
    held = part("held", hold=HoldReport(9, "9 people would be removed; the limit is 3"))
    told = output.report(RunReport("C0", "r", None, None, (), (held,)))
    assert "See who" not in told
    assert "Let it go: approve C0 --vendor binogi" in told


def test_failures_are_told_up_to_a_bound():
    failures = tuple(FailedOperation("create", "User", f"e{n}", 422, "no") for n in range(13))
    told = report(part("failed", failures=failures, left=2, refused=13))
    assert told[5] == "  failed: create User e0 (422): no"
    assert sum(line.startswith("  failed: ") for line in told) == 10
    assert told[-3:] == [
        "  ... and 3 more; --json has all",
        "  left for the next run: 2",
        "  refused by the vendor, tried again when changed or after a day: 13",
    ]


def test_a_failure_without_a_status_has_none():
    told = report(part("failed", failures=(FailedOperation("create", "User", "e", None, "broke"),)))
    assert told[-1] == "  failed: create User e: broke"


def test_what_stopped_a_vendor_is_a_sentence():
    told = report(part("failed", operations={}, detail="the vendor answered 503, again and again"))
    assert told[-1] == "  The vendor answered 503, again and again."
    told = report(part("failed", operations={}, detail="Set X."))
    assert told[-1] == "  Set X."


def test_a_connection_that_is_off_is_off():
    assert report(ConnectionReport("ne", "off", "off", {}))[-1] == "ne: off"


def test_findings_are_counted_by_code_the_gravest_first():
    def found(code: str, severity: str, subject: str) -> FindingReport:
        return FindingReport(code, severity, subject, f"About {subject}.")

    told = report(
        findings=[
            found("b-info", "info", "u1"),
            found("c-warning", "warning", "u2"),
            found("z-error", "error", "u3"),
            found("c-warning", "warning", "u4"),
        ]
    )
    assert told[2:] == [
        "Findings:",
        "  error: z-error (u3). About u3.",
        "  warning: c-warning (2 of these; the first is about u2). About u2.",
        "  info: b-info (u1). About u1.",
    ]


def test_a_document_is_reported_in_a_few_words():
    unit = SchoolUnit(code="12345678", name="Norra")
    connection = Connection(vendor="ne", mode="test")
    tenant = Tenant(
        customer_id="C0",
        organisation=Organisation(name="O"),
        school_units=(unit,),
        connections=(connection,),
    )
    assert output.document(tenant) == "1 school unit, ne (test)"
    assert output.document(Tenant(customer_id="C0", organisation=Organisation(name="O"))) == (
        "0 school units, no vendor"
    )


def test_a_reconciliation_tells_each_type():
    drifts = (
        TypeDrift("User", True, 12, missing=2, adopted=1, different_id=3, several=4, others=5),
        TypeDrift("Activity", listed=False),
    )
    told = output.reconciled(Reconciliation("C0", "ne", "live", drifts)).splitlines()
    assert told == [
        "ne (live):",
        "  User: 12 there, 2 missing, 1 unknown to the ledger, 3 with another id, "
        "4 more than once, 5 not ours (left alone)",
        "  Activity: the vendor cannot list these",
        "The ledger is fixed; the next run puts right what differs.",
    ]


def test_a_reconciliation_that_lacks_too_much_asks_about_the_address():
    drifts = (TypeDrift("User", True, 2, missing=98, changed=1),)
    held = (TooManyMissing("User", 98, 100),)
    told = output.reconciled(Reconciliation("C0", "ne", "live", drifts, None, held)).splitlines()
    assert told[1:] == [
        "  User: 2 there, 98 missing, 0 unknown to the ledger, 0 with another id, "
        "0 more than once, 0 not ours (left alone), 1 with other content",
        "  Held: 98 of 100 User are missing. Is this the right address and key?",
        "The ledger is as it was. If the vendor has lost them:",
        "  reconcile C0 --vendor ne --yes",
    ]


def test_a_reconciliation_that_was_cut_off_says_so_and_claims_nothing():
    told = output.reconciled(Reconciliation("C0", "ne", "live", (), "the connection broke"))
    assert told.splitlines() == ["ne (live):", "  Not finished: The connection broke."]


def test_a_status_tells_what_a_person_should_know():
    refused = RefusedStatus("update", "User", "e1", 422, "no", 0.0)
    connection = ConnectionSummary(
        vendor="ne",
        mode="live",
        resources=9,
        uncertain=1,
        refused=(refused,),
        hold=HoldReport(4, "4 people would be removed; the limit is 3"),
        problem="set SKOLSYNK_NE_LIVE_KEY",
        last=LastReport("ne", "live", "held", detail="words", run="r1", finished=None),
    )
    off = ConnectionSummary("nok", "off", 0, 0, (), None, None, None)
    found = TenantStatus(
        "C0",
        RunStatus("r1", "held", 0.0, 1.0, "a detail"),
        (connection, off),
        (LeftBehind("gone", "live", 7, "Ask the vendor."),),
    )
    assert output.status(found).splitlines() == [
        "C0: last run r1, held",
        "  a detail",
        "ne (live): 9 resources there, 1 refused, 1 to be asked about",
        "  last: held in r1",
        "  words",
        "  cannot run: set SKOLSYNK_NE_LIVE_KEY",
        "  held: 4 people would be removed; the limit is 3",
        "  refused: update User e1 (422): no",
        "nok: off",
        "protected: 0",
        "licence: not asked for",
        "push: off",
        "gone (live): 7 resources left behind. Ask the vendor.",
    ]


def test_a_status_before_any_run_says_so():
    assert output.status(TenantStatus("C0", None, (), ())) == (
        "C0: no run yet\nprotected: 0\nlicence: not asked for\npush: off"
    )


@pytest.mark.parametrize(
    ("licence", "lines"),
    [
        (LicenceStatus("active", 0.0), ["licence: active"]),
        (LicenceStatus("active", 86400.0), ["licence: active since 1970-01-02 00:00 UTC"]),
        (
            LicenceStatus("by hand", 1.0),
            ["licence: not asked for, as the access was given by hand"],
        ),
        (
            LicenceStatus("unknown", None, "503"),
            [
                "licence: no answer yet",
                "licence: no answer the last time (503); it is asked for again",
            ],
        ),
        (
            LicenceStatus("farewell", 86400.0, None, 2 * 86400.0),
            [
                "licence: the customer has left since 1970-01-02 00:00 UTC: "
                "nothing is read or sent",
                "licence: what vendors have is to be withdrawn from 1970-01-03 00:00 UTC on",
            ],
        ),
    ],
)
def test_every_line_about_the_licence_begins_alike(licence, lines):
    found = TenantStatus("C0", None, (), (), licence=licence)
    assert output.status(found).splitlines()[2:] == [*lines, "push: off"]


@pytest.mark.parametrize(
    ("push", "lines"),
    [
        (PushStatus("on", 86400.0), ["push: on until 1970-01-02 00:00 UTC, renewed before"]),
        (
            PushStatus("off", None, "no-answer"),
            ["push: off", "push: no-answer; it is tried again each minute"],
        ),
        (
            PushStatus("refused", None, "address-unverified", 86400.0),
            [
                "push: refused (address-unverified): the domain of SKOLSYNK_URL is not verified "
                "for the Cloud project; runs go on by the schedule",
                "push: Google is asked again at 1970-01-02 00:00 UTC, or when the tenant is saved",
            ],
        ),
    ],
)
def test_every_line_about_notifications_begins_alike(push, lines):
    found = TenantStatus("C0", None, (), (), push=push)
    assert output.status(found).splitlines()[3:] == lines
