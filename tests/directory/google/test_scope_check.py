"""Which scopes Google refuses, one by one, by its tokens or by a server in its place."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth._exponential_backoff import ExponentialBackoff
from google.oauth2 import _client

from addon.directory.google.credentials import SCOPES, anonymous, from_key_file, keyless
from addon.directory.google.reader import DirectorySource
from addon.directory.google.scope_check import refused_scopes
from addon.sandbox.directory_server import DirectoryServer
from tests.directory.google.token_server import ACCOUNT, ADMIN, TokenServer, key_file_for
from tests.support.small_school import small_domain

USER, ORG_UNIT, GROUP, MEMBER, DOMAIN, CUSTOMER = SCOPES


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def google() -> Iterator[TokenServer]:
    with TokenServer() as google:
        yield google


@pytest.fixture(params=["key file", "keyless"])
def source(request, tmp_path: Path, google: TokenServer, private_key: str) -> DirectorySource:
    if request.param == "key file":
        return DirectorySource(from_key_file(key_file_for(tmp_path, google, private_key), ADMIN))
    return DirectorySource(
        keyless(
            ACCOUNT,
            ADMIN,
            runtime=google.runtime,
            iam_credentials=google.url,
            token_uri=f"{google.url}/token",
        )
    )


def test_each_scope_is_asked_for_by_itself(source: DirectorySource, google: TokenServer) -> None:
    assert refused_scopes(source) == ()
    assert sorted(grant["scope"] for grant in google.grants) == sorted(SCOPES)


def test_the_scopes_that_google_gives_no_token_for_are_refused(
    source: DirectorySource, google: TokenServer
) -> None:
    google.refuse("unauthorized_client", but={USER, ORG_UNIT, DOMAIN})
    assert refused_scopes(source) == (GROUP, MEMBER, CUSTOMER)
    google.refuse("unauthorized_client")
    assert refused_scopes(source) == SCOPES


@pytest.mark.parametrize("error", ["invalid_grant", "internal_failure", "x y"])
def test_what_says_nothing_of_the_scopes_refuses_none(
    source: DirectorySource, google: TokenServer, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Google's library tries again after seconds.
    quick = partial(ExponentialBackoff, initial_wait_seconds=0.001)
    monkeypatch.setattr(_client, "_exponential_backoff", SimpleNamespace(ExponentialBackoff=quick))
    google.refuse(error)
    assert refused_scopes(source) == ()


@pytest.fixture
def directory() -> Iterator[DirectoryServer]:
    domain = small_domain()
    domain.add_group({"email": "7a@edu.storvik.se", "name": "7A"})
    with DirectoryServer(domain) as server:
        yield server


def asked(directory: DirectoryServer) -> tuple[str, ...]:
    return refused_scopes(DirectorySource(anonymous(), directory.url))


REFUSALS: dict[str, tuple[Callable[[DirectoryServer], Any], tuple[str, ...]]] = {
    "nothing": (lambda server: None, ()),
    "users": (lambda server: refuse(server, "/users"), (USER,)),
    "members": (lambda server: refuse(server, "/members"), (MEMBER,)),
    "groups and members": (lambda server: refuse(server, "/groups"), (GROUP,)),
    "org units": (lambda server: refuse(server, "/orgunits"), (ORG_UNIT,)),
    "everything, uninstalled": (
        lambda server: server.marketplace.uninstall(),
        (USER, ORG_UNIT, GROUP, DOMAIN, CUSTOMER),
    ),
    "trouble": (lambda server: server.fail(status=503, times=None), ()),
    "Skolsynk's own project": (lambda server: refuse(server, "", "accessNotConfigured"), ()),
}


def refuse(server: DirectoryServer, path: str, reason: str = "insufficientPermissions") -> None:
    server.fail(path, status=403, reason=reason, times=None)


@pytest.mark.parametrize("case", REFUSALS)
def test_a_server_in_googles_place_refuses_by_what_is_asked_for(
    directory: DirectoryServer, case: str
) -> None:
    prepare, refused = REFUSALS[case]
    prepare(directory)
    assert asked(directory) == refused
