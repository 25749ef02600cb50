"""Where a form or an address may lead back to: this application and nowhere else."""

FIRST = "/"


def safe_path(path: str) -> str:
    """A path of this application to go back to, or its first page.

    Browsers take a backslash for a slash and leave out tabs and line breaks, and two slashes begin
    the name of another host.
    """
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        return FIRST
    return path if all(character >= " " for character in path) else FIRST


def safe_path_after_sign_in(path: str) -> str:
    """The same, and no page of signing in or out."""
    return FIRST if path.startswith("/logga-") else safe_path(path)
