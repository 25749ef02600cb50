"""Whom a school writes to about Skolsynk, as a sentence names them."""

from addon.web.operator import operator_of
from addon.web.services import current_services
from addon.web.translation import gettext_str as _


def support_contact() -> str:
    """Return "Skolsynks support" with its address, in the language of the request.

    It can begin a sentence and stand within one.
    """
    operator = operator_of(current_services().settings.web)
    return _("Skolsynks support (%(address)s)", address=operator.address)
