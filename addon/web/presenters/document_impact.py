"""Whom another version of the document would give to vendors and take from them."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from addon.planning.limits import is_too_many, is_too_much_less
from addon.roster.placements import group_id
from addon.roster.select import select
from addon.ss12000.vendor_roster import VendorRoster, vendor_roster
from addon.sync.known_places import KnownPlaces, as_documented, place_org_units
from addon.sync.unknown_exceptions import without_held_back
from addon.tenants.model import Tenant
from addon.vendors.profiles import Vendor
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.selection_preview import NameList, names
from addon.web.version_token import value_hash


class VendorImpact(Struct, frozen=True):
    """What the document changes at a vendor that is on.

    `groups_added` and `groups_removed` count classes and teaching groups; `held` is whether the
    removals would wait for an approval.
    """

    vendor: str
    added: NameList
    removed: NameList
    groups_added: int
    groups_removed: int
    held: bool

    @property
    def removes(self) -> bool:
        """Whether anything is removed at the vendor."""
        return bool(self.removed.count or self.groups_removed)


class _Difference(Struct, frozen=True):
    vendor: str
    there: int
    groups: int
    added: frozenset[str]
    removed: frozenset[str]
    groups_added: int
    groups_removed: int


NOBODY = VendorRoster({}, ())


def document_impact(
    directory: TenantDirectory,
    after: Tenant,
    vendors: Mapping[str, Vendor],
    places: KnownPlaces,
    newest_run: str,
) -> tuple[VendorImpact, ...]:
    """Return what changes at each vendor that is on, and where something changes.

    Both documents protect the same people. `places` are where the OUs were at the last run. What
    has been removed in 24 hours counts against the limits. Raises StillComputing.
    """
    _prepared = directory.prepared  # which what is computed below begins with
    differences = directory.get_or_compute(
        DirectoryResult.DOCUMENT_IMPACT,
        lambda: tuple(_differences(directory, after, vendors, places)),
        (value_hash(after), newest_run),
    )
    removed = directory.removed_today(newest_run) if differences else {}
    return tuple(
        _impact(directory, after, each, removed.get(each.vendor, 0)) for each in differences
    )


def _differences(
    directory: TenantDirectory,
    after: Tenant,
    vendors: Mapping[str, Vendor],
    places: KnownPlaces,
) -> Iterator[_Difference]:
    prepared = directory.prepared
    found_at = place_org_units(after, places, prepared.snapshot.org_units)
    snapshot = as_documented(after, prepared.snapshot, found_at)
    roster = without_held_back(select(after, snapshot), prepared.evidence.held_back)
    for connection in after.connections:
        if connection.mode == "off" or connection.vendor not in vendors:
            continue
        before = prepared.vendor_rosters.get(connection.vendor, NOBODY)
        found = vendor_roster(roster, after, connection, vendors[connection.vendor])
        old, new = set(map(group_id, before.groups)), set(map(group_id, found.groups))
        added = frozenset(found.people.keys() - before.people.keys())
        removed = frozenset(before.people.keys() - found.people.keys())
        if added or removed or old != new:
            yield _Difference(
                connection.vendor,
                len(before.people),
                len(old),
                added,
                removed,
                len(new - old),
                len(old - new),
            )


def _impact(
    directory: TenantDirectory, after: Tenant, found: _Difference, earlier: int
) -> VendorImpact:
    connection = after.connection(found.vendor)
    assert connection is not None
    people, limits = len(found.removed), connection.limits
    too_many = people > 0 and is_too_many(people + earlier, found.there + earlier, limits)
    groups = is_too_much_less("StudentGroup", found.groups_removed, found.groups, limits)
    return VendorImpact(
        found.vendor,
        names(directory, found.added),
        names(directory, found.removed),
        found.groups_added,
        found.groups_removed,
        too_many or groups,
    )
