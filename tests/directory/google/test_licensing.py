"""The Marketplace's licensing API: ACTIVE, UNLICENSED, and everything that is neither."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from addon.directory.google.licensing import ask_licence
from addon.directory.google.reader import DirectorySource
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.tenants.licence import LicenceAnswer

APP = "123456789012"
FIRST, SECOND = "edu.storvik.se", "storvik.se"
BOTH = (FIRST, SECOND)


@pytest.fixture
def server() -> Iterator[DirectoryServer]:
    domains = [{"domainName": FIRST, "isPrimary": True}]
    with DirectoryServer(Domain.from_json({"domains": domains})) as server:
        yield server


def ask(server: DirectoryServer, *domains: str) -> LicenceAnswer:
    return ask_licence(DirectorySource(None, server.url), APP, domains)


def test_an_installed_app_is_active_and_is_asked_for_by_its_number_and_a_domain(server):
    assert ask(server, FIRST) == LicenceAnswer((FIRST,), "ACTIVE")
    (request,) = server.requests
    assert request.path == f"/appsmarket/v2/customerLicense/{APP}/{FIRST}"


def test_active_at_one_domain_is_active(server):
    assert ask(server, SECOND, FIRST).state == "ACTIVE"
    assert len(server.requests) == 2


def test_unlicensed_needs_the_answer_of_every_domain(server):
    server.marketplace.uninstall()
    assert ask(server, *BOTH) == LicenceAnswer(BOTH, "UNLICENSED")
    server.fail(f"customerLicense/{APP}/{SECOND}", status=503, times=None)
    assert ask(server, *BOTH).state is None


def test_without_a_domain_nothing_is_asked(server):
    assert ask(server) == LicenceAnswer((), None, "no-domains")
    assert server.requests == []


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        ({"status": 503}, "no-answer"),
        ({"status": 429, "reason": "rateLimitExceeded"}, "no-answer"),
        ({"status": 404, "reason": "notFound"}, "404"),
        ({"status": 404, "body": b"<html>not here</html>"}, "404"),
        ({"status": 403, "reason": "accessNotConfigured"}, "403 accessNotConfigured"),
        ({"status": 403, "reason": "forbidden"}, "403 forbidden"),
        ({"status": 401, "reason": "authError"}, "401 authError"),
        ({"status": 400, "reason": "badRequest"}, "400 badRequest"),
        ({"kind": "drop"}, "no-answer"),
        ({"kind": "notJson"}, "no-answer"),
        ({"kind": "truncate"}, "no-answer"),
    ],
)
def test_an_error_is_no_answer(server, failure, problem):
    server.marketplace.uninstall()
    server.fail("customerLicense", times=None, **failure)
    assert ask(server, FIRST) == LicenceAnswer((FIRST,), None, problem)


UNLICENSED = {
    "kind": "appsmarket#customerLicense",
    "applicationId": APP,
    "customerId": FIRST,
    "state": "UNLICENSED",
}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        "UNLICENSED",
        {"state": None},
        {"state": ["UNLICENSED"]},
        UNLICENSED | {"state": ""},
        UNLICENSED | {"state": "unlicensed"},
        UNLICENSED | {"state": "EXPIRED"},
        UNLICENSED | {"state": "SUSPENDED"},
        UNLICENSED | {"kind": "appsmarket#userLicense"},
        UNLICENSED | {"applicationId": "999"},
        UNLICENSED | {"customerId": "annanstad.se"},
        {"error": {"code": 500}},
    ],
)
def test_an_odd_body_or_an_unknown_state_is_no_answer(server, answer: Any):
    server.fail("customerLicense", status=200, body=json.dumps(answer).encode(), times=None)
    assert ask(server, FIRST).state is None


def test_an_answer_without_what_is_not_needed_counts(server):
    body = json.dumps({"state": "UNLICENSED"}).encode()
    server.fail("customerLicense", status=200, body=body, times=None)
    assert ask(server, FIRST).state == "UNLICENSED"


def test_a_domain_with_odd_letters_stays_one_part_of_the_path(server):
    assert ask(server, "å/../x.se").state == "UNLICENSED"
