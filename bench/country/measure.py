"""Measurements for the simulation of the country, made by running the real code.

`python -m bench.country.measure work SIZE` is one run's work without the reading, for 11,000
people at size 1, in a separate process; `reading ADDRESS DOCUMENT` is the reading of a sandbox
domain; `sending URL KEY` is the delivery to a server in another process.
"""

import asyncio
import sys
import time
import zlib
from pathlib import Path

import msgspec
from msgspec.structs import replace

from addon.delivery.throttle import RetryPolicy
from addon.directory.google.credentials import anonymous
from addon.directory.google.reader import DirectorySource, read
from addon.directory.snapshot import Snapshot
from addon.planning.ledger import Ledger, LedgerChange, LedgerEntry, LedgerKey, digest_of, shard_of
from addon.planning.plan import Plan, digests, plan_for
from addon.sync.session import open_session
from addon.tenants.document import load_tenant
from addon.vendors.profiles import Target
from bench.measure import report
from bench.workload import VENDOR, mapper, snapshot, tenant


def ledger_of(directory: Snapshot, size: int = 1) -> Ledger:
    """The ledger after everything was delivered."""
    ledger = Ledger()
    plan = plan_for(mapper(tenant(size), directory).resources, ledger, 0.0)
    ledger.apply(
        LedgerChange(op.resource_type, op.external_id, LedgerEntry(op.external_id, op.content))
        for op in plan.operations()
    )
    return ledger


def work(size: str) -> None:
    """Select, translate and compare digests: a run with nothing changed, one connection."""
    document, directory = tenant(int(size)), snapshot(int(size))
    start = time.process_time()
    packed = zlib.compress(msgspec.msgpack.encode(directory), 6)
    packed_at = time.process_time()
    msgspec.msgpack.decode(zlib.decompress(packed), type=Snapshot)
    unpacked_at = time.process_time()
    carried = mapper(document, directory)
    selected_at = time.process_time()
    found = digests(carried.resources())
    compared_at = time.process_time()
    report(
        {
            "people": len(directory.users),
            "select_cpu": selected_at - unpacked_at,
            "unpack_cpu": unpacked_at - packed_at,
            "compare_cpu": compared_at - selected_at,
            "pack_cpu": packed_at - start,
            "snapshot_bytes": len(packed),
            "shards": len(found),
        }
    )


def reading(endpoint: str, document: str) -> None:
    described = load_tenant(Path(document).read_bytes())
    start = time.process_time()
    found = read(described, DirectorySource(credentials=anonymous(), endpoint=endpoint))
    report(
        {
            "people": len(found.users),
            "groups": len(found.groups),
            "queries": found.queries,
            "cpu": time.process_time() - start,
        }
    )


class _Nowhere:
    """A ledger store that records nothing."""

    def record(self, key: LedgerKey, changes: object, holder: str = "") -> None:
        return


def sending(url: str, key: str) -> None:
    plan = plan_for(mapper(tenant(1), snapshot(1)).resources, Ledger(), 0.0)
    few = {kind: writes[:3000] for kind, writes in plan.writes.items()}
    part: Plan = replace(plan, writes=few)

    async def deliver() -> None:
        target, ours = Target(url, {"X-API-Key": key}), LedgerKey("C", "bench", "live")
        async with open_session(
            VENDOR, target, _Nowhere(), ours, Ledger(), RetryPolicy()
        ) as session:
            await session.carry_out(part, lambda absent: part)

    start = time.process_time()
    asyncio.run(deliver())
    sent = sum(1 for _ in part.operations())
    report({"operations": sent, "cpu": time.process_time() - start})


def operations_a_change() -> dict[str, dict[str, float]]:
    """What the real planner makes of one person's change, by kind: operations, types, shards."""
    before = snapshot(1)
    ledger = ledger_of(before)
    found = {}
    for kind, after in (
        ("renamed", _renamed(before)),
        ("another class", _moved(before)),
        ("joined", _joined(before)),
        ("left", _left(before)),
    ):
        plan = plan_for(mapper(tenant(1), after).resources, ledger, 0.0)
        operations = list(plan.operations())
        found[kind] = {
            "operations": len(operations),
            "types": len({op.resource_type for op in operations}),
            "shards": len({shard_of(op.external_id) for op in operations}),
        }
    return found


def digests_agree() -> bool:
    """Whether the ledger's digests equal those of the desired resources if nothing has changed."""
    directory = snapshot(1)
    shards: dict[int, list[tuple[str, bytes]]] = {}
    for entries in ledger_of(directory).entries.values():
        for external_id, entry in entries.items():
            shards.setdefault(shard_of(external_id), []).append((external_id, entry.content))
    wanted = digests(mapper(tenant(1), directory).resources())
    return wanted == {n: digest_of(found) for n, found in shards.items()}


def _renamed(directory: Snapshot) -> Snapshot:
    first, *others = directory.users
    return replace(directory, users=(replace(first, family_name="Ek"), *others))


def _moved(directory: Snapshot) -> Snapshot:
    student = directory.users[0].id
    first, second, *others = directory.groups
    return replace(
        directory,
        groups=(
            replace(first, members=first.members - {student}),
            replace(second, members=second.members | {student}),
            *others,
        ),
    )


def _joined(directory: Snapshot) -> Snapshot:
    student = replace(directory.users[0], id="new", primary_email="new@edu.bank.se")
    first, *others = directory.groups
    groups = (replace(first, members=first.members | {"new"}), *others)
    return replace(directory, users=(*directory.users, student), groups=groups)


def _left(directory: Snapshot) -> Snapshot:
    return replace(directory, users=directory.users[1:])


if __name__ == "__main__":
    {"work": work, "reading": reading, "sending": sending}[sys.argv[1]](*sys.argv[2:])
