"""Whether Google still gives tokens in a customer's name, and the licence is asked in our own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from addon.bootstrap import ask_licence
from addon.directory.google.client import DirectoryClient
from addon.directory.google.credentials import SCOPES, from_key_file, keyless
from addon.directory.google.delegation import check_delegation
from addon.directory.google.licensing import LICENCE_SCOPE
from addon.directory.google.reader import DirectorySource
from addon.settings import Settings, SqliteAddress
from tests.directory.google.token_server import ACCOUNT, ADMIN, TokenServer, key_file_for

CUSTOMER = "C0storvik"


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def google() -> Iterator[TokenServer]:
    with TokenServer() as google:
        yield google


@pytest.fixture
def key_file(tmp_path: Path, google: TokenServer, private_key: str) -> Path:
    return key_file_for(tmp_path, google, private_key)


@pytest.fixture(params=["key file", "keyless"])
def credentials(request, google: TokenServer, key_file: Path) -> Callable[..., Any]:
    """Credentials of either kind, by the subject and scopes."""
    if request.param == "key file":
        return lambda subject, scopes=SCOPES: from_key_file(key_file, subject, scopes)
    return lambda subject, scopes=SCOPES: keyless(
        ACCOUNT,
        subject,
        scopes=scopes,
        runtime=google.runtime,
        iam_credentials=google.url,
        token_uri=f"{google.url}/token",
    )


def check(credentials: Callable[..., Any]) -> str:
    return check_delegation(DirectorySource(credentials(ADMIN)), CUSTOMER)


def test_a_token_shows_that_it_works_and_one_is_enough(google, credentials):
    assert check(credentials) == "works"
    assert [grant["sub"] for grant in google.grants] == [ADMIN]


def test_it_is_refused_when_no_scope_gets_a_token(google, credentials):
    google.refuse("unauthorized_client")
    assert check(credentials) == "refused"
    assert [grant["scope"] for grant in google.grants] == list(SCOPES)


def test_it_works_when_an_administrator_left_out_scopes(google, credentials):
    google.refuse("unauthorized_client", but={SCOPES[3]})
    assert check(credentials) == "works"


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_scope", "odd"])
def test_another_trouble_of_the_token_is_not_known_to_be_a_refusal(google, credentials, error):
    """A delegatedAdmin who was deleted or renamed says nothing of the app."""
    google.refuse(error)
    assert check(credentials) == "unknown"


def test_a_token_server_that_does_not_answer_is_not_a_refusal(google, credentials):
    found = credentials(ADMIN)
    google.close()
    assert check_delegation(DirectorySource(found), CUSTOMER) == "unknown"


def test_the_licence_is_asked_for_in_the_service_accounts_own_name(google, credentials):
    found = credentials(None, [LICENCE_SCOPE])
    client = DirectoryClient(found, None, timeout=5)
    client.fetch_token()
    client.close()
    (grant,) = google.grants
    assert (grant["iss"], grant.get("sub"), grant["scope"]) == (ACCOUNT, None, LICENCE_SCOPE)


def test_without_an_app_or_credentials_there_is_no_answer_and_nothing_is_asked():
    settings = Settings(SqliteAddress(Path("unused.db")), {})
    assert ask_licence(settings, ("storvik.se",)).problem == "not-asked"
    settings = Settings(SqliteAddress(Path("unused.db")), {}, marketplace_app="1")
    assert ask_licence(settings, ("storvik.se",)).problem == "no-credentials"
