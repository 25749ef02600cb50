"""The question of how an OU that several units share is split, with the outcome of each answer."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations

from msgspec import Struct

from addon.proposals.names import read_name
from addon.proposals.shared_trees import SharedTree
from addon.proposals.tree_splits import SplitBy, TreePart, TreeSplit
from addon.tenants.model import Tenant
from addon.web.presenters.proposals import ProposalsView

OWN = "own"
NOBODY = ""
"""The owner of a part that belongs to no unit."""
LAST_YEARS = frozenset({"3", "5", "6"})
"""The school years after which schools are often split."""


class UnitShare(Struct, frozen=True):
    """The parts of an OU that a unit gets, and how many people are in them."""

    code: str
    name: str
    parts: tuple[TreePart, ...]

    @property
    def people(self) -> int:
        """How many people are in the parts."""
        return sum(part.people for part in self.parts)


class TreeWay(Struct, frozen=True):
    """One answer: `value` identifies it in a form."""

    value: str
    by: SplitBy
    shares: tuple[UnitShare, ...]


class TreeQuestion(Struct, frozen=True):
    """How the OU at `path` is split between units; `names` are theirs, by code.

    `ways` are the answers on offer. `choice` is the one that was chosen, `OWN` and a way to split
    for an answer part by part, and `owners` has the units of its parts then, by the part's name.
    """

    path: str
    names: Mapping[str, str]
    splits: tuple[TreeSplit, ...]
    ways: tuple[TreeWay, ...]
    choice: str = ""
    owners: Mapping[str, str] = {}

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the units."""
        return tuple(self.names)

    @property
    def people(self) -> int:
        """How many people are in the parts of the first way to split the OU."""
        return sum(part.people for part in self.splits[0].parts)

    @property
    def chosen(self) -> TreeWay | None:
        """The chosen answer; None while there is none."""
        by = self.choice.removeprefix(f"{OWN}:")
        if by == self.choice:
            return next((way for way in self.ways if way.value == self.choice), None)
        split = next((split for split in self.splits if split.by == by), None)
        if split is None:
            return None
        owners = [self.owners.get(part.name, NOBODY) for part in split.parts]
        return _way(split, self.names, owners)

    @property
    def nobodys(self) -> int:
        """How many people are in parts that the chosen answer gives to no unit."""
        way = self.chosen
        if way is None:
            return 0
        split = next(split for split in self.splits if split.by == way.by)
        return sum(part.people for part in split.parts) - sum(s.people for s in way.shares)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The names of the units that the chosen answer gives nothing."""
        way = self.chosen
        return () if way is None else tuple(s.name for s in way.shares if not s.parts)


def questions(found: ProposalsView, tenant: Tenant) -> tuple[TreeQuestion, ...]:
    """Return the questions about OUs that units without a selection share."""
    return tuple(_question(tree, tenant.unit_names) for tree in found.questions)


def _question(tree: SharedTree, names: Mapping[str, str]) -> TreeQuestion:
    own = {code: names[code] for code in tree.units}
    ways = tuple(way for split in tree.splits for way in _ways(split, own))
    named = tuple(way for way in ways if _is_as_named(way)) or ways
    return TreeQuestion(
        tree.path, own, tree.splits, named, choice=named[0].value if len(named) == 1 else ""
    )


def _is_as_named(way: TreeWay) -> bool:
    """Whether every unit whose name says school years gets only such years."""
    said = {share.code: read_name(share.name).years for share in way.shares}
    return way.by != "years" or all(
        int(part.name) in said[share.code]
        for share in way.shares
        for part in share.parts
        if said[share.code]
    )


def _ways(split: TreeSplit, names: Mapping[str, str]) -> Iterator[TreeWay]:
    """The usual ways: stages one after another, or one part each; in both orders for two units."""
    orders = list(permutations(names)) if len(names) == 2 else [tuple(names)]
    for cuts in _cuts(split, len(names)):
        for order in orders:
            owners = [order[sum(n >= cut for cut in cuts)] for n in range(len(split.parts))]
            yield _way(split, names, owners)


def _cuts(split: TreeSplit, units: int) -> Iterator[tuple[int, ...]]:
    """Where the parts can be cut, as the numbers of the first parts after the cuts."""
    parts = split.parts
    if split.by == "years":
        ends = [n for n in range(1, len(parts)) if parts[n - 1].name in LAST_YEARS]
        yield from combinations(ends, units - 1)
    elif len(parts) == units == 2:
        yield (1,)


def _way(split: TreeSplit, names: Mapping[str, str], owners: Sequence[str]) -> TreeWay:
    numbers = {code: str(n) for n, code in enumerate(names)}
    pairs = list(zip(split.parts, owners, strict=True))
    return TreeWay(
        value=f"{split.by}:{'.'.join(numbers.get(owner, '-') for owner in owners)}",
        by=split.by,
        shares=tuple(
            UnitShare(code, name, tuple(part for part, owner in pairs if owner == code))
            for code, name in names.items()
        ),
    )
