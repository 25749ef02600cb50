"""A register on loopback, a store, and a clock that is set by hand."""

import pytest

from addon.sandbox.register_server import STORKOPING, RegisterServer, sandbox_units
from addon.school_register.client import RegisterClient
from addon.school_register.model import RegisterUnit
from addon.school_register.register import Register
from addon.store.sqlite.store import SQLiteStore

NORRA = RegisterUnit("12345678", "Norra skolan", "AKTIV", "9999", ("GR",), STORKOPING.number)
OSTRA = RegisterUnit("12345679", "Östra skolan", "AKTIV", "9999", ("GR",), STORKOPING.number)
LUND = RegisterUnit("12345680", "Tunaskolan", "AKTIV", "1281", ("GR",), "2120001132")


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server():
    with RegisterServer([*sandbox_units([]), NORRA, OSTRA, LUND]) as server:
        yield server


@pytest.fixture
def store(tmp_path):
    store = SQLiteStore(tmp_path / "skolsynk.db")
    yield store
    store.close()


@pytest.fixture
def client(server):
    return RegisterClient(server.url, sleep=lambda seconds: None)


@pytest.fixture
def register(store, client, clock):
    """A register whose copy has been fetched."""
    register = Register(store, client, clock)
    register.refresh()
    return register


@pytest.fixture
def cut_off(store, clock):
    """A register without access, and nothing kept yet."""
    return Register(store, None, clock)
