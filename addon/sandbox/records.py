"""The records of a Workspace domain, and their indexes.

Records are plain dicts in the shape of the Directory API, by id, with indexes by address and by
path. The rules for changes are in `addon.sandbox.domain`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from threading import RLock
from typing import Any, NamedTuple

from addon.sandbox.google_objects import (
    JSON,
    addresses_of,
    etag,
    group_id,
    member,
    org_unit_id,
    user_id,
    whole_customer,
    whole_domain,
    whole_group,
    whole_org_unit,
    whole_user,
)
from addon.sandbox.school_units import Unit


class SandboxError(Exception):
    """A change that is not possible in this domain; the message says why."""


class DomainChange(NamedTuple):
    """A change of a user, a group (its members too) or an OU, which was `before` like that.

    `event` is Google's name of it: that of users.watch for a user, of the admin audit log for a
    group or an OU. `thing` is the object as it is now, or was when it was removed.
    """

    event: str
    thing: JSON
    before: JSON | None = None

    @property
    def of_user(self) -> bool:
        """Whether it is the change of a user."""
        return "primaryEmail" in self.thing


class Records:
    """One Workspace customer: users, groups, members, OUs and domains, by id.

    `members` is group id -> member id -> member, direct members only. `deleted` has the removed
    users. `units` is what the generator knows about its school units. `version` increases with
    every change, and `listeners` are called after each with what it changed. `lag` is by how many
    seconds the lists of users are behind. Hold `lock` to read while others may make changes.
    """

    def __init__(
        self,
        customer: Mapping[str, Any] | None = None,
        domains: Iterable[Mapping[str, Any]] = (),
        units: Iterable[Unit] = (),
    ) -> None:
        self.customer = whole_customer(customer or {})
        primary = {"domainName": self.customer["customerDomain"], "isPrimary": True}
        self.domains = [whole_domain(each) for each in list(domains) or [primary]]
        self.units = tuple(units)
        self.users: dict[str, JSON] = {}
        self.deleted: dict[str, JSON] = {}
        self.groups: dict[str, JSON] = {}
        self.members: dict[str, dict[str, JSON]] = {}
        self.org_units: dict[str, JSON] = {}
        self.version = 0
        self.lag = 0.0
        self.lock = RLock()
        self.listeners: list[Callable[[list[DomainChange]], None]] = []
        self._changes: list[DomainChange] = []
        self._users_at: dict[str, str] = {}
        self._groups_at: dict[str, str] = {}
        self._org_units_at: dict[str, str] = {}
        self._groups_with: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_org_unit: dict[str, list[JSON]] | None = None
        self._identities: set[str] = set()
        self._put_org_unit({"orgUnitPath": "/", "name": self.customer["customerDomain"]})

    # Reading

    def find_user(self, key: str) -> JSON | None:
        """Return the user with this id, primary address or alias, or None."""
        return self.users.get(key) or self.users.get(self._users_at.get(key.lower(), ""))

    def find_group(self, key: str) -> JSON | None:
        """Return the group with this id, address or alias, or None."""
        return self.groups.get(key) or self.groups.get(self._groups_at.get(key.lower(), ""))

    def find_org_unit(self, key: str) -> JSON | None:
        """Return the OU with this id or path, or None; the path's first slash is optional."""
        if key.startswith("id:"):
            return self.org_units.get(key)
        path = "/" + key.strip("/").lower()
        return self.org_units.get(self._org_units_at.get(path, ""))

    def org_units_below(self, path: str) -> list[JSON]:
        """Return the OUs below this path, at any depth, without the OU itself."""
        start = path.rstrip("/").lower() + "/"
        found = (at for at in self._org_units_at if at.startswith(start) and at != "/")
        return [self.org_units[self._org_units_at[at]] for at in found]

    def users_directly_in(self, path: str) -> list[JSON]:
        """Return the users in the OU at this path, not those below."""
        if self._by_org_unit is None:
            index: dict[str, list[JSON]] = {}
            for user in self.users.values():
                index.setdefault(user["orgUnitPath"].lower(), []).append(user)
            self._by_org_unit = index
        return self._by_org_unit.get(path.lower(), [])

    def users_in(self, path: str) -> list[JSON]:
        """Return the users in the OU at this path and in those below."""
        if path == "/":
            return list(self.users.values())
        paths = [path, *(unit["orgUnitPath"] for unit in self.org_units_below(path))]
        return [user for each in paths for user in self.users_directly_in(each)]

    def members_of(self, group: str, derived: bool = False) -> list[JSON]:
        """Return the direct members of the group; if `derived`, also those of nested groups."""
        found = dict(self.members[self._group(group)["id"]])
        waiting = [each["id"] for each in found.values() if each["type"] == "GROUP"]
        while derived and waiting:
            for each in self.members.get(waiting.pop(), {}).values():
                if each["id"] not in found:
                    found[each["id"]] = {**each, "role": "MEMBER"}
                    if each["type"] == "GROUP":
                        waiting.append(each["id"])
        return list(found.values())

    def groups_with(self, key: str) -> list[JSON]:
        """Return the groups that this user or group (id or address) is a direct member of."""
        thing = self.find_user(key) or self.find_group(key)
        identity = thing["id"] if thing else user_id(key)
        return [self.groups[each] for each in self._groups_with.get(identity, ())]

    # Finding records that must exist

    def _user(self, key: str) -> JSON:
        if found := self.find_user(key):
            return found
        raise SandboxError(f"no user {key}")

    def _group(self, key: str) -> JSON:
        if found := self.find_group(key):
            return found
        raise SandboxError(f"no group {key}")

    def _org_unit(self, key: str) -> JSON:
        if found := self.find_org_unit(key):
            return found
        raise SandboxError(f"no OU {key}")

    # Adding records

    def _put_user(self, given: Mapping[str, Any]) -> JSON:
        unit = self._org_unit(given.get("orgUnitPath", "/"))
        user = whole_user({**given, "orgUnitPath": unit["orgUnitPath"]}, self.customer["id"])
        self._register(user, given, self._users_at, user_id)
        self.users[user["id"]] = user
        return user

    def _put_group(self, given: Mapping[str, Any]) -> JSON:
        group = whole_group(given)
        self._register(group, given, self._groups_at, group_id)
        self.groups[group["id"]] = group
        self.members[group["id"]] = {}
        return group

    def _put_org_unit(self, given: Mapping[str, Any]) -> JSON:
        path = "/" + str(given["orgUnitPath"]).strip("/")
        if there := self.find_org_unit(path):
            return there
        above = path.rpartition("/")[0]
        parent = None if path == "/" else self._put_org_unit({"orgUnitPath": above})
        unit = whole_org_unit({**given, "orgUnitPath": path}, parent)
        self._identify(unit, "orgUnitId", given, org_unit_id)
        self.org_units[unit["orgUnitId"]] = unit
        self._org_units_at[path.lower()] = unit["orgUnitId"]
        self._note("CREATE_ORG_UNIT", unit)
        return unit

    def _put_org_units(self, given: Iterable[str | Mapping[str, Any]]) -> None:
        """Add OUs as in the JSON form, paths or objects of the API, in any order."""
        units = [{"orgUnitPath": each} if isinstance(each, str) else each for each in given]
        if any(each["orgUnitPath"] == "/" for each in units):
            self.org_units.clear()
            self._org_units_at.clear()
            self._identities.clear()
        for each in sorted(units, key=lambda unit: str(unit["orgUnitPath"]).rstrip("/").count("/")):
            self._put_org_unit(each)

    def _put_member(self, group: str, key: str, role: str = "MEMBER") -> None:
        self._put_made_member(self._group(group), self._member_for(key, role))

    def _given_member(self, given: str | Mapping[str, Any]) -> JSON:
        """Return a member from its JSON form: an address, or an object of the API."""
        if isinstance(given, str):
            return self._member_for(given, "MEMBER")
        key = given.get("email") or given["id"]
        return {**self._member_for(key, given.get("role", "MEMBER")), **given}

    def _put_made_member(self, group: JSON, made: JSON) -> None:
        self.members[group["id"]][made["id"]] = made
        self._groups_with[made["id"]][group["id"]] = None
        self._note("ADD_GROUP_MEMBER", group)
        self._count_members(group)

    def _member_for(self, key: str, role: str) -> JSON:
        if key in {"*", self.customer["id"]}:
            return member(self.customer["id"], "CUSTOMER", role, None, None)
        if user := self.find_user(key):
            status = "SUSPENDED" if user["suspended"] else "ACTIVE"
            return member(user["id"], "USER", role, user["primaryEmail"], status)
        if group := self.find_group(key):
            return member(group["id"], "GROUP", role, group["email"], "ACTIVE")
        if "@" not in key:
            raise SandboxError(f"no user or group {key}")
        return member(user_id(key), "USER", role, key.lower(), None)

    def _register(
        self,
        thing: JSON,
        given: Mapping[str, Any],
        index: dict[str, str],
        derive: Callable[[str], str],
    ) -> None:
        addresses = addresses_of(thing)
        for address in addresses:
            if address in self._users_at or address in self._groups_at:
                raise SandboxError(f"{address} is taken")
        self._identify(thing, "id", given, derive)
        for address in addresses:
            index[address] = thing["id"]

    def _identify(
        self, thing: JSON, key: str, given: Mapping[str, Any], derive: Callable[[str], str]
    ) -> None:
        """Give the record an unused id: as with Google, no id is ever used twice.

        A new OU at the old path of a renamed one is another OU. Raises SandboxError when the
        given id is taken.
        """
        while thing[key] in self._identities:
            if key in given:
                raise SandboxError(f"{given[key]} is taken")
            thing[key] = derive(f"after {thing[key]}")
        self._identities.add(thing[key])

    # Updating dependent values

    def _note(self, event: str, thing: JSON, before: JSON | None = None) -> None:
        """Note a change for the listeners; nothing where nobody listens."""
        if self.listeners:
            self._changes.append(DomainChange(event, thing, before))

    def _tell_listeners(self) -> None:
        changes, self._changes = self._changes, []
        for listener in self.listeners if changes else ():
            listener(changes)

    def _touched(self, thing: JSON, event: str = "update") -> JSON:
        """Give an object that is about to change a new etag, and note the change."""
        if self.listeners:
            self._note(event, thing, deepcopy(thing))
        thing["etag"] = etag(thing.get("id", thing.get("orgUnitId")), self.version)
        return thing

    def _count_members(self, group: JSON) -> None:
        group["directMembersCount"] = str(len(self.members[group["id"]]))

    def _show_in_groups(self, thing: JSON, **values: str) -> None:
        for group in self._groups_with.get(thing["id"], ()):
            self.members[group][thing["id"]].update(values)

    def _leave_all_groups(self, identity: str) -> None:
        for group in self._groups_with.pop(identity, {}):
            del self.members[group][identity]
            self._count_members(self.groups[group])
            self._note("REMOVE_GROUP_MEMBER", self.groups[group])

    def _repath(self, unit: JSON, path: str) -> None:
        """Change the path of an OU and of everything below it."""
        old = unit["orgUnitPath"]
        taken = self.find_org_unit(path)
        if old == "/" or (taken and taken is not unit):
            raise SandboxError(f"{old} cannot become {path}")
        users, below = self.users_in(old), self.org_units_below(old)
        for each in (unit, *below):
            del self._org_units_at[each["orgUnitPath"].lower()]
            each["orgUnitPath"] = path + each["orgUnitPath"][len(old) :]
            self._org_units_at[each["orgUnitPath"].lower()] = each["orgUnitId"]
            self._touched(each, "EDIT_ORG_UNIT_NAME")
        unit["name"] = path.rpartition("/")[2]
        for each in (unit, *below):
            parent = self._org_unit(each["orgUnitPath"].rpartition("/")[0])
            each["parentOrgUnitPath"] = parent["orgUnitPath"]
            each["parentOrgUnitId"] = parent["orgUnitId"]
        for user in users:  # Google tells of the OU only
            user["etag"] = etag(user["id"], self.version)
            user["orgUnitPath"] = path + user["orgUnitPath"][len(old) :]
        self._by_org_unit = None
