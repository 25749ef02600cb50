"""Gmail's side panel of the sandbox: what it draws, and whom it calls."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import requests

from addon.sandbox.card_html import draw_card
from addon.sandbox.side_panel import SidePanel
from tests.support.side_panel import side_panel
from tests.support.small_school import ADMIN, TEACHER, cause_hold, set_live, small_school_pages
from tests.support.world import World


class Window:
    """A browser at the panel, for one person."""

    def __init__(self, panel: SidePanel, person: str, language: str = "sv") -> None:
        self._panel = panel
        self._who = {"person": person, "lang": language}

    def look(self) -> str:
        """The page."""
        return requests.get(f"{self._panel.url}/", params=self._who, timeout=9).text

    def press(self, text: str) -> str:
        """The page after a button is pressed."""
        forms = re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', self.look())
        path, form = next(each for each in forms if f">{text}</button>" in each[1])
        fields = re.findall(r'name="([^"]+)" value="([^"]*)"', form)
        data = {name: unescape(value) for name, value in fields}
        return requests.post(self._panel.url + path, data=data, timeout=9).text


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, SidePanel]]:
    with small_school_pages(tmp_path_factory.mktemp("world")) as world:
        world.serve()
        with side_panel(world) as panel:
            set_live(world, "all")
            cause_hold(world)
            yield world, panel


def person(world: World, email: str) -> str:
    return str(world.accounts[email])


def test_a_hold_is_approved_in_the_panel(opened: tuple[World, SidePanel]) -> None:
    world, panel = opened
    window = Window(panel, person(world, ADMIN))
    assert "Norra skolan: 4" in window.look()
    assert "Ja, ta bort 4 personer hos All" in window.press("Godkänn")
    page = window.press("Ja, ta bort 4 personer hos All")
    assert '<p class="told" role="status">Godkänt. Det skickas till All nu.</p>' in page
    assert "Godkänt. Det" not in window.look()
    world.wait_for_tasks()
    assert "Allt är i ordning." in window.press("Uppdatera")


def test_people_and_languages_are_apart(opened: tuple[World, SidePanel]) -> None:
    world, panel = opened
    assert "Kontot tillhör ingen administratör" in Window(panel, person(world, TEACHER)).look()
    assert "Open Skolsynk" in Window(panel, person(world, ADMIN), "en").look()
    assert "Öppna Skolsynk" in Window(panel, "nobody", "xx").look()


def test_an_app_that_is_uninstalled_is_not_called_and_has_no_access(
    opened: tuple[World, SidePanel],
) -> None:
    world, panel = opened
    window = Window(panel, person(world, ADMIN))
    page = window.press("Avinstallera Skolsynk")
    assert "Skolsynk är inte installerat" in page
    assert "Uppdatera" not in page
    answer = world.try_to_sign_in(world.app.test_client())
    assert "Skolsynk har inte tillgång till ert Google Workspace." in world.text(answer)
    assert "Öppna Skolsynk" in window.press("Installera Skolsynk")


def test_only_the_add_on_is_called(opened: tuple[World, SidePanel]) -> None:
    world, panel = opened
    data = {"person": person(world, ADMIN), "lang": "sv", "action": '{"function": "http://x.se/"}'}
    page = requests.post(f"{panel.url}/click", data=data, timeout=9).text
    assert "Öppna Skolsynk" in page


def test_what_the_add_on_refuses_is_said(opened: tuple[World, SidePanel]) -> None:
    world, panel = opened
    window = Window(panel, person(world, ADMIN))
    was = panel.app_url
    panel.app_url = f"{was}/elsewhere"
    try:
        assert "Tillägget svarade" in window.press("Uppdatera")
    finally:
        panel.app_url = was
    assert "Öppna Skolsynk" in window.press("Uppdatera")


def test_a_text_is_drawn_with_few_tags_and_everything_else_as_text(tmp_path: Path) -> None:
    text = "<b>A</b><br><i>&lt;b&gt;</i> & <script>alert(1)</script><a href='x'>y</a>"
    card = {
        "header": {"title": "<b>T</b>"},
        "sections": [{"header": text, "widgets": [{"textParagraph": {"text": text}}]}],
    }
    drawn = draw_card(card, lambda text, css, action: "")
    assert "<h2>&lt;b&gt;T&lt;/b&gt;</h2>" in drawn
    assert "<b>A</b><br><i>&lt;b&gt;</i> &amp; &lt;script&gt;alert(1)&lt;/script&gt;" in drawn
    assert "<script" not in drawn
    assert "<a" not in drawn


def test_every_part_of_a_card_is_drawn() -> None:
    link = {"openLink": {"url": "https://skolsynk.example.se/"}}
    icon = {"materialIcon": {"name": "error"}, "altText": "Fel"}
    button = {"text": "Öppna", "onClick": link, "type": "FILLED"}
    bad = {"text": "x", "onClick": {"openLink": {"url": "javascript:alert(1)"}}}
    action = {"text": "Gör", "onClick": {"action": {"function": "https://skolsynk.example.se/a"}}}
    more = [{"textParagraph": {"text": str(n)}} for n in range(3)]
    decorated = {"text": "B", "bottomLabel": "under", "startIcon": icon, "onClick": link}
    card = {
        "header": {"title": "T", "subtitle": "S"},
        "sections": [
            {"widgets": [{"decoratedText": decorated}, {"divider": {}}]},
            {"widgets": more, "collapsible": True, "uncollapsibleWidgetsCount": 1},
            {"widgets": [{"buttonList": {"buttons": [button, bad, action]}}]},
        ],
        "fixedFooter": {"primaryButton": button},
    }
    drawn = draw_card(card, lambda text, css, action: f"[{text} {action}]")
    assert 'role="img" aria-label="Fel">!</span>' in drawn
    assert '<span class="below">under</span>' in drawn
    assert "<p>0</p><details><summary>Visa mer</summary><p>1</p><p>2</p></details>" in drawn
    assert 'target="_blank" href="https://skolsynk.example.se/">Öppna</a>' in drawn
    assert "javascript:" not in drawn
    assert '[Gör {"function": "https://skolsynk.example.se/a"}]' in drawn
    assert '<div class="fixed">' in drawn
