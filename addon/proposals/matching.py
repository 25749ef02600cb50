"""Matches places with units, all at once, so that a unit does not take another unit's place."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from addon.proposals.assign import assign
from addon.proposals.declined import DeclinedPlaces
from addon.proposals.names import ALIKE, BESIDE, NameSimilarity, SchoolName
from addon.proposals.places import Place

CLOSE = 0.08
"""Scores that differ by less than this count as equal."""
_CODE = 1.2
_MUCH_THE_SAME = 0.8
_HALF = 0.5
_FITS = 0.6
_FAR_FEWER = 0.15
_FEW = 0.85
_BY_PEOPLE = 0.002
_GROUP = 0.95
_GROUP_ALIKE = 0.7
_ATTRIBUTE = 0.97
_EMPTY = 0.8
_CEASED = 0.9
_MIXED = 0.97
_CALLED = 0.93
_NAMED = 0.8
_MOST_ALTERNATIVES = 3


class UnitToMatch(Struct, frozen=True):
    """A unit to find places for."""

    code: str
    name: SchoolName
    ceased: bool = False
    school_types: tuple[str, ...] = ()


class Match(Struct, frozen=True):
    """The place of a unit with their similarity.

    `rivals` are codes of units that fit the place equally well; `others` are places that the unit
    could have instead, best first with their scores; `doubts` are those of them that fit about as
    well and are not taken.
    """

    place: Place
    score: float
    rivals: tuple[str, ...] = ()
    others: tuple[tuple[Place, float], ...] = ()
    doubts: tuple[Place, ...] = ()


class Matches(Struct, frozen=True):
    """The match of each unit that has one, and the nearest places of each unit."""

    found: Mapping[str, Match]
    near: Mapping[str, tuple[tuple[Place, float], ...]]


Bonus = Callable[[str, Place], float]
PeopleOf = Callable[[Place], frozenset[str]]
"""Gives the ids of the active users in a place."""
Scores = dict[str, dict[int, float]]


class UnitMatcher:
    """Matches units with places of one role at a time."""

    def __init__(
        self, units: Sequence[UnitToMatch], people: PeopleOf, declined: DeclinedPlaces
    ) -> None:
        self._units, self._people, self._declined = units, people, declined
        self._similarity = NameSimilarity(unit.name for unit in units)
        self._known: dict[tuple[SchoolName, SchoolName], float] = {}
        self._called: dict[tuple[str, ...], frozenset[str]] = {}

    def learn(self, students: Mapping[str, Match], groups: Sequence[Place] = ()) -> None:
        """Remember what places call the units: BJH, as the OU of the students or a group does.

        The address of a group calls the unit so whose name the group has.
        """
        called: dict[tuple[str, ...], set[str]] = {}
        for place in groups:
            for name in place.names[:1] if len(place.names) == 2 else ():
                alike = {u.code: self._similarity.of(u.name, place.names[1]) for u in self._units}
                known = any(self._similarity.of(u.name, name) >= ALIKE for u in self._units)
                best = [code for code, each in alike.items() if each >= _NAMED]
                if name.core and not known and len(best) == 1:
                    called.setdefault(name.core, set()).add(best[0])
        for code, match in students.items():
            for name in match.place.names[:1]:
                known = any(self._similarity.of(u.name, name) >= ALIKE for u in self._units)
                if name.core and not known and (match.place.code or match.score >= _FITS):
                    called.setdefault(name.core, set()).add(code)
        self._called = {core: frozenset(codes) for core, codes in called.items()}

    def match(self, places: Sequence[Place], bonus: Bonus = lambda code, place: 0.0) -> Matches:
        """The best places of the units, no place twice; `bonus` is added to a similarity."""
        scores = self.scores(places, bonus)
        chosen = assign(scores)
        found: dict[str, Match] = {}
        near: dict[str, tuple[tuple[Place, float], ...]] = {}
        owner = {number: code for code, number in chosen.items()}
        for code, mine in scores.items():
            ranked = sorted(mine, key=lambda number: -mine[number])
            number = chosen.get(code)
            others = [n for n in ranked if n != number][:_MOST_ALTERNATIVES]
            choices = tuple((places[n], mine[n]) for n in others)
            near[code] = choices
            if number is None:
                continue
            found[code] = Match(
                place=places[number],
                score=mine[number],
                rivals=_rivals(code, number, scores, chosen),
                others=choices,
                doubts=tuple(
                    places[n]
                    for n in others
                    if mine[n] > mine[number] - CLOSE
                    and not _is_better_elsewhere(n, mine[n], owner, scores)
                    and not self._same(places[number], places[n])
                    and not any(
                        self._has_the_people(places[theirs], places[n])
                        for theirs, other in owner.items()
                        if other != code
                    )
                ),
            )
        return Matches(found, near)

    def scores(self, places: Sequence[Place], bonus: Bonus = lambda code, place: 0.0) -> Scores:
        """The score of each unit for each place (by its number) that resembles it."""
        found: Scores = {}
        for unit in self._units:
            mine = found[unit.code] = {}
            for number, place in enumerate(places):
                if self._declined.has(unit.code, place):
                    continue
                if place.code:
                    if place.code == unit.code:
                        mine[number] = _CODE * _weight(unit, place) + bonus(unit.code, place)
                    continue
                alike = self._alike(unit, place)
                if alike >= ALIKE and not (place.groups and alike < _GROUP_ALIKE):
                    mine[number] = alike * _weight(unit, place) + bonus(unit.code, place)
            _prefer_many(mine, places)
        return found

    def _same(self, place: Place, other: Place) -> bool:
        """Whether another place is a part of this one, or has much the same people."""
        if _overlap(place, other):
            return True
        ours, theirs = self._people(place), self._people(other)
        is_part = place.org_units and not place.clauses and other.clauses and theirs <= ours
        if is_part or (_sort(place) != _sort(other) and len(theirs) < _HALF * len(ours)):
            return True
        return len(ours & theirs) >= _MUCH_THE_SAME * len(ours | theirs)

    def _has_the_people(self, place: Place, other: Place) -> bool:
        """Whether two places of different sorts have much the same people."""
        if _sort(place) == _sort(other):
            return False
        ours, theirs = self._people(place), self._people(other)
        return bool(theirs) and len(ours & theirs) >= _MUCH_THE_SAME * len(ours | theirs)

    def _alike(self, unit: UnitToMatch, place: Place) -> float:
        found = [
            max(self._of(unit.name, name), self._as_called(unit, name)) for name in place.names
        ]
        if not place.groups or len(found) == 1:
            return max(found)
        # Both a group's address and its name count, since either alone may fit two schools.
        return 0.9 * max(found) + 0.1 * sum(found) / len(found)

    def _as_called(self, unit: UnitToMatch, name: SchoolName) -> float:
        """The similarity of a name to what the place of the unit's students is called."""
        if self._called.get(name.core) != frozenset({unit.code}) or name.kinds & BESIDE:
            return 0.0
        return 0.0 if name.kinds and not name.kinds & unit.name.kinds else _CALLED

    def _of(self, unit: SchoolName, name: SchoolName) -> float:
        key = (unit, name)
        if key not in self._known:
            self._known[key] = self._similarity.of(unit, name)
        return self._known[key]


def _prefer_many(mine: dict[int, float], places: Sequence[Place]) -> None:
    """Lower the score of places with far fewer people than another that fits the unit."""
    most = max((places[n].people for n, score in mine.items() if score >= _FITS), default=0)
    for number in mine:
        mine[number] += _BY_PEOPLE * min(1.0, places[number].people / max(1, most))
        if places[number].people < _FAR_FEWER * most:
            mine[number] *= _FEW


def _weight(unit: UnitToMatch, place: Place) -> float:
    weight = _GROUP if place.groups else _ATTRIBUTE if place.clauses else 1.0
    if not place.people:
        weight *= _EMPTY
    if place.mixed:
        weight *= _MIXED
    return weight * _CEASED if unit.ceased else weight


def _rivals(code: str, number: int, scores: Scores, chosen: Mapping[str, int]) -> tuple[str, ...]:
    """The units that fit the place equally well and were matched with nothing as good."""
    best = scores[code][number]
    return tuple(
        other
        for other, theirs in scores.items()
        if other != code
        and theirs.get(number, 0.0) > best - CLOSE
        and (other not in chosen or theirs[chosen[other]] < theirs[number] - CLOSE / 4)
    )


def _is_better_elsewhere(
    number: int, score: float, owner: Mapping[int, str], scores: Scores
) -> bool:
    """Whether the place belongs to another unit that it fits at least as well."""
    return number in owner and scores[owner[number]][number] >= score - CLOSE / 4


def _sort(place: Place) -> tuple[bool, bool]:
    return bool(place.groups), bool(place.clauses)


def _overlap(one: Place, other: Place) -> bool:
    """Whether one of two places without clauses is inside the other."""
    return not (one.clauses or other.clauses) and any(
        (a + "/").startswith(b + "/") or (b + "/").startswith(a + "/")
        for a in one.org_units
        for b in other.org_units
    )
