"""groups.list, groups.get, members.list and members.hasMember."""

from addon.sandbox.directory_api import search
from addon.sandbox.directory_api.errors import invalid, not_found
from addon.sandbox.directory_api.pages import Pages, listing
from addon.sandbox.directory_api.parameters import Parameters, choice, number, scope, truth
from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON

_ROLES = {"OWNER", "MANAGER", "MEMBER"}


def list_groups(domain: Domain, pages: Pages, parameters: Parameters) -> JSON:
    """Return a page of the requested groups."""
    size = number(parameters, "maxResults", 200, 200)
    groups, token = pages.page(
        "groups", parameters, size, domain.version, lambda: _select(domain, parameters)
    )
    return listing("groups", "groups", groups, token)


def get_group(domain: Domain, key: str) -> JSON:
    """Return the group with this id, address or alias."""
    group = domain.find_group(key)
    if group is None:
        raise not_found("groupKey")
    return group


def list_members(domain: Domain, pages: Pages, key: str, parameters: Parameters) -> JSON:
    """Return a page of the group's members."""
    group = get_group(domain, key)["id"]
    size = number(parameters, "maxResults", 200, 200)
    members, token = pages.page(
        f"members of {group}",
        parameters,
        size,
        domain.version,
        lambda: _members(domain, group, parameters),
    )
    return listing("members", "members", members, token)


def has_member(domain: Domain, key: str, member_key: str) -> JSON:
    """Return whether a user or group is a member of the group, directly or not."""
    group = get_group(domain, key)["id"]
    member = domain.find_user(member_key) or domain.find_group(member_key)
    if member is None:
        raise not_found("memberKey")
    members = domain.members_of(group, derived=True)
    return {"isMember": any(each["id"] == member["id"] for each in members)}


def _members(domain: Domain, group: str, parameters: Parameters) -> list[JSON]:
    roles = set(parameters.get("roles", ",".join(_ROLES)).upper().split(","))
    if not roles <= _ROLES:
        raise invalid("roles")
    members = domain.members_of(group, truth(parameters, "includeDerivedMembership"))
    return [member for member in members if member["role"] in roles]


def _select(domain: Domain, parameters: Parameters) -> list[JSON]:
    groups = _candidates(domain, parameters)
    for clause in search.parse(parameters.get("query", "")):
        if clause.field == "memberKey" and clause.operator == "=":
            inside = {group["id"] for group in domain.groups_with(clause.value)}
            groups = [group for group in groups if group["id"] in inside]
        else:
            test = search.group_test(clause)
            groups = [group for group in groups if test(group)]
    order = choice(parameters, "orderBy", ("", "email"))
    direction = choice(parameters, "sortOrder", ("ASCENDING", "DESCENDING"))
    if order:
        groups.sort(key=lambda group: str(group["email"]), reverse=direction == "DESCENDING")
    return groups


def _candidates(domain: Domain, parameters: Parameters) -> list[JSON]:
    if "userKey" in parameters:
        return _groups_of_user(domain, parameters)
    of_domain = scope(domain, parameters)
    groups = list(domain.groups.values())
    if of_domain is None:
        return groups
    return [group for group in groups if group["email"].endswith(f"@{of_domain}")]


def _groups_of_user(domain: Domain, parameters: Parameters) -> list[JSON]:
    if "customer" in parameters:
        raise invalid("userKey")
    key = parameters["userKey"]
    groups = domain.groups_with(key)
    if not groups and domain.find_user(key) is None:
        raise not_found("userKey")
    return groups
