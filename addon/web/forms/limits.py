"""The form for the limits of a connection."""

import re
from collections.abc import Mapping

from flask_babel import gettext as _
from msgspec import Struct

from addon.tenants.model import Limits

MOST = 1_000_000
DIGITS = re.compile(r"[0-9]{1,9}")


class LimitsForm(Struct, frozen=True):
    """The text entered, with the resulting limits, or the faults by field."""

    deletions: str
    percent: str
    limits: Limits | None = None
    faults: dict[str, str] = {}


def limits_of(limits: Limits) -> LimitsForm:
    """Return the form of these limits."""
    percent = f"{limits.deletions_percent:g}".replace(".", ",")
    return LimitsForm(str(limits.deletions), percent, limits)


def read_limits(form: Mapping[str, str]) -> LimitsForm:
    """Read the form; limits on the number of changes are not part of it."""
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
    """Remove white space of any kind, such as that between thousands."""
    return "".join(text.split())


def _share(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if 0 <= number <= 100 else None
