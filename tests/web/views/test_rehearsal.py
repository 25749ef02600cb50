"""Inför terminsstart says, in a pause's last week, what the first run after it does, by school.

It can break where somebody is protected, where there is nothing to compare with, where a class is
renamed or a pupil changes school, and outside of that week.
"""

from datetime import timedelta

import pytest
from msgspec import structs

from addon.planning.ledger import LedgerKey
from addon.sync.run import sync
from addon.tenants.pause import today
from tests.support.page_actions import add_unit, read_again
from tests.support.page_content import form_of
from tests.support.small_school import (
    HELD,
    PUPILS,
    TENANT,
    address,
    deliver,
    leave,
    person,
    set_live,
    small_school_pages,
    user_id,
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


# Approving in advance


def answer(world, client, decision, page=None, vendor="all"):
    """Answer the form of a vendor as it stands on the page; return the page after it."""
    action = f"{PAGE}/{vendor}"
    form = form_of(page or world.ready(client, PAGE), action) | {"decision": decision}
    assert client.post(action, data=form).status_code == 302
    return world.text(world.ready(client, PAGE))


def first_run(world):
    """The first run after the pause, at the vendor `all`."""
    pause(world, -30, -1)
    with world.sync_context() as context:
        on_time = structs.replace(context, clock=world.clock)
        (part,) = sync(on_time, TENANT, "all").connections
    return part


def approved_leavers(world, client, *names):
    """Whom the vendor is to lose is approved in advance."""
    world.forget_requests()
    leave(world, *names)
    rehearsed(world, client)
    return answer(world, client, "approve")


def test_promise_6_what_was_approved_in_advance_goes_with_the_first_run(world, client):
    said = approved_leavers(world, client, *PUPILS["7A"])
    assert "Godkänt i förväg av it.admin@edu.storvik.se" in said
    assert "Det gäller 6 personer. Den första körningen går vidare utan spärr." in said
    assert "Ingen, eftersom det är godkänt i förväg" in said
    assert world.requests == []
    entry = world.store.audit_entries(TENANT, 1)[0]
    assert (entry.what, entry.subject) == ("start.approved", "all")
    world.domain.add_user(person("Nya", "Nilsson", "/Elever/7B"))
    part = first_run(world)
    assert (part.status, part.operations["delete"]["User"]) == ("delivered", 6)
    assert part.operations["create"] == {"User": 1}
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None


def test_promise_6_more_than_was_approved_is_held_as_usual(world, client):
    approved_leavers(world, client, *PUPILS["7A"])
    leave(world, *PUPILS["7B"][:4])
    world.domain.add_user(person("Nya", "Nilsson", "/Elever/7B"))
    said = rehearsed(world, client)
    assert "Godkännandet täcker inte längre allt." in said
    assert "Det här skulle också tas bort hos All: 4 personer." in said
    assert "Det stoppas av spärren när pausen är slut" in said
    part = first_run(world)
    assert (part.status, part.approved, part.hold.people) == ("held", 6, 4)
    assert part.sent["create"] == {"User": 1}


def test_a_few_beyond_what_was_approved_are_judged_by_the_limits(world, client):
    approved_leavers(world, client, *PUPILS["7A"])
    leave(world, PUPILS["7B"][0])
    said = rehearsed(world, client)
    assert "också tas bort hos All: 1 person. Det är inom gränsen, så det stoppas inte." in said
    part = first_run(world)
    assert (part.status, part.operations["delete"]["User"]) == ("delivered", 7)


def test_what_has_changed_since_it_was_shown_is_not_approved(world, client):
    leave(world, *PUPILS["7A"])
    rehearsed(world, client)
    page = world.ready(client, PAGE)
    leave(world, PUPILS["7B"][0])
    read_again(world, client)
    said = answer(world, client, "approve", page)
    assert "Det som skulle göras hos All har ändrats sedan sidan visades." in said
    assert first_run(world).status == "held"


def test_what_is_approved_in_advance_can_be_taken_back(world, client):
    approved_leavers(world, client, *PUPILS["7A"])
    said = answer(world, client, "take-back")
    assert "Godkännandet för All är tillbakataget." in said
    assert "Den första körningen skulle ta bort 6 personer hos All." in said
    assert world.store.audit_entries(TENANT, 1)[0].what == "start.taken-back"
    assert first_run(world).status == "held"


def test_who_comes_back_is_not_removed_although_it_was_approved(world, client):
    gone = user_id(world, *PUPILS["7A"][0])
    approved_leavers(world, client, *PUPILS["7A"])
    back = world.domain.restore_user(gone)
    world.domain.move_user(back["primaryEmail"], "/Elever/7A")
    part = first_run(world)
    assert (part.status, part.operations["delete"]["User"]) == ("delivered", 5)


def test_only_in_the_last_week_is_anything_approved_in_advance(world, client):
    leave(world, *PUPILS["7A"])
    rehearsed(world, client)
    form = form_of(world.ready(client, PAGE), f"{PAGE}/all")
    pause(world, -30, 20)
    client.post(f"{PAGE}/all", data=form | {"decision": "approve"})
    assert world.store.approval(LedgerKey(TENANT, "all", "live")) is None


def test_schools_of_one_vendor_are_shown_alone(world, client):
    world.domain.add_user(person("Nya", "Nilsson", "/Södra/7S"))
    leave(world, PUPILS["7A"][0])
    (one,) = [c for c in world.document["connections"] if c["vendor"] == "some"]
    one["schoolUnits"] = [SODRA]
    rehearsed(world, client)
    shown = listed(world, client, "leverantor=some")
    assert "Södra skolan" in shown
    assert "Norra skolan" not in shown


def test_the_command_line_approves_what_preview_has_shown(world, client):
    leave(world, *PUPILS["7A"])
    pause(world, -30, 2)
    shown = world.run("preview", TENANT, "--vendor", "all", "--json").json["connections"][0]
    content = shown["hold"]["content"]
    wrong = world.run("approve", TENANT, "--vendor", "all", "--advance", "0" * 16)
    assert wrong.status == HELD
    done = world.run("approve", TENANT, "--vendor", "all", "--advance", content, "--json")
    assert (done.status, done.json["approved"], done.json["people"]) == (0, True, 6)
    back = world.run("approve", TENANT, "--vendor", "all", "--revoke")
    assert back.status == 0
    assert world.run("approve", TENANT, "--vendor", "all", "--revoke").status == 2
    world.run("approve", TENANT, "--vendor", "all", "--advance", content)
    part = first_run(world)
    assert (part.status, part.operations["delete"]["User"]) == ("delivered", 6)
    again = world.run("approve", TENANT, "--vendor", "all", "--advance", content)
    assert again.status == 2
