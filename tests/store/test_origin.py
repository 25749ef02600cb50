"""How a tenant came, in every store."""

from addon.store.origin import load_origin, record_origin

NOW = 1_794_204_000.0
YEARS = 20 * 365 * 86400.0


def test_of_a_tenant_that_nothing_was_said_of_it_is_not_known_how_it_came(store):
    assert load_origin(store, "C1", NOW) is None


def test_how_a_tenant_came_is_kept_for_ever_and_apart_from_other_tenants(open_store):
    record_origin(open_store(), "C1", "marketplace", NOW)
    store = open_store()
    store.delete_expired(NOW + YEARS)
    assert load_origin(store, "C1", NOW + YEARS) == "marketplace"
    assert load_origin(store, "C2", NOW) is None


def test_who_came_by_hand_may_come_from_the_marketplace_later_and_not_the_other_way(store):
    record_origin(store, "C1", "by hand", NOW)
    assert load_origin(store, "C1", NOW) == "by hand"
    record_origin(store, "C1", "marketplace", NOW)
    record_origin(store, "C1", "by hand", NOW)
    assert load_origin(store, "C1", NOW) == "marketplace"


def test_what_is_known_already_is_not_written(store):
    record_origin(store, "C1", "marketplace", NOW)
    record_origin(store, "C2", "by hand", NOW)
    before = store.cost()[1]
    record_origin(store, "C1", "marketplace", NOW)
    record_origin(store, "C2", "by hand", NOW)
    assert store.cost()[1] == before
