"""Whose a school unit is: the organiser's own in the register, and one tenant's only."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.sandbox.directory_server import DirectoryServer
from addon.school_register.model import RegisterUnit
from addon.school_register.ownership import raise_unless_own_units, units_to_compare
from addon.school_register.register import Register
from addon.store.sqlite.store import SQLiteStore
from addon.store.unit_claims import CLAIMS
from addon.tenants.document import DocumentError
from addon.tenants.model import Organisation, SchoolUnit, Tenant
from tests.support.small_school import (
    DOCUMENT,
    OTHER_TENANT,
    STRANGER,
    TENANT,
    UNITS,
    small_school_pages,
)
from tests.support.two_tenants import THEIR_DOMAIN, their_domain
from tests.support.world import World

OWN, OTHERS, UNKNOWN = "12345678", "87654321", "11112222"
NUMBER, ANOTHER = "2120009999", "5569998877"
FOREIGN = RegisterUnit(OTHERS, "Fria skolan", "AKTIV", "9999", ("GR",), ANOTHER)


def tenant(number: str | None, *codes: str) -> Tenant:
    return Tenant(
        customer_id="C0abc",
        organisation=Organisation("A", number),
        school_units=tuple(SchoolUnit(code=code, name="Skolan") for code in codes),
    )


class Answers:
    """A register that has one unit of each of two organisers."""

    def units(self, **filters: str) -> list[RegisterUnit]:
        wanted = filters["organization_number"]
        return [u for u in (UNITS[0], FOREIGN) if u.organisation_number == wanted]

    def unit(self, code: str) -> RegisterUnit | None:
        return next((u for u in (UNITS[0], FOREIGN) if u.code == code), None)

    def organisers(self) -> list[object]:
        return []


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    store = SQLiteStore(tmp_path / "skolsynk.db")
    yield Register(store, Answers(), lambda: 1_800_000_000.0)  # type: ignore[arg-type]
    store.close()


@pytest.mark.parametrize(
    ("before", "after", "faults"),
    [
        (None, tenant(NUMBER, OWN, UNKNOWN), 0),
        (None, tenant(NUMBER, OWN, OTHERS), 1),
        (tenant(NUMBER, OWN), tenant(NUMBER, OWN, OTHERS), 1),
        (tenant(NUMBER, OTHERS), tenant(NUMBER, OTHERS), 0),  # the operator has confirmed it
        (tenant(None, OTHERS), tenant(NUMBER, OTHERS), 1),
        (tenant(ANOTHER, OTHERS), tenant(NUMBER, OTHERS), 1),
        (tenant("5560001234", OTHERS), tenant(NUMBER, OTHERS), 0),  # confirmed before too
        (None, tenant(None, OTHERS), 0),
    ],
)
def test_a_new_unit_is_the_organisers_own(register, before, after, faults):
    if not faults:
        raise_unless_own_units(register, before, after)
        return
    with pytest.raises(DocumentError, match=r"schoolUnits\[\d\].code: is another organiser's"):
        raise_unless_own_units(register, before, after)


def test_what_changes_no_unit_asks_nothing():
    assert units_to_compare(tenant(NUMBER, OWN), tenant(NUMBER, OWN)) == []
    assert units_to_compare(tenant(NUMBER, OWN, OTHERS), tenant(NUMBER, OWN)) == []


def test_a_tenants_own_file_does_not_make_a_unit_its_own(register):
    lines = f"Skolenhetskod;Skolenhetsnamn;Organisationsnummer\n{OTHERS};Fria skolan;{NUMBER}\n"
    register.upload("C0abc", lines.encode())
    assert register.of_others(NUMBER, [OTHERS]) == {OTHERS}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_school_pages(tmp_path_factory.mktemp("own"), own_servers=True) as world:
        world.register.units = [*world.register.units, FOREIGN]
        yield world


def with_unit(world: World, code: str, **changes: object) -> bytes:
    units = [*DOCUMENT["schoolUnits"], {**DOCUMENT["schoolUnits"][0], "code": code}]
    return json.dumps({**DOCUMENT, "schoolUnits": units} | changes).encode()


def test_the_command_line_takes_another_organisers_unit_when_it_is_confirmed(world):
    data = with_unit(world, OTHERS)
    refused = world.run("tenant", "import", "-", stdin=data)
    assert refused.status == 2
    assert "schoolUnits[1].code: is another organiser's school unit in the register" in refused.err
    assert world.run("tenant", "import", "-", "--confirm", stdin=data).status == 0
    assert world.run("tenant", "import", "-", stdin=json.dumps(DOCUMENT).encode()).status == 0


def test_the_pages_take_it_neither_by_hand_nor_in_a_file(world):
    client = world.sign_in()
    page = client.get("/skolenheter/sok")
    answer = world.send(
        client, page, "/skolenheter/lagg-till", by_hand="1", code=OTHERS, name="Fria skolan"
    )
    assert answer.status_code == 400
    assert "är en annan huvudmans skolenhet i Skolverkets register" in world.text(answer)
    page = client.get("/installningar/dokument")
    given = {"do": "import", "text": with_unit(world, OTHERS).decode()}
    answer = world.send(client, page, "/installningar/dokument", **given)
    assert answer.status_code == 400
    assert len(world.stored_document()["schoolUnits"]) == 1


def test_a_unit_of_two_tenants_is_delivered_for_the_first_only(world):
    assert world.run("tenant", "import", "-", stdin=with_unit(world, UNKNOWN)).status == 0
    assert world.run("tenant", "import", "-", stdin=json.dumps(DOCUMENT).encode()).status == 0
    other = {
        **DOCUMENT,
        "customerId": OTHER_TENANT,
        "primaryDomain": THEIR_DOMAIN,
        "delegatedAdmin": STRANGER,
        "protected": {},
    }
    imported = world.run("tenant", "import", "-", stdin=json.dumps(other).encode())
    assert imported.status == 0
    assert f"{OTHER_TENANT} names the school unit {OWN}, which {TENANT} has" in imported.err
    with DirectoryServer(their_domain()) as directory:
        sync = ("sync", OTHER_TENANT, "--json")
        ran = world.run(*sync, SKOLSYNK_DIRECTORY_ENDPOINT=directory.url)
    assert ran.status == 0
    found = [each for each in ran.json["findings"] if each["code"] == "unit-elsewhere"]
    assert [(each["severity"], each["subject"]) for each in found] == [("error", OWN)]
    assert TENANT not in str(found)
    assert f"the school unit {OWN} is delivered for another tenant" in ran.err
    assert world.vendor("all").held("User") == {}
    said = world.run("status", OTHER_TENANT)
    assert f"school unit {OWN}: not delivered, {TENANT} had it first" in said.out
    elsewhere = world.run("status", OTHER_TENANT, "--json").json["unitsElsewhere"]
    assert elsewhere == [{"code": OWN, "tenant": TENANT}]
    assert world.run("sync", TENANT).status == 0
    assert len(world.vendor("all").held("User")) > 10


def test_a_deletion_that_was_cut_off_gives_up_the_units_when_it_is_completed(world):
    other = {**DOCUMENT, "customerId": OTHER_TENANT, "connections": []}
    other["schoolUnits"] = [{**DOCUMENT["schoolUnits"][0], "code": UNKNOWN}]
    assert world.run("tenant", "import", "-", stdin=json.dumps(other).encode()).status == 0
    with world.open_store() as store:
        store.delete_tenant(OTHER_TENANT, world.clock())
        assert UNKNOWN in store.list_names(CLAIMS, world.clock())
        world.run("tenant", "delete", OTHER_TENANT)
        assert UNKNOWN not in store.list_names(CLAIMS, world.clock())
        assert OWN in store.list_names(CLAIMS, world.clock())


def test_a_deleted_tenant_has_no_units(world):
    other = {**DOCUMENT, "customerId": OTHER_TENANT, "connections": []}
    other["schoolUnits"] = [{**DOCUMENT["schoolUnits"][0], "code": UNKNOWN}]
    assert world.run("tenant", "import", "-", stdin=json.dumps(other).encode()).status == 0
    with world.open_store() as store:
        assert UNKNOWN in store.list_names(CLAIMS, world.clock())
        assert world.run("tenant", "delete", OTHER_TENANT).status == 0
        assert UNKNOWN not in store.list_names(CLAIMS, world.clock())
