"""Write to a customer's administrators and to the operator when the customer has left.

Each is written to once when the farewell begins, and the operator once more when what vendors
have waits for their confirmation. A message that could not be sent is tried again.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import Struct

from addon.notifications.mailer import Mailer, MailError
from addon.notifications.message import render_message
from addon.store.records import Namespace
from addon.sync.context import SyncContext
from addon.tenants.licence import DAY, LicenceRecord
from addon.tenants.model import Tenant
from addon.vendors.profiles import vendor_name

log = logging.getLogger(__name__)

Reader = Literal["administrators", "operator"]
Stage = Literal["left", "waiting"]
KEPT = 400 * DAY
"""Seconds until the record of a sent message expires; no farewell lasts longer."""
SUBJECTS = {
    "left": "{organisation} har avinstallerat Skolsynk",
    "waiting": "{organisation}: borttagningen hos leverantörerna väntar på er",
}


class PeopleAtVendor(Struct, frozen=True):
    """How many people of the customer a vendor has; `id` is the vendor's in the profiles."""

    id: str
    name: str
    mode: str
    people: int


def tell_of_farewell(
    context: SyncContext, mail: Mailer, tenant: Tenant, record: LicenceRecord
) -> int:
    """Send what is not sent yet of this farewell; return how many messages were sent.

    Raises StoreError. A message that could not be sent is logged.
    """
    if not record.farewell:
        return 0
    over = record.days_are_over(context.clock(), context.settings.farewell_days)
    sent = 0
    for reader, to in _readers(context, tenant).items():
        stage: Stage = "waiting" if over and reader == "operator" else "left"
        if to and not _is_told(context, tenant, record, reader, stage):
            sent += _send(context, mail, tenant, record, reader, stage, to)
    return sent


def farewell_address(context: SyncContext, tenant_id: str, record: LicenceRecord) -> str | None:
    """Return the address where administrators say that all is to be removed, if it is known."""
    url = context.settings.web.url
    return None if url is None or not record.token else f"{url}/avsked/{tenant_id}.{record.token}"


def people_at_vendors(context: SyncContext, tenant_id: str) -> list[PeopleAtVendor]:
    """Return what vendors have of the tenant by the ledgers, in both modes. Raises StoreError."""
    store, vendors = context.store, context.settings.vendors
    return [
        PeopleAtVendor(
            key.vendor, vendor_name(vendors, key.vendor), key.mode, store.ledger(key).people()
        )
        for key, count, _ in store.ledgers(tenant_id)
        if count
    ]


def date_of(at: float) -> str:
    """Return a day as both languages write it: 2026-12-26."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _readers(context: SyncContext, tenant: Tenant) -> dict[Reader, Sequence[str]]:
    """Return the addresses of each reader; administrators are those whom the document names."""
    named = tenant.notices.email or tenant.administrators
    if not named and tenant.delegated_admin:
        named = (tenant.delegated_admin,)
    contact = context.settings.web.contact
    return {"administrators": named, "operator": () if contact is None else (contact,)}


def _send(
    context: SyncContext,
    mail: Mailer,
    tenant: Tenant,
    record: LicenceRecord,
    reader: Reader,
    stage: Stage,
    to: Sequence[str],
) -> bool:
    organisation = tenant.organisation.name
    link = farewell_address(context, tenant.customer_id, record)
    message = render_message(
        to,
        SUBJECTS[stage].format(organisation=organisation),
        "farewell",
        organisation=organisation,
        tenant=tenant.customer_id,
        stage=stage,
        reader=reader,
        there=people_at_vendors(context, tenant.customer_id),
        ends=date_of(record.farewell + context.settings.farewell_days * DAY),
        link=link if reader == "administrators" else None,
        contact=context.settings.web.contact,
    )
    try:
        mail.send(message)
    except MailError as error:
        log.warning("a message of a farewell was not sent, and is tried again: %s", error)
        return False
    _remember(context, tenant, record, reader, stage)
    return True


def _is_told(
    context: SyncContext, tenant: Tenant, record: LicenceRecord, reader: Reader, stage: Stage
) -> bool:
    namespace = Namespace("notices", tenant.customer_id)
    item = context.store.get(namespace, f"farewell.{reader}.{stage}", context.clock())
    return item is not None and msgspec.json.decode(item.data, type=float) == record.farewell


def _remember(
    context: SyncContext, tenant: Tenant, record: LicenceRecord, reader: Reader, stage: Stage
) -> None:
    now, data = context.clock(), msgspec.json.encode(record.farewell)
    namespace = Namespace("notices", tenant.customer_id)
    context.store.put(namespace, f"farewell.{reader}.{stage}", data, now, now + KEPT)
