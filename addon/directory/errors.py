"""Errors of reading a directory, with messages that an administrator can act on.

Messages name the query and the remedy; of people they contain ids at most, never names or
addresses.
"""

UNSENT = "Nothing was sent to anyone."
AGAIN = f"{UNSENT} The next run reads the directory again from the beginning."

OUR_OWN = frozenset({"", "403 accessNotConfigured", "403 SERVICE_DISABLED"})
"""Reasons of a refused access (`AccessRefused.why`) that mean that Skolsynk is not set up."""


class DirectoryError(Exception):
    """The directory could not be read completely; nothing may be sent based on it."""


class AccessRefused(DirectoryError):
    """Google does not let Skolsynk read this directory: consent or delegation is missing.

    `why` is the status and the reason in Google's answer, such as `403 forbidden`, or the error
    code of its token endpoint; empty if Google was not asked.
    """

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why


def is_access_refused(error: BaseException) -> bool:
    """Whether the customer's consent or delegation is missing, not the set-up of Skolsynk."""
    return isinstance(error, AccessRefused) and error.why not in OUR_OWN
