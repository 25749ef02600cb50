"""Matches places with units, all at once, so that a unit does not take another unit's place."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from addon.proposals.assign import assign
from addon.proposals.names import ALIKE, NameSimilarity, SchoolName
from addon.proposals.places import Place

CLOSE = 0.08
"""Scores that differ by less than this count as equal."""
_GROUP = 0.9
_GROUP_ALIKE = 0.7
_ATTRIBUTE = 0.85
_EMPTY = 0.8
_CEASED = 0.9
_MIXED = 0.97
_MOST_ALTERNATIVES = 3


class UnitToMatch(Struct, frozen=True):
    """A unit to find places for."""

    code: str
    name: SchoolName
    ceased: bool = False


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
Scores = dict[str, dict[int, float]]


class UnitMatcher:
    """Matches units with places of one role at a time."""

    def __init__(self, units: Sequence[UnitToMatch]) -> None:
        self._units = units
        self._similarity = NameSimilarity(unit.name for unit in units)
        self._known: dict[tuple[SchoolName, SchoolName], float] = {}

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
                    and not _overlap(places[n], places[number])
                ),
            )
        return Matches(found, near)

    def scores(self, places: Sequence[Place], bonus: Bonus = lambda code, place: 0.0) -> Scores:
        """The score of each unit for each place (by its number) that resembles it."""
        found: Scores = {}
        for unit in self._units:
            mine = found[unit.code] = {}
            for number, place in enumerate(places):
                alike = self._alike(unit, place)
                if alike >= ALIKE and not (place.groups and alike < _GROUP_ALIKE):
                    mine[number] = alike * _weight(unit, place) + bonus(unit.code, place)
        return found

    def _alike(self, unit: UnitToMatch, place: Place) -> float:
        found = [self._of(unit.name, name) for name in place.names]
        if not place.groups or len(found) == 1:
            return max(found)
        # Both a group's address and its name count, since either alone may fit two schools.
        return 0.9 * max(found) + 0.1 * sum(found) / len(found)

    def _of(self, unit: SchoolName, name: SchoolName) -> float:
        key = (unit, name)
        if key not in self._known:
            self._known[key] = self._similarity.of(unit, name)
        return self._known[key]


def _weight(unit: UnitToMatch, place: Place) -> float:
    weight = _GROUP if place.groups else _ATTRIBUTE if place.clause else 1.0
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
    return number in owner and scores[owner[number]][number] >= score


def _overlap(one: Place, other: Place) -> bool:
    """Whether one is inside the other, or one is an OU and the other a group."""
    if bool(one.org_units) != bool(other.org_units):
        return True
    return any(
        (a + "/").startswith(b + "/") or (b + "/").startswith(a + "/")
        for a in one.org_units
        for b in other.org_units
    )
