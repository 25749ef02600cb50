"""What the pages of a vendor share: its profile, connection, configuration and people."""

from flask import abort
from msgspec import structs

from addon.sync.context import resolve_target
from addon.tenants.model import Connection, Mode, Tenant
from addon.vendors.profiles import NotConfigured, OptionalField, Vendor
from addon.web.request_context import RequestContext, with_connection


def known_vendor(ctx: RequestContext, vendor: str) -> Vendor:
    """Return the vendor's profile; answer 404 when there is no such vendor."""
    profile = ctx.vendors.get(vendor)
    if profile is None:
        abort(404)
    return profile


def connection_to(tenant: Tenant, vendor: str) -> Connection:
    """Return the tenant's connection to a vendor, or one that is off when there is none yet."""
    return tenant.connection(vendor) or Connection(vendor=vendor)


def with_settings(tenant: Tenant, vendor: str, **values: object) -> Tenant:
    """Return the document with fields of a connection changed; it is added if there was none."""
    if tenant.connection(vendor) is None:
        connections = (*tenant.connections, Connection(vendor=vendor))
        tenant = structs.replace(tenant, connections=connections)
    return with_connection(tenant, vendor, **values)


def recommended(ctx: RequestContext, connection: Connection) -> tuple[OptionalField, ...]:
    """Return the fields that the vendor recommends and that are not sent to it."""
    profile = ctx.vendors[connection.vendor]
    return tuple(each for each in profile.recommended if each not in connection.fields)


def problem_in(ctx: RequestContext, connection: Connection, mode: Mode) -> str | None:
    """Return what must be configured in this installation before the connection can be in a mode.

    None when nothing is missing.
    """
    if mode == "off":
        return None
    context = ctx.sync_context
    target = resolve_target(
        context.settings, structs.replace(connection, mode=mode), context.secrets
    )
    return str(target) if isinstance(target, NotConfigured) else None


def people_there(ctx: RequestContext, vendor: str, besides: Mode | None = None) -> dict[str, int]:
    """Return how many people the vendor has, by mode, according to the ledgers there are.

    The mode `besides` is left out, since a large ledger takes a while to read.
    """
    keys = [key for key, _n, _refused in ctx.store.ledgers(ctx.tenant_id) if key.vendor == vendor]
    return {
        k.mode: ctx.store.connection_state(k).ledger.people() for k in keys if k.mode != besides
    }
