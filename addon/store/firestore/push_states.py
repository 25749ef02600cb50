"""Channels of notifications and marks, in Firestore: one document a tenant, compared and swapped.

The tenant's own document says when the channels are due, so that one query finds all tenants whose
channels must be looked at.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from addon.directory.push_state import PushState
from addon.store.firestore.client import (
    ATTEMPTS,
    Documents,
    DocumentWrite,
    FoundDocument,
    Path,
    PreconditionFailed,
)

DUE = "push_due"
NOTHING_KEPT: dict[str, Any] = {DUE: 0.0}
"""The fields of a tenant's document that has just been saved."""


class FirestorePush:
    """The notifications of all tenants. See `addon.store.base.PushStore`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, tenant: str) -> PushState | None:
        """Return the tenant's state, or None."""
        return _unpacked(self._documents.get(_path(tenant)))

    def update(
        self, tenant: str, change: Callable[[PushState | None], PushState | None]
    ) -> PushState | None:
        """Replace the state by the result of `change`, unless it stays the same; return it."""
        recalled = self._documents.recall(_path(tenant))
        for _ in range(ATTEMPTS + 1):
            seen, recalled = recalled, None
            found = seen or self._documents.get(_path(tenant))
            known = _unpacked(found)
            after = change(known)
            if after is None or after == known:
                if seen is not None:
                    continue  # nothing is written, so that it must be seen as it is now
                return after
            packed = msgspec.msgpack.encode(after)
            writes = [DocumentWrite(_path(tenant), {"packed": packed}, known=found)]
            if known is None or (after.due, after.looked) != (known.due, known.looked):
                writes.append(DocumentWrite(("tenants", tenant), {DUE: after.due}, exists=True))
            try:
                self._documents.commit(writes)
            except PreconditionFailed:
                if self._documents.get(("tenants", tenant)).fields is None:
                    return after
            else:
                return after
        raise PreconditionFailed(f"others change the marks of {tenant} again and again")

    def due(self, now: float) -> list[str]:
        """Return the tenants whose channels are due."""
        found = self._documents.query(("tenants",), where=[(DUE, "<=", now)], fields=[DUE])
        return sorted(each.path[-1] for each in found)


def _path(tenant: str) -> Path:
    return ("tenants", tenant, "push", "state")


def _unpacked(found: FoundDocument) -> PushState | None:
    if found.fields is None:
        return None
    return msgspec.msgpack.decode(found.fields["packed"], type=PushState)
