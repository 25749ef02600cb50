"""Names made tidy, and comparable: without regard to case, and as they stand in domains."""

import re
from unicodedata import normalize

_NOT_PLAIN = re.compile(r"[^a-z0-9]")


def one_line(text: str) -> str:
    """A name in one line, without the characters that do not show."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def fold(text: str) -> str:
    """A text to compare without regard to case; å, ä and ö are letters of their own."""
    return normalize("NFC", text).casefold()


def ascii_fold(text: str) -> str:
    """A text to compare without regard to case or accents: `Östra` and `ostra` are the same."""
    folded = fold(text)
    if folded.isascii():
        return folded
    return normalize("NFKD", folded).encode("ascii", "ignore").decode()


def plain(text: str) -> str:
    """A name as it stands in a domain, a-z and 0-9 only: `upplandsvasby`."""
    return _NOT_PLAIN.sub("", ascii_fold(text))
