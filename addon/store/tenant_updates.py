"""Change a tenant's document by compare-and-swap, with an entry in the audit log."""

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec
from msgspec import Struct

from addon.store.base import CacheStore, SessionStore, StoreError, TenantStore
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry
from addon.store.unit_claims import claim_units, leave_out, release_units
from addon.tenants.diff import Changed
from addon.tenants.document import UNIT_TAKEN, load_tenant, units_of_others

ATTEMPTS = 5
"""How often a change is tried when others change the document at the same time."""


class DocumentStore(TenantStore, SessionStore, CacheStore, Protocol):
    """A store of documents that also knows the accounts and school units that they list."""


class TenantEdit(Struct, frozen=True):
    """The new document, and its differences from the old one."""

    document: bytes
    changes: tuple[Changed, ...] = ()


def update_tenant(
    store: DocumentStore,
    tenant_id: str,
    change: Callable[[bytes | None], TenantEdit | None],
    *,
    actor: str,
    action: str,
    subject: str = "",
    clock: Callable[[], float],
    own_units: bool = True,
) -> AuditEntry | None:
    """Replace the document by the result of `change`, and add an audit entry: both or neither.

    `change` is called with the stored document, or None if there is none, and called again if
    another has replaced it meanwhile. Its exceptions are not caught; then nothing is changed.
    Return the entry, or None if `change` returns None, because there is nothing to change.
    `actor` is an e-mail address or "command line", `action` a code and `subject` what was changed,
    as in `AuditEntry`. Raises StoreError, also when others keep changing the document, and
    DocumentError when another tenant has one of its new school units; without `own_units` that one
    is left out of what is delivered instead.
    """
    for _ in range(ATTEMPTS):
        stored = store.tenant(tenant_id)
        edit = change(stored)
        if edit is None:
            return None
        now = clock()
        taken = claim_units(store, tenant_id, edit.document, stored, now)
        if taken and own_units:
            raise units_of_others(load_tenant(edit.document), taken, UNIT_TAKEN)
        if taken or stored is None:
            leave_out(store, tenant_id, taken, stored, now)
        entry = AuditEntry(new_entry_id(now), now, actor, action, subject, edit.changes)
        if store.replace_tenant(tenant_id, edit.document, stored, entry):
            if removed := _removed_administrators(edit.changes):
                store.forget_administrators(tenant_id, removed)
            release_units(store, tenant_id, edit.document, stored, now)
            return entry
    raise StoreError(f"the document of {tenant_id} is changed by others again and again")


def _removed_administrators(changes: Iterable[Changed]) -> set[str]:
    """Return the addresses, in lower case, that have left the list of administrators."""
    removed: set[str] = set()
    for change in changes:
        if change.place == "administrators":
            before, after = (
                msgspec.json.decode(value or "[]", type=list[str])
                for value in (change.before, change.after)
            )
            removed |= set(map(str.casefold, before)) - set(map(str.casefold, after))
    return removed
