"""Who comes in where: nobody but the customer's administrators, asked of Google each day."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.installation import DOMAIN, PUPILS
from tests.support.routes import HOW, SNAPSHOT, said
from tests.support.site import ADMIN, DELEGATED, Site

DAY = 24 * 3600.0
OURS = ("Storvik", DOMAIN, *(family for names in PUPILS.values() for _, family in names))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


def asked(site: Site) -> int:
    """How often the directory was asked about who signs in."""
    return sum("/users/" in r.path for r in site.installation.directory.requests)


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
def test_no_spelling_of_an_address_goes_around_the_gate(site: Site, path: str) -> None:
    answer = site.app.test_client().get(path)
    assert answer.status_code in (301, 302, 308, 403, 404)
    assert "Körningar" not in answer.text


def test_nobody_learns_which_pages_there_are(site: Site) -> None:
    client = site.app.test_client()
    for path in ("/skolenheter/12345678", "/skolenheter/87654321", "/finns-inte"):
        assert client.get(path).location == f"/logga-in?vidare={path}"
        assert client.post(path).status_code == 401
    told = site.sign_in().get("/finns-inte")
    assert told.status_code == 404
    assert "Sidan finns inte" in site.read(told)


def test_a_part_of_a_page_has_the_whole_page_sign_in(site: Site) -> None:
    shown = {"HX-Request": "true", "HX-Current-URL": "http://localhost/forslag?sida=2"}
    for answer in (
        site.app.test_client().get("/korningar", headers=shown),
        site.app.test_client().post("/forslag", headers=shown),
    ):
        assert answer.status_code == 401
        assert answer.headers["HX-Redirect"] == "/logga-in?vidare=/forslag?sida%3D2"


@pytest.mark.parametrize("shown", ["http://[", "", "javascript:alert(1)"])
def test_a_part_of_a_page_at_an_odd_address_signs_in_all_the_same(site: Site, shown: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": shown}
    answer = site.app.test_client().get("/korningar", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/logga-in")


# Each day anew


def comes_in(client: FlaskClient) -> int:
    return client.get("/installningar/logg").status_code


def test_google_is_asked_once_a_day(site: Site) -> None:
    client = site.sign_in()
    once = asked(site)
    assert once == 1
    with site.later(DAY - 60):
        assert comes_in(client) == 200
        assert asked(site) == once
    with site.later(DAY + 60):
        assert [comes_in(client), comes_in(client)] == [200, 200]
        assert asked(site) == once + 1


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
    site: Site, change: Any
) -> None:
    client = site.sign_in()
    change(site.installation.domain)
    assert comes_in(client) == 200
    with site.later(DAY + 60):
        assert comes_in(client) == 403
        assert comes_in(client) == 302  # and the session is over


def test_nobody_enters_on_an_old_answer_while_google_is_away(site: Site) -> None:
    client = site.sign_in()
    site.installation.directory.fail("/users/", times=None)
    with site.later(DAY + 60):
        told = client.get("/")
        assert told.status_code == 503
        assert "Det går inte att kontrollera just nu" in site.read(told)
        assert not [word for word in OURS if word in told.text]
        site.installation.directory.heal()
        assert comes_in(client) == 200  # without signing in again


def test_a_list_of_administrators_holds_at_once(site: Site) -> None:
    client = site.sign_in()
    site.installation.document["administrators"] = [f"it.support@{DOMAIN}"]
    site.installation.import_document()
    told = client.get("/")
    assert told.status_code == 403
    assert "kontot är inte en av dem" in site.read(told)


def test_a_listed_administrator_who_is_removed_is_out_at_once(site: Site) -> None:
    site.installation.document["administrators"] = [ADMIN, DELEGATED]
    site.installation.import_document()
    first, second = site.sign_in(), site.sign_in(DELEGATED)
    assert comes_in(second) == 200
    page = first.get("/installningar")
    left = site.send(first, page, "/installningar/administratorer", administrators=ADMIN)
    assert left.status_code == 302
    assert comes_in(second) == 403
    assert comes_in(second) == 302  # and the session is over
    assert comes_in(first) == 200


def test_a_delegated_administrator_who_is_no_longer_named_is_out_at_once(site: Site) -> None:
    site.installation.document["administrators"] = [DELEGATED]
    site.installation.import_document()
    client = site.sign_in(DELEGATED)
    assert comes_in(client) == 200
    site.installation.document["administrators"] = []
    site.installation.import_document()
    assert comes_in(client) == 403


def test_a_super_administrator_who_becomes_a_delegated_one_is_out_within_a_day(site: Site) -> None:
    client = site.sign_in()
    rights = {"isAdmin": False, "isDelegatedAdmin": True}
    site.installation.domain.update_user(ADMIN, rights)
    with site.later(DAY + 60):
        assert comes_in(client) == 403
