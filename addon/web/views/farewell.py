"""The page of a farewell: a customer who has left says that vendors are to have nothing of them.

Nobody can sign in when the app is uninstalled, since Google is not to be asked. The proof is the
link in the message that administrators got; it leads to numbers only, and to one wish, which the
operator confirms.
"""

import logging
import secrets

from flask import Blueprint, abort, redirect, render_template, url_for
from msgspec import structs
from werkzeug.wrappers import Response as AnyResponse

from addon.notifications.farewell import date_of, people_at_vendors
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry
from addon.sync.context import load_tenant_with_licence
from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import request_run
from addon.tenants.licence import DAY, LicenceRecord
from addon.tenants.model import Tenant
from addon.web.services import current_services

log = logging.getLogger(__name__)

LINK = "link"
"""The actor in the audit log of what was said by the link in a message."""

bp = Blueprint("farewell", __name__)


@bp.get("/avsked/<code>")
def page(code: str) -> str:
    """Show what vendors still have of the customer, and what becomes of it."""
    tenant, record = _left(code)
    services = current_services()
    return render_template(
        "farewell/page.html",
        code=code,
        organisation=tenant.organisation.name,
        there=people_at_vendors(services.sync_context(), tenant.customer_id),
        ends=date_of(record.farewell + services.settings.farewell_days * DAY),
        wanted=date_of(record.wanted) if record.wanted else None,
    )


@bp.post("/avsked/<code>")
def save(code: str) -> AnyResponse:
    """Note that everything at vendors is to be removed, and have that prepared."""
    tenant, record = _left(code)
    services, tenant_id = current_services(), tenant.customer_id
    now = services.clock()
    if not record.wanted:

        def want(known: LicenceRecord) -> LicenceRecord:
            return structs.replace(known, wanted=now) if known.farewell else known

        services.store().update_licence(tenant_id, want)
        entry = AuditEntry(new_entry_id(now), now, LINK, "farewell.wanted")
        services.store().append_audit(tenant_id, entry)
        try:
            request_run(services.queue(), tenant_id, now, "farewell")
        except TaskQueueError as error:  # the next scheduled run prepares it
            log.warning("a run was not enqueued: %s", error, extra={"tenant": tenant_id})
    return redirect(url_for("farewell.page", code=code))


def _left(code: str) -> tuple[Tenant, LicenceRecord]:
    """Return the customer whose link this is; every other address is not found, all alike."""
    tenant_id, _, token = code.rpartition(".")
    store = current_services().store()
    record = store.licence(tenant_id) if tenant_id and token else LicenceRecord()
    same = secrets.compare_digest(record.token.encode(), token.encode())
    if not record.farewell or not record.token or not same:
        abort(404)
    tenant, record = load_tenant_with_licence(store, tenant_id)
    return tenant, record
