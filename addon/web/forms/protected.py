"""Where people with protected identity are, as a form has it."""

from collections.abc import Mapping

from msgspec import Struct
from werkzeug.datastructures import MultiDict

from addon.conditions import fold
from addon.tenant import Protected
from addon.web.forms.selection import ticked, topmost


class ProtectedForm(Struct, frozen=True):
    """What is ticked, what was searched for, and whether the consequence was accepted."""

    org_units: tuple[str, ...]
    groups: tuple[str, ...]
    search: str = ""
    accepted: bool = False

    def protected(self) -> Protected:
        """What the document says then."""
        return Protected(groups=self.groups, org_units=self.org_units)


def protected_form(protected: Protected) -> ProtectedForm:
    """The form of what the document says."""
    return ProtectedForm(protected.org_units, protected.groups)


def read_protected(form: MultiDict[str, str], org_units: Mapping[str, str]) -> ProtectedForm:
    """What a form says. `org_units` are the directory's paths by their folded form."""
    paths = (org_units.get(fold(path), path) for path in ticked(form, "protected-ou"))
    return ProtectedForm(
        org_units=topmost(tuple(dict.fromkeys(paths))),
        groups=ticked(form, "protected-group"),
        search=form.get("search", "").strip()[:100],
        accepted=form.get("accepted") == "1",
    )


def dropped(before: Protected, after: Protected) -> tuple[str, ...]:
    """The places that protect their people no longer, unless a place above them does."""
    kept = {*map(fold, after.org_units), *map(fold, after.groups)}
    return tuple(
        place
        for place in (*before.org_units, *before.groups)
        if fold(place) not in kept and topmost((*after.org_units, place))[-1:] == (place,)
    )
