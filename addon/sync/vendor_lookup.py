"""Query a vendor for what it has about one person, to answer that person's request."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import msgspec
from msgspec import Struct

from addon.delivery.throttle import DeliveryStopped, RetryPolicy, Throttle
from addon.delivery.transport import RetriesExhausted, Transport
from addon.planning.ledger import Ledger
from addon.planning.protected_set import unit_codes
from addon.ss12000.ids import Ids
from addon.ss12000.resources import ResourceType
from addon.sync.context import SyncContext, ledger_key, load_tenant_or_raise, resolve_target
from addon.sync.protected_set import load_protection
from addon.vendors.profiles import NotConfigured, Target, Vendor

WITHIN = 10.0
"""Seconds for all queries about a person."""
QUICK_RETRIES = RetryPolicy(first_wait=0.2, longest_wait=0.5, longest_pause=2.0)
GONE = (404, 410)


class VendorResource(Struct, frozen=True):
    """A resource that the vendor acknowledged, or may have.

    `body` is its JSON as the vendor returned it; None if the vendor does not have it or did not
    answer. In the second case `problem` says why: an HTTP status, or a few words in English.
    `of_another` is whether it answered about something else than was asked for; that is not kept.
    """

    resource_type: ResourceType
    external_id: str
    acknowledged: bool
    body: str | None = None
    problem: str | None = None
    of_another: bool = False


def lookup_person(
    context: SyncContext, tenant_id: str, vendor: str, user_id: str
) -> list[VendorResource]:
    """Return the person's account and employments at the vendor.

    A failure at the vendor becomes the resource's `problem`. Raises NotFoundError and StoreError.
    """
    tenant = load_tenant_or_raise(context.store, tenant_id)
    connection = tenant.connection(vendor)
    key = None if connection is None else ledger_key(tenant_id, connection)
    if connection is None or key is None:
        return []
    units = unit_codes(tenant, load_protection(context.store, tenant_id))
    held = _acknowledged(Ids(tenant_id).of_person(user_id, units), context.store.ledger(key))
    target = resolve_target(context.settings, connection, context.secrets)
    if isinstance(target, NotConfigured):
        return [_with_problem(each, str(target)) for each, _ in held]
    return asyncio.run(_ask(context.settings.vendors[vendor], target, held))


Asked = list[tuple[VendorResource, str]]
"""Resources, each with the vendor's id, which is empty if the vendor returned none."""


def _acknowledged(ids: Iterable[str], ledger: Ledger) -> Asked:
    """Return which of a person's resources, of which the account is first, are in the ledger."""
    account, *employments = ids
    wanted: list[tuple[ResourceType, str]] = [("User", account)]
    wanted += [("Employment", each) for each in employments]
    found = []
    for resource_type, external_id in wanted:
        entry = ledger.entries[resource_type].get(external_id)
        if entry is not None:
            resource = VendorResource(resource_type, external_id, not entry.is_pending)
            found.append((resource, entry.vendor_id))
    return found


async def _ask(vendor: Vendor, target: Target, held: Asked) -> list[VendorResource]:
    throttle = Throttle(vendor.requests_per_second, QUICK_RETRIES, time.monotonic() + WITHIN)
    async with Transport(target, vendor.concurrency, throttle, QUICK_RETRIES) as transport:
        asking = (asyncio.wait_for(_one(transport, *each), WITHIN) for each in held)
        answers = await asyncio.gather(*asking, return_exceptions=True)
    return [
        answer if isinstance(answer, VendorResource) else _with_problem(each, "no answer in time")
        for answer, (each, _) in zip(answers, held, strict=True)
    ]


async def _one(transport: Transport, resource: VendorResource, vendor_id: str) -> VendorResource:
    """Return the resource as the vendor has it, by the vendor's id or, without one, by ours."""
    asked_id = vendor_id or resource.external_id
    try:
        found = None if vendor_id else await _by_filter(transport, resource)
        if found is not None:
            return found
        answer = await transport.send("GET", resource.resource_type, asked_id)
    except (RetriesExhausted, DeliveryStopped) as error:
        return _with_problem(resource, str(error))
    if answer.status in GONE:
        return resource
    if not answer.done or answer.cut:
        return _with_problem(resource, f"HTTP {answer.status}")
    try:
        about = msgspec.json.decode(answer.body, type=dict[str, object])
        if not _is_about(about, resource.external_id, asked_id):
            return msgspec.structs.replace(
                resource, problem="the answer is about another resource", of_another=True
            )
        return msgspec.structs.replace(resource, body=answer.body.decode())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _with_problem(resource, "the answer is not a JSON object")


def _is_about(body: Mapping[str, object], external_id: str, asked_id: str) -> bool:
    """Whether a resource is the one that was asked for: by our id or else by the vendor's."""
    ours = body.get("externalId")
    return body.get("id") == asked_id if ours is None else ours == external_id


class _Listed(Struct):
    resources: list[msgspec.Raw] = msgspec.field(name="Resources", default_factory=list)


class _Named(Struct, rename="camel"):
    external_id: str = ""


async def _by_filter(transport: Transport, resource: VendorResource) -> VendorResource | None:
    """Return the resource as the vendor has it, or None if a filter does not find it."""
    query = "?filter=" + quote(f'externalId eq "{resource.external_id}"', safe="")
    answer = await transport.send("GET", resource.resource_type, query=query)
    if not answer.done or answer.cut:
        return None
    try:
        for raw in msgspec.json.decode(answer.body, type=_Listed).resources:
            if msgspec.json.decode(raw, type=_Named).external_id == resource.external_id:
                return msgspec.structs.replace(resource, body=bytes(raw).decode())
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    return None


def _with_problem(resource: VendorResource, problem: str) -> VendorResource:
    return msgspec.structs.replace(resource, problem=problem)
