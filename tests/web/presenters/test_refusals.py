"""Refusals without a message from the vendor are recognised by a code, not by their text."""

from addon.planning.result import FailedOperation, VendorProblem
from addon.sync.report import ConnectionReport
from addon.web.presenters.connection_status import FinishedReport
from addon.web.presenters.refusals import RefusedResource, _conflicts

SAID = FailedOperation("create", "User", "a", 409, "userName is in use")
SILENT = FailedOperation(
    "create", "User", "b", 409, "the vendor answered 409", problem=VendorProblem("status", 409)
)


def test_a_refusal_without_a_message_differs_from_one_with():
    assert RefusedResource("User", "a", "create", 400, "", 1.0, None).wordless
    assert not RefusedResource("User", "a", "create", 400, "invalid", 1.0, None).wordless


def test_a_conflict_without_a_message_has_none_on_the_page():
    last = FinishedReport(ConnectionReport("all", "live", "failed", failures=(SAID, SILENT)), 1.0)
    assert [each.detail for each in _conflicts(last, {})] == ["userName is in use", ""]
