"""Filters, exceptions and protection that the names in a domain suggest."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set

from msgspec import Struct

from addon.directory.snapshot import User
from addon.proposals.names import SchoolName, read_name
from addon.proposals.pattern_words import numbered_pattern
from addon.proposals.reasons import Reason, reason
from addon.proposals.vocabulary import (
    device_stem,
    is_for_devices,
    is_function,
    is_outside,
    is_protected,
    left_by,
    plain_words,
    says_left,
    term_in,
)
from addon.roster.index import DirectoryIndex, within
from addon.tenants.model import Clause, Protected, Selector
from addon.text import fold, path_key

SEVERAL_DEVICES = 2
_MOST_NAMED = 5


class Exclusion(Struct, frozen=True):
    """Whom a selector should leave out, by clauses or as exceptions, each with its reason.

    `users` are ids.
    """

    clauses: tuple[Clause, ...] = ()
    org_units: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


class LeaversPlace(Struct, frozen=True):
    """An OU named for people who have left, and how many people it has."""

    path: str
    people: int


class ClosedPlaces:
    """The OUs of a domain for people who have left, of past school years, and for devices."""

    def __init__(self, index: DirectoryIndex) -> None:
        self._index = index
        paths = {unit.path for unit in index.org_units.values()}
        paths.update(user.org_unit_path for user in index.users.values())
        closed = {path for path in paths if self._is_closed(path.rpartition("/")[2])}
        self._closed = sorted(closed | self._past(paths - closed))

    def _past(self, paths: Iterable[str]) -> set[str]:
        """OUs named for a past school year, unless they have more people than those beside them."""
        beside: dict[str, list[str]] = {}
        for path in paths:
            beside.setdefault(path.rpartition("/")[0], []).append(path)
        found: set[str] = set()
        for siblings in beside.values():
            past = {path for path in siblings if self._is_past(path.rpartition("/")[2])}
            if past and self._people(past) <= self._people(set(siblings) - past):
                found |= past
        return found

    def _is_closed(self, name: str) -> bool:
        words = plain_words(name)
        return left_by(words, self._index.autumn) or is_for_devices(words)

    def _is_past(self, name: str) -> bool:
        autumn, found = self._index.autumn, term_in(name)
        return autumn is not None and found is not None and found[1] < autumn

    def _people(self, paths: Iterable[str]) -> int:
        return sum(len(self._index.in_org_unit(path)) for path in paths)

    def below(self, org_units: Iterable[str]) -> Exclusion:
        """The topmost of such OUs below `org_units`."""
        tops = tuple(fold(path).rstrip("/") + "/" for path in org_units)
        found: list[str] = []
        for path in self._closed:
            if fold(path).startswith(tops) and not any(
                fold(path).startswith(fold(each) + "/") for each in found
            ):
                found.append(path)
        return Exclusion(
            org_units=tuple(found),
            reasons=tuple(
                reason("left-ou", path=path, count=str(len(self._index.in_org_unit(path))))
                for path in found
            ),
        )


def places_of_leavers(index: DirectoryIndex, selector: Selector) -> tuple[LeaversPlace, ...]:
    """OUs that a selector reaches and that are named for people who have left, with their people.

    They are the topmost such at or below its OUs, without those that are empty or exceptions.
    """
    chosen = [within(path) for path in selector.org_units]
    left_out = [within(path) for path in selector.exceptions.org_units]
    found: list[LeaversPlace] = []
    tops: list[Callable[[str], bool]] = []
    for key, unit in sorted(index.org_units.items()):
        skipped = any(top(key) for top in (*tops, *left_out))
        if skipped or not any(top(key) for top in chosen):
            continue
        named = unit.path if unit.path in selector.org_units else unit.path.rpartition("/")[2]
        if any(left_by(plain_words(part), index.autumn) for part in named.split("/")):
            tops.append(within(unit.path))
            if people := len(index.in_org_unit(unit.path)):
                found.append(LeaversPlace(unit.path, people))
    return tuple(found)


def without_devices(index: DirectoryIndex, ids: Iterable[str]) -> Exclusion:
    """Clauses that exclude numbered accounts of nobody, if several of one kind are among `ids`.

    These are shared devices, temporary staff and accounts for tests; new ones are excluded too.
    """
    found = (device_stem(index.users[id].primary_email) for id in ids)
    count = Counter(stem for stem in found if stem)
    stems = sorted(stem for stem, times in count.items() if times >= SEVERAL_DEVICES)
    if not stems:
        return Exclusion()
    pattern = numbered_pattern(stems)
    clause = Clause(attribute="primaryEmail", operator="notMatches", value=pattern)
    return Exclusion(
        clauses=(clause,),
        reasons=tuple(reason("devices", stem=stem, count=str(count[stem])) for stem in stems),
    )


def without_functions(index: DirectoryIndex, ids: Iterable[str], school: SchoolName) -> Exclusion:
    """Exceptions for accounts of a function and not of a person: expedition@, skrivare@."""
    users = (index.users[id] for id in ids)
    found = [user for user in users if is_function(user.primary_email) or _is_of(user, school)]
    if not found:
        return Exclusion()
    addresses = ", ".join(user.primary_email for user in found[:_MOST_NAMED])
    return Exclusion(
        users=tuple(sorted(user.id for user in found)),
        reasons=(reason("function-accounts", addresses=addresses, count=str(len(found))),),
    )


def _is_of(user: User, school: SchoolName) -> bool:
    """Whether an address is the school's own: norraskolan@."""
    local = user.primary_email.partition("@")[0]
    if any(letter.isdigit() for letter in local):
        return False
    name = read_name(local)
    return bool(school.core) and name.core == school.core and (name.school or bool(name.kinds))


def elsewhere(paths: Sequence[str], taken: Iterable[str]) -> Exclusion:
    """Exceptions for the OUs below `paths` that belong to another unit or role."""
    tops = tuple(fold(path).rstrip("/") + "/" for path in paths)
    own = {fold(path) for path in paths}
    others = sorted(
        {p for p in taken if fold(p) not in own and fold(p).startswith(tops)}, key=path_key
    )
    return Exclusion(
        org_units=tuple(others), reasons=tuple(reason("other-below", path=p) for p in others)
    )


class LeftValues:
    """The values of attributes that say that people have left: the title SLUTAT."""

    def __init__(self, index: DirectoryIndex) -> None:
        self._ids: dict[str, dict[str, set[str]]] = {}
        for user in index.users.values():
            for attribute, values in user.attributes.items():
                for value in filter(says_left, values):
                    self._ids.setdefault(attribute, {}).setdefault(value, set()).add(user.id)

    def among(self, ids: Set[str]) -> Exclusion:
        """Clauses that leave out those of `ids` who have such a value."""
        clauses: list[Clause] = []
        reasons: list[Reason] = []
        for attribute, values in sorted(self._ids.items()):
            here = {value: count for value in sorted(values) if (count := len(values[value] & ids))}
            if here:
                clauses.append(Clause(attribute, "notIn", tuple(here)))
                reasons.extend(
                    reason("left-ou", path=value, count=str(count)) for value, count in here.items()
                )
        return Exclusion(clauses=tuple(clauses), reasons=tuple(reasons))


class OutsidePlaces:
    """The OUs of a domain for people in no school unit: preschools, visiting pupils, the board."""

    def __init__(self, index: DirectoryIndex) -> None:
        self._paths = sorted(
            (unit.path for unit in index.org_units.values() if _is_of_no_unit(unit.name)),
            key=path_key,
        )

    def below(self, org_units: Iterable[str]) -> Exclusion:
        """The topmost of them below `org_units`, as exceptions."""
        return elsewhere(tuple(org_units), _topmost(self._paths))


def _is_of_no_unit(name: str) -> bool:
    read = read_name(name)
    if is_outside(plain_words(name)):
        return True
    return read.kinds == {"preschool"} and not read.school


def _topmost(paths: Iterable[str]) -> list[str]:
    found: list[str] = []
    for path in paths:
        if not any(fold(path).startswith(fold(each) + "/") for each in found):
            found.append(path)
    return found


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
