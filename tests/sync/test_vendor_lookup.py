"""What a vendor has of one person is asked of the vendor, and its trouble is told as such."""

import dataclasses
import json

import pytest
from msgspec import structs

from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.sync.context import NotFoundError
from addon.sync.vendor_lookup import lookup_person
from tests.support.small_school import PUPILS, STAFF, TENANT, address, small_school
from tests.support.world import World


@pytest.fixture(params=["own", "ours"])
def world(tmp_path, request):
    with small_school(tmp_path, ids=request.param) as world:
        world.run("sync", TENANT)
        world.forget_requests()
        yield world


def user_id(world: World, name: tuple[str, str]) -> str:
    (found,) = (u["id"] for u in world.domain.users.values() if u["primaryEmail"] == address(*name))
    return str(found)


def asked(world: World, name: tuple[str, str], vendor: str = "all"):
    with world.sync_context() as context:
        return lookup_person(context, TENANT, vendor, user_id(world, name))


def test_a_teachers_account_and_employment_are_as_the_vendor_has_them(world):
    found = asked(world, STAFF[0])
    assert [(r.resource_type, r.acknowledged, r.problem) for r in found] == [
        ("User", True, None),
        ("Employment", True, None),
    ]
    user, employment = (json.loads(r.body) for r in found)
    assert user["userName"] == address(*STAFF[0])
    assert user["externalId"] == found[0].external_id
    assert employment["user"]["value"] == found[0].external_id
    assert {r.method for r in world.vendor("all").requests} == {"GET"}


def test_a_pupil_has_an_account_only(world):
    assert [r.resource_type for r in asked(world, PUPILS["7A"][0])] == ["User"]


def test_what_the_vendor_has_lost_has_no_body_and_is_no_problem(world):
    name = PUPILS["7A"][0]
    world.vendor("all").fail(404, method="GET", times=None)
    (found,) = asked(world, name)
    assert (found.acknowledged, found.body, found.problem) == (True, None, None)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"status": 500}, "500"),
        ({"status": 403}, "403"),
        ({"drop": True}, ""),
        ({"garbage": True}, ""),
    ],
    ids=str,
)
def test_the_vendors_trouble_is_reported(world, fault, problem):
    world.vendor("all").fail(times=None, **fault)
    (found,) = asked(world, PUPILS["7A"][0])
    assert found.body is None
    assert found.problem is not None
    assert problem in found.problem


@pytest.mark.parametrize("changed", [{"externalId": None}, {}], ids=["by its id", "by our id"])
def test_an_answer_about_somebody_else_is_not_shown(world, changed):
    (asked_for,) = asked(world, PUPILS["7A"][0])
    (other,) = asked(world, PUPILS["7A"][1])
    body = {k: v for k, v in {**json.loads(other.body), **changed}.items() if v is not None}
    world.vendor("all").fail(200, method="GET", body=json.dumps(body).encode(), times=None)
    (found,) = asked(world, PUPILS["7A"][0])
    assert (found.body, found.of_another) == (None, True)
    own = {k: v for k, v in json.loads(asked_for.body).items() if k != "externalId"}
    world.vendor("all").clear()
    world.vendor("all").fail(200, method="GET", body=json.dumps(own).encode(), times=None)
    (found,) = asked(world, PUPILS["7A"][0])
    assert (json.loads(found.body), found.of_another) == (own, False)


@pytest.mark.parametrize("body", [{}, {"externalId": 17}, {"externalId": ["x"], "id": "y"}])
def test_an_answer_that_names_nobody_is_not_shown(world, body):
    world.vendor("all").fail(200, method="GET", body=json.dumps(body).encode(), times=None)
    (found,) = asked(world, PUPILS["7A"][0])
    assert (found.body, found.of_another) == (None, True)


def test_a_vendor_that_does_not_answer_is_given_up(world, monkeypatch):
    monkeypatch.setattr("addon.sync.vendor_lookup.WITHIN", 0.05)
    world.vendor("all").fail(times=None, hang=5.0)
    (found,) = asked(world, PUPILS["7A"][0])
    assert (found.body, found.problem is not None) == (None, True)


@pytest.mark.parametrize("filtering", ["honoured", "ignored", "refused"])
def test_what_may_be_there_is_looked_for_by_our_id(world, filtering):
    world.vendor("all").knobs.filter = filtering
    name = PUPILS["7A"][0]
    with world.sync_context() as context:
        (known,) = lookup_person(context, TENANT, "all", user_id(world, name))
        unsure = LedgerChange("User", known.external_id, LedgerEntry("", b""))
        context.store.record(LedgerKey(TENANT, "all", "live"), [unsure])
        (found,) = lookup_person(context, TENANT, "all", user_id(world, name))
    assert not found.acknowledged
    if filtering == "honoured":
        assert json.loads(found.body or "")["externalId"] == known.external_id


def test_nothing_is_reported_nobody_and_of_a_connection_that_is_off(world):
    with world.sync_context() as context:
        assert lookup_person(context, TENANT, "all", "1") == []
        with pytest.raises(NotFoundError):
            lookup_person(context, "C0nobody", "all", "1")
    world.change_connection("all", mode="off")
    assert asked(world, PUPILS["7A"][0]) == []
    assert world.requests == []


def test_a_vendor_that_is_not_set_up_is_reported(world):
    with world.sync_context() as context:
        bare = structs.replace(context, settings=dataclasses.replace(context.settings, environ={}))
        (found,) = lookup_person(bare, TENANT, "all", user_id(world, PUPILS["7A"][0]))
    assert found.problem is not None
    assert "SKOLSYNK_ALL_LIVE" in found.problem
