"""The limits of a connection, as a form has them."""

from collections.abc import Mapping

from flask_babel import gettext as _
from msgspec import Struct

from addon.tenant import Limits

MOST = 1_000_000


class LimitsForm(Struct, frozen=True):
    """What was typed, and the limits it says, or else the faults by field."""

    deletions: str
    percent: str
    limits: Limits | None = None
    faults: dict[str, str] = {}


def limits_of(limits: Limits) -> LimitsForm:
    """The form of these limits."""
    percent = f"{limits.deletions_percent:g}".replace(".", ",")
    return LimitsForm(str(limits.deletions), percent, limits)


def read_limits(form: Mapping[str, str]) -> LimitsForm:
    """What the form says; limits by change in number are kept out of the form."""
    deletions = form.get("deletions", "").strip().replace(" ", "")
    percent = form.get("percent", "").strip().replace(" ", "").removesuffix("%")
    faults = {}
    if not (deletions.isdecimal() and int(deletions) <= MOST):
        faults["deletions"] = _("Skriv ett helt antal personer, till exempel 50.")
    share = _number(percent)
    if share is None:
        faults["percent"] = _("Skriv en procentsats från 0 till 100, till exempel 10.")
    if faults or share is None:
        return LimitsForm(deletions, percent, None, faults)
    return LimitsForm(deletions, percent, Limits(int(deletions), share))


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if 0 <= number <= 100 else None
