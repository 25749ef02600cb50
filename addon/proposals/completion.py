"""Compares what each unit was found to have with groups and OUs of the same people, and adds more.

A school's group of staff has those who lie in another school's OU, its group of all pupils those
who have no class yet, and OUs beside its students and staff hold more of its staff.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Set

from msgspec import Struct, structs

from addon.directory.snapshot import Group
from addon.proposals.aliases import groups_of_staff, learned_words
from addon.proposals.declined import DeclinedPlaces
from addon.proposals.leisure import leisure_places
from addon.proposals.names import ADAPTED, SchoolName, read_name
from addon.proposals.placement import MatchedUnit
from addon.proposals.places import Place, is_adapted
from addon.proposals.scope import Inside
from addon.proposals.selectors import SelectorDraft
from addon.proposals.vocabulary import (
    Role,
    device_stem,
    is_for_devices,
    is_function,
    is_left,
    is_outside,
    is_protected,
    is_staff_part,
    plain_words,
    role_of,
)
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.text import fold

_MOST = 0.8
_MANY = 0.6
_NEARLY_ALL = 0.9
_HARDLY_ANY = 0.05
_FEWEST = 4


class _Counts(Struct, frozen=True):
    """The members of a group, and how many of them are each unit's pupils and staff."""

    members: frozenset[str]
    pupils: Counter[str]
    adults: Counter[str]


class Completion:
    """Completes the places of units, given what their drafts choose."""

    def __init__(
        self,
        index: DirectoryIndex,
        inside: Inside,
        settled: Mapping[str, MatchedUnit],
        drafts: Mapping[str, SelectorDraft],
        names: Mapping[str, SchoolName],
        declined: DeclinedPlaces,
    ) -> None:
        self._names, self._declined = names, declined
        self._index, self._inside = index, inside
        self._settled, self._drafts = settled, drafts
        self._pupil_of = _owners({code: draft.pupils for code, draft in drafts.items()})
        self._adult_of = _owners({code: draft.adults for code, draft in drafts.items()})

    def completed(self) -> dict[str, MatchedUnit]:
        """What each unit has, with what was found; the same value where nothing was."""
        found = dict(self._settled)
        for group in self._index.groups:
            if not group.everyone:
                self._add_group(found, group)
        self._add_learned(found)
        self._add_leisure(found)
        for code, settled in found.items():
            unit = self._by_form(code, self._with_parts(code, self._widened(code, settled)))
            found[code] = self._with_odd_parts(self._without_others(code, unit))
        return found

    def _add_learned(self, found: dict[str, MatchedUnit]) -> None:
        """Give units without staff the groups that have a word which only their pupils' have."""
        without = [code for code, unit in found.items() if not unit.staff and not unit.staff_groups]
        if not without:
            return
        pupils = {code: draft.pupils for code, draft in self._drafts.items()}
        learned = learned_words(self._index, pupils)
        groups = groups_of_staff(self._index, learned, self._names, self._pupil_of.keys())
        for code in without:
            free = [g for g in groups.get(code, ()) if not self._is_others(g)]
            if free:
                places = tuple(
                    Place("staff", (), groups=(g.email,), people=len(self._index.in_group(g.email)))
                    for g in free
                )
                kept = tuple(p for p in places if not self._declined.has(code, p))
                found[code] = structs.replace(found[code], staff_groups=kept, completed=bool(kept))

    def _add_leisure(self, found: dict[str, MatchedUnit]) -> None:
        """Give units the staff of their fritidshem who lie apart."""
        placed = self._pupil_of.keys() | self._adult_of.keys()
        for code, place in leisure_places(self._index, self._names, placed):
            unit = found[code]
            groups = [each.groups for each in unit.staff_groups]
            if unit.staff is None or self._declined.has(code, place) or place.groups in groups:
                continue
            more = (*unit.more_staff, *((place,) if place.org_units else ()))
            grouped = (*unit.staff_groups, *((place,) if place.groups else ()))
            found[code] = structs.replace(
                unit, more_staff=more, staff_groups=grouped, completed=True
            )

    def _is_others(self, group: Group) -> bool:
        """Whether most members of a group are staff of units already."""
        members = self._index.members[group.id] & self._index.users.keys()
        return 2 * len(members & self._adult_of.keys()) > len(members)

    def _add_group(self, found: dict[str, MatchedUnit], group: Group) -> None:
        counts = self._counts(group)
        if len(counts.members) < _FEWEST:
            return
        words = (*plain_words(group.email.partition("@")[0]), *plain_words(group.name))
        if is_left(words) or is_protected(words) or is_outside(words):
            return
        role = _role(group)
        if role == "students":
            code = self._whose_pupils(counts)
        elif role == "staff":
            code = self._whose_staff(counts)
        else:
            code = self._whose_everybody(counts)
        if code is None:
            return
        draft, unit = self._drafts[code], found[code]
        more = counts.members - draft.pupils - draft.adults - self._kept_out(code)
        if role == "students":
            apart = self._names[code].kinds & ADAPTED and read_name(group.name).kinds & ADAPTED
            more -= self._adult_of.keys() | (set() if apart else self._pupil_of.keys())
        elif role is None:
            more &= self._adult_of.keys()
        at: Role = "students" if role == "students" else "staff"
        if not more or group.email in _groups_of(unit, at):
            return
        place = Place(at, (), groups=(group.email,), people=len(counts.members))
        if self._declined.has(code, place):
            return
        found[code] = (
            structs.replace(unit, guest_groups=(*unit.guest_groups, place), completed=True)
            if role == "students"
            else structs.replace(unit, staff_groups=(*unit.staff_groups, place), completed=True)
        )

    def _counts(self, group: Group) -> _Counts:
        members = self._index.members[group.id] & self._index.users.keys()
        return _Counts(
            frozenset(members),
            Counter(code for id in members for code in self._pupil_of.get(id, ())),
            Counter(code for id in members for code in self._adult_of.get(id, ())),
        )

    def _whose_pupils(self, counts: _Counts) -> str | None:
        """The unit of which a group has most pupils and hardly anybody else."""
        code, own = _most(counts.pupils)
        fits = (
            own >= _MOST * len(counts.members) and own >= _MOST * len(self._drafts[code].pupils)
            if code
            else False
        )
        return code if fits else None

    def _whose_staff(self, counts: _Counts) -> str | None:
        """The only unit of which a group has most staff."""
        if counts.pupils.total() > _HARDLY_ANY * len(counts.members):
            return None
        codes = [
            code
            for code, own in counts.adults.items()
            if own >= max(_FEWEST, _MOST * len(self._drafts[code].adults))
        ]
        if len(codes) != 1 or counts.adults[codes[0]] < _MANY * len(counts.members):
            return None
        return codes[0]

    def _whose_everybody(self, counts: _Counts) -> str | None:
        """The unit of which a group has nearly all pupils and staff, and hardly anybody else."""
        (code, pupils), (other, adults) = _most(counts.pupils), _most(counts.adults)
        if not code or code != other or pupils + adults < _NEARLY_ALL * len(counts.members):
            return None
        draft = self._drafts[code]
        fits = pupils >= _MOST * len(draft.pupils) and adults >= _MOST * len(draft.adults)
        return code if fits and adults >= _FEWEST else None

    def _kept_out(self, code: str) -> Set[str]:
        """Those whom the unit's places have and its selectors leave out."""
        draft, unit = self._drafts[code], self._settled[code]
        reached = {
            id
            for match in (unit.students, unit.staff)
            if match is not None
            for id in choose(match.place.selector, self._index).chosen
        }
        return reached - draft.pupils - draft.adults

    def _with_parts(self, code: str, unit: MatchedUnit) -> MatchedUnit:
        """The unit with the OUs of staff that lie beside those of its students and staff."""
        above = _only_above(unit)
        if above is None or not self._is_own(code, above):
            return unit
        taken = [fold(path) for role in _ROLES for path in unit.paths(role)]
        more: list[Place] = []
        unknown: list[Place] = []
        for path in self._beside(above, taken):
            words = plain_words(path.rpartition("/")[2])
            people = [id for id in self._inside(path) if not self._is_of_nobody(id)]
            place = Place("staff", (), (path,), people=len(people))
            if not people or self._declined.has(code, place):
                continue
            few = 2 * place.people <= len(self._drafts[code].adults)
            is_staff = is_staff_part(words) or (few and is_staff_part(words, among_staff=True))
            (more if is_staff else unknown).append(place)
        if more:
            unit = structs.replace(unit, more_staff=(*unit.more_staff, *more), completed=True)
        return structs.replace(unit, unknown=tuple(unknown)) if unknown else unit

    def _is_of_nobody(self, id: str) -> bool:
        address = self._index.users[id].primary_email
        return device_stem(address) is not None or is_function(address)

    def _by_form(self, code: str, unit: MatchedUnit) -> MatchedUnit:
        """The unit, of the adapted form by the value that says it, if that has more pupils."""
        match = unit.students
        if match is None or match.place.clauses or not is_adapted(match.place):
            return unit
        own = self._drafts[code].pupils
        for place, _ in unit.near_students:
            told = [clause.operator for clause in place.clauses] == ["equals"]
            if told and is_adapted(place) and not self._declined.has(code, place):
                ids = choose(place.selector, self._index).chosen
                if own < ids and len(ids) < 2 * len(own):
                    swapped = structs.replace(match, place=place, doubts=())
                    return structs.replace(unit, students=swapped, more_students=(), completed=True)
        return unit

    def _with_odd_parts(self, unit: MatchedUnit) -> MatchedUnit:
        """The unit, not sure if an OU of a role lies beside one that says the role and more."""
        for match in (unit.students, unit.staff):
            names = (
                [read_name(p.rpartition("/")[2]) for p in match.place.org_units] if match else []
            )
            bare = [name for name in names if name.role and not name.tells]
            if bare and any(name.role and name.core for name in names):
                return structs.replace(unit, completed=True)
        return unit

    def _widened(self, code: str, unit: MatchedUnit) -> MatchedUnit:
        """The unit with all of its OU of students, if what was found is a form of school in it."""
        match = unit.students
        if match is None or match.place.clauses or not match.place.names:
            return unit
        if match.place.names[0].core or len(match.place.org_units) != 1:
            return unit
        above = match.place.org_units[0].rpartition("/")[0]
        for place, score in unit.near_students:
            fits = place.org_units == (above,) and not place.clauses and score >= _MOST
            fits = fits and not self._declined.has(code, place)
            if fits and self._is_own(code, above):
                wide = structs.replace(match, place=place, score=score, doubts=())
                return structs.replace(unit, students=wide, more_students=(), completed=True)
        return unit

    def _without_others(self, code: str, unit: MatchedUnit) -> MatchedUnit:
        """The unit without doubts about places of another unit, or that are a part of its own.

        The latter are those of most who are chosen, if no value of the rest names another unit.
        """
        for role in _ROLES:
            match, near = (
                (unit.students, unit.near_students)
                if role == "students"
                else (unit.staff, unit.near_staff)
            )
            if match is None or not match.doubts:
                continue
            scores = dict(near)
            kept = tuple(
                place
                for place in match.doubts
                if not self._is_anothers(code, role, place, scores.get(place, 1.0))
                and not self._is_most_of(code, role, place)
            )
            if kept == match.doubts:
                continue
            match = structs.replace(match, doubts=kept)
            unit = (
                structs.replace(unit, students=match, completed=True)
                if role == "students"
                else structs.replace(unit, staff=match, completed=True)
            )
        return unit

    def _is_anothers(self, code: str, role: Role, place: Place, score: float) -> bool:
        """Whether another unit that is found with more certainty has all the people of a place."""
        people = choose(place.selector, self._index).chosen
        for other, draft in self._drafts.items():
            unit = self._settled[other]
            match, chosen = (
                (unit.students, draft.pupils) if role == "students" else (unit.staff, draft.adults)
            )
            if other != code and match is not None and match.score > score and people <= chosen:
                return True
        return False

    def _is_most_of(self, code: str, role: Role, place: Place) -> bool:
        """Whether a value that names the unit is that of most in its OU, and of nobody else."""
        draft, unit = self._drafts[code], self._settled[code]
        match, chosen = (
            (unit.students, draft.pupils) if role == "students" else (unit.staff, draft.adults)
        )
        if match is None or match.place.clauses or not match.place.org_units:
            return False
        if [clause.operator for clause in place.clauses] != ["equals"]:
            return False
        people = choose(place.selector, self._index).chosen
        if not people <= chosen or len(people) < _MANY * len(chosen):
            return False
        attribute = place.clauses[0].attribute
        named = {
            str(each.place.clauses[0].value)
            for other, theirs in self._settled.items()
            for each in (theirs.students, theirs.staff)
            if other != code and each is not None and each.place.clauses
        }
        rest = (self._index.users[id].attributes.get(attribute, ()) for id in chosen - people)
        return named.isdisjoint(value for values in rest for value in values)

    def _is_own(self, code: str, above: str) -> bool:
        """Whether no other unit has a place in an OU, but for those inside the unit's own."""
        start = fold(above) + "/"
        own = tuple(fold(path) + "/" for role in _ROLES for path in self._settled[code].paths(role))
        return not any(
            (fold(path) + "/").startswith(start) and not fold(path).startswith(own)
            for other, unit in self._settled.items()
            if other != code
            for role in _ROLES
            for path in unit.paths(role)
        )

    def _beside(self, above: str, taken: list[str]) -> Iterator[str]:
        """The OUs right below one, with active people, that are nobody's so far."""
        for folded, unit in sorted(self._index.org_units.items()):
            if folded.rpartition("/")[0] != fold(above) or not self._inside(unit.path):
                continue
            words = plain_words(unit.name)
            closed = is_left(words) or is_outside(words) or is_protected(words)
            if closed or is_for_devices(words) or read_name(unit.name).kinds == {"preschool"}:
                continue
            if not any((path + "/").startswith(folded + "/") for path in taken):
                yield unit.path


_ROLES: tuple[Role, Role] = ("students", "staff")


def _role(group: Group) -> Role | None:
    address = role_of(plain_words(group.email.partition("@")[0]))[0]
    return address or role_of(plain_words(group.name))[0]


def _groups_of(unit: MatchedUnit, role: Role) -> frozenset[str]:
    match, groups = (
        (unit.students, unit.guest_groups)
        if role == "students"
        else (unit.staff, unit.staff_groups)
    )
    places = (*((match.place,) if match else ()), *groups)
    return frozenset(address for place in places for address in place.groups)


def _only_above(unit: MatchedUnit) -> str | None:
    """The OU right above all of a unit's places, which have no clauses; None without one."""
    if unit.students is None or unit.staff is None or unit.shared is not None:
        return None
    if unit.students.place.clauses or unit.staff.place.clauses:
        return None
    above = {path.rpartition("/")[0] for role in _ROLES for path in unit.paths(role)}
    return above.pop() or None if len(above) == 1 else None


def _owners(chosen: Mapping[str, Set[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, ids in chosen.items():
        for id in ids:
            found.setdefault(id, []).append(code)
    return found


def _most(count: Counter[str]) -> tuple[str, int]:
    return next(iter(count.most_common(1)), ("", 0))
