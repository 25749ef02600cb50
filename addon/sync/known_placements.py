"""What earlier readings of a tenant knew: placements by id, and what the document selected by.

Kept in the store as one cached item per tenant, without names of people. It is what a new reading
is compared with, see `addon.sync.evidence`.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from typing import Literal, Protocol

import msgspec
from msgspec import Struct, structs

from addon.roster.departures import Departure, Departures
from addon.roster.placements import Employment, GroupId, KnownGroup, KnownPerson, Loss, Placements
from addon.ss12000.ids import Ids
from addon.store.base import CacheStore, LedgerStore
from addon.store.records import Namespace
from addon.sync.known_places import (
    KnownPlaces,
    OrgUnitPlace,
    load_places,
    paths_by_role,
    save_places,
)
from addon.sync.left_out import NOBODY, LeftOut
from addon.tenants.model import SchoolUnit, Tenant

NAMESPACE = "evidence"
ITEM = "placements"
EXPIRES = 90 * 24 * 3600.0
"""Seconds after which what was known is removed if the tenant has had no run since."""
REFRESHED = 30 * 24 * 3600.0
"""Seconds after which it is written again although nothing changed, so that it does not expire."""


class KnownDirectory(Struct, frozen=True):
    """What the readings up to `read` (seconds since 1970 UTC) knew of a tenant.

    `school_units` are the document's school units without their names, or empty if that was not
    kept, and `former_units` those of before the document was changed, while somebody waits or is
    `left_out` since.
    `org_units` are the OUs of the selectors by folded path. `missing` says since which reading a
    loss is seen, by `Loss.key` and what shows it; `gone_people`, `gone_employments` and
    `gone_groups` were found to be gone, with the time; ledgers may have them still.

    `settling` is since when readings that were whole know something, while a vendor had resources
    when nothing was known and a second reading has not followed AGREE_AFTER later; else 0.
    `unsettled` are ids of groups that had more members than were listed ever since.
    """

    read: float
    placements: Placements = Placements()
    school_units: tuple[SchoolUnit, ...] = ()
    org_units: Mapping[str, OrgUnitPlace] = {}
    missing: Mapping[str, float] = {}
    gone_people: Mapping[str, float] = {}
    gone_employments: Mapping[Employment, float] = {}
    gone_groups: Mapping[GroupId, float] = {}
    settling: float = 0.0
    unsettled: frozenset[str] = frozenset()
    excepted: Mapping[tuple[str, str], float] = {}
    """Who is left out through an excepted group, see `addon.sync.excepted_members`."""
    former_units: tuple[SchoolUnit, ...] = ()
    left_out: LeftOut = NOBODY
    places_saved: bool = True
    """False if an earlier version saved it, which did not save the places by themselves."""
    ended: Mapping[Loss, float] = {}
    """The memberships that ended in the last 24 hours by the agreement of two readings alone."""
    departures: Departures = Departures()
    """What readings no longer had, for the vendors that have not carried it out."""

    @property
    def places(self) -> KnownPlaces:
        """Where the selectors' OUs are."""
        return KnownPlaces(self.org_units, paths_by_role(self.school_units))


class Beginning(Struct, frozen=True):
    """What there is when no reading is known that a reading could be compared with.

    `places` are where the selectors' OUs were, as far as that is kept, and `delivered` is whether
    a vendor has resources of the tenant; `users` returns the externalIds of the people among them.
    """

    places: KnownPlaces = KnownPlaces()
    delivered: bool = False
    users: Callable[[], Set[str]] = frozenset


class _StoredGroup(Struct, frozen=True, array_like=True):
    """A group whose members are positions in `_Stored.people`."""

    id: GroupId
    kind: Literal["class", "teaching"]
    students: tuple[int, ...]
    teachers: tuple[int, ...]
    name: str = ""


class _StoredPlacements(Struct, frozen=True, array_like=True):
    """Placements whose people are positions in `_Stored.ids`."""

    people: tuple[tuple[int, KnownPerson], ...] = ()
    groups: tuple[_StoredGroup, ...] = ()
    classes: tuple[tuple[str, int, frozenset[GroupId]], ...] = ()


class _Stored(Struct, frozen=True):
    """`KnownDirectory` as it is stored: each user id once."""

    read: float
    ids: tuple[str, ...]
    people: tuple[tuple[int, KnownPerson], ...]
    groups: tuple[_StoredGroup, ...]
    org_units: dict[str, OrgUnitPlace]
    missing: dict[str, float]
    gone_people: dict[str, float]
    gone_employments: tuple[tuple[Employment, float], ...]
    gone_groups: tuple[tuple[GroupId, float], ...]
    school_units: tuple[SchoolUnit, ...] = ()
    settling: float = 0.0
    unsettled: frozenset[str] = frozenset()
    places_saved: bool = False
    excepted: tuple[tuple[tuple[str, str], float], ...] = ()
    former_units: tuple[SchoolUnit, ...] = ()
    ended: tuple[tuple[Loss, float], ...] = ()
    left_by_document: _StoredPlacements = _StoredPlacements()
    left_pending: _StoredPlacements = _StoredPlacements()
    left_at: float = 0.0
    departures: tuple[tuple[float, _StoredPlacements], ...] = ()
    departures_since: float | None = None
    """None if an earlier version saved it, which kept no departures."""


class BeginningStore(CacheStore, LedgerStore, Protocol):
    """What a beginning is read from."""


def load_known_or_beginning(
    store: BeginningStore, tenant_id: str, now: float
) -> KnownDirectory | Beginning:
    """Return what was known of the tenant, or what there is without that. Raises StoreError."""
    known = load_known(store, tenant_id, now)
    if known is not None:
        return known
    if not any(count for _, count, _ in store.ledgers(tenant_id)):
        return Beginning()  # nothing can be taken from anybody
    users = partial(_delivered_users, store, tenant_id)
    return Beginning(load_places(store, tenant_id, now), delivered=True, users=users)


def _delivered_users(store: LedgerStore, tenant_id: str) -> Set[str]:
    """Return the externalIds of the people whom a vendor has, or may have, by the ledgers."""
    ledgers = [store.ledger(key) for key, count, _ in store.ledgers(tenant_id) if count]
    return {
        external_id
        for ledger in ledgers
        for external_id, entry in ledger.entries["User"].items()
        if not entry.is_removed
    }


def has_user(tenant: Tenant, beginning: Beginning) -> Callable[[str], bool]:
    """Return a test whether a vendor has a user, by id. Reads the ledgers when it is first used."""
    ids, found = Ids(tenant.customer_id), list[Set[str]]()

    def has(user: str) -> bool:
        if not found:
            found.append(beginning.users())
        return ids.user(user) in found[0]

    return has


def load_known(store: CacheStore, tenant_id: str, now: float) -> KnownDirectory | None:
    """Return what was known of the tenant, or None. Raises StoreError.

    If the clock has jumped ahead since, as far as the store can tell, so have the times since which
    something is seen: two readings that are minutes apart are so by any clock.
    """
    item = store.get(Namespace(NAMESPACE, tenant_id), ITEM, now)
    if item is None:
        return None
    try:
        stored = msgspec.msgpack.decode(zlib.decompress(item.data), type=_Stored)
    except (zlib.error, msgspec.DecodeError):  # of another version: as if nothing was known
        return None
    ids = stored.ids
    jumped = item.jumped(now)
    missing = {key: since + jumped for key, since in stored.missing.items()}
    return KnownDirectory(
        stored.read,
        _placements(_StoredPlacements(stored.people, stored.groups), ids),
        stored.school_units,
        stored.org_units,
        missing if jumped else stored.missing,
        stored.gone_people,
        dict(stored.gone_employments),
        dict(stored.gone_groups),
        stored.settling + jumped if stored.settling else 0.0,
        stored.unsettled,
        {pair: since + jumped if since else 0.0 for pair, since in stored.excepted},
        stored.former_units,
        LeftOut(
            _placements(stored.left_by_document, ids),
            _placements(stored.left_pending, ids),
            stored.left_at,
        ),
        stored.places_saved,
        {loss: at + jumped for loss, at in stored.ended},
        Departures(
            stored.read if stored.departures_since is None else stored.departures_since,
            tuple(Departure(at, _placements(lost, ids)) for at, lost in stored.departures),
        ),
    )


def _placements(stored: _StoredPlacements, ids: Sequence[str]) -> Placements:
    return Placements(
        {ids[n]: person for n, person in stored.people},
        {
            group.id: KnownGroup(
                group.kind,
                tuple(ids[n] for n in group.students),
                tuple(ids[n] for n in group.teachers),
                group.name,
            )
            for group in stored.groups
        },
        classes={(unit, ids[n]): classes for unit, n, classes in stored.classes},
    )


def save_known(
    store: CacheStore,
    tenant_id: str,
    known: KnownDirectory,
    was: KnownDirectory | Beginning | None,
) -> float:
    """Save what is known now, if it differs from what `was` known.

    Return when what is saved by then was read. Raises StoreError.
    """
    was = was if isinstance(was, KnownDirectory) else None
    recent = was is not None and known.read - was.read < REFRESHED
    if was is not None and recent and structs.replace(known, read=was.read) == was:
        return was.read
    if was is None or not was.places_saved or known.places != was.places:
        save_places(store, tenant_id, known.places, known.read)
    data = zlib.compress(msgspec.msgpack.encode(_stored(known)), 1)
    namespace = Namespace(NAMESPACE, tenant_id)
    store.put(namespace, ITEM, data, known.read, known.read + EXPIRES)
    return known.read


def _stored(known: KnownDirectory) -> _Stored:
    ids: dict[str, int] = {}

    def number(user: str) -> int:
        return ids.setdefault(user, len(ids))

    def placements(found: Placements) -> _StoredPlacements:
        return _StoredPlacements(
            tuple((number(user), person) for user, person in found.people.items()),
            tuple(
                _StoredGroup(
                    key,
                    group.kind,
                    tuple(map(number, group.students)),
                    tuple(map(number, group.teachers)),
                    group.name,
                )
                for key, group in found.groups.items()
            ),
            tuple((unit, number(user), found.classes[unit, user]) for unit, user in found.classes),
        )

    there, left = placements(known.placements), known.left_out
    by_document, pending = placements(left.by_document), placements(left.pending)
    departures = tuple((each.at, placements(each.lost)) for each in known.departures.readings)
    return _Stored(
        known.read,
        tuple(ids),
        there.people,
        there.groups,
        dict(known.org_units),
        dict(known.missing),
        dict(known.gone_people),
        tuple(known.gone_employments.items()),
        tuple(known.gone_groups.items()),
        known.school_units,
        known.settling,
        known.unsettled,
        known.places_saved,
        tuple(known.excepted.items()),
        known.former_units,
        tuple(known.ended.items()),
        by_document,
        pending,
        left.at,
        departures,
        known.departures.since,
    )


def units_of(tenant: Tenant) -> tuple[SchoolUnit, ...]:
    """Return the document's school units as they are remembered: what selects, without names."""
    return tuple(structs.replace(unit, name="") for unit in tenant.school_units)
