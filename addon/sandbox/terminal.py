"""The layout of the demo's output: headings, sentences and tables, at most 92 columns wide."""

import os
import shutil
from collections.abc import Sequence
from textwrap import wrap
from typing import TextIO

WIDEST, NARROWEST, NARROW = 92, 60, 20
INDENT = "   "
BOLD, DIM, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


class Terminal:
    """Output to a stream, with bold and dim only on a terminal and without NO_COLOR."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._styled = stream.isatty() and not os.environ.get("NO_COLOR")
        columns = shutil.get_terminal_size((WIDEST, 24)).columns if stream.isatty() else WIDEST
        self._width = max(NARROWEST, min(WIDEST, columns))

    def title(self, text: str) -> None:
        """Write the title of the demo."""
        self._write(text, BOLD)

    def heading(self, number: int, text: str) -> None:
        """Write the heading of a step."""
        self._write("")
        self._write(f"{number:>2} {text}", BOLD)

    def why(self, text: str) -> None:
        """Write the introduction of a step."""
        for line in wrap(text, self._width - len(INDENT), break_on_hyphens=False):
            self._write(INDENT + line)

    def command(self, text: str) -> None:
        """Write the command that an administrator would have typed."""
        self._write("")
        self._write(f"{INDENT}$ python -m addon {text}", DIM)

    def shell(self, *parts: str) -> None:
        """Write a shell command, each part on a line of its own."""
        self._write(f"{INDENT}  $ " + f" \\\n{INDENT}      ".join(parts), DIM)

    def label(self, text: str) -> None:
        """Write the caption of a table."""
        self._write("")
        self._write(INDENT + text, BOLD)

    def rows(self, rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> None:
        """Write a table; the last column has the rest of the width, and is wrapped if needed."""
        table = [tuple(head), *rows] if head else list(rows)
        if not table:
            return
        widths = [max(map(len, column)) for column in list(zip(*table, strict=True))[:-1]]
        start = INDENT + "  " + "".join(" " * (width + 2) for width in widths)
        for number, row in enumerate(table):
            cells = "".join(f"{c:<{w}}  " for c, w in zip(row[:-1], widths, strict=True))
            space = max(NARROW, self._width - len(start))
            last = wrap(row[-1], space, break_on_hyphens=False) or [""]
            style = DIM if head and number == 0 else ""
            self._write(f"{INDENT}  {cells}{last[0]}".rstrip(), style)
            for line in last[1:]:
                self._write(start + line, style)

    def _write(self, text: str, style: str = "") -> None:
        styled = f"{style}{text}{PLAIN}" if style and text and self._styled else text
        print(styled, file=self._stream, flush=True)
