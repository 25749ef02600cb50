"""A ledger that knows less than the vendor is noticed, and nothing is doubled."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from addon.planning.ledger import LedgerChange, LedgerKey
from tests.support.small_school import TENANT, address, person, small_school
from tests.support.world import World

KEY = LedgerKey(TENANT, "all", "live")
OWN_IDS = {
    "filter": {},
    "list only": {"filter": "ignored"},
    "list without filter": {"filter": "refused", "listing": "whole"},
}
NEW = [("Nils", "Nord"), ("Nora", "Norén"), ("Nadja", "Nilsson"), ("Noa", "Nyberg")]


@pytest.fixture(params=OWN_IDS.values(), ids=OWN_IDS)
def world(request, tmp_path) -> Iterator[World]:
    knobs = {"ids": "own", "refuse_duplicates": False, **request.param}
    with small_school(tmp_path, **knobs) as world:
        yield world


def start(world: World, *people: tuple[str, str]) -> None:
    for each in people:
        world.domain.add_user(person(*each, "/Elever/7A"))


def holds_each_once(world: World, number: int) -> None:
    for vendor in ("all", "some"):
        held = world.vendor(vendor).externalIds()
        assert len(held) == len(set(held))
        assert len(world.vendor(vendor).held("User")) == number
    world.forget_requests()
    assert world.run("sync", TENANT).status == 0
    assert world.requests == []


def files(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if "skolsynk.db" in each.name]


@contextmanager
def restored(world: World, how: str) -> Iterator[None]:
    """Put the store back to what it was before the block."""
    backup = world.folder / "backup"
    backup.mkdir()
    for each in files(world.folder):
        shutil.copy2(each, backup)
    yield
    for each in files(world.folder):
        if how != "in place":
            each.unlink()
    for each in files(backup):
        if how == "with its stamp" or not each.name.startswith("."):
            shutil.copy2(each, world.folder / each.name)


@pytest.mark.parametrize("how", ["the file", "in place", "with its stamp"])
@pytest.mark.parametrize("count", [1, 4])
def test_a_restored_backup_doubles_nobody(world, how, count):
    assert world.run("sync", TENANT).status == 0
    with restored(world, how):
        start(world, *NEW[:count])
        assert world.run("sync", TENANT).status == 0
    assert world.run("sync", TENANT).status == 0
    holds_each_once(world, 14 + count)


def test_who_came_and_left_since_the_backup_is_known_again(world):
    world.run("sync", TENANT)
    with restored(world, "the file"):
        start(world, NEW[0])
        world.run("sync", TENANT)
    world.domain.remove_user(address(*NEW[0]))
    world.run("sync", TENANT)  # the removal waits for evidence: no reading has had them
    with world.open_store() as store:
        ledger = store.ledger(KEY)
    assert len(ledger.entries["User"]) == 15
    assert {body["externalId"] for body in world.vendor("all").held("User").values()} == set(
        ledger.entries["User"]
    )


def test_entries_that_were_lost_one_by_one_are_noticed(world):
    world.run("sync", TENANT)
    with world.open_store() as store:
        for kind, entries in store.ledger(KEY).entries.items():
            lost = [LedgerChange(kind, each, forget=True) for each in list(entries)[:2]]
            store.record(KEY, lost)
    world.run("sync", TENANT)
    holds_each_once(world, 14)


def test_a_second_installation_doubles_nobody(world):
    world.run("sync", TENANT)
    for each in files(world.folder):
        each.unlink()
    world.import_document()
    start(world, NEW[0])
    assert world.run("sync", TENANT).status == 0
    holds_each_once(world, 15)
    with world.open_store() as store:
        assert not any(e.is_pending for e in store.ledger(KEY).entries["User"].values())


def test_a_first_delivery_asks_little(world):
    world.run("sync", TENANT, "--vendor", "all")
    asked = [path for method, path in world.requests if method == "GET"]
    assert len(asked) <= 8


def test_a_vendor_with_our_ids_is_asked_nothing_once_it_is_known(tmp_path):
    with small_school(tmp_path, ids="ours") as world:
        world.run("sync", TENANT)
        world.forget_requests()
        start(world, NEW[0])
        world.run("sync", TENANT)
        assert [path for method, path in world.requests if method == "GET"] == []


@pytest.mark.parametrize("trouble", [{"status": 500}, {"status": 503}, {"garbage": True}])
def test_a_vendor_that_does_not_answer_what_it_has_gets_nothing_twice(world, trouble):
    """Unknown means ask: before each create, and where that is not answered either, next time."""
    world.run("sync", TENANT)
    for each in files(world.folder):
        each.unlink()
    world.import_document()
    for vendor in ("all", "some"):
        world.vendor(vendor).fail(method="GET", times=4, **trouble)
    world.run("sync", TENANT)
    for vendor in ("all", "some"):
        world.vendor(vendor).faults = []
    assert world.run("sync", TENANT).status == 0
    holds_each_once(world, 14)


def test_a_vendor_that_never_answers_gets_nothing_new(tmp_path):
    knobs = {"ids": "own", "refuse_duplicates": False}
    with small_school(tmp_path, **knobs) as world:
        world.vendor("all").fail(503, method="GET", times=None)
        world.run("sync", TENANT, "--vendor", "all")
        assert [path for method, path in world.requests if method == "POST"] == []


def test_a_vendor_that_cannot_be_asked_gets_all_and_the_report_says_so(tmp_path):
    knobs = {"ids": "own", "refuse_duplicates": False, "listing": "none"}
    with small_school(tmp_path, **knobs) as world:
        result = world.run("sync", TENANT, "--vendor", "all")
        assert (result.status, len(world.vendor("all").held("User"))) == (0, 14)
        assert "can neither filter nor list" in result.out


def test_a_vendor_with_our_ids_that_cannot_be_asked_is_no_limitation(tmp_path):
    with small_school(tmp_path, ids="ours", listing="none") as world:
        result = world.run("sync", TENANT, "--vendor", "all")
        assert result.status == 0
        assert "can neither" not in result.out


NOTHING_FOUND = (
    b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0, '
    b'"Resources": []}'
)


def test_a_filter_that_finds_nothing_of_what_is_there_is_not_believed(tmp_path):
    """The store's stamp does not show that the ledger has lost some of what the vendor has."""
    with small_school(tmp_path, ids="own", refuse_duplicates=False) as world:
        assert world.run("sync", TENANT).status == 0
        server = world.vendor("all")
        before = sorted(server.externalIds())
        server.fail(
            200, body=NOTHING_FOUND, times=None, method="GET", where=lambda r: "filter=" in r.path
        )
        with world.open_store() as store:
            for kind, entries in store.ledger(KEY).entries.items():
                lost = [LedgerChange(kind, each, forget=True) for each in list(entries)[:2]]
                store.record(KEY, lost)
        world.run("sync", TENANT)
        assert sorted(server.externalIds()) == before
