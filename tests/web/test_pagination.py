"""A page of a long list, by what the address asks for."""

from pathlib import Path

import pytest

from addon.web.pagination import page_of
from tests.support.small_school import small_school_pages


@pytest.mark.parametrize(
    ("asked", "number", "first", "last"),
    [
        (None, 1, 1, 10),
        ("1", 1, 1, 10),
        ("3", 3, 21, 25),
        ("4", 3, 21, 25),
        ("0", 1, 1, 10),
        ("-2", 1, 1, 10),
        ("x", 1, 1, 10),
        ("", 1, 1, 10),
        ("9" * 40, 1, 1, 10),
        ("²", 1, 1, 10),
    ],
)
def test_the_nearest_page_there_is_is_shown(asked, number, first, last):
    page = page_of(range(25), {} if asked is None else {"sida": asked}, 10)
    assert (page.number, page.first, page.last) == (number, first, last)
    assert list(page.entries) == list(range(first - 1, last))
    assert (page.pages, page.total) == (3, 25)


def test_an_empty_list_has_one_empty_page():
    page = page_of([], {"sida": "2"}, 10)
    assert (page.number, page.pages, page.total, list(page.entries)) == (1, 1, 0, [])


def test_a_list_that_fills_its_pages_has_none_more():
    assert page_of(range(20), {}, 10).pages == 2


@pytest.mark.parametrize(
    "asked", ["endpoint=x", "_method=POST", "_external=1&_scheme=ftp", "_anchor=x", "code=1"]
)
def test_what_somebody_writes_in_an_address_is_only_looked_for(tmp_path: Path, asked: str) -> None:
    with small_school_pages(tmp_path) as world:
        client = world.sign_in()
        page = world.ready(client, f"/personer?{asked}&roll=student")
        assert page.status_code == 200
        assert 'href="/personer?' in page.text
        assert "ftp:" not in page.text
        assert "#x" not in page.text
