"""The sandbox's register answers as Skolverket's does."""

import pytest
import requests

from addon.sandbox.municipality import generate
from addon.sandbox.register_server import ORGANISERS, STORKOPING, RegisterServer, sandbox_units
from addon.school_register.client import RegisterClient


@pytest.fixture(scope="module")
def units():
    return sandbox_units(generate(students=60, staff=12).units)


@pytest.fixture
def server(units):
    with RegisterServer(units) as server:
        yield server


def get(server, path, expected=200, **query):
    answer = requests.get(server.url + path, params=query, timeout=5)
    assert answer.status_code == expected
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def codes(answer):
    return {each["schoolUnitCode"] for each in answer["data"]["attributes"]}


def test_it_has_the_units_of_the_sandbox_and_some_that_are_no_longer(server, units):
    own = {unit.code for unit in generate(students=60, staff=12).units}
    found = {u.code: u for u in RegisterClient(server.url).units()}
    assert own < set(found) == {unit.code for unit in units}
    assert {found["99995001"].status, found["99995002"].status} == {"UPPHORT", "VILANDE"}


def test_a_list_has_the_registers_form(server):
    answer = get(server, "/v2/school-units", municipality_code="8888")
    assert answer["data"] == {
        "type": "schoolunit",
        "attributes": [
            {"schoolUnitCode": "88881001", "name": "Lillköpingsskolan", "status": "AKTIV"}
        ],
    }


def test_a_list_is_filtered(server, units):
    own = {unit.code for unit in units if unit.organisation_number == STORKOPING.number}
    asked = get(server, "/v2/school-units", organization_number=STORKOPING.number)
    assert codes(asked) == own - {"99995001"}, "ceased units must be asked for by status"
    assert codes(get(server, "/v2/school-units", status="UPPHORT")) == {"99995001"}
    assert codes(get(server, "/v2/school-units", status=["UPPHORT", "VILANDE"])) == {
        "99995001",
        "99995002",
    }
    assert "88881001" in codes(get(server, "/v2/school-units", school_type="FKLASS"))
    assert "99997001" not in codes(get(server, "/v2/school-units", school_type="FKLASS"))


def test_a_unit_has_its_details_and_its_organiser(server):
    answer = get(server, "/v2/school-units/99996001")
    assert answer["data"]["attributes"]["schoolTypes"] == ["GR"]
    assert answer["data"]["attributes"]["municipalityCode"] == "9999"
    assert answer["included"]["organizationNumber"] == "5569998877"
    assert answer["included"]["attributes"]["organizerType"] == "ENSKILD"


def test_organisers_are_listed_and_told_of(server):
    listed = get(server, "/v2/organizers")["data"]["attributes"]
    assert [each["organizationNumber"] for each in listed] == [o.number for o in ORGANISERS]
    one = get(server, "/v2/organizers/2120009999")
    assert one["data"]["attributes"]["displayName"] == "Storköpings kommun"


@pytest.mark.parametrize("path", ["/v2/school-units/11111111", "/v2/organizers/1", "/v1/x", "/"])
def test_what_is_not_there_is_not_found(server, path):
    assert get(server, path, expected=404)["status"] == 404


def test_it_fails_as_asked_and_heals(server):
    server.fail("organizers", status=500, times=None)
    get(server, "/v2/organizers", expected=500)
    get(server, "/v2/school-units")
    server.clear_failures()
    get(server, "/v2/organizers")
    server.fail(kind="notJson")
    assert "<html>" in requests.get(server.url + "/v2/organizers", timeout=5).text
    server.fail(kind="drop")
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url + "/v2/organizers", timeout=5)


def test_it_remembers_what_was_asked(server):
    get(server, "/v2/school-units", status="AKTIV")
    assert server.requests == ["/v2/school-units?status=AKTIV"]
    server.forget_requests()
    assert server.requests == []
