"""What came of one connection, as it stands in a run's report."""

from addon.planning.guard import Hold, counts
from addon.planning.plan import Plan
from addon.planning.result import DeliveryResult
from addon.sync.report import ConnectionReport, HoldReport, Status, nothing_done
from addon.tenants.model import Connection


def planned_report(connection: Connection, plan: Plan, hold: Hold | None) -> ConnectionReport:
    """What the next run would do."""
    return ConnectionReport(
        vendor=connection.vendor,
        mode=connection.mode,
        status="held" if hold else "unchanged" if plan.empty else "delivered",
        operations=counts(plan),
        refused=plan.left_alone,
        hold=_hold_report(hold),
        protected=plan.protected_people if hold else 0,
    )


def delivery_report(
    connection: Connection,
    plan: Plan,
    result: DeliveryResult,
    hold: Hold | None,
    people: int | None = None,
) -> ConnectionReport:
    """What was done, and how many `people` there are now.

    A run whose time was spent has `left` operations for the next.
    """
    status: Status = "unchanged"
    if hold is not None:
        status = "held"
    elif result.failures or (result.stopped is not None and not result.spent):
        status = "failed"
    elif result.left or any(result.operations.values()):
        status = "delivered"
    return ConnectionReport(
        vendor=connection.vendor,
        mode=connection.mode,
        status=status,
        operations=counts(plan) if hold else result.operations,
        failures=result.failures,
        left=result.left,
        refused=plan.left_alone + sum(1 for f in result.failures if f.refused),
        detail=result.stopped,
        hold=_hold_report(hold),
        people=people,
        protected=result.operations["delete"].get("User", 0) if hold else 0,
    )


def _hold_report(hold: Hold | None) -> HoldReport | None:
    return None if hold is None else HoldReport(len(hold.people), hold.reason)


def off_report(connection: Connection) -> ConnectionReport:
    """The report of a connection that is off."""
    return ConnectionReport(connection.vendor, connection.mode, "off", nothing_done())


def failed_report(
    connection: Connection, detail: str, configuration: bool = False
) -> ConnectionReport:
    """The report of a connection of which nothing was tried."""
    return ConnectionReport(
        connection.vendor,
        connection.mode,
        "failed",
        nothing_done(),
        detail=detail,
        configuration=configuration,
    )
