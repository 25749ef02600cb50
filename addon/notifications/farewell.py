"""Write to a customer's administrators and to the operator when the customer has left.

Who is written to, and when, is in `addon.sync.farewell_notices`. A message that could not be sent
is tried again; whoever cannot be written to is in the log and in `status`.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from addon.notifications.mailer import Mailer, MailError
from addon.notifications.message import render_message
from addon.sync.context import SyncContext
from addon.sync.farewell_notices import (
    Reader,
    Stage,
    readers_of,
    remember_told,
    stage_for,
    unwritten,
)
from addon.tenants.licence import DAY, LicenceRecord
from addon.tenants.model import Tenant
from addon.vendors.profiles import vendor_name

log = logging.getLogger(__name__)

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
    context: SyncContext, mail: Mailer | None, tenant: Tenant, record: LicenceRecord
) -> int:
    """Send what is not sent yet of this farewell; return how many messages were sent.

    Raises StoreError. A message that could not be sent is logged, and so is who cannot be written
    to, each time.
    """
    settings, now, sent = context.settings, context.clock(), 0
    to = readers_of(settings, tenant)
    for each in unwritten(settings, context.store, tenant, record, now):
        if mail is None or not to[each.reader]:
            log.warning("a customer has left, and %s", each)
        else:
            stage = stage_for(each.reader, record, settings, now)
            sent += _send(context, mail, tenant, record, each.reader, stage, to[each.reader])
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
    remember_told(context.store, tenant.customer_id, record, reader, stage, context.clock())
    return True
