"""Pages of a long list, by the query parameter `sida`, and links to the current page."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from flask import Flask, request, url_for
from msgspec import Struct

T = TypeVar("T")

OF_FLASK = frozenset({"endpoint", "_anchor", "_external", "_method", "_scheme"})
"""Keyword arguments of `url_for` itself, which a query parameter must not be able to set."""


class EntryPage(Struct, Generic[T], frozen=True):
    """One page of a list's entries.

    `number` is the page's, from 1; `first` is the position of its first entry in the list, from
    1; `total` counts the entries of the whole list.
    """

    entries: Sequence[T]
    number: int
    pages: int
    total: int
    first: int

    @property
    def last(self) -> int:
        """The position of the last entry shown, from 1."""
        return self.first + len(self.entries) - 1


def page_of(entries: Sequence[T], given: Mapping[str, str], size: int) -> EntryPage[T]:
    """Return the page that the query asks for, or the nearest one that exists."""
    pages = max(1, -(-len(entries) // size))
    asked = given.get("sida", "1")
    number = min(max(1, int(asked)), pages) if asked.isdecimal() and len(asked) < 9 else 1
    start = (number - 1) * size
    return EntryPage(entries[start : start + size], number, pages, len(entries), start + 1)


def this_page(**changes: object) -> str:
    """Return the current page's address with the given parameters changed; None removes one."""
    asked = {name: text for name, text in request.args.items() if name not in OF_FLASK}
    return url_for(str(request.endpoint), **{**asked, **(request.view_args or {}), **changes})


def init_app(app: Flask) -> None:
    """Give the templates `this_page`."""
    app.jinja_env.globals["this_page"] = this_page
