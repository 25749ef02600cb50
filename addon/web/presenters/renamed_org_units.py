"""OUs that the document names by a path that they no longer have, as questions to an administrator.

Either Google says that the same OU (by its id) is somewhere else, or the OU is gone and most of
those who belonged to the school unit through it are in one other OU now.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from addon.proposals.vocabulary import Role
from addon.roster.placements import KnownPerson
from addon.sync.known_places import path_key, selected_paths
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Tenant
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.hold import FEW, deepest_common

MOST_BESIDES = 2.0
"""An OU with more people than so many times those who came there is not a renamed one."""


class RenamedOrgUnit(Struct, frozen=True):
    """The OU `old` of the document is probably `new`.

    `certain` is whether it has the same id; else `people` of the `known` who belonged there are in
    the new one. `units` are the codes of the school units that name it, or an OU below it.
    """

    old: str
    new: str
    certain: bool
    units: tuple[str, ...]
    people: int = 0
    known: int = 0


def renamed_org_units(directory: TenantDirectory) -> tuple[RenamedOrgUnit, ...]:
    """Return the OUs to ask about, each once. Raises StillComputing."""
    _prepared = directory.prepared  # which what is computed begins with
    return directory.get_or_compute(
        DirectoryResult.RENAMED_ORG_UNITS, lambda: tuple(_renamed(directory))
    )


def paths_there(directory: TenantDirectory) -> frozenset[str]:
    """Return the keys of the directory's OUs, see `path_key`."""
    return frozenset(path_key(unit.path) for unit in directory.snapshot.org_units)


def _renamed(directory: TenantDirectory) -> Iterator[RenamedOrgUnit]:
    tenant, there = directory.tenant, paths_there(directory)
    found = dict[tuple[str, str], RenamedOrgUnit]()
    for old, new in _followed(directory.prepared, there):
        old, new = _topmost(old, new, there)
        found[path_key(old), new] = RenamedOrgUnit(old, new, True, _units_at(tenant, old))
    certain = {old for old, _new in found}
    for old, new, people, known in _replaced(directory, there):
        old, new = _topmost(old, new, there)
        if path_key(old) not in certain and (path_key(old), new) not in found:
            found[path_key(old), new] = RenamedOrgUnit(
                old, new, False, _units_at(tenant, old), people, known
            )
    yield from found.values()


def _followed(prepared: PreparedRun, there: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the document's and the present path of each OU that is followed by its id."""
    places = prepared.evidence.org_units
    for path in dict.fromkeys(selected_paths(prepared.tenant)):
        place = places.get(path_key(path))
        if place is None or path_key(place.path) == path_key(path):
            continue
        if path_key(place.path) in there:
            yield path.rstrip("/"), place.path


def _replaced(
    directory: TenantDirectory, there: frozenset[str]
) -> Iterator[tuple[str, str, int, int]]:
    """Yield OUs that are gone with the one where most people are now, and the two numbers."""
    prepared, tenant = directory.prepared, directory.tenant
    selected = {path_key(path) for path in selected_paths(tenant)}
    followed = {path_key(old) for old, _new in _followed(prepared, there)}
    for unit in tenant.school_units:
        roles: tuple[tuple[Role, tuple[str, ...]], ...] = (
            ("students", unit.students.org_units),
            ("staff", unit.staff.org_units),
        )
        for role, paths in roles:
            gone = [path for path in paths if path_key(path) not in there | followed | {""}]
            if len(gone) != 1:
                continue  # which of several they belonged to is not known
            known = _missing_at(prepared.evidence.unconfirmed.people, unit.code, role)
            now = [directory.users[i].org_unit_path for i in known if i in directory.users]
            place, count = deepest_common(now)
            if not place or count < FEW or 2 * count <= len(known):
                continue
            if _is_selected(place, selected) or len(directory.index.in_org_unit(place)) > (
                MOST_BESIDES * count
            ):
                continue
            yield gone[0].rstrip("/"), place, count, len(known)


def _missing_at(people: Mapping[str, KnownPerson], unit: str, role: Role) -> list[str]:
    """Return the user ids of those who belonged to a unit in a role and are not found there."""
    return [
        user
        for user, person in people.items()
        if (
            any(code == unit for code, _year in person.enrolments)
            if role == "students"
            else unit in person.employments
        )
    ]


def _is_selected(place: str, selected: set[str]) -> bool:
    """Whether a selection has the OU, or one above it."""
    key = path_key(place)
    return any(f"{key}/".startswith(f"{path}/") for path in selected if path)


def _topmost(old: str, new: str, there: frozenset[str]) -> tuple[str, str]:
    """Return the OU above both that has got the other name, if they are called the same."""
    while path_key(old.rpartition("/")[2]) == path_key(new.rpartition("/")[2]):
        above, above_new = old.rpartition("/")[0], new.rpartition("/")[0]
        if not above or not above_new or path_key(above) in there:
            break
        old, new = above, above_new
    return old, new


def _units_at(tenant: Tenant, old: str) -> tuple[str, ...]:
    key = path_key(old)
    return tuple(
        unit.code
        for unit in tenant.school_units
        if any(
            f"{path_key(path)}/".startswith(f"{key}/")
            for selector in (unit.students, unit.staff)
            for path in (*selector.org_units, *selector.exceptions.org_units)
        )
    )
