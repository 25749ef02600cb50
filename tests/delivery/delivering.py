"""Deliveries to an `EgilServer` for the tests of delivery: small, real and in a hurry."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from addon.delivery.throttle import RetryPolicy, Throttle
from addon.delivery.transport import Transport
from addon.planning.ledger import Ledger, LedgerChange, LedgerEntry, LedgerKey
from addon.planning.plan import Operation, make_plan, plan_for
from addon.planning.result import DeliveryResult
from addon.ss12000.mapping import OutgoingResource
from addon.ss12000.resources import ResourceType, content_hash
from addon.sync.session import ScimSession, open_session
from addon.vendors.profiles import Target, Vendor
from tests.support.egil_server import EgilServer

T = TypeVar("T")

QUICK = RetryPolicy(
    first_wait=0.001,
    longest_wait=0.004,
    longest_pause=0.5,
    late_effect=0.0,
    connect=2.0,
    read=5.0,
    whole=10.0,
)
KEY = LedgerKey("C0test", "vendor", "live")
NOW = 1_800_000_000.0


class Kept:
    """A store of one ledger, which can be told to fail."""

    def __init__(self, *changes: LedgerChange) -> None:
        self.ledger = Ledger()
        self.ledger.apply(changes)
        self.batches: list[list[LedgerChange]] = []
        self.trouble: Exception | None = None

    def record(self, key: LedgerKey, changes: Sequence[LedgerChange], holder: str = "") -> None:
        if self.trouble is not None:
            raise self.trouble
        self.ledger.apply(changes)
        self.batches.append(list(changes))

    def read(self) -> Ledger:
        """The ledger as a next run finds it."""
        found = Ledger()
        for resource_type, entries in self.ledger.entries.items():
            found.entries[resource_type].update(entries)
            found.refusals[resource_type].update(self.ledger.refusals[resource_type])
        return found


def vendor(concurrency: int = 4, per_second: float = 100_000) -> Vendor:
    return Vendor(
        id="vendor", name="Vendor", requests_per_second=per_second, concurrency=concurrency
    )


def target(server: EgilServer, key: str | None = None) -> Target:
    return Target(server.url, {"X-API-Key": server.key if key is None else key})


def resource(
    external_id: str, resource_type: ResourceType = "User", **more: Any
) -> OutgoingResource:
    """A resource that the vendor should hold; references in `more` are sent as they are."""
    body: dict[str, Any] = {"externalId": external_id, "displayName": f"The {external_id}", **more}
    return OutgoingResource(resource_type, external_id, json.dumps(body).encode())


def users(count: int, **more: Any) -> list[OutgoingResource]:
    return [resource(f"user-{n:03}", **more) for n in range(count)]


def operation(
    kind: str = "create", external_id: str = "user-1", vendor_id: str = "", ask: bool = False
) -> Operation:
    wanted = resource(external_id)
    assert wanted.body is not None
    sent = (b"", b"") if kind == "delete" else (wanted.body, content_hash(wanted.body))
    return Operation(kind, "User", external_id, vendor_id, *sent, ask)  # type: ignore[arg-type]


def intent(external_id: str, resource_type: ResourceType = "User") -> LedgerChange:
    return LedgerChange(resource_type, external_id, LedgerEntry("", b""))


def deliver(
    server: EgilServer,
    wanted: Sequence[OutgoingResource] | Callable[[Any], Sequence[OutgoingResource]],
    kept: Kept | None = None,
    *,
    to: Target | None = None,
    profile: Vendor | None = None,
    retry_policy: RetryPolicy = QUICK,
    deadline: float | None = None,
    now: float = NOW,
    progress: Callable[[int, int], None] = lambda done, planned: None,
) -> DeliveryResult:
    """One delivery of what is wanted, from what was kept."""
    kept = kept or Kept()
    ledger = kept.read()
    translate = wanted if callable(wanted) else lambda absent: wanted

    async def run() -> DeliveryResult:
        async with open_session(
            profile or vendor(), to or target(server), kept, KEY, ledger, retry_policy, deadline
        ) as session:
            return await session.carry_out(
                plan_for(translate, ledger, now),
                lambda absent: make_plan(translate(absent), ledger, now, absent=absent),
                progress,
                lambda: now,
            )

    return asyncio.run(run())


def in_session(
    server: EgilServer,
    work: Callable[[ScimSession], Coroutine[Any, Any, T]],
    kept: Kept | None = None,
    retry_policy: RetryPolicy = QUICK,
    deadline: float | None = None,
) -> T:
    """What `work` gives in a session with the server."""
    kept = kept or Kept()

    async def run() -> T:
        async with open_session(
            vendor(), target(server), kept, KEY, kept.read(), retry_policy, deadline
        ) as session:
            return await work(session)

    return asyncio.run(run())


def with_transport(
    server: EgilServer,
    work: Callable[[Transport], Coroutine[Any, Any, T]],
    to: Target | None = None,
    retry_policy: RetryPolicy = QUICK,
) -> T:
    """What `work` gives with a transport to the server."""

    async def run() -> T:
        throttle = Throttle(100_000, retry_policy)
        async with Transport(to or target(server), 4, throttle, retry_policy) as transport:
            return await work(transport)

    return asyncio.run(run())


def entries(kept: Kept, resource_type: ResourceType = "User") -> dict[str, str]:
    """What is kept as acknowledged: the vendor's ids by externalId."""
    found = kept.ledger.entries[resource_type].items()
    return {external_id: entry.vendor_id for external_id, entry in found if entry.content}


def intents(kept: Kept, resource_type: ResourceType = "User") -> set[str]:
    """What the vendor must be asked about."""
    found = kept.ledger.entries[resource_type].items()
    return {external_id for external_id, entry in found if entry.is_pending}


def held(server: EgilServer, resource_type: str = "User") -> dict[str, str]:
    """What the server holds: its ids by externalId; each externalId once."""
    found = [(body["externalId"], key) for key, body in server.held(resource_type).items()]
    assert len(dict(found)) == len(found), f"duplicates: {sorted(found)}"
    return dict(found)


def sent(server: EgilServer) -> list[tuple[str, str, int | None]]:
    """The requests as (method, path, status)."""
    return [(r.method, r.path, r.status) for r in server.requests]
