"""An independent SCIM server, told about SS 12000, judges everything that is said."""

import json
from functools import cache
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from addon.directory.google.credentials import anonymous
from addon.directory.google.reader import DirectorySource, read
from addon.roster.model import Roster
from addon.roster.select import select
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.documents import tenant_document
from addon.sandbox.municipality import generate
from addon.sandbox.vendor import SandboxVendor
from addon.ss12000.mapping import OutgoingResource, ResourceMapper
from addon.ss12000.resources import ENDPOINTS, MEDIA_TYPE
from addon.ss12000.vendor_roster import vendor_roster
from addon.tenants.document import decode_tenant
from addon.tenants.model import Connection, Tenant
from tests.ss12000.rosters import BINOGI, FIELDS, GLEERUPS

KEY = "conformance"
VENDORS = {v.id: v for v in (BINOGI, GLEERUPS)}


@cache
def municipality() -> tuple[Tenant, Roster]:
    """The generated municipality as it is read over HTTP, and its document."""
    domain = generate(students=240, staff=40)
    tenant = decode_tenant(json.dumps(tenant_document(domain)).encode(), VENDORS)
    with DirectoryServer(domain) as server:
        snapshot = read(tenant, DirectorySource(anonymous(), server.url))
    return tenant, select(tenant, snapshot)


def everything(connection: Connection) -> list[OutgoingResource]:
    tenant, roster = municipality()
    carried = vendor_roster(roster, tenant, connection, VENDORS[connection.vendor])
    return list(ResourceMapper(carried, tenant, connection).resources())


def connection(vendor: str) -> Connection:
    found = municipality()[0].connection(vendor)
    assert found is not None
    return found


CONNECTIONS = [
    pytest.param(lambda: connection("binogi"), id="binogi"),
    pytest.param(lambda: connection("gleerups"), id="gleerups"),
    pytest.param(lambda: replace(connection("gleerups"), fields=FIELDS), id="every optional field"),
    pytest.param(lambda: replace(connection("gleerups"), fields=()), id="no optional field"),
]


@pytest.fixture
def vendor():
    with SandboxVendor("Domaren", KEY) as started:
        yield started


class Client:
    """One kept connection, as any HTTP client has it."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=30)

    def send(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        headers = {"X-API-Key": KEY, "Content-Type": MEDIA_TYPE}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()


def as_sent(resource: dict) -> dict:
    """What the server holds, without what it adds of its own."""
    return {key: value for key, value in resource.items() if key not in ("id", "meta")}


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_every_resource_of_a_municipality_is_accepted_and_kept_as_it_was_said(vendor, connection):
    resources = everything(connection())
    assert {r.resource_type for r in resources} == set(ENDPOINTS) - {"SchoolUnitGroup"}
    with Client(vendor.url) as client:
        for resource in resources:
            status, answer = client.send(
                "POST", f"/{ENDPOINTS[resource.resource_type]}", resource.body
            )
            assert status == 201, (resource, answer)
    held = {r["externalId"]: as_sent(r) for rs in vendor.resources().values() for r in rs}
    assert held == {r.external_id: json.loads(r.body) for r in resources}


def test_a_resource_of_each_type_is_accepted_as_an_update(vendor):
    one_of_each = {r.resource_type: r for r in everything(connection("gleerups"))}
    with Client(vendor.url) as client:
        for resource in one_of_each.values():
            path = f"/{ENDPOINTS[resource.resource_type]}"
            _, created = client.send("POST", path, resource.body)
            status, _ = client.send("PUT", f"{path}/{json.loads(created)['id']}", resource.body)
            assert status == 200
    held = {name: [as_sent(r) for r in rs] for name, rs in vendor.resources().items() if rs}
    assert held == {name: [json.loads(r.body)] for name, r in one_of_each.items()}


def test_the_municipality_has_what_makes_it_hard():
    """Else the judgement above would say little."""
    _, roster = municipality()
    assert any(len(p.enrolments) > 1 for p in roster.people.values())
    assert any(len(p.employments) > 1 for p in roster.people.values())
    assert {g.source for g in roster.groups} == {"orgUnit", "group", "attribute"}
    assert {g.kind for g in roster.groups} == {"class", "teaching"}
    assert any(g.teachers for g in roster.groups)
    assert any(e.school_year == 0 for p in roster.people.values() for e in p.enrolments)
    assert roster.protected


def test_promise_5_the_same_municipality_read_again_gives_the_same_bytes():
    first = everything(connection("gleerups"))
    municipality.cache_clear()
    assert everything(connection("gleerups")) == first
