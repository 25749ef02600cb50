"""Writes the tenant's access log: who signed in, who looked at whom, who took out a file.

An access is written before anything is shown, and costs one write and no read.
"""

from typing import Literal

from addon.store.ids import new_entry_id
from addon.store.records import AccessEntry
from addon.web.request_context import request_context
from addon.web.services import Services

SignInAccess = Literal[
    "sign-in", "sign-in.limited", "sign-in.refused", "sign-out", "sign-out.everywhere"
]
Access = Literal[
    "person.page",
    "person.excerpt",
    "person.preview",
    "person.exceptions",
    "person.sent",
    "vendor.asked",
    "people.csv",
    "data-quality.csv",
    "data-quality.letter",
    "access.csv",
    "document.json",
    "protected.page",
]


def record_access(what: Access, subject: str = "", vendor: str = "") -> None:
    """Log what the signed-in administrator is about to see. Raises StoreError.

    `subject` is the id of the account that is looked at, `vendor` the vendor that is asked.
    """
    ctx = request_context()
    _append(ctx.services, ctx.tenant_id, ctx.admin.sub, what, subject, vendor)


def record_sign_in(services: Services, tenant: str, who: str, what: SignInAccess) -> None:
    """Log that the account signed in or out of the tenant, or was refused. Raises StoreError."""
    _append(services, tenant, who, what)


def _append(
    services: Services, tenant: str, who: str, what: str, subject: str = "", vendor: str = ""
) -> None:
    at = services.clock()
    entry = AccessEntry(new_entry_id(at), at, who, what, subject, vendor)
    services.store().append_access(tenant, entry)
