"""The domain's organisational units as an indented list of checkboxes, open where one is ticked."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from addon.roster.index import within
from addon.roster.org_unit_tree import OrgUnitNode, org_unit_tree
from addon.text import fold
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult

WHOLE = 400
"""Trees of up to this many nodes are sent whole; larger ones load a node's children on opening."""
SPREAD = 3
"""With at most this many nodes at the top level, these are open from the beginning."""


class TreeRow(Struct, frozen=True):
    """A node of the tree as shown.

    `ticked` are the columns ticked at this node, `included` those ticked at a node above it.
    `children` is None if they are left out until the node is opened; `below` is the number of
    nodes below.
    """

    path: str
    name: str
    level: int
    people: int
    ticked: frozenset[str]
    included: frozenset[str]
    open: bool
    below: int
    children: "tuple[TreeRow, ...] | None"


def tree(directory: TenantDirectory) -> OrgUnitNode:
    """Return the domain's tree with the number of active people at and below each node."""
    index = directory.index
    return directory.get_or_compute(DirectoryResult.ORG_UNIT_TREE, lambda: org_unit_tree(index))


def paths(directory: TenantDirectory) -> Mapping[str, str]:
    """Return the spelling of each OU's path, by its folded form."""
    top = tree(directory)
    return directory.get_or_compute(
        DirectoryResult.ORG_UNIT_PATHS, lambda: {fold(node.path): node.path for node in _all(top)}
    )


def rows(
    top: OrgUnitNode, columns: Mapping[str, Sequence[str]], opened: Collection[str] = ()
) -> tuple[TreeRow, ...]:
    """Return the tree's rows: the whole domain, then the nodes below it.

    `columns` has the ticked paths by column. The ancestors of ticked nodes are open, and the paths
    in `opened`.
    """
    shown = _Shown(columns, opened, _size(top) <= WHOLE)
    root = shown.row(structs.replace(top, children=()), 0, frozenset(), False)
    spread = len(top.children) <= SPREAD
    return (root, *(shown.row(child, 0, root.ticked, spread) for child in top.children))


def below(
    top: OrgUnitNode, path: str, columns: Mapping[str, Sequence[str]], opened: Collection[str] = ()
) -> TreeRow | None:
    """Return the row of the node at `path` with its children; None if there is no such node."""
    node, level = _find(top, _key(path))
    if node is None or level < 0:
        return None
    above = frozenset(
        name
        for name, ticks in columns.items()
        if any(within(tick)(fold(path)) and _key(tick) != _key(path) for tick in ticks)
    )
    return _Shown(columns, (path, *opened), False).row(node, level, above, True)


def absent(top: OrgUnitNode, ticks: Sequence[str]) -> tuple[str, ...]:
    """Return the ticked paths that are not in the tree."""
    return tuple(path for path in ticks if _find(top, _key(path))[0] is None)


class _Shown:
    """Makes rows of nodes, given which are ticked and which are open."""

    def __init__(
        self, columns: Mapping[str, Sequence[str]], opened: Collection[str], whole: bool
    ) -> None:
        self._whole = whole
        self._marked = {name: set(map(_key, ticks)) for name, ticks in columns.items()}
        self._open = set(map(_key, opened))
        for key in (*self._open, *(key for keys in self._marked.values() for key in keys)):
            parts = key.split("/")
            self._open |= {"/".join(parts[:n]) for n in range(2, len(parts))}

    def row(self, node: OrgUnitNode, level: int, above: frozenset[str], spread: bool) -> TreeRow:
        """Return the row of a node, with its children unless they are left out."""
        key = _key(node.path)
        ticks = frozenset(name for name, keys in self._marked.items() if key in keys)
        is_open = spread or key in self._open
        children: tuple[TreeRow, ...] | None = ()
        if node.children:
            children = None
            if self._whole or is_open:
                under = above | ticks
                children = tuple(self.row(c, level + 1, under, False) for c in node.children)
        return TreeRow(
            path=node.path,
            name=node.name,
            level=level,
            people=node.users_below,
            ticked=ticks,
            included=above,
            open=is_open,
            below=_size(node) - 1,
            children=children,
        )


def _key(path: str) -> str:
    """Return the folded path by which nodes are compared; empty for the root."""
    return fold(path).rstrip("/")


def _find(node: OrgUnitNode, key: str, level: int = -1) -> tuple[OrgUnitNode | None, int]:
    if _key(node.path) == key:
        return node, level
    for child in node.children:
        own = _key(child.path)
        if key == own or key.startswith(own + "/"):
            return _find(child, key, level + 1)
    return None, level


def _all(node: OrgUnitNode) -> Iterator[OrgUnitNode]:
    yield node
    for child in node.children:
        yield from _all(child)


def _size(node: OrgUnitNode) -> int:
    return 1 + sum(_size(child) for child in node.children)
