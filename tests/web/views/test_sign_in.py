"""Signing in by a real OpenID provider: what it asks for, whom it lets in, what it says."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
import requests
from flask import Flask, session
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner

from addon import create_app
from addon.sandbox.identity import CLIENT_SECRET
from addon.settings import Settings, SqliteAddress
from addon.vendors.profiles import NotConfigured
from addon.web.security.safe_redirect import safe_path_after_sign_in
from tests.support.page_content import form_of
from tests.support.small_school import (
    ADMIN,
    DELEGATED,
    STRANGER,
    TEACHER,
    small_school_pages,
)
from tests.support.world import World

HOUR = 3600
PEOPLE = ("Ingrid", "Tapper", "Pärlbåt", "edu.storvik.se")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path, own_servers=True) as world:
        yield world


def changed(address: str, **parameters: str) -> str:
    """An address with other parameters in its query."""
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | parameters
    return urlunsplit(parts._replace(query=urlencode(query)))


def claims(world: World, sub: str, **said: object) -> None:
    """Has the provider say these claims of an account."""
    requests.put(f"{world.provider.url}/users/{sub}", json=said, timeout=9).raise_for_status()


def is_in(client: FlaskClient) -> bool:
    return client.get("/installningar/logg").status_code == 200


# The way in


def test_an_administrator_comes_back_to_the_page_first_asked_for(world: World) -> None:
    client = world.app.test_client()
    sent = client.get("/leverantorer?sida=2")
    assert sent.status_code == 302
    page = client.get(sent.location)
    assert "Logga in med Google" in world.text(page)
    begun = client.post("/logga-in", data=form_of(page, "/logga-in"))
    done = client.get(world.choose_account(begun.location, ADMIN))
    assert (done.status_code, done.location) == (302, "/leverantorer?sida=2")
    assert ADMIN in world.text(client.get("/"))


def test_a_link_alone_begins_nothing(world: World) -> None:
    client = world.app.test_client()
    with client:
        assert client.get("/logga-in").status_code == 200
        assert not [name for name in session if "state" in name]


def test_the_request_carries_pkce_state_and_nonce(world: World) -> None:
    location = world.begin_sign_in(world.app.test_client())
    asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert min(len(asked["state"]), len(asked["nonce"])) >= 20
    assert asked["scope"].split() == ["openid", "email", "profile"]
    assert asked["prompt"] == "select_account"
    assert asked["redirect_uri"] == "http://localhost/logga-in/klar"


@pytest.mark.parametrize("parameter", ["code_challenge", "nonce", "state"])
def test_what_was_tampered_with_on_the_way_lets_nobody_in(world: World, parameter: str) -> None:
    client = world.app.test_client()
    location = changed(world.begin_sign_in(client), **{parameter: "A" * 43})
    answer = client.get(world.choose_account(location, ADMIN))
    assert answer.status_code == 400
    assert "Försök igen från början" in world.text(answer)
    assert not is_in(client)


def test_a_sign_in_that_another_browser_began_lets_nobody_in(world: World) -> None:
    answer = world.choose_account(world.begin_sign_in(world.app.test_client()), ADMIN)
    other = world.app.test_client()
    world.begin_sign_in(other)
    assert other.get(answer).status_code == 400
    assert not is_in(other)


def test_a_code_is_good_once(world: World) -> None:
    client = world.app.test_client()
    answer = world.choose_account(world.begin_sign_in(client), ADMIN)
    assert client.get(answer).status_code == 302
    world.send(client, client.get("/"), "/logga-ut")
    assert client.get(answer).status_code == 400
    assert not is_in(client)


@pytest.mark.parametrize("claim", [{"aud": "another-client"}, {"iss": "https://elsewhere.se"}])
def test_a_token_for_or_from_others_lets_nobody_in(world: World, claim: dict[str, str]) -> None:
    claims(world, world.accounts[ADMIN], email=ADMIN, email_verified=True, **claim)
    client = world.app.test_client()
    assert world.try_to_sign_in(client).status_code == 400
    assert not is_in(client)


def test_a_sign_in_that_took_too_long_is_begun_again(world: World) -> None:
    client = world.app.test_client()
    answer = world.choose_account(world.begin_sign_in(client), ADMIN)
    with world.later(2 * HOUR):
        told = client.get(answer)
    assert told.status_code == 400
    assert "tog för lång tid" in world.text(told)


def test_many_beginnings_fit_in_a_cookie_and_the_last_ones_work(world: World) -> None:
    client = world.app.test_client()
    begun = [world.begin_sign_in(client) for _ in range(10)]
    kept = client.get_cookie("skolsynk")
    assert kept is not None
    assert len(kept.value) < 4000
    assert client.get(world.choose_account(begun[-1], ADMIN)).status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        *("//ont.se", "///ont.se", "/\\ont.se", "\\\\ont.se", "/\t/ont.se", "/\n/ont.se"),
        *("https://ont.se/", "javascript:alert(1)", "ont.se", ""),
        *("/logga-ut", "/logga-in/klar?error=x"),
    ],
)
def test_the_return_address_never_redirects_to_another_site(world: World, path: str) -> None:
    assert safe_path_after_sign_in(path) == "/"
    client = world.app.test_client()
    done = world.try_to_sign_in(client, return_to=path)
    assert (done.status_code, done.location) == (302, "/")


# Whom it lets in


def refused(world: World, who: str) -> str:
    """What somebody reads who may not come in."""
    client = world.app.test_client()
    answer = world.try_to_sign_in(client, who)
    assert answer.status_code == 403
    assert not is_in(client)
    return world.text(answer)


def test_a_teacher_is_told_which_account_is_needed(world: World) -> None:
    assert "ett konto som tillhör en avancerad administratör" in refused(world, TEACHER)


@pytest.mark.parametrize("what", ["suspend", "archive", "remove_user"])
def test_an_account_that_is_not_active_stays_out(world: World, what: str) -> None:
    getattr(world.domain, what)(ADMIN)
    assert "Kontot tillhör ingen administratör" in refused(world, ADMIN)


def test_who_google_does_not_let_ask_is_no_administrator(world: World) -> None:
    world.directory.fail("/users/", status=403, reason="forbidden", times=None)
    assert "Kontot tillhör ingen administratör" in refused(world, ADMIN)


def test_an_address_in_the_place_of_the_id_lets_nobody_in(world: World) -> None:
    claims(world, ADMIN, email=ADMIN, email_verified=True)
    client = world.app.test_client()
    answer = client.get(
        world.choose_account(changed(world.begin_sign_in(client)), f" {ADMIN}".strip())
    )
    assert answer.status_code == 302  # by the id
    world.accounts[ADMIN] = ADMIN
    assert "Kontot tillhör ingen administratör" in refused(world, ADMIN)


@pytest.mark.parametrize("verified", [False, None, "true"])
def test_an_address_that_is_not_verified_lets_nobody_in(world: World, verified: object) -> None:
    claims(world, world.accounts[ADMIN], email=ADMIN, email_verified=verified)
    refused(world, ADMIN)


@pytest.mark.parametrize("email", [[ADMIN], {"value": ADMIN}, True, 7])
def test_an_address_that_is_no_text_lets_nobody_in(world: World, email: object) -> None:
    claims(world, world.accounts[ADMIN], email=email, email_verified=True)
    refused(world, ADMIN)


def test_the_tenant_is_googles_answer_and_not_the_tokens(world: World) -> None:
    said = {"hd": "edu.annanstad.se", "customerId": "C0annanstad", "email": ADMIN}
    claims(world, world.accounts[ADMIN], email_verified=True, **said)
    assert "Storviks kommun" in world.text(world.sign_in_by_provider().get("/"))


def test_a_delegated_administrator_comes_in_when_named_and_only_then(world: World) -> None:
    assert "en del av en administratörs rättigheter" in refused(world, DELEGATED)
    world.document["administrators"] = [DELEGATED.upper()]
    world.import_document()
    assert is_in(world.sign_in_by_provider(DELEGATED))


def test_a_list_of_administrators_keeps_the_others_out(world: World) -> None:
    world.document["administrators"] = [DELEGATED, TEACHER]
    world.import_document()
    assert "det här kontot är inte med" in refused(world, ADMIN)
    assert "Kontot tillhör ingen administratör" in refused(world, TEACHER)


@pytest.mark.parametrize(
    "failure", [{"status": 403, "reason": "insufficientPermissions"}, {"status": 401}]
)
def test_where_skolsynk_has_no_access_the_remedy_is_reported(
    world: World, failure: dict[str, Any]
) -> None:
    world.directory.fail("/users/", times=None, **failure)
    assert "installera Skolsynk från Google Workspace Marketplace" in refused(world, ADMIN)


@pytest.mark.parametrize(
    "failure", [{}, {"kind": "drop"}, {"status": 403, "reason": "accessNotConfigured"}]
)
def test_while_google_does_not_answer_nobody_comes_in(
    world: World, failure: dict[str, Any]
) -> None:
    world.directory.fail("/users/", times=None, **failure)
    client = world.app.test_client()
    answer = world.try_to_sign_in(client)
    assert answer.status_code == 503
    assert "kontrollera just nu" in world.text(answer)
    assert not is_in(client)
    world.directory.clear_failures()
    assert is_in(world.sign_in_by_provider())


# What can go wrong at the provider


def test_who_breaks_off_is_told_so(world: World) -> None:
    answer = world.app.test_client().get("/logga-in/klar?error=access_denied&state=x")
    assert answer.status_code == 400
    assert "avbröts" in world.text(answer)


def test_what_an_address_says_is_not_repeated(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        told = world.app.test_client().get(
            "/logga-in/klar?error=<b>ingrid&error_description=<b>tapper"
        )
    assert told.status_code == 400
    assert "ingrid" not in told.text + caplog.text
    assert "tapper" not in told.text + caplog.text


def test_a_provider_that_is_away_is_told_so(tmp_path: Path) -> None:
    with small_school_pages(tmp_path, SKOLSYNK_OIDC_DISCOVERY="http://127.0.0.1:9/oidc") as world:
        client = world.app.test_client()
        page = client.get("/logga-in")
        assert page.status_code == 200
        answer = client.post("/logga-in", data=form_of(page, "/logga-in"))
        assert answer.status_code == 503
        assert "svarar inte just nu" in world.text(answer)


def test_a_provider_that_goes_away_half_way_lets_nobody_in(world: World) -> None:
    client = world.app.test_client()
    answer = world.choose_account(world.begin_sign_in(client), ADMIN)
    world.provider.__exit__()
    told = client.get(answer)
    assert told.status_code == 503
    assert not is_in(client)


def test_a_wrong_client_secret_lets_nobody_in(tmp_path: Path) -> None:
    with small_school_pages(tmp_path, SKOLSYNK_OIDC_CLIENT_SECRET="another") as world:
        client = world.app.test_client()
        assert world.try_to_sign_in(client).status_code == 400
        assert not is_in(client)


def not_set_up(folder: Path, **settings: object) -> Flask:
    return create_app(Settings(SqliteAddress(folder / "x.db"), {}, **settings))  # type: ignore[arg-type]


def test_where_signing_in_is_not_set_up_the_page_says_which_variables(tmp_path: Path) -> None:
    client = not_set_up(tmp_path).test_client()
    answer = client.get("/logga-in")
    assert answer.status_code == 503
    assert "SKOLSYNK_OIDC_CLIENT_ID" in answer.text
    assert "SKOLSYNK_OIDC_CLIENT_SECRET" in answer.text
    assert client.get("/logga-in/klar?code=x&state=y").status_code == 503


def test_where_its_secret_cannot_be_had_a_page_says_so(tmp_path: Path) -> None:
    away = NotConfigured("not in Secret Manager")
    reference = "secretmanager:projects/p/secrets/s/versions/1"
    with (
        small_school_pages(tmp_path, SKOLSYNK_OIDC_CLIENT_SECRET=reference) as world,
        mock.patch(
            "addon.web.views.sign_in.secret_manager", return_value=mock.Mock(side_effect=away)
        ),
    ):
        client = world.app.test_client()
        page = client.get("/logga-in")
        assert client.post("/logga-in", data=form_of(page, "/logga-in")).status_code == 503


def test_the_secret_may_be_in_secret_manager(tmp_path: Path) -> None:
    reference = "secretmanager:projects/p/secrets/s/versions/1"
    known = {reference.removeprefix("secretmanager:"): CLIENT_SECRET}
    with (
        small_school_pages(tmp_path, SKOLSYNK_OIDC_CLIENT_SECRET=reference) as world,
        mock.patch("addon.web.views.sign_in.secret_manager", return_value=known.__getitem__),
    ):
        assert is_in(world.sign_in_by_provider())


def test_where_the_store_is_away_a_plain_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    answer = not_set_up(tmp_path).test_client().get("/")
    assert answer.status_code == 503
    assert "Något gick fel" in answer.text


def test_no_log_line_tells_who_signs_in(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        world.sign_in_by_provider()
        refused(world, TEACHER)
        world.directory.fail("/users/", times=None)
        world.try_to_sign_in(world.app.test_client())
        world.directory.clear_failures()
        world.directory.fail("/users/", status=401, times=None)
        world.try_to_sign_in(world.app.test_client())
    told = "".join(r.getMessage() for r in caplog.records if r.name.startswith("addon"))
    assert told
    assert not [word for word in (*PEOPLE, *world.accounts.values()) if word in told]


# The session


def cookie(client: FlaskClient, path: str = "/logga-in") -> str:
    (found,) = client.get(path).headers.getlist("Set-Cookie")
    return found


def test_the_cookie_is_for_us_alone(world: World) -> None:
    found = cookie(world.app.test_client())
    assert found.startswith("skolsynk=")
    attributes = {part.strip() for part in found.split(";")[1:]}
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= attributes
    assert "Secure" not in attributes  # over plain http on loopback it would not be kept


def test_over_https_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    with small_school_pages(tmp_path, SKOLSYNK_URL="https://skolsynk.example") as world:
        client = world.app.test_client()
        found = cookie(client)
        assert found.startswith("__Host-skolsynk=")
        attributes = {part.strip() for part in found.split(";")[1:]}
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= attributes
        assert not [part for part in attributes if part.startswith("Domain")]
        client = world.app.test_client()
        page = client.get("/logga-in", base_url="https://skolsynk.example")
        assert page.headers["Strict-Transport-Security"].startswith("max-age=")
        begun = client.post(
            "/logga-in",
            data=form_of(page, "/logga-in"),
            base_url="https://skolsynk.example",
            headers={"Referer": "https://skolsynk.example/logga-in"},
        )
        asked = parse_qs(urlsplit(begun.location).query)
        assert asked["redirect_uri"] == ["https://skolsynk.example/logga-in/klar"]


def test_the_cookie_holds_the_id_of_a_session_and_nobodys_name(world: World) -> None:
    client = world.sign_in_by_provider()
    client.get("/")
    with client.session_transaction() as kept:
        assert set(kept) <= {"_permanent", "admin", "csrf_token"}
        assert set(kept["admin"]) == {"tenant", "id"}
        assert len(kept["admin"]["id"]) >= 40


def test_signing_in_begins_a_session_of_its_own(world: World) -> None:
    client = world.app.test_client()
    page = client.get("/logga-in")
    before = form_of(page, "/logga-in")["csrf_token"]
    client.post("/sprak", data={"csrf_token": before, "language": "en"})
    begun = client.post("/logga-in", data=form_of(page, "/logga-in"))
    client.get(world.choose_account(begun.location, ADMIN))
    assert is_in(client)
    assert client.post("/logga-ut", data={"csrf_token": before}).status_code == 400
    with client.session_transaction() as kept:
        assert kept["language"] == "en"


def test_signing_out_ends_it_and_only_by_our_form(world: World) -> None:
    client = world.sign_in_by_provider()
    assert client.post("/logga-ut").status_code == 400
    assert is_in(client)
    page = client.get("/")
    left = world.send(client, page, "/logga-ut")
    assert (left.status_code, left.location) == (302, "/logga-in")
    assert not is_in(client)


def test_a_second_window_that_ends_later_finds_the_person_signed_in(world: World) -> None:
    client = world.app.test_client()
    ways = [world.choose_account(world.begin_sign_in(client), ADMIN) for _ in range(2)]
    assert client.get(ways[0]).status_code == 302
    late = client.get(ways[0])
    assert (late.status_code, late.location) == (302, "/")
    assert is_in(client)


def test_who_has_signed_in_is_not_asked_again(world: World) -> None:
    answer = world.sign_in_by_provider().get("/logga-in?vidare=/korningar")
    assert (answer.status_code, answer.location) == (302, "/korningar")


@pytest.mark.parametrize(("idle", "lasts"), [(11 * HOUR, True), (13 * HOUR, False)])
def test_after_twelve_hours_without_a_request_the_session_is_over(
    world: World, idle: int, lasts: bool
) -> None:
    then = int(time.time()) - idle
    with mock.patch.object(TimestampSigner, "get_timestamp", return_value=then):
        client = world.sign_in_by_provider()
    assert is_in(client) == lasts


def test_after_a_week_one_signs_in_again_in_any_case(world: World) -> None:
    client = world.sign_in_by_provider()
    with world.later(7 * 24 * HOUR - 60):
        assert is_in(client)
    with world.later(7 * 24 * HOUR + 60):
        assert not is_in(client)


def test_sessions_outlive_a_restart_and_a_forged_one_is_none(world: World) -> None:
    kept = world.sign_in_by_provider().get_cookie("skolsynk")
    assert kept is not None
    world.restart_application()
    client = world.app.test_client()
    client.set_cookie("skolsynk", kept.value)
    assert is_in(client)
    payload, _, rest = kept.value.partition(".")
    forged = world.app.test_client()
    forged.set_cookie("skolsynk", f"{payload[:-2]}AA.{rest}")
    assert not is_in(forged)


def test_the_secret_of_the_settings_is_what_sessions_are_signed_with(tmp_path: Path) -> None:
    with small_school_pages(tmp_path, SKOLSYNK_SESSION_SECRET="s" * 32) as world:
        assert is_in(world.sign_in_by_provider())
        assert world.app.secret_key == "s" * 32


# What browsers are told


def test_the_sign_in_form_may_lead_to_the_provider_and_no_other_form_may(world: World) -> None:
    policy = "Content-Security-Policy"
    page = world.app.test_client().get("/logga-in").headers[policy]
    assert f"form-action 'self' {world.provider.url};" in page
    other = world.sign_in_by_provider().get("/").headers[policy]
    assert "form-action 'self';" in other
    for said in (page, other):
        assert "default-src 'none'" in said
        assert "unsafe" not in said
        assert "frame-ancestors 'none'" in said


# Installing


def test_who_comes_before_the_access_is_given_reads_what_is_missing_and_where_it_is_given(
    world: World,
) -> None:
    world.directory.fail("/users", status=403, reason="insufficientPermissions", times=None)
    world.directory.fail("/customers", status=403, reason="insufficientPermissions", times=None)
    world.directory.fail("/users/", status=401, reason="authError", times=None)
    client = world.app.test_client()
    answer = world.try_to_sign_in(client)
    assert answer.status_code == 403
    said = world.text(answer)
    assert "Skolsynk har inte tillgång till ert Google Workspace." in said
    assert "gäller den först när båda har gjort det" in said
    assert "Personer https://www.googleapis.com/auth/admin.directory.user.readonly" in said
    assert "Uppgifter om organisationen https://" in said
    assert "Grupper https://" not in said
    assert 'href="https://admin.google.com/ac/apps/gmail/marketplace/apps"' in answer.text
    assert 'href="https://admin.google.com/ac/owl/domainwidedelegation"' in answer.text


def test_an_uninstalled_app_lets_nobody_in_and_an_installed_one_does(world: World) -> None:
    world.directory.marketplace.uninstall()
    client = world.app.test_client()
    assert "Skolsynk har inte tillgång" in world.text(world.try_to_sign_in(client))
    world.directory.marketplace.install()
    assert world.try_to_sign_in(client).status_code == 302


def test_the_first_page_says_whether_everything_can_be_read(world: World) -> None:
    client = world.sign_in(STRANGER)
    assert "Skolsynk har tillgång till ert Google Workspace." in world.text(client.get("/"))
    world.directory.fail("/groups", status=403, reason="insufficientPermissions", times=None)
    page = client.get("/")
    said = world.text(page)
    assert "Det här får Skolsynk inte läsa i er katalog ännu:" in said
    assert "Grupper https://www.googleapis.com/auth/admin.directory.group.readonly" in said
    assert "Börja" in said
