"""Requests by htmx, which swaps parts of pages. https://htmx.org/reference/#headers"""

from flask import request


def asks_for_part() -> bool:
    """Whether htmx asks for a part of a page, rather than a browser for a whole page."""
    return request.headers.get("HX-Request") == "true"
