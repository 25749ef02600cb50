"""The order in which a Swede expects names: å, ä and ö last, 9A before 10A, case aside."""

import re
from unicodedata import combining, normalize

Key = tuple[tuple[int, int, str], ...]

_RUNS = re.compile(r"\d+|\D+")
_LAST = {"å": "{a", "ä": "{b", "ö": "{c", "æ": "{b", "ø": "{c"}  # "{" follows "z"


def swedish(text: str) -> Key:
    """A key to sort names by: `sorted(names, key=swedish)`."""
    lowered = text.lower()
    plain = lowered if lowered.isascii() else "".join(map(_letter, normalize("NFC", lowered)))
    return tuple(
        (0, int(run), run) if run.isdecimal() else (1, 0, run) for run in _RUNS.findall(plain)
    )


def path_key(path: str) -> tuple[Key, ...]:
    """A key to sort OU paths by: an OU right before what is below it."""
    return tuple(map(swedish, path.split("/")))


def _letter(letter: str) -> str:
    if letter in _LAST:
        return _LAST[letter]
    return "".join(each for each in normalize("NFD", letter) if not combining(each))
