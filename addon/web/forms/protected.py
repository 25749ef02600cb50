"""The form for the places of people with protected identity."""

from collections.abc import Mapping

from msgspec import Struct
from werkzeug.datastructures import MultiDict

from addon.directory.scope import topmost
from addon.roster.index import within
from addon.tenants.model import Protected
from addon.text import fold
from addon.web.forms.selection import ticked


class ProtectedForm(Struct, frozen=True):
    """The ticked places, the search, and whether the administrator accepted the consequence."""

    org_units: tuple[str, ...]
    groups: tuple[str, ...]
    search: str = ""
    accepted: bool = False

    def protected(self) -> Protected:
        """Return the corresponding part of the document."""
        return Protected(groups=self.groups, org_units=self.org_units)


def protected_form(protected: Protected) -> ProtectedForm:
    """Return the form of that part of the document."""
    return ProtectedForm(protected.org_units, protected.groups)


def read_protected(form: MultiDict[str, str], org_units: Mapping[str, str]) -> ProtectedForm:
    """Read the form. `org_units` are the directory's paths by their folded form."""
    paths = (org_units.get(fold(path), path) for path in ticked(form, "protected-ou"))
    return ProtectedForm(
        org_units=topmost(tuple(dict.fromkeys(paths))),
        groups=ticked(form, "protected-group"),
        search=form.get("search", "").strip()[:100],
        accepted=form.get("accepted") == "1",
    )


def dropped(before: Protected, after: Protected) -> tuple[str, ...]:
    """Return the places that no longer protect their people, unless a place above them does."""
    over, groups = [within(path) for path in after.org_units], set(map(fold, after.groups))
    return (
        *(path for path in before.org_units if not any(above(_key(path)) for above in over)),
        *(address for address in before.groups if fold(address) not in groups),
    )


def _key(path: str) -> str:
    return fold(path).rstrip("/")
