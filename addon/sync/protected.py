"""People with protected identity in the environment that a connection is not in any more.

A connection that went from test to live mode keeps nobody up to date in the test environment.
But who has got protected identity since is to be nowhere: every run of the connection removes
them there too, whatever the limits say.
"""

import asyncio
import logging
from collections.abc import Set
from typing import Literal

from msgspec import Struct, structs

from addon.delivery.lease import Taken
from addon.planning.guard import Hold
from addon.planning.ledger import Key, Ledger, NotKept, shard_of
from addon.planning.plan import make_plan
from addon.ss12000.mapping import Translation
from addon.sync.context import Rooms
from addon.sync.prepare import Prepared
from addon.sync.readiness import Ready, readiness
from addon.sync.session import Line
from addon.tenants.model import Connection

log = logging.getLogger(__name__)

UNREACHED = "people with protected identity could not be removed from the {} environment: {}"


class Elsewhere(Struct, frozen=True):
    """Whom to remove, by externalId, and in whose ledger.

    `marked` are removed already, and may be in the vendor's groups yet.
    """

    connection: Connection
    key: Key
    protected: frozenset[str]
    marked: frozenset[str]


def elsewhere(rooms: Rooms, prepared: Prepared, connection: Connection) -> Elsewhere | None:
    """Who is to be removed in the connection's other environment, where anybody is.

    Costs one look in the store where there is nobody, and reads no more of a ledger than the parts
    that they would be in. Raises NotKept.
    """
    if connection.vendor not in prepared.views:
        return None
    mode: Literal["test", "live"] = "test" if connection.mode == "live" else "live"
    other = structs.replace(connection, mode=mode)
    key = Key(prepared.tenant.customer_id, other.vendor, mode)
    standing = rooms.store.standing(key)
    ledger, held = standing.ledger, standing.hold
    marked = frozenset(() if held is None else held.hidden)
    if not len(ledger) and not marked:
        return None
    translation = Translation(prepared.views[other.vendor], prepared.tenant, other)
    protected = frozenset(
        each for user in prepared.roster.protected for each in translation.external_ids(user)
    )
    rooms.store.load(key, ledger, {shard_of(each) for each in protected} & ledger.unread.keys())
    there = protected & _held_in(ledger)
    return Elsewhere(other, key, protected, marked) if there or marked else None


async def hide(rooms: Rooms, found: Elsewhere, line: Line) -> str | None:
    """Remove them, as the run whose `line` this is; what stands in the way, if anything does.

    A run whose time is spent, or that nobody wants any more, leaves it to the next.
    """
    ready = readiness(rooms, found.key.tenant, found.connection)
    if not isinstance(ready, Ready):
        return UNREACHED.format(found.key.mode, ready.detail)
    there = structs.replace(line, key=found.key, target=ready.target)
    try:
        return await _hide(rooms, found, there)
    except (Taken, NotKept) as stopped:
        return UNREACHED.format(found.key.mode, stopped)
    except Exception as error:  # it does not stand in the way of the rest
        log.error("removing protected people from %s ended: %s", found.key, type(error).__name__)
        return UNREACHED.format(found.key.mode, type(error).__name__)


async def _hide(rooms: Rooms, found: Elsewhere, line: Line) -> str | None:
    store, key = rooms.store, found.key
    async with line.exclusively() as lease:
        ledger = await asyncio.to_thread(store.ledger, key)
        plan = make_plan((), ledger, rooms.clock(), found.protected).only_protected()
        gone = found.marked | {op.external_id for op in plan.protected}
        await asyncio.to_thread(_mark, rooms, key, gone)
        result, said = await line.hide(plan, gone, ledger, lease)
        if said:
            await asyncio.to_thread(_mark, rooms, key, frozenset())
    if said or result.spent:
        return None
    return UNREACHED.format(key.mode, result.stopped or "the vendor refused it")


def _mark(rooms: Rooms, key: Key, hidden: Set[str]) -> None:
    """Remember who is being removed until the groups are without them: see `exchange._mark`."""
    held = rooms.store.hold(key)
    if held is None and not hidden:
        return
    held = held or Hold((), 0, "", {}, at=rooms.clock())
    held = structs.replace(held, hidden=tuple(sorted(hidden)))
    rooms.store.set_hold(key, held if held.waits else held.only_hidden())


def _held_in(ledger: Ledger) -> Set[str]:
    return {each for entries in ledger.entries.values() for each in entries}
