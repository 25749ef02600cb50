"""The selection of a unit: what is ticked, what filters do, and whom that reaches."""

import re

import pytest

from tests.support.page_content import form_of
from tests.support.small_school import (
    DOMAIN,
    PUPILS,
    TENANT,
    address,
    deliver,
    person,
    set_live,
    small_school_pages,
    user_id,
)

CODE = "12345678"
PAGE = f"/skolenheter/{CODE}/urval"


@pytest.fixture
def world(tmp_path):
    """The small school, with a group of three pupils and one teacher, and those who left."""
    world = small_school_pages(tmp_path)
    with world:
        domain = world.domain
        domain.add_user(person("Slutade", "Elev", "/Elever/Slutat"))
        members = [f"bo.ek@{DOMAIN}", f"li.xu@{DOMAIN}", f"gunnel.parlbat@{DOMAIN}"]
        domain.add_group({"email": f"norra.extra@{DOMAIN}", "name": "Norra extra"}, members)
        yield world


def part(world, client, page, **values):
    """What the page gets when it asks for the outcome by itself."""
    form = {**form_of(page, PAGE), "do": "show", **values}
    answer = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    return answer


def clause(n, m, attribute, operator, value, role="students"):
    name = f"{role}-f{n}-c{m}"
    return {f"{name}-attribute": attribute, f"{name}-operator": operator, f"{name}-value": value}


def selector(world, role="students"):
    return world.stored_document()["schoolUnits"][0].get(role, {})


def test_the_tree_has_the_number_of_people_at_each_node_and_what_is_chosen_is_ticked(world):
    page = world.ready(world.sign_in(), PAGE)
    said = world.text(page)
    assert "Elever 13 ingår" not in said
    assert "Elever 13" in said
    assert "7A 6 ingår" in said
    form = form_of(page, PAGE)
    assert form["students-ou"] == "/Elever"
    assert form["staff-ou"] == "/Personal"


def test_the_outcome_stands_beside_with_numbers_and_names(world):
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "13 elever, 4 i personalen" in said
    assert "Torvald Äppelqvist" in said


def test_a_change_shows_who_comes_and_who_goes_by_name_before_it_is_saved(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"students-ou": "/Elever/7A"}))
    assert "7 försvinner" in said
    assert "Hjördis Vängbo" in said
    assert selector(world) == {"orgUnits": ["/Elever"]}


def test_what_a_vendor_would_lose_is_reported_with_the_limit(world):
    set_live(world, "all")
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"students-ou": "/Elever/7A"}))
    assert "7 personer tas bort hos All vid nästa körning." in said
    assert "Det är fler än gränsen, så borttagningen väntar på ditt godkännande." in said


def test_a_vendor_that_has_nothing_yet_loses_nobody(world):
    set_live(world, "all")
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"students-ou": "/Elever/7A"}))
    assert "7 försvinner" in said
    assert "tas bort" not in said


@pytest.fixture
def two_schools(world):
    """Class 7B is another school's, and the only one that one of the vendors has."""
    document = world.document
    document["schoolUnits"][0]["students"] = {"orgUnits": ["/Elever/7A"]}
    students = {"orgUnits": ["/Elever/7B"]}
    other = {"code": "12345679", "name": "Södra skolan", "students": students}
    document["schoolUnits"].append(other)
    first, second = document["connections"]
    first["schoolUnits"], second["schoolUnits"] = ["12345679"], [CODE]
    world.import_document()
    set_live(world)
    deliver(world)
    return world


def test_pupils_of_another_school_who_are_made_staff_are_reported_and_go_at_its_vendor(two_schools):
    world = two_schools
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"staff-ou": ["/Personal", "/Elever/7B"]}))
    assert "6 elever på Södra skolan räknas då som personal" in said
    assert "6 personer tas bort hos All vid nästa körning." in said
    assert "tas bort hos Some" not in said


def test_staff_who_are_pupils_of_another_school_stay_at_its_vendor(two_schools):
    world = two_schools
    world.document["schoolUnits"][0]["staff"] = {"orgUnits": ["/"]}
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "0 elever, 18 i personalen" in world.text(page)
    said = world.text(part(world, client, page, **{"staff-ou": "/Personal"}))
    assert "6 elever, 4 i personalen" in said
    assert "6 tillkommer" in said


def test_who_counts_as_staff_is_not_said_to_come_as_a_pupil(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"students-ou": ["/Elever", "/Personal"]}))
    assert "13 elever, 4 i personalen" in said
    assert "4 räknas som personal i stället" in said
    assert "tillkommer" not in said


def test_own_pupils_who_are_made_staff_are_told_to_go(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"staff-ou": ["/Personal", "/Elever/7B"]}))
    assert "7 elever, 10 i personalen" in said
    assert "6 elever på Norra skolan räknas då som personal" in said
    assert "6 försvinner" in said


def test_a_selection_is_saved_and_logged(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    values = {"students-ou": ["/Elever/7A", "/Elever/7B"], "staff-group": f"norra.extra@{DOMAIN}"}
    answer = world.send(client, page, PAGE, **values)
    assert answer.location == f"/skolenheter/{CODE}"
    assert selector(world) == {"orgUnits": ["/Elever/7A", "/Elever/7B"]}
    assert selector(world, "staff") == {
        "orgUnits": ["/Personal"],
        "groups": [f"norra.extra@{DOMAIN}"],
    }
    assert world.store.audit_entries(TENANT, 1)[0].what == "unit.saved"


def test_who_is_removed_by_a_selection_must_have_been_seen(world):
    set_live(world, "all")
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    before = selector(world)
    answer = world.send(client, page, PAGE, **{"students-ou": "/Elever/7A"})
    assert answer.status_code == 400
    assert "Kryssa för att du har sett vilka som tas bort." in world.text(answer)
    assert "personer tas bort hos All vid nästa körning." in world.text(answer)
    assert selector(world) == before
    seen = re.search(r'name="accepted" id="accepted" value="(\w+)"', answer.text)[1]
    other = world.send(client, answer, PAGE, **{"students-ou": "/Elever/7B", "accepted": seen})
    assert other.status_code == 400
    answer = world.send(client, answer, PAGE, accepted=seen)
    assert answer.status_code == 302
    assert selector(world) == {"orgUnits": ["/Elever/7A"]}


def test_what_lies_below_a_ticked_place_is_not_said_twice(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    world.send(client, page, PAGE, **{"students-ou": ["/Elever", "/Elever/7A"]})
    assert selector(world) == {"orgUnits": ["/Elever"]}


def test_a_pupil_who_is_staff_as_well_counts_as_staff_and_is_named(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"students-group": f"norra.extra@{DOMAIN}"}))
    assert "1 räknas som personal i stället Gunnel Pärlbåt" in said


def test_somebody_who_cannot_be_sent_is_told_apart(world):
    world.domain.add_user(person("Bara", "", "/Elever/7A"))
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "1 kan inte skickas, eftersom namn eller adress saknas Bara" in said


def test_a_filter_says_whom_it_stops_and_is_saved(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    values = clause(0, 0, "orgUnitPath", "notContains", "/Slutat")
    said = world.text(part(world, client, page, **values))
    assert "1 uppfyller inte filtret Slutade Elev" in said
    world.send(client, page, PAGE, **values)
    assert selector(world)["filters"] == [
        [{"attribute": "orgUnitPath", "operator": "notContains", "value": "/Slutat"}]
    ]


def test_filters_are_ored_and_their_clauses_anded(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    values = {
        **clause(0, 0, "name.familyName", "in", "Ek\nXu\n\nEk"),
        **clause(0, 1, "orgUnitPath", "endsWith", "7A"),
        **clause(1, 0, "name.givenName", "isNotEmpty", "glömt"),
        **clause(1, 1, "name.familyName", "matches", "^V"),
    }
    said = world.text(part(world, client, page, **values))
    assert "2 elever" in said
    assert "Bo Ek" in said
    world.send(client, page, PAGE, **values)
    assert selector(world)["filters"] == [
        [
            {"attribute": "name.familyName", "operator": "in", "value": ["Ek", "Xu"]},
            {"attribute": "orgUnitPath", "operator": "endsWith", "value": "7A"},
        ],
        [
            {"attribute": "name.givenName", "operator": "isNotEmpty"},
            {"attribute": "name.familyName", "operator": "matches", "value": "^V"},
        ],
    ]


def test_a_filter_is_built_with_buttons_without_any_script(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    shown = world.send(client, page, PAGE, do="students:filter")
    assert shown.status_code == 200
    assert "<html" in shown.text
    assert "students-f0-c0-value" in form_of(shown, PAGE)
    more = world.send(client, shown, PAGE, do="students:add:0")
    assert "students-f0-c1-value" in form_of(more, PAGE)
    other = world.send(client, more, PAGE, do="students:filter")
    assert "students-f1-c0-value" in form_of(other, PAGE)
    less = world.send(client, other, PAGE, do="students:drop:0:1")
    assert "students-f0-c1-value" not in form_of(less, PAGE)
    assert selector(world) == {"orgUnits": ["/Elever"]}


def test_the_filters_and_the_outcome_come_together_when_the_page_asks(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    form = {**form_of(page, PAGE), "do": "students:filter"}
    answer = client.post(PAGE, data=form, headers={"HX-Request": "true"})
    assert 'id="filter-students"' in answer.text
    assert 'hx-swap-oob="true"' in answer.text
    assert "<html" not in answer.text


def test_values_that_people_have_are_suggested_but_no_names(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    values = clause(0, 0, "orgUnitPath", "equals", "") | clause(0, 1, "name.familyName", "in", "")
    shown = world.send(client, page, PAGE, do="show", **values)
    assert '<option value="/Elever/7A">' in shown.text
    assert '<option value="Ek">' not in shown.text


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (clause(0, 0, "orgUnitPath", "contains", " "), "Skriv ett värde att jämföra med."),
        (clause(0, 0, "orgUnitPath", "in", "\n "), "Skriv minst ett värde, ett på varje rad."),
        (clause(0, 0, "orgUnitPath", "matches", "(7A"), "går inte att läsa vid tecken 4"),
        (clause(0, 0, "orgUnitPath", "ends", "x"), "Välj hur det ska jämföras."),
        (clause(0, 0, "shoeSize", "equals", "x"), "Välj en uppgift i listan."),
    ],
)
def test_a_clause_that_is_not_whole_is_reported_in_its_field_and_nothing_is_saved(
    world, values, told
):
    client = world.sign_in()
    before = world.stored_document()
    answer = world.send(client, world.ready(client, PAGE), PAGE, **values)
    assert answer.status_code == 400
    assert told in world.text(answer)
    assert 'aria-invalid="true"' in answer.text or "operator" in str(values)
    assert world.stored_document() == before


def store(world, **students):
    """Have the document say so of the unit's students."""
    world.document["schoolUnits"][0]["students"] = students
    world.import_document()


@pytest.mark.parametrize(
    "clause",
    [
        {"operator": "notIn", "value": [f"elev{n:05}@{DOMAIN}" for n in range(3000)]},
        {"operator": "notContains", "value": " von"},
        {"operator": "notMatches", "value": r"^Sven\ "},
        {"operator": "notMatches", "value": "^(" + "|".join(["Elev"] * 600) + ")$"},
    ],
    ids=["a long list", "a blank before", "a blank after", "a long pattern"],
)
def test_a_selection_that_is_saved_unchanged_is_the_same(world, clause):
    before = {
        "orgUnits": ["/Elever"],
        "filters": [[{"attribute": "primaryEmail", **clause}]],
    }
    store(world, **before)
    client = world.sign_in()
    assert world.send(client, world.ready(client, PAGE), PAGE).status_code == 302
    assert selector(world) == before


def test_blanks_around_a_value_are_reported(world):
    clauses = [[{"attribute": "name.familyName", "operator": "notContains", "value": "von "}]]
    store(world, orgUnits=["/Elever"], filters=clauses)
    said = world.text(world.ready(world.sign_in(), PAGE))
    assert "Mellanslagen före och efter värdet räknas med." in said


def test_more_places_than_anybody_counts_are_all_saved(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    places = [f"/Elever/Klass {n}" for n in range(2500)]
    world.send(client, page, PAGE, **{"students-ou": places})
    assert selector(world) == {"orgUnits": places}


def test_too_long_a_pattern_is_reported(world):
    client = world.sign_in()
    values = clause(0, 0, "primaryEmail", "notMatches", "x" * 10_001)
    answer = world.send(client, world.ready(client, PAGE), PAGE, **values)
    assert answer.status_code == 400
    assert "Det reguljära uttrycket får vara högst 10 000 tecken." in world.text(answer)


def test_filters_without_a_place_are_reported_and_what_was_filled_in_stays(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    values = {"students-ou": None, **clause(0, 0, "orgUnitPath", "endsWith", "7A")}
    told = "Kryssa för var eleverna finns, eller ta bort filtren för elever."
    assert told in world.text(part(world, client, page, **{**values, "students-ou": ""}))
    answer = world.send(client, page, PAGE, **values)
    assert answer.status_code == 400
    assert told in world.text(answer)
    assert form_of(answer, PAGE)["students-f0-c0-value"] == "7A"
    assert selector(world) == {"orgUnits": ["/Elever"]}


def test_a_clause_that_is_not_whole_yet_stops_nobody_meanwhile(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **clause(0, 0, "orgUnitPath", "matches", "(")))
    assert "13 elever" in said


def test_a_place_that_is_gone_is_shown_ticked_so_that_it_can_be_taken_away(world):
    world.document["schoolUnits"][0]["students"] = {
        "orgUnits": ["/Elever", "/Borta"],
        "groups": [f"borta@{DOMAIN}"],
    }
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(page)
    assert "finns inte längre i Google Workspace /Borta" in said
    assert "/Borta finns inte i Google Workspace." in said
    form = form_of(page, PAGE)
    assert form["students-ou"] == ["/Elever", "/Borta"]
    assert form["students-group"] == f"borta@{DOMAIN}"
    world.send(client, page, PAGE, **{"students-ou": "/Elever", "students-group": None})
    assert selector(world) == {"orgUnits": ["/Elever"]}


def test_groups_named_as_the_school_are_shown_and_others_are_found_by_a_search(world):
    world.domain.add_group({"email": f"sodra.larare@{DOMAIN}", "name": "Lärare Södra"})
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "Norra extra" in world.text(page)
    assert "Lärare Södra" not in world.text(page)
    found = part(world, client, page, do="groups", search="södra")
    assert "Lärare Södra" in world.text(found)
    nothing = part(world, client, page, do="groups", search="västra")
    assert "Ingen grupp heter så." in world.text(nothing)


def test_what_is_below_a_node_can_be_asked_for(world):
    client = world.sign_in()
    world.ready(client, PAGE)
    answer = client.get(f"{PAGE}/under", query_string={"ou": "/Elever"})
    assert "7A" in world.text(answer)
    assert 'value="/Elever/7A" data-below disabled' in answer.text
    assert client.get(f"{PAGE}/under", query_string={"ou": "/Nej"}).status_code == 404


def test_who_was_slower_sees_that_another_saved_and_keeps_the_ticks(world):
    client, other = world.sign_in(), world.sign_in()
    page, theirs = world.ready(client, PAGE), world.ready(other, PAGE)
    world.send(other, theirs, PAGE, **{"students-ou": "/Elever/7B"})
    answer = world.send(client, page, PAGE, **{"students-ou": "/Elever/7A"})
    assert answer.status_code == 409
    assert "Du har sparat i en annan flik" in world.text(answer)
    assert form_of(answer, PAGE)["students-ou"] == "/Elever/7A"
    assert selector(world) == {"orgUnits": ["/Elever/7B"]}


def test_no_protected_person_is_named_or_counted(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    assert "Skyddade 0" in world.text(page)
    shown = part(world, client, page, **{"students-ou": "/Skyddade"})
    assert "Skyddsson" not in shown.text
    assert "Inga elever är valda." in world.text(shown)


def test_another_comparison_brings_the_field_that_it_needs(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    form = {**form_of(page, PAGE), "do": "students:redraw"}
    headers = {"HX-Request": "true"}
    listed = client.post(PAGE, data=form | clause(0, 0, "orgUnitPath", "in", "a"), headers=headers)
    assert '<textarea class="form-control' in listed.text
    empty = client.post(
        PAGE, data=form | clause(0, 0, "orgUnitPath", "isEmpty", "a"), headers=headers
    )
    assert 'type="hidden" name="students-f0-c0-value" value="a"' in empty.text


def test_what_runs_have_removed_today_counts_against_the_limit(world):
    set_live(world, "all", limits={"deletions": 6, "deletionsPercent": 100})
    deliver(world)
    for given, family in PUPILS["7A"][:4]:
        world.domain.suspend(address(given, family))
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"students-ou": "/Elever/7B"}))
    assert "3 personer tas bort hos All vid nästa körning." in said
    assert "Det är fler än gränsen, så borttagningen väntar på ditt godkännande." in said


BO, LI = "Bo Ek", "Li Xu"


def id_of(world, name):
    given, _, family = name.partition(" ")
    return user_id(world, given, family)


def test_a_person_is_left_out_with_a_tick_at_the_name_and_the_outcome_says_so(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"students-except-user": id_of(world, BO)}))
    assert "12 elever, 4 i personalen" in said
    assert f"1 person är undantagen {BO}" in said
    assert f"1 försvinner {BO}" in said
    world.send(client, page, PAGE, **{"students-except-user": id_of(world, BO)})
    assert selector(world)["except"] == {"users": [id_of(world, BO)]}


def test_an_exception_is_shown_where_it_works_and_is_undone_there(world):
    world.document["schoolUnits"][0]["students"]["except"] = {"users": [id_of(world, BO), "17"]}
    world.import_document()
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(page)
    assert f"2 personer är undantagna {BO} Kontot 17, som inte omfattas av urvalet" in said
    assert form_of(page, PAGE)["students-except-user"] == [id_of(world, BO), "17"]
    world.send(client, page, PAGE, **{"students-except-user": ["17"]})
    assert selector(world)["except"] == {"users": ["17"]}
    world.send(client, world.ready(client, PAGE), PAGE, **{"students-except-user": []})
    assert selector(world) == {"orgUnits": ["/Elever"]}


def test_an_ou_and_a_group_are_left_out_by_their_path_and_address(world):
    client = world.sign_in()
    page = world.ready(client, PAGE)
    said = world.text(part(world, client, page, **{"students-except-place": "/elever/7a/"}))
    assert "6 är undantagna genom en organisationsenhet eller grupp" in said
    world.send(client, page, PAGE, **{"students-except-place": "/elever/7a"})
    assert selector(world)["except"] == {"orgUnits": ["/Elever/7A"]}
    page = world.ready(client, PAGE)
    assert "Inte de som ligger i /Elever/7A" in world.text(page)
    world.send(client, page, PAGE, **{"students-except-place": f"norra.extra@{DOMAIN}"})
    left = {"orgUnits": ["/Elever/7A"], "groups": [f"norra.extra@{DOMAIN}"]}
    assert selector(world)["except"] == left


def test_a_place_that_there_is_not_is_reported_and_nothing_is_saved(world):
    client = world.sign_in()
    before = world.stored_document()
    page = world.ready(client, PAGE)
    answer = world.send(client, page, PAGE, **{"students-except-place": "/Elever/9Z"})
    assert answer.status_code == 400
    assert "Ingen organisationsenhet eller grupp heter så." in world.text(answer)
    assert form_of(answer, PAGE)["students-except-place"] == "/Elever/9Z"
    assert world.stored_document() == before


def test_an_exception_that_takes_somebody_away_at_a_vendor_asks_first(world):
    set_live(world, "all")
    deliver(world)
    client = world.sign_in()
    page = world.ready(client, PAGE)
    ticks = {"students-except-user": id_of(world, BO)}
    answer = world.send(client, page, PAGE, **ticks)
    assert answer.status_code == 400
    assert "1 person tas bort hos All vid nästa körning." in world.text(answer)
    assert selector(world) == {"orgUnits": ["/Elever"]}
    accepted = re.search(r'name="accepted"[^>]*value="([^"]+)"', answer.text)[1]
    world.send(client, answer, PAGE, **ticks, accepted=accepted)
    assert selector(world)["except"] == {"users": [id_of(world, BO)]}
