"""The stamp beside a store's file, by which a restored or copied file is noticed.

At both ends of each run the file and the stamp beside it are marked alike. A backup that was put
back has an older mark, a file that was copied to another machine has no stamp beside it, and a
stamp that was copied along has another time of change. What a snapshot of a whole disk restores
cannot be told from what was there.
"""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


class Stamp:
    """The stamp of the store at `path`: a hidden file beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f".{path.name}.stamp")

    def read(self) -> str:
        """Return the mark and its time of change; empty if there is none."""
        try:
            return f"{self._path.read_text('ascii')} {self._path.stat().st_ctime_ns}"
        except (OSError, UnicodeDecodeError):
            return ""

    def renew(self) -> str:
        """Write a new mark, and return it as `read` does; empty if it cannot be written."""
        new = self._path.with_name(f"{self._path.name}.{uuid4().hex}")
        try:
            new.write_text(uuid4().hex, "ascii")
            os.replace(new, self._path)
        except OSError:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            return ""
        return self.read()
