"""Whether somebody is an administrator, asked in their own name."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from addon.bootstrap import source_as
from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.google.administrators import AdministratorAccount, find_account
from addon.directory.google.reader import DirectorySource
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.identity import add_administrators
from addon.settings import Settings, SqliteAddress
from tests.support.small_school import DOMAIN, TENANT, small_domain

ADMIN = f"it.admin@{DOMAIN}"


def settings(**values: Any) -> Settings:
    return Settings(SqliteAddress(Path("unused.db")), {}, **values)


def ask(server: DirectoryServer, sub: str, email: str = ADMIN) -> AdministratorAccount | None:
    return find_account(source_as(settings(directory_endpoint=server.url), email), sub, email)


def test_an_account_is_reported_as_the_directory_has_it() -> None:
    domain = small_domain()
    admin, support = add_administrators(domain)
    with DirectoryServer(domain) as server:
        assert ask(server, admin["id"]) == AdministratorAccount(
            id=admin["id"],
            customer=TENANT,
            address=ADMIN,
            name="Ingrid Tapper",
            super_admin=True,
            delegated=False,
        )
        found = ask(server, support["id"])
        assert found is not None
        assert (found.super_admin, found.delegated) == (False, True)
        assert ask(server, "117000000000000000000") is None


def test_no_more_is_asked_for_than_is_needed() -> None:
    domain = small_domain()
    admin, _ = add_administrators(domain)
    with DirectoryServer(domain) as server:
        ask(server, admin["id"])
        (request,) = server.requests
    assert request.path.endswith(f"/users/{admin['id']}")
    assert set(request.query["fields"].split(",")) == set(
        "id primaryEmail name isAdmin isDelegatedAdmin customerId suspended archived".split()
    )


def test_a_failure_that_passes_is_waited_for_and_a_lasting_one_is_reported() -> None:
    domain = small_domain()
    admin, _ = add_administrators(domain)
    with DirectoryServer(domain) as server:
        server.fail("/users/", times=1)
        assert ask(server, admin["id"]) is not None
        server.fail("/users/", times=None)
        with pytest.raises(DirectoryError):
            ask(server, admin["id"])


@pytest.mark.parametrize("reason", ["forbidden", ""])
def test_who_may_not_ask_is_no_administrator(reason: str) -> None:
    domain = small_domain()
    admin, _ = add_administrators(domain)
    with DirectoryServer(domain) as server:
        server.fail("/users/", status=403, reason=reason, times=None)
        assert ask(server, admin["id"]) is None
        server.clear_failures()
        server.fail("/users/", status=403, reason="accessNotConfigured", times=None)
        with pytest.raises(AccessRefused, match="Enable the Admin SDK API") as raised:
            ask(server, admin["id"])
    assert raised.value.why == "403 accessNotConfigured"


def test_without_credentials_nobody_can_be_asked_about() -> None:
    with pytest.raises(AccessRefused, match="SKOLSYNK_SERVICE_ACCOUNT") as raised:
        source_as(settings(), ADMIN)
    assert raised.value.why == ""


def test_a_stand_in_for_google_is_shown_no_credentials() -> None:
    source = source_as(settings(directory_endpoint="http://127.0.0.1:1"), ADMIN)
    assert structs.replace(source, endpoint=None, credentials=None) == DirectorySource(None)
