"""Forged, stale, misdirected and missing tokens: they get nothing, and change nothing."""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from joserfc.jwk import RSAKey
from msgspec import structs
from werkzeug.test import TestResponse

from addon.planning.ledger import LedgerKey
from addon.sandbox.google_signer import GoogleSigner
from addon.web.addon_card.caller import AdministratorChecks
from addon.web.addon_card.endpoints import KEY as KEY_OF_SERVICE
from addon.web.addon_card.endpoints import LARGEST_EVENT
from tests.support.addon_panel import (
    ACCOUNT,
    ACTION,
    CLIENT,
    HOME,
    URL,
    Panel,
    addon_world,
    buttons,
    certificates,
    parameters,
    text_on,
)
from tests.support.small_school import (
    ADMIN,
    STRANGER,
    TEACHER,
    TENANT,
    cause_hold,
    set_live,
    small_school_pages,
)
from tests.support.world import JSON, World

KEY = LedgerKey(TENANT, "all", "live")
OURS = ("Storvik", "Norra skolan", "Spärr hos", "personer")


class Held(NamedTuple):
    world: World
    panel: Panel
    approval: dict[str, str]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    """A world with a hold, and the parameters that approve it."""
    with addon_world(tmp_path_factory.mktemp("world")) as (world, panel):
        set_live(world, "all")
        cause_hold(world)
        card, _ = panel.click(panel.home(), "Godkänn")
        yield Held(world, panel, parameters(buttons(card)[0]))


@pytest.fixture(autouse=True)
def certificates_are_up() -> Iterator[None]:
    certificates().down = False
    yield
    certificates().down = False


def approving(held: Held) -> JSON:
    return held.panel.event(ACTION, **held.approval)


def system(held: Held, **claims: Any) -> JSON:
    """An approval with other claims in the token of Google's service."""
    event = approving(held)
    event["authorizationEventObject"]["systemIdToken"] = held.panel.system_token(ACTION, **claims)
    return event


def user(held: Held, who: str = ADMIN, /, **claims: Any) -> JSON:
    """An approval with other claims in the user's token."""
    event = approving(held)
    event["authorizationEventObject"]["userIdToken"] = held.panel.user_token(who, **claims)
    return event


def replaced(held: Held, name: str, change: Callable[[str], str | None]) -> JSON:
    """An approval with a token changed, or left out."""
    event = approving(held)
    tokens = event["authorizationEventObject"]
    tokens[name] = change(tokens[name])
    if tokens[name] is None:
        del tokens[name]
    return event


def part(said: JSON) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def unsigned(token: str) -> str:
    return f"{part({'alg': 'none', 'kid': 'sandbox-1'})}.{token.split('.')[1]}."


def hmac_with_public_key(token: str) -> str:
    """HS256 with the published key as the secret: accepted by verifiers that believe `alg`."""
    (key,) = certificates().signer.published()["keys"][:1]
    pem = RSAKey.import_key(key).as_pem(private=False)
    signed = f"{part({'alg': 'HS256', 'kid': key['kid']})}.{token.split('.')[1]}"
    mac = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def other_payload(token: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return f"{head}.{part({**claims, 'sub': '1'})}.{signature}"


def forged(token: str, key_id: str = "sandbox-1") -> str:
    """The same claims, signed by somebody else under a key id."""
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return GoogleSigner(key_id=key_id).token(**{"audience": claims.pop("aud"), **claims})


def without_signature(token: str) -> str:
    return token.rpartition(".")[0] + "."


def now(held: Held) -> int:
    return int(held.world.clock())


SYSTEM, USER = "systemIdToken", "userIdToken"
CASES: dict[str, tuple[int, Callable[[Held], JSON]]] = {
    # Google's service
    "no system token": (401, lambda h: replaced(h, SYSTEM, lambda _: None)),
    "empty system token": (401, lambda h: replaced(h, SYSTEM, lambda _: "")),
    "system token of words": (401, lambda h: replaced(h, SYSTEM, lambda _: "let me in")),
    "system token by another key": (401, lambda h: replaced(h, SYSTEM, forged)),
    "system token by an unknown key": (
        401,
        lambda h: replaced(h, SYSTEM, lambda token: forged(token, "unknown")),
    ),
    "system token unsigned": (401, lambda h: replaced(h, SYSTEM, unsigned)),
    "system token without its signature": (401, lambda h: replaced(h, SYSTEM, without_signature)),
    "system token HS256 by the public key": (
        401,
        lambda h: replaced(h, SYSTEM, hmac_with_public_key),
    ),
    "system token with another payload": (401, lambda h: replaced(h, SYSTEM, other_payload)),
    "system token for the other endpoint": (401, lambda h: system(h, audience=URL + HOME)),
    "system token for the whole host": (401, lambda h: system(h, audience=URL)),
    "system token for another host": (
        401,
        lambda h: system(h, audience=f"https://localhost{ACTION}"),
    ),
    "system token with a query": (401, lambda h: system(h, audience=f"{URL}{ACTION}?x=1")),
    "system token for two": (401, lambda h: system(h, audience=[URL + ACTION])),
    "system token for the client": (401, lambda h: system(h, audience=CLIENT)),
    "system token of another issuer": (401, lambda h: system(h, iss="https://accounts.example.se")),
    "system token of a similar issuer": (
        401,
        lambda h: system(h, iss="https://accounts.google.com.example.se"),
    ),
    "system token expired": (401, lambda h: system(h, iat=now(h) - 7200, exp=now(h) - 3600)),
    "system token not valid yet": (401, lambda h: system(h, iat=now(h) + 3600, exp=now(h) + 7200)),
    "system token with a life of two hours": (401, lambda h: system(h, exp=now(h) + 7200)),
    "system token with a life of a year": (
        401,
        lambda h: system(h, iat=now(h) - 60, exp=now(h) + 365 * 86400),
    ),
    "system token with a life without end": (401, lambda h: system(h, exp=float("inf"))),
    "system token without an end": (401, lambda h: system(h, exp=None)),
    "system token of another account": (
        403,
        lambda h: system(h, email="other@p.iam.gserviceaccount.com"),
    ),
    "system token of an administrator": (403, lambda h: system(h, email=ADMIN)),
    "system token of an account in capitals": (403, lambda h: system(h, email=ACCOUNT.upper())),
    "system token without an account": (403, lambda h: system(h, email=None)),
    "system token not verified": (401, lambda h: system(h, email_verified=False)),
    "system token verified in words": (401, lambda h: system(h, email_verified="true")),
    "user token in place of the system token": (
        401,
        lambda h: replaced(h, SYSTEM, lambda _: h.panel.user_token()),
    ),
    # The user
    "no user token": (401, lambda h: replaced(h, USER, lambda _: None)),
    "user token of words": (401, lambda h: replaced(h, USER, lambda _: "a.b.c")),
    "user token by another key": (401, lambda h: replaced(h, USER, forged)),
    "user token unsigned": (401, lambda h: replaced(h, USER, unsigned)),
    "user token HS256 by the public key": (401, lambda h: replaced(h, USER, hmac_with_public_key)),
    "user token with another payload": (401, lambda h: replaced(h, USER, other_payload)),
    "user token for another client": (401, lambda h: user(h, aud="other.apps.googleusercontent")),
    "user token for the endpoint": (401, lambda h: user(h, aud=URL + ACTION)),
    "user token of another issuer": (401, lambda h: user(h, iss="https://idp.example.se")),
    "user token expired": (401, lambda h: user(h, iat=now(h) - 7200, exp=now(h) - 3600)),
    "user token with a life of two hours": (401, lambda h: user(h, exp=now(h) + 7200)),
    "user token that began long ago": (
        401,
        lambda h: user(h, iat=now(h) - 86400, exp=now(h) + 60),
    ),
    "user token without an end": (401, lambda h: user(h, exp=None)),
    "user token not verified": (401, lambda h: user(h, email_verified=False)),
    "user token without an address": (401, lambda h: user(h, email=None)),
    "user token without an account": (401, lambda h: user(h, sub=None)),
    "system token in place of the user token": (
        401,
        lambda h: replaced(h, USER, lambda _: h.panel.system_token(ACTION)),
    ),
    "an administrator's account with another address": (403, lambda h: user(h, email=TEACHER)),
    "an administrator's address with another administrator's account": (
        403,
        lambda h: user(h, sub=h.world.accounts[STRANGER]),
    ),
    # Those who are somebody, but nobody here
    "an administrator's address with a teacher's account": (
        200,
        lambda h: user(h, sub=h.world.accounts[TEACHER]),
    ),
    "a teacher": (200, lambda h: user(h, TEACHER)),
    "another tenant's administrator": (200, lambda h: user(h, STRANGER)),
    "an account that does not exist": (
        200,
        lambda h: user(h, sub="999", email="finns.inte@edu.storvik.se"),
    ),
    "an address in place of the account": (200, lambda h: user(h, sub="nobody@edu.storvik.se")),
}


def assert_nothing(held: Held, answer: TestResponse, status: int) -> None:
    """The answer has nothing of ours, and nothing has come of the call."""
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.data == b""
    if status == 200:
        assert not [word for word in OURS if word in text_on(answer.json)]
    assert held.world.store.approval(KEY) is None
    held.world.wait_for_tasks()
    assert held.world.requests == []


@pytest.mark.parametrize("case", CASES)
def test_a_call_that_is_wrong_in_one_thing_gets_nothing(held: Held, case: str) -> None:
    status, make = CASES[case]
    event = make(held)
    assert_nothing(held, held.panel.post(ACTION, event, headers={}), status)
    token = event["authorizationEventObject"].get(SYSTEM)
    if token is not None:
        headers = {"Authorization": f"Bearer {token}"}
        assert_nothing(held, held.panel.post(ACTION, event, headers=headers), status)


def test_an_account_that_is_suspended_gets_nothing(held: Held) -> None:
    world = held.world
    world.domain.suspend(ADMIN)
    service = world.app.extensions[KEY_OF_SERVICE]
    unasked = structs.replace(service, checks=AdministratorChecks(world.services))
    world.app.extensions[KEY_OF_SERVICE] = unasked
    try:
        assert_nothing(held, Panel(world).post(ACTION, approving(held)), 200)
    finally:
        world.domain.find_user(ADMIN)["suspended"] = False
        world.app.extensions[KEY_OF_SERVICE] = service


def test_every_token_that_is_there_must_be_good(held: Held) -> None:
    """In Authorization or else in the body: where both are, neither may be wrong."""
    good, wrong = approving(held), replaced(held, SYSTEM, forged)
    for event, token in ((wrong, good), (good, wrong)):
        bearer = {"Authorization": f"Bearer {token['authorizationEventObject'][SYSTEM]}"}
        assert_nothing(held, held.panel.post(ACTION, event, headers=bearer), 401)


@pytest.mark.parametrize("header", ["Basic dTpw", "Bearer", "Bearer ", "x", "Token {}", "{}"])
def test_an_authorization_that_is_no_token_is_refused(held: Held, header: str) -> None:
    event = approving(held)
    given = header.format(event["authorizationEventObject"][SYSTEM])
    answer = held.panel.post(ACTION, event, headers={"Authorization": given})
    assert_nothing(held, answer, 401)


def test_the_host_of_a_request_says_nothing_about_whom_a_token_is_for(held: Held) -> None:
    event = system(held, audience=f"https://evil.example.se{ACTION}")
    headers = {"Host": "evil.example.se", "X-Forwarded-Host": "evil.example.se"}
    assert_nothing(held, held.panel.post(ACTION, event, headers=headers), 401)
    good = held.panel.event(HOME)
    assert held.panel.post(HOME, good, headers=headers).status_code == 200


BODIES = (
    *(b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff\xfe", b"<html>", b"{}", b'{"x": NaN}'),
    b'{"authorizationEventObject": []}',
    b'{"authorizationEventObject": {"userIdToken": {}}}',
    b'{"authorizationEventObject": {"systemIdToken": 7}}',
    b'{"commonEventObject": []}',
    b'{"commonEventObject": {"parameters": ["hold"]}}',
    b'{"commonEventObject": {"parameters": {"hold": ["all.live"]}}}',
    b'{"commonEventObject": {"userLocale": {}}}',
    b'{"x":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"x": "\\ud800"}',
)


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("path", [HOME, ACTION])
def test_a_body_of_anything_is_a_refusal_and_no_error(held: Held, path: str, body: bytes) -> None:
    for headers in ({}, {"Authorization": f"Bearer {held.panel.system_token(path)}"}):
        answer = held.panel.client.post(path, data=body, headers=headers)
        assert answer.status_code in ((400, 401) if headers else (401,))
        assert answer.data == b""


def test_a_body_that_is_too_large_is_not_read(held: Held) -> None:
    token = {"Authorization": f"Bearer {held.panel.system_token(HOME)}"}
    event = held.panel.event(HOME) | {"gmail": {"x": "y" * LARGEST_EVENT}}
    assert held.panel.client.post(HOME, json=event, headers=token).status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_the_endpoints_are_posted_to(held: Held, method: str) -> None:
    for path in (HOME, ACTION):
        assert held.panel.client.open(path, method=method).status_code == 405


def test_without_certificates_nobody_is_believed_and_the_service_is_unavailable(
    tmp_path: Any,
) -> None:
    certificates().down = True
    with addon_world(tmp_path) as (_world, panel):
        certificates().down = True
        answer = panel.post(HOME, panel.event(HOME))
        assert (answer.status_code, answer.data) == (503, b"")


def test_without_its_settings_there_is_no_add_on(tmp_path: Any) -> None:
    with small_school_pages(tmp_path) as world:
        client = world.app.test_client()
        for path in (HOME, ACTION, "/addon", "/addon/x"):
            assert client.get(path).status_code == 404
            assert client.post(path, json={}).status_code == 404


def test_nothing_of_a_call_is_logged_but_why_it_was_refused(
    held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for make in (
        lambda h: system(h, email="other@p.iam.gserviceaccount.com"),
        lambda h: user(h, email=TEACHER),
        lambda h: replaced(h, USER, forged),
    ):
        event = make(held)
        assert held.panel.post(ACTION, event).status_code in (401, 403)
        for token in event["authorizationEventObject"].values():
            assert token not in caplog.text
            assert token.split(".")[-1] not in caplog.text
    assert "refused a call of /addon/action: its system token is another account's" in caplog.text
    for word in (ADMIN, TEACHER, "ya29", "other@p"):
        assert word not in caplog.text


def test_what_is_right_in_all_of_it_is_done(held: Held) -> None:
    """The last test here: the same approval, with good tokens, is no refusal."""
    answer = held.panel.post(ACTION, approving(held))
    assert "Godkänt" in answer.json["renderActions"]["action"]["notification"]["text"]
    held.world.wait_for_tasks()
    assert held.world.requests
