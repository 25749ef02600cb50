"""Finding school units: what the page says of the register, and what it adds."""

import io

import pytest

from tests.support.page_content import form_of
from tests.support.small_school import ADMIN, STRANGER, TENANT, small_school_pages

PAGE = "/skolenheter/sok"
ADD = "/skolenheter/lagg-till"
UPLOAD = "/skolenheter/fil"


@pytest.fixture
def empty(tmp_path):
    """A school whose tenant has no units yet."""
    world = small_school_pages(tmp_path, own_servers=True)
    world.document["schoolUnits"] = []
    for connection in world.document["connections"]:
        connection["schoolUnits"] = []
    with world:
        yield world


def send_file(world, client, text):
    data = form_of(client.get(PAGE), UPLOAD)
    given = text if isinstance(text, bytes) else text.encode()
    data["file"] = io.BytesIO(given), "register.csv"
    return client.post(UPLOAD, data=data, content_type="multipart/form-data")


def test_the_organisations_units_are_listed_at_once_and_the_active_ones_ticked(empty):
    client = empty.sign_in()
    page = client.get(PAGE)
    said = empty.text(page)
    assert "Skolverkets register har 2 skolenheter för Storviks kommun. 1 är aktiv." in said
    assert "Upphörd" in said
    assert form_of(page, ADD)["code"] == "12345678"


def test_a_ticked_unit_is_added_with_its_details_and_the_way_goes_on_to_proposals(empty):
    client = empty.sign_in()
    answer = empty.send(client, client.get(PAGE), ADD)
    assert answer.location == "/forslag"
    assert empty.stored_document()["schoolUnits"] == [
        {
            "code": "12345678",
            "name": "Norra skolan",
            "municipalityCode": "9999",
            "schoolTypes": ["GR"],
        }
    ]
    actions = [(entry.what, entry.subject) for entry in empty.store.audit_entries(TENANT, 9)]
    assert ("unit.added", "12345678") in actions


def test_a_unit_that_is_there_already_stays_as_it_is(world):
    before = world.stored_document()
    client = world.sign_in()
    page = client.get(PAGE)
    assert "Redan tillagd" in world.text(page)
    answer = world.send(client, page, ADD, code="12345678")
    assert answer.location == PAGE
    assert world.stored_document() == before


def test_a_unit_is_found_by_its_name_and_by_its_code(world):
    client = world.sign_in()
    for text in ("gamla", "12345679"):
        page = client.get(PAGE, query_string={"q": text})
        assert f"Sökningen på ”{text}” gav 1 skolenhet." in world.text(page)
        assert "code" not in form_of(page, ADD)
    assert "Ingen skolenhet stämmer." in world.text(client.get(PAGE, query_string={"q": "xyz"}))


def test_new_units_come_by_name_after_those_that_are_there(empty):
    client = empty.sign_in()
    empty.send(client, client.get(PAGE), ADD, code=["12345679", "12345678"])
    names = [unit["name"] for unit in empty.stored_document()["schoolUnits"]]
    assert names == ["Gamla skolan", "Norra skolan"]


def test_a_unit_that_has_ceased_is_pointed_out(empty):
    client = empty.sign_in()
    client.get(PAGE, query_string={"q": "gamla"})
    empty.send(client, client.get(PAGE), ADD, code="12345679")
    said = empty.text(client.get(PAGE))
    assert "1 skolenhet som ni har lagt till har upphört enligt registret: Gamla skolan" in said


def test_a_code_that_the_register_does_not_have_is_not_added(empty):
    client = empty.sign_in()
    answer = empty.send(client, client.get(PAGE), ADD, code="55555555")
    assert "finns inte i registret längre" in empty.text(client.get(answer.location))
    assert not empty.stored_document().get("schoolUnits")


def test_units_of_the_list_are_added_though_the_register_has_stopped_answering(empty):
    client = empty.sign_in()
    page = client.get(PAGE)
    empty.register.fail(status=503, times=None)
    assert empty.send(client, page, ADD).location == "/forslag"
    assert empty.stored_document()["schoolUnits"] == [{"code": "12345678", "name": "Norra skolan"}]


def test_when_nobody_can_say_whether_there_is_a_unit_it_is_not_said_to_be_gone(empty):
    client = empty.sign_in()
    page = client.get(PAGE)
    empty.register.fail(status=503, times=None)
    answer = empty.send(client, page, ADD, code="55555555", q="5560001234")
    said = empty.text(client.get(answer.location))
    assert "Skolverkets register kan inte nås just nu, så 1 skolenhet lades inte till." in said
    assert "finns inte i registret" not in said


def test_when_the_register_is_away_the_page_says_so_and_offers_other_ways(tmp_path):
    with small_school_pages(tmp_path, SKOLSYNK_REGISTER="off") as world:
        client = world.sign_in()
        page = client.get(PAGE)
        assert page.status_code == 200
        said = world.text(page)
        assert "Skolverkets register kan inte nås just nu." in said
        answer = world.send(client, page, ADD, code="11112222", name=" Nya  skolan ")
        assert answer.location == "/forslag"
        assert world.stored_document()["schoolUnits"][1] == {
            "code": "11112222",
            "name": "Nya skolan",
        }


def test_a_unit_by_hand_must_have_a_right_code_and_a_name(tmp_path):
    with small_school_pages(tmp_path, SKOLSYNK_REGISTER="off") as world:
        client = world.sign_in()
        answer = world.send(client, client.get(PAGE), ADD, code="1234", name="")
        assert answer.status_code == 400
        said = world.text(answer)
        assert "En skolenhetskod har åtta siffror" in said
        assert "Skriv skolenhetens namn" in said
        assert 'value="1234"' in answer.text
        again = world.send(client, client.get(PAGE), ADD, code="12345678", name="Norra")
        assert "Skolenheten är redan tillagd." in world.text(again)


def test_an_uploaded_register_is_searched_until_it_is_removed(tmp_path):
    text = "Skolenhetskod;Skolenhetsnamn;Organisationsnummer\n22223333;Östra skolan;212000-9999\n"
    with small_school_pages(tmp_path, SKOLSYNK_REGISTER="off") as world:
        client = world.sign_in()
        assert send_file(world, client, text).location == PAGE
        page = client.get(PAGE)
        assert "Filen har 1 skolenhet." in world.text(page)
        assert form_of(page, ADD)["code"] == "22223333"
        world.send(client, page, "/skolenheter/fil/bort")
        assert "Östra skolan" not in world.text(client.get(PAGE))


def test_a_file_without_organisation_numbers_can_be_searched(tmp_path):
    text = "Skolenhetskod;Skolenhetsnamn\n22223333;Östra skolan\n"
    with small_school_pages(tmp_path, SKOLSYNK_REGISTER="off") as world:
        client = world.sign_in()
        send_file(world, client, text)
        page = client.get(PAGE)
        assert "Er fil har 1 skolenhet" in world.text(page)
        found = client.get(PAGE, query_string={"q": "östra"})
        assert "Östra skolan" in world.text(found)


def test_what_is_wrong_in_a_file_is_told_by_line(world):
    client = world.sign_in()
    answer = send_file(world, client, "Skolenhetskod;Skolenhetsnamn\n123;Östra skolan\n")
    assert answer.status_code == 400
    assert "Rad 2: Skolenhetskoden ska ha åtta siffror." in world.text(answer)
    assert "Filen är tom." in world.text(send_file(world, client, ""))


def test_what_is_wrong_is_told_above_the_list_of_units_with_the_way_to_the_field(world):
    client = world.sign_in()
    page = client.get(PAGE)
    none = world.send(client, page, UPLOAD)
    assert none.status_code == 400
    by_hand = client.post(ADD, data={**form_of(page, UPLOAD), "by_hand": "1", "code": "1"})
    for answer, way in (
        (send_file(world, client, "x"), '<a href="#file">Välj en annan fil</a>'),
        (none, '<a href="#file">Välj en fil först.</a>'),
        (by_hand, '<a href="#code">En skolenhetskod har åtta siffror'),
    ):
        assert 0 < answer.text.find(way) < answer.text.find("Sök i registret"), way


def test_a_name_is_of_a_length_to_show_and_shows(tmp_path):
    with small_school_pages(tmp_path, SKOLSYNK_REGISTER="off") as world:
        client = world.sign_in()
        page = client.get(PAGE)
        answer = world.send(client, page, ADD, code="11112222", name="x" * 201)
        assert answer.status_code == 400
        assert "Namnet får vara högst 200 tecken." in world.text(answer)
        file = f"Skolenhetskod;Skolenhetsnamn\n22223333;{'x' * 201}\n"
        assert "Rad 2: Namnet får vara högst" in world.text(send_file(world, client, file))
        world.send(client, page, ADD, code="11112222", name="Nya\x00 sko\u200blan")
        assert world.stored_document()["schoolUnits"][1]["name"] == "Nya skolan"


def test_whose_own_register_is_used_is_in_the_log(world):
    client = world.sign_in()
    send_file(world, client, "Skolenhetskod;Skolenhetsnamn\n22223333;Östra skolan\n")
    world.send(client, client.get(PAGE), "/skolenheter/fil/bort")
    entries = [(entry.what, entry.who) for entry in world.store.audit_entries(TENANT, 2)]
    assert entries == [("register.removed", ADMIN), ("register.uploaded", ADMIN)]
    assert "Eget skolregister uppladdat" in world.text(client.get("/installningar/logg"))


HEADER, ROW = "Skolenhetskod;Skolenhetsnamn;Status", "22223333;Östra skolan;Aktiv"


@pytest.mark.parametrize(
    "data",
    [
        f"{HEADER}\n{ROW}\n".encode(),
        f"{HEADER}\r\n{ROW}\r\n".encode("utf-8-sig"),
        f"{HEADER}\r\n{ROW}".encode("latin-1"),
        f"{HEADER}\n{ROW}".replace(";", "\t").encode("utf-16"),
        f"{HEADER}\n{ROW}".replace(";", ",").encode(),
        f"sep=;\n{HEADER};Annat\n{ROW};x\n\n;;;\n".encode(),
        f'Utdrag 2026\n"{HEADER.replace(";", chr(34) + ";" + chr(34))}"\n{ROW}\n'.encode(),
    ],
    ids=[
        "plain",
        "Excel's UTF-8",
        "latin-1",
        "UTF-16",
        "commas",
        "sep",
        "title and quotes",
    ],
)
def test_a_file_is_read_however_it_was_saved(tmp_path, data):
    with small_school_pages(tmp_path, SKOLSYNK_REGISTER="off") as world:
        client = world.sign_in()
        assert send_file(world, client, data).location == PAGE
        assert "Östra skolan" in world.text(client.get(PAGE, query_string={"q": "östra"}))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"PK\x03\x04\x14\x00", "Det är en Excelfil. Spara den som CSV i Excel"),
        (b"\x89PNG\r\n\x00\x00", "Filen är inte text."),
        (b"Namn;Ort\nA;B\n", "Första raden måste ha kolumnerna Skolenhetskod och Skolenhetsnamn."),
        (f"{HEADER}\n".encode(), "Filen har inga skolenheter under kolumnnamnen."),
        (b"x" * 5_000_001, "Filen är större än 5 MB."),
    ],
)
def test_a_file_that_is_no_register_is_told_so_and_nothing_is_kept(world, data, told):
    client = world.sign_in()
    answer = send_file(world, client, data)
    assert answer.status_code == 400
    assert told in world.text(answer)
    assert "Er fil har" not in world.text(client.get(PAGE))


def test_a_unit_that_has_ceased_is_marked_and_not_ticked_in_a_file_too(tmp_path):
    text = (
        "Skolenhetskod;Skolenhetsnamn;Status;Organisationsnummer\n"
        "22223333;Östra skolan;Upphörd;212000-9999\n22224444;Västra skolan;;2120009999\n"
    )
    with small_school_pages(tmp_path, SKOLSYNK_REGISTER="off") as world:
        client = world.sign_in()
        send_file(world, client, text)
        page = client.get(PAGE)
        said = world.text(page)
        assert "Östra skolan 22223333 ■ Upphörd" in said
        assert "Västra skolan 22224444 ● Aktiv" in said
        assert form_of(page, ADD)["code"] == "22224444"


def test_a_register_that_stops_answering_is_reported_and_its_copy_is_used(empty):
    client = empty.sign_in()
    assert "Norra skolan" in empty.text(client.get(PAGE))
    empty.register.fail(status=503, times=None)
    assert "Norra skolan" in empty.text(client.get(PAGE))  # as it was kept
    said = empty.text(client.get(PAGE, query_string={"q": "5560001234"}))
    assert "Skolverkets register kan inte nås just nu." in said
    assert "Försök igen" in said


def test_two_who_add_units_at_once_are_both_kept(empty):
    client, other = empty.sign_in(), empty.sign_in()
    page, same = client.get(PAGE), other.get(PAGE)
    empty.send(client, page, ADD, code="12345678")
    empty.send(other, same, ADD, code=["12345678", "12345679"])
    assert sorted(u["code"] for u in empty.stored_document()["schoolUnits"]) == [
        "12345678",
        "12345679",
    ]


def test_when_nothing_is_ticked_the_page_says_what_to_do(empty):
    client = empty.sign_in()
    answer = empty.send(client, client.get(PAGE), ADD, code=None)
    assert "Kryssa för minst en skolenhet" in empty.text(client.get(answer.location))
    assert not empty.stored_document().get("schoolUnits")


def test_one_tenants_file_is_not_searched_by_another(world):
    send_file(world, world.sign_in(), "Skolenhetskod;Skolenhetsnamn\n22223333;Östra skolan\n")
    other = world.sign_in(STRANGER)
    assert "Östra skolan" not in world.text(other.get(PAGE, query_string={"q": "östra"}))
