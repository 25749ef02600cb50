"""Channels and marks, in every store."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import structs

from addon.directory.push_state import ChangeMark, LaterReading, PushChannel, PushState

CHANNEL = PushChannel("c1", "update", "https://s.example/push/google", "k", 1.5, 7.5, "r1")
WHOLE = PushState(
    channels=(CHANNEL,),
    marked=ChangeMark(frozenset({"1", "2"}), True, False, 3.5),
    taken=ChangeMark(frozenset({"3"})),
    reading="r",
    noticed=ChangeMark(frozenset({"3"})),
    again=(
        LaterReading(ChangeMark(whole=True), 9.5),
        LaterReading(ChangeMark(members=frozenset({"g"})), 9.5),
    ),
    began=4.5,
    problems={"add": "no-answer"},
    due=100.5,
    looked=9.5,
    keeping=8.5,
)


@pytest.fixture
def open_store(open_store):
    store = open_store()
    for tenant in ("C1", "C2"):
        store.save_tenant(tenant, b"{}")
    return open_store


def marked(user: str):
    return lambda known: (known or PushState()).with_mark(ChangeMark(frozenset({user}), last=1.0))


def test_a_state_is_kept_whole_and_apart_from_other_tenants(open_store):
    assert open_store().push_state("C1") is None
    assert open_store().update_push_state("C1", lambda known: WHOLE) == WHOLE
    assert open_store().push_state("C1") == WHOLE
    assert open_store().push_state("C2") is None


def test_a_state_that_stays_the_same_or_is_not_wanted_is_not_written(store):
    store.update_push_state("C1", lambda known: WHOLE)
    before = store.cost()[1]
    assert store.update_push_state("C1", lambda known: structs.replace(known)) == WHOLE
    assert store.update_push_state("C2", lambda known: None) is None
    assert store.push_state("C2") is None
    if "sqlite" not in type(store).__module__:  # SQLite counts transactions
        assert store.cost()[1] == before


def test_a_mark_costs_one_write(store):
    store.update_push_state("C1", lambda known: WHOLE)
    before = store.cost()[1]
    store.update_push_state("C1", marked("17"))
    assert store.cost()[1] == before + 1


def test_no_mark_is_lost_when_several_come_at_once(open_store):
    stores = [open_store() for _ in range(3)]
    stores[0].update_push_state("C1", lambda known: PushState())
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: stores[n].update_push_state("C1", marked(str(n))), range(3)))
    assert stores[0].push_state("C1").marked.users == {"0", "1", "2"}


def test_a_tenant_without_a_document_gets_no_state(store):
    store.update_push_state("C3", lambda known: WHOLE)
    assert store.push_state("C3") is None
    assert store.tenants() == ["C1", "C2"]


def test_channels_are_due_by_their_time_and_when_the_document_is_saved(store):
    for tenant in ("C1", "C2"):
        store.update_push_state(tenant, lambda known: WHOLE)
    assert store.push_due(100.0) == []
    assert store.push_due(100.5) == ["C1", "C2"]
    assert store.replace_tenant("C1", b'{"a": 1}', b"{}")
    assert store.push_due(100.0) == ["C1"]
    store.update_push_state("C1", lambda known: structs.replace(WHOLE, due=200.0))
    assert store.push_due(100.0) == []
    store.save_tenant("C2", b"{}")
    assert store.push_due(100.0) == ["C2"]
    store.update_push_state("C2", lambda known: structs.replace(WHOLE, looked=99.0))
    assert store.push_due(100.0) == []


def test_a_new_tenant_is_due(store):
    assert store.push_due(100.0) == ["C1", "C2"]


def test_nothing_is_left_of_a_deleted_tenant(store):
    store.update_push_state("C1", lambda known: WHOLE)
    store.delete_tenant("C1", 1.0)
    assert store.push_state("C1") is None
    assert store.push_due(1e12) == ["C2"]
