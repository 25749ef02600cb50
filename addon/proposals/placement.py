"""Decides where all units' students and staff are, before selectors are made."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, structs

from addon.proposals.class_groups import class_group_places
from addon.proposals.class_places import (
    class_and_school,
    org_units_of_classes,
    values_of_classes,
)
from addon.proposals.declined import DeclinedPlaces
from addon.proposals.mail_domains import domain_places
from addon.proposals.matching import Match, Matches, UnitMatcher, UnitToMatch
from addon.proposals.names import BESIDE, read_name
from addon.proposals.places import (
    ANY_CODE,
    Place,
    group_places,
    is_adapted,
    org_unit_places,
)
from addon.proposals.remainder import remainder
from addon.proposals.roles import RoleScope, RoleScopes
from addon.proposals.scope import Inside
from addon.proposals.shared_trees import SharedTree, SharedTrees
from addon.proposals.stages import is_sibling, stages_beside, whole_by_stages
from addon.proposals.unit_codes import UnitCodes, without_code
from addon.proposals.value_variants import with_variants
from addon.proposals.vocabulary import Role, is_bare_title, is_class, is_year, plain_words, role_of
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.roster.org_unit_tree import OrgUnitNode
from addon.tenants.model import Clause
from addon.text import fold

_GROUP_FITS = 0.67
_GUESTS_FIT = 0.6
_SAME_PLACE = 0.03
_MOST_VALUES = 400
_CLOSE = 0.005
_FEWEST_IN_GROUP = 0.05
_FITS = 0.6
_FEW_ELSEWHERE = 0.2
_ALONE = 0.95
_REST = 0.85


class MatchedUnit(Struct, frozen=True):
    """Where one unit's people are. `more` are OUs of other stages of the same school.

    `staff_groups` and `guest_groups` have staff and students who are not in the places. `shared` is
    the tree that the unit shares with others. `staff_somewhere` is whether the domain says where
    staff are. `completed` is whether another source than the places' names had more people;
    `unknown` are OUs of the school whose people may be students or staff.
    """

    students: Match | None = None
    staff: Match | None = None
    more_students: tuple[Place, ...] = ()
    more_staff: tuple[Place, ...] = ()
    staff_groups: tuple[Place, ...] = ()
    guest_groups: tuple[Place, ...] = ()
    near_students: tuple[tuple[Place, float], ...] = ()
    near_staff: tuple[tuple[Place, float], ...] = ()
    shared: SharedTree | None = None
    staff_somewhere: bool = False
    completed: bool = False
    unknown: tuple[Place, ...] = ()

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
        declined: DeclinedPlaces,
    ) -> None:
        self._declined = declined
        self._inside = inside
        self._index, self._units, self._ignored_words = index, units, ignored
        self._codes = UnitCodes([unit.code for unit in units])
        schools = {word for unit in units for word in unit.name.core}
        self._scopes = RoleScopes(index, tree, ignored)
        found = org_unit_places(
            tree, index, ignored, self._codes, schools, {unit.name.years for unit in units}
        )
        self._org_units = [place for each in found for place in self._told_apart(each)]
        self._groups = group_places(index, ignored, self._codes)
        at = self._scopes.of("students")
        adults = self._scopes.of("staff")
        staff = choose(adults.selector, index).chosen if adults else frozenset[str]()
        self._people = class_group_places(index, at, staff, ignored, self._codes)
        self._class_groups = list(self._people)
        self._people.update(org_units_of_classes(index, ignored))
        self._of_classes = list(self._people)
        self.shared_trees: tuple[SharedTree, ...] = ()
        self._years = {unit.code: unit.name.years for unit in units}
        self._matcher = UnitMatcher(units, self.people_of, declined)

    def settle(self) -> dict[str, MatchedUnit]:
        """Where each unit's people are, by the unit's code."""
        self._matcher.learn({}, self._groups)
        students = self._match("students", {})
        students = self._without_strangers(students)
        self._matcher.learn(students.found, self._groups)
        staff = self._without_strangers(self._match("staff", students.found))
        shared = SharedTrees(self._index, self._units, self._org_units, self.people_of).find(
            students.found, staff.found
        )
        self.shared_trees = shared.trees
        students, staff = shared.in_place_of(students, staff, self._declined)
        taken = {m.place.text for each in (students, staff) for m in each.found.values()}
        groups = self._more_groups(students.found, staff.found, taken)
        return {
            unit.code: structs.replace(
                self._settled(unit.code, students, staff, taken, groups),
                staff_somewhere=self._scopes.of("staff") is not None,
                shared=shared.tree_of(unit.code, self._declined),
            )
            for unit in self._units
        }

    def _match(self, role: Role, beside: Mapping[str, Match]) -> Matches:
        """The places of a role; places next to one already found are preferred."""

        def bonus(code: str, place: Place) -> float:
            match = beside.get(code)
            if match is None:
                return 0.0
            same = set(match.place.names) & set(place.names) or is_sibling(match.place, place)
            return _SAME_PLACE if same else 0.0

        every = (*self._org_units, *self._groups, *self._of_classes)
        named = [p for p in every if p.role == role and not p.guests and (p.names or p.code)]
        pupils = self._homes(beside)
        places = [
            place
            for place in (*named, *self._attribute_places(role))
            if not (role == "staff" and place.groups and self._is_of_pupils(place, pupils))
        ]
        found = self._matcher.match(places, bonus)
        more = with_variants(found.found, self._units, self._values(role), self._ignored_words)
        told = {c: m for c, m in more.items() if not self._declined.has(c, m.place)}
        matches = self._only_unit(role, Matches({**found.found, **told}, found.near))
        rest = remainder(
            role,
            self._index,
            self._scopes.of(role),
            self._units,
            matches.found,
            self._in_other_schools,
        )
        if rest is None or self._declined.has(*rest):
            return matches
        return Matches({**matches.found, rest[0]: Match(rest[1], _REST)}, matches.near)

    def _values(self, role: Role) -> dict[str, dict[str, frozenset[str]]]:
        """The ids of a role's people by attribute and value."""
        scope = self._scopes.of(role)
        found: dict[str, dict[str, set[str]]] = {}
        for id in choose(scope.selector, self._index).chosen if scope else ():
            for attribute, values in self._index.users[id].attributes.items():
                for value in values:
                    found.setdefault(attribute, {}).setdefault(value, set()).add(id)
        return {
            attribute: {value: frozenset(ids) for value, ids in sorted(values.items())}
            for attribute, values in sorted(found.items())
        }

    def _only_unit(self, role: Role, matches: Matches) -> Matches:
        """The matches; the only unit has everybody of a role, if its name is nowhere."""
        open_units = [unit for unit in self._units if not unit.ceased]
        if len(open_units) != 1:
            return matches
        code = open_units[0].code
        found = matches.found.get(code)
        place = self._everybody(role, self._scopes.of_only_unit(role))
        if place is None or not place.people or self._declined.has(code, place):
            return matches
        if found is not None and found.score >= _FITS:
            return matches
        if self._in_other_schools(place) > _FEW_ELSEWHERE * place.people:
            return matches
        others = matches.near.get(code, ())
        if found is not None:
            others = ((found.place, found.score), *others)
        return Matches({**matches.found, code: Match(place, _ALONE, others=others)}, matches.near)

    def _is_of_pupils(self, place: Place, pupils: Mapping[str, str]) -> bool:
        """Whether more than half of a place's people are students of units."""
        members = self.people_of(place)
        return 2 * len(members & pupils.keys()) > len(members)

    def people_of(self, place: Place) -> frozenset[str]:
        """The active users in a place."""
        if place not in self._people:
            self._people[place] = frozenset(choose(place.selector, self._index).chosen)
        return self._people[place]

    def _in_other_schools(self, place: Place) -> int:
        """How many are in OUs right below a place that are named as schools."""
        tops = {fold(path).rstrip("/") for path in place.org_units}
        return sum(
            len(self._inside(unit.path))
            for path, unit in self._index.org_units.items()
            if path.rpartition("/")[0] in tops and _is_school(unit.name)
        )

    def _everybody(self, role: Role, scope: RoleScope | None) -> Place | None:
        """Where all of a role are, as the place of the only unit."""
        if scope is not None:
            people = len(choose(scope.selector, self._index).chosen)
            return Place(
                role, (), scope.org_units, scope.groups, scope.clauses, people, code=ANY_CODE
            )
        if role == "students":
            nameless = [place for place in self._class_groups if not place.names]
            return max(nameless, key=lambda place: place.people, default=None)
        return None

    def _told_apart(self, place: Place) -> Iterator[Place]:
        """An OU of students and staff as two places, if an attribute or address tells them."""
        if not place.mixed:
            yield place
            return
        people = {id for path in place.org_units for id in self._inside(path)}
        roles: tuple[Role, Role] = ("students", "staff")
        found = {role: self._scopes.clauses(role, people) for role in roles}
        if not all(found.values()):
            yield place
            return
        for role, clauses in found.items():
            made = structs.replace(place, role=role, clauses=clauses, mixed=False)
            yield structs.replace(made, people=len(choose(made.selector, self._index).chosen))

    def _without_strangers(self, matches: Matches) -> Matches:
        """The matches, except groups whose members are mostly in another unit's OU."""
        homes = self._homes(matches.found)
        kept: dict[str, Match] = {}
        near = dict(matches.near)
        for code, match in matches.found.items():
            members = {id for group in match.place.groups for id in self._index.in_group(group)}
            apart = is_adapted(match.place) and not match.place.org_units
            if apart or _are_mostly_of(members, code, homes):
                kept[code] = match
            else:
                near[code] = ((match.place, match.score), *near[code])
        return Matches(kept, near)

    def _attribute_places(self, role: Role) -> Iterator[Place]:
        """Attributes and domains, among all of a role, that name schools or say their codes."""
        scope = self._scopes.of(role)
        if scope is None:
            return
        people: dict[tuple[str, str], set[str]] = {}
        everybody = choose(scope.selector, self._index).chosen
        users = [self._index.users[id] for id in everybody]
        for place, members in domain_places(scope, users, self._ignored_words):
            self._people[place] = members
            yield place
        for id in everybody:
            for attribute, values in self._index.users[id].attributes.items():
                for value in values:
                    people.setdefault((attribute, value), set()).add(id)
        if len(people) > _MOST_VALUES * 4:
            return
        if role == "students":
            for place, members in values_of_classes(scope, people, self._ignored_words):
                self._people[place] = members
                yield place
        for (attribute, value), ids in sorted(people.items()):
            if class_and_school(value) is not None or is_bare_title(value):
                continue
            code = self._codes.of_text(value)
            name = read_name(without_code(value), self._ignored_words)
            if code or (name.tells and not is_class(value) and not is_year(value)):
                place = Place(
                    role=role,
                    names=(name,) if name.tells else (),
                    org_units=scope.org_units,
                    groups=scope.groups,
                    clauses=(
                        *scope.clauses,
                        Clause(attribute=attribute, operator="equals", value=value),
                    ),
                    people=len(ids),
                    code=code,
                )
                self._people[place] = frozenset(ids)
                yield place

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
        paths = [
            (path, code)
            for code, match in matches.items()
            if not match.place.clauses and not match.place.mixed
            for path in match.place.org_units
        ]
        deepest_last = sorted(paths, key=lambda each: each[0].count("/"))
        return {id: code for path, code in deepest_last for id in self._inside(path)}

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
        at_students = whole_by_stages(at_students, self._years[code], taken)
        mine = groups.get(code, ())
        return MatchedUnit(
            students=at_students,
            staff=at_staff,
            more_students=stages_beside(at_students, taken),
            more_staff=stages_beside(at_staff, taken),
            staff_groups=tuple(place for place in mine if place.role == "staff"),
            guest_groups=tuple(place for place in mine if place.role == "students"),
            near_students=students.near.get(code, ()),
            near_staff=staff.near.get(code, ()),
        )


def _is_school(name: str) -> bool:
    """Whether an OU is named as a school, and not as a class or a year."""
    read = read_name(name)
    named = (read.school and bool(read.core)) or bool(read.kinds - BESIDE)
    return named and not is_class(name) and not is_year(name)


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
