"""One person: what is known, which rule placed them, what each vendor has."""

from flask import Blueprint


def blueprint() -> Blueprint:
    """The page's endpoints."""
    return Blueprint("person", __name__)
