"""The vendors that something has been delivered to: from them a change can take people away."""

from addon.sync.context import ledger_key
from addon.tenants.model import Connection
from addon.web.request_context import RequestContext


def delivered(ctx: RequestContext) -> tuple[Connection, ...]:
    """The connections that are on and whose vendor has something, by the ledger of their mode."""
    kept = {key for key, _n, _refused in ctx.store.ledgers(ctx.tenant_id)}
    return tuple(c for c in ctx.tenant.connections if ledger_key(ctx.tenant_id, c) in kept)
