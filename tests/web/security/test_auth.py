"""Who comes in where: nobody but the customer's administrators, asked of Google each day."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.routes import HOW, SNAPSHOT, said
from tests.support.small_school import ADMIN, DELEGATED, DOMAIN, PUPILS, small_school_pages
from tests.support.world import World

DAY = 24 * 3600.0
OURS = ("Storvik", DOMAIN, *(family for names in PUPILS.values() for _, family in names))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


def asked(world: World) -> int:
    """How often the directory was asked about who signs in."""
    return sum("/users/" in r.path for r in world.directory.requests)


# The routes


def test_who_may_come_in_where_is_as_it_was_decided(tmp_path: Path) -> None:
    """A new route is a decision; what reaches another tenant's data is in test_tenants.py."""
    found, decided = said(tmp_path), SNAPSHOT.read_text("utf-8").splitlines()
    assert found == decided, f"{set(found) ^ set(decided)}. {HOW}"


@pytest.mark.parametrize(
    "path",
    [
        *("//korningar", "/./korningar", "/static/../korningar", "/korningar/", "/KORNINGAR"),
        *("/cron/../korningar", "/healthz/../korningar", "/static/%2e%2e/korningar", "/logga-in/x"),
    ],
)
def test_no_spelling_of_an_address_avoids_authorisation(world: World, path: str) -> None:
    answer = world.app.test_client().get(path)
    assert answer.status_code in (301, 302, 308, 403, 404)
    assert "Körningar" not in answer.text


def test_nobody_learns_which_pages_there_are(world: World) -> None:
    client = world.app.test_client()
    for path in ("/skolenheter/12345678", "/skolenheter/87654321", "/finns-inte"):
        assert client.get(path).location == f"/logga-in?vidare={path}"
        assert client.post(path).status_code == 401
    told = world.sign_in().get("/finns-inte")
    assert told.status_code == 404
    assert "Sidan finns inte" in world.text(told)


def test_a_part_of_a_page_has_the_whole_page_sign_in(world: World) -> None:
    shown = {"HX-Request": "true", "HX-Current-URL": "http://localhost/forslag?sida=2"}
    for answer in (
        world.app.test_client().get("/korningar", headers=shown),
        world.app.test_client().post("/forslag", headers=shown),
    ):
        assert answer.status_code == 401
        assert answer.headers["HX-Redirect"] == "/logga-in?vidare=/forslag?sida%3D2"


@pytest.mark.parametrize("shown", ["http://[", "", "javascript:alert(1)"])
def test_a_part_of_a_page_at_an_odd_address_signs_in_all_the_same(world: World, shown: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": shown}
    answer = world.app.test_client().get("/korningar", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/logga-in")


# Checked again each day


def comes_in(client: FlaskClient) -> int:
    return client.get("/installningar/logg").status_code


def test_google_is_asked_once_a_day(world: World) -> None:
    client = world.sign_in()
    once = asked(world)
    assert once == 1
    with world.later(DAY - 60):
        assert comes_in(client) == 200
        assert asked(world) == once
    with world.later(DAY + 60):
        assert [comes_in(client), comes_in(client)] == [200, 200]
        assert asked(world) == once + 1


@pytest.mark.parametrize(
    "change",
    [
        lambda domain: domain.suspend(ADMIN),
        lambda domain: domain.remove_user(ADMIN),
        lambda domain: domain.update_user(ADMIN, {"isAdmin": False}),
        lambda domain: domain.update_user(ADMIN, {"customerId": "C0annanstad"}),
    ],
    ids=["suspended", "deleted", "no longer administrator", "of another customer"],
)
def test_who_is_no_longer_the_customers_administrator_is_out_within_a_day(
    world: World, change: Any
) -> None:
    client = world.sign_in()
    change(world.domain)
    assert comes_in(client) == 200
    with world.later(DAY + 60):
        assert comes_in(client) == 403
        assert comes_in(client) == 302  # and the session is over


def test_nobody_enters_on_an_old_answer_while_google_is_away(world: World) -> None:
    client = world.sign_in()
    world.directory.fail("/users/", times=None)
    with world.later(DAY + 60):
        told = client.get("/")
        assert told.status_code == 503
        assert "Det går inte att kontrollera just nu" in world.text(told)
        assert not [word for word in OURS if word in told.text]
        world.directory.clear_failures()
        assert comes_in(client) == 200  # without signing in again


def test_a_list_of_administrators_holds_at_once(world: World) -> None:
    client = world.sign_in()
    world.document["administrators"] = [f"it.support@{DOMAIN}"]
    world.import_document()
    told = client.get("/")
    assert told.status_code == 403
    assert "det här kontot är inte med" in world.text(told)


def test_a_listed_administrator_who_is_removed_is_out_at_once(world: World) -> None:
    world.document["administrators"] = [ADMIN, DELEGATED]
    world.import_document()
    first, second = world.sign_in(), world.sign_in(DELEGATED)
    assert comes_in(second) == 200
    page = first.get("/installningar")
    left = world.send(first, page, "/installningar/administratorer", administrators=ADMIN)
    assert left.status_code == 302
    assert comes_in(second) == 403
    assert comes_in(second) == 302  # and the session is over
    assert comes_in(first) == 200


def test_a_delegated_administrator_who_is_no_longer_named_is_out_at_once(world: World) -> None:
    world.document["administrators"] = [DELEGATED]
    world.import_document()
    client = world.sign_in(DELEGATED)
    assert comes_in(client) == 200
    world.document["administrators"] = []
    world.import_document()
    assert comes_in(client) == 403


def test_a_super_administrator_who_becomes_a_delegated_one_is_out_within_a_day(
    world: World,
) -> None:
    client = world.sign_in()
    rights = {"isAdmin": False, "isDelegatedAdmin": True}
    world.domain.update_user(ADMIN, rights)
    with world.later(DAY + 60):
        assert comes_in(client) == 403
