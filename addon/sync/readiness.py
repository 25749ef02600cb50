"""Which connections of a run can be delivered to; of the others, what there is to say at once."""

from collections.abc import Sequence

from msgspec import Struct

from addon.planning.ledger import Key
from addon.sync.context import Rooms, ledger_key, target_of
from addon.sync.outcome import failed, idle
from addon.sync.report import ConnectionReport
from addon.tenants.model import Connection
from addon.vendors.profiles import NotConfigured, Target


class Ready(Struct, frozen=True):
    """A connection that can be delivered to: whose ledger it writes, and where it sends to."""

    connection: Connection
    key: Key
    target: Target


def readiness(rooms: Rooms, tenant_id: str, connection: Connection) -> Ready | ConnectionReport:
    """The connection ready to be delivered to, or its report: it is off, or not set up."""
    key = ledger_key(tenant_id, connection)
    if key is None:
        return idle(connection)
    target = target_of(rooms.settings, connection, rooms.secrets)
    if isinstance(target, NotConfigured):
        return failed(connection, str(target), configuration=True)
    return Ready(connection, key, target)


def those_ready(parts: Sequence[Ready | ConnectionReport]) -> list[Ready]:
    """Those that can be delivered to."""
    return [part for part in parts if isinstance(part, Ready)]
