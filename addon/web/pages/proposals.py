"""Förslag: what Skolsynk would set up by itself."""

from flask import Blueprint


def blueprint() -> Blueprint:
    """The page's endpoints."""
    return Blueprint("proposals", __name__)
