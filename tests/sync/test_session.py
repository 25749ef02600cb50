"""A session is opened with everything it needs, and ends with everything kept."""

import asyncio

import pytest

from addon.delivery.throttle import DeliveryStopped
from addon.planning.ledger import LedgerChange, LedgerEntry
from addon.planning.result import VendorProblem
from addon.sync.session import open_session
from addon.vendors.profiles import Target
from tests.delivery.delivering import (
    KEY,
    QUICK,
    Kept,
    deliver,
    entries,
    held,
    in_session,
    target,
    users,
    vendor,
)
from tests.support.egil_server import EgilServer


def test_a_delivery_over_tls_ends_with_everything_kept():
    with EgilServer(tls=True) as server:
        kept = Kept()
        to = Target(server.url, {"X-API-Key": server.key}, server.ca_file)
        assert deliver(server, users(20), kept, to=to).complete
        assert entries(kept) == held(server)


def test_any_header_can_carry_the_key():
    with EgilServer(header="Authorization", prefix="Bearer ") as server:
        to = Target(server.url, {"Authorization": f"Bearer {server.key}"})
        assert deliver(server, users(1), to=to).complete


def test_what_is_noted_in_a_session_is_kept_at_its_end():
    async def note(session) -> None:
        session.ledger_writer.record([LedgerChange("User", "ada", LedgerEntry("v", b"hash"))])

    with EgilServer() as server:
        kept = Kept()
        in_session(server, note, kept)
        assert entries(kept) == {"ada": "v"}


def test_the_holder_of_the_lease_is_told_to_the_store():
    told = []

    class Asking(Kept):
        def record(self, key, changes, holder="") -> None:
            told.append((key, holder))

    async def run(server: EgilServer) -> None:
        kept = Asking()
        async with open_session(
            vendor(), target(server), kept, KEY, kept.read(), QUICK, holder="me"
        ) as session:
            session.ledger_writer.record([LedgerChange("User", "ada", LedgerEntry("v", b"hash"))])

    with EgilServer() as server:
        asyncio.run(run(server))
    assert told == [(KEY, "me")]


def test_a_session_can_be_stopped_from_outside():
    async def stop(session) -> None:
        session.throttle.stop(
            DeliveryStopped(
                "another run has taken over this connection", VendorProblem("taken-over")
            )
        )
        await session.scim.list("User")

    with EgilServer() as server:
        with pytest.raises(DeliveryStopped, match="another run"):
            in_session(server, stop)
        assert server.requests == []


def test_a_session_leaves_no_connection_open():
    with EgilServer() as server:
        deliver(server, users(3))
        in_session(server, lambda session: session.scim.list("User"))
