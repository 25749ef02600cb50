"""A page of a long list, by the address's `sida`; and the address of the page with changes."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from flask import Flask, request, url_for
from msgspec import Struct

T = TypeVar("T")

OF_FLASK = frozenset({"endpoint", "_anchor", "_external", "_method", "_scheme"})
"""What `url_for` takes for its own, whoever wrote it in the address."""


class EntryPage(Struct, Generic[T], frozen=True):
    """Some of a list's entries. `number` begins at 1; `total` is of the whole list."""

    entries: Sequence[T]
    number: int
    pages: int
    total: int
    first: int

    @property
    def last(self) -> int:
        """The place of the last entry shown, from 1."""
        return self.first + len(self.entries) - 1


def page_of(entries: Sequence[T], given: Mapping[str, str], size: int) -> EntryPage[T]:
    """The page that the address asks for; the nearest there is when there is none such."""
    pages = max(1, -(-len(entries) // size))
    asked = given.get("sida", "1")
    number = min(max(1, int(asked)), pages) if asked.isdecimal() and len(asked) < 9 else 1
    start = (number - 1) * size
    return EntryPage(entries[start : start + size], number, pages, len(entries), start + 1)


def this_page(**changes: object) -> str:
    """The address of the request's page with parts of it changed; None takes a part away."""
    asked = {name: text for name, text in request.args.items() if name not in OF_FLASK}
    return url_for(str(request.endpoint), **{**asked, **(request.view_args or {}), **changes})


def init_app(app: Flask) -> None:
    """Give the templates `this_page`."""
    app.jinja_env.globals["this_page"] = this_page
