"""What deliveries did to each resource, as ids: the history of people, groups and units. Pure."""

from collections.abc import Iterator, Sequence, Set
from typing import Literal

from msgspec import Struct, structs

from addon.planning.ledger import OperationKind
from addon.ss12000.resources import ResourceType

ResultOfOperation = Literal["done", "refused", "failed"]


class HistoryEntry(Struct, frozen=True, array_like=True, gc=False):
    """What one delivery did to one resource. It has ids only, never names.

    `person` is the externalId of the person that a User or an Employment is of, and `units` are the
    codes of the school units that it belongs to, or left. `why` says why a person was removed: a
    reason of `Roster.left_out`, `gone` (there is no such account), `no chosen school unit` or
    `withdrawn`; "" if unknown. `changed` are the parts that changed: `units`, `year` or
    `employments` of a person, `members` of a group; empty if that is not known. `joined` and
    `left` are the externalIds of the people whom a group got and lost since the reading before.
    """

    resource_type: ResourceType
    external_id: str
    operation: OperationKind
    result: ResultOfOperation = "done"
    person: str = ""
    units: tuple[str, ...] = ()
    why: str = ""
    changed: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def people(self) -> Iterator[str]:
        """Yield the externalIds of the people that it concerns."""
        if self.person:
            yield self.person
        yield from self.joined
        yield from self.left

    def subjects(self) -> Iterator[str]:
        """Yield what it can be found by: its resource, its people and its units."""
        yield subject_of(self.external_id)
        yield from map(subject_of, self.people())
        yield from map(subject_of_unit, self.units)

    def without(self, people: Set[str]) -> "HistoryEntry | None":
        """Return the entry without these people; None if it is about one of them."""
        if self.person in people or self.external_id in people:
            return None
        if people.isdisjoint(self.joined) and people.isdisjoint(self.left):
            return self
        joined = tuple(each for each in self.joined if each not in people)
        left = tuple(each for each in self.left if each not in people)
        return structs.replace(self, joined=joined, left=left)


class DeliveryHistory(Struct, frozen=True):
    """What a delivery to one vendor did, or a part of it, at `at` (seconds since 1970 UTC).

    `id` is unique in the tenant and sorts with the newest first. `run` is the run that the delivery
    belongs to, see `addon.store.records.RunRecord.parent`.
    """

    id: str
    tenant: str
    run: str
    at: float
    vendor: str
    mode: str
    entries: tuple[HistoryEntry, ...]

    @property
    def subjects(self) -> frozenset[str]:
        """What it can be found by."""
        return frozenset(subject for entry in self.entries for subject in entry.subjects())

    def without(self, people: Set[str]) -> "DeliveryHistory":
        """Return the history without these people, by externalId."""
        kept = (entry.without(people) for entry in self.entries)
        return structs.replace(self, entries=tuple(each for each in kept if each is not None))


def subject_of(external_id: str) -> str:
    """Return what a resource is found by: 64 bits of its externalId are enough."""
    return external_id.replace("-", "")[:16]


def subject_of_unit(code: str) -> str:
    """Return what a school unit is found by, whether its own resource was sent or not."""
    return f"unit:{code}"


MOST_ENTRIES = 4000
MOST_SUBJECTS = 12_000
"""The limits of a stored part: Firestore's are 1 MiB and 40,000 index entries a document."""
_LAST_MOMENT = 10**14


def history_id(at: float, attempt: str, vendor: str, mode: str, part: int) -> str:
    """Return the id of a part: the newest sorts first."""
    moment = min(max(0, round(at * 1000)), _LAST_MOMENT - 1)
    return f"{_LAST_MOMENT - 1 - moment:014}-{attempt}-{vendor}.{mode}-{part:03}"


def in_parts(entries: Sequence[HistoryEntry]) -> Iterator[tuple[HistoryEntry, ...]]:
    """Yield the entries in parts that can be stored each."""
    part: list[HistoryEntry] = []
    size = 0
    for entry in entries:
        weight = sum(1 for _ in entry.subjects())
        if part and (len(part) >= MOST_ENTRIES or size + weight > MOST_SUBJECTS):
            yield tuple(part)
            part, size = [], 0
        part.append(entry)
        size += weight
    if part:
        yield tuple(part)
