"""The form for a school unit's name, municipality and school types."""

import re
from collections.abc import Sequence

from flask_babel import gettext as _
from msgspec import Struct
from werkzeug.datastructures import MultiDict

from addon.school_register.model import LONGEST_NAME
from addon.tenants.document import SCHOOL_TYPES
from addon.tenants.model import SchoolUnit
from addon.text import one_line

MUNICIPALITY = re.compile(r"[0-9]{4}")


class SchoolUnitForm(Struct, frozen=True):
    """The values entered, and the faults by field."""

    name: str
    municipality: str
    types: tuple[str, ...]
    faults: dict[str, str] = {}

    def values(self) -> dict[str, object]:
        """Return the document's fields. Only for a form without faults."""
        return {
            "name": self.name,
            "municipality_code": self.municipality or None,
            "school_types": self.types,
        }


def school_unit_form(unit: SchoolUnit) -> SchoolUnitForm:
    """Return the form of the unit."""
    return SchoolUnitForm(unit.name, unit.municipality_code or "", unit.school_types)


def read_school_unit(form: MultiDict[str, str]) -> SchoolUnitForm:
    """Read the form."""
    name = one_line(form.get("name", ""))
    municipality = form.get("municipality", "").strip()
    types = tuple(kind for kind in school_types() if kind in form.getlist("types"))
    faults = {}
    wrong = name_fault(name)
    if wrong is not None:
        faults["name"] = wrong
    if municipality and not MUNICIPALITY.fullmatch(municipality):
        faults["municipality"] = _("En kommunkod har fyra siffror, till exempel 0180.")
    return SchoolUnitForm(name, municipality, types, faults)


def name_fault(name: str) -> str | None:
    """Return what is wrong with a unit's name; None if nothing is."""
    if not name:
        return str(_("Skriv skolenhetens namn, så som det ska stå hos leverantörerna."))
    if len(name) > LONGEST_NAME:
        return str(_("Namnet får vara högst %(n)s tecken.", n=LONGEST_NAME))
    return None


def school_types() -> Sequence[str]:
    """Return the school types, in the order that a pupil attends them."""
    return tuple(SCHOOL_TYPES)
