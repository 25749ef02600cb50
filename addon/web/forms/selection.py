"""Who belongs to a unit, as a form has it: ticked OUs and groups, and filters, by role."""

from collections.abc import Mapping

from msgspec import Struct, structs
from werkzeug.datastructures import MultiDict

from addon.directory.scope import topmost
from addon.proposals.vocabulary import Role
from addon.tenants.model import SchoolUnit, Selector
from addon.text import fold
from addon.web.forms.filters import (
    FilterForms,
    changed,
    faults_of,
    filters_of,
    forms_of,
    read_filters,
)
from addon.web.i18n import gettext_str as _

ROLES: tuple[Role, Role] = ("students", "staff")


class RoleForm(Struct, frozen=True):
    """What a form says of one role."""

    org_units: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    filters: FilterForms = ()

    def selector(self) -> Selector:
        """The selector that it says so far, without clauses that are not whole."""
        return Selector(
            org_units=self.org_units, groups=self.groups, filters=filters_of(self.filters)
        )

    def faults(self, role: Role) -> dict[str, str]:
        """What is wrong, by the name of the field."""
        found = faults_of(self.filters, role)
        if self.filters and not (self.org_units or self.groups):
            found[f"{role}-filter"] = _NOBODY[role]()
        return found


class SelectionForm(Struct, frozen=True):
    """What a form says of a unit's students and staff, and its faults by field."""

    students: RoleForm
    staff: RoleForm
    search: str = ""

    def of(self, role: Role) -> RoleForm:
        """What it says of a role."""
        return self.students if role == "students" else self.staff

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong, by the name of the field."""
        return {**self.students.faults("students"), **self.staff.faults("staff")}

    def after(self, action: str) -> "SelectionForm":
        """The form after a button that adds or takes away: `students:add:0` and the like."""
        role, _, what = action.partition(":")
        if role not in ROLES:
            return self
        own = self.of("students" if role == "students" else "staff")
        own = structs.replace(own, filters=changed(own.filters, what))
        return structs.replace(self, **{role: own})


def selection_form(unit: SchoolUnit) -> SelectionForm:
    """The form of the unit as it is."""
    return SelectionForm(_role_form(unit.students), _role_form(unit.staff))


def read_selection(form: MultiDict[str, str], org_units: Mapping[str, str]) -> SelectionForm:
    """What a form says. `org_units` are the directory's paths by their folded form.

    An OU that is ticked below another ticked one says nothing more, and is left out.
    """
    return SelectionForm(
        students=_read_role(form, "students", org_units),
        staff=_read_role(form, "staff", org_units),
        search=form.get("search", "").strip()[:100],
    )


def ticked(form: MultiDict[str, str], name: str) -> tuple[str, ...]:
    """The values of boxes that are ticked, each once."""
    return tuple(dict.fromkeys(v for v in form.getlist(name) if v.strip()))


def _read_role(form: MultiDict[str, str], role: Role, org_units: Mapping[str, str]) -> RoleForm:
    paths = (org_units.get(fold(path), path) for path in ticked(form, f"{role}-ou"))
    return RoleForm(
        org_units=topmost(tuple(dict.fromkeys(paths))),
        groups=ticked(form, f"{role}-group"),
        filters=read_filters(form, role),
    )


def _role_form(selector: Selector) -> RoleForm:
    return RoleForm(selector.org_units, selector.groups, forms_of(selector.filters))


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
