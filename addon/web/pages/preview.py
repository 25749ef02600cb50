"""Förhandsgranska: what happens at the next run."""

from flask import Blueprint


def blueprint() -> Blueprint:
    """The page's endpoints."""
    return Blueprint("preview", __name__)
