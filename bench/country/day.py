"""A day of the country, second by second: runs, vendors' queues, and pending changes."""

import heapq
import math
import random
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from addon.directory.push_state import JOINED_FOR
from addon.store.firestore.client import PART
from addon.sync.small_delivery import MOST_OPERATIONS, SmallAllowance
from addon.tasks.handlers import SECONDS
from addon.tasks.queues import OF_RUNS
from addon.tasks.schedule import RunWindow
from addon.vendors.profiles import Vendor
from bench.country.model import (
    Assumptions,
    Cost,
    Tenant,
    cost_of_delivery,
    cost_of_queueing,
    cost_of_run,
    cost_of_small_delivery,
    queries,
    shards_of,
)

DAY = 86_400
RUNS_AT_ONCE = OF_RUNS.concurrency
INSTANCES = 10
"""As in app.yaml."""

HOURS = [1] * 2 + [10, 10] + [1] * 3 + [6, 7, 7, 7, 7, 6, 7, 7, 6, 5] + [1] * 7
"""How changes in Workspace are spread over the day: school hours, and imports at night."""


class Changes(Struct, frozen=True):
    """What happens to people in a day, as fractions of all people, by the planner's kinds."""

    name: str
    parts: dict[str, float]


class Measured(Struct, frozen=True):
    """CPU seconds on this machine, and the operations that the planner makes of one change."""

    reading_cpu_a_query: float
    work_cpu_a_person: float
    compare_cpu_a_person: float
    sending_cpu_an_operation: float
    unpack_cpu_a_person: float
    operations: dict[str, dict[str, float]]


class Turn(Struct, frozen=True):
    """A tenant's turn in a vendor's queue: when it begins, and when the directory was read.

    A run `by_changes` delivers a small plan itself when nothing of the tenant waits.
    """

    at: float
    read: float
    tenant: str
    by_changes: bool = False


class Sent(Struct, frozen=True):
    """One delivery: it plans for `before` seconds, and then sends for `seconds`.

    One `by_run` is not in the vendor's queue.
    """

    vendor: str
    tenant: str
    start: float
    before: float
    seconds: float
    operations: float
    by_run: bool = False


class Underway(Struct):
    """Changes that a vendor does not have yet, in the order in which readings have seen them.

    Each is when it was seen, when it was made, and how many people it is.
    """

    made: deque[tuple[float, float, int]] = field(default_factory=deque)
    operations: float = 0.0


class Report(Struct):
    """The results of a day."""

    tasks: int = 0
    runs: int = 0
    deliveries: int = 0
    operations: float = 0.0
    queries: int = 0
    cost: Cost = field(default_factory=Cost)
    cpu: float = 0.0
    at_once: list[int] = field(default_factory=list)
    minutes: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    minutes_of_one: int = 0
    late: list[tuple[float, int]] = field(default_factory=list)
    busy: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    busy_hours: dict[tuple[str, int], float] = field(default_factory=lambda: defaultdict(float))
    tasks_hours: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    longest_wait: float = 0.0
    by_runs: dict[tuple[str, int], float] = field(default_factory=lambda: defaultdict(float))
    left: float = 0.0


class Day:
    """One day of all tenants. `vendors` are the profiles that set the request rates.

    `joins` is whether a run leaves its delivery to one of the tenant that waits.
    """

    joins = False

    def __init__(
        self,
        tenants: Sequence[Tenant],
        vendors: Mapping[str, Vendor],
        assumed: Assumptions,
        measured: Measured,
        changes: Changes,
    ) -> None:
        self._tenants = {tenant.id: tenant for tenant in tenants}
        self._vendors = vendors
        self._assumed = assumed
        self._measured = measured
        self._changes = changes
        self._random = random.Random(1)
        self._people_of_kind = sum(changes.parts.values())
        self._waiting: dict[tuple[str, str], Underway] = defaultdict(Underway)
        self.report = Report()
        self._spans: list[tuple[float, float]] = []

    def run(self) -> Report:
        """Simulate from midnight to midnight, and finish what has begun by then."""
        queues: dict[str, deque[Turn]] = defaultdict(deque)
        ready = self._runs()
        self.report.cost.reads += 24 * len(self._tenants)  # cron lists the tenants
        for turn in ready:
            for vendor in self._tenants[turn.tenant].vendors:
                queues[vendor].append(turn)
        for vendor, queue in queues.items():
            self._serve(vendor, queue)
        self.report.left = sum(w.operations for w in self._waiting.values())
        self.report.at_once = _most_at_once(self._spans)
        return self.report

    # Reading

    def _runs(self) -> list[Turn]:
        """When each run has read and planned; runs wait when too many are active."""
        window = RunWindow(0, 3600.0)
        first = {tenant: window.due_at(tenant) for tenant in self._tenants}
        turns = sorted((at + 3600.0 * n, t) for t, at in first.items() for n in range(24))
        free = [0.0] * RUNS_AT_ONCE
        ready, last = [], dict.fromkeys(self._tenants, 0.0)
        for turn, tenant in turns:
            start = max(turn, heapq.heappop(free))
            end = start + self._read(tenant, start)
            heapq.heappush(free, end)
            self._spans.append((start, end))
            self._plan(tenant, self._happen(tenant, last[tenant], start))
            last[tenant] = start
            ready.append(Turn(end, start, tenant))
        return sorted(ready, key=lambda turn: turn.at)

    def _read(self, tenant: str, start: float) -> float:
        """The seconds that a reading takes; its queries are counted by the minute."""
        assumed, people = self._assumed, self._tenants[tenant].people
        left = queries(assumed, people)
        a_second = assumed.threads_reading / assumed.seconds_a_query
        quota = assumed.quota_a_minute * 0.9
        self.report.queries += left
        at = 0.0
        while left > 0:
            burst = min(left, quota)
            seconds = burst / a_second
            self._count(start + at, burst, seconds)
            left -= burst
            at += max(seconds, 60.0) if left > 0 else seconds
        cpu = self._measured.work_cpu_a_person * people / assumed.instance_speed
        return at + cpu

    def _count(self, start: float, count: float, seconds: float) -> None:
        self.report.minutes_of_one = max(self.report.minutes_of_one, math.ceil(count))
        minutes = max(1, math.ceil(seconds / 60))
        for n in range(minutes):
            self.report.minutes[int(start // 60) + n] += round(count / minutes)

    def _happen(self, tenant: str, since: float, until: float) -> float:
        """Add what changed in Workspace between two readings for each of the tenant's vendors, and
        return the number of operations for one of them."""
        found = self._tenants[tenant]
        part = sum(HOURS[min(23, int(t // 3600))] for t in (since, until)) / 2 / sum(HOURS)
        expected = found.people * self._people_of_kind * part * (until - since) / 3600
        count = poisson(self._random, expected)
        if not count:
            return 0.0
        made = sorted((self._random.uniform(since, until), n) for n in _split(count, 20))
        return self._underway(tenant, made, until)

    def _underway(self, tenant: str, made: Sequence[tuple[float, int]], seen: float) -> float:
        """Have each vendor wait for changes that a reading has seen; return one's operations."""
        operations = self._operations(sum(n for _, n in made))
        for vendor in self._tenants[tenant].vendors:
            waiting = self._waiting[tenant, vendor]
            waiting.made.extend((seen, at, n) for at, n in made)
            waiting.operations += operations
        return operations

    def _operations(self, people: int) -> float:
        kinds = self._measured.operations
        each = sum(part * kinds[k]["operations"] for k, part in self._changes.parts.items())
        return people * each / self._people_of_kind

    def _plan(self, tenant: str, operations: float) -> None:
        """Add the costs of the task that starts a run."""
        found, report = self._tenants[tenant], self.report
        differing = [shards_of(operations)] * len(found.vendors)
        report.runs += 1
        report.tasks += 1
        report.cost.add(cost_of_run(differing, self._parts(found)))
        report.cpu += queries(self._assumed, found.people) * self._measured.reading_cpu_a_query
        report.cpu += found.people * self._measured.work_cpu_a_person
        report.cpu += len(found.vendors) * found.people * self._measured.compare_cpu_a_person

    def _parts(self, tenant: Tenant) -> int:
        return math.ceil(tenant.people * self._assumed.snapshot_bytes_a_person / PART)

    # Delivering

    def _serve(self, vendor: str, queue: deque[Turn]) -> None:
        """Make one delivery at a time; what does not fit in one goes to the end of the queue.

        `queue` has a tenant's turn for each of its runs; turns with nothing to send are skipped.
        A delivery is of the tenant's newest reading when it begins, and runs by changes that have
        planned by then have no task of their own.
        """
        assumed, profile = self._assumed, self._vendors[vendor]
        rate = min(profile.requests_per_second, profile.concurrency / assumed.seconds_a_request)
        coming: dict[str, deque[Turn]] = defaultdict(deque)
        for turn in queue:
            coming[turn.tenant].append(turn)
        free, again, joined = 0.0, deque[Turn](), set[tuple[str, float]]()
        delivering: dict[str, float] = {}
        allowance = SmallAllowance()
        while queue or again:
            take_again = again and (not queue or again[0].at <= queue[0].at)
            turn = (again if take_again else queue).popleft()
            if not take_again and (turn.tenant, turn.at) in joined:
                continue
            start, read = max(turn.at, free), turn.read
            while coming[turn.tenant] and coming[turn.tenant][0].at <= start:
                later = coming[turn.tenant].popleft()
                read = max(read, later.read)
                if self.joins and turn.at < later.at < turn.at + JOINED_FOR:
                    joined.add((later.tenant, later.at))
            waiting = self._waiting[turn.tenant, vendor]
            made: list[tuple[float, float, int]] = []
            while waiting.made and waiting.made[0][0] <= read:
                made.append(waiting.made.popleft())
            if not made:
                if self.joins:  # another has sent what this task was for
                    free = start + assumed.task_overhead_seconds
                    self.report.tasks += 1
                    self.report.busy[vendor] += assumed.task_overhead_seconds
                continue
            operations = max(1.0, self._operations(sum(n for _, _, n in made)))
            if turn.by_changes and operations <= MOST_OPERATIONS and read == turn.read:
                idle = delivering.get(turn.tenant, 0.0) <= turn.at
                most = profile.requests_per_second
                if idle and allowance.take(vendor, operations / INSTANCES, most, turn.at):
                    self._at_once(vendor, turn, operations, rate, made)
                    continue
            before = assumed.task_overhead_seconds + self._thinking(turn.tenant)
            seconds = min(SECONDS, operations / rate)
            free = delivering[turn.tenant] = start + before + seconds
            done = min(1.0, seconds * rate / operations)
            sent = Sent(vendor, turn.tenant, start, before, seconds, operations * done)
            self._deliver(sent, done == 1.0)
            self._arrive(waiting, made, sent, done)
            waiting.operations = max(0.0, waiting.operations - operations * done)
            self.report.longest_wait = max(self.report.longest_wait, start - turn.at)
            if done < 1.0:
                again.append(Turn(free, turn.read, turn.tenant))

    def _at_once(
        self,
        vendor: str,
        turn: Turn,
        operations: float,
        rate: float,
        made: Sequence[tuple[float, float, int]],
    ) -> None:
        """Deliver a small plan in the run that has made it."""
        people = self._tenants[turn.tenant].people
        before = people * self._measured.compare_cpu_a_person / self._assumed.instance_speed
        sent = Sent(vendor, turn.tenant, turn.at, before, operations / rate, operations, True)
        self._deliver(sent, False)
        waiting = self._waiting[turn.tenant, vendor]
        self._arrive(waiting, made, sent, 1.0)
        waiting.operations = max(0.0, waiting.operations - operations)

    def _thinking(self, tenant: str) -> float:
        """The seconds that a delivery selects and plans before it sends."""
        each = self._measured.work_cpu_a_person + self._measured.compare_cpu_a_person
        return self._tenants[tenant].people * each / self._assumed.instance_speed

    def _deliver(self, sent: Sent, last: bool) -> None:
        report, found = self.report, self._tenants[sent.tenant]
        lasted = sent.before + sent.seconds
        report.deliveries += 1
        report.operations += sent.operations
        report.cpu += sent.operations * self._measured.sending_cpu_an_operation
        self._spans.append((sent.start, sent.start + lasted))
        if sent.by_run:
            report.by_runs[sent.vendor, int(sent.start // 3600)] += sent.operations
            report.cost.add(cost_of_small_delivery(sent.operations))
            report.cpu += sent.before * self._assumed.instance_speed
            return
        report.tasks += 1
        report.busy[sent.vendor] += lasted
        hour = int(sent.start // 3600)
        report.busy_hours[sent.vendor, hour] += lasted
        report.tasks_hours[sent.vendor, hour] += 1
        last = last and sent.vendor == found.vendors[-1]
        report.cost.add(
            cost_of_delivery(sent.operations, sent.seconds, 3, self._parts(found), last)
        )
        if self.joins:
            report.cost.add(cost_of_queueing(self._parts(found)))
        report.cpu += self._thinking(sent.tenant) * self._assumed.instance_speed

    def _arrive(
        self,
        waiting: Underway,
        made: Sequence[tuple[float, float, int]],
        now: Sent,
        done: float,
    ) -> None:
        """Record the changes that were sent, the first seen first; the others go on waiting."""
        whole = sum(n for _, _, n in made)
        sent = 0.0
        for number, (_, at, n) in enumerate(made):
            if sent + n > whole * done * 1.0001:
                waiting.made.extendleft(reversed(made[number:]))
                break
            sent += n
            there = now.start + now.before + now.seconds * sent / (whole * done)
            self.report.late.append((there - at, n))


def percentile(late: Sequence[tuple[float, int]], part: float) -> float:
    """The seconds within which a fraction of the changes reached the vendor."""
    whole, so_far = sum(n for _, n in late), 0
    for seconds, n in sorted(late):
        so_far += n
        if so_far >= part * whole:
            return seconds
    return 0.0


def _most_at_once(spans: Sequence[tuple[float, float]]) -> list[int]:
    """The maximum number of concurrent requests in each hour."""
    steps = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    most, now = [0] * 48, 0
    for at, step in steps:
        now += step
        hour = min(47, int(at // 3600))
        most[hour] = max(most[hour], now)
    return most


def poisson(source: random.Random, expected: float) -> int:
    """A number of events of which so many are expected."""
    if expected > 50:
        return max(0, round(source.gauss(expected, math.sqrt(expected))))
    least, count, product = math.exp(-expected), 0, source.random()
    while product > least:
        count, product = count + 1, product * source.random()
    return count


def _split(count: int, most: int) -> list[int]:
    """Split a number into at most `most` parts."""
    parts = min(count, most)
    return [count // parts + (n < count % parts) for n in range(parts)]
