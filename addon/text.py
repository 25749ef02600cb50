"""Normalise text for comparison, display, sorting and spreadsheets; count in English."""

import re
from unicodedata import category, combining, normalize

SortKey = str
"""Text that sorts like the text it is made from: texts compare far faster than tuples."""

_NOT_PLAIN = re.compile(r"[^a-z0-9]")
_NUMBERS = re.compile(r"\d+")
_LAST = {"å": "{a", "ä": "{b", "ö": "{c", "æ": "{b", "ø": "{c"}  # "{" follows "z"
_BLANK = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0\ufffd")
"""Characters that show nothing though their category says letter or symbol; and what stands for
characters that could not be read."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
"""Categories of control characters, invisible format characters and lone surrogates."""
_JOINERS = frozenset("\u200c\u200d")
"""They change how their neighbours look, in names of several languages, so they are kept."""
_NUMBER, _END = "\x01", "\x00"  # a number comes before any text
_FORMULA = re.compile(r"""(^|[;,\t\r\n])([ "]*)(?=[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])""")
"""Where spreadsheets run what follows as a formula: at the start of a text, and after a separator,
since some split at semicolons what is separated by commas, or the other way round. Characters of
full width count too."""


def composed(text: str) -> str:
    """Return `text` with its accents composed (Unicode NFC)."""
    return text if text.isascii() else normalize("NFC", text)


def cleaned(text: str) -> str:
    """Return `text` composed, without what no one sees and what cannot be sent.

    Left out are lone surrogates, control characters and invisible format characters (U+200B,
    U+2060 and the like); tabs and line breaks become spaces.
    """
    if text.isprintable():
        return composed(text)
    return composed("".join(_kept(letter) for letter in text))


def is_visible(text: str) -> bool:
    """Whether `text` has more than space, marks on nothing, and characters that show nothing."""
    first = text[:1]
    if first < "\u0250" and first.isalnum():  # a letter or a digit, as nearly all names begin
        return True
    return any(not _shows_nothing(letter) for letter in text)


def fold(text: str) -> str:
    """Return the form in which texts are compared: cleaned, without regard to case.

    å, ä and ö remain distinct letters.
    """
    if text.isascii() and text.isprintable():
        return text.lower()
    return composed(cleaned(text).casefold())


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


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its English noun: `1 group`, `2 groups`."""
    return f"{number} {one if number == 1 else many}"


def escape_formula(text: str) -> str:
    """Return the text, escaped wherever a spreadsheet would run it as a formula."""
    return _FORMULA.sub(r"\1'\2", text)


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


def _shows_nothing(letter: str) -> bool:
    kind = category(letter)
    return kind in _UNSEEN or kind[0] in "ZM" or letter in _BLANK


def _kept(letter: str) -> str:
    """The character as it stays in cleaned text: itself, a space, or nothing."""
    if letter in "\t\n\r\u2028\u2029":
        return " "
    return "" if category(letter) in _UNSEEN and letter not in _JOINERS else letter


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
