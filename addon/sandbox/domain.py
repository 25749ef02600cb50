"""A Google Workspace domain in memory, and the changes that can be made to it.

`Domain` has plain dicts in the shape of the Directory API. They may be read directly, but are
changed only by the story methods, which follow Google's rules: ids never change, an old address
is kept as an alias, and renaming an OU moves everyone below it.

The JSON form, of which only the parts that matter need to be written:

    {
      "customer": {"id": "C0storkoping", "customerDomain": "edu.storkoping.se"},
      "domains": [{"domainName": "edu.storkoping.se", "isPrimary": true}],
      "orgUnits": [{"orgUnitPath": "/Elever/7A"}, "/Elever/7B"],
      "users": [{"primaryEmail": "ada@edu.storkoping.se", "orgUnitPath": "/Elever/7A",
                 "name": {"givenName": "Ada", "familyName": "Ek"}}],
      "groups": [{"email": "7a-ma@edu.storkoping.se", "name": "7A Ma"}],
      "members": {"7a-ma@edu.storkoping.se": [
          "ada@edu.storkoping.se", {"email": "lärare@edu.storkoping.se", "role": "OWNER"}]}
    }

Objects are the Directory API's; everything left out is filled in, and ids are derived from the
address or path. OUs that users are in need not be listed, nor their parents. The member `"*"` is
the whole customer; an address that is neither a user nor a group is an external member.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from addon.sandbox.google_objects import DELETED, JSON, addresses_of, set_addresses, set_name
from addon.sandbox.records import Records, SandboxError
from addon.sandbox.school_units import Unit

__all__ = ["CHANGES", "Domain", "SandboxError"]

P = ParamSpec("P")
R = TypeVar("R")

CHANGES: dict[str, Callable[..., object]] = {}
"""The story methods by name."""


def _change(
    method: Callable[Concatenate["Domain", P], R],
) -> Callable[Concatenate["Domain", P], R]:
    """Make a method a story method: it holds the lock and increments the domain's version."""

    @wraps(method)
    def alone(domain: "Domain", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with domain.lock:
            domain.version += 1
            domain._by_org_unit = None
            domain._changes = []
            result = method(domain, *args, **kwargs)
            domain._tell_listeners()
            return result

    CHANGES[method.__name__] = alone
    return alone


class Domain(Records):
    """A Workspace domain that can be changed.

    Users, groups and OUs are named by id, address or path. A change raises SandboxError, and
    changes nothing, when a name does not exist or is taken.
    """

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Domain":
        """Return the domain that a JSON object (see the module) describes."""
        units = [Unit.from_json(each) for each in given.get("schoolUnits", ())]
        domain = cls(given.get("customer"), given.get("domains", ()), units)
        domain._put_org_units(given.get("orgUnits", ()))
        domain.deleted = {each["id"]: dict(each) for each in given.get("deletedUsers", ())}
        domain._identities.update(domain.deleted)
        for user in given.get("users", ()):
            domain._put_org_unit({"orgUnitPath": user.get("orgUnitPath", "/")})
            domain._put_user(user)
        for group in given.get("groups", ()):
            domain._put_group(group)
        for group, members in given.get("members", {}).items():
            for each in members:
                domain._put_made_member(domain._group(group), domain._given_member(each))
        return domain

    def to_json(self) -> JSON:
        """Return the whole domain in the JSON form, the inverse of `from_json`."""
        return {
            "customer": self.customer,
            "domains": self.domains,
            "schoolUnits": [unit.to_json() for unit in self.units],
            "orgUnits": sorted(self.org_units.values(), key=lambda unit: str(unit["orgUnitPath"])),
            "users": list(self.users.values()),
            "groups": list(self.groups.values()),
            "members": {
                self.groups[group]["email"]: list(members.values())
                for group, members in self.members.items()
            },
            "deletedUsers": list(self.deleted.values()),
        }

    # Story methods: users

    @_change
    def add_user(self, user: Mapping[str, Any], groups: Iterable[str] = ()) -> JSON:
        """Create a user (as in users.insert) and add them to groups."""
        joined = [self._group(group) for group in groups]
        added = self._put_user(user)
        for group in joined:
            self._put_made_member(group, self._member_for(added["id"], "MEMBER"))
        self._note("add", added)
        return added

    @_change
    def remove_user(self, user: str) -> None:
        """Delete a user, also from all groups; only showDeleted lists them after that."""
        gone = self.users.pop(self._user(user)["id"])
        for address in addresses_of(gone):
            del self._users_at[address]
        self._leave_all_groups(gone["id"])
        self.deleted[gone["id"]] = {**gone, "deletionTime": DELETED}
        self._note("delete", gone, gone)

    @_change
    def restore_user(self, user: str) -> JSON:
        """Restore a user, by id, who was deleted; the groups stay without them."""
        if user not in self.deleted:
            raise SandboxError(f"no deleted user {user}")
        found = self.deleted[user]
        for address in addresses_of(found):
            if address in self._users_at or address in self._groups_at:
                raise SandboxError(f"{address} is taken")
        restored = {key: value for key, value in found.items() if key != "deletionTime"}
        restored["orgUnitPath"] = (self.find_org_unit(found["orgUnitPath"]) or {}).get(
            "orgUnitPath", "/"
        )
        del self.deleted[user]
        self._users_at |= dict.fromkeys(addresses_of(restored), user)
        self.users[user] = self._touched(restored, "undelete")
        return restored

    @_change
    def suspend(self, user: str, suspended: bool = True) -> None:
        """Suspend a user, or lift the suspension."""
        found = self._touched(self._user(user))
        found["suspended"] = suspended
        found.pop("suspensionReason", None)
        if suspended:
            found["suspensionReason"] = "ADMIN"
        self._show_in_groups(found, status="SUSPENDED" if suspended else "ACTIVE")

    @_change
    def archive(self, user: str, archived: bool = True) -> None:
        """Archive a user, or restore them."""
        self._touched(self._user(user))["archived"] = archived

    @_change
    def rename_user(
        self, user: str, given_name: str | None = None, family_name: str | None = None
    ) -> None:
        """Change a user's name; a part that is None is kept, an empty one is removed."""
        found = self._touched(self._user(user))
        name = found["name"]
        given = name.get("givenName") if given_name is None else given_name
        set_name(found, given, name.get("familyName") if family_name is None else family_name)

    @_change
    def change_address(self, user: str, address: str, alias: bool = True) -> None:
        """Change a user's primary address; the old one becomes an alias, or free."""
        found, address = self._touched(self._user(user)), address.lower()
        if self._users_at.get(address, found["id"]) != found["id"] or address in self._groups_at:
            raise SandboxError(f"{address} is taken")
        old = found["primaryEmail"]
        if not alias and old != address:
            del self._users_at[old]
        kept = (each for each in addresses_of(found) if alias or each != old)
        set_addresses(found, address, [each for each in kept if each != address])
        self._users_at[address] = found["id"]
        self._show_in_groups(found, email=address)

    @_change
    def update_user(self, user: str, values: Mapping[str, Any]) -> None:
        """Set other keys of the user (organizations, customSchemas); None removes one."""
        found = self._touched(self._user(user))
        for key, value in values.items():
            if key in {"id", "primaryEmail", "name", "orgUnitPath", "aliases"}:
                raise SandboxError(f"{key} has a method of its own or never changes")
            found.pop(key, None)
            if value is not None:
                found[key] = value

    @_change
    def move_user(self, user: str, org_unit: str) -> None:
        """Move a user to the OU at this path, which must exist."""
        path = self._org_unit(org_unit)["orgUnitPath"]
        self._touched(self._user(user))["orgUnitPath"] = path

    @_change
    def move_people(self, path: str, to: str) -> None:
        """Move everybody in an OU, and below it, to the same OUs at another path."""
        source = self._org_unit(path)["orgUnitPath"]
        for user in self.users_in(source):
            below = user["orgUnitPath"][len(source) :]
            target = self._put_org_unit({"orgUnitPath": to + below})["orgUnitPath"]
            self._touched(user)["orgUnitPath"] = target
        self._by_org_unit = None

    # Story methods: organisational units

    @_change
    def add_org_unit(self, path: str) -> JSON:
        """Create the OU at this path, and its missing parents."""
        return self._put_org_unit({"orgUnitPath": path})

    @_change
    def remove_org_unit(self, path: str) -> None:
        """Delete an OU, which must be empty, as with Google."""
        found = self._org_unit(path)
        at = found["orgUnitPath"]
        if at == "/" or self.org_units_below(at) or self.users_directly_in(at):
            raise SandboxError(f"{at} is not empty")
        del self._org_units_at[at.lower()], self.org_units[found["orgUnitId"]]
        self._note("REMOVE_ORG_UNIT", found)

    @_change
    def rename_org_unit(self, path: str, name: str) -> None:
        """Rename an OU: the paths of all users and OUs below it change, ids do not."""
        found = self._org_unit(path)
        parent = found["orgUnitPath"].rpartition("/")[0]
        self._repath(found, f"{parent}/{name}")

    @_change
    def move_org_unit(self, path: str, parent: str) -> None:
        """Move an OU, with everything below it, to another parent."""
        found, above = self._org_unit(path), self._org_unit(parent)["orgUnitPath"]
        if (above + "/").lower().startswith((found["orgUnitPath"] + "/").lower()):
            raise SandboxError("an OU cannot be moved below itself")
        self._repath(found, f"{above.rstrip('/')}/{found['name']}")

    # Story methods: groups

    @_change
    def add_group(
        self, group: Mapping[str, Any], members: Iterable[str | Mapping[str, Any]] = ()
    ) -> JSON:
        """Create a group (as in groups.insert) with members."""
        joining = [self._given_member(each) for each in members]
        added = self._put_group(group)
        self._note("CREATE_GROUP", added)
        for each in joining:
            self._put_made_member(added, each)
        return added

    @_change
    def remove_group(self, group: str) -> None:
        """Delete a group, but not its members."""
        gone = self.groups.pop(self._group(group)["id"])
        for address in addresses_of(gone):
            del self._groups_at[address]
        for each in self.members.pop(gone["id"]):
            self._groups_with[each].pop(gone["id"], None)
        self._leave_all_groups(gone["id"])
        self._note("DELETE_GROUP", gone)

    @_change
    def rename_group(self, group: str, email: str | None = None, name: str | None = None) -> None:
        """Change a group's address (the old one becomes an alias), its name, or both."""
        found = self._touched(self._group(group), "CHANGE_GROUP_SETTING")
        if name is not None:
            found["name"] = name
        if email is not None:
            email = email.lower()
            if self._groups_at.get(email, found["id"]) != found["id"] or email in self._users_at:
                raise SandboxError(f"{email} is taken")
            if email != found["email"]:
                found["aliases"] = [each for each in addresses_of(found) if each != email]
            found["email"] = email
            self._groups_at[email] = found["id"]
            self._show_in_groups(found, email=email)

    @_change
    def add_member(self, group: str, member: str, role: str = "MEMBER") -> None:
        """Add a user, a group, an external address or everyone (`*`) to a group."""
        self._put_member(group, member, role)

    @_change
    def remove_member(self, group: str, member: str) -> None:
        """Remove a direct member from a group."""
        found = self._group(group)
        identity = self._member_for(member, "MEMBER")["id"]
        if self.members[found["id"]].pop(identity, None) is None:
            raise SandboxError(f"{member} is not a member of {group}")
        self._groups_with[identity].pop(found["id"], None)
        self._count_members(found)
        self._note("REMOVE_GROUP_MEMBER", found)
