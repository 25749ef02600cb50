"""The sandbox vendor accepts what the wire format says and refuses what it does not."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from addon.sandbox.vendor import SandboxVendor
from addon.sandbox.vendor_page import page

SIS = "urn:scim:schemas:extension:sis:school:1.0"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
CLOUD = "urn:scim:schemas:extension:skolsynk:1.0:User"


def ref(endpoint: str, external_id: str) -> dict[str, str]:
    return {"value": external_id, "$ref": f"{endpoint}/{external_id}"}


RIGHT: dict[str, dict[str, Any]] = {
    "Organisations": {
        "schemas": [f"{SIS}:Organisation"],
        "externalId": "organisation-1",
        "displayName": "Storköpings kommun",
    },
    "SchoolUnitGroups": {
        "schemas": [f"{SIS}:SchoolUnitGroup"],
        "externalId": "unitgroup-1",
        "displayName": "Norra",
    },
    "SchoolUnits": {
        "schemas": [f"{SIS}:SchoolUnit"],
        "externalId": "unit-1",
        "displayName": "Norra skolan",
        "schoolUnitCode": "12345678",
        "organisation": ref("Organisations", "organisation-1"),
        "schoolUnitGroup": ref("SchoolUnitGroups", "unitgroup-1"),
        "schoolTypes": ["GR"],
        "municipalityCode": "9999",
    },
    "Users": {
        "schemas": [CORE, f"{SIS}:User", CLOUD],
        "externalId": "user-1",
        "userName": "alva.berg@edu.storkoping.se",
        "displayName": "Alva Berg",
        "name": {"familyName": "Berg", "givenName": "Alva"},
        "emails": [{"value": "alva.berg@edu.storkoping.se", "type": "work"}],
        f"{SIS}:User": {"enrolments": [{**ref("SchoolUnits", "unit-1"), "schoolYear": 4}]},
        CLOUD: {"provider": "google", "providerUserId": "1001"},
    },
    "Employments": {
        "schemas": [f"{SIS}:Employment"],
        "externalId": "employment-1",
        "employedAt": ref("SchoolUnits", "unit-1"),
        "user": ref("Users", "user-2"),
        "employmentRole": "Lärare",
        "signature": "BCD",
    },
    "StudentGroups": {
        "schemas": [f"{SIS}:StudentGroup"],
        "externalId": "group-1",
        "displayName": "4A",
        "owner": ref("SchoolUnits", "unit-1"),
        "studentGroupType": "Klass",
        "studentMemberships": [ref("Users", "user-1")],
        "schoolType": "GR",
    },
    "Activities": {
        "schemas": [f"{SIS}:Activity"],
        "externalId": "activity-1",
        "displayName": "4A",
        "owner": ref("SchoolUnits", "unit-1"),
        "groups": [ref("StudentGroups", "group-1")],
        "teachers": [ref("Employments", "employment-1")],
    },
}
TEACHER = {
    "schemas": [CORE],
    "externalId": "user-2",
    "userName": "bo.dahl@edu.storkoping.se",
    "displayName": "Bo Dahl",
    "name": {"familyName": "Dahl", "givenName": "Bo"},
}
REQUIRED = [
    ("Organisations", ["externalId", "displayName"]),
    ("SchoolUnitGroups", ["externalId", "displayName"]),
    ("SchoolUnits", ["externalId", "displayName", "schoolUnitCode"]),
    ("Users", ["externalId", "userName", "displayName", "name.familyName", "name.givenName"]),
    ("Employments", ["externalId", "employedAt", "user", "employmentRole"]),
    ("StudentGroups", ["externalId", "displayName", "owner"]),
    ("Activities", ["externalId", "displayName", "owner"]),
]


def ask(
    vendor: SandboxVendor,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], Any]:
    with closing(http.client.HTTPConnection(urlsplit(vendor.url).netloc, timeout=10)) as wire:
        sent = {"Content-Type": "application/scim+json", "X-API-Key": "hemlig"}
        wire.request(method, path, json.dumps(body) if body else None, {**sent, **(headers or {})})
        answer = wire.getresponse()
        text = answer.read().decode()
        got = dict(answer.getheaders())
        return (
            answer.status,
            got,
            json.loads(text) if "json" in got["Content-Type"] and text else text,
        )


def without(resource: dict[str, Any], dotted: str) -> dict[str, Any]:
    first, _, rest = dotted.partition(".")
    if rest:
        return {**resource, first: without(resource[first], rest)}
    return {name: value for name, value in resource.items() if name != first}


@pytest.fixture
def vendor() -> Iterator[SandboxVendor]:
    with SandboxVendor("Binogi", "hemlig") as running:
        yield running


@pytest.mark.parametrize("endpoint", RIGHT)
def test_a_right_resource_is_accepted_and_held_as_it_was_sent(
    vendor: SandboxVendor, endpoint: str
) -> None:
    status, headers, body = ask(vendor, "POST", f"/{endpoint}", RIGHT[endpoint])
    assert status == 201
    assert headers["Location"] == f"{vendor.url}/{endpoint}/{body['id']}"
    [held] = [each for kind in vendor.resources().values() for each in kind]
    assert {name: held[name] for name in RIGHT[endpoint]} == RIGHT[endpoint]
    assert ask(vendor, "PUT", f"/{endpoint}/{body['id']}", RIGHT[endpoint])[0] == 200
    assert ask(vendor, "DELETE", f"/{endpoint}/{body['id']}")[0] == 204
    assert not any(vendor.resources().values())


@pytest.mark.parametrize(
    ("endpoint", "attribute"), [(e, attribute) for e, names in REQUIRED for attribute in names]
)
def test_a_resource_without_a_required_attribute_is_refused_by_name(
    vendor: SandboxVendor, endpoint: str, attribute: str
) -> None:
    lacking = without(RIGHT[endpoint], attribute)
    status, _, error = ask(vendor, "POST", f"/{endpoint}", lacking)
    assert (status, error["scimType"]) == (400, "invalidValue")
    assert attribute in error["detail"]
    created = ask(vendor, "POST", f"/{endpoint}", RIGHT[endpoint])[2]
    assert ask(vendor, "PUT", f"/{endpoint}/{created['id']}", lacking)[0] == 400


@pytest.mark.parametrize(
    "change",
    [
        {"displayName": "  "},
        {"displayName": 4},
        {"colour": "blue"},
        {"owner": {"value": "unit-1"}},
        {"owner": ref("Users", "unit-1")},
        {"studentMemberships": [{"value": "", "$ref": "Users/"}]},
        {"studentMemberships": [{"value": "user-1", "$ref": "Users/user-2"}]},
    ],
)
def test_what_does_not_fit_the_wire_format_is_refused(
    vendor: SandboxVendor, change: dict[str, Any]
) -> None:
    status, _, error = ask(vendor, "POST", "/StudentGroups", {**RIGHT["StudentGroups"], **change})
    assert status == 400
    assert next(iter(change)) in error["detail"]


def test_a_school_year_is_a_number(vendor: SandboxVendor) -> None:
    enrolment = {**ref("SchoolUnits", "unit-1"), "schoolYear": "fyra"}
    user = {**RIGHT["Users"], f"{SIS}:User": {"enrolments": [enrolment]}}
    assert ask(vendor, "POST", "/Users", user)[0] == 400


@pytest.mark.parametrize("headers", [{"X-API-Key": "fel"}, {"X-API-Key": ""}])
def test_a_wrong_key_is_refused_and_changes_nothing(
    vendor: SandboxVendor, headers: dict[str, str]
) -> None:
    status, _, error = ask(vendor, "POST", "/Users", RIGHT["Users"], headers)
    assert (status, error["status"]) == (401, "401")
    assert not vendor.resources()["User"]


def test_the_key_may_be_a_bearer_token() -> None:
    with SandboxVendor("NE", "hemlig", header="Authorization") as vendor:
        assert ask(vendor, "GET", "/Users")[0] == 401
        assert ask(vendor, "GET", "/Users", headers={"Authorization": "hemlig"})[0] == 401
        assert ask(vendor, "GET", "/Users", headers={"Authorization": "Bearer hemlig"})[0] == 200


def test_a_user_name_belongs_to_one_user_but_an_external_id_need_not(
    vendor: SandboxVendor,
) -> None:
    assert ask(vendor, "POST", "/Users", RIGHT["Users"])[0] == 201
    same_name = {**TEACHER, "userName": RIGHT["Users"]["userName"].upper()}
    status, _, error = ask(vendor, "POST", "/Users", same_name)
    assert (status, error["scimType"]) == (409, "uniqueness")
    same_id = {**TEACHER, "externalId": RIGHT["Users"]["externalId"]}
    assert ask(vendor, "POST", "/Users", same_id)[0] == 201


def test_ways_around_the_profile_are_closed(vendor: SandboxVendor) -> None:
    assert ask(vendor, "PATCH", "/Users/1", {"Operations": []})[0] == 501
    assert ask(vendor, "POST", "/Bulk", {"Operations": []})[0] == 501


def test_the_page_shows_units_classes_pupils_and_teachers(vendor: SandboxVendor) -> None:
    for endpoint, resource in RIGHT.items():
        ask(vendor, "POST", f"/{endpoint}", resource)
    ask(vendor, "POST", "/Users", TEACHER)
    sent = len(vendor.requests)
    status, headers, html = ask(vendor, "GET", "/", headers={"X-API-Key": ""})
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Det här har Binogi" in html
    assert '<th scope="row">Personer</th><td>2</td>' in html
    assert html.index("Norra skolan") < html.index("4A") < html.index("Lärare: Bo Dahl")
    assert "<li>Alva Berg &lt;alva.berg@edu.storkoping.se&gt;</li>" in html
    assert len(vendor.requests) == sent


def test_the_page_escapes_what_it_shows() -> None:
    unit = {**RIGHT["SchoolUnits"], "displayName": "<script>alert(1)</script>"}
    group = {**RIGHT["StudentGroups"], "displayName": "<b>4A</b>", "studentGroupType": "<i>"}
    html = page("<u>", {"SchoolUnit": [unit], "StudentGroup": [group]})
    assert not [tag for tag in ("<script>", "<b>4A", "<i>", "<u>") if tag in html]


def test_the_page_tells_of_references_to_people_who_are_not_there() -> None:
    html = page(
        "NE",
        {
            kind: [RIGHT[e]]
            for kind, e in [
                ("SchoolUnit", "SchoolUnits"),
                ("StudentGroup", "StudentGroups"),
                ("Employment", "Employments"),
                ("Activity", "Activities"),
            ]
        },
    )
    assert "okänd person user-1" in html
    assert "Lärare: okänd person user-2" in html


def test_faults_are_given_to_the_next_requests_that_they_are_for(vendor: SandboxVendor) -> None:
    vendor.fail(429, times=2, path_contains="/Users", retry_after=7)
    assert ask(vendor, "POST", "/Organisations", RIGHT["Organisations"])[0] == 201
    status, headers, error = ask(vendor, "POST", "/Users", RIGHT["Users"])
    assert (status, headers["Retry-After"], error["status"]) == (429, "7", "429")
    assert [ask(vendor, "POST", "/Users", RIGHT["Users"])[0] for _ in range(2)] == [429, 201]
    assert vendor.requests[1:] == [("POST", "/Users", 429)] * 2 + [("POST", "/Users", 201)]
    vendor.fail()
    vendor.clear_failures()
    assert ask(vendor, "GET", "/Users?count=1")[0] == 200
    assert vendor.requests[-1] == ("GET", "/Users?count=1", 200)


def test_connections_live_between_requests_and_end_with_the_vendor() -> None:
    with SandboxVendor("NE", "hemlig") as vendor:
        wire = http.client.HTTPConnection(urlsplit(vendor.url).netloc, timeout=10)
        for _ in range(2):
            wire.request("GET", "/Users", headers={"X-API-Key": "hemlig"})
            wire.getresponse().read()
            assert wire.sock is not None
    with closing(wire):
        assert wire.sock.recv(1) == b""


def test_it_runs_by_itself_and_says_where() -> None:
    command = [sys.executable, "-m", "addon.sandbox.vendor", "--name", "Binogi", "--key", "k"]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as wire:
            wire.request("GET", "/Users", headers={"X-API-Key": "k"})
            assert wire.getresponse().status == 200
        process.terminate()


def test_without_scim2_server_it_says_what_to_install() -> None:
    script = "import sys; sys.modules['scim2_server'] = None; import addon.sandbox.vendor"
    outcome = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert outcome.returncode == 1
    assert "install requirements-dev.txt" in outcome.stderr
