"""A directory snapshot: the whole directory, read for the administrator who sets Skolsynk up.

A run reads only those whom the document selects. To choose them one must see the rest too: the
tree of organisational units, the groups, and the people in them, by name. The directory snapshot
is kept in the store for a day at most and then gone. It has no more of people than what choosing
takes: fields that tell one person from another, such as numbers, are not kept.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Struct, structs

from addon.age import age
from addon.directory.errors import DirectoryError, is_access_refused
from addon.directory.google.responses import ALL_SCHEMAS
from addon.directory.scope import BUILT_IN, attributes_of, scope_of
from addon.directory.snapshot import Snapshot, User
from addon.planning.protected_set import ProtectedSet
from addon.roster.years import autumn_of
from addon.store.base import CacheStore
from addon.store.records import Namespace
from addon.tenants.model import Clause, GroupRule, Organisation, SchoolUnit, Selector, Tenant
from addon.tenants.pause import today

KEPT = 24 * 3600.0
"""Seconds after which a directory snapshot is gone."""
STATE_KEPT = 7 * 24 * 3600.0
LOST = 600.0
"""Seconds without a word after which a reading that has not ended is taken for cut off."""
TELLS_EVERY = 1.0
"""Seconds between what a reading tells of its progress."""

ATTRIBUTES = (
    "organizations.department",
    "organizations.title",
    "organizations.costCenter",
    "organizations.description",
    ALL_SCHEMAS,
)
"""What schools keep classes and roles in; `customSchemas` are their own fields."""

FEWEST_SHARING = 2.0
"""People for each value, on average, of a field that says what sort of person somebody is."""
UNREADABLE = (zlib.error, msgspec.DecodeError)
"""What `unpack` raises of a directory snapshot that another version of the program has packed."""
PERSONAL_NUMBER = re.compile(r"(?:\d{2})?\d{6}[-+]?[\dTtPp]\d{3}")


class DirectorySnapshot(Struct, frozen=True):
    """The directory as it was `read` (seconds since 1970 UTC).

    `attributes` are those that users have values of, beyond the built-in ones, sorted.
    """

    read: float
    snapshot: Snapshot
    attributes: tuple[str, ...]


class ReadingState(Struct, frozen=True):
    """How a tenant's directory snapshot stands. `at` is seconds since 1970 UTC.

    `status` is `reading`, `done` or `failed`; `users` and `groups` are those read so far;
    `detail` says why it failed, for support; `refused` is whether it failed because the customer
    does not let Skolsynk read the directory, and `problem` the code of
    `addon.directory.errors.DirectoryProblem`, empty if it has none.
    """

    status: str
    at: float
    users: int = 0
    groups: int = 0
    detail: str = ""
    refused: bool = False
    problem: str = ""

    def lost(self, now: float) -> bool:
        """Whether a reading has been cut off."""
        return self.status == "reading" and age(self.at, now) > LOST


ReportProgress = Callable[[int, int], None]
Read = Callable[[Tenant, ReportProgress], Snapshot]
Record = Callable[[Tenant, Snapshot, float], ProtectedSet]
"""Records whom a reading that began then found protected: `addon.sync.protected_set`."""


def select_everybody(tenant: Tenant) -> Tenant:
    """A document that selects everybody, with everything that the directory snapshot is to show of
    them.
    """
    document = scope_of(tenant)
    clauses = tuple(
        Clause(attribute=a, operator="isNotEmpty") for a in (*ATTRIBUTES, *document.attributes)
    )
    named = tuple(g for g in document.groups if "@" in g)
    everybody = SchoolUnit(
        code="00000000",
        name="",
        students=Selector(org_units=("/",), filters=(clauses,)),
        staff=Selector(groups=named),
        classes=GroupRule(source="group", pattern="."),
    )
    return structs.replace(
        tenant,
        organisation=Organisation(name=tenant.customer_id),
        school_units=(everybody,),
        connections=(),
    )


def read_and_store(
    read: Read,
    store: CacheStore,
    tenant: Tenant,
    clock: Callable[[], float],
    record: Record = lambda tenant, snapshot, started: ProtectedSet(),
) -> DirectorySnapshot | None:
    """Read the tenant's whole directory and keep it; its state tells how it goes.

    Whom the reading finds protected is given to `record`, and nobody in its answer is kept.
    None when the directory could not be had: then the state says why. Raises StoreError.
    """
    tenant_id, started = tenant.customer_id, clock()
    last = [started]
    namespace = namespace_of(tenant_id)

    def told(users: int, groups: int) -> None:
        now = clock()
        if now - last[0] >= TELLS_EVERY:
            last[0] = now
            save_reading_state(store, tenant_id, ReadingState("reading", now, users, groups))

    save_reading_state(store, tenant_id, ReadingState("reading", clock()))
    try:
        snapshot = read(select_everybody(tenant), told)
    except DirectoryError as error:
        store.delete(namespace, "directory")
        refused = is_access_refused(error)
        failed = ReadingState(
            "failed", clock(), detail=str(error), refused=refused, problem=error.problem
        )
        save_reading_state(store, tenant_id, failed)
        return None
    snapshot = snapshot.without(record(tenant, snapshot, started).hidden)
    stored = without_identifying_fields(snapshot, clock(), attributes_of(tenant))
    store.put(namespace, "directory", pack(stored), stored.read, stored.read + KEPT)
    done = ReadingState("done", stored.read, len(snapshot.users), len(snapshot.groups))
    save_reading_state(store, tenant_id, done)
    return stored


def save_reading_state(store: CacheStore, tenant_id: str, state: ReadingState) -> None:
    """Keep how the tenant's directory snapshot stands. Raises StoreError."""
    packed = msgspec.json.encode(state)
    store.put(namespace_of(tenant_id), "state", packed, state.at, state.at + STATE_KEPT)


def forget(store: CacheStore, tenant_id: str) -> None:
    """Remove what is kept of the tenant's directory. Raises StoreError."""
    for name in ("directory", "state"):
        store.delete(namespace_of(tenant_id), name)


def load_state(store: CacheStore, tenant_id: str, now: float) -> ReadingState | None:
    """How the tenant's directory snapshot stands, or None where none was asked for.

    Raises StoreError.
    """
    item = store.get(namespace_of(tenant_id), "state", now)
    return None if item is None else msgspec.json.decode(item.data, type=ReadingState)


def namespace_of(tenant_id: str) -> Namespace:
    """Where a tenant's directory snapshot is kept."""
    return Namespace("reading", tenant_id)


def without_identifying_fields(
    snapshot: Snapshot, now: float, mentioned: Iterable[str]
) -> DirectorySnapshot:
    """The directory snapshot of a snapshot, without what tells one person from another.

    Attributes that the document mentions stay: the administrator has chosen them.
    """
    kept = _shared(snapshot.users) | set(mentioned) - BUILT_IN
    users = tuple(_only(user, kept) for user in snapshot.users)
    names = tuple(sorted({name for user in users for name in user.attributes}))
    autumn = autumn_of(today(now))
    return DirectorySnapshot(now, structs.replace(snapshot, users=users, autumn=autumn), names)


def pack(snapshot: DirectorySnapshot) -> bytes:
    """A directory snapshot as bytes."""
    return zlib.compress(msgspec.msgpack.encode(snapshot), 1)


def unpack(packed: bytes) -> DirectorySnapshot:
    """A directory snapshot from bytes. Raises UNREADABLE."""
    return msgspec.msgpack.decode(zlib.decompress(packed), type=DirectorySnapshot)


def _shared(users: Iterable[User]) -> set[str]:
    """The attributes whose values people share: a class, a role, but no number of one's own."""
    values: dict[str, set[str]] = defaultdict(set)
    people: dict[str, int] = defaultdict(int)
    for user in users:
        for name, found in user.attributes.items():
            values[name].update(found)
            people[name] += 1
    return {
        name
        for name, found in values.items()
        if people[name] >= FEWEST_SHARING * len(found)
        and not any(PERSONAL_NUMBER.fullmatch(value) for value in found)
    }


def _only(user: User, names: set[str]) -> User:
    attributes: Mapping[str, tuple[str, ...]] = {
        name: value for name, value in user.attributes.items() if name in names
    }
    if len(attributes) == len(user.attributes):
        return user
    return structs.replace(user, attributes=attributes)
