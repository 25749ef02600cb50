"""What a vendor cannot take of the tenant's data, and whom that concerns, by name."""

from collections.abc import Mapping

from msgspec import Struct

from addon.directory.snapshot import User
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Connection
from addon.text import sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.resource_names import alphabetical, full_name


class Reduced(Struct, frozen=True):
    """Someone who has more placements than the vendor can take."""

    id: str
    name: str


class LeftGroup(Struct, frozen=True):
    """A teaching group that the vendor does not take."""

    unit: str
    name: str
    students: int


class VendorLimitations(Struct, frozen=True):
    """The people and groups that the vendor takes only in part or not at all; sorted by name."""

    people: tuple[Reduced, ...] = ()
    groups: tuple[LeftGroup, ...] = ()


def lacking(directory: TenantDirectory, vendor: str) -> VendorLimitations:
    """Return what the vendor cannot take of the data sent to it. Raises StillComputing."""
    connection = directory.tenant.connection(vendor)
    if connection is None or not connection.school_units:
        return VendorLimitations()
    prepared, users = directory.prepared, directory.users
    return directory.get_or_compute(
        DirectoryResult.VENDOR_LIMITATIONS, lambda: _lacking(connection, prepared, users), vendor
    )


def _lacking(
    connection: Connection, prepared: PreparedRun, users: Mapping[str, User]
) -> VendorLimitations:
    vendor_roster = prepared.vendor_rosters.get(connection.vendor)
    if vendor_roster is None:
        return VendorLimitations()
    about = [users[f.subject] for f in vendor_roster.findings if f.subject in users]
    units = prepared.tenant.unit_names
    kinds = {group.kind for group in vendor_roster.groups}
    left = [
        LeftGroup(units[group.unit], group.name, len(group.students))
        for group in prepared.roster.groups
        if group.kind not in kinds and group.kind == "teaching"
        if group.unit in connection.school_units
    ]
    return VendorLimitations(
        tuple(Reduced(user.id, full_name(user)) for user in sorted(about, key=alphabetical)),
        tuple(sorted(left, key=lambda g: (sort_key(g.unit), sort_key(g.name)))),
    )
