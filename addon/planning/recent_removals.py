"""The removals of the last 24 hours, which count against the limits of the next run. Pure."""

from collections.abc import Iterable, Mapping, Set
from hashlib import blake2b

from msgspec import Struct, structs

from addon.age import is_future

DAY = 24 * 3600.0
"""Seconds for which a removal counts."""

MOST_KEPT = 50_000
"""How many resources are kept at most, to fit in a document of the store.

More are removed in a day only where the limits are so high that they hold hardly anything.
"""


class RemovalsOfRun(Struct, frozen=True):
    """What one run removed without a person's approval.

    `at` is in seconds since 1970 UTC. `removed` are digests of the externalIds by type of
    resource; `fewer` is by how many each type shrank, which is less if others were created.
    """

    at: float
    removed: dict[str, frozenset[bytes]] = {}
    fewer: dict[str, int] = {}


class RecentRemovals(Struct, frozen=True):
    """What the runs of the last 24 hours removed at one connection.

    Neither what a person approved nor protected people are included. It is saved before the
    first removal is sent: a run that is killed has counted too much rather than too little, and
    a resource that is removed at the second attempt counts once.
    """

    runs: tuple[RemovalsOfRun, ...] = ()

    def as_of(self, now: float) -> "RecentRemovals":
        """Return those of the last DAY before `now`.

        Those of a time that lies in the future may be of today, so they count from `now` on.
        """
        known = (
            structs.replace(run, at=now) if is_future(run.at, now) else run for run in self.runs
        )
        kept = tuple(run for run in known if now - run.at < DAY)
        return self if kept == self.runs else RecentRemovals(kept)

    def others(self, resource_type: str, external_ids: Iterable[str]) -> int:
        """Return how many resources of a type were removed that are not in `external_ids`."""
        found = self._removed(resource_type)
        return len(found - digests(external_ids)) if found else 0

    def fewer(self, resource_type: str, external_ids: Iterable[str]) -> int:
        """Return by how many a type shrank, not counting those in `external_ids`."""
        shrunk = sum(run.fewer.get(resource_type, 0) for run in self.runs)
        return min(shrunk, self.others(resource_type, external_ids))

    def adding(
        self, at: float, removed: Mapping[str, Iterable[str]], changes: Mapping[str, int]
    ) -> "RecentRemovals":
        """Return a copy with a run that removes externalIds by type.

        `changes` are by how many each type grows, or shrinks if negative.
        """
        remaining = MOST_KEPT - sum(len(found) for r in self.runs for found in r.removed.values())
        marks: dict[str, frozenset[bytes]] = {}
        for kind, ids in removed.items():
            found = digests(sorted(ids)[: max(remaining, 0)])
            remaining -= len(found)
            if found:
                marks[kind] = found
        if not marks:
            return self
        fewer = {kind: -change for kind, change in changes.items() if change < 0 and kind in marks}
        return RecentRemovals((*self.runs, RemovalsOfRun(at, marks, fewer)))

    def without(self, resource_type: str, external_ids: Iterable[str]) -> "RecentRemovals":
        """Return a copy without resources that the vendor has, after all or again."""
        if not self.runs:
            return self
        there = digests(external_ids)
        if self._removed(resource_type).isdisjoint(there):
            return self
        return RecentRemovals(tuple(_run_without(run, resource_type, there) for run in self.runs))

    def _removed(self, resource_type: str) -> frozenset[bytes]:
        return frozenset[bytes]().union(*(r.removed.get(resource_type, ()) for r in self.runs))


def digests(external_ids: Iterable[str]) -> frozenset[bytes]:
    """Return an 8-byte digest of each externalId."""
    return frozenset(blake2b(each.encode(), digest_size=8).digest() for each in external_ids)


def _run_without(run: RemovalsOfRun, resource_type: str, there: Set[bytes]) -> RemovalsOfRun:
    found = run.removed.get(resource_type, frozenset[bytes]())
    return structs.replace(run, removed={**run.removed, resource_type: found - there})
