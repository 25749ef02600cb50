"""Units that share the OU of one school: how its students are split, as one question for all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from addon.proposals.declined import DeclinedPlaces
from addon.proposals.exclusions import ClosedPlaces
from addon.proposals.matching import Match, Matches, PeopleOf, UnitToMatch
from addon.proposals.names import ADAPTED, SchoolName
from addon.proposals.pattern_words import programmes_pattern
from addon.proposals.patterns import classes_near
from addon.proposals.places import Place
from addon.proposals.school_years import years_by, years_near
from addon.proposals.scope import around
from addon.proposals.tree_splits import (
    SplitBy,
    TreePart,
    TreeSplit,
    by_groups,
    by_org_units,
    staff_by_years,
)
from addon.proposals.vocabulary import is_adapted_class, stage_of
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Clause, GroupRule, SchoolUnit, YearRule
from addon.text import fold

_LIKELY = 0.85
_POOR = 0.6
_FEW = 0.02
_HALF = 0.5
_RULE = 0.35


class SharedTree(Struct, frozen=True):
    """An OU whose students are those of several `units` (codes).

    `answer` is how it is split in the proposals, by the units' names; None is a question.
    `splits` are the ways in which it can be.
    """

    path: str
    units: tuple[str, ...]
    answer: SplitBy | None = None
    splits: tuple[TreeSplit, ...] = ()


class SharedPlaces(Struct, frozen=True):
    """The matches of the units that share a tree, and the trees."""

    students: Mapping[str, Match] = {}
    staff: Mapping[str, Match] = {}
    trees: tuple[SharedTree, ...] = ()

    def tree_of(self, code: str, declined: DeclinedPlaces) -> SharedTree | None:
        """The tree that a unit shares, unless its part of it was declined."""
        part = self.students.get(code)
        if part is not None and declined.has(code, part.place):
            return None
        return next((tree for tree in self.trees if code in tree.units), None)

    def in_place_of(
        self, students: Matches, staff: Matches, declined: DeclinedPlaces
    ) -> tuple[Matches, Matches]:
        """The matches of students and staff, with the shared places that were not declined.

        A unit that declined its part of a tree gets the whole tree as an alternative only.
        """
        whole = {(tree.path, code) for tree in self.trees for code in tree.units}
        found, near = {**students.found}, dict(students.near)
        for code, part in self.students.items():
            own = found.get(code)
            if not declined.has(code, part.place):
                found[code] = part
            elif own is not None and (own.place.text, code) in whole:
                del found[code]
                near[code] = ((own.place, own.score), *near.get(code, ()))
        kept = {c: m for c, m in self.staff.items() if not declined.has(c, m.place)}
        return Matches(found, near), Matches({**staff.found, **kept}, staff.near)


class SharedTrees:
    """Finds the trees that units share, from their matches by the names."""

    def __init__(
        self,
        index: DirectoryIndex,
        units: Sequence[UnitToMatch],
        places: Iterable[Place],
        people: PeopleOf,
    ) -> None:
        self._index, self._units, self._people = index, units, people
        self._places = [place for place in places if place.org_units and not place.clauses]
        self._closed = ClosedPlaces(index)

    def find(self, students: Mapping[str, Match], staff: Mapping[str, Match]) -> SharedPlaces:
        """The places of units that share a tree, in place of their matches."""
        at_students: dict[str, Match] = {}
        at_staff: dict[str, Match] = {}
        trees: list[SharedTree] = []
        for units in self._families():
            at_staff.update(self._staff(units, staff))
            tree = self._tree(units, students)
            if tree is None:
                continue
            adapted = dict(self._adapted(tree, units, students))
            at_students.update(adapted)
            sharers = [
                unit
                for unit in units
                if unit.code not in adapted and self._has_no_own(unit, tree, students)
            ]
            if len(sharers) < 2:
                continue
            answer, parts = self._answer(tree, sharers)
            for unit in sharers:
                if unit.code in parts:
                    at_students[unit.code] = Match(parts[unit.code], _LIKELY)
            codes = tuple(unit.code for unit in sharers)
            splits = tuple(self._splits(tree, sharers))
            trees.append(SharedTree(tree.text, codes, answer, splits))
        trees.extend(self._of_one_kind(students))
        return SharedPlaces(at_students, at_staff, tuple(trees))

    def _pupils(self, tree: Place) -> frozenset[str]:
        """The people of a tree who have not left, by the OUs below it."""
        return self._people(tree) - {
            id
            for path in self._closed.below(tree.org_units).org_units
            for id in self._index.in_org_unit(path)
        }

    def _families(self) -> list[list[UnitToMatch]]:
        """The units whose names differ in years, kind or programmes only."""
        found: dict[tuple[str, ...], list[UnitToMatch]] = {}
        for unit in self._units:
            if unit.name.core and not unit.ceased:
                found.setdefault(unit.name.core, []).append(unit)
        return [
            units
            for units in found.values()
            if len({(u.name.years, u.name.kinds, u.name.programmes) for u in units}) > 1
        ]

    def _tree(self, units: Sequence[UnitToMatch], students: Mapping[str, Match]) -> Place | None:
        """The OU that a family's matches have in common: it says no years and no adapted form."""
        matched = (students[unit.code].place for unit in units if unit.code in students)
        trees = [
            place
            for place in matched
            if place.org_units and not place.clauses and (place.names or place.code)
            if not any(_is_part(name) for name in place.names)
        ]
        return max(trees, key=lambda place: place.people, default=None)

    def _has_no_own(self, unit: UnitToMatch, tree: Place, students: Mapping[str, Match]) -> bool:
        """Whether a unit has no place but the tree, or one of the same people by another sign."""
        match = students.get(unit.code)
        kinds = frozenset(kind for name in tree.names for kind in name.kinds)
        if kinds and unit.name.kinds and not kinds & unit.name.kinds:
            return False
        if match is None:
            return not unit.name.kinds & ADAPTED
        if match.place == tree:
            return True
        if any(_is_part(name) for name in match.place.names):
            return False
        ours, theirs = self._people(tree), self._people(match.place)
        return match.score < _POOR or len(ours & theirs) > _HALF * len(theirs)

    def _adapted(
        self, tree: Place, units: Sequence[UnitToMatch], students: Mapping[str, Match]
    ) -> Iterator[tuple[str, Match]]:
        """The classes of the only adapted unit without a place, by their names."""
        without = [
            unit
            for unit in units
            if unit.name.kinds & ADAPTED
            and (unit.code not in students or students[unit.code].score < _POOR)
        ]
        if len(without) != 1:
            return
        tops = tuple(fold(path).rstrip("/") + "/" for path in tree.org_units)
        paths = [
            unit.path
            for path, unit in sorted(self._index.org_units.items())
            if path.startswith(tops) and is_adapted_class(unit.name)
        ]
        people = sum(len(self._index.in_org_unit(path)) for path in paths)
        if people:
            place = Place("students", tree.names, tuple(paths), people=people)
            yield without[0].code, Match(place, _LIKELY)

    def _answer(
        self, tree: Place, units: Sequence[UnitToMatch]
    ) -> tuple[SplitBy | None, dict[str, Place]]:
        """How the tree is split by the units' names, and the place of each unit."""
        if parts := self._by_years(tree, units):
            return "years", parts
        if parts := self._by_programmes(tree, units):
            return "programme", parts
        return None, {}

    def _by_programmes(self, tree: Place, units: Sequence[UnitToMatch]) -> dict[str, Place]:
        """The place of each unit, if their names say which programmes are whose."""
        said = [unit.name.programmes for unit in units]
        if not all(said) or len(frozenset().union(*said)) < sum(map(len, said)):
            return {}
        found: dict[str, Place] = {}
        reached: set[str] = set()
        for unit in units:
            pattern = programmes_pattern(tree.org_units, sorted(unit.name.programmes))
            clause = Clause(attribute="orgUnitPath", operator="matches", value=pattern)
            place = structs.replace(tree, clauses=(clause,))
            people = self._people(place)
            if not people or people & reached:
                return {}
            reached |= people
            found[unit.code] = structs.replace(place, people=len(people))
        pupils = self._pupils(tree)
        return found if len(pupils - reached) <= _FEW * len(pupils) else {}

    def _by_years(self, tree: Place, units: Sequence[UnitToMatch]) -> dict[str, Place]:
        """The place of each unit, if their names say which years are whose."""
        said = [unit.name.years for unit in units]
        if not all(said) or len(frozenset().union(*said)) < sum(map(len, said)):
            return {}
        years, rule = self._years(tree, units)
        pupils = self._pupils(tree)
        owner = {year: unit.code for unit in units for year in unit.name.years}
        homes = {id: owner[years[id]] for id in pupils if years.get(id) in owner}
        for id in pupils - years.keys():
            name = self._index.users[id].org_unit_path.rpartition("/")[2]
            of_stage = {owner.get(year, "") for year in stage_of(name)[0]}
            if len(of_stage) == 1 and "" not in of_stage:
                homes[id] = of_stage.pop()
        if len(pupils) - len(homes) > _FEW * len(pupils):
            return {}
        found: dict[str, Place] = {}
        for unit in units:
            ids = {id for id, code in homes.items() if code == unit.code}
            place = self._below(tree, ids, homes) or self._with_value(tree, ids, rule)
            if place is None:
                return {}
            found[unit.code] = place
        return found

    def _below(self, tree: Place, ids: set[str], homes: Mapping[str, str]) -> Place | None:
        """The topmost OUs whose people are all among `ids`, if they hold them all."""
        paths: list[str] = []
        held: set[str] = set()
        tops = tuple(fold(path).rstrip("/") + "/" for path in tree.org_units)
        for path, unit in sorted(self._index.org_units.items(), key=lambda item: len(item[0])):
            if not path.startswith(tops) or any(path.startswith(fold(p) + "/") for p in paths):
                continue
            here = self._index.in_org_unit(unit.path)
            if here & homes.keys() and here & homes.keys() <= ids:
                paths.append(unit.path)
                held |= here
        if not ids or not ids <= held:
            return None
        return structs.replace(tree, org_units=tuple(sorted(paths, key=fold)), people=len(held))

    def _with_value(self, tree: Place, ids: set[str], rule: YearRule | None) -> Place | None:
        """The tree narrowed by the attribute that says the school year."""
        if rule is None or rule.source != "attribute" or rule.attribute is None:
            return None
        return self._with_values_of(tree, ids, rule.attribute)

    def _with_values_of(self, tree: Place, ids: set[str], attribute: str) -> Place | None:
        """The tree narrowed to those who have the values of an attribute that `ids` have."""
        users = self._index.users
        values = sorted({v for id in ids for v in users[id].attributes.get(attribute, ())})
        if not values:
            return None
        clause = Clause(attribute=attribute, operator="in", value=tuple(values))
        place = structs.replace(tree, clauses=(clause,), people=len(ids))
        return place if self._people(place) == ids else None

    def _years(
        self, tree: Place, units: Sequence[UnitToMatch]
    ) -> tuple[dict[str, int], YearRule | None]:
        """The school year of each student of a tree, by the most plausible rule."""
        pupils = sorted(self._pupils(tree))
        types = tuple({each for unit in units for each in unit.school_types})
        school = SchoolUnit(code="", name="", school_types=types, students=tree.selector)
        near = around(self._index, pupils)
        classes = classes_near(near, pupils, school, ())
        if classes and classes[0].score >= _RULE and isinstance(classes[0].rule, GroupRule):
            school = structs.replace(school, classes=classes[0].rule)
        found = years_near(near, pupils, school)
        if not found or not isinstance(found[0].rule, YearRule):
            return {}, None
        rule = found[0].rule
        return years_by(near, pupils, school, rule), rule

    def _splits(self, tree: Place, units: Sequence[UnitToMatch]) -> Iterator[TreeSplit]:
        """The ways in which a tree can be split."""
        years, _ = self._years(tree, units)
        parts = self._year_parts(tree, years)
        if len(parts) > 1:
            yield TreeSplit("years", tuple(parts))
        of_years = {frozenset(part.org_units) for part in parts}
        found = [
            split
            for split in by_org_units(self._index, tree, self._people)
            if {frozenset(part.org_units) for part in split.parts} != of_years
        ]
        yield from found
        if not any(split.by == "class" for split in found):
            groups = by_groups(self._index, self._pupils(tree))
            if groups is not None:
                yield groups

    def _year_parts(self, tree: Place, years: Mapping[str, int]) -> list[TreePart]:
        """A part for each school year, all of OUs or all of an attribute's values; else none."""
        homes = {id: str(year) for id, year in years.items()}
        ids = {y: {id for id, year in years.items() if year == y} for y in set(years.values())}
        attributes = sorted({a for id in years for a in self._index.users[id].attributes})
        ways: list[dict[int, Place | None]] = [
            {year: self._below(tree, ids[year], homes) for year in sorted(ids)},
            *(
                {year: self._with_values_of(tree, ids[year], each) for year in sorted(ids)}
                for each in attributes
            ),
        ]
        for places in ways:
            parts = [
                TreePart(
                    name=str(year),
                    people=len(ids[year]),
                    org_units=place.org_units,
                    clause=place.clauses[-1] if place.clauses else None,
                )
                for year, place in places.items()
                if place is not None
            ]
            if len(parts) == len(places):
                return parts
        return []

    def _staff(
        self, units: Sequence[UnitToMatch], staff: Mapping[str, Match]
    ) -> Iterator[tuple[str, Match]]:
        """The staff that a family shares, if only one of them has a place."""
        units = [unit for unit in units if not unit.name.kinds & ADAPTED]
        own = {unit.code: staff[unit.code] for unit in units if unit.code in staff}
        good = [match for match in own.values() if match.score >= _POOR]
        common = [match for match in good if not any(_is_part(n) for n in match.place.names)]
        if len(units) > 1 and len(common) == 1 and len(good) == 1:
            kinds = frozenset(kind for name in common[0].place.names for kind in name.kinds)
            units = [u for u in units if not kinds or kinds & u.name.kinds or not u.name.kinds]
            own_parts = staff_by_years(self._index, units, common[0].place, self._people)
            for unit in units:
                yield unit.code, Match(own_parts.get(unit.code, common[0].place), _LIKELY)

    def _of_one_kind(self, students: Mapping[str, Match]) -> Iterator[SharedTree]:
        """Questions about OUs that only say a kind, when several units have that kind."""
        left: dict[str, list[str]] = {}
        for unit in self._units:
            poor = unit.code not in students or students[unit.code].score < _POOR
            for kind in unit.name.kinds if poor and not unit.ceased else ():
                left.setdefault(kind, []).append(unit.code)
        for place in self._places:
            kinds = {kind for name in place.names for kind in name.kinds if not name.core}
            for kind in sorted(kinds):
                codes = left.get(kind, [])
                if place.role == "students" and len(codes) > 1 and place.people:
                    units = [unit for unit in self._units if unit.code in codes]
                    splits = tuple(self._splits(place, units))
                    yield SharedTree(place.text, tuple(codes), None, splits)


def _is_part(name: SchoolName) -> bool:
    """Whether a place's name says years or an adapted form, so that it is one unit's own."""
    return bool(name.years) or bool(name.kinds & ADAPTED)
