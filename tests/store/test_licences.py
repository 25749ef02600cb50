"""What is known of licences, in every store."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import structs

from addon.tenants.licence import LicenceRecord, with_domains

WHOLE = LicenceRecord(
    domains=("edu.storvik.se", "storvik.se"),
    asked=4.5,
    state="UNLICENSED",
    since=3.5,
    licensed=True,
    problem="503",
    unlicensed=2.5,
    farewell=4.5,
    erased=True,
    wanted=5.5,
    token="ab" * 32,
)


@pytest.fixture
def open_store(open_store):
    """The store, with two tenants: there is no record without a document."""
    store = open_store()
    for tenant in ("C1", "C2"):
        store.save_tenant(tenant, b"{}")
    return open_store


def test_a_tenant_that_was_never_asked_for_has_an_empty_record(store):
    assert store.licence("C1") == LicenceRecord()


def test_a_record_is_kept_whole_and_apart_from_other_tenants(open_store):
    assert open_store().update_licence("C1", lambda known: WHOLE) == WHOLE
    assert open_store().licence("C1") == WHOLE
    assert open_store().licence("C2") == LicenceRecord()


def test_a_record_that_stays_the_same_is_not_written(store):
    store.update_licence("C1", lambda known: WHOLE)
    before = store.cost()[1]
    assert store.update_licence("C1", lambda known: structs.replace(known)) == WHOLE
    if "sqlite" not in type(store).__module__:  # SQLite counts transactions
        assert store.cost()[1] == before


def test_no_domain_is_lost_when_two_add_theirs_at_once(open_store):
    stores = [open_store() for _ in range(3)]

    def add(number: int) -> None:
        stores[number].update_licence("C1", lambda known: with_domains(known, (f"d{number}.se",)))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(add, range(3)))
    assert stores[0].licence("C1").domains == ("d0.se", "d1.se", "d2.se")


def test_document_and_record_are_one_read_and_neither_change_loses_the_other(store):
    store.update_licence("C1", lambda known: WHOLE)
    assert store.replace_tenant("C1", b'{"a": 1}', b"{}")
    store.save_tenant("C1", b'{"a": 2}')
    before = store.cost()[0]
    assert store.tenant_and_licence("C1") == (b'{"a": 2}', WHOLE)
    assert store.cost()[0] == before + 1
    assert store.tenant_and_licence("C3") == (None, LicenceRecord())


def test_a_tenant_without_a_document_gets_no_record(store):
    store.update_licence("C3", lambda known: WHOLE)
    assert store.licence("C3") == LicenceRecord()
    assert store.tenants() == ["C1", "C2"]
