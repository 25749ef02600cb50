"""Whom a school writes to about Skolsynk, as a sentence names them."""

from addon.web.services import current_services
from addon.web.translation import gettext_str as _


def support_contact() -> str:
    """Return "Skolsynks support" in the language of the request, with the address if one is set.

    It can begin a sentence and stand within one.
    """
    address = current_services().settings.web.contact
    if address is None:
        return _("Skolsynks support")
    return _("Skolsynks support (%(address)s)", address=address)
