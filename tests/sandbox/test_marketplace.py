"""The sandbox's Marketplace: the licensing API by Google's client, installing and uninstalling."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import httplib2
import pytest
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from addon.directory.google.delegation import check_delegation
from addon.directory.google.reader import DirectorySource
from addon.sandbox.directory_server import DirectoryServer
from tests.support.small_school import DOMAIN, TENANT, small_domain

APP = "123456789012"


@pytest.fixture
def server() -> Iterator[DirectoryServer]:
    with DirectoryServer(small_domain()) as server:
        yield server


def google(server: DirectoryServer, name: str = "appsmarket", version: str = "v2") -> Any:
    options = {"api_endpoint": f"{server.url}/"}
    return build(name, version, http=httplib2.Http(), static_discovery=True, client_options=options)


def customer_licence(server: DirectoryServer, domain: str = DOMAIN) -> str:
    answer = google(server).customerLicense().get(applicationId=APP, customerId=domain).execute()
    assert answer["kind"] == "appsmarket#customerLicense"
    assert (answer["applicationId"], answer["customerId"]) == (APP, domain)
    return answer["state"]


def post(server: DirectoryServer, given: object) -> int:
    request = urllib.request.Request(
        f"{server.url}/sandbox/marketplace", json.dumps(given).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def state(server: DirectoryServer) -> Any:
    with urllib.request.urlopen(f"{server.url}/sandbox/marketplace") as answer:
        return json.load(answer)


def delegation(server: DirectoryServer) -> str:
    return check_delegation(DirectorySource(None, server.url), TENANT)


def test_a_domain_with_the_app_is_active_and_others_are_unlicensed(server):
    assert customer_licence(server) == "ACTIVE"
    assert customer_licence(server, "annanstad.se") == "UNLICENSED"


def test_a_users_licence_is_that_of_the_domain(server):
    users = google(server).userLicense()
    answer = users.get(applicationId=APP, userId=f"bo.ek@{DOMAIN}").execute()
    assert (answer["state"], answer["enabled"]) == ("ACTIVE", True)
    server.marketplace.uninstall()
    answer = users.get(applicationId=APP, userId=f"bo.ek@{DOMAIN}").execute()
    assert (answer["state"], answer["enabled"]) == ("UNLICENSED", False)
    assert users.get(applicationId=APP, userId="x@y.se").execute()["state"] == "UNLICENSED"


def test_uninstalling_takes_the_licence_and_the_access_and_installing_gives_both_back(server):
    assert delegation(server) == "works"
    assert post(server, {"installed": False}) == 200
    assert state(server) == {"installed": False, "by_hand": False}
    assert customer_licence(server) == "UNLICENSED"
    assert delegation(server) == "refused"
    with pytest.raises(HttpError, match="401"):
        google(server, "admin", "directory_v1").users().list(customer=TENANT).execute()
    assert post(server, {"installed": True}) == 200
    assert (customer_licence(server), delegation(server)) == ("ACTIVE", "works")


def test_access_that_was_given_by_hand_lasts_without_the_app(server):
    assert post(server, {"installed": False, "by_hand": True}) == 200
    assert (customer_licence(server), delegation(server)) == ("UNLICENSED", "works")


@pytest.mark.parametrize("given", [{"installed": "yes"}, {"app": True}, [True], {"by_hand": 1}])
def test_what_cannot_be_changed_so_is_refused(server, given):
    assert post(server, given) == 400
    assert server.marketplace.installed


def test_what_the_api_does_not_have_is_not_found(server):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.url}/appsmarket/v2/licenseNotification/{APP}")


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        ({"status": 403, "reason": "forbidden"}, "refused"),
        ({"status": 403, "reason": "accessNotConfigured"}, "unknown"),
        ({"status": 403, "reason": "rateLimitExceeded"}, "unknown"),
        ({"status": 500}, "unknown"),
        ({"status": 404, "reason": "notFound"}, "unknown"),
        ({"status": 400, "reason": "domainNotFound"}, "unknown"),
        ({"kind": "drop"}, "unknown"),
        ({"kind": "notJson"}, "unknown"),
    ],
)
def test_only_a_refusal_of_the_access_says_that_it_is_gone(server, failure, expected):
    server.fail("/users", times=None, **failure)
    assert delegation(server) == expected
