"""Who comes in where: nobody but the customer's administrators, asked of Google each hour."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from flask.testing import FlaskClient

from addon.web.security import auth
from addon.web.security.admission import SignInRefused
from tests.support.page_content import form_of
from tests.support.routes import HOW, SNAPSHOT, said
from tests.support.small_school import (
    ADMIN,
    DELEGATED,
    DOMAIN,
    PUPILS,
    STRANGER,
    TENANT,
    small_school_pages,
)
from tests.support.world import World

HOUR, MINUTE = 3600.0, 60.0
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


# Checked again each hour, and before changes


def comes_in(client: FlaskClient) -> int:
    return client.get("/installningar/logg").status_code


def saves(world: World, client: FlaskClient, hours: str = "6") -> int:
    """The status of saving the schedule, by a form that was shown a moment before."""
    page = client.get("/installningar")
    return world.send(client, page, "/installningar/schema", hours=hours).status_code


def test_google_is_asked_once_an_hour_of_who_only_looks(world: World) -> None:
    before = asked(world)  # about who reads the directory
    client = world.sign_in()
    once = asked(world)
    assert once == before + 1
    with world.later(HOUR - 60):
        assert comes_in(client) == 200
        assert asked(world) == once
    with world.later(HOUR + 60):
        assert [comes_in(client), comes_in(client)] == [200, 200]
        assert asked(world) == once + 1


def test_google_is_asked_before_a_change_when_its_answer_is_ten_minutes_old(world: World) -> None:
    client = world.sign_in()
    once = asked(world)
    with world.later(9 * MINUTE):
        assert saves(world, client) == 302
        assert asked(world) == once
    with world.later(11 * MINUTE):
        assert saves(world, client, "12") == 302
        assert asked(world) == once + 1
        assert saves(world, client) == 302
        assert asked(world) == once + 1


LOSSES = pytest.mark.parametrize(
    "change",
    [
        lambda domain: domain.suspend(ADMIN),
        lambda domain: domain.remove_user(ADMIN),
        lambda domain: domain.update_user(ADMIN, {"isAdmin": False}),
        lambda domain: domain.update_user(ADMIN, {"customerId": "C0annanstad"}),
    ],
    ids=["suspended", "deleted", "no longer administrator", "of another customer"],
)


@LOSSES
def test_who_is_no_longer_the_customers_administrator_is_out_within_an_hour(
    world: World, change: Any
) -> None:
    client, elsewhere = world.sign_in(), world.sign_in()
    change(world.domain)
    assert comes_in(client) == 200
    with world.later(HOUR + 60):
        assert comes_in(client) == 403
        assert comes_in(client) == 302  # and the session is over
    assert comes_in(elsewhere) == 302  # so are the account's others


@LOSSES
def test_who_is_no_longer_the_customers_administrator_changes_nothing(
    world: World, change: Any
) -> None:
    client = world.sign_in()
    page = client.get("/installningar")
    change(world.domain)
    with world.later(11 * MINUTE):
        sent = world.send(client, page, "/installningar/schema", hours="6")
    assert sent.status_code == 403
    assert "schedule" not in world.stored_document()


def test_an_answer_from_the_future_is_none(world: World) -> None:
    with world.later(30 * 24 * HOUR):
        client = world.sign_in()
    once = asked(world)
    assert comes_in(client) == 302  # a sign-in of next month neither
    with world.later(HOUR):
        client = world.sign_in()
        begun = asked(world)
        assert begun == once + 1
    with world.later(HOUR - 4 * MINUTE):
        assert comes_in(client) == 200
        assert asked(world) == begun + 1


def test_nobody_enters_on_an_old_answer_while_google_is_away(world: World) -> None:
    client = world.sign_in()
    world.directory.fail("/users/", times=None)
    with world.later(HOUR + 60):
        told = client.get("/")
        assert told.status_code == 503
        assert "Det går inte att kontrollera just nu" in world.text(told)
        # Whole words: two letters are in many a token made at random.
        assert not [word for word in OURS if re.search(rf"\b{re.escape(word)}\b", told.text)]
        world.directory.clear_failures()
        assert comes_in(client) == 200  # without signing in again


def test_a_request_is_let_in_by_one_read_of_the_store(world: World) -> None:
    client = world.sign_in()
    client.get("/installningar/logg")
    reads = []
    for name in ("authentication", "tenant", "tenant_and_licence"):
        original = getattr(type(world.store), name)

        def counted(*given: Any, _original: Any = original, _name: str = name) -> Any:
            reads.append(_name)
            return _original(*given)

        stack = mock.patch.object(type(world.store), name, counted)
        stack.start()
    try:
        assert client.get("/installningar/logg").status_code == 200
    finally:
        mock.patch.stopall()
    assert reads == ["authentication"]


# Sessions that end


def copied(world: World, client: FlaskClient) -> FlaskClient:
    """Another browser with a copy of the cookie."""
    kept = client.get_cookie("skolsynk")
    assert kept is not None
    other = world.app.test_client()
    other.set_cookie("skolsynk", kept.value)
    return other


def test_a_copied_cookie_is_worth_nothing_after_the_revoke(world: World) -> None:
    client, elsewhere = world.sign_in(), world.sign_in()
    copy = copied(world, client)
    assert comes_in(copy) == 200
    assert world.send(client, client.get("/"), "/logga-ut").status_code == 302
    assert comes_in(copy) == 302
    assert copied(world, elsewhere).get("/logga-in").location == "/"
    assert comes_in(elsewhere) == 200


def test_signing_out_everywhere_ends_all_sessions_of_the_account_and_no_others(
    world: World,
) -> None:
    world.document["administrators"] = [ADMIN, DELEGATED]
    world.import_document()
    first, second, other = world.sign_in(), world.sign_in(), world.sign_in(DELEGATED)
    left = world.send(first, first.get("/installningar"), "/logga-ut/overallt")
    assert (left.status_code, left.location) == (302, "/logga-in")
    assert [comes_in(each) for each in (first, second, other)] == [302, 302, 200]


def test_the_operator_ends_a_persons_sessions_or_all_of_a_tenant(world: World) -> None:
    world.document["administrators"] = [ADMIN, DELEGATED]
    world.import_document()
    first, second = world.sign_in(), world.sign_in(DELEGATED)
    stranger = world.sign_in(STRANGER)
    ran = world.run("revoke", TENANT, "--user", world.accounts[ADMIN])
    assert (ran.status, ran.out) == (0, f"{TENANT}: 1 session ended\n")
    assert [comes_in(first), comes_in(second)] == [302, 200]
    first = world.sign_in()
    ran = world.run("revoke", TENANT, "--all", "--json")
    assert json.loads(ran.out) == {"tenant": TENANT, "ended": 2}
    assert [comes_in(first), comes_in(second), comes_in(stranger)] == [302, 302, 200]
    assert world.run("revoke", TENANT).status == 2


def test_a_session_that_is_ended_while_google_is_asked_stays_ended(world: World) -> None:
    client = world.sign_in()
    original = auth.find_administrator

    def slow(*given: Any) -> Any:
        world.store.end_sessions(TENANT)
        return original(*given)

    with world.later(2 * HOUR), mock.patch.object(auth, "find_administrator", slow):
        assert comes_in(client) == 302
    assert comes_in(client) == 302


def test_a_session_of_an_earlier_version_is_none(world: World) -> None:
    client = world.sign_in()
    with client.session_transaction() as kept:
        kept["admin"] = {"sub": world.accounts[ADMIN], "email": ADMIN, "tenant": TENANT}
    assert comes_in(client) == 302


# Known by the account


def test_an_address_that_moves_to_another_account_brings_nothing_along(world: World) -> None:
    world.document["administrators"] = [ADMIN, DELEGATED]
    world.import_document()
    earlier = world.sign_in(DELEGATED)
    world.domain.change_address(DELEGATED, f"it.support2@{DOMAIN}", alias=False)
    later = world.domain.add_user(
        {
            "primaryEmail": DELEGATED,
            "name": {"givenName": "Nils", "familyName": "Ny"},
            "isDelegatedAdmin": True,
        }
    )
    with pytest.raises(SignInRefused):
        auth.authenticate(world.services, later["id"], DELEGATED)
    assert comes_in(earlier) == 200  # who has it still has another address
    for listed in ([ADMIN], [ADMIN, DELEGATED]):  # until somebody lists the address again
        world.document["administrators"] = listed
        world.import_document()
    assert auth.authenticate(world.services, later["id"], DELEGATED).sub == later["id"]
    assert comes_in(earlier) == 403


def test_a_listed_address_is_an_accounts_before_it_has_signed_in(world: World) -> None:
    client = world.sign_in()
    assert world.ready(client, "/personer").status_code == 200
    form = {"administrators": f"{ADMIN}\n{DELEGATED.upper()}"}
    page = client.get("/installningar")
    assert world.send(client, page, "/installningar/administratorer", **form).status_code == 302
    world.domain.change_address(DELEGATED, f"it.support2@{DOMAIN}", alias=False)
    later = world.domain.add_user(
        {
            "primaryEmail": DELEGATED,
            "name": {"givenName": "Nils", "familyName": "Ny"},
            "isDelegatedAdmin": True,
        }
    )
    with pytest.raises(SignInRefused):
        auth.authenticate(world.services, later["id"], DELEGATED)
    assert comes_in(world.sign_in(DELEGATED)) == 200  # by the account that had it


# Super administrators


def test_a_super_administrator_who_is_not_listed_can_change_the_list_and_see_nothing_else(
    world: World,
) -> None:
    world.document["administrators"] = [DELEGATED]
    world.import_document()
    client = world.sign_in()
    told = client.get("/personer")
    assert told.status_code == 403
    assert "Som avancerad administratör kan du alltid ändra" in world.text(told)
    page = client.get("/installningar")
    assert page.status_code == 200
    assert world.send(client, page, "/installningar/schema", hours="6").status_code == 403
    form = {"administrators": f"{DELEGATED}\n{ADMIN}"}
    assert world.send(client, page, "/installningar/administratorer", **form).status_code == 302
    assert comes_in(client) == 200


def test_who_is_no_super_administrator_removes_none_of_them(world: World) -> None:
    world.document["administrators"] = [ADMIN, DELEGATED]
    world.import_document()
    client = world.sign_in(DELEGATED)
    page = client.get("/installningar")
    address = "/installningar/administratorer"
    said = world.send(client, page, address, administrators=DELEGATED)
    assert said.status_code == 400
    assert "Bara en avancerad administratör kan ta bort en annan" in world.text(said)
    upload = {
        "file": (
            io.BytesIO(json.dumps({**world.document, "administrators": [DELEGATED]}).encode()),
            "d.json",
        )
    }
    form = form_of(client.get("/installningar/dokument"), "/installningar/dokument") | upload
    said = client.post("/installningar/dokument", data=form, content_type="multipart/form-data")
    assert said.status_code == 400
    assert "Bara en avancerad administratör" in world.text(said)
    world.directory.fail("/users/", times=None)
    said = world.send(client, page, address, administrators=DELEGATED)
    assert "Google svarar inte på frågan" in world.text(said)
    assert world.stored_document()["administrators"] == [ADMIN, DELEGATED]
    world.directory.clear_failures()
    world.domain.update_user(ADMIN, {"isAdmin": False})
    said = world.send(client, page, address, administrators=DELEGATED)
    assert said.status_code == 302


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


def test_a_super_administrator_who_becomes_a_delegated_one_is_out_within_an_hour(
    world: World,
) -> None:
    client = world.sign_in()
    rights = {"isAdmin": False, "isDelegatedAdmin": True}
    world.domain.update_user(ADMIN, rights)
    with world.later(HOUR + 60):
        assert comes_in(client) == 403
