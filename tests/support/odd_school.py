"""A school of twelve pupils, six of them in a course, whose directory may answer oddly."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import structs

from addon.directory.snapshot import Snapshot
from addon.planning.limits import Hold
from addon.sync.context import SyncContext
from addon.sync.report import ConnectionReport
from addon.sync.run import sync
from tests.support.changing_tenant import ChangingTenant
from tests.support.generated_tenant import TENANT, Spot, State, held_at
from tests.trust.odd_directory import HONEST, OddReading

COURSE = "kurs-a-ma"
MEMBERS = range(6)
LOST = range(5)


class OddSchool(ChangingTenant):
    """The school: what `reading` lacks, the readings lack; `change` is made to each."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "own ids, filter")
        self.reading = HONEST
        self.change = lambda snapshot: snapshot

    def short(self, people: Iterable[int] = LOST, answered: Iterable[type] = ()) -> None:
        """The course's list lacks these members; Google answers questions of these kinds."""
        members = frozenset((COURSE, n) for n in people)
        self.reading = OddReading(members=members, answered=frozenset(answered))

    def context(self) -> SyncContext:
        """What a run needs, with the odd directory."""

        def read(document: object) -> Snapshot:
            return self.change(self.reading.of(self.state, self.state))

        return structs.replace(
            self.sync_context(), read_directory=read, ask_directory=self.reading.answers(self.state)
        )

    def after(self, seconds: float) -> ConnectionReport:
        """Run so many seconds later."""
        self.clock.advance(seconds)
        self.server.clear()
        return sync(self.context(), TENANT).connections[0]

    def hourly(self) -> ConnectionReport:
        """Run an hour later."""
        return self.after(3600)

    def members(self) -> int:
        """How many students the course has at the vendor."""
        (course,) = (
            group
            for group in held_at(self.server)["StudentGroup"].values()
            if group["displayName"] == COURSE
        )
        return len(course["studentMemberships"])

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the tenant's document."""
        document = json.loads(self.store.tenant(TENANT) or b"")
        change(document)
        self.store.save_tenant(TENANT, json.dumps(document).encode())

    def hold(self) -> Hold:
        """The hold that there is."""
        found = self.store.hold(self.key)
        assert found is not None
        return found


def pupils() -> dict[int, Spot]:
    """Six in the course, and six others of the same class."""
    course = {n: Spot("/Elever/A/7A", groups=frozenset({COURSE})) for n in MEMBERS}
    return course | {n: Spot("/Elever/A/7A") for n in range(6, 12)}


@contextmanager
def odd_school(folder: Path) -> Iterator[OddSchool]:
    """The school, of whom the vendor has everybody."""
    with OddSchool(folder) as school:
        school.change_to(State(pupils()))
        school.hourly()
        yield school
