"""Decides where all units' students and staff are, before selectors are made."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from addon.proposals.matching import Match, Matches, UnitMatcher, UnitToMatch
from addon.proposals.names import read_name
from addon.proposals.places import Place, group_places, org_unit_places, role_nodes
from addon.proposals.scope import Inside
from addon.proposals.vocabulary import Role, plain_words, role_of
from addon.roster.index import DirectoryIndex
from addon.roster.org_unit_tree import OrgUnitNode
from addon.tenants.model import Clause

_GROUP_FITS = 0.67
_GUESTS_FIT = 0.6
_STAGE_FITS = 0.6
_SAME_PLACE = 0.03
_MOST_VALUES = 400
_CLOSE = 0.005
_FEWEST_IN_GROUP = 0.05


class MatchedUnit(Struct, frozen=True):
    """Where one unit's people are. `more` are OUs of other stages of the same school.

    `staff_groups` and `guest_groups` have staff and students who are not in the places.
    """

    students: Match | None = None
    staff: Match | None = None
    more_students: tuple[Place, ...] = ()
    more_staff: tuple[Place, ...] = ()
    staff_groups: tuple[Place, ...] = ()
    guest_groups: tuple[Place, ...] = ()
    near_students: tuple[tuple[Place, float], ...] = ()
    near_staff: tuple[tuple[Place, float], ...] = ()

    def paths(self, role: Role) -> tuple[str, ...]:
        """The OUs of a role."""
        match, more = (
            (self.students, self.more_students)
            if role == "students"
            else (self.staff, self.more_staff)
        )
        places = (*((match.place,) if match else ()), *more)
        return tuple(path for place in places for path in place.org_units)


class PlaceMatcher:
    """Finds places for units, which are given in the register's order."""

    def __init__(
        self,
        index: DirectoryIndex,
        inside: Inside,
        tree: OrgUnitNode,
        units: Sequence[UnitToMatch],
        ignored: frozenset[str],
    ) -> None:
        self._inside = inside
        self._index, self._tree, self._units, self._ignored_words = index, tree, units, ignored
        self._org_units = org_unit_places(tree, ignored)
        self._groups = group_places(index, ignored)
        self._matcher = UnitMatcher(units)

    def settle(self) -> dict[str, MatchedUnit]:
        """Where each unit's people are, by the unit's code."""
        students = self._match("students", {})
        students = self._without_strangers(students)
        staff = self._without_strangers(self._match("staff", students.found))
        taken = {m.place.text for each in (students, staff) for m in each.found.values()}
        groups = self._more_groups(students.found, staff.found, taken)
        return {
            unit.code: self._settled(unit.code, students, staff, taken, groups)
            for unit in self._units
        }

    def _match(self, role: Role, beside: Mapping[str, Match]) -> Matches:
        """The places of a role; places next to one already found are preferred."""

        def bonus(code: str, place: Place) -> float:
            match = beside.get(code)
            if match is None:
                return 0.0
            same = set(match.place.names) & set(place.names) or _is_sibling(match.place, place)
            return _SAME_PLACE if same else 0.0

        places = [p for p in (*self._org_units, *self._groups) if p.role == role and not p.guests]
        first = self._matcher.match(places, bonus)
        left = [unit for unit in self._units if unit.code not in first.found]
        if not left:
            return first
        by_attribute = list(self._attribute_places(role))
        if not by_attribute:
            return first
        second = self._matcher.match(by_attribute, bonus)
        late = {unit.code: second.found[unit.code] for unit in left if unit.code in second.found}
        return Matches({**first.found, **late}, first.near)

    def _without_strangers(self, matches: Matches) -> Matches:
        """The matches, except groups whose members are mostly in another unit's OU."""
        homes = self._homes(matches.found)
        kept: dict[str, Match] = {}
        near = dict(matches.near)
        for code, match in matches.found.items():
            members = {id for group in match.place.groups for id in self._index.in_group(group)}
            if _are_mostly_of(members, code, homes):
                kept[code] = match
            else:
                near[code] = ((match.place, match.score), *near[code])
        return Matches(kept, near)

    def _attribute_places(self, role: Role) -> Iterator[Place]:
        """Values of attributes in the OUs that contain everyone of a role."""
        for node in role_nodes(self._tree, role):
            people: dict[tuple[str, str], int] = {}
            for id in self._inside(node.path):
                for attribute, values in self._index.users[id].attributes.items():
                    for value in set(values):
                        people[attribute, value] = people.get((attribute, value), 0) + 1
            if len(people) > _MOST_VALUES * 4:
                continue
            for (attribute, value), count in people.items():
                name = read_name(value, self._ignored_words)
                if value and name.tells:
                    yield Place(
                        role=role,
                        names=(name,),
                        org_units=(node.path,),
                        clause=Clause(attribute=attribute, operator="equals", value=value),
                        people=count,
                    )

    def _more_groups(
        self, students: Mapping[str, Match], staff: Mapping[str, Match], taken: set[str]
    ) -> dict[str, list[Place]]:
        """The groups of each unit that add to its places."""
        pupils, adults = self._homes(students), self._homes(staff)
        groups = [p for p in self._groups if p.text not in taken and self._is_whole(p)]
        best: dict[int, list[tuple[float, str]]] = {}
        for code, scores in self._matcher.scores(groups).items():
            for number, score in scores.items():
                best.setdefault(number, []).append((score, code))
        found: dict[str, list[Place]] = {}
        for number, ranked in best.items():
            (score, code), *others = sorted(ranked, reverse=True)
            place = groups[number]
            if score < (_GUESTS_FIT if place.guests else _GROUP_FITS):
                continue
            if any(score - other < _CLOSE for other, _ in others):
                continue
            members = self._index.in_group(place.groups[0])
            if place.guests or _is_staff_of(members, code, pupils, adults):
                found.setdefault(code, []).append(place)
        return found

    def _homes(self, matches: Mapping[str, Match]) -> dict[str, str]:
        """The unit of each person who is in an OU of exactly one unit and role."""
        return {
            id: code
            for code, match in matches.items()
            if match.place.clause is None and not match.place.mixed
            for path in match.place.org_units
            for id in self._inside(path)
        }

    def _is_whole(self, place: Place) -> bool:
        """Whether a group is for guests, or for all of the staff rather than a part of it."""
        if place.role == "students":
            return place.guests
        words = plain_words(place.groups[0].partition("@")[0])
        return role_of(words)[0] == "staff" and place.people > 0

    def _settled(
        self,
        code: str,
        students: Matches,
        staff: Matches,
        taken: set[str],
        groups: Mapping[str, list[Place]],
    ) -> MatchedUnit:
        at_students, at_staff = students.found.get(code), staff.found.get(code)
        mine = groups.get(code, ())
        return MatchedUnit(
            students=at_students,
            staff=at_staff,
            more_students=_stages(at_students, taken),
            more_staff=_stages(at_staff, taken),
            staff_groups=tuple(place for place in mine if place.role == "staff"),
            guest_groups=tuple(place for place in mine if place.role == "students"),
            near_students=students.near.get(code, ()),
            near_staff=staff.near.get(code, ()),
        )


def _is_staff_of(
    members: set[str], code: str, pupils: Mapping[str, str], adults: Mapping[str, str]
) -> bool:
    """Whether a group has hardly any students, and its members are not mostly another unit's."""
    if len(members & pupils.keys()) > _FEWEST_IN_GROUP * len(members):
        return False
    return _are_mostly_of(members, code, adults)


def _are_mostly_of(members: set[str], code: str, homes: Mapping[str, str]) -> bool:
    """Whether at least half of those whose unit is known belong to this one."""
    count = Counter(homes[id] for id in members if id in homes)
    return not count or count[code] * 2 >= sum(count.values())


def _stages(match: Match | None, taken: set[str]) -> tuple[Place, ...]:
    """The OUs of the other stages of a school whose OU has one stage, such as F-6 and 7-9."""
    if match is None:
        return ()
    years = _years(match.place)
    found: list[Place] = []
    for place, score in match.others:
        theirs = _years(place)
        fits = score >= _STAGE_FITS and place.org_units and place.text not in taken
        if years and theirs and fits and not years & theirs:
            found.append(place)
            years |= theirs
    return tuple(found)


def _years(place: Place) -> frozenset[int]:
    return frozenset(year for name in place.names for year in name.years)


def _is_sibling(one: Place, other: Place) -> bool:
    return any(
        a.rpartition("/")[0] == b.rpartition("/")[0] != ""
        for a in one.org_units
        for b in other.org_units
    )
