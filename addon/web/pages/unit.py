"""One unit: who belongs here, in which classes."""

from flask import Blueprint


def blueprint() -> Blueprint:
    """The page's endpoints."""
    return Blueprint("unit", __name__)
