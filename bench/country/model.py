"""The country that is simulated: the assumptions, and what a run costs in Firestore.

Every number here is an assumption or a parameter and is listed as such in docs/country.md;
measurements are in bench/country/measure.py, and tests/store/test_firestore_costs.py compares the
costs of runs with what is counted on the emulator.
"""

import math
from statistics import NormalDist

from msgspec import Struct

from addon.delivery.executor import INTENT_BATCH
from addon.delivery.lease import PROLONGED_AFTER
from addon.delivery.ledger_writer import INTERVAL
from addon.planning.ledger import SHARDS
from addon.store.firestore.store import FirestoreStore


class Assumptions(Struct, frozen=True):
    """Assumptions about schools. `uptake` is the fraction of tenants that use each vendor."""

    municipalities: int = 290
    municipal_people: int = 1_270_000
    largest_municipality: int = 90_000
    municipal_spread: float = 1.2
    independents: int = 810
    independent_people: int = 330_000
    largest_independent: int = 12_000
    independent_spread: float = 1.2
    uptake: tuple[tuple[str, float], ...] = (
        ("binogi", 0.35),
        ("ilt", 0.25),
        ("gleerups", 0.6),
        ("ne", 0.7),
        ("sliplay", 0.5),
        ("nok", 0.45),
    )
    snapshot_bytes_a_person: int = 60
    people_a_unit: int = 350
    people_a_group: int = 12
    users_a_page: int = 500
    seconds_a_query: float = 0.2
    seconds_a_request: float = 0.15
    task_overhead_seconds: float = 1.0
    threads_reading: int = 12
    quota_a_minute: int = 2400
    instance_speed: float = 0.5
    idle_notices_a_person: float = 0.02
    classes_by_group: float = 0.5


class Prices(Struct, frozen=True):
    """Parameters, to be checked against Google's price list before they are used. US dollars."""

    noted: str = "2025-01, from memory of the list for one European region, free quotas left out"
    reads_100k: float = 0.03
    writes_100k: float = 0.09
    deletes_100k: float = 0.01
    instance_hour: float = 0.345


class Tenant(Struct, frozen=True):
    """One tenant: its people and the vendors it uses."""

    id: str
    people: int
    vendors: tuple[str, ...]


def tenants(assumed: Assumptions, times: int = 1) -> list[Tenant]:
    """The tenants, the same on each call; `times` multiplies how many there are of each size."""
    sizes = _sizes(
        assumed.municipalities,
        assumed.municipal_people,
        assumed.largest_municipality,
        assumed.municipal_spread,
    ) + _sizes(
        assumed.independents,
        assumed.independent_people,
        assumed.largest_independent,
        assumed.independent_spread,
    )
    return [
        Tenant(f"C{copy:02}{n:05}", size, _vendors(assumed, copy * len(sizes) + n))
        for copy in range(times)
        for n, size in enumerate(sizes)
    ]


def _sizes(count: int, total: int, largest: int, spread: float) -> list[int]:
    """Log-normal quantiles with a given sum and a given largest value."""
    normal = NormalDist()
    shape = [math.exp(spread * normal.inv_cdf((n + 0.5) / count)) for n in range(count - 1)]
    rest = total - largest
    most = largest * 0.9
    scale = rest / sum(shape)
    for _ in range(50):  # what the cap cuts off is spread over the others
        scale *= rest / sum(min(most, scale * one) for one in shape)
    return [largest, *(max(20, round(min(most, scale * one))) for one in reversed(shape))]


def _vendors(assumed: Assumptions, n: int) -> tuple[str, ...]:
    """The vendors of the n-th tenant, spread evenly over tenant sizes."""
    steps = (0.618034, 0.414214, 0.732051, 0.236068, 0.645751, 0.316625)
    found = [
        vendor
        for (vendor, part), step in zip(assumed.uptake, steps, strict=True)
        if (n * step) % 1 < part
    ]
    return tuple(found)


def queries(assumed: Assumptions, people: int) -> int:
    """Directory queries of a reading: pages of each unit's OU, groups, and a few lists."""
    units = math.ceil(people / assumed.people_a_unit)
    groups = math.ceil(people / assumed.people_a_group)
    pages = units + people // assumed.users_a_page
    return 4 + groups // 200 + pages + groups


# What runs cost in Firestore


class Cost(Struct):
    """Documents read, written and deleted."""

    reads: float = 0
    writes: float = 0
    deletes: float = 0

    def add(self, other: "Cost") -> None:
        self.reads += other.reads
        self.writes += other.writes
        self.deletes += other.deletes


def shards_of(operations: float) -> float:
    """The average number of shards that contain so many resources."""
    return SHARDS * (1 - (1 - 1 / SHARDS) ** operations)


def pages_of(operations: float, seconds: float, types: int) -> float:
    """Journal pages of a delivery: for announced resources, and for acknowledged ones."""
    announced = types + math.floor(operations / INTENT_BATCH)
    return announced + min(batches_of(seconds), operations) + 1


def batches_of(seconds: float) -> int:
    """How many times a delivery of this length writes down what was acknowledged."""
    age, batches = 0.0, 0
    while (age := age + max(INTERVAL, FirestoreStore.batch_growth * age)) < seconds:
        batches += 1
    return batches


def cost_of_run(differing: list[float], snapshot_parts: int) -> Cost:
    """The task that starts a run: `differing` are the shards to be read, for each connection."""
    waiting = any(differing)
    return Cost(
        reads=2 + len(differing) + sum(differing),
        writes=2 + (1 + snapshot_parts if waiting else 0),
    )


def cost_of_delivery(
    operations: float, seconds: float, types: int, snapshot_parts: int, last: bool
) -> Cost:
    """A task that delivers, in another process than the one that planned."""
    shards, pages = shards_of(operations), pages_of(operations, seconds, types)
    return Cost(
        reads=8 + snapshot_parts + shards + seconds // PROLONGED_AFTER,
        writes=6 + pages + shards + seconds // PROLONGED_AFTER,
        deletes=pages + (1 + snapshot_parts if last else 0),
    )


def cost_of_notice(count: int) -> Cost:
    """Notices of accounts that are not marked yet; one of what is marked costs a read."""
    return Cost(reads=2 * count, writes=count)


def cost_of_places(count: int) -> Cost:
    """Looks at a tenant's groups and OUs that find nothing."""
    return Cost(reads=4 * count)


def cost_of_changes(differing: list[float]) -> Cost:
    """The task that reads changes; without `differing` nothing of ours has changed."""
    if not differing:
        return Cost(reads=6, writes=2)
    return Cost(reads=8 + len(differing) + sum(differing), writes=6)


def cost_of_small_delivery(operations: float) -> Cost:
    """What a run by changes adds that delivers to a vendor itself."""
    shards, pages = shards_of(operations), pages_of(operations, 0, 2)
    return Cost(reads=1, writes=3 + pages + shards, deletes=pages)


def cost_of_queueing(snapshot_parts: int) -> Cost:
    """A delivery of a run by changes that waits for a vendor, beside itself: kept, and begun."""
    return Cost(reads=1, writes=3 + snapshot_parts)
