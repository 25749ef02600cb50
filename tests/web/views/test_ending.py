"""How it ends: everything goes at the vendors, each removal approved, and then here."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from addon.planning.ledger import LedgerKey
from addon.store.process_identity import process_holder
from addon.sync.ending import continue_ending
from tests.support.page_content import form_of
from tests.support.small_school import (
    ADMIN,
    DELEGATED,
    OTHER_TENANT,
    STRANGER,
    TENANT,
    deliver,
    set_live,
    small_school_pages,
)
from tests.support.world import World

PAGE = "/installningar/avsluta"
NAME = "Storviks kommun"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


def end(world: World, client: FlaskClient, name: str = NAME) -> TestResponse:
    return world.send(client, client.get(PAGE), PAGE, name=name)


def rows(world: World, tenant: str = TENANT) -> dict[str, int]:
    """How many rows each table of the store's file has of a tenant."""
    with closing(sqlite3.connect(world.folder / "skolsynk.db")) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found = {}
        for (table,) in tables:
            columns = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            column = next((c for c in ("tenant", "id") if c in columns), None)
            if column and table != "stamp":
                query = f"SELECT count(*) FROM {table} WHERE {column} = ?"
                found[table] = db.execute(query, (tenant,)).fetchone()[0]
        return {table: count for table, count in found.items() if count}


def approve(world: World, client: FlaskClient, vendor: str) -> None:
    path = f"/sparrar/{vendor}/live"
    page = client.get("/sparrar")
    answer = world.send(client, page, path, decision="approve")
    assert answer.status_code == 302, answer.text
    world.wait_for_tasks()


def test_each_removal_is_approved_and_then_nothing_is_left_anywhere(world: World) -> None:
    set_live(world)
    deliver(world)
    client, stranger = world.sign_in_by_provider(), world.sign_in_by_provider(STRANGER)
    world.forget_requests()
    answer = end(world, client)
    assert (answer.status_code, answer.location) == (302, PAGE)
    assert world.requests == []  # nothing is removed that nobody has approved
    said = world.text(client.get(PAGE))
    assert "Ni håller på att avsluta: 2 borttagningar hos leverantörer återstår." in said
    assert all(c.get("mode", "off") == "off" for c in world.stored_document()["connections"])
    approve(world, client, "all")
    assert world.vendor("all").externalIds() == []
    assert world.store.tenant(TENANT) is not None
    assert "1 borttagning hos en leverantör återstår" in world.text(client.get(PAGE))
    approve(world, client, "some")
    assert world.vendor("some").externalIds() == []
    assert world.store.tenants() == []
    assert rows(world) == {}
    assert client.get("/").status_code == 302  # the session has gone too
    assert rows(world, OTHER_TENANT) != {}
    assert stranger.get("/").status_code == 200


def test_with_nothing_at_vendors_everything_is_deleted_at_once_and_said(world: World) -> None:
    client, other = world.sign_in_by_provider(), world.sign_in()
    assert world.ready(client, "/personer").status_code == 200
    answer = end(world, client)
    assert answer.status_code == 200
    assert "Allt som Skolsynk hade sparat om Storviks kommun är raderat" in world.text(answer)
    assert rows(world) == {}
    assert [each.get("/").status_code for each in (client, other)] == [302, 302]


def test_the_name_is_typed_to_confirm(world: World) -> None:
    client = world.sign_in()
    answer = end(world, client, "Storvik")
    assert answer.status_code == 400
    assert "Skriv organisationens namn, Storviks kommun" in world.text(answer)
    assert world.store.tenant(TENANT) is not None


def test_only_a_super_administrator_ends_it(world: World) -> None:
    world.document["administrators"] = [ADMIN, DELEGATED]
    world.import_document()
    client = world.sign_in(DELEGATED)
    page = client.get(PAGE)
    assert "Bara en avancerad administratör kan avsluta." in world.text(page)
    token = form_of(page, "/logga-ut")["csrf_token"]
    answer = client.post(PAGE, data={"csrf_token": token, "name": NAME})
    assert answer.status_code == 403
    assert world.store.tenant(TENANT) is not None


@pytest.mark.parametrize("how", ["cancelled", "refused", "turned on again"])
def test_who_goes_back_on_it_keeps_everything(world: World, how: str) -> None:
    set_live(world, "all")
    deliver(world)
    client = world.sign_in()
    end(world, client)
    if how == "cancelled":
        world.send(client, client.get(PAGE), PAGE, do="cancel")
    elif how == "refused":
        world.send(client, client.get("/sparrar"), "/sparrar/all/live", decision="refuse")
    else:
        set_live(world, "some")
    assert len(world.vendor("all").held("User")) == 16
    if how != "turned on again":
        assert world.store.hold(LedgerKey(TENANT, "all", "live")) is None or how == "refused"
        assert "Ni håller på att avsluta" not in world.text(client.get(PAGE))
    assert world.run("withdraw", TENANT, "--vendor", "all", "--yes").status == 0
    with world.sync_context() as context:
        assert not continue_ending(context, TENANT)
    assert world.store.tenant(TENANT) is not None


def test_while_a_run_goes_on_nothing_is_deleted(world: World) -> None:
    client, now = world.sign_in(), world.clock()
    key = LedgerKey(TENANT, "all", "live")
    assert world.store.acquire(key, process_holder("r"), now + 60, now) is None
    answer = end(world, client)
    assert answer.location == PAGE
    assert "En körning pågår" in world.text(client.get(PAGE))
    assert world.store.tenant(TENANT) is not None
