"""What htmx, which swaps parts of pages, says in its requests. https://htmx.org/reference/#headers"""

from flask import request


def asks_for_part() -> bool:
    """Whether a page asks for a part of itself, not a person for a page."""
    return request.headers.get("HX-Request") == "true"
