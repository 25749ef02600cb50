"""The store's file and those that SQLite keeps beside it are for their owner only."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from addon.store.base import StoreError

COMPANIONS = ("", "-wal", "-shm", "-journal")
"""What SQLite adds to the file's name; it gives them the permissions of the file."""
PRIVATE = 0o600


def keep_private(path: Path) -> None:
    """Make the file, if there is none, so that only its owner can read it.

    Raises StoreError if others can read the file or one beside it.
    """
    with suppress(OSError):  # SQLite says what is wrong with the path
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE))
    for name in COMPANIONS:
        file = path.with_name(path.name + name)
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            found = file.stat()
            if not stat.S_ISREG(found.st_mode) or not found.st_mode & 0o077:
                continue
            if not found.st_size:
                file.chmod(PRIVATE)
            else:
                raise StoreError(
                    f"Others can read {file}, which has personal data. Nothing was read. Let its "
                    f"owner only: chmod 600 {file}"
                )
