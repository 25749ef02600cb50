"""Errors of reading a directory, with messages that an administrator can act on.

Messages name the query and the remedy; of people they contain ids at most, never names or
addresses.
"""

from typing import Literal

DirectoryProblem = Literal[
    "access",
    "reader",
    "set-up",
    "day-quota",
    "busy",
    "no-answer",
    "protected-unknown",
    "odd-answer",
]
"""Why a directory could not be read, for pages: consent is missing; the account that reads; the
installation; the quota of the day or of the moment; Google does not answer; a protected group or
OU is not there; anything else that was not as the API is described."""

UNSENT = "Nothing was sent to anyone."
AGAIN = f"{UNSENT} The next run reads the directory again from the beginning."

OUR_OWN = frozenset({"", "403 accessNotConfigured", "403 SERVICE_DISABLED"})
"""Reasons of a refused access (`AccessRefused.why`) that mean that Skolsynk is not set up."""

NOT_OWN = "not-own-administrator"
READER = frozenset({"invalid_grant", NOT_OWN})
"""Reasons that are about the account in whose name the directory is read."""


class DirectoryError(Exception):
    """The directory could not be read completely; nothing may be sent based on it."""

    def __init__(self, message: str, problem: DirectoryProblem = "odd-answer") -> None:
        super().__init__(message)
        self.problem: DirectoryProblem = problem


class AccessRefused(DirectoryError):
    """Google does not let Skolsynk read this directory: consent or delegation is missing.

    `why` is the status and the reason in Google's answer, such as `403 forbidden`, or the error
    code of its token endpoint; empty if Google was not asked.
    """

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message, _access_problem(why))
        self.why = why


def _access_problem(why: str) -> DirectoryProblem:
    if why in OUR_OWN:
        return "set-up"
    return "reader" if why in READER else "access"


def is_access_refused(error: BaseException) -> bool:
    """Whether the customer's consent or delegation is missing, not the set-up of Skolsynk."""
    return isinstance(error, AccessRefused) and error.why not in OUR_OWN
