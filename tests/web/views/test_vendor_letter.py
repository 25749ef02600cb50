"""A letter to teachers, to copy."""

import re
from html import unescape

from addon.web.formats import moment
from tests.support.small_school import PUPILS, set_live

PAGE = "/leverantorer/all/brev"


def letter(page):
    return unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.S)[1])


def test_the_letter_says_from_which_day_where_and_whom_to_ask(world, client):
    set_live(world, "all")
    page = client.get(f"{PAGE}?dag=2026-08-17")
    said = letter(page)
    assert said.startswith("Hej!\n\nFrån måndag den 17 augusti loggar ni in i All med Google.")
    assert "Det gäller elever och personal på Norra skolan." in said
    assert said.endswith(f"Hälsningar\n{world.document['organisation']['name']}")
    assert not any(family in said for people in PUPILS.values() for _, family in people)
    assert f'href="{PAGE}"' in client.get("/leverantorer/all").text


def test_the_first_day_is_the_next_monday_unless_another_is_given(world, client):
    for address in (PAGE, f"{PAGE}?dag=x"):
        day = re.search(r'name="dag" value="([\d-]+)"', client.get(address).text)[1]
        assert day > moment(world.services.clock())[:10]
        assert "Från måndag den" in letter(client.get(address))


def test_before_live_mode_the_page_says_to_wait(world, client):
    world.document["connections"][0]["mode"] = "off"
    world.import_document()
    assert "All är inte i skarpt läge än." in world.text(client.get(PAGE))
