"""Sessions and the accounts of listed administrators, in every store (see conftest.py)."""

import time

import pytest

from addon.store.base import AUDIT_KEPT, SESSION_KEPT, StoreError
from addon.store.firestore.store import FirestoreStore
from addon.store.records import AccessEntry, AuditEntry, SessionRecord
from addon.tenants.licence import LicenceRecord

NOW = time.time()


def session(number: int, sub: str = "1", signed_in: float = NOW) -> SessionRecord:
    return SessionRecord(f"s{number}", sub, "a@storvik.se", "Ada", True, NOW, signed_in)


def test_a_session_is_read_with_the_document_and_the_licence_at_once(store):
    assert store.authentication("C1", "s1").session is None
    store.save_session("C1", session(1))  # before there is a document
    assert store.authentication("C1", "s1").document is None
    store.save_tenant("C1", b"{}")
    store.update_licence("C1", lambda known: LicenceRecord(("storvik.se",)))
    before = store.cost()
    found = store.authentication("C1", "s1")
    reads, writes = (after - was for after, was in zip(store.cost(), before, strict=True))
    assert (reads, writes) == (2 if isinstance(store, FirestoreStore) else 1, 0)
    assert (found.document, found.session, found.accounts) == (b"{}", session(1), {})
    assert found.licence.domains == ("storvik.se",)
    assert store.authentication("C2", "s1").session is None
    assert store.authentication("C1").session is None


def test_an_ended_session_does_not_come_back(store):
    store.save_session("C1", session(1))
    changed = session(1, signed_in=NOW - 5)
    assert store.update_session("C1", changed)
    assert store.authentication("C1", "s1").session == changed
    for _ in range(2):
        store.end_session("C1", "s1")
    assert not store.update_session("C1", session(1))
    assert store.authentication("C1", "s1").session is None


def test_sessions_of_one_account_or_of_all_are_ended(store):
    for number, sub in enumerate(("1", "1", "2")):
        store.save_session("C1", session(number, sub))
    store.save_session("C2", session(0))
    assert store.end_sessions("C1", "1") == 2
    assert [store.authentication("C1", f"s{n}").session is None for n in range(3)] == [
        *(True, True, False)
    ]
    assert store.end_sessions("C1") == 1
    assert store.end_sessions("C1") == 0
    assert store.authentication("C2", "s0").session == session(0)


def test_a_listed_address_belongs_to_the_first_account_until_it_is_forgotten(store):
    store.bind_administrator("C1", "a@storvik.se", "1")
    assert store.authentication("C1").accounts == {}  # there is no document
    assert store.tenants() == []
    store.save_tenant("C1", b"{}")
    store.bind_administrator("C1", "a@storvik.se", "1")
    store.bind_administrator("C1", "a@storvik.se", "2")
    store.bind_administrator("C1", "b@storvik.se", "3")
    assert store.replace_tenant("C1", b"{ }", b"{}")
    assert store.authentication("C1").accounts == {"a@storvik.se": "1", "b@storvik.se": "3"}
    store.forget_administrators("C1", {"a@storvik.se", "nobody@storvik.se"})
    assert store.authentication("C1").accounts == {"b@storvik.se": "3"}


def test_what_is_old_is_swept_also_of_tenants_that_nobody_writes_to(store):
    if isinstance(store, FirestoreStore):
        return  # by its TTL; see test_firestore_indexes.py
    for number, signed_in in enumerate((NOW - SESSION_KEPT - 1, NOW - 60)):
        store.save_session("C1", session(number, signed_in=signed_in))
    for number, at in enumerate((NOW - 2 * AUDIT_KEPT, NOW - 60)):
        store.append_audit(f"C{number}", AuditEntry(f"e{number}", at, "chef", "unit.saved"))
        store.append_access(f"C{number}", AccessEntry(f"e{number}", at, "1", "sign-in"))
    store.delete_expired(NOW)
    assert store.authentication("C1", "s0").session is None
    assert store.authentication("C1", "s1").session is not None
    assert store.audit_entries("C0") == []
    assert store.access_entries("C0") == []
    assert len(store.audit_entries("C1")) == len(store.access_entries("C1")) == 1


def test_accesses_are_read_newest_first_and_in_pages(store, open_store):
    entries = [AccessEntry(f"e{n}", NOW + n, "1", "person.page", f"u{n}", "all") for n in range(5)]
    for entry in entries:
        store.append_access("C1", entry)
    assert open_store().access_entries("C1") == entries[::-1]
    assert store.access_entries("C1", 2, before="e3") == [entries[2], entries[1]]
    assert store.access_entries("C2") == store.audit_entries("C1") == []
    with pytest.raises(StoreError, match="another entry"):
        store.append_access("C1", AccessEntry("e1", NOW, "2", "sign-in"))


def test_an_access_costs_one_write_and_no_read(store):
    before = store.cost()
    store.append_access("C1", AccessEntry("e1", NOW, "1", "person.page", "2"))
    reads, writes = (after - was for after, was in zip(store.cost(), before, strict=True))
    assert (reads, writes) == (0, 1)
