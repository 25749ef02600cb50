"""Förslag: what is proposed, what is accepted, and what stays as it is."""

import html
import re
from typing import Any

import pytest

from addon.proposals.reasons import CODES
from addon.sync.proposal_answers import ProposalAnswers, load_answers
from addon.web.presenters.proposal_reasons import SENTENCES, years_said
from addon.web.presenters.proposal_rows import FACTS
from addon.web.views import proposals
from addon.web.views.proposals import read_picks
from tests.support.page_content import form_of, text_of
from tests.support.small_school import TENANT, deliver, person, set_live, small_school_pages
from tests.support.world import World

PAGE, ANSWER, SPLIT = "/forslag", "/forslag/svar", "/forslag/delning"
NORRA, SODRA, OKAND = "12345678", "12345680", "12345681"
BERGA_A, BERGA_B = "12345683", "12345684"


def add_people(domain: Any, path: str, count: int) -> None:
    for n in range(count):
        name = path.strip("/").replace("/", "-")
        domain.add_user(person(f"Ada{n}", f"Bo{name}", path))


@pytest.fixture
def world(tmp_path):
    """Two schools that are set up by nobody, and one that is nowhere in the directory."""
    world = small_school_pages(tmp_path)
    document = world.document
    document["schoolUnits"] = [
        {"code": NORRA, "name": "Norra skolan", "schoolTypes": ["GR"]},
        {"code": SODRA, "name": "Södra skolan", "schoolTypes": ["GR"]},
        {"code": OKAND, "name": "Vinterträdets förskola", "schoolTypes": ["GR"]},
    ]
    for connection in document["connections"]:
        connection["schoolUnits"] = []
    with world:
        domain = world.domain
        for school in ("Norra skolan", "Södra skolan"):
            for path in (f"/Elever/{school}", f"/Elever/{school}/7A", f"/Elever/{school}/7B"):
                domain.add_org_unit(path)
            for group in ("7A", "7B"):
                add_people(domain, f"/Elever/{school}/{group}", 12)
            domain.add_org_unit(f"/Personal/{school}")
            add_people(domain, f"/Personal/{school}", 4)
        domain.add_org_unit("/Förvaltningen")
        add_people(domain, "/Förvaltningen", 9)
        yield world


def units(world: World) -> dict[str, Any]:
    return {unit["code"]: unit for unit in world.stored_document()["schoolUnits"]}


def opened(world, client, code):
    return world.ready(client, f"{PAGE}?enhet={code}")


def row(world, page, code):
    """What the row of a unit says, unfolded or not."""
    found = re.search(rf'<tr[^>]*id="enhet-{code}".*?</tr>', page.text, re.S)
    assert found, code
    return text_of(found[0])


def test_the_first_sentences_say_what_is_sure_and_what_needs_an_answer(world):
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "2 av 3 förslag är säkra och kan godtas. 1 behöver ett svar från dig." in said
    assert "Så tolkade vi er struktur: /Elever/skola/klass" in said


def test_a_shape_that_only_some_schools_have_is_not_said(world):
    document, domain = world.document, world.domain
    document["schoolUnits"].append({"code": "12345682", "name": "Västra skolan"})
    world.import_document()
    for path in ("/Västra skolan", "/Västra skolan/Elever", "/Västra skolan/Elever/7A"):
        domain.add_org_unit(path)
    add_people(domain, "/Västra skolan/Elever/7A", 12)
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "/Elever/skola/klass" not in said


def test_a_row_says_how_sure_how_many_and_where_and_those_with_a_question_come_first(world):
    page = world.ready(world.sign_in(), PAGE)
    assert row(world, page, NORRA).startswith("Norra skolan ● Säkert 24 4 2 7 ")
    assert "/Elever/Norra skolan" in row(world, page, NORRA)
    assert "Inget förslag – – – –" in row(world, page, OKAND)
    codes = re.findall(r'<tr[^>]*id="enhet-(\d+)"', page.text)
    assert codes == [OKAND, NORRA, SODRA]
    said = world.text(page)
    assert said.index("Behöver ett svar") < said.index("Säkra")


def test_one_unit_is_unfolded_with_its_classes_and_why(world):
    client = world.sign_in()
    page = opened(world, client, NORRA)
    said = world.text(page)
    assert "24 i /Elever/Norra skolan" in said
    assert "4 i /Personal/Norra skolan" in said
    assert "2: 7A, 7B från organisationsenheterna" in said
    assert "Organisationsenheten /Elever/Norra skolan heter som skolenheten (24 personer)." in said
    assert "/Personal/Södra skolan heter" not in said
    assert page.text.count('aria-expanded="true"') == 1
    assert world.ready(client, PAGE).text.count('aria-expanded="true"') == 0


def test_what_is_changed_on_the_units_page_leads_back_to_the_table_at_the_next_unit(
    world, monkeypatch
):
    monkeypatch.setattr(proposals, "SIZE", 1)
    client = world.sign_in()
    table = opened(world, client, NORRA)
    assert row(world, table, NORRA)  # the page of the table that has the unit
    (change,) = re.findall(rf'href="(/skolenheter/{NORRA}/urval[^"]*)"', table.text)
    page = world.ready(client, html.unescape(change))
    back = f'href="{PAGE}?enhet={NORRA}#enhet-{NORRA}">Tillbaka till Förslag'
    assert back in html.unescape(page.text)
    answer = world.send(client, page, f"/skolenheter/{NORRA}/urval", save="1")
    assert answer.location == f"{PAGE}?sida=2#enhet-{SODRA}"
    after = world.ready(client, f"{PAGE}?sida=2")
    assert "Urvalet för Norra skolan är sparat. Inget skickas ännu." in world.text(after)
    assert row(world, after, SODRA)


def test_a_search_in_the_table_is_kept_by_what_is_accepted_and_answered(world):
    client = world.sign_in()
    page = world.ready(client, f"{PAGE}?q=skolan&enhet={NORRA}")
    accepted = world.send(client, page, PAGE, do=f"unit:{NORRA}")
    assert accepted.location == f"{PAGE}?q=skolan#enhet-{SODRA}"
    page = world.ready(client, accepted.location)
    form = {**form_of(page, PAGE), "answer": f"none:{SODRA}"}
    answered = client.post(ANSWER, data=form)
    assert answered.location == f"{PAGE}?enhet={SODRA}&q=skolan#enhet-{SODRA}"


def test_people_are_counted_as_on_the_list_of_units_and_who_cannot_be_sent_is_told(world):
    nameless = person("Ada", "", "/Elever/Norra skolan/7A")
    world.domain.add_user(nameless)
    world.domain.add_user(person("Lärare", "Ock-Elev", "/Elever/Norra skolan/7A"))
    client = world.sign_in()
    page = opened(world, client, NORRA)
    cannot = "Dessutom finns 1 person som inte kan skickas, eftersom namn eller adress saknas."
    assert cannot in world.text(page)
    assert "25 i /Elever/Norra skolan" in world.text(page)
    assert "Godta de 2 säkra: 49 elever och 8 i personalen" in world.text(page)
    world.send(client, page, PAGE, do=f"unit:{NORRA}")
    assert "Norra skolan 12345678 25 4 2" in world.text(world.ready(client, "/skolenheter"))


def test_an_org_unit_with_many_people_that_belongs_nowhere_is_reported(world):
    client = world.sign_in()
    assert "/Förvaltningen 9 personer" in world.text(world.ready(client, PAGE))


def test_one_button_accepts_the_sure_ones_and_says_how_many_people_they_have(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "Godta de 2 säkra: 48 elever och 8 i personalen" in world.text(page)
    answer = world.send(client, page, PAGE, do="sure")
    assert answer.location == PAGE  # one unit needs an answer still
    found = units(world)
    assert found[NORRA]["students"] == {"orgUnits": ["/Elever/Norra skolan"]}
    assert found[SODRA]["staff"] == {"orgUnits": ["/Personal/Södra skolan"]}
    assert found[SODRA]["classes"]["from"] == "orgUnit"
    assert "students" not in found[OKAND]
    actions = [entry.what for entry in world.store.audit_entries(TENANT, 9)]
    assert actions.count("proposals.accepted") == 1


def test_when_nothing_is_left_to_answer_the_walk_goes_on(world):
    world.document["schoolUnits"].pop()
    world.import_document()
    client = world.sign_in()
    answer = world.send(client, world.ready(client, PAGE), PAGE, do="sure")
    assert answer.location == "/leverantorer"
    said = world.text(world.ready(client, PAGE))
    assert "Alla 2 skolenheter är klara. Här finns inget att svara på." in said


def test_one_unit_is_accepted_alone(world):
    client = world.sign_in()
    world.send(client, opened(world, client, SODRA), PAGE, do=f"unit:{SODRA}")
    assert "students" in units(world)[SODRA]
    assert "students" not in units(world)[NORRA]


def test_what_is_set_up_is_not_listed_and_is_replaced_only_where_it_is_asked_for(world):
    own = {"orgUnits": ["/Elever/Norra skolan/7A"]}
    world.document["schoolUnits"][0]["students"] = own
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert f'id="enhet-{NORRA}"' not in page.text
    assert "1 skolenhet har redan ett urval. Det ändras inte här." in world.text(page)
    world.send(client, page, PAGE, do="sure")
    assert units(world)[NORRA]["students"] == own
    again = opened(world, client, NORRA)
    assert "Ersätt urvalet med förslaget" in world.text(again)
    world.send(client, again, PAGE, do=f"unit:{NORRA}")
    assert units(world)[NORRA]["students"] == {"orgUnits": ["/Elever/Norra skolan"]}


def test_whom_a_unit_leaves_out_is_left_out_by_an_accepted_proposal_too(world):
    unit = world.document["schoolUnits"][0]
    unit["students"] = {"orgUnits": ["/Förvaltningen"], "except": {"users": ["17"]}}
    unit["classes"] = {"from": "group", "pattern": "^x-", "except": ["fritids"]}
    world.import_document()
    client = world.sign_in()
    world.send(client, opened(world, client, NORRA), PAGE, do=f"unit:{NORRA}")
    after = units(world)[NORRA]
    assert after["students"]["orgUnits"] == ["/Elever/Norra skolan"]
    assert after["students"]["except"] == {"users": ["17"]}
    assert after["classes"]["from"] == "orgUnit"
    assert after["classes"]["except"] == ["fritids"]


def test_an_alternative_is_shown_with_its_outcome_and_then_accepted(world):
    domain = world.domain
    domain.add_org_unit("/Elever/Norra skolan F-6")
    add_people(domain, "/Elever/Norra skolan F-6", 7)
    client = world.sign_in()
    page = opened(world, client, NORRA)
    assert f"students-{NORRA}" in form_of(page, PAGE)
    choice = {f"students-{NORRA}": "0", "do": f"show:{NORRA}"}
    form = {**form_of(page, PAGE), **choice}
    part = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "7 i /Elever/Norra skolan F-6" in world.text(part)
    shown = client.post(PAGE, data=form)
    assert form_of(shown, PAGE)[f"students-{NORRA}"] == "0"
    assert "students" not in units(world)[NORRA]
    world.send(client, shown, PAGE, do=f"unit:{NORRA}")
    assert units(world)[NORRA]["students"]["orgUnits"] == ["/Elever/Norra skolan F-6"]
    (declined,) = answers(world).declined
    assert (declined.code, declined.selector.org_units) == (NORRA, ("/Elever/Norra skolan",))


def test_no_place_is_taken_from_the_form(world):
    client = world.sign_in()
    page = opened(world, client, NORRA)
    values = {f"students-{NORRA}": "99", f"staff-{NORRA}": "/Skyddade", "do": f"unit:{NORRA}"}
    assert world.send(client, page, PAGE, **values).status_code == 302
    assert units(world)[NORRA]["students"] == {"orgUnits": ["/Elever/Norra skolan"]}
    assert units(world)[NORRA]["staff"] == {"orgUnits": ["/Personal/Norra skolan"]}


@pytest.mark.parametrize("action", ["", "unit:1", "unit:", "likely", "x:y:z"])
def test_an_action_without_anything_to_accept_changes_nothing(world, action):
    client = world.sign_in()
    before = world.stored_document()
    assert world.send(client, world.ready(client, PAGE), PAGE, do=action).status_code == 302
    assert world.stored_document() == before


def test_a_unit_without_anything_to_accept_cannot_be_accepted(world):
    client = world.sign_in()
    before = world.stored_document()
    answer = world.send(client, world.ready(client, PAGE), PAGE, do=f"unit:{OKAND}")
    assert answer.status_code == 400
    assert "Det finns ingen att godta." in world.text(answer)
    assert world.stored_document() == before


def test_who_was_slower_sees_that_another_saved_and_then_can_save(world):
    client, other = world.sign_in(), world.sign_in()
    page = opened(world, client, NORRA)
    world.send(other, world.ready(other, PAGE), PAGE, do=f"unit:{SODRA}")
    answer = world.send(client, page, PAGE, do=f"unit:{NORRA}")
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert world.send(client, answer, PAGE, do=f"unit:{NORRA}").status_code == 302
    assert {"students", "staff"} <= units(world)[NORRA].keys()


def test_a_unit_that_another_adds_meanwhile_is_among_the_proposals_that_are_shown_again(
    world, monkeypatch
):
    client = world.sign_in()
    page = world.ready(client, PAGE)

    def while_another_adds(form, found):
        monkeypatch.undo()
        more = {"code": "12345682", "name": "Nya skolan"}
        world.document["schoolUnits"].append(more)
        world.import_document()
        return read_picks(form, found)

    monkeypatch.setattr(proposals, "read_picks", while_another_adds)
    answer = world.send(client, page, PAGE, do=f"unit:{NORRA}")
    assert answer.status_code == 409
    assert "Nya skolan" in world.text(answer)


@pytest.fixture
def delivered(world):
    """The first school with all pupils and all staff, delivered so to one vendor."""
    everybody = {"students": {"orgUnits": ["/Elever"]}, "staff": {"orgUnits": ["/Personal"]}}
    rule = {"from": "orgUnit", "pattern": "^/Elever/(?P<name>[^/]+)$"}
    world.document["schoolUnits"][0] |= {**everybody, "classes": rule}
    world.document["connections"][0]["schoolUnits"] = [NORRA]
    world.import_document()
    set_live(world, "all")
    deliver(world)
    return world


def test_what_a_proposal_takes_away_from_a_vendor_is_told_before_it_is_accepted(delivered):
    client = delivered.sign_in()
    page = opened(delivered, client, NORRA)
    said = delivered.text(page)
    assert "Om du godtar förslaget: 44 personer tas bort hos All vid nästa körning." in said
    assert "Det är fler än gränsen, så borttagningen väntar på ditt godkännande." in said
    assert "2 klasser tas bort hos All vid nästa körning. 2 nya klasser skapas." in said
    assert said.count("Om du godtar förslaget:") == 1
    form = {**form_of(page, PAGE), "do": f"show:{NORRA}"}
    part = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert "44 personer tas bort hos All" in delivered.text(part)


def test_proposals_that_have_changed_since_they_were_shown_are_shown_again(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    add_people(world.domain, "/Elever/Norra skolan", 3)
    with world.later(60):
        client.post("/katalog/las", data=form_of(page, "/katalog/las"))
        world.ready(client, PAGE)
        answer = world.send(client, page, PAGE, do="sure")
    assert answer.status_code == 409
    assert "Förslagen har räknats om" in world.text(answer)
    assert "students" not in units(world)[NORRA]


# Answers that set nothing up


def answers(world):
    return load_answers(world.store, TENANT, world.clock())


def answer(world, client, page, value):
    return client.post(ANSWER, data={**form_of(page, PAGE), "answer": value})


def test_what_is_declined_is_not_proposed_again_until_it_is_taken_back(world):
    client = world.sign_in()
    page = opened(world, client, NORRA)
    sent = answer(world, client, page, f"decline:{NORRA}:students")
    assert sent.location == f"{PAGE}?enhet={NORRA}#enhet-{NORRA}"
    after = opened(world, client, NORRA)
    assert "24 i /Elever/Norra skolan" not in world.text(after)
    assert "Föreslås inte igen Elever: /Elever/Norra skolan" in world.text(after)
    assert answers(world).declined[0].selector.org_units == ("/Elever/Norra skolan",)
    answer(world, client, after, f"offer:{NORRA}:0")
    assert "24 i /Elever/Norra skolan" in world.text(opened(world, client, NORRA))
    said = [entry.what for entry in world.store.audit_entries(TENANT, 9)]
    assert said[:2] == ["proposals.offered", "proposals.declined"]


def test_a_unit_without_students_is_done_and_that_is_undone_in_the_same_place(world):
    client = world.sign_in()
    answer(world, client, opened(world, client, OKAND), f"none:{OKAND}")
    page = opened(world, client, OKAND)
    assert "Inga elever här" in row(world, page, OKAND)
    said = world.text(page)
    assert "2 av 2 förslag är säkra" in said
    assert "behöver ett svar från dig" not in said
    listed = world.text(world.ready(client, "/skolenheter?visa=saknas"))
    assert "Vinterträdets förskola" not in listed
    assert "Inga elever här" in world.text(world.ready(client, "/skolenheter"))
    of_unit = world.text(world.ready(client, f"/skolenheter/{OKAND}"))
    assert "Inga elever här, enligt ert svar." in of_unit
    assert "Urval saknas" not in of_unit
    world.send(client, page, PAGE, do="sure")
    assert "Alla 3 skolenheter är klara." in world.text(client.get("/"))
    answer(world, client, opened(world, client, OKAND), f"some:{OKAND}")
    assert "Inget förslag" in row(world, opened(world, client, OKAND), OKAND)


def test_a_unit_that_is_said_to_have_no_students_does_not_hold_up_the_walk(world):
    client = world.sign_in()
    answer(world, client, opened(world, client, OKAND), f"none:{OKAND}")
    sent = world.send(client, world.ready(client, PAGE), PAGE, do="sure")
    assert sent.location == "/leverantorer"


@pytest.mark.parametrize(
    "value",
    [
        *("", "decline", f"decline:{NORRA}:x", f"decline:{OKAND}:students", "none:99999999"),
        *(f"offer:{NORRA}:0", f"offer:{NORRA}:-1", f"offer:{NORRA}:x"),
    ],
)
def test_answers_about_what_is_not_there_change_nothing(world, value):
    client = world.sign_in()
    assert answer(world, client, world.ready(client, PAGE), value).status_code == 302
    assert answers(world) == ProposalAnswers()


def test_a_proposal_that_has_changed_since_it_was_shown_is_not_declined(world):
    client = world.sign_in()
    page = opened(world, client, NORRA)
    form = {**form_of(page, PAGE), "seen": "another", "answer": f"decline:{NORRA}:students"}
    client.post(ANSWER, data=form)
    assert answers(world) == ProposalAnswers()
    assert "Förslagen har räknats om" in world.text(client.get("/"))


# Pupils whom several units claim


def test_pupils_of_a_unit_that_is_set_up_make_a_proposal_for_them_a_question(world):
    world.document["schoolUnits"][1]["students"] = {"orgUnits": ["/Elever/Norra skolan/7A"]}
    world.import_document()
    page = world.ready(world.sign_in(), PAGE)
    said = row(world, page, NORRA)
    assert "Osäkert" in said
    assert "12 elever hör både till Norra skolan och till Södra skolan." in said
    assert "Godta den säkra" not in world.text(page)


def test_a_few_shared_pupils_are_told_and_are_no_question(world):
    world.domain.add_org_unit("/Elever/Norra skolan/Gäster")
    add_people(world.domain, "/Elever/Norra skolan/Gäster", 2)
    world.document["schoolUnits"][1]["students"] = {"orgUnits": ["/Elever/Norra skolan/Gäster"]}
    world.import_document()
    page = opened(world, world.sign_in(), NORRA)
    assert "2 elever hör både till Norra skolan och till Södra skolan." in world.text(page)
    assert "Osäkert" not in row(world, page, NORRA)


# Units that share an OU


@pytest.fixture
def shared(world):
    """Two units of which nothing says how their OU is split, beside the two that are sure."""
    world.document["schoolUnits"] += [
        {"code": BERGA_A, "name": "Bergaskolan F-3", "schoolTypes": ["GR"]},
        {"code": BERGA_B, "name": "Bergaskolan", "schoolTypes": ["GR"]},
    ]
    world.import_document()
    world.domain.add_org_unit("/Elever/Bergaskolan")
    for year in (2, 3, 4, 5):
        path = f"/Elever/Bergaskolan/{year}A"
        world.domain.add_org_unit(path)
        add_people(world.domain, path, 10 + year)
    world.domain.add_org_unit("/Personal/Bergaskolan")
    add_people(world.domain, "/Personal/Bergaskolan", 5)
    return world


def split(world, client, page, **values):
    return client.post(SPLIT, data={**form_of(page, PAGE), "do": "split", **values})


def test_units_that_share_an_org_unit_are_one_question_with_the_outcome_of_each_answer(shared):
    client = shared.sign_in()
    page = opened(shared, client, BERGA_B)
    assert "Bergaskolan F-3 och Bergaskolan ▲ Ett svar 54" in row(shared, page, BERGA_A)
    assert f'id="enhet-{BERGA_B}"' not in page.text
    said = shared.text(page)
    assert "Hur delas /Elever/Bergaskolan?" in said
    assert (
        "Bergaskolan F-3 : årskurs 2, 3 (25 elever) Bergaskolan : årskurs 4, 5 (29 elever)" in said
    )


def test_one_answer_sets_up_all_units_of_the_question(shared):
    client = shared.sign_in()
    page = opened(shared, client, BERGA_A)
    assert split(shared, client, page, way="years:0.0.1.1").location == PAGE
    found = units(shared)
    assert found[BERGA_A]["students"]["orgUnits"] == [f"/Elever/Bergaskolan/{y}A" for y in (2, 3)]
    assert found[BERGA_B]["students"]["orgUnits"] == [f"/Elever/Bergaskolan/{y}A" for y in (4, 5)]
    assert {found[code]["staff"]["orgUnits"][0] for code in (BERGA_A, BERGA_B)} == {
        "/Personal/Bergaskolan"
    }
    assert found[BERGA_A]["classes"]["from"] == "orgUnit"
    assert "Hur delas" not in shared.text(shared.ready(client, PAGE))
    again = split(shared, client, page, way="years:0.0.1.1")
    assert again.location == PAGE
    assert units(shared) == found


def test_an_answer_part_by_part_is_shown_first_and_tells_who_is_left_out(shared):
    client = shared.sign_in()
    page = opened(shared, client, BERGA_A)
    own = {"way": "own:years", "part-years-0": BERGA_A, "part-years-3": BERGA_B}
    shown = client.post(SPLIT, data={**form_of(page, PAGE), "do": "look", **own})
    assert "27 elever hamnar inte på någon skolenhet." in shared.text(shown)
    assert "students" not in units(shared)[BERGA_A]
    assert form_of(shown, PAGE)["part-years-3"] == BERGA_B
    assert split(shared, client, shown).status_code == 302
    found = units(shared)
    assert found[BERGA_A]["students"]["orgUnits"] == ["/Elever/Bergaskolan/2A"]
    assert found[BERGA_B]["students"]["orgUnits"] == ["/Elever/Bergaskolan/5A"]


@pytest.mark.parametrize(
    "way", ["", "years:9.9", "own:programme", "own:orgUnit", "own:years", "own:x"]
)
def test_an_answer_that_gives_a_unit_nothing_is_refused(shared, way):
    client = shared.sign_in()
    before = shared.stored_document()
    answer = split(shared, client, opened(shared, client, BERGA_A), way=way)
    assert answer.status_code == 400
    assert "Inget är sparat ännu" in shared.text(answer)
    assert shared.stored_document() == before


def test_a_question_is_about_the_units_that_lack_a_selection_alone(shared):
    shared.document["schoolUnits"][-1]["students"] = {"orgUnits": ["/Elever/Bergaskolan/5A"]}
    shared.import_document()
    said = shared.text(shared.ready(shared.sign_in(), PAGE))
    assert "Hur delas den?" not in said


def test_places_with_protected_people_are_reported_before_anything_else(world):
    world.document["protected"] = {}
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "skyddade personuppgifter i organisationsenheten /Skyddade" in world.text(page)
    assert 'href="/skyddade"' in page.text


def test_without_units_the_page_leads_to_the_register(tmp_path):
    world = small_school_pages(tmp_path)
    world.document["schoolUnits"] = []
    for connection in world.document["connections"]:
        connection["schoolUnits"] = []
    with world:
        page = world.sign_in().get(PAGE)
        assert page.status_code == 200
        assert 'href="/skolenheter/sok"' in page.text


def test_when_nothing_fits_the_page_says_what_to_do(world):
    world.document["schoolUnits"] = [{"code": OKAND, "name": "Vinterträdet"}]
    world.import_document()
    client = world.sign_in()
    said = world.text(world.ready(client, PAGE))
    assert "Vi känner inte igen skolenheten i er struktur." in said
    assert "Ange urvalet själv" in said


def test_every_reason_has_a_sentence():
    assert set(CODES) - FACTS == set(SENTENCES)


@pytest.mark.parametrize(
    ("years", "said"),
    [("7, 8, 9", "7–9"), ("7, 9", "7, 9"), ("3", "3"), ("0, 1", "F, 1"), ("0, 1, 2", "F–2")],
)
def test_school_years_in_a_row_are_said_as_a_span(years, said):
    assert years_said(years) == said


@pytest.mark.parametrize("answered", [f"decline:{NORRA}:students", f"decline:{NORRA}:staff"])
def test_an_unfolded_row_says_each_doubt_once(world, answered):
    client = world.sign_in()
    page = opened(world, client, NORRA)
    answer(world, client, page, answered)
    text = world.text(opened(world, client, NORRA))
    assert text.count("Vi hittar inte var skolenhetens elever ligger.") <= 1


def test_a_unit_without_students_has_no_numbers_in_its_row(world):
    client = world.sign_in()
    answer(world, client, world.ready(client, PAGE), f"none:{NORRA}")
    assert row(world, world.ready(client, PAGE), NORRA).count("–") == 4
