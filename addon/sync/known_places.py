"""Where the selectors' OUs are: they are followed by their ids. Pure but for the store.

Kept in the store beside what `addon.sync.known_placements` keeps, in an item of its own that does
not expire and that a farewell leaves: paths and ids of OUs only, no people.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct, structs

from addon.directory.scope import keys_above
from addon.directory.snapshot import OrgUnit, Snapshot
from addon.roster.findings import finding
from addon.roster.model import Finding
from addon.store.base import CacheStore
from addon.store.records import Namespace
from addon.tenants.model import SchoolUnit, Selector, Tenant
from addon.text import fold

NAMESPACE = "places"
ITEM = "org-units"


class OrgUnitPlace(Struct, frozen=True, array_like=True):
    """The OU that a path in the document stands for: its id, and where it was last."""

    id: str
    path: str


class KnownPlaces(Struct, frozen=True):
    """The OUs of the selectors by folded path, as the last reading found them.

    `written` are the unit's code, the role and the folded path of each OU that the document named
    then; empty if that was not kept.
    """

    org_units: Mapping[str, OrgUnitPlace] = {}
    written: frozenset[tuple[str, str, str]] = frozenset()


def load_places(store: CacheStore, tenant_id: str, now: float) -> KnownPlaces:
    """Return where the tenant's OUs were, empty if that is not known. Raises StoreError."""
    item = store.get(Namespace(NAMESPACE, tenant_id), ITEM, now)
    if item is None:
        return KnownPlaces()
    try:
        return msgspec.msgpack.decode(item.data, type=KnownPlaces)
    except msgspec.DecodeError:  # of another version: as if nothing was known
        return KnownPlaces()


def save_places(store: CacheStore, tenant_id: str, places: KnownPlaces, now: float) -> None:
    """Save where the tenant's OUs are. Raises StoreError."""
    store.put(Namespace(NAMESPACE, tenant_id), ITEM, msgspec.msgpack.encode(places), now)


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
    tenant: Tenant, known: KnownPlaces, org_units: Iterable[OrgUnit]
) -> dict[str, OrgUnitPlace]:
    """Return the OU that each selected path stands for, as far as is known, by folded path.

    An OU that was found at a path is followed by its id, unless the OUs of a selector that names
    the path were changed since, and there is an OU at it: then the document means that one.
    """
    listed = {path_key(unit.path): unit for unit in org_units}
    by_id = {unit.id: unit for unit in listed.values()}
    before = known.org_units
    rewritten = _rewritten(tenant, known.written) if known.written else frozenset[str]()
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


def _rewritten(tenant: Tenant, before: frozenset[tuple[str, str, str]]) -> frozenset[str]:
    """The paths of lists of OUs that are not as they were `before`, those that stayed included."""
    now = paths_by_role(tenant.school_units)
    changed = {(unit, role) for unit, role, _ in now ^ before}
    return frozenset(path for unit, role, path in now if (unit, role) in changed)


def paths_by_role(units: Iterable[SchoolUnit]) -> frozenset[tuple[str, str, str]]:
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

    So selectors and the patterns of class rules find them where they were; `named_path` has the
    name that such an OU has now. Other OUs that are at such a path now get another path, which no
    document names.
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

    def named(path: str) -> str:
        for key in (path_key(path), *keys_above(path)):
            if key in moved:
                own = path[: len(key)].rpartition("/")[2]
                return f"{moved[key].rpartition('/')[0]}/{own}{path[len(key) :]}"
        return ""

    return structs.replace(
        snapshot,
        users=tuple(
            structs.replace(user, org_unit_path=documented(user.org_unit_path))
            for user in snapshot.users
        ),
        org_units=tuple(
            structs.replace(unit, path=documented(unit.path), named_path=named(unit.path))
            for unit in snapshot.org_units
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
