"""Inför terminsstart says, in a pause's last week, what the first run after it does, by school.

It can break where somebody is protected, where there is nothing to compare with, where a class is
renamed or a pupil changes school, and outside of that week.
"""

from datetime import timedelta

import pytest

from addon.tenants.pause import today
from tests.support.page_actions import add_unit, read_again
from tests.support.small_school import (
    PUPILS,
    TENANT,
    address,
    deliver,
    leave,
    person,
    set_live,
    small_school_pages,
)

PAGE = "/terminsstart"
SODRA = "12345680"
DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path):
    """Two schools that were delivered before the pause began."""
    world = small_school_pages(tmp_path)
    classes = {"from": "orgUnit", "pattern": "^/Södra/(?P<name>[^/]+)$"}
    add_unit(
        world,
        SODRA,
        "Södra skolan",
        students={"orgUnits": ["/Södra"]},
        classes=classes,
        schoolYear={"from": "class", "pattern": "^(?P<year>\\d+)"},
    )
    with world:
        set_live(world, schoolUnits=["12345678", SODRA])
        world.domain.add_org_unit("/Södra/7S")
        for name in ("Sixten", "Sara"):
            world.domain.add_user(person(name, "Söder", "/Södra/7S"))
        deliver(world)
        world.clock.ahead += 3600
        yield world


def pause(world, begins, ends):
    day = today(world.clock())
    world.document["schedule"] = {
        "pause": {"from": str(day + begins * DAY), "until": str(day + ends * DAY)}
    }
    world.import_document()


def move(world, org_unit, *names):
    for name in names:
        world.domain.move_user(address(*name), org_unit)


def rehearsed(world, client):
    """The page's text, of the directory as it is now."""
    pause(world, -30, 2)
    read_again(world, client)
    return world.text(world.ready(client, PAGE))


def listed(world, client, query):
    """The part of the page's text with the schools, with this query."""
    said = world.text(world.ready(client, f"{PAGE}?{query}"))
    return said[said.index("Skola för skola") :]


def row(said, name):
    """The six numbers of a school."""
    start = said.index("Personal som börjar")
    return said[said.index(f"{name} ", start) + len(name) :].split()[:6]


def test_who_leaves_starts_and_changes_class_is_told_by_school(world, client):
    world.domain.add_org_unit("/Elever/8A")
    move(world, "/Elever/8A", *PUPILS["7A"][:3])
    leave(world, *PUPILS["7B"][:2])
    world.domain.add_user(person("Nya", "Nilsson", "/Elever/7B"))
    world.domain.add_user(person("Lena", "Lärare", "/Personal"))
    world.forget_requests()
    said = rehearsed(world, client)
    assert "När pausen är slut: 2 elever slutar, 1 börjar, 3 byter klass, 0 saknar årskurs." in said
    assert row(said, "Norra skolan") == ["2", "1", "3", "0", "0", "1"]
    assert "På 1 skola ändras inget." in said
    assert world.requests == []


def test_the_numbers_are_what_the_first_run_does(world, client):
    leave(world, *PUPILS["7B"][:2])
    world.domain.add_user(person("Nya", "Nilsson", "/Elever/7B"))
    said = rehearsed(world, client)
    assert "2 elever slutar, 1 börjar" in said
    there = set(world.vendor("all").externalIds("User"))
    pause(world, -30, -1)
    deliver(world)
    after = set(world.vendor("all").externalIds("User"))
    assert (len(there - after), len(after - there)) == (2, 1)


def test_who_changes_school_neither_leaves_nor_starts_in_all(world, client):
    move(world, "/Södra/7S", PUPILS["7A"][0])
    said = rehearsed(world, client)
    assert "0 elever slutar, 0 börjar, 0 byter klass" in said
    assert "Dessutom byter 1 elev skola hos er." in said
    assert row(said, "Norra skolan")[:2] == ["1", "0"]
    assert row(said, "Södra skolan")[:2] == ["0", "1"]


def test_a_class_with_a_new_name_is_a_new_class_for_its_pupils(world, client):
    world.domain.rename_org_unit("/Södra/7S", "8S")
    said = rehearsed(world, client)
    assert "2 byter klass" in said
    assert row(said, "Södra skolan")[2] == "2"


def test_pupils_without_a_school_year_are_counted_with_a_link(world, client):
    world.domain.add_org_unit("/Södra/Bävern")
    move(world, "/Södra/Bävern", ("Sixten", "Söder"))
    said = rehearsed(world, client)
    assert "1 byter klass, 1 saknar årskurs" in said
    assert row(said, "Södra skolan")[3] == "1"
    page = world.ready(client, PAGE)
    link = "/datakvalitet/student-without-school-year"
    assert f'href="{link}"' in page.text
    assert world.ready(client, link).status_code == 200


def test_who_becomes_protected_is_in_no_number(world, client):
    move(world, "/Skyddade", PUPILS["7A"][0])
    said = rehearsed(world, client)
    assert "0 elever slutar, 0 börjar" in said
    assert "Norra skolan" not in said[said.index("Skola för skola") :]


def test_a_hold_at_a_vendor_is_told(world, client):
    leave(world, *PUPILS["7A"])
    said = rehearsed(world, client)
    assert "6 elever slutar" in said
    assert "Fler än gränsen: det som tar bort något väntar på ert beslut" in said


def test_when_every_vendor_is_off_nothing_is_sent(world, client):
    set_live(world, mode="off")
    assert "Alla leverantörer är av, så inget skickas när pausen är slut." in rehearsed(
        world, client
    )


def test_without_an_earlier_reading_no_school_is_told(tmp_path):
    with small_school_pages(tmp_path) as world:
        set_live(world, "all")
        client = world.sign_in()
        said = rehearsed(world, client)
        assert "Det finns ingen tidigare läsning att jämföra med" in said
        assert "Hos leverantörerna" in said


def test_schools_are_searched_and_sorted_on_the_server(world, client):
    leave(world, PUPILS["7A"][0])
    world.domain.add_user(person("Nya", "Nilsson", "/Södra/7S"))
    rehearsed(world, client)
    schools = listed(world, client, "sort=-borjar")
    assert schools.index("Södra skolan") < schools.index("Norra skolan")
    assert "Norra skolan" not in listed(world, client, "q=s%C3%B6dra")
    assert "Ingen skolenhet stämmer med sökningen." in listed(world, client, "q=finns+inte")


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        (-20, 8, "Från {last_week} visas här"),
        (3, 20, "Från {last_week} visas här"),
        (-20, 7, "När pausen är slut:"),
        (-20, 0, "När pausen är slut:"),
        (-20, -1, "Ingen paus är planerad"),
    ],
)
def test_it_is_shown_in_the_pauses_last_week(world, client, begins, ends, said):
    pause(world, begins, ends)
    last_week = today(world.clock()) + (ends - 7) * DAY
    page = world.text(world.ready(client, PAGE))
    assert said.format(last_week=last_week) in page
    links = 'href="/terminsstart"' in client.get("/").text
    assert links == said.startswith("När")


def test_the_page_changes_nothing(world, client):
    known = world.store.runs(TENANT)
    leave(world, *PUPILS["7B"][:2])
    world.forget_requests()
    first, second = rehearsed(world, client), rehearsed(world, client)
    assert first.count("2 elever slutar") == second.count("2 elever slutar") == 1
    assert world.requests == []
    assert world.store.runs(TENANT) == known
