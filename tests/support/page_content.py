"""What is on a page: the text that a person reads, and what its forms would send."""

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import TestResponse


def text_of(markup: str) -> str:
    """What a person reads of some markup, in one line."""
    body = markup[markup.find("<body") :] if "<body" in markup else markup
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", body, flags=re.S)
    plain = re.sub(r"<[^>]+>", " ", body.replace("<wbr>", ""))
    plain = html.unescape(plain)
    return re.sub(r"\s+", " ", plain.replace("\u00a0", " ")).strip()


def unfolded(page: TestResponse) -> str:
    """The markup of a page without the technical texts that are folded on it, for support."""
    return re.sub(r'<details class="technical">.*?</details>', "", page.text, flags=re.S)


def form_of(page: TestResponse, action: str) -> dict[str, Any]:
    """What the form with this action would send as it stands; names with several values, lists."""
    forms = all_forms_of(page)
    for found, fields in forms:
        if found == action:
            return fields
    raise AssertionError(f"no form to {action}; there are {[a for a, _ in forms]}")


def all_forms_of(page: TestResponse) -> list[tuple[str, dict[str, Any]]]:
    """The path of each form of a page, and what it would send as it stands."""
    reader = _Forms()
    reader.feed(page.text)
    return [
        (urlsplit(action).path, {k: v if len(v) > 1 else v[0] for k, v in fields.items()})
        for action, fields in reader.forms
    ]


class _Forms(HTMLParser):
    """Reads the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, list[str]]]] = []
        self._fields: dict[str, list[str]] | None = None
        self._select: str | None = None
        self._text: tuple[str, list[str]] | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: Mapping[str, str] = {k: v or "" for k, v in attrs}
        if tag == "form":
            self._fields = {}
            self.forms.append((given.get("action", ""), self._fields))
        if self._fields is None:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            kind = given.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in given:
                return
            if kind not in ("submit", "file", "button"):
                self._fields.setdefault(name, []).append(given.get("value", "on"))
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select is not None:
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag == "textarea":
            self._text = name, []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._fields is None:
            return
        if tag == "form":
            self._fields = None
        elif tag == "select" and self._select is not None:
            chosen = [v for v, on in self._options if on] or [v for v, _ in self._options[:1]]
            if self._select:
                self._fields.setdefault(self._select, []).extend(chosen)
            self._select = None
        elif tag == "textarea" and self._text is not None:
            self._fields.setdefault(self._text[0], []).append("".join(self._text[1]))
            self._text = None
