"""Normalise text for comparison, display, sorting and spreadsheets."""

import re
from unicodedata import combining, normalize

SortKey = str
"""Text that sorts like the text it is made from: texts compare far faster than tuples."""

_NOT_PLAIN = re.compile(r"[^a-z0-9]")
_NUMBERS = re.compile(r"\d+")
_LAST = {"å": "{a", "ä": "{b", "ö": "{c", "æ": "{b", "ø": "{c"}  # "{" follows "z"
_NUMBER, _END = "\x01", "\x00"  # a number comes before any text
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters at the start of a text that spreadsheets run as a formula, including full-width."""


def composed(text: str) -> str:
    """Return `text` with its accents composed (Unicode NFC)."""
    return text if text.isascii() else normalize("NFC", text)


def fold(text: str) -> str:
    """Return the form in which texts are compared: composed, without regard to case.

    å, ä and ö remain distinct letters.
    """
    return text.lower() if text.isascii() else composed(composed(text).casefold())


def ascii_fold(text: str) -> str:
    """Return the form without case or accents: `Östra` and `ostra` are the same."""
    folded = fold(text)
    if folded.isascii():
        return folded
    return normalize("NFKD", folded).encode("ascii", "ignore").decode()


def domain_label(text: str) -> str:
    """A name as in a domain, a-z and 0-9 only: `upplandsvasby`."""
    return _NOT_PLAIN.sub("", ascii_fold(text))


def one_line(text: str) -> str:
    """A name on one line, without invisible characters."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def escape_formula(text: str) -> str:
    """Return the text, escaped if a spreadsheet would run it as a formula."""
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text


def sort_key(text: str) -> SortKey:
    """A key for Swedish order: å, ä and ö last, 9A before 10A, case ignored."""
    lowered = text.lower()
    plain = lowered if lowered.isascii() else normalize("NFC", lowered).translate(_LETTERS)
    return _NUMBERS.sub(_number, plain)


def combined_key(*keys: SortKey) -> SortKey:
    """One key made of several; the first is the most significant."""
    return _END.join(keys)


def path_key(path: str) -> tuple[SortKey, ...]:
    """A key to sort OU paths by: an OU directly before the OUs below it."""
    return tuple(map(sort_key, path.split("/")))


def _number(found: re.Match[str]) -> str:
    """Digits prefixed with their count; numbers with leading zeros come first."""
    digits = str(int(found[0]))
    return f"{_NUMBER}{chr(len(digits))}{digits}{found[0]}{_END}"


class _Letters(dict[int, str]):
    """What each letter sorts as, computed at its first use."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        bare = "".join(each for each in normalize("NFD", letter) if not combining(each))
        self[code] = found = _LAST.get(letter, bare)
        return found


_LETTERS = _Letters()
