"""What the pages of exceptions share, for a person, a class and a vendor."""

from flask import request

from addon.web.presenters.exceptions import GroupInclusion, PersonInclusion
from addon.web.translation import gettext_str as _
from addon.web.version_token import value_hash

PLACES = ("schoolUnits[", "connections[")
"""Where a document has exceptions."""


def not_seen() -> dict[str, str]:
    """Return the fault of a form whose consequences were not accepted."""
    return {"accepted": _("Kryssa för att du har sett vad som tas bort.")}


def is_accepted(wanted: PersonInclusion | GroupInclusion) -> bool:
    """Whether the administrator has accepted what this means."""
    return request.form.get("accepted") == value_hash(wanted)


def toggled(values: tuple[str, ...], value: str, included: bool) -> tuple[str, ...]:
    """Return the excepted `values` without the value if it is included, else with it."""
    if included:
        return tuple(each for each in values if each != value)
    return values if value in values else (*values, value)
