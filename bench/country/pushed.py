"""A day of the country when Google notifies: a run follows changes, and whole readings are rare."""

import heapq
import math

from addon.directory.push_state import AT_MOST_EVERY, MOST_USERS, SOON_AGAIN
from addon.tasks.changes import DELAY, PLACES_EVERY, TOGETHER
from bench.country.day import DAY, HOURS, RUNS_AT_ONCE, Day, Turn, poisson
from bench.country.model import (
    Assumptions,
    Tenant,
    cost_of_changes,
    cost_of_notice,
    cost_of_places,
    shards_of,
)

WHOLE_EACH = 6 * 3600.0
"""Seconds between two whole readings of a tenant of whose changes Google notifies."""
CHANNELS = 4
RENEWED_A_DAY = 1
"""Channels live two days, and are renewed when half of that has passed."""
LOOKS = math.floor(DAY / PLACES_EVERY)
QUERIES_OF_PROTECTED = 5
"""The OUs, the domains, and who is protected."""

Change = tuple[float, float, float]
"""When something is heard of, when it happened, and whether (1) it is of ours."""


class PushedDay(Day):
    """A day with notices; groups are looked at each ten minutes."""

    joins = True

    def _runs(self) -> list[Turn]:
        ready: list[Turn] = []
        coming = {tenant: self._heard(tenant) for tenant in self._tenants}
        began = dict.fromkeys(self._tenants, -AT_MOST_EVERY)
        due = {tenant: self._random.uniform(0, WHOLE_EACH) for tenant in self._tenants}
        heap = [(self._next(coming[t], due[t], began[t]), t) for t in self._tenants]
        heapq.heapify(heap)
        free = [0.0] * RUNS_AT_ONCE
        self._watch()
        while heap:
            at, tenant = heapq.heappop(heap)
            if at >= DAY:
                continue
            start = max(at, heapq.heappop(free))
            heard: list[Change] = []
            while coming[tenant] and coming[tenant][-1][0] <= start:
                heard.append(coming[tenant].pop())
            whole = due[tenant] <= start or len(heard) > MOST_USERS
            end = start + self._carry_out(tenant, start, heard, whole)
            heapq.heappush(free, end)
            self._spans.append((start, end))
            began[tenant] = start
            if due[tenant] <= start:
                due[tenant] += WHOLE_EACH
            if any(ours for _, _, ours in heard):
                ready.append(Turn(end, start, tenant, not whole))
            heapq.heappush(heap, (self._next(coming[tenant], due[tenant], start), tenant))
        return sorted(ready, key=lambda turn: turn.at)

    def _heard(self, tenant: str) -> list[Change]:
        """Everything that happens in a day, the first that is heard of last."""
        assumed, people = self._assumed, self._tenants[tenant].people
        offset, source = self._random.uniform(0, PLACES_EVERY), self._random
        found: list[Change] = []
        for hour, weight in enumerate(HOURS):
            part = people * weight / sum(HOURS)
            ours = poisson(source, part * self._people_of_kind)
            idle = poisson(source, part * assumed.idle_notices_a_person)
            by_group = self._changes.parts.get("another class", 0.0) / self._people_of_kind
            by_group *= assumed.classes_by_group
            for n in range(ours + idle):
                at = 3600.0 * hour + source.uniform(0, 3600.0)
                heard = at
                if n < ours and source.random() < by_group:
                    heard = math.ceil((at - offset) / PLACES_EVERY) * PLACES_EVERY + offset
                pause = TOGETHER - heard % TOGETHER + DELAY
                found.append((heard + pause, at, float(n < ours)))
        self.report.cost.add(cost_of_notice(len(found)))
        return sorted(found, reverse=True)

    def _next(self, coming: list[Change], due: float, began: float) -> float:
        heard = coming[-1][0] if coming else math.inf
        return max(min(heard, due), began + AT_MOST_EVERY)

    def _watch(self) -> None:
        """Count the channels, and the looks at groups and OUs."""
        for tenant in self._tenants.values():
            looks = looks_a_day(tenant, self._assumed)
            self.report.queries += looks + 2 * CHANNELS * RENEWED_A_DAY
            self.report.tasks += LOOKS + CHANNELS * RENEWED_A_DAY
            self.report.cost.add(cost_of_places(LOOKS))
            self.report.cpu += looks * self._measured.reading_cpu_a_query

    def _carry_out(self, tenant: str, start: float, heard: list[Change], whole: bool) -> float:
        """Read and plan; return the seconds that it takes."""
        found = self._tenants[tenant]
        made = [(at, 1) for _, at, ours in heard if ours]
        if whole:
            seconds = self._read(tenant, start)
            self._plan(tenant, self._underway(tenant, sorted(made), start) if made else 0.0)
            return seconds
        # What notices have named is asked about again three minutes later.
        asked = len(heard) + (QUERIES_OF_PROTECTED if made else 0)
        self.report.queries += asked + len(heard)
        self._count(start, asked, 60.0)
        self._count(start + SOON_AGAIN, len(heard), 60.0)
        a_second = self._assumed.threads_reading / self._assumed.seconds_a_query
        cpu = found.people * self._measured.unpack_cpu_a_person
        report = self.report
        report.tasks += 2
        report.cpu += cpu  # the second look, which finds nothing
        report.cost.add(cost_of_changes([]))
        if not made:
            report.cost.add(cost_of_changes([]))
        else:
            operations = self._underway(tenant, sorted(made), start)
            differing = [shards_of(operations)] * len(found.vendors)
            report.runs += 1
            report.cost.add(cost_of_changes(differing))
            work = self._measured.work_cpu_a_person
            cpu += found.people * (work + len(found.vendors) * self._measured.compare_cpu_a_person)
        report.cpu += cpu + asked * self._measured.reading_cpu_a_query
        return asked / a_second + self._assumed.seconds_a_query + cpu / self._assumed.instance_speed


def looks_a_day(tenant: Tenant, assumed: Assumptions) -> int:
    """Return the queries of a day's looks at a tenant's OUs and groups."""
    groups = math.ceil(tenant.people / assumed.people_a_group)
    return LOOKS * (1 + math.ceil(groups / 200))
