"""Whether a document's school units are the organiser's own, as the register says."""

from addon.school_register.register import Register
from addon.tenants.document import UNIT_OF_OTHERS, units_of_others
from addon.tenants.model import Tenant


def units_to_compare(before: Tenant | None, after: Tenant) -> list[str]:
    """Return the codes of which a change of the document may make another organiser's.

    Without an organisation number there is nothing to compare with.
    """
    number = after.organisation.organisation_number
    if number is None:
        return []
    had = {} if before is None else before.unit_names
    same = before is not None and before.organisation.organisation_number == number
    return [code for code in after.unit_names if not (same and code in had)]


def raise_unless_own_units(register: Register, before: Tenant | None, after: Tenant) -> None:
    """Raise DocumentError if a change of the document makes a unit another organiser's.

    What was so before stays: the operator has confirmed it, by importing the document. What the
    register cannot be asked about is not compared.
    """
    asked = units_to_compare(before, after)
    number = after.organisation.organisation_number
    if number is None or not asked:
        return
    found = register.of_others(number, asked)
    earlier = None if before is None else before.organisation.organisation_number
    if found and before is not None and earlier is not None and number != earlier:
        found -= register.of_others(earlier, found & set(before.unit_names))
    if found:
        raise units_of_others(after, found, UNIT_OF_OTHERS)
