"""Speaking to a connection's vendor, with the connection's lease in hand."""

import asyncio
from collections.abc import AsyncIterator, Callable, Set
from contextlib import asynccontextmanager

from msgspec import Struct, structs

from addon.delivery.executor import Replan
from addon.delivery.group_cleanup import without
from addon.delivery.lease import Lease
from addon.delivery.session import Session, open_session
from addon.delivery.throttle import Stopped
from addon.delivery.transport import GivenUp
from addon.planning.ledger import Key, Ledger
from addon.planning.plan import Plan
from addon.planning.result import Result
from addon.sync.context import Rooms, Unknown, find_tenant
from addon.tenants.document import DocumentError
from addon.tenants.pause import paused
from addon.vendors.profiles import Target

NOT_ASKED = (
    "people with protected identity are removed, but the vendor could not be asked for the groups "
    "that may refer to them, which the next run tries again: {}"
)

TURNED_OFF = "the connection was turned off, or its mode changed, so nothing more was sent"
PAUSED = "a pause began, so nothing more was sent"


class Line(Struct, frozen=True):
    """Whose vendor is spoken to, where, and by which run.

    `holder` is who takes the lease; `deadline` a time of `time.monotonic` at which sending
    stops between operations. It stops too where `unwanted`, which is asked at first and then
    each time that the lease is put off, gives a reason.
    """

    rooms: Rooms
    key: Key
    target: Target
    holder: str
    deadline: float | None = None
    unwanted: Callable[[], Stopped | None] = lambda: None

    @asynccontextmanager
    async def exclusively(self) -> AsyncIterator[Lease]:
        """The connection's lease. Raises Taken when another run has it."""
        rooms = self.rooms
        async with Lease(rooms.store, self.key, self.holder, rooms.clock) as lease:
            lease.ask(self.unwanted)
            yield lease

    @asynccontextmanager
    async def speak(self, ledger: Ledger, lease: Lease) -> AsyncIterator[Session]:
        """A session that stops when the lease is lost, or when it is unwanted."""
        rooms, key = self.rooms, self.key
        async with open_session(
            rooms.settings.vendors[key.vendor],
            self.target,
            rooms.store,
            key,
            ledger,
            rooms.patience,
            self.deadline,
            self.holder,
            rooms.store.batch_growth,
        ) as session:
            lease.when_lost(session.pace.stop)
            reason = await asyncio.to_thread(self.unwanted)
            if reason is not None:
                session.pace.stop(reason)
            yield session

    async def hide(
        self, plan: Plan, gone: Set[str], ledger: Ledger, lease: Lease
    ) -> tuple[Result, bool]:
        """Carry out the removal of protected people, and take those `gone` out of groups.

        The groups are asked for and said without them, since the plan that says them anew is
        held. What came of it, and whether no group that can be told of has them any more; if
        not, it is to be tried again. Raises NotKept when the store failed.
        """
        async with self.speak(ledger, lease) as session:
            clock = self.rooms.clock
            result = await session.carry_out(plan, lambda absent: plan, clock=clock)
            if not result.complete:
                return result, False
            try:
                updates = await without(gone, session.scim, ledger)
            except (GivenUp, Stopped) as error:
                return structs.replace(result, stopped=NOT_ASKED.format(error)), False
            writes = plan.only_protected().writes
            for operation in updates:
                writes[operation.resource_type].append(operation)
            stripping = structs.replace(plan, protected=(), writes=writes)
            said = await session.carry_out(stripping, lambda absent: stripping, clock=clock)
            told = not said.left and said.stopped is None and all(f.refused for f in said.failures)
            return result.also(said), told

    async def send(self, plan: Plan, replan: Replan, ledger: Ledger, lease: Lease) -> Result:
        """Carry out a plan. Raises NotKept when the store failed."""

        def progress(done: int, planned: int) -> None:
            self.rooms.progress(self.key.vendor, done, planned)

        async with self.speak(ledger, lease) as session:
            return await session.carry_out(plan, replan, progress, self.rooms.clock)


def unwanted(rooms: Rooms, key: Key) -> Stopped | None:
    """Why nothing more is to be sent, where a person has decided so since the run began.

    Raises StoreError.
    """
    try:
        tenant = find_tenant(rooms.store, key.tenant)
    except (Unknown, DocumentError):
        return Stopped(TURNED_OFF, spent=True)
    connection = tenant.connection(key.vendor)
    if connection is None or connection.mode != key.mode:
        return Stopped(TURNED_OFF, spent=True)
    if paused(tenant, rooms.clock()) is not None:
        return Stopped(PAUSED, spent=True)
    return None
