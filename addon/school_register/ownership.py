"""Whether a document's school units are the organiser's own, as the register says."""

from addon.school_register.register import Register
from addon.tenants.document import UNIT_OF_OTHERS, units_of_others
from addon.tenants.model import Tenant


def raise_unless_own_units(register: Register, before: Tenant | None, after: Tenant) -> None:
    """Raise DocumentError if a change of the document makes a unit another organiser's.

    What was so before stays: the operator has confirmed it, by importing the document. Without an
    organisation number, and without the register, there is nothing to compare with.
    """
    number = after.organisation.organisation_number
    had = {} if before is None else before.unit_names
    earlier = None if before is None else before.organisation.organisation_number
    asked = [code for code in after.unit_names if number != earlier or code not in had]
    if number is None or not asked:
        return
    found = register.of_others(number, asked)
    if found and earlier is not None and number != earlier:
        found -= register.of_others(earlier, found & set(had))
    if found:
        raise units_of_others(after, found, UNIT_OF_OTHERS)
