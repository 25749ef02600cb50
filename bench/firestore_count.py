"""Counts a Firestore client's operations at Google's API, independent of the store's own meter."""

import threading
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from addon.store.firestore.store import FirestoreStore


class Count(Struct):
    """Documents read, written and deleted as Google bills them, and the number of calls.

    `largest_commit` and `largest_document` are in bytes. `what` has a line for each document: the
    operation, and its path below the tenant.
    """

    reads: int = 0
    writes: int = 0
    deletes: int = 0
    calls: int = 0
    largest_commit: int = 0
    largest_document: int = 0
    what: list[str] = field(default_factory=list)


class Counted:
    """Wraps a client's API; `take` returns what was counted since the last call."""

    def __init__(self, store: FirestoreStore) -> None:
        self._api = store._client._firestore_api
        store._client._firestore_api_internal = self
        self._lock = threading.Lock()
        self._count = Count()

    def take(self) -> Count:
        """Return what was counted, and reset the counts."""
        with self._lock:
            taken, self._count = self._count, Count()
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def commit(self, request: dict[str, Any], **more: Any) -> Any:
        writes = [type(write).pb(write) for write in request["writes"]]
        sizes = [write.ByteSize() for write in writes]
        gone = sum(1 for write in writes if write.delete)
        answer = self._api.commit(request=request, **more)
        with self._lock:
            count = self._count
            count.calls += 1
            count.writes += len(writes) - gone
            count.deletes += gone
            count.largest_commit = max(count.largest_commit, sum(sizes))
            count.largest_document = max(count.largest_document, *sizes, 0)
            for write in writes:
                verb = "delete" if write.delete else "write"
                count.what.append(f"{verb} {_below(write.delete or write.update.name)}")
        return answer

    def batch_get_documents(self, **more: Any) -> Iterator[Any]:
        """Count a read for each document requested, whether it exists or not."""
        self._add(calls=1)
        for answer in self._api.batch_get_documents(**more):
            if "found" in answer or "missing" in answer:
                self._add(reads=1, what=answer.missing or answer.found.name)
            yield answer

    def run_query(self, **more: Any) -> Iterator[Any]:
        """Count a read for each document, and one for an empty result."""
        found = 0
        for answer in self._api.run_query(**more):
            found += "document" in answer
            yield answer
        of = more["request"]["structured_query"].from_[0].collection_id
        self._add(calls=1, reads=max(1, found), what=f"documents/query of {of}: {found}")

    def begin_transaction(self, *arguments: Any, **more: Any) -> Any:
        self._add(calls=1)
        return self._api.begin_transaction(*arguments, **more)

    def _add(self, calls: int = 0, reads: int = 0, what: str = "") -> None:
        with self._lock:
            self._count.calls += calls
            self._count.reads += reads
            if what:
                self._count.what.append(f"read {_below(what)}")


def _below(name: str) -> str:
    """Return a document's path below its tenant, "" for the tenant's own."""
    path = name.partition("/documents/")[2] or name.partition("documents/")[2]
    return "/".join(path.split("/")[2:]) if path.startswith("tenants/") else path
