"""Sessions of administrators in Firestore: one document each, below the tenant's.

Which accounts the addresses in the document's list belong to is in the tenant's own document, which
authentication reads anyway.
"""

from collections.abc import Callable, Mapping, Set
from datetime import UTC, datetime

import msgspec

from addon.store.base import SESSION_KEPT
from addon.store.firestore.client import (
    Documents,
    DocumentWrite,
    Fields,
    FoundDocument,
    Path,
    PreconditionFailed,
)
from addon.store.firestore.licences import unpacked_licence
from addon.store.records import AuthenticationRecord, SessionRecord

ACCOUNTS = "administrators"
"""The field of a tenant's document with the accounts."""


class FirestoreSessions:
    """The sessions of all tenants. See `addon.store.base.SessionStore`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def authentication(self, tenant: str, session_id: str) -> AuthenticationRecord:
        """Return what authentication needs, read in one call."""
        paths: list[Path] = [("tenants", tenant)]
        if session_id:
            paths.append(_path(tenant, session_id))
        found, *session = self._documents.get_all(paths)
        packed = next((each.fields["packed"] for each in session if each.fields), None)
        return AuthenticationRecord(
            document=None if found.fields is None else bytes(found.fields["document"]),
            licence=unpacked_licence(found),
            accounts=_accounts(found),
            session=None if packed is None else msgspec.json.decode(packed, type=SessionRecord),
        )

    def save(self, tenant: str, session: SessionRecord) -> None:
        """Save a new session."""
        self._documents.write([DocumentWrite(_path(tenant, session.id), _fields(session))])

    def update(self, tenant: str, session: SessionRecord) -> bool:
        """Replace a session unless it has been ended; return whether it was replaced."""
        path, fields = _path(tenant, session.id), _fields(session)
        try:
            self._documents.commit([DocumentWrite(path, fields, exists=True)])
        except PreconditionFailed:
            return False
        return True

    def end(self, tenant: str, session_id: str) -> None:
        """Remove a session if it exists."""
        self._documents.delete([_path(tenant, session_id)])

    def end_all(self, tenant: str, sub: str | None) -> int:
        """Remove the sessions of one account, or of all; return how many."""
        found = self._documents.query(
            ("tenants", tenant, "sessions"),
            where=[] if sub is None else [("sub", "==", sub)],
            fields=["sub"],
        )
        self._documents.delete([each.path for each in found])
        return len(found)

    def bind(self, tenant: str, address: str, sub: str) -> None:
        """Save the account of a listed address, if none is saved."""
        self._change_accounts(tenant, lambda known: {address: sub, **known})

    def forget(self, tenant: str, addresses: Set[str]) -> None:
        """Remove the accounts of addresses that are no longer listed."""
        self._change_accounts(
            tenant, lambda known: {a: sub for a, sub in known.items() if a not in addresses}
        )

    def _change_accounts(
        self, tenant: str, change: Callable[[Mapping[str, str]], dict[str, str]]
    ) -> None:
        def replace(found: FoundDocument) -> tuple[None, Fields | None]:
            known = _accounts(found)
            after = change(known)
            kept = found.fields is None or after == known  # a deleted tenant gets no document
            return None, None if kept else {ACCOUNTS: msgspec.json.encode(after)}

        self._documents.change(("tenants", tenant), replace)


def _path(tenant: str, session_id: str) -> Path:
    return ("tenants", tenant, "sessions", session_id)


def _fields(session: SessionRecord) -> Fields:
    return {
        "sub": session.sub,
        "packed": msgspec.json.encode(session),
        "expires": datetime.fromtimestamp(session.signed_in + SESSION_KEPT, UTC),
    }


def _accounts(found: FoundDocument) -> dict[str, str]:
    packed = (found.fields or {}).get(ACCOUNTS)
    return {} if packed is None else msgspec.json.decode(packed, type=dict[str, str])
