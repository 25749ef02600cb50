"""CSV as Excel in Sweden opens it: semicolons, a byte order mark, ids as text."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from addon.text import escape_formula

NUMBER = re.compile(r"[0-9]{8,}|0[0-9]+")
"""What Excel would round, write with an exponent, or take the first zeros from."""


def spreadsheet(header: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    """Return the file; no cell is a formula, and no id a number."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(text) for text in line] for line in lines)
    return out.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    return f"'{text}" if NUMBER.fullmatch(text) else escape_formula(text)
