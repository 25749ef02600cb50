"""Who comes in where: nobody but the customer's administrators, asked of Google each day."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from addon import create_app
from addon.delivery.ledger import Key
from addon.settings import Settings, SqliteStore
from addon.web.answers import FOR_PROGRAMS
from addon.web.gate import OPEN, roles
from tests.installation import DOMAIN, PUPILS, TENANT
from tests.web.site import ADMIN, OTHER_TENANT, STRANGER, TEACHER, Site, form_of

ROUTES = Path(__file__).with_name("routes.txt")
DAY = 24 * 3600.0
OURS = ("Storvik", DOMAIN, *(family for names in PUPILS.values() for _, family in names))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


def bare(folder: Path) -> Flask:
    return create_app(Settings(SqliteStore(folder / "x.db"), {}))


def asked(site: Site) -> int:
    """How often the directory was asked about who signs in."""
    return sum("/users/" in r.path for r in site.installation.directory.requests)


def walk(site: Site) -> Iterator[tuple[str, str, Rule]]:
    """Each route that is not open: method, an address of this tenant's, rule."""
    run = next(iter(site.store.runs(TENANT)), None)
    values = {
        "code": "12345678",
        "vendor": "all",
        "mode": "live",
        "user_id": next(iter(site.installation.domain.users)),
        "run_id": run.id if run else "20260817T070000",
    }
    known = site.app.url_map.bind("localhost")
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint in OPEN or rule.rule.split("/")[1] in FOR_PROGRAMS:
            continue
        given = {name: values.get(name, "other") for name in rule.arguments}
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, known.build(rule.endpoint, given, method=method), rule


# The routes


def test_who_may_come_in_where_is_as_it_was_decided(tmp_path: Path) -> None:
    """A new route is a decision: write it down in tests/web/routes.txt, with who may use it."""
    found = [f"{role:<13} {rule}" for rule, role in roles(bare(tmp_path)).items()]
    assert found == ROUTES.read_text("utf-8").splitlines()


def test_nobody_gets_in_anywhere(site: Site) -> None:
    client = site.app.test_client()
    token = form_of(client.get("/logga-in"), "/logga-in")["csrf_token"]
    for method, path, rule in walk(site):
        answer = client.open(path, method=method, data={"csrf_token": token})
        if method == "GET":
            assert answer.status_code == 302, path
            assert answer.location.startswith("/logga-in"), path
        else:
            assert answer.status_code == 401, (method, path)
        assert not [word for word in OURS if word in answer.text], rule
    assert not site.installation.requests


def test_who_is_no_administrator_gets_in_nowhere(site: Site) -> None:
    client = site.app.test_client()
    assert site.try_to_sign_in(client, TEACHER).status_code == 403
    for method, path, _ in walk(site):
        assert client.open(path, method=method).status_code in (302, 401), (method, path)


def test_another_tenants_administrator_reaches_nothing_of_ours(site: Site) -> None:
    site.installation.connection("all", mode="live")
    assert site.installation.run("sync", TENANT).status == 0
    site.installation.forget_requests()
    site.store.save_tenant(OTHER_TENANT, json.dumps(theirs(site)).encode())
    before = ours(site)
    client = site.sign_in(STRANGER)
    assert client.get("/").status_code == 200
    for method, path, rule in walk(site):
        token = form_of(client.get("/"), "/sprak")["csrf_token"]
        more: dict[str, Any] = {"data": {"csrf_token": token}} if method != "GET" else {}
        answer = client.open(path, method=method, **more)
        assert answer.status_code < 500, (method, path)
        assert not [word for word in OURS if word in answer.text], (method, rule)
        site.tasks()
    assert ours(site) == before
    assert not site.installation.requests


def theirs(site: Site) -> dict[str, Any]:
    """A document of the other tenant that names what ours does."""
    return copy.deepcopy(site.installation.document) | {
        "customerId": OTHER_TENANT,
        "primaryDomain": "edu.annanstad.se",
        "delegatedAdmin": STRANGER,
        "organisation": {"name": "Annanstads kommun"},
    }


def ours(site: Site) -> object:
    """All that the store has of the first tenant."""
    keys = [Key(TENANT, vendor, mode) for vendor in ("all", "some") for mode in ("test", "live")]
    return (
        site.store.tenant(TENANT),
        site.store.runs(TENANT),
        site.store.entries(TENANT),
        [(site.store.hold(key), site.store.approval(key)) for key in keys],
        [(key.vendor, size) for key, size, _ in site.store.ledgers(TENANT)],
    )


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


# Forms


def test_a_form_that_is_not_ours_changes_nothing(site: Site) -> None:
    client = site.sign_in()
    stranger = form_of(site.sign_in(STRANGER).get("/"), "/sprak")["csrf_token"]
    before = ours(site)
    for method, path, _ in walk(site):
        if method == "GET":
            continue
        for token in (None, "wrong", stranger):
            data = {} if token is None else {"csrf_token": token}
            answer = client.open(path, method=method, data=data)
            assert answer.status_code == 400, (method, path)
            assert "Sidan var för gammal" in site.read(answer), (method, path)
    assert ours(site) == before


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
