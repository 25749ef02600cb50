"""What the OUs and groups of a tenant looked like, to tell what has changed since. Pure."""

from collections.abc import Mapping

from msgspec import Struct


class GroupSeen(Struct, frozen=True, array_like=True):
    """Digests of what a group is called, and of its etag and number of direct members."""

    names: bytes
    members: bytes


class PlacesSeen(Struct, frozen=True):
    """A digest of all OUs, and the groups by id."""

    org_units: bytes = b""
    groups: Mapping[str, GroupSeen] = {}

    def groups_changed_since(self, before: "PlacesSeen") -> frozenset[str] | None:
        """Return the ids of the groups whose members may be others.

        None if anything else has changed: an OU, or which groups there are, or their names.
        """
        if self.org_units != before.org_units or self.groups.keys() != before.groups.keys():
            return None
        pairs = [(key, before.groups[key], seen) for key, seen in self.groups.items()]
        if any(old.names != new.names for _, old, new in pairs):
            return None
        return frozenset(key for key, old, new in pairs if old.members != new.members)
