"""Plan the creates, updates and deletes that take a vendor from its ledger to the roster. Pure."""

from collections.abc import Callable, Iterable, Set

from msgspec import Struct, structs

from addon.age import age
from addon.planning.ledger import (
    LOOK_AFTER,
    Ledger,
    LedgerChange,
    LedgerEntry,
    OperationKind,
    Refusal,
    digest_of,
    is_resource_key,
    shard_of,
)
from addon.ss12000.mapping import OutgoingResource
from addon.ss12000.resources import TYPES, ResourceType, content_hash

REFUSAL_LASTS = 24 * 3600.0
"""Seconds after which a refused resource is tried again even if it is unchanged."""

NEVER_RESTS = float("inf")


class Operation(Struct, frozen=True, gc=False):
    """One create, update or delete at the vendor.

    `vendor_id` is empty if the vendor has returned none. `ask` is true when an earlier create
    may have reached the vendor without a known answer, so that the vendor must be asked first.
    `content` is the hash of `body`; `previous` is the content of the ledger's entry. `doubted` is
    whether the vendor may come to show copies, because the answer to a create was lost, and `look`
    whether it is time to look for them. `not_before` is the time until which such a create may
    still have its effect, in seconds since 1970 UTC; 0 if there is nothing to wait for.
    """

    kind: OperationKind
    resource_type: ResourceType
    external_id: str
    vendor_id: str = ""
    body: bytes = b""
    content: bytes = b""
    ask: bool = False
    previous: bytes = b""
    doubted: bool = False
    look: bool = False
    not_before: float = 0.0

    @property
    def only_looks(self) -> bool:
        """Whether nothing is to change at the vendor unless copies are found."""
        if self.kind == "delete":
            return self.look
        return self.look and LedgerEntry("", self.previous).hash == self.content


class Plan(Struct, frozen=True):
    """The operations of a run: `protected`, then `writes`, then `deletes`.

    `protected` are removals that no limit stops. `writes` are sent type by type, `deletes` type
    by type in reverse order. `absent` are externalIds in the roster that the vendor lacks and
    does not get by this plan, because it has refused them. `left_alone` is how many refused
    resources are not tried again yet, `unconfirmed` how many are not removed because there is no
    evidence that they are gone. `obsolete` removes the refusals of resources that are no longer
    wanted in the form that was refused, and the entries that are nobody's (see
    `addon.planning.ledger.is_resource_key`), which earlier versions could save. `looks` are
    questions whether the vendor has copies of what it has, or had; they change nothing unless
    there are any, so they are in no count of what a plan changes.
    """

    protected: tuple[Operation, ...]
    writes: dict[ResourceType, list[Operation]]
    deletes: dict[ResourceType, list[Operation]]
    absent: frozenset[str] = frozenset()
    left_alone: int = 0
    obsolete: tuple[LedgerChange, ...] = ()
    unconfirmed: int = 0
    looks: tuple[Operation, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return self.changes_nothing and not self.looks

    @property
    def changes_nothing(self) -> bool:
        """Whether there are no operations but looks."""
        return not (self.protected or any(self.writes.values()) or any(self.deletes.values()))

    def without_removals(self, withheld: Set[str]) -> "Plan":
        """Return the plan without the removal of the resources with these externalIds."""
        deletes = {
            t: [o for o in ops if o.external_id not in withheld] for t, ops in self.deletes.items()
        }
        return structs.replace(self, deletes=deletes)

    @property
    def removals(self) -> int:
        """How many resources the plan removes, apart from protected people."""
        return sum(map(len, self.deletes.values()))

    def only_protected(self, approved: Set[str] = frozenset()) -> "Plan":
        """Return the part that no limit stops: the removal of people with protected identity.

        And that of the `approved` externalIds.
        """
        nothing: dict[ResourceType, list[Operation]] = {t: [] for t in TYPES}
        deletes = {
            t: [o for o in ops if o.external_id in approved] for t, ops in self.deletes.items()
        }
        looks = tuple(op for op in self.looks if op.kind == "delete")
        return structs.replace(self, writes=nothing, deletes=deletes, looks=looks, unconfirmed=0)

    @property
    def protected_people(self) -> int:
        """How many people with protected identity the plan removes."""
        return sum(1 for op in self.protected if op.resource_type == "User")

    def operations(self) -> Iterable[Operation]:
        """Yield all operations but looks in the order of sending."""
        yield from self.protected
        for resource_type in TYPES:
            yield from self.writes[resource_type]
        for resource_type in reversed(TYPES):
            yield from self.deletes[resource_type]


def make_plan(
    resources: Iterable[OutgoingResource],
    ledger: Ledger,
    now: float,
    protected: Set[str] = frozenset(),
    absent: Set[str] = frozenset(),
    rests: bool = True,
) -> Plan:
    """Return the plan that takes the vendor from `ledger` to `resources`.

    `now` is in seconds since 1970 UTC. Unless `rests`, what was refused is tried
    again at once. `protected` are externalIds of people with protected
    identity and of their employments. `absent` is copied to the plan; see `standing_refusals`.
    """
    writes: dict[ResourceType, list[Operation]] = {t: [] for t in TYPES}
    gone: dict[ResourceType, set[str]] = {t: set(ledger.entries[t]) for t in TYPES}
    obsolete: dict[ResourceType, set[str]] = {t: set(ledger.refusals[t]) - gone[t] for t in TYPES}
    left_alone = 0
    resting_at = now if rests else NEVER_RESTS
    looks: list[Operation] = []
    for resource in resources:
        resource_type, external_id = resource.resource_type, resource.external_id
        if ledger.unread and shard_of(external_id) in ledger.unread:
            continue  # its digest shows that the vendor is up to date
        if external_id in protected:  # the roster should have none; a second safeguard
            continue
        gone[resource_type].discard(external_id)
        if resource.body is None:
            obsolete[resource_type].discard(external_id)
            continue
        content = content_hash(resource.body)
        entry = ledger.entries[resource_type].get(external_id)
        is_look = entry is not None and entry.is_doubted and entry.is_settled(now)
        if entry is not None and entry.hash == content and not is_look:
            if external_id in ledger.refusals[resource_type]:
                obsolete[resource_type].add(external_id)
            continue
        obsolete[resource_type].discard(external_id)
        if _rests(ledger.refusals[resource_type].get(external_id), content, resting_at):
            left_alone += 1
            continue
        op = _write(resource, resource.body, content, entry, now)
        (looks if op.only_looks else writes[resource_type]).append(op)
    for resource_type in TYPES:  # what is new first; errors of some must not keep others away
        refusals = ledger.refusals[resource_type]
        writes[resource_type].sort(key=lambda op: (op.external_id in refusals, op.kind != "create"))
    nobodys = _take_unusable(gone)
    looks += _take_removed(gone, ledger, now, resting_at)
    protected_deletes = [
        d for t in reversed(TYPES) for d in _deletes(t, gone[t] & protected, ledger, now)
    ]
    resting = {
        t: {i for i in gone[t] - protected if _rests(ledger.refusals[t].get(i), b"", resting_at)}
        for t in TYPES
    }
    return Plan(
        protected=tuple(protected_deletes),
        writes=writes,
        deletes={t: _deletes(t, gone[t] - protected - resting[t], ledger, now) for t in TYPES},
        absent=frozenset(absent),
        left_alone=left_alone + sum(map(len, resting.values())),
        obsolete=(
            *(LedgerChange(t, i) for t, ids in obsolete.items() for i in sorted(ids)),
            *nobodys,
        ),
        looks=tuple(looks),
    )


def plan_for(
    translate: Callable[[Set[str]], Iterable[OutgoingResource]],
    ledger: Ledger,
    now: float,
    protected: Set[str] = frozenset(),
) -> Plan:
    """Return the plan in which no resource refers to one that the vendor refuses to create.

    `translate` returns the resources without references to the given externalIds. A refused
    resource whose content has changed is tried again, and the resources that refer to it are
    sent in the same plan.
    """
    absent: Set[str] = standing_refusals(ledger, now)
    while True:
        plan = make_plan(translate(absent), ledger, now, protected, absent)
        coming = {op.external_id for writes in plan.writes.values() for op in writes}
        if coming.isdisjoint(absent):
            return plan
        absent = absent - coming


def digests(resources: Iterable[OutgoingResource]) -> dict[int, bytes]:
    """Return the digest of the wanted resources by shard of the ledger.

    A shard with a resource without a body has no digest: what the vendor has of that resource
    is left unchanged.
    """
    wanted: dict[int, list[tuple[str, bytes]]] = {}
    waiting = set()
    for resource in resources:
        shard = shard_of(resource.external_id)
        if resource.body is None:
            waiting.add(shard)
        else:
            content = content_hash(resource.body)
            wanted.setdefault(shard, []).append((resource.external_id, content))
    return {n: digest_of(found) for n, found in wanted.items() if n not in waiting}


def standing_refusals(ledger: Ledger, now: float) -> frozenset[str]:
    """Return externalIds that the vendor lacks because it refused to create them within a day.

    Resources with a pending entry are included, though it is unknown whether the vendor lacks
    them.
    """
    return frozenset(
        external_id
        for resource_type, external_id, refusal in ledger.refused()
        if refusal.operation == "create"
        and ((entry := ledger.entries[resource_type].get(external_id)) is None or entry.is_pending)
        and age(refusal.at, now) < REFUSAL_LASTS
    )


def removal_of_everything(ledger: Ledger, now: float) -> Plan:
    """Return the plan that removes everything of the tenant at the vendor.

    `now` is in seconds since 1970 UTC. What was refused is tried again at once.
    """
    return make_plan((), ledger, now, rests=False)


def _take_unusable(gone: dict[ResourceType, set[str]]) -> list[LedgerChange]:
    """Take the keys that are nobody's out of `gone`, and return the changes that forget them."""
    taken = [(t, i) for t, ids in gone.items() for i in ids if not is_resource_key(t, i)]
    for resource_type, external_id in taken:
        gone[resource_type].discard(external_id)
    return [LedgerChange(t, i, forget=True) for t, i in taken]


def _take_removed(
    gone: dict[ResourceType, set[str]], ledger: Ledger, now: float, resting_at: float
) -> list[Operation]:
    """Take what was deleted out of `gone`; return the looks for copies whose time has come."""
    looks: list[Operation] = []
    for resource_type, ids in gone.items():
        entries = ledger.entries[resource_type]
        removed = {i for i in ids if entries[i].is_removed}
        ids -= removed
        refusals = ledger.refusals[resource_type]
        due = {
            i
            for i in removed
            if entries[i].is_settled(now) and not _rests(refusals.get(i), b"", resting_at)
        }
        looks += (
            structs.replace(op, look=True, doubted=False)
            for op in _deletes(resource_type, due, ledger, now)
        )
    return looks


def _rests(refusal: Refusal | None, content: bytes, now: float) -> bool:
    return (
        refusal is not None
        and refusal.stands
        and refusal.content == content
        and age(refusal.at, now) < REFUSAL_LASTS
    )


def _write(
    resource: OutgoingResource, body: bytes, content: bytes, entry: LedgerEntry | None, now: float
) -> Operation:
    if entry is None:
        return Operation(
            "create",
            resource.resource_type,
            resource.external_id,
            body=body,
            content=content,
        )
    settled = entry.is_settled(now)
    return Operation(
        kind="create" if entry.is_pending else "update",
        resource_type=resource.resource_type,
        external_id=resource.external_id,
        vendor_id=entry.vendor_id,
        body=body,
        content=content,
        ask=entry.is_pending,
        previous=entry.content,
        doubted=entry.is_lost or (entry.is_removed and not settled),
        look=entry.is_doubted and settled,
        not_before=(entry.until or 0.0) if entry.is_lost and not settled else 0.0,
    )


def _deletes(
    resource_type: ResourceType, gone: Set[str], ledger: Ledger, now: float
) -> list[Operation]:
    """Return the deletes; what may have copies is asked about, and perhaps looked at again."""
    entries = ledger.entries[resource_type]
    return [
        Operation(
            kind="delete",
            resource_type=resource_type,
            external_id=external_id,
            vendor_id=entries[external_id].vendor_id,
            ask=entries[external_id].is_pending or entries[external_id].is_doubted,
            previous=entries[external_id].content,
            doubted=_shows_late(entries[external_id], now),
        )
        for external_id in sorted(gone)
    ]


def _shows_late(entry: LedgerEntry, now: float) -> bool:
    """Whether copies may show up after a delete: a create was lost, perhaps a moment ago."""
    if entry.until is None:
        return entry.is_lost
    return not entry.is_settled(now - LOOK_AFTER if entry.is_lost else now)
