"""The vendors that something has been delivered to: from them a change can take people away."""

from addon.sync.context import ledger_key
from addon.tenants.model import Connection
from addon.web.request_context import Here


def delivered(here: Here) -> tuple[Connection, ...]:
    """The connections that are on and whose vendor has something, by the ledger of their mode."""
    kept = {key for key, _n, _refused in here.store.ledgers(here.tenant_id)}
    return tuple(c for c in here.tenant.connections if ledger_key(here.tenant_id, c) in kept)
