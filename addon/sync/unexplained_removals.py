"""Removals that nothing explains: of resources that no reading has known.

A ledger may have resources that are neither in the roster nor known to be gone: after an upgrade,
a restored backup or a reconciliation. They are removed when two whole readings, at least
AGREE_AFTER apart, both lack them, and none in between has them; while a place that a selection
names is missing, people among them only when a person approves.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec
from msgspec import Struct

from addon.age import is_future
from addon.planning.ledger import LedgerKey
from addon.planning.plan import Plan
from addon.roster.placements import group_id
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.resources import ResourceType
from addon.store.base import CacheStore, LedgerStore
from addon.store.records import Namespace
from addon.sync.enquiry import AGREE_AFTER
from addon.sync.known_placements import EXPIRES, NAMESPACE
from addon.sync.prepare import PreparedRun

TYPES_WITH_PEOPLE: tuple[ResourceType, ...] = ("User", "Employment", "StudentGroup", "Activity")
"""Types whose removal needs evidence; organisation and school units follow the document."""


class UnexplainedStore(CacheStore, LedgerStore, Protocol):
    """What is remembered in."""


class UnexplainedRemovals(Struct, frozen=True):
    """Remembers since which reading a connection's removals have had no explanation.

    `read` is when the directory was read, `now` the time (seconds since 1970 UTC), and `doubtful`
    whether the reading says that it is short, so that it agrees with no other. `waited` is whether
    the last reading left removals without an explanation: what is stored is of that reading, else
    of none. Without `remember` nothing is written.
    """

    store: UnexplainedStore
    key: LedgerKey
    read: float
    now: float
    remember: bool
    doubtful: bool = False
    waited: bool = False

    def withhold(self, external_ids: frozenset[str]) -> frozenset[str]:
        """Return those of the externalIds that may not be removed yet. Raises StoreError."""
        if not external_ids and not self.waited:
            return frozenset()
        namespace = Namespace(NAMESPACE, self.key.tenant)
        name = f"unexplained-{self.key.vendor}-{self.key.mode}"
        item = self.store.get(namespace, name, self.now) if self.waited else None
        before: Mapping[str, float] = {} if item is None else _decode(item.data)
        jumped = 0.0 if item is None else item.jumped(self.now)
        since = {
            each: self.read if is_future(at + jumped, self.now) else at + jumped
            for each, at in before.items()
            if each in external_ids
        }
        if not self.doubtful:
            since |= dict.fromkeys(external_ids - since.keys(), self.read)
        if self.remember and since != {each: at + jumped for each, at in before.items()}:
            data = msgspec.msgpack.encode(since)
            self.store.put(namespace, name, data, self.now, self.now + EXPIRES)
        if self.remember and bool(since) != self.waited:
            self.store.set_unexplained(self.key, bool(since))
        if self.doubtful:
            return external_ids
        return frozenset(i for i, at in since.items() if self.read - at < AGREE_AFTER)


def _decode(data: bytes) -> dict[str, float]:
    try:
        return msgspec.msgpack.decode(data, type=dict[str, float])
    except msgspec.DecodeError:  # of another version: seen for the first time
        return {}


def external_ids_of(users: Iterable[str], mapper: ResourceMapper) -> frozenset[str]:
    """Return the externalIds of the accounts and employments of `users` (user ids)."""
    return frozenset(i for user in users for i in mapper.external_ids(user))


def unexplained(plan: Plan, prepared: PreparedRun, mapper: ResourceMapper) -> frozenset[str]:
    """Return the externalIds that the plan removes and that no reading says anything of.

    Explained are people and groups that are known to be gone, that are there but belong to no
    unit of the connection any more, and those that are unconfirmed, which the planner keeps.
    """
    left = {op.external_id for kind in TYPES_WITH_PEOPLE for op in plan.deletes[kind]}
    evidence = prepared.evidence
    for found in (
        lambda: external_ids_of(evidence.gone_people, mapper),
        lambda: (mapper.employment_id(*each) for each in evidence.gone_employments),
        lambda: mapper.external_ids_of_groups(evidence.gone_groups),
        lambda: external_ids_of(evidence.unconfirmed.people, mapper),
        lambda: mapper.external_ids_of_groups(evidence.unconfirmed.groups),
        lambda: mapper.external_ids_of_groups(map(group_id, prepared.roster.groups)),
        lambda: map(mapper.user_id, (user.id for user in prepared.snapshot.users)),
        lambda: map(mapper.user_id, prepared.roster.people),
        lambda: external_ids_of(
            (user for user, person in prepared.roster.people.items() if person.employments), mapper
        ),
        lambda: external_ids_of((u.id for u in prepared.snapshot.users), mapper),
    ):
        if not left:
            break
        left.difference_update(found())
    return frozenset(left)
