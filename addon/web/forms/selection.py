"""The form for who belongs to a unit: ticked OUs and groups, and filters, by role."""

from collections.abc import Callable, Mapping

from msgspec import Struct, structs
from werkzeug.datastructures import MultiDict

from addon.directory.scope import topmost
from addon.directory.snapshot import Group
from addon.proposals.vocabulary import Role
from addon.tenants.model import NO_EXCEPTIONS, SchoolUnit, Selector, SelectorExceptions
from addon.text import fold
from addon.web.forms.filters import (
    FilterForms,
    changed,
    faults_of,
    filters_of,
    forms_of,
    read_filters,
)
from addon.web.translation import gettext_str as _

ROLES: tuple[Role, Role] = ("students", "staff")


class RoleForm(Struct, frozen=True):
    """The part of the form for one role.

    `unknown` is what was typed to be left out and is neither an OU nor a group.
    """

    org_units: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    filters: FilterForms = ()
    exceptions: SelectorExceptions = NO_EXCEPTIONS
    unknown: str = ""

    def selector(self) -> Selector:
        """Return the selector so far, without incomplete clauses."""
        return Selector(
            org_units=self.org_units,
            groups=self.groups,
            filters=filters_of(self.filters),
            exceptions=self.exceptions,
        )

    def faults(self, role: Role) -> dict[str, str]:
        """Return the faults by the name of the field."""
        found = faults_of(self.filters, role)
        if self.filters and not (self.org_units or self.groups):
            found[f"{role}-filter"] = _NOBODY[role]()
        if self.unknown:
            found[f"{role}-except-place"] = _(
                "Ingen organisationsenhet eller grupp heter så. Skriv en sökväg som börjar med / "
                "eller en grupps adress."
            )
        return found


class SelectionForm(Struct, frozen=True):
    """The form for a unit's students and staff."""

    students: RoleForm
    staff: RoleForm
    search: str = ""

    def of(self, role: Role) -> RoleForm:
        """Return the part for a role."""
        return self.students if role == "students" else self.staff

    @property
    def faults(self) -> dict[str, str]:
        """The faults by the name of the field."""
        return {**self.students.faults("students"), **self.staff.faults("staff")}

    def after(self, action: str) -> "SelectionForm":
        """Return the form after a button that adds or removes, such as `students:add:0`."""
        role, _, what = action.partition(":")
        if role not in ROLES:
            return self
        own = self.of("students" if role == "students" else "staff")
        own = structs.replace(own, filters=changed(own.filters, what))
        return structs.replace(self, **{role: own})


def selection_form(unit: SchoolUnit) -> SelectionForm:
    """Return the form of the unit's saved selection."""
    return SelectionForm(_role_form(unit.students), _role_form(unit.staff))


def read_selection(
    form: MultiDict[str, str], org_units: Mapping[str, str], group: Callable[[str], Group | None]
) -> SelectionForm:
    """Read the form. `org_units` are the directory's paths by their folded form.

    `group` gives the group with an address.

    An OU ticked below another ticked one is redundant, and is left out.
    """
    return SelectionForm(
        students=_read_role(form, "students", org_units, group),
        staff=_read_role(form, "staff", org_units, group),
        search=form.get("search", "").strip()[:100],
    )


def ticked(form: MultiDict[str, str], name: str) -> tuple[str, ...]:
    """Return the values of ticked checkboxes, without duplicates."""
    return tuple(dict.fromkeys(v for v in form.getlist(name) if v.strip()))


def _read_role(
    form: MultiDict[str, str],
    role: Role,
    org_units: Mapping[str, str],
    group: Callable[[str], Group | None],
) -> RoleForm:
    paths = (org_units.get(fold(path), path) for path in ticked(form, f"{role}-ou"))
    place = form.get(f"{role}-except-place", "").strip()
    path = org_units.get(fold(place).rstrip("/")) if place.startswith("/") else None
    address = group(place) if place and path is None else None
    excepted = SelectorExceptions(
        users=ticked(form, f"{role}-except-user"),
        org_units=_with(ticked(form, f"{role}-except-ou"), path),
        groups=_with(ticked(form, f"{role}-except-group"), address.email if address else None),
    )
    return RoleForm(
        org_units=topmost(tuple(dict.fromkeys(paths))),
        groups=ticked(form, f"{role}-group"),
        filters=read_filters(form, role),
        exceptions=NO_EXCEPTIONS if excepted == NO_EXCEPTIONS else excepted,
        unknown=place if path is None and address is None else "",
    )


def _with(values: tuple[str, ...], added: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*values, added))) if added else values


def _role_form(selector: Selector) -> RoleForm:
    return RoleForm(
        selector.org_units, selector.groups, forms_of(selector.filters), selector.exceptions
    )


_NOBODY = {
    "students": lambda: _(
        "Kryssa för var eleverna finns, eller ta bort filtren för elever. "
        "Ett filter lägger inte till någon."
    ),
    "staff": lambda: _(
        "Kryssa för var personalen finns, eller ta bort filtren för personal. "
        "Ett filter lägger inte till någon."
    ),
}
