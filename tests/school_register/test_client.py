"""Asking the register: what it says is taken, nonsense is refused, trouble is waited out."""

import json
from http.server import BaseHTTPRequestHandler

import pytest

from addon.sandbox.loopback import LoopbackServer
from addon.sandbox.register_server import INDEPENDENT, STORKOPING
from addon.school_register.client import TRIES, RegisterClient
from addon.school_register.model import Organiser, RegisterError, RegisterUnavailable, RegisterUnit


@pytest.fixture
def says():
    """A client of a register that says this of everything."""
    servers = []

    def client(answer, status=200, **more):
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked_for_json = self.headers["Accept"] == "application/json"
                self.send_response(status if asked_for_json else 406)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        server = LoopbackServer(0, Handler)
        server.start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_port}"
        return RegisterClient(url, sleep=lambda seconds: None, **more)

    yield client
    for server in servers:
        server.close()


def listing(*attributes):
    return {"meta": {}, "data": {"type": "schoolunit", "attributes": list(attributes)}}


def test_all_units_are_listed_the_ceased_ones_too(client, server):
    units = {unit.code: unit for unit in client.units()}
    assert units["99995001"].status == "UPPHORT"
    assert units["99995001"].ceased
    assert units["99995002"].status == "VILANDE"
    assert units["12345679"] == RegisterUnit("12345679", "Östra skolan")
    assert len(units) == len(server.units)


def test_units_of_an_organiser_say_whose_they_are(client):
    units = client.units(organization_number=INDEPENDENT.number)
    assert [(u.name, u.organisation_number) for u in units] == [
        ("Fria skolan i Storköping", INDEPENDENT.number)
    ]


def test_units_in_a_municipality_say_where_they_are(client):
    assert [(u.code, u.municipality_code) for u in client.units(municipality_code="1281")] == [
        ("12345680", "1281")
    ]


def test_a_unit_has_its_details(client):
    assert client.unit("12345678") == RegisterUnit(
        "12345678", "Norra skolan", "AKTIV", "9999", ("GR",), STORKOPING.number
    )


def test_a_unit_that_is_not_there_is_none(client):
    assert client.unit("11111111") is None


def test_what_is_not_a_code_is_not_asked_for(client, server):
    assert client.unit("../organizers") is None
    assert server.requests == []


def test_organisers_are_listed(client):
    assert STORKOPING in client.organisers()


def test_json_is_asked_for(says):
    assert says(listing()).units() == []


def test_unknown_keys_are_passed_over_and_missing_ones_are_not_missed(says):
    client = says({**listing({"schoolUnitCode": "12345678", "new": {"x": 1}}), "links": []})
    assert client.units() == [RegisterUnit("12345678", "12345678")]


def test_school_types_may_be_objects(says):
    types = [{"code": "GR", "grades": ["1"]}, "FKLASS", {"odd": 1}]
    client = says({"data": {"attributes": {"displayName": " Norra  skolan", "schoolTypes": types}}})
    assert client.unit("12345678") == RegisterUnit(
        "12345678", "Norra skolan", school_types=("GR", "FKLASS")
    )


def test_an_organisers_number_may_have_a_hyphen(says):
    said = {"organizationNumber": "212000-9999", "displayName": "X", "organizerType": "KOMMUN"}
    assert says(listing(said)).organisers() == [Organiser("2120009999", "X", "KOMMUN")]


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (b"<html>", "/v2/school-units"),
        ({}, "data"),
        ({"data": {"attributes": {}}}, "$.data.attributes"),
        (listing({"schoolUnitCode": "12", "name": "A"}), "schoolUnitCode"),
        (listing({"schoolUnitCode": "12345678", "name": 7}), "name"),
        (listing({"name": "A"}), "schoolUnitCode"),
    ],
)
def test_nonsense_is_refused_with_its_place(says, answer, place):
    with pytest.raises(RegisterError) as caught:
        says(answer).units()
    assert place in str(caught.value)
    assert "upload the register as a CSV file" in str(caught.value)
    assert not isinstance(caught.value, RegisterUnavailable)


def test_an_answer_that_is_too_large_is_refused(says):
    client = says(listing({"schoolUnitCode": "12345678", "name": "A" * 2000}), largest=1000)
    with pytest.raises(RegisterError, match="larger than 1000 bytes"):
        client.units()


def test_a_wrong_address_is_reported(says):
    with pytest.raises(RegisterError, match=r"HTTP 404.*SKOLSYNK_REGISTER"):
        says({}, status=404).units()


def test_the_register_leads_nowhere_else(says):
    with pytest.raises(RegisterError, match="HTTP 302"):
        says({}, status=302).units()


def test_a_number_that_the_register_does_not_know_has_no_units(says):
    assert says({}, status=404).units(organization_number="2120007777") == []
    assert says({}, status=400).units(municipality_code="0000") == []


@pytest.mark.parametrize(
    "failure", [{"status": 503}, {"status": 429}, {"kind": "drop"}, {"kind": "truncate"}]
)
def test_trouble_that_passes_is_waited_out(client, server, failure):
    server.fail("school-units", times=TRIES - 1, **failure)
    assert len(client.units()) == len(server.units)
    assert len(server.requests) == TRIES


def test_trouble_that_stays_is_reported(client, server):
    server.fail("school-units", times=None)
    with pytest.raises(RegisterUnavailable, match=r"does not answer /v2/school-units \(HTTP 503\)"):
        client.units()
    assert len(server.requests) == TRIES


def test_waits_grow(server):
    waits = []
    server.fail(times=None)
    with pytest.raises(RegisterUnavailable):
        RegisterClient(server.url, sleep=waits.append).organisers()
    assert waits == [0.3, 0.6]


def test_a_register_that_is_not_there_is_reported(server):
    server.close()
    with pytest.raises(RegisterUnavailable, match="ConnectionError"):
        RegisterClient(server.url, sleep=lambda seconds: None).units()


def test_a_mistake_is_not_asked_about_again(client, server):
    server.fail(status=403, times=None)
    with pytest.raises(RegisterError, match="HTTP 403"):
        client.units()
    assert len(server.requests) == 1
