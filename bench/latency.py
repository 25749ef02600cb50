"""From a change in the directory to the vendor's answer, when Google notifies. Argument: pupils.

The whole way is the real one: the sandbox's notices, /push/google, marks, named tasks, a run by
changes, delivery to a sandbox vendor. Pauses are skipped, and work counts as the processor time of
this process, which has the application, the directory and the vendor. The vendor is idle and its
profile's pace does not limit; at a real one a mass change takes as long as its pace says.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from addon.directory.push_state import AT_MOST_EVERY, MOST_USERS, SOON_AGAIN
from addon.sandbox.documents import tenant_document
from addon.sandbox.domain import Domain
from addon.sandbox.municipality import generate
from addon.tasks.base import Task
from bench.measure import report
from tests.support.clock import Clock
from tests.support.push_world import PushWorld, push_world
from tests.support.small_school import TENANT

STEP = 0.25
"""Seconds of a pause that are skipped at once."""
HOUR = 3600.0
BETWEEN = SOON_AGAIN + 2 * AT_MOST_EVERY
"""Seconds after which a change has been read once more, and the next run may begin at once."""
LATE = 30.0
MOST_PEOPLE = 40
"""How many single changes are measured, fewer at large tenants."""


class WorkClock(Clock):
    """A clock that is moved over pauses, and that this process's work moves."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.process_time()

    def __call__(self) -> float:
        return super().__call__() + time.process_time() - self._began


class Measured:
    """A tenant whose changes are timed."""

    def __init__(self, world: PushWorld, domain: Domain) -> None:
        self.world, self.domain = world, domain
        self.vendor = world.vendors["all", "live"]
        pupils = [u for u in domain.users_in("/Elever") if not (u["suspended"] or u["archived"])]
        sent = {user["userName"] for user in self.vendor.held("User").values()}
        self.pupils = [u for u in pupils if u["primaryEmail"] in sent]
        random.Random(1).shuffle(self.pupils)
        self._number = 0

    def name(self) -> str:
        """Return a family name that nobody has had."""
        self._number += 1
        return f"Bänk{self._number}"

    def rename(self, people: int) -> Callable[[], bool]:
        """Give people another family name; return what says whether the vendor has them all."""
        name = self.name()
        for user in [self.pupils.pop() for _ in range(people)]:
            self.domain.rename_user(user["id"], family_name=name)
        return lambda: self.at_vendor(name) >= people

    def at_vendor(self, name: str) -> int:
        """How many have this family name at the vendor, by what it was sent since `forget`."""
        bodies = [each.body for each in self.vendor.writes if each.body]
        return sum(1 for body in bodies if body.get("name", {}).get("familyName") == name)

    def seconds_until(self, done: Callable[[], bool], within: float) -> float:
        """Let time pass until the vendor has answered, and return how long that took."""
        world, began = self.world, self.world.clock()
        while not done():
            assert world.clock() < began + within, "the change has not come to the vendor"
            world.advance(STEP, STEP)
        return world.clock() - began

    def together(self, people: int) -> float:
        """Change people at once when nothing else happens, and return the seconds."""
        self.rest()
        return self.seconds_until(self.rename(people), 2 * HOUR)

    def rest(self) -> None:
        """Let time pass until nothing is left to be read, and forget what was asked."""
        self.world.advance(BETWEEN, BETWEEN / 20)
        self.world.forget()

    def come_and_go(self, changes: int, apart: float) -> list[float]:
        """Change one person after another, at random times, and return the seconds of each."""
        self.rest()
        chance, found, waiting = random.Random(2), [], []
        for _ in range(changes):
            waiting.append((self.world.clock(), self.rename(1)))
            end = self.world.clock() + chance.expovariate(1 / apart)
            while self.world.clock() < end:
                self.world.advance(STEP, STEP)
                waiting = self._without_answered(waiting, found)
        while waiting:
            self.world.advance(STEP, STEP)
            waiting = self._without_answered(waiting, found)
        return found

    def _without_answered(
        self, waiting: list[tuple[float, Callable[[], bool]]], found: list[float]
    ) -> list[tuple[float, Callable[[], bool]]]:
        left = []
        for began, done in waiting:
            if done():
                found.append(self.world.clock() - began)
            else:
                left.append((began, done))
        return left

    def lost(self) -> float:
        """Lose the notices of a change, and return the seconds until the schedule finds it."""
        self.rest()
        self.world.push.change({"lost": True})
        done, began = self.rename(1), self.world.clock()
        for hour in range(1, 25):
            payload = {"tenant": TENANT, "window": str(hour)}
            task = Task("runs", f"run-{began}-{hour}", "/tasks/run", payload)
            self.world.clock.advance(began + hour * HOUR - self.world.clock())
            self.world.queue.enqueue(task)
            self.world.run_tasks()
            if done():
                break
        self.world.push.change({"lost": False})
        assert done()
        return self.world.clock() - began


def figures(students: int) -> dict[str, float]:
    """Measure a tenant with so many pupils."""
    domain = generate(students=students, staff=students // 10, groups=students // 20, seed=1)
    domain.customer["id"] = TENANT
    document = tenant_document(domain)
    document |= {"customerId": TENANT}
    document["connections"] = [{**document["connections"][1], "vendor": "all"}]
    with (
        tempfile.TemporaryDirectory() as folder,
        push_world(Path(folder), domain, document, WorkClock()) as world,
    ):
        world.first_run()
        place = Measured(world, domain)
        single, work, wall, queries = [], [], [], 0
        for _ in range(max(5, min(MOST_PEOPLE, MOST_PEOPLE * 10_000 // students))):
            place.rest()
            begun = time.process_time(), time.perf_counter()
            single.append(place.seconds_until(place.rename(1), HOUR))
            work.append(time.process_time() - begun[0])
            wall.append(time.perf_counter() - begun[1])
            queries = max(queries, world.directory.queries)
        found: dict[str, float] = {
            "people": len(domain.users),
            "single_changes": len(single),
            "single_median_seconds": middle(single),
            "single_greatest_seconds": max(single),
            "single_queries_most": queries,
            "work_of_a_single_change_cpu_seconds": middle(work),
            "work_of_a_single_change_wall_seconds": middle(wall),
        }
        often = place.come_and_go(len(single), AT_MOST_EVERY)
        found |= {
            "changes_each_minute_median_seconds": middle(often),
            "changes_each_minute_p99_seconds": percentile(often, 0.99),
        }
        for people in (min(MOST_USERS, students // 20), students // 10):
            found[f"mass_{people}_seconds"] = place.together(people)
            found[f"mass_{people}_queries"] = world.directory.queries
        found |= troubled(place)
    return found


def troubled(place: Measured) -> dict[str, float]:
    """Measure changes whose notices Google sends late, twice, out of order, or not at all."""
    found: dict[str, float] = {}
    for name, value in (("late", LATE), ("doubled", True), ("reversed", True)):
        place.rest()
        place.world.push.change({name: value})
        done = place.rename(5)
        seconds = place.seconds_until(done, HOUR)
        place.world.push.change({name: type(value)(0)})
        found[f"notices_{name}_seconds"] = seconds
        found[f"notices_{name}_runs"] = place.world.runs()
    found["notices_lost_hours_until_scheduled_reading"] = place.lost() / HOUR
    return found


def middle(values: Sequence[float]) -> float:
    """Return the median, one of the values."""
    return percentile(values, 0.5)


def percentile(values: Sequence[float], part: float) -> float:
    """Return the least value that this part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def main(students: str) -> None:
    report(figures(int(students)))


if __name__ == "__main__":
    main(*sys.argv[1:])
