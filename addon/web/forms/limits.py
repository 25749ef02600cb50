"""The limits of a connection, as a form has them."""

import re
from collections.abc import Mapping

from flask_babel import gettext as _
from msgspec import Struct

from addon.tenants.model import Limits

MOST = 1_000_000
DIGITS = re.compile(r"[0-9]{1,9}")


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
    typed = LimitsForm(form.get("deletions", "").strip(), form.get("percent", "").strip())
    deletions = _plain(typed.deletions)
    share = _share(_plain(typed.percent).removesuffix("%"))
    faults = {}
    if not (DIGITS.fullmatch(deletions) and int(deletions) <= MOST):
        faults["deletions"] = _("Skriv ett helt antal personer, till exempel 50.")
    if share is None:
        faults["percent"] = _("Skriv en procentsats från 0 till 100, till exempel 10.")
    if faults or share is None:
        return LimitsForm(typed.deletions, typed.percent, None, faults)
    return LimitsForm(typed.deletions, typed.percent, Limits(int(deletions), share))


def _plain(text: str) -> str:
    """A number without the spaces that stand between its thousands, of whatever kind."""
    return "".join(text.split())


def _share(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if 0 <= number <= 100 else None
