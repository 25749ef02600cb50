"""Who operates the installation, and where they are written to, as the settings say."""

from urllib.parse import quote

from flask_babel import lazy_gettext as _
from msgspec import Struct

from addon.settings import WebSettings

UNNAMED = _("den som driver den här installationen")
"""The operator within a sentence, where SKOLSYNK_OPERATOR names nobody."""


class Operator(Struct, frozen=True):
    """The operator, as in a sentence, and their mail address, None if it is not known.

    `named` is whether `name` is their own name.
    """

    name: str
    address: str | None
    named: bool = True

    @property
    def as_first_word(self) -> str:
        """The name at the beginning of a sentence."""
        return self.name[:1].upper() + self.name[1:]

    @property
    def mailto(self) -> str | None:
        """The address as a URI (RFC 6068)."""
        return None if self.address is None else f"mailto:{quote(self.address, safe='@')}"


def operator_of(settings: WebSettings) -> Operator:
    """Return the operator that the settings name, in the language of the request."""
    return Operator(
        settings.operator or str(UNNAMED), settings.contact, settings.operator is not None
    )
