"""Skolenheter: which units are set up, which are not."""

from flask import Blueprint


def blueprint() -> Blueprint:
    """The page's endpoints."""
    return Blueprint("units", __name__)
