"""Skyddade personuppgifter: who is never sent."""

from flask import Blueprint, render_template


def blueprint() -> Blueprint:
    """The page's endpoints."""
    protected = Blueprint("protected", __name__)

    @protected.get("/skyddade")
    def page() -> str:
        """Which groups and OUs hold people with protected identity?"""
        return render_template("protected/page.html")

    return protected
