"""The units and organisers of Skolverket's register, and the errors of reading it.

Source: Skolenhetsregistret, open API v2 (CC0), https://api.skolverket.se/skolenhetsregistret.
"""

from msgspec import Struct

ACTIVE, RESTING, CEASED, PLANNED = "AKTIV", "VILANDE", "UPPHORT", "PLANERAD"
LONGEST_NAME = 200
"""Maximum length of a unit's name entered by a person; the register's own are shorter."""


class RegisterError(Exception):
    """The register cannot be read or gives an unexpected answer; the message says what to do."""


class RegisterUnavailable(RegisterError):
    """The register does not answer, or not in time; it may do so later."""


class RegisterUnit(Struct, frozen=True):
    """A school unit. Fields that a list does not include are None or empty: fetch its details."""

    code: str
    name: str
    status: str = ACTIVE
    municipality_code: str | None = None
    school_types: tuple[str, ...] = ()
    organisation_number: str | None = None

    @property
    def ceased(self) -> bool:
        """Whether the school has closed."""
        return self.status == CEASED


class Organiser(Struct, frozen=True):
    """A principal organiser. `kind` is KOMMUN, ENSKILD, REGION and so on."""

    number: str
    name: str
    kind: str = ""
