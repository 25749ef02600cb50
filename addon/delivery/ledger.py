"""What a vendor has acknowledged, as values. The store keeps them; no names are in them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from addon.ss12000.resources import TYPES, ResourceType

OperationKind = Literal["create", "update", "delete"]


class Key(Struct, frozen=True):
    """Whose ledger: test and live have one each."""

    tenant: str
    vendor: str
    mode: Literal["test", "live"]


class Entry(Struct, frozen=True, gc=False):
    """A resource that the vendor holds, or may hold.

    `content` is the hash of what it acknowledged. An empty `content` is an intent: a create
    was about to be sent and no answer is known, so the vendor must be asked. `vendor_id` is
    the vendor's id, empty where it told none: then it goes by our externalId.
    """

    vendor_id: str
    content: bytes

    @property
    def intended(self) -> bool:
        """Whether it is not known if the vendor has it."""
        return not self.content


class Refusal(Struct, frozen=True):
    """A resource that the vendor does not take as it is.

    `content` is the hash of what was refused; `at` is when, in seconds since 1970 UTC.
    """

    operation: OperationKind
    content: bytes
    status: int
    detail: str
    at: float


class Ledger:
    """One connection's entries and refusals, in memory, as the store has them."""

    def __init__(self) -> None:
        self.entries: dict[ResourceType, dict[str, Entry]] = {t: {} for t in TYPES}
        self.refusals: dict[ResourceType, dict[str, Refusal]] = {t: {} for t in TYPES}

    def apply(self, changes: Iterable["Change"]) -> None:
        """Make the changes that the store has been given."""
        for change in changes:
            entries, refusals = self.entries[change.resource_type], self.refusals
            if change.entry is not None:
                entries[change.external_id] = change.entry
            elif change.forget:
                entries.pop(change.external_id, None)
            if change.refusal is not None:
                refusals[change.resource_type][change.external_id] = change.refusal
            else:
                refusals[change.resource_type].pop(change.external_id, None)

    def people(self) -> int:
        """How many User resources the vendor holds or may hold."""
        return len(self.entries["User"])

    def __len__(self) -> int:
        return sum(len(entries) for entries in self.entries.values())

    def refused(self) -> Iterator[tuple[ResourceType, str, Refusal]]:
        """All standing refusals."""
        for resource_type, refusals in self.refusals.items():
            for external_id, refusal in refusals.items():
                yield resource_type, external_id, refusal


class Change(Struct, frozen=True, gc=False):
    """One thing to remember about a resource: its new entry, that it is gone, or a refusal.

    A change without a refusal ends an earlier one.
    """

    resource_type: ResourceType
    external_id: str
    entry: Entry | None = None
    forget: bool = False
    refusal: Refusal | None = None


class NotKept(Exception):
    """What a vendor has acknowledged could not be kept; the message says where and why."""


class Keeper(Protocol):
    """What keeps ledgers; every store is one."""

    def record(self, key: Key, changes: Sequence[Change], holder: str = "") -> None:
        """Remember changes, all or none, if `holder` has the lease. Raises NotKept."""
