"""What holds for every page and every form, walked one by one."""

import json
import logging
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from addon import logs
from addon.web.security.headers import HEADERS
from tests.support.page_content import form_of
from tests.support.small_school import DOMAIN, STRANGER
from tests.support.two_tenants import OURS, TwoTenants

FETCHING = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
FETCHING |= {"form": "action", "object": "data", "embed": "src", "video": "src", "use": "href"}
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def both(tmp_path: Path) -> Iterator[TwoTenants]:
    with TwoTenants(tmp_path) as both:
        yield both


class Tags(HTMLParser):
    """What a strict policy would not let run, and what a page fetches from where."""

    def __init__(self, page: TestResponse) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.fetched: list[str] = []
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.inline += [f"<{tag} {name}>" for name in given if name == "style" or name[:2] == "on"]
        self.inline += [f"<{tag}>"] * (tag == "style" or (tag == "script" and "src" not in given))
        self.inline += [f"{tag} {v}" for v in given.values() if v.startswith("javascript:")]
        names = {FETCHING.get(tag, ""), "hx-get", "hx-post", "srcset"} & given.keys()
        self.fetched += [given[name] for name in names]


def test_no_page_has_a_script_or_style_of_its_own_or_asks_anybody_else(both: TwoTenants) -> None:
    client = both.world.sign_in()
    seen = 0
    for path, page in both.pages(client):
        if page.mimetype != "text/html":
            continue
        tags = Tags(page)
        assert tags.inline == [], path
        hosts = {urlsplit(address).netloc for address in tags.fetched}
        assert hosts <= {""}, path
        seen += page.status_code == 200
    assert seen > 25


def test_what_is_served_with_the_pages_asks_nobody_else() -> None:
    for path in (ROOT / "static").glob("**/*.css"):
        found = re.findall(r"@import|url\((?!['\"]?(?:data:|#|\.{0,2}/))", path.read_text("utf-8"))
        assert not found, path
    own = (ROOT / "static" / "skolsynk.js").read_text("utf-8")
    assert not re.search(r"https?://|\beval\b|innerHTML", own)


def test_every_page_has_careful_headers_and_is_kept_nowhere(both: TwoTenants) -> None:
    client = both.world.sign_in()
    for path, page in both.pages(client):
        assert {name: page.headers.get(name) for name in HEADERS} == HEADERS, path
        assert page.headers["Cache-Control"] == "no-store", path


def test_no_form_is_taken_without_its_token(both: TwoTenants) -> None:
    client = both.world.sign_in()
    stranger = form_of(both.world.sign_in(STRANGER).get("/"), "/sprak")["csrf_token"]
    before = both.rows()
    walked = [path for _, path in both.walk("POST")] + [
        "/logga-in",
        "/logga-ut",
        "/logga-ut/overallt",
        "/sprak",
    ]
    for path in walked:
        for token in (None, "", "wrong", stranger):
            data = {} if token is None else {"csrf_token": token}
            answer = client.post(path, data=data)
            assert answer.status_code == 400, path
            assert "Sidan hade varit öppen för länge" in both.world.text(answer), path
    assert both.rows() == before
    assert not both.world.requests
    assert client.get("/installningar").status_code == 200  # and nobody was signed out


def test_no_form_changes_anything_when_it_is_only_looked_at(both: TwoTenants) -> None:
    client = both.world.sign_in()
    list(both.pages(client))
    before = both.rows()
    list(both.pages(client))
    assert both.rows() == before


def test_no_log_line_names_anybody_while_all_pages_are_walked(
    both: TwoTenants, caplog: pytest.LogCaptureFixture
) -> None:
    client = both.world.sign_in()
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "addon"):
        logging.getLogger("addon").debug("heard")
        for _ in both.pages(client):
            pass
        for path in ("/personer/sok", "/skolenheter/lagg-till"):
            token = form_of(client.get("/"), "/sprak")["csrf_token"]
            client.post(path, data={"csrf_token": token, "text": "Äppelqvist"})
        client.get("/personer/finns-inte")
    own = [r for r in caplog.records if r.name.startswith("addon")]
    written = [logs.JsonFormatter("p").format(r) for r in caplog.records if r.levelno >= 20]
    assert "heard" in [r.getMessage() for r in own]
    told = "\n".join([*map(logging.Formatter().format, own), *map(_plain, written)])
    assert not [word for word in (*OURS, "Ingrid", "Tapper", "it.admin", DOMAIN) if word in told]


def _plain(line: str) -> str:
    """A line with its escapes undone."""
    return json.dumps(json.loads(line), ensure_ascii=False)
