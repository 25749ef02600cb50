"""Who operates the installation, and where they are written to: settings, or the co-operative."""

from urllib.parse import quote

from flask_babel import lazy_gettext as _
from msgspec import Struct

from addon.settings import WebSettings

COOPERATIVE = _("läromedelsleverantörernas ekonomiska förening")
"""The co-operative within a sentence, where SKOLSYNK_OPERATOR names nobody else."""
COOPERATIVE_ADDRESS = "support@skolsynk.se"
"""Its address, where SKOLSYNK_CONTACT is not set."""


class Operator(Struct, frozen=True):
    """The operator's name, as it stands within a sentence, and their mail address."""

    name: str
    address: str

    @property
    def as_first_word(self) -> str:
        """The name at the beginning of a sentence."""
        return self.name[:1].upper() + self.name[1:]

    @property
    def as_last_words(self) -> str:
        """The name before the full stop of a sentence, which is that of an abbreviation as well."""
        return self.name.removesuffix(".")

    @property
    def mailto(self) -> str:
        """The address as a URI (RFC 6068)."""
        return f"mailto:{quote(self.address, safe='@')}"


def operator_of(settings: WebSettings) -> Operator:
    """Return the operator that the settings name, in the language of the request."""
    return Operator(settings.operator or str(COOPERATIVE), settings.contact or COOPERATIVE_ADDRESS)
