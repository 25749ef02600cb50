"""One fixture for all that is promised of every store: `store`, and `reopened` to look again.

A new store is added to OPENERS and has the same tests from then on.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from addon.store import Store
from addon.store.sqlite import SQLiteStore


def _sqlite(folder: Path) -> Store:
    return SQLiteStore(folder / "skolsynk.db")


OPENERS: dict[str, Callable[[Path], Store]] = {"sqlite": _sqlite}


@pytest.fixture(params=OPENERS)
def open_store(request, tmp_path) -> Iterator[Callable[[], Store]]:
    """Opens the test's store, each time anew."""
    opened: list[Store] = []

    def open_it() -> Store:
        opened.append(OPENERS[request.param](tmp_path))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store) -> Store:
    return open_store()
