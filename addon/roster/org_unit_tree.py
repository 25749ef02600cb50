"""The OU tree of a domain with the number of people at each node."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from addon.roster.index import DirectoryIndex
from addon.text import fold, sort_key


class OrgUnitNode(Struct, frozen=True):
    """An OU. `users` counts the active users in it, `users_below` also those in the OUs below.

    The root has the path and the name "/". `children` are in Swedish alphabetical order.
    """

    path: str
    name: str
    users: int
    users_below: int
    children: "tuple[OrgUnitNode, ...]" = ()


def org_unit_tree(index: DirectoryIndex) -> OrgUnitNode:
    """The domain's OUs from the root, including OUs known only from users' paths."""
    counts = Counter(user.org_unit_path for user in index.users.values())
    users: Counter[str] = Counter()
    spelled: dict[str, str] = {"": "/"}
    for path, count in counts.items():
        users[_key(path)] += count
        _spell(path, spelled)
    for unit in index.org_units.values():
        _spell(unit.path, spelled)
        spelled[_key(unit.path)] = unit.path if _key(unit.path) else "/"
    children: dict[str, list[str]] = {}
    for key in spelled:
        if key:
            children.setdefault(key.rpartition("/")[0], []).append(key)
    return _node("", spelled, users, children)


def _key(path: str) -> str:
    return fold(path).rstrip("/")


def _spell(path: str, spelled: dict[str, str]) -> None:
    """Record how `path` and every OU above it are spelled."""
    while path.strip("/"):
        path = path.rstrip("/")
        if spelled.setdefault(fold(path), path) is not path:
            return
        path = path.rpartition("/")[0]


def _node(
    key: str,
    spelled: Mapping[str, str],
    users: Mapping[str, int],
    children: Mapping[str, list[str]],
) -> OrgUnitNode:
    below = [_node(child, spelled, users, children) for child in children.get(key, ())]
    below.sort(key=lambda node: sort_key(node.name))
    path, here = spelled[key], users.get(key, 0)
    return OrgUnitNode(
        path=path,
        name=path.rpartition("/")[2] or "/",
        users=here,
        users_below=here + sum(node.users_below for node in below),
        children=tuple(below),
    )
