"""What earlier readings of a tenant knew: placements by id, and where the selectors' OUs are.

Kept in the store as one cached item per tenant, without names. It is what a new reading is
compared with, see `addon.sync.evidence`.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec
from msgspec import Struct, structs

from addon.directory.scope import keys_above
from addon.directory.snapshot import OrgUnit, Snapshot
from addon.roster.findings import finding
from addon.roster.model import Finding
from addon.roster.placements import Employment, GroupId, KnownGroup, KnownPerson, Placements
from addon.store.base import CacheStore
from addon.store.records import Namespace
from addon.tenants.model import SchoolUnit, Selector, Tenant
from addon.text import fold

NAMESPACE = "evidence"
ITEM = "placements"
EXPIRES = 90 * 24 * 3600.0
"""Seconds after which what was known is removed if the tenant has had no run since."""
REFRESHED = 30 * 24 * 3600.0
"""Seconds after which it is written again although nothing changed, so that it does not expire."""


class OrgUnitPlace(Struct, frozen=True, array_like=True):
    """The OU that a path in the document stands for: its id, and where it was last."""

    id: str
    path: str


class KnownDirectory(Struct, frozen=True):
    """What the readings up to `read` (seconds since 1970 UTC) knew of a tenant.

    `school_units` are the document's school units without their names, or empty if that was not
    kept: see `as_written`. `org_units` are the OUs of the selectors by folded path. `missing`
    says since which reading a loss is seen, by `Loss.key`; `gone_people`, `gone_employments` and
    `gone_groups` were found to be gone, with the time;
    ledgers may have them still.
    """

    read: float
    placements: Placements = Placements()
    school_units: tuple[SchoolUnit, ...] = ()
    org_units: Mapping[str, OrgUnitPlace] = {}
    missing: Mapping[str, float] = {}
    gone_people: Mapping[str, float] = {}
    gone_employments: Mapping[Employment, float] = {}
    gone_groups: Mapping[GroupId, float] = {}


class _StoredGroup(Struct, frozen=True, array_like=True):
    """A group whose members are positions in `_Stored.people`."""

    id: GroupId
    kind: Literal["class", "teaching"]
    students: tuple[int, ...]
    teachers: tuple[int, ...]


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


def load_known(store: CacheStore, tenant_id: str, now: float) -> KnownDirectory | None:
    """Return what was known of the tenant, or None. Raises StoreError."""
    item = store.get(Namespace(NAMESPACE, tenant_id), ITEM, now)
    if item is None:
        return None
    try:
        stored = msgspec.msgpack.decode(zlib.decompress(item.data), type=_Stored)
    except (zlib.error, msgspec.DecodeError):  # of another version: as if nothing was known
        return None
    ids = stored.ids
    return KnownDirectory(
        stored.read,
        Placements(
            {ids[n]: person for n, person in stored.people},
            {
                group.id: KnownGroup(
                    group.kind,
                    tuple(ids[n] for n in group.students),
                    tuple(ids[n] for n in group.teachers),
                )
                for group in stored.groups
            },
        ),
        stored.school_units,
        stored.org_units,
        stored.missing,
        stored.gone_people,
        dict(stored.gone_employments),
        dict(stored.gone_groups),
    )


def save_known(
    store: CacheStore, tenant_id: str, known: KnownDirectory, was: KnownDirectory | None
) -> None:
    """Save what is known now, if it differs from what `was` known. Raises StoreError."""
    recent = was is not None and known.read - was.read < REFRESHED
    if was is not None and recent and structs.replace(known, read=was.read) == was:
        return
    data = zlib.compress(msgspec.msgpack.encode(_stored(known)), 1)
    namespace = Namespace(NAMESPACE, tenant_id)
    store.put(namespace, ITEM, data, known.read, known.read + EXPIRES)


def _stored(known: KnownDirectory) -> _Stored:
    ids: dict[str, int] = {}

    def number(user: str) -> int:
        return ids.setdefault(user, len(ids))

    people = tuple((number(user), person) for user, person in known.placements.people.items())
    groups = tuple(
        _StoredGroup(
            key,
            group.kind,
            tuple(map(number, group.students)),
            tuple(map(number, group.teachers)),
        )
        for key, group in known.placements.groups.items()
    )
    return _Stored(
        known.read,
        tuple(ids),
        people,
        groups,
        dict(known.org_units),
        dict(known.missing),
        dict(known.gone_people),
        tuple(known.gone_employments.items()),
        tuple(known.gone_groups.items()),
        known.school_units,
    )


def units_of(tenant: Tenant) -> tuple[SchoolUnit, ...]:
    """Return the document's school units as they are remembered: what selects, without names."""
    return tuple(structs.replace(unit, name="") for unit in tenant.school_units)


def as_written(tenant: Tenant, known: KnownDirectory) -> Tenant | None:
    """Return the tenant with the selections of the last reading; None if they are the same."""
    before = known.school_units
    if not before or before == units_of(tenant):
        return None
    return structs.replace(tenant, school_units=before)


# Selectors follow their OUs


def selected_paths(tenant: Tenant) -> Iterator[str]:
    """Yield the paths that the selectors of the document name, exceptions included."""
    for unit in tenant.school_units:
        for selector in (unit.students, unit.staff):
            yield from selector.org_units
            yield from selector.exceptions.org_units


def path_key(path: str) -> str:
    """Return an OU's path as it is compared: folded, without a slash at its end."""
    return fold(path).rstrip("/")


def place_org_units(
    tenant: Tenant, known: KnownDirectory | None, org_units: Iterable[OrgUnit]
) -> dict[str, OrgUnitPlace]:
    """Return the OU that each selected path stands for, as far as is known, by folded path.

    An OU that was found at a path is followed by its id, unless the path was written into a
    selector since and there is an OU at it.
    """
    listed = {path_key(unit.path): unit for unit in org_units}
    by_id = {unit.id: unit for unit in listed.values()}
    before: Mapping[str, OrgUnitPlace] = {} if known is None else known.org_units
    earlier = () if known is None else known.school_units
    rewritten = (
        {path for _, _, path in _paths_by_role(tenant.school_units) - _paths_by_role(earlier)}
        if earlier
        else frozenset[str]()
    )
    places: dict[str, OrgUnitPlace] = {}
    for path in filter(None, map(path_key, selected_paths(tenant))):  # the root has no other place
        place, here = before.get(path), listed.get(path)
        if place is not None and place.id in by_id and not (path in rewritten and here is not None):
            places[path] = OrgUnitPlace(place.id, by_id[place.id].path)
        elif here is not None:
            places[path] = OrgUnitPlace(here.id, here.path)
        elif place is not None:
            places[path] = place
    return places


def _paths_by_role(units: Iterable[SchoolUnit]) -> frozenset[tuple[str, str, str]]:
    """Return the unit, the role and the folded path of each OU that a selector names."""
    return frozenset(
        (unit.code, role, path_key(path))
        for unit in units
        for role, paths in (
            ("students", unit.students.org_units),
            ("staff", unit.staff.org_units),
            ("students but", unit.students.exceptions.org_units),
            ("staff but", unit.staff.exceptions.org_units),
        )
        for path in paths
    )


def followed(tenant: Tenant, places: Mapping[str, OrgUnitPlace]) -> Tenant:
    """Return the tenant with each selector's OUs where they are now."""
    moved = {path: place.path for path, place in places.items() if path_key(place.path) != path}
    if not moved:
        return tenant

    def now(paths: Iterable[str]) -> tuple[str, ...]:
        return tuple(moved.get(path_key(path), path) for path in paths)

    def selector(found: Selector) -> Selector:
        found = structs.replace(found, org_units=now(found.org_units))
        excepted = found.exceptions
        if not excepted.org_units:
            return found
        return found.excepting(structs.replace(excepted, org_units=now(excepted.org_units)))

    def unit(found: SchoolUnit) -> SchoolUnit:
        return structs.replace(
            found, students=selector(found.students), staff=selector(found.staff)
        )

    return structs.replace(tenant, school_units=tuple(map(unit, tenant.school_units)))


def as_documented(
    tenant: Tenant, snapshot: Snapshot, places: Mapping[str, OrgUnitPlace]
) -> Snapshot:
    """Return the snapshot with OUs that were renamed or moved at the paths of the document.

    So selectors and the patterns of class rules find them where they were. Other OUs that are at
    such a path now get another path, which no document names.
    """
    written = {path_key(path): path.rstrip("/") for path in selected_paths(tenant)}
    moved = {
        path_key(place.path): written[path]
        for path, place in places.items()
        if path in written and path_key(place.path) != path
    }
    if not moved:
        return snapshot
    taken = frozenset(map(path_key, moved.values()))

    def documented(path: str) -> str:
        keys = (path_key(path), *keys_above(path))
        for key in keys:
            if key in moved:
                return moved[key] + path[len(key) :]
        return f"/{path}" if any(key in taken for key in keys) else path

    return structs.replace(
        snapshot,
        users=tuple(
            structs.replace(user, org_unit_path=documented(user.org_unit_path))
            for user in snapshot.users
        ),
        org_units=tuple(
            structs.replace(unit, path=documented(unit.path)) for unit in snapshot.org_units
        ),
    )


def units_with_missing_places(tenant: Tenant, snapshot: Snapshot) -> frozenset[str]:
    """Return the codes of units with a selector that names an OU or group that is not there."""
    paths = {"", *(path_key(unit.path) for unit in snapshot.org_units)}
    absent = set(map(fold, snapshot.missing_groups))
    return frozenset(
        unit.code
        for unit in tenant.school_units
        for selector in (unit.students, unit.staff)
        if any(path_key(path) not in paths for path in selector.org_units)
        or any(fold(address) in absent for address in selector.groups)
    )


def renamed_org_units(tenant: Tenant, places: Mapping[str, OrgUnitPlace]) -> Iterator[Finding]:
    """Yield a finding for each selected OU that is at another path than the document says."""
    spelled = {path_key(path): path for path in selected_paths(tenant)}
    for path, place in places.items():
        if path in spelled and path_key(place.path) != path:
            yield finding("org-unit-renamed", spelled[path], path=place.path)
