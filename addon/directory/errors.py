"""What can go wrong when a directory is read, in words an administrator can act on.

Messages name the query and the remedy; of people they hold ids at most, never names or
addresses.
"""

UNSENT = "Nothing was sent to anyone."
AGAIN = f"{UNSENT} The next run reads the directory again from the beginning."


class DirectoryError(Exception):
    """The directory could not be read whole; nothing may be sent on the ground of it."""


class AccessRefused(DirectoryError):
    """Google does not let Skolsynk read this directory: consent or delegation is missing.

    `why` is the status and the reason that Google answered with, such as `403 forbidden`, or the
    error code of its token endpoint; empty where it was not asked.
    """

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why
