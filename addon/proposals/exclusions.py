"""Filters and protection that the names in a domain suggest."""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from addon.proposals.pattern_candidates import literal
from addon.proposals.reasons import Reason, reason
from addon.proposals.vocabulary import device_stem, is_left, is_protected, plain_words
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Clause, Protected
from addon.text import fold, path_key

SEVERAL_DEVICES = 3


class NeededClauses(Struct, frozen=True):
    """Clauses to add to a selector, each with its reason."""

    clauses: tuple[Clause, ...] = ()
    reasons: tuple[Reason, ...] = ()


class ClosedPlaces:
    """The OUs of a domain for people who have left."""

    def __init__(self, index: DirectoryIndex) -> None:
        self._index = index
        paths = {unit.path for unit in index.org_units.values()}
        paths.update(user.org_unit_path for user in index.users.values())
        self._left = [p for p in sorted(paths) if is_left(plain_words(p.rpartition("/")[2]))]
        self._folded = [fold(path) for path in paths]

    def below(self, org_units: Iterable[str]) -> NeededClauses:
        """Clauses that exclude the people in such OUs below `org_units`."""
        tops = [fold(path).rstrip("/") + "/" for path in org_units]
        found: dict[str, str] = {}
        for path in self._left:
            if any(fold(path).startswith(top) for top in tops):
                found.setdefault("/" + path.rpartition("/")[2], path)
        return NeededClauses(
            tuple(self._clause(segment) for segment in found),
            tuple(
                reason("left-ou", path=path, count=str(len(self._index.in_org_unit(path))))
                for path in found.values()
            ),
        )

    def _clause(self, segment: str) -> Clause:
        """A clause that excludes the OU, but no OU whose name merely begins with its name."""
        part = fold(segment)
        if any(part in f and part + "/" not in f + "/" for f in self._folded):
            pattern = f"{literal(segment)}(/|$)"
            return Clause(attribute="orgUnitPath", operator="notMatches", value=pattern)
        return Clause(attribute="orgUnitPath", operator="notContains", value=segment)


def without_devices(index: DirectoryIndex, ids: Iterable[str]) -> NeededClauses:
    """Clauses that exclude shared devices, if several of one kind are among `ids`."""
    found = (device_stem(index.users[id].primary_email) for id in ids)
    count = Counter(stem for stem in found if stem)
    stems = sorted(stem for stem, times in count.items() if times >= SEVERAL_DEVICES)
    if not stems:
        return NeededClauses()
    either = literal(stems[0]) if len(stems) == 1 else f"(?:{'|'.join(map(literal, stems))})"
    clause = Clause(attribute="primaryEmail", operator="notMatches", value=rf"^{either}\d+@")
    return NeededClauses(
        (clause,), tuple(reason("devices", stem=stem, count=str(count[stem])) for stem in stems)
    )


def elsewhere(paths: Sequence[str], taken: Iterable[str]) -> NeededClauses:
    """Clauses that exclude the OUs below `paths` that belong to another unit or role."""
    tops = [fold(path).rstrip("/") + "/" for path in paths]
    own = {fold(path) for path in paths}
    others = sorted(
        {p for p in taken if fold(p) not in own and any(fold(p).startswith(top) for top in tops)},
        key=path_key,
    )
    return NeededClauses(
        tuple(
            Clause(attribute="orgUnitPath", operator="notContains", value=path) for path in others
        ),
        tuple(reason("other-below", path=path) for path in others),
    )


def protected_places(
    index: DirectoryIndex, protected: Protected
) -> tuple[Protected, tuple[Reason, ...]]:
    """The OUs and groups that are named for protected identity and not yet chosen."""
    known = {fold(path).rstrip("/") for path in protected.org_units}
    org_units: list[str] = []
    for unit in sorted(index.org_units.values(), key=lambda unit: path_key(unit.path)):
        folded = fold(unit.path)
        if is_protected(plain_words(unit.name)) and not any(
            (folded + "/").startswith(top + "/") for top in known
        ):
            known.add(folded)
            org_units.append(unit.path)
    chosen = set(map(fold, protected.groups))
    groups = tuple(
        group.email
        for group in sorted(index.groups, key=lambda group: group.email)
        if chosen.isdisjoint(map(fold, (group.email, *group.aliases)))
        and any(
            is_protected(plain_words(text)) for text in (group.email.partition("@")[0], group.name)
        )
    )
    return Protected(groups=groups, org_units=tuple(org_units)), (
        *(reason("protected-ou", path=path) for path in org_units),
        *(reason("protected-group", group=address) for address in groups),
    )
