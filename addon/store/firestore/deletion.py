"""The removal of what is stored of a tenant in Firestore."""

from collections.abc import Set

import msgspec

from addon.store.base import TenantBusyError
from addon.store.firestore.client import Documents, Path
from addon.store.firestore.connection import ConnectionDocument
from addon.store.records import StoredTask


class FirestoreDeletion:
    """The deletions of an `addon.store.base.Store`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def erase_items(self, tenant: str, keep: Set[str]) -> int:
        """Remove the tenant's snapshots, and cached items of other kinds than `keep`."""
        snapshots = self._documents.below(("tenants", tenant, "snapshots"))
        kinds = {path: _kind(path) for path in self._documents.below(_items(tenant))}
        items = [path for path, kind in kinds.items() if kind not in keep]
        self._documents.delete([*snapshots, *items])
        return len(snapshots) + len(items)

    def delete_tenant(self, tenant: str, now: float) -> None:
        """Remove everything of the tenant, its document first, so that no run begins meanwhile.

        What its connections have goes last: they have the leases.
        """
        self._raise_if_busy(tenant, now)
        self._documents.delete([("tenants", tenant)])
        tasks = self._documents.query(("tasks",), fields=["packed"])
        self._documents.delete([each.path for each in tasks if _is_of(each.fields, tenant)])
        below = self._documents.collections_below(("tenants", tenant))
        for name in sorted(below, key=lambda name: name == "connections"):
            self._documents.delete(self._documents.below(("tenants", tenant, name)))

    def _raise_if_busy(self, tenant: str, now: float) -> None:
        """Raise TenantBusyError if a run has the lease of one of the tenant's connections."""
        for found in self._documents.query(("tenants", tenant, "connections"), fields=["ledger"]):
            if not ConnectionDocument.of(found).is_free(now):
                raise TenantBusyError(tenant, found.path[-1])


def _items(tenant: str) -> Path:
    return ("tenants", tenant, "papers")


def _kind(path: Path) -> str:
    """Return the kind of a cached item, by the path of its document or of a part of it."""
    return path[3].partition(".")[0]


def _is_of(fields: dict[str, bytes] | None, tenant: str) -> bool:
    task = msgspec.json.decode((fields or {})["packed"], type=StoredTask)
    return task.payload.get("tenant") == tenant
