"""Walking through the pages as a person does, from link to link."""

import html
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

from tests.support.world import World

SPOKEN = ("alt", "aria-label", "data-label", "label", "placeholder", "title")
"""Attributes that are shown or read out."""
UNREAD = ("code", "script", "style")
"""Elements whose text is data or a program, rather than words."""


def follow_links(
    world: World, client: FlaskClient, start: Iterable[str], each: int = 3
) -> Iterator[tuple[str, TestResponse]]:
    """Every page that links lead to from the paths in `start`, with its path.

    Of pages that differ only in whom or what they are about, and in what is asked of them, at
    most `each`; files for download, and the same page in another language, are left out.
    """
    left, seen, of_kind = deque(start), set[str](), Counter[str]()
    while left:
        path = left.popleft()
        kind = _kind(world, path)
        if kind is None or path in seen or of_kind[kind] == each:
            continue
        seen.add(path)
        of_kind[kind] += 1
        response = world.ready(client, path, follow_redirects=True)
        if response.mimetype == "text/html":
            yield path, response
            here = re.sub(r"<a hreflang=[^>]*>", "", response.text)
            left += [html.unescape(link) for link in re.findall(r'href="(/[^"#]*)', here)]


def words_on(response: TestResponse) -> list[str]:
    """All that a page says, in its texts and in the attributes that are read out."""
    reader = _Words()
    reader.feed(response.text)
    return [" ".join(text.split()) for text in reader.found if text.strip()]


def _kind(world: World, path: str) -> str | None:
    """Which page a path leads to, whoever it is about, if it is one."""
    parts = urlsplit(path)
    try:
        rule, _ = world.app.url_map.bind("localhost").match(parts.path, "GET", return_rule=True)
    except RequestRedirect:
        return None
    names = ",".join(sorted(re.findall(r"(\w+)=", parts.query)))
    return None if rule.endpoint == "static" else f"{rule.rule}?{names}"


class _Words(HTMLParser):
    """Gathers the words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in UNREAD
        given = dict(attrs)
        self.found += [value for name in SPOKEN if (value := given.get(name))]

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.found.append(data)
