"""The status tells how every connection stands, also those that nobody keeps up."""

import pytest

from addon.planning.protected_set import ProtectedSet
from addon.settings import Settings
from addon.sync.context import NotFoundError
from addon.sync.run import sync
from addon.sync.status import ProtectedStatus, TenantStatus, status
from tests.support.small_school import PROFILES, PUPILS, TENANT, leave, small_school
from tests.support.world import World


@pytest.fixture
def world(tmp_path):
    with small_school(tmp_path) as world:
        yield world


def told(world: World, **environ: str | None) -> TenantStatus:
    settings = Settings.from_environ(
        {k: v for k, v in {**world.environ, **environ}.items() if v is not None}
    )
    with world.open_store() as store:
        return status(settings, store, TENANT)


def test_a_tenant_without_runs_has_none(world):
    found = told(world)
    assert (found.tenant, found.last_run, found.left_behind) == (TENANT, None, ())
    assert [(c.vendor, c.mode, c.resources, c.last) for c in found.connections] == [
        ("all", "live", 0, None),
        ("some", "live", 0, None),
    ]


def test_an_unknown_tenant_is_reported(world):
    with world.open_store() as store, pytest.raises(NotFoundError, match="C0nobody"):
        status(Settings.from_environ(world.environ), store, "C0nobody")


def test_the_last_run_of_each_connection_is_reported(world):
    world.run("sync", TENANT)
    world.run("sync", TENANT, "--vendor", "some")
    found = told(world)
    both = {c.vendor: c for c in found.connections}
    assert found.last_run is not None
    assert found.last_run.status == "done"
    assert both["some"].last is not None
    assert both["some"].last.run == found.last_run.run
    assert both["all"].last is not None
    assert both["all"].last.run != found.last_run.run
    assert both["all"].resources == 1 + 1 + 14 + 2 + 2


def test_a_hold_is_reported_with_its_numbers(world):
    world.run("sync", TENANT)
    leave(world, *PUPILS["7A"][:4])
    world.run("sync", TENANT)
    hold = told(world).connections[0].hold
    assert hold is not None
    assert hold.people == 4
    assert "the limit is 3" in hold.reason


def test_refused_resources_are_reported_with_the_vendors_words(world):
    world.vendor("all").fail(422, endpoint="Users", skip=2, body=b'{"detail": "invalid value"}')
    world.run("sync", TENANT)
    found = told(world).connections[0]
    (refused,) = found.refused
    assert (refused.operation, refused.resource_type) == ("create", "User")
    assert (refused.http_status, refused.detail) == (422, "invalid value")
    assert refused.since > 0


def test_a_refusal_without_words_is_reported_with_its_status(world):
    world.vendor("all").fail(422, endpoint="Users", skip=2, body=b"")
    world.run("sync", TENANT)
    (refused,) = told(world).connections[0].refused
    assert refused.detail == "the vendor answered 422"


def test_what_must_be_asked_about_is_counted_and_not_as_acknowledged(world):
    world.vendor("all").fail(drop=True, when="after", method="POST", endpoint="Users", times=None)
    world.vendor("all").fail(500, times=None, method="GET", endpoint="Users")
    with world.sync_context() as context:
        sync(context, TENANT, "all")
    found = told(world).connections[0]
    assert found.uncertain > 0
    assert found.resources == 2


def test_what_is_not_set_up_is_reported(world):
    found = told(world, SKOLSYNK_ALL_LIVE_KEY=None, SKOLSYNK_ALL_LIVE_URL=None)
    problem = found.connections[0].problem
    assert problem is not None
    assert "SKOLSYNK_ALL_LIVE_URL and SKOLSYNK_ALL_LIVE_KEY" in problem
    assert found.connections[1].problem is None


def test_a_mode_without_an_endpoint_is_reported(world):
    world.change_connection("some", mode="test")
    problem = told(world).connections[1].problem
    assert problem is not None
    assert "no test endpoint" in problem


def test_what_another_mode_left_behind_is_reported(world):
    world.change_connection("all", mode="test")
    world.run("sync", TENANT, "--vendor", "all")
    world.change_connection("all", mode="live")
    (left,) = told(world).left_behind
    assert (left.vendor, left.mode, left.resources) == ("all", "test", 20)
    assert f"withdraw {TENANT} --vendor all" in left.advice


def test_what_a_vendor_that_is_no_more_has_is_reported(world):
    world.run("sync", TENANT)
    world.document["connections"].pop(0)
    world.import_document()
    (world.folder / "vendors.toml").write_text(
        "[vendors.some]" + PROFILES.split("[vendors.some]")[1]
    )
    (left,) = told(world).left_behind
    assert (left.vendor, left.mode, left.resources) == ("all", "live", 20)
    assert "no longer among the vendor profiles" in left.advice


def test_who_is_protected_is_told_in_numbers(world):
    """How many are protected, whose protection waits for a release, and who became so at once."""
    with world.open_store() as store:
        store.update_protected_set(
            TENANT,
            lambda known: ProtectedSet(
                ids=frozenset({"1", "2", "3"}),
                ended={"4": 1.0},
                pending=frozenset({"5", "6"}),
                confirmed=frozenset({"5"}),
            ),
        )
    assert told(world).protected == ProtectedStatus(3, ended=1, pending=2, confirmed=False)
    result = world.run("status", TENANT)
    assert "protected: 3" in result.out
    assert "ended: 1, not sent until `release`" in result.out
    assert "became protected at once: 2, not sent until a person has looked" in result.out
    assert world.run("status", TENANT, "--json").json["protected"] == {
        "people": 3,
        "ended": 1,
        "pending": 2,
        "confirmed": False,
    }
