"""Swedish first, English second; whoever chooses comes back to where they were."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.page_content import form_of
from tests.support.small_school import small_school_pages
from tests.support.world import World

ELSEWHERE = ("//ont.se", "/\\ont.se", "\\\\ont.se", "/\t/ont.se", "https://ont.se/", "ont.se", "")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


def choose(client: FlaskClient, language: str, path: str = "/logga-in") -> TestResponse:
    form = form_of(client.get(path), "/sprak")
    return client.post("/sprak", data={**form, "language": language})


def test_pages_are_swedish_unless_the_browser_wants_english(world: World) -> None:
    client = world.app.test_client()
    for wanted, spoken in (
        ("", "sv"),
        ("sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        ("de,fr;q=0.5", "sv"),
        ("en-GB,en;q=0.9", "en"),
        ("*", "sv"),
        ("garbage;q=;;", "sv"),
    ):
        page = client.get("/logga-in", headers={"Accept-Language": wanted} if wanted else {})
        assert f'<html lang="{spoken}">' in page.text, wanted


def test_who_chooses_keeps_the_language_and_comes_back(world: World) -> None:
    client = world.sign_in()
    answer = choose(client, "en", "/installningar/logg?fore=x")
    assert answer.location == "/installningar/logg?fore=x"
    assert '<html lang="en">' in client.get("/", headers={"Accept-Language": "sv"}).text
    choose(client, "sv", "/")
    assert '<html lang="sv">' in client.get("/", headers={"Accept-Language": "en"}).text


def test_the_way_back_is_kept_on_the_sign_in_page(world: World) -> None:
    answer = choose(world.app.test_client(), "en", "/logga-in?vidare=/korningar")
    assert answer.location == "/logga-in?vidare=/korningar"


def test_a_language_that_is_none_changes_nothing(world: World) -> None:
    client = world.app.test_client()
    choose(client, "xx")
    assert '<html lang="sv">' in client.get("/logga-in").text


@pytest.mark.parametrize("back", ELSEWHERE)
@pytest.mark.parametrize("action", ["/sprak", "/katalog/las"])
def test_no_form_redirects_to_another_site(world: World, action: str, back: str) -> None:
    client = world.sign_in()
    form = form_of(client.get("/"), "/sprak")
    answer = client.post(action, data={**form, "language": "sv", "back": back})
    assert (answer.status_code, answer.location) == (302, "/")
