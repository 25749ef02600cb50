"""The search in the header: people, classes, units, vendors and runs; nobody who is protected."""

import re

from addon.store.records import Namespace
from addon.web.formats import moment
from tests.support.page_actions import location, read_directory
from tests.support.small_school import HIDDEN, TENANT, UNIT, deliver, person, set_live

PAGE = "/sok"


def search(world, client, text):
    answer = world.send(client, client.get("/installningar"), PAGE, text=text)
    assert text not in location(answer)
    return client.get(location(answer))


def hits(page):
    content = page.text.partition("<main")[2].partition("</main>")[0]
    return re.findall(r'<li><a href="([^"]+)">([^<]+)</a>', content)


def test_it_finds_people_classes_units_and_vendors_by_name(world, client):
    set_live(world, "all")
    read_directory(world, client)
    assert [name for _, name in hits(search(world, client, "äppelqvist"))] == ["Torvald Äppelqvist"]
    assert (f"/skolenheter/{UNIT}", "Norra skolan") in hits(search(world, client, "norra"))
    assert hits(search(world, client, UNIT)) == [(f"/skolenheter/{UNIT}", "Norra skolan")]
    (found,) = hits(search(world, client, "7a norra"))
    assert found[1] == "7A"
    assert client.get(found[0]).status_code == 200
    assert ("/leverantorer/some", "Some") in hits(search(world, client, "some"))


def test_whoever_is_named_so_in_whole_words_is_found_before_who_has_it_within_a_name(world, client):
    world.domain.add_user(person("Aron", "Franseus", "/Elever/7A"))
    world.domain.add_user(person("Frans", "Öst", "/Elever/Slutat"))
    world.domain.add_user(person("Frans", "", "/Elever/7A"))
    read_directory(world, client)
    found = [name for _, name in hits(search(world, client, "frans"))]
    assert sorted(found[:2]) == ["Frans", "Frans Öst"]
    assert found[2:] == ["Aron Franseus"]


def test_nobody_who_is_protected_is_found(world, client):
    read_directory(world, client)
    page = search(world, client, HIDDEN[1])
    assert hits(page) == []
    assert f"Inget stämmer med ”{HIDDEN[1]}”." in world.text(page)


def test_a_run_is_found_by_its_day(world, client):
    set_live(world, "all")
    deliver(world)
    (run,) = world.store.runs(TENANT, 10)
    day = moment(run.started)[:10]
    assert (f"/korningar/{run.id}", moment(run.started)) in hits(search(world, client, day))


def test_without_the_directory_it_finds_the_rest_and_says_so(world, client):
    page = search(world, client, "norra")
    assert hits(page) == [(f"/skolenheter/{UNIT}", "Norra skolan")]
    assert "Katalogen är inte läst, så personer och klasser" in world.text(page)


def test_the_words_are_kept_for_a_while_and_then_asked_for_again(world, client):
    answer = world.send(client, client.get("/installningar"), PAGE, text="norra")
    token = location(answer).partition("=")[2]
    world.store.delete(Namespace("search", TENANT), token)
    page = client.get(location(answer))
    assert "Sök igen." in world.text(page)
    assert hits(page) == []
    assert "Sök efter en person" in world.text(client.get(PAGE))
