"""The production store: Firestore in native mode, with all data of a tenant below its document.

`tenants/{customerId}` has the tenant document and what is known of the licence, and below it are
`connections/{vendor}.{mode}` with `shards`, `journal` and `holds`, `protected` (who is), `push`
(channels and marks), `sessions`, `runs`, `history` (what they did), `snapshots`, `papers` (cached
items), `log` (the audit log) and `access` (the access log).
Outside of tenants there are shared cached items (`papers`) and the `tasks` of a local queue,
without personal data.
"""

import random
import time
from collections.abc import Callable, Sequence, Set
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from addon.directory.push_state import PushState
from addon.planning.history import DeliveryHistory
from addon.planning.ledger import Ledger, LedgerChange, LedgerKey, check_keys
from addon.planning.limits import Approval, Hold
from addon.planning.protected_set import ProtectedSet
from addon.planning.recent_removals import RecentRemovals
from addon.store.base import StoreError
from addon.store.firestore.cache import FirestoreCache
from addon.store.firestore.client import (
    ATTEMPTS,
    Documents,
    DocumentWrite,
    FoundDocument,
    Meter,
    PreconditionFailed,
)
from addon.store.firestore.connection import connection_path
from addon.store.firestore.deletion import FirestoreDeletion
from addon.store.firestore.history import FirestoreHistory
from addon.store.firestore.holds import FirestoreHolds
from addon.store.firestore.ledgers import Ledgers
from addon.store.firestore.licences import FirestoreLicences
from addon.store.firestore.logs import EntryLog
from addon.store.firestore.protected_sets import FirestoreProtected
from addon.store.firestore.push_states import NOTHING_KEPT, FirestorePush
from addon.store.firestore.runs import FirestoreRuns
from addon.store.firestore.sessions import FirestoreSessions
from addon.store.firestore.snapshots import Snapshots
from addon.store.process_identity import process_holder
from addon.store.records import (
    AccessEntry,
    AuditEntry,
    AuthenticationRecord,
    CachedItem,
    ConnectionState,
    Namespace,
    RunRecord,
    SessionRecord,
    StoredTask,
)
from addon.tenants.licence import LicenceRecord

BUSY_SECONDS = 30.0


class FirestoreStore:
    """A `Store` in a Firestore database. See `addon.store.base.Store`."""

    batch_growth = 0.1

    def __init__(self, project: str, database: str = "(default)", emulator: str | None = None):
        credentials = AnonymousCredentials() if emulator else None  # type: ignore[no-untyped-call]
        try:
            client = firestore.Client(project=project, database=database, credentials=credentials)
        except Exception as error:
            raise StoreError(
                f"Firestore project {project} cannot be used ({type(error).__name__}): on Google "
                "Cloud the service account needs the role Cloud Datastore User; elsewhere run "
                "`gcloud auth application-default login`."
            ) from None
        self._client = client
        self.meter = Meter()
        self._documents = Documents(client, self.meter)
        self._ledgers = Ledgers(self._documents, f"{project}/{database}")
        self._log = EntryLog(self._documents, "log", AuditEntry)
        self._accesses = EntryLog(self._documents, "access", AccessEntry)
        self._cache = FirestoreCache(self._documents)
        self._protected = FirestoreProtected(self._documents)
        self._push = FirestorePush(self._documents)
        self._runs = FirestoreRuns(self._documents)
        self._history = FirestoreHistory(self._documents)
        self._holds = FirestoreHolds(self._documents)
        self._licences = FirestoreLicences(self._documents)
        self._sessions = FirestoreSessions(self._documents)
        self._deletion = FirestoreDeletion(self._documents)
        self._snapshots = Snapshots(self._documents)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def cost(self) -> tuple[int, int]:
        return self.meter.reads, self.meter.writes

    # Tenants

    def save_tenant(self, customer_id: str, document: bytes) -> None:
        fields = {"document": document, "changed": datetime.now(UTC), **NOTHING_KEPT}
        self._documents.write([DocumentWrite(("tenants", customer_id), fields, merge=True)])

    def tenant(self, customer_id: str) -> bytes | None:
        return self.tenant_and_licence(customer_id)[0]

    def tenants(self) -> list[str]:
        return sorted(f.path[-1] for f in self._documents.query(("tenants",), fields=["changed"]))

    def replace_tenant(
        self, customer_id: str, document: bytes, was: bytes | None, entry: AuditEntry | None = None
    ) -> bool:
        path, change = ("tenants", customer_id), uuid4().hex
        fields = {
            "document": document,
            "changed": datetime.now(UTC),
            "change": change,
            **NOTHING_KEPT,
        }
        for _ in range(ATTEMPTS):
            found = self._documents.get(path)
            there = found.fields or {}
            if there.get("change") == change:
                return True  # the commit succeeded although it seemed to fail
            if there.get("document") != was:
                return False
            tenant = DocumentWrite(path, fields, known=found)
            try:
                self._documents.commit(
                    [tenant] if entry is None else [tenant, self._log.new(customer_id, entry)]
                )
            except PreconditionFailed:
                if entry is not None and self._log.check(customer_id, entry):
                    return True
            else:
                return True
        raise PreconditionFailed(f"others change the document of {customer_id} again and again")

    # Protected people

    def protected_set(self, tenant: str) -> ProtectedSet | None:
        return self._protected.get(tenant)

    def update_protected_set(
        self, tenant: str, change: Callable[[ProtectedSet | None], ProtectedSet]
    ) -> ProtectedSet:
        return self._protected.update(tenant, change)

    # Sessions

    def authentication(self, tenant: str, session_id: str = "") -> AuthenticationRecord:
        return self._sessions.authentication(tenant, session_id)

    def save_session(self, tenant: str, session: SessionRecord) -> None:
        self._sessions.save(tenant, session)

    def update_session(self, tenant: str, session: SessionRecord) -> bool:
        return self._sessions.update(tenant, session)

    def end_session(self, tenant: str, session_id: str) -> None:
        self._sessions.end(tenant, session_id)

    def end_sessions(self, tenant: str, sub: str | None = None) -> int:
        return self._sessions.end_all(tenant, sub)

    def bind_administrator(self, tenant: str, address: str, sub: str) -> None:
        self._sessions.bind(tenant, address, sub)

    def forget_administrators(self, tenant: str, addresses: Set[str]) -> None:
        self._sessions.forget(tenant, addresses)

    # Licences

    def licence(self, tenant: str) -> LicenceRecord:
        return self._licences.with_document(tenant)[1]

    def tenant_and_licence(self, customer_id: str) -> tuple[bytes | None, LicenceRecord]:
        return self._licences.with_document(customer_id)

    def update_licence(
        self, tenant: str, change: Callable[[LicenceRecord], LicenceRecord]
    ) -> LicenceRecord:
        return self._licences.update(tenant, change)

    # Notifications

    def push_state(self, tenant: str) -> PushState | None:
        return self._push.get(tenant)

    def update_push_state(
        self, tenant: str, change: Callable[[PushState | None], PushState | None]
    ) -> PushState | None:
        return self._push.update(tenant, change)

    def push_due(self, now: float) -> list[str]:
        return self._push.due(now)

    # Deletion

    def erase_items(self, tenant: str, keep: Set[str]) -> int:
        return self._deletion.erase_items(tenant, keep)

    def delete_tenant(self, tenant: str, now: float) -> None:
        self._deletion.delete_tenant(tenant, now)

    # Logs

    def append_audit(self, tenant: str, entry: AuditEntry) -> None:
        self._log.append(tenant, entry)

    def audit_entries(
        self, tenant: str, limit: int = 50, before: str | None = None
    ) -> list[AuditEntry]:
        return self._log.entries(tenant, limit, before)

    def append_access(self, tenant: str, entry: AccessEntry) -> None:
        self._accesses.append(tenant, entry)

    def access_entries(
        self, tenant: str, limit: int = 50, before: str | None = None
    ) -> list[AccessEntry]:
        return self._accesses.entries(tenant, limit, before)

    # Cache

    def put(
        self, namespace: Namespace, name: str, data: bytes, now: float, expires: float | None = None
    ) -> None:
        self._cache.put(namespace, CachedItem(name, data, now, expires), replace=True, now=now)

    def put_if_absent(
        self, namespace: Namespace, name: str, data: bytes, now: float, expires: float | None = None
    ) -> bool:
        return self._cache.put(
            namespace, CachedItem(name, data, now, expires), replace=False, now=now
        )

    def get(self, namespace: Namespace, name: str, now: float) -> CachedItem | None:
        return self._cache.get(namespace, name, now)

    def list_names(self, namespace: Namespace, now: float) -> list[str]:
        return self._cache.list_names(namespace, now)

    def delete(self, namespace: Namespace, name: str) -> None:
        self._cache.delete(namespace, name)

    def delete_expired(self, now: float) -> int:
        return self._cache.delete_expired(now)

    # Ledgers

    def connection_state(self, key: LedgerKey) -> ConnectionState:
        found = self._ledgers.just_taken(key)
        if found is None:
            found = self._ledgers.tidy(key, self._documents.get(connection_path(key)))
        return ConnectionState(
            ledger=self._ledgers.part(key, found),
            hold=self._holds.get(key, found, "hold", Hold),
            approval=self._holds.get(key, found, "approval", Approval),
            recent=_recent_removals(found),
            doubted=self._ledgers.is_restored(found),
            unexplained=bool((found.fields or {}).get("unexplained")),
            delivered=float((found.fields or {}).get("delivered", 0.0)),
        )

    def trust_ledger(self, key: LedgerKey, holder: str) -> None:
        self._ledgers.trust(key, holder)

    def load(self, key: LedgerKey, ledger: Ledger, shards: Set[int]) -> None:
        self._ledgers.load(key, ledger, shards)

    def ledger(self, key: LedgerKey) -> Ledger:
        ledger = self._ledgers.part(key, self._documents.get(connection_path(key)))
        self._ledgers.load(key, ledger, frozenset(ledger.unread))
        return ledger

    def ledgers(self, tenant: str) -> list[tuple[LedgerKey, int, int]]:
        found = []
        for one in self._documents.query(("tenants", tenant, "connections"), fields=["ledger"]):
            vendor, _, mode = one.path[-1].rpartition(".")
            key = LedgerKey(tenant, vendor, "live" if mode == "live" else "test")
            ledger = self._ledgers.part(key, one)
            count, refused = len(ledger), sum(1 for _ in ledger.refused())
            if count or refused:
                found.append((key, count, refused))
        return sorted(found, key=lambda f: (f[0].vendor, f[0].mode))

    def record(self, key: LedgerKey, changes: Sequence[LedgerChange], holder: str = "") -> None:
        if not changes:
            return
        check_keys(changes)
        if holder:
            self._ledgers.record(key, changes, holder)
            return
        own = process_holder(uuid4().hex)
        self._wait_for(key, own)
        try:
            self._ledgers.record(key, changes, own)
        finally:
            self.release(key, own)

    def _wait_for(self, key: LedgerKey, holder: str) -> None:
        """Take the lease for a single write; wait up to BUSY_SECONDS if another has it."""
        last = time.monotonic() + BUSY_SECONDS
        while True:
            now = datetime.now(UTC).timestamp()
            if self.acquire(key, holder, now + BUSY_SECONDS, now) is None:
                return
            if time.monotonic() > last:
                raise StoreError(f"a run is going on for {key.tenant} at {key.vendor} ({key.mode})")
            time.sleep(random.uniform(0.01, 0.1))

    def acquire(self, key: LedgerKey, holder: str, until: float, now: float) -> str | None:
        return self._ledgers.acquire(key, holder, until, now)

    def release(self, key: LedgerKey, holder: str) -> None:
        self._ledgers.release(key, holder)

    # Holds and approvals: in parts, because those of a large school exceed one document

    def hold(self, key: LedgerKey) -> Hold | None:
        return self._holds.get(key, self._documents.get(connection_path(key)), "hold", Hold)

    def set_hold(self, key: LedgerKey, hold: Hold | None) -> None:
        self._holds.replace(key, "hold", hold)

    def approval(self, key: LedgerKey) -> Approval | None:
        return self._holds.get(key, self._documents.get(connection_path(key)), "approval", Approval)

    def set_approval(self, key: LedgerKey, approval: Approval | None) -> None:
        self._holds.replace(key, "approval", approval)

    def set_recent_removals(
        self, key: LedgerKey, recent: RecentRemovals, with_release: bool = False
    ) -> None:
        """Save it in the connection's document, where it costs no read."""
        fields = {"recent_removals": msgspec.msgpack.encode(recent)}
        self._ledgers.set_fields(key, fields, with_release)

    def set_unexplained(self, key: LedgerKey, waits: bool) -> None:
        self._ledgers.set_fields(key, {"unexplained": waits}, with_release=False)

    def set_delivered(self, key: LedgerKey, reading: float) -> None:
        self._ledgers.set_fields(key, {"delivered": reading}, with_release=True)

    # Runs

    def save_run(self, run: RunRecord) -> None:
        self._runs.save(run)

    def running(self, tenant: str) -> list[RunRecord]:
        return self._runs.running(tenant)

    def runs(self, tenant: str, limit: int = 50) -> list[RunRecord]:
        return self._runs.newest(tenant, limit)

    # History

    def add_history(self, parts: Sequence[DeliveryHistory]) -> None:
        self._history.add(parts)

    def history_of_run(self, tenant: str, run: str) -> list[DeliveryHistory]:
        return self._history.of_run(tenant, run)

    def history_about(self, tenant: str, subject: str, limit: int) -> list[DeliveryHistory]:
        return self._history.about(tenant, subject, limit)

    def forget_history(self, tenant: str, people: Set[str]) -> None:
        self._history.forget(tenant, people)

    # Snapshots

    def save_snapshot(
        self,
        tenant: str,
        run: str,
        packed: bytes,
        vendors: Sequence[str],
        now: float,
        expires: float,
    ) -> None:
        self._snapshots.save(tenant, run, packed, vendors, now, expires)

    def snapshot(self, tenant: str, run: str, now: float) -> bytes | None:
        return self._snapshots.get(tenant, run, now)

    def done_with_snapshot(self, tenant: str, run: str, vendor: str) -> None:
        self._snapshots.done_with(tenant, run, vendor)

    # Tasks

    def save_task(self, task: StoredTask) -> None:
        fields = {"created": task.created, "packed": msgspec.json.encode(task)}
        self._documents.write([DocumentWrite(("tasks", task.name), fields)])

    def remove_task(self, name: str) -> None:
        self._documents.delete([("tasks", name)])

    def tasks(self) -> list[StoredTask]:
        found = self._documents.query(("tasks",), order="created")
        packed = (one.fields["packed"] for one in found if one.fields is not None)
        return [msgspec.json.decode(each, type=StoredTask) for each in packed]


def _recent_removals(found: FoundDocument) -> RecentRemovals:
    packed = (found.fields or {}).get("recent_removals")
    return (
        RecentRemovals() if packed is None else msgspec.msgpack.decode(packed, type=RecentRemovals)
    )
