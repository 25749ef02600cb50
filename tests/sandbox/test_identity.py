"""The sandbox's OpenID provider: accounts without passwords, and otherwise as strict as Google."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from addon.sandbox.domain import Domain
from addon.sandbox.identity import CLIENT_ID, CLIENT_SECRET, IdentityProvider, add_administrators
from addon.sandbox.page_style import NO_ICON, html_page
from tests.support.small_school import DOMAIN, small_domain

VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BACK = "http://127.0.0.1/logga-in/klar"
US = (CLIENT_ID, CLIENT_SECRET)


@pytest.fixture
def domain() -> Domain:
    return small_domain()


@pytest.fixture
def provider(domain: Domain) -> Iterator[IdentityProvider]:
    with IdentityProvider(add_administrators(domain)) as provider:
        yield provider


def ask(**parameters: str) -> dict[str, str]:
    """The parameters of a good request for a code, with others on top."""
    return {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": BACK,
        "scope": "openid email profile",
        "state": "state",
        "nonce": "nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | parameters


def code(provider: IdentityProvider, sub: str) -> str:
    answer = requests.post(
        f"{provider.url}/oauth2/authorize",
        params=ask(),
        data={"sub": sub},
        allow_redirects=False,
        timeout=9,
    )
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["state"]
    return query["code"][0]


def token(
    provider: IdentityProvider, code: str, verifier: str = VERIFIER, who: tuple[str, str] = US
) -> requests.Response:
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    return requests.post(
        f"{provider.url}/oauth2/token",
        data=data | {"code_verifier": verifier},
        auth=who,
        timeout=9,
    )


def test_a_domain_gets_a_super_administrator_and_a_delegated_one(domain: Domain) -> None:
    office, support = add_administrators(domain)
    assert (office["primaryEmail"], office["isAdmin"]) == (f"it.admin@{DOMAIN}", True)
    assert (support["isAdmin"], support["isDelegatedAdmin"]) == (False, True)
    people = len(domain.users)
    assert [a["id"] for a in add_administrators(domain)] == [office["id"], support["id"]]
    assert len(domain.users) == people


def test_the_page_lets_one_choose_who_one_is(provider: IdentityProvider) -> None:
    page = requests.get(f"{provider.url}/oauth2/authorize", params=ask(), timeout=9)
    assert f"it.admin@{DOMAIN} (avancerad administratör)" in page.text
    assert f"it.support@{DOMAIN} (delegerad administratör)" in page.text


def test_browsers_ask_the_sandboxs_pages_for_no_icon(provider: IdentityProvider) -> None:
    page = requests.get(f"{provider.url}/oauth2/authorize", params=ask(), timeout=9)
    for html in (page.text, html_page("Katalogen", "", "")):
        assert NO_ICON in html.partition("</head>")[0]


def test_what_is_said_of_an_account_is_what_the_directory_has(
    provider: IdentityProvider, domain: Domain
) -> None:
    account: Any = domain.find_user(f"it.admin@{DOMAIN}")
    given = token(provider, code(provider, account["id"])).json()
    said = requests.get(
        f"{provider.url}/userinfo",
        headers={"Authorization": f"Bearer {given['access_token']}"},
        timeout=9,
    ).json()
    assert said == {
        "sub": account["id"],
        "email": f"it.admin@{DOMAIN}",
        "email_verified": True,
        "name": "Ingrid Tapper",
        "hd": DOMAIN,
    }


def test_a_code_is_for_who_knows_its_verifier_and_only_once(
    provider: IdentityProvider, domain: Domain
) -> None:
    sub = next(iter(domain.users))
    refused = token(provider, code(provider, sub), verifier="w" * 43)
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})
    good = code(provider, sub)
    assert token(provider, good).status_code == 200
    assert token(provider, good).status_code == 400


def test_a_code_is_for_who_knows_the_clients_secret(
    provider: IdentityProvider, domain: Domain
) -> None:
    good = code(provider, next(iter(domain.users)))
    refused = token(provider, good, who=(CLIENT_ID, "another"))
    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})
    assert token(provider, good).status_code == 200


@pytest.mark.parametrize("missing", ["nonce", "code_challenge_method"])
def test_a_request_without_nonce_or_pkce_is_refused(
    provider: IdentityProvider, missing: str
) -> None:
    parameters = {name: value for name, value in ask().items() if name != missing}
    answer = requests.post(
        f"{provider.url}/oauth2/authorize",
        params=parameters,
        data={"sub": "1"},
        allow_redirects=False,
        timeout=9,
    )
    assert "code=" not in answer.headers.get("Location", "")


def test_it_ends_with_the_with(domain: Domain) -> None:
    with IdentityProvider(()) as provider:
        assert requests.get(provider.discovery, timeout=9).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(provider.discovery, timeout=9)
