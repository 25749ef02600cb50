"""Finding school units in Skolverket's register."""

from flask import Blueprint


def blueprint() -> Blueprint:
    """The page's endpoints."""
    return Blueprint("register", __name__)
