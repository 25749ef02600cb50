"""Safe redirect targets: paths of this application and nothing else."""

FIRST = "/"


def safe_path(path: str) -> str:
    """Return `path` when it is a path of this application, else the first page's.

    Browsers treat a backslash as a slash and ignore tabs and line breaks, and two slashes begin
    the name of another host.
    """
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        return FIRST
    return path if all(character >= " " for character in path) else FIRST


def safe_path_after_sign_in(path: str) -> str:
    """Return the same as `safe_path`, but never a page for signing in or out."""
    return FIRST if path.startswith("/logga-") else safe_path(path)
