"""How a tenant came, in every store."""

from addon.store.origin import load_origin, record_origin

NOW = 1_794_204_000.0
YEARS = 20 * 365 * 86400.0


def test_a_tenant_of_whom_nothing_is_known_came_by_hand(store):
    assert load_origin(store, "C1", NOW) == "by hand"


def test_how_a_tenant_came_is_kept_for_ever_and_apart_from_other_tenants(open_store):
    record_origin(open_store(), "C1", "marketplace", NOW)
    store = open_store()
    store.delete_expired(NOW + YEARS)
    assert load_origin(store, "C1", NOW + YEARS) == "marketplace"
    assert load_origin(store, "C2", NOW) == "by hand"


def test_what_is_known_already_is_not_written(store):
    record_origin(store, "C1", "marketplace", NOW)
    before = store.cost()[1]
    record_origin(store, "C1", "marketplace", NOW)
    record_origin(store, "C2", "by hand", NOW)
    assert store.cost()[1] == before
