"""One unit: who belongs here, in which classes."""

from flask import Blueprint, abort, render_template

from addon.web.here import here


def blueprint() -> Blueprint:
    """The page's endpoints."""
    unit = Blueprint("unit", __name__)

    @unit.get("/skolenheter/<code>")
    def page(code: str) -> str:
        """Who belongs here, in which classes?"""
        now = here()
        found = next((each for each in now.tenant.school_units if each.code == code), None)
        if found is None:
            abort(404)
        return render_template("unit/page.html", unit=found)

    return unit
