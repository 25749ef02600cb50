"""A reconciliation finds how the vendor differs from the ledger, and the next run mends it."""

import pytest

from addon.planning.ledger import LedgerChange, LedgerKey
from addon.sync.context import NotFoundError
from addon.sync.reconcile import TypeDrift, reconcile
from addon.vendors.profiles import NotConfigured
from tests.support.installation import PUPILS, TENANT, Installation, address


@pytest.fixture(params=["paged", "whole"])
def here(request, tmp_path):
    with Installation(tmp_path, listing=request.param, page_limit=5) as here:
        here.run("sync", TENANT)
        here.forget_requests()
        yield here


def reconciled(here: Installation):
    with here.sync_context() as context:
        return reconcile(context, TENANT, "all")


def drift(here: Installation, resource_type: str = "User") -> TypeDrift:
    return next(d for d in reconciled(here).types if d.resource_type == resource_type)


def vendor_id(here: Installation, who: tuple[str, str]) -> str:
    held = here.all.held("User").items()
    return next(key for key, user in held if user["userName"] == address(*who))


def next_run(here: Installation) -> dict[str, dict[str, int]]:
    here.forget_requests()
    operations = here.run("sync", TENANT, "--vendor", "all", "--json").part("all")["operations"]
    assert len(here.all.held("User")) == 14
    assert len(set(here.all.externalIds("User"))) == 14
    here.forget_requests()
    here.run("sync", TENANT, "--vendor", "all")
    assert here.requests == []
    return operations


def test_no_drift_changes_nothing(here):
    found = reconciled(here)
    assert found.whole
    assert [d.there for d in found.types if d.there] == [1, 1, 14, 2, 2]
    for each in found.types:
        assert each == TypeDrift(each.resource_type, there=each.there)
    assert {method for method, _ in here.requests} == {"GET"}
    assert next_run(here) == {"create": {}, "update": {}, "delete": {}}


def test_what_is_missing_there_is_created_by_the_next_run(here):
    here.all._state._delete("Users", vendor_id(here, PUPILS["7A"][0]))
    assert drift(here) == TypeDrift("User", there=13, missing=1)
    assert next_run(here)["create"] == {"User": 1}


def test_what_is_there_under_another_id_is_known_again(here):
    old = vendor_id(here, PUPILS["7A"][0])
    body = here.all.held("User")[old]
    here.all._state._delete("Users", old)
    here.all._state._create("Users", body)
    assert drift(here) == TypeDrift("User", there=14, different_id=1)
    assert next_run(here) == {"create": {}, "update": {}, "delete": {}}


def test_what_is_there_more_than_once_is_there_once_after_the_next_run(here):
    body = here.all.held("User")[vendor_id(here, PUPILS["7A"][0])]
    here.all._state._create("Users", body)
    assert drift(here) == TypeDrift("User", there=15, several=1)
    next_run(here)


def test_what_the_ledger_does_not_know_is_taken_up(here):
    with here.store() as store:
        key = LedgerKey(TENANT, "all", "live")
        gone = next(iter(store.ledger(key).entries["User"]))
        store.record(key, [LedgerChange("User", gone, forget=True)])
    assert drift(here) == TypeDrift("User", there=14, adopted=1)
    next_run(here)


def test_others_are_left_alone(here):
    here.all._state._create("Users", {"externalId": "theirs", "userName": "x"})
    here.all._state._create("Users", {"externalId": "", "userName": "y"})
    assert drift(here) == TypeDrift("User", there=16, others=2)
    here.run("sync", TENANT)
    assert "theirs" in here.all.externalIds("User")


def test_a_vendor_that_cannot_list_is_told_and_the_ledger_stays(here):
    here.all.knobs.listing = "none"
    found = reconciled(here)
    assert not found.whole
    assert not any(d.listed for d in found.types)
    here.forget_requests()
    here.run("sync", TENANT)
    assert here.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "retry_after": 0},
        {"drop": True},
        {"status": 401},
        {"status": 200, "body": b"nonsense"},
        {"status": 200, "body": b'{"totalResults": 14, "Resources": []}'},
        {"truncate": True},
    ],
    ids=str,
)
def test_a_list_that_cannot_be_had_makes_nobody_missing(here, fault):
    here.all.fail(times=None, endpoint="Users", **fault)
    found = reconciled(here)
    assert not found.whole
    assert found.detail
    here.forget_requests()
    assert here.run("sync", TENANT).status == 0
    assert here.requests == []


def test_a_connection_that_is_off_or_not_set_up_is_told(here):
    with here.sync_context() as context, pytest.raises(NotFoundError, match="nobody"):
        reconcile(context, TENANT, "nobody")
    here.environ["SKOLSYNK_ALL_LIVE_KEY"] = " "
    with (
        here.sync_context() as context,
        pytest.raises(NotConfigured, match="SKOLSYNK_ALL_LIVE_KEY"),
    ):
        reconcile(context, TENANT, "all")
    here.connection("all", mode="off")
    with here.sync_context() as context, pytest.raises(NotFoundError, match="is off"):
        reconcile(context, TENANT, "all")
