"""Skolverket's register of school units, and what is kept of it.

Source: Skolenhetsregistret, open API v2 (CC0), https://api.skolverket.se/skolenhetsregistret.
"""

from msgspec import Struct

ACTIVE, RESTING, CEASED, PLANNED = "AKTIV", "VILANDE", "UPPHORT", "PLANERAD"
LONGEST_NAME = 200
"""Characters of a unit's name that a person gives; the register's own are shorter."""


class RegisterError(Exception):
    """The register cannot be had, or does not say what it promises; the message says what to do."""


class RegisterUnavailable(RegisterError):
    """The register does not answer, or not in time: later it may."""


class RegisterUnit(Struct, frozen=True):
    """A school unit. What a list does not tell of it is None or empty: ask for its details."""

    code: str
    name: str
    status: str = ACTIVE
    municipality_code: str | None = None
    school_types: tuple[str, ...] = ()
    organisation_number: str | None = None

    @property
    def ceased(self) -> bool:
        """Whether there is no such school any more."""
        return self.status == CEASED


class Organiser(Struct, frozen=True):
    """A principal organiser. `kind` is KOMMUN, ENSKILD, REGION and so on."""

    number: str
    name: str
    kind: str = ""
