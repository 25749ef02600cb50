"""Determine which connections of a run can be delivered to, and report the others."""

from collections.abc import Sequence

from msgspec import Struct

from addon.planning.ledger import LedgerKey
from addon.sync.context import SyncContext, ledger_key, resolve_target
from addon.sync.report import ConnectionReport, failed_report, off_report
from addon.tenants.model import Connection
from addon.vendors.profiles import NotConfigured, Target


class ReadyConnection(Struct, frozen=True):
    """A connection that can be delivered to, with the key of its ledger and its target."""

    connection: Connection
    key: LedgerKey
    target: Target


def check_readiness(
    context: SyncContext, tenant_id: str, connection: Connection
) -> ReadyConnection | ConnectionReport:
    """Return the ready connection, or a report if it is off or not configured."""
    key = ledger_key(tenant_id, connection)
    if key is None:
        return off_report(connection)
    target = resolve_target(context.settings, connection, context.secrets)
    if isinstance(target, NotConfigured):
        return failed_report(connection, str(target), configuration=True)
    return ReadyConnection(connection, key, target)


def only_ready(parts: Sequence[ReadyConnection | ConnectionReport]) -> list[ReadyConnection]:
    """Return the connections that can be delivered to."""
    return [part for part in parts if isinstance(part, ReadyConnection)]
