"""One fixture for all that is promised of every store: `store`, and `open_store` to look again.

A new store is added to OPENERS and has the same tests from then on.
"""

import os
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from addon.store.base import Store
from addon.store.firestore.store import FirestoreStore
from addon.store.sqlite.store import SQLiteStore
from tests.support.emulator import HOST, REQUIRED, missing, shared_emulator


@pytest.fixture(scope="session")
def firestore_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Google's emulator is; a test that wants it is skipped where it cannot be.

    The processes of one run of the tests share it, since it takes seconds to start.
    """
    reason = missing()
    if reason is not None and os.environ.get(REQUIRED):
        pytest.fail(f"{reason}; {REQUIRED} is set, so it may not be skipped")
    if reason is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.getbasetemp()
    with shared_emulator(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as host:
        yield host


@pytest.fixture
def project(firestore_host, monkeypatch) -> str:
    """A Firestore project of the test's own."""
    monkeypatch.setenv(HOST, firestore_host)
    return f"test-{uuid4().hex[:16]}"


def _sqlite(request: pytest.FixtureRequest) -> Callable[[], Store]:
    folder = request.getfixturevalue("tmp_path")
    return lambda: SQLiteStore(folder / "skolsynk.db")


def _firestore(request: pytest.FixtureRequest) -> Callable[[], Store]:
    project = request.getfixturevalue("project")
    return lambda: FirestoreStore(project, emulator=os.environ[HOST])


OPENERS = {"sqlite": _sqlite, "firestore": _firestore}


@pytest.fixture(params=OPENERS)
def open_store(request) -> Iterator[Callable[[], Store]]:
    """Open the test's store, again at each call."""
    opener = OPENERS[request.param](request)
    opened: list[Store] = []

    def open_it() -> Store:
        opened.append(opener())
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store) -> Store:
    return open_store()
