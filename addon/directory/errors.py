"""What can go wrong when a directory is read, in words an administrator can act on."""


class DirectoryError(Exception):
    """The directory could not be read whole; nothing may be sent on the ground of it."""


class AccessRefused(DirectoryError):
    """Google does not let Skolsynk read this directory: consent or delegation is missing."""
