"""The one way to change a tenant's document: compare and swap, with an entry in the audit log."""

from collections.abc import Callable

from msgspec import Struct

from addon.store.base import StoreError, TenantStore
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry
from addon.tenants.diff import Changed

ATTEMPTS = 5
"""How often a change is made again because others change the document at the same time."""


class TenantEdit(Struct, frozen=True):
    """What a document becomes, and the places in which that differs from what it was."""

    document: bytes
    changes: tuple[Changed, ...] = ()


def update_tenant(
    store: TenantStore,
    tenant_id: str,
    change: Callable[[bytes | None], TenantEdit | None],
    *,
    actor: str,
    action: str,
    subject: str = "",
    clock: Callable[[], float],
) -> bool:
    """Replace the document by what `change` makes of it, and log who did it: both or neither.

    `change` is given the document as it is stored, None where there is none, and called again
    where another has replaced it meanwhile; what it raises passes through, with nothing changed.
    False when it gives None: there is nothing to change. `actor` is an e-mail address or "command
    line", `action` a code and `subject` what it was done to, as in `AuditEntry`. Raises
    StoreError, also when others change the document all the time.
    """
    for _ in range(ATTEMPTS):
        stored = store.tenant(tenant_id)
        edit = change(stored)
        if edit is None:
            return False
        now = clock()
        entry = AuditEntry(new_entry_id(now), now, actor, action, subject, edit.changes)
        if store.replace_tenant(tenant_id, edit.document, stored, entry):
            return True
    raise StoreError(f"the document of {tenant_id} is changed by others again and again")
