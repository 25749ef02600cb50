"""What a run says of itself is the contract of `sync --json`, and ends with the right status."""

import json

import pytest
from msgspec import structs

from addon.planning.ledger import Ledger
from addon.planning.plan import make_plan
from addon.planning.result import DeliveryResult, FailedOperation
from addon.roster.findings import finding
from addon.roster.model import Enrolment, Person, Roster, StudentGroup
from addon.sync.report import (
    DONE,
    FAILED,
    HELD,
    UNREAD,
    USAGE,
    ConnectionReport,
    DirectoryCounts,
    FindingReport,
    HoldReport,
    RosterCounts,
    RunReport,
    delivery_report,
    finding_reports,
    nothing_done,
    roster_counts,
)
from addon.tenants.model import Connection


def part(status="delivered", **more) -> ConnectionReport:
    return ConnectionReport("v", "live", status, nothing_done(), **more)


def run(*parts: ConnectionReport) -> RunReport:
    return RunReport("C0", "r", None, None, (), parts)


def test_the_json_has_the_names_of_the_contract():
    report = RunReport(
        "C0",
        "20260301T120000Z-abcdef",
        DirectoryCounts(users=3, groups=2, org_units=1, queries=9),
        RosterCounts(students=2, staff=1, classes=1, teaching_groups=0),
        (FindingReport("missing-family-name", "error", "117", "The account ..."),),
        (
            part(
                "failed",
                failures=(FailedOperation("create", "User", "e1", 422, "no", refused=True),),
                hold=HoldReport(4, "4 people"),
            ),
        ),
    )
    told = json.loads(report.json())
    assert told["directory"] == {"users": 3, "groups": 2, "orgUnits": 1, "queries": 9}
    assert told["roster"] == {"students": 2, "staff": 1, "classes": 1, "teachingGroups": 0}
    assert set(told["findings"][0]) == {"code", "severity", "subject", "message"}
    (connection,) = told["connections"]
    assert connection["operations"] == {"create": {}, "update": {}, "delete": {}}
    assert connection["failures"][0] == {
        "operation": "create",
        "resourceType": "User",
        "externalId": "e1",
        "httpStatus": 422,
        "detail": "no",
        "refused": True,
    }
    assert connection["hold"] == {"people": 4, "reason": "4 people"}


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([], DONE),
        ([part("off")], DONE),
        ([part("unchanged"), part("delivered")], DONE),
        ([part("delivered", left=1)], FAILED),
        ([part("delivered"), part("failed")], FAILED),
        ([part("failed"), part("failed", configuration=True)], USAGE),
        ([part("failed"), part("held")], HELD),
        ([part("failed", configuration=True), part("held")], HELD),
    ],
)
def test_the_exit_status_is_the_most_pressing_outcome(parts, status):
    assert run(*parts).exit_status == status


def test_the_exit_statuses_are_the_contracts():
    assert (DONE, FAILED, USAGE, HELD, UNREAD) == (0, 1, 2, 3, 4)


def test_the_roster_is_counted_by_what_people_are_sent_as():
    pupil = Person("1", "a@b", "A", "B", (Enrolment("12345678", 7),), ())
    teacher = structs.replace(pupil, id="2", enrolments=(), employments=("12345678",))
    group = StudentGroup(
        unit="12345678", kind="class", source="group", source_id="g", name="7A", students=("1",)
    )
    groups = (group, structs.replace(group, kind="teaching"))
    roster = Roster({"1": pupil, "2": teacher}, groups, (), {}, frozenset())
    assert roster_counts(roster) == RosterCounts(1, 1, 1, 1)


def test_findings_stand_as_they_are():
    found = finding("missing-family-name", "117")
    (told,) = finding_reports((found,))
    assert (told.code, told.severity, told.subject) == ("missing-family-name", "error", "117")
    assert told.message == found.message


def test_what_cannot_be_known_is_said_also_when_the_delivery_stopped():
    connection = Connection(vendor="v", mode="live")
    result = DeliveryResult(nothing_done(), (), stopped="it broke", limitation="it cannot tell")
    report = delivery_report(connection, make_plan((), Ledger(), 0.0), result, None)
    assert report.detail == "it broke; it cannot tell"
