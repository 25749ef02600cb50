"""Where a page is: its section of the menu, the pages above it, and its part of the help."""

import re

from addon.web import navigation
from addon.web.views import PAGES
from tests.support.page_actions import read_directory
from tests.support.small_school import UNIT, user_id

WITHOUT = {"farewell"}
"""Pages without a menu, for those who have left."""


def above(client, address):
    page = client.get(address).text
    found = re.search(r'<nav class="way".*?</nav>', page, re.S)
    assert found, address
    return re.findall(r'<li><a href="([^"]+)">([^<]+)', found[0])


def test_every_page_has_a_section_and_a_part_of_the_help():
    names = {module.bp.name for module in PAGES} - WITHOUT
    assert names == set(navigation.HELP) == {*navigation.SECTIONS, "search"}


def test_the_help_has_each_part_once(client):
    page = client.get("/hjalp").text
    for part in set(navigation.HELP.values()):
        assert page.count(f' id="{part}"') == 1, part


def test_a_page_links_to_its_part_of_the_help_and_to_the_pages_above_it(world, client):
    read_directory(world, client)
    bo = user_id(world, "Bo", "Ek")
    units, unit = ("/skolenheter", "Skolenheter"), (f"/skolenheter/{UNIT}", "Norra skolan")
    vendors = ("/leverantorer", "Leverantörer")
    for address, pages in (
        ("/skolenheter", []),
        ("/skolenheter/sok", [units]),
        (f"/skolenheter/{UNIT}", [units]),
        (f"/skolenheter/{UNIT}/urval", [units, unit]),
        (f"/skolenheter/{UNIT}/klasser", [units, unit]),
        ("/leverantorer/all", [vendors]),
        ("/leverantorer/all/lage/off", [vendors, ("/leverantorer/all", "All")]),
        ("/forhandsgranska", [vendors]),
        ("/forhandsgranska/all", [vendors, ("/forhandsgranska", "Förhandsgranska")]),
        (f"/personer/{bo}", [("/personer", "Personer")]),
        (f"/personer/{bo}/undantag", [("/personer", "Personer"), (f"/personer/{bo}", "Bo Ek")]),
        ("/testlage", [vendors]),
        ("/installningar/logg", [("/installningar", "Inställningar")]),
    ):
        assert above(client, address) == pages, address
    assert 'href="/hjalp#urval">Hjälp om sidan' in client.get(f"/skolenheter/{UNIT}/urval").text
