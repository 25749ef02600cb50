"""One school unit in two tenants: it is delivered for the first, and the operator is told."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakKeyDictionary

import pytest

from addon.store.tenant_updates import TenantEdit, update_tenant
from addon.store.unit_claims import BEING_SAVED, CLAIMS, delivered, delivered_for_others
from addon.tenants.document import DocumentError, load_tenant

NOW = 1_800_000_000.0
FIRST, SECOND = "C0first", "C0second"


def document(tenant, *codes):
    units = [{"code": code, "name": "Skolan"} for code in codes]
    connection = {"vendor": "all", "mode": "live", "schoolUnits": list(codes)}
    return json.dumps(
        {
            "customerId": tenant,
            "organisation": {"name": "A"},
            "schoolUnits": units,
            "connections": [connection],
        }
    ).encode()


def save(store, tenant, *codes, now=NOW, own_units=False):
    return update_tenant(
        store,
        tenant,
        lambda _: TenantEdit(document(tenant, *codes)),
        actor="it@example.se",
        action="test",
        clock=lambda: now,
        own_units=own_units,
    )


def sent(store, tenant, now=NOW):
    stored = store.tenant(tenant)
    found = delivered(store, load_tenant(stored), stored, now)
    assert list(found.unit_names) == list(found.connections[0].school_units)
    return list(found.unit_names)


def test_a_unit_is_delivered_for_whoever_had_it_first_and_the_operator_is_told(store, caplog):
    save(store, FIRST, "11111111", "22222222")
    with caplog.at_level(logging.ERROR):
        save(store, SECOND, "22222222", "33333333")
    assert f"{SECOND} names the school unit 22222222, which {FIRST} has" in caplog.text
    assert sent(store, FIRST) == ["11111111", "22222222"]
    assert sent(store, SECOND) == ["33333333"]
    save(store, SECOND, "22222222", "33333333", "44444444")  # whatever else is saved
    assert sent(store, SECOND) == ["33333333", "44444444"]


def test_the_status_says_which_units_are_delivered_for_whom(store):
    save(store, FIRST, "11111111", "22222222")
    save(store, SECOND, "22222222", "33333333")

    def others(tenant):
        return delivered_for_others(store, load_tenant(store.tenant(tenant)), NOW)

    assert (others(FIRST), others(SECOND)) == ({}, {"22222222": FIRST})
    save(store, FIRST, "11111111")
    assert others(SECOND) == {}


def test_pages_do_not_save_another_tenants_unit(store):
    save(store, FIRST, "11111111")
    with pytest.raises(DocumentError, match=r"schoolUnits\[1\].code: is the school unit of anoth"):
        save(store, SECOND, "22222222", "11111111", own_units=True)
    assert store.tenant(SECOND) is None


def test_a_unit_that_the_first_gives_up_is_the_seconds(store):
    save(store, FIRST, "11111111")
    save(store, SECOND, "11111111")
    assert sent(store, SECOND) == []
    save(store, FIRST, "22222222")
    assert sent(store, SECOND) == ["11111111"]
    save(store, FIRST, "22222222", "11111111")
    assert sent(store, FIRST) == ["22222222"]


def test_a_unit_of_a_document_that_was_never_saved_or_is_deleted_is_free(store):
    save(store, FIRST, "11111111")
    store.delete_tenant(FIRST, NOW)
    save(store, SECOND, "11111111", now=NOW + 2 * BEING_SAVED)
    assert sent(store, SECOND) == ["11111111"]


def test_nothing_is_claimed_of_what_is_no_longer_named(store):
    save(store, FIRST, "11111111", "22222222")
    save(store, FIRST, "22222222")
    assert store.list_names(CLAIMS, NOW) == ["22222222"]


def old(store, *tenants):
    """Save documents as they were saved before units were claimed."""
    for tenant, *codes in tenants:
        store.save_tenant(tenant, document(tenant, *codes))


def test_units_of_documents_without_claims_are_claimed_by_whoever_is_read_first(store, caplog):
    old(store, (FIRST, "11111111", "22222222"), (SECOND, "22222222", "33333333"))
    assert sent(store, SECOND) == ["22222222", "33333333"]
    with caplog.at_level(logging.ERROR):
        assert sent(store, FIRST) == ["11111111"]
    assert f"{FIRST} names the school unit 22222222, which {SECOND} has" in caplog.text
    assert sent(store, SECOND) == ["22222222", "33333333"]
    assert sorted(store.list_names(CLAIMS, NOW)) == ["11111111", "22222222", "33333333"]


def test_two_tenants_without_claims_read_at_once_never_share_a_unit(store):
    codes = [f"{n:08}" for n in range(1, 25)]
    old(store, (FIRST, *codes), (SECOND, *codes))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda tenant: sent(store, tenant), (FIRST, SECOND)))
    assert sorted(found[0] + found[1]) == codes
    assert [sent(store, FIRST), sent(store, SECOND)] == found


def test_saving_a_document_without_claims_claims_what_it_had(store):
    old(store, (FIRST, "11111111", "22222222"), (SECOND, "33333333"))
    save(store, SECOND, "33333333", "44444444")
    sent(store, SECOND)
    save(store, FIRST, "11111111", "22222222", "33333333")
    assert sent(store, FIRST) == ["11111111", "22222222"]
    third = "C0third"
    save(store, third, "11111111", "55555555")
    assert sent(store, third) == ["55555555"]


def test_what_is_claimed_is_not_claimed_again_by_other_processes(store, monkeypatch):
    save(store, FIRST, "11111111")
    monkeypatch.setattr("addon.store.unit_claims._all_own", WeakKeyDictionary())
    monkeypatch.setattr("addon.store.unit_claims._claim", None)
    assert sent(store, FIRST) == ["11111111"]
