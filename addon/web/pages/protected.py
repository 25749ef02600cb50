"""Skyddade personuppgifter: who is never sent."""

from flask import Blueprint


def blueprint() -> Blueprint:
    """The page's endpoints."""
    return Blueprint("protected", __name__)
