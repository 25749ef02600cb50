"""Builds selectors from the places decided for a unit, with reasons and a confidence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from addon.proposals.confidence import Confidence, lowest
from addon.proposals.exclusions import (
    ClosedPlaces,
    Exclusion,
    LeftValues,
    OutsidePlaces,
    elsewhere,
    without_devices,
    without_functions,
)
from addon.proposals.matching import Match
from addon.proposals.model import Alternative
from addon.proposals.names import SchoolName
from addon.proposals.past_classes import PastClasses
from addon.proposals.pattern_candidates import literal
from addon.proposals.place_reasons import confidence_of, doubts, unread_titles, why, why_more
from addon.proposals.placement import MatchedUnit
from addon.proposals.places import Place
from addon.proposals.reasons import Reason, reason
from addon.proposals.scope import Inside
from addon.proposals.vocabulary import Role
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.tenants.model import Clause, Operator, Selector, SelectorExceptions

ROLES: tuple[Role, Role] = ("students", "staff")
_TAKEN_OUT_BY: Mapping[Operator, Operator] = {
    "equals": "notEquals",
    "in": "notIn",
    "matches": "notMatches",
}
_HALF = 0.5


class SelectorDraft(Struct, frozen=True):
    """The selectors for one unit, and the ids of those they choose; nobody is in both sets."""

    students: Selector
    staff: Selector
    pupils: frozenset[str]
    adults: frozenset[str]
    reasons: tuple[Reason, ...]
    confidence: Confidence


class SelectorBuilder:
    """Builds the drafts of units, excluding each other's places."""

    def __init__(
        self,
        index: DirectoryIndex,
        inside: Inside,
        settled: Mapping[str, MatchedUnit],
        names: Mapping[str, SchoolName],
    ) -> None:
        self._names = names
        self._inside = inside
        self._index, self._settled, self._closed = index, settled, ClosedPlaces(index)
        self._left = LeftValues(index)
        self._past = PastClasses(index)
        self._outside = OutsidePlaces(index)
        self._people: dict[Place, frozenset[str]] = {}
        self._taken = [
            (code, role, path)
            for code, each in settled.items()
            for role in ROLES
            for path in each.paths(role)
        ]

    def draft(self, code: str, status: str) -> SelectorDraft:
        """Build the selectors for the unit; `status` is its status in the register."""
        settled = self._settled[code]
        if has_ceased(status):
            found: Confidence = "unsure" if settled.students or settled.staff else "none"
            said = (reason("ceased", status=status),) if found == "unsure" else ()
            return SelectorDraft(Selector(), Selector(), frozenset(), frozenset(), said, found)
        students, why_students = self._selector(code, "students", settled)
        staff, why_staff = self._selector(code, "staff", settled)
        adults = choose(staff, self._index).chosen
        pupils = choose(students, self._index).chosen - adults
        unread = tuple(unread_titles(settled, pupils | adults, self._index))
        settled = self._without_covered(settled, pupils | adults)
        reasons = (*why_students, *why_staff, *doubts(settled, pupils), *unread)
        confidence = confidence_of(settled, pupils, adults)
        if self._has_lost_sibling(code):
            confidence = lowest(confidence, "likely")
        if unread:
            confidence = lowest(confidence, "likely")
        return SelectorDraft(students, staff, pupils, adults, reasons, confidence)

    def _has_lost_sibling(self, code: str) -> bool:
        """Whether a unit of the same name in another form has no students or staff of its own."""
        own = self._names[code]
        return any(
            name.core == own.core and (each.students is None or each.staff is None)
            for other, name in self._names.items()
            for each in (self._settled[other],)
            if own.core and other != code and not each.staff_groups
        )

    def _without_covered(self, settled: MatchedUnit, chosen: frozenset[str]) -> MatchedUnit:
        """The unit without doubts about places whose people are all chosen."""
        found: dict[str, Match] = {}
        for role in ROLES:
            match = _of_role(settled, role)[0]
            if match is not None and match.doubts and settled.completed:
                kept = [p for p in match.doubts if _chosen((p,), self._index) - chosen]
                found[role] = structs.replace(match, doubts=tuple(kept))
        return structs.replace(settled, **found) if found else settled

    def _selector(
        self, code: str, role: Role, settled: MatchedUnit
    ) -> tuple[Selector, tuple[Reason, ...]]:
        match, more, groups = _of_role(settled, role)
        places = (*((match.place,) if match else ()), *more, *groups)
        paths = tuple(dict.fromkeys(settled.paths(role)))
        reasons = [*([why(match)] if match else []), *why_more(more, groups)]
        either = _either(places)
        clauses: list[Clause] = []
        if role == "students" and match is not None and match.place.mixed:
            clauses.extend(_not_in_groups(settled))
        shared = bool(clauses or either)
        if not shared:
            clauses.extend(self._not_of_others(code, role, paths))
        others = () if shared else self._others(code, role, paths)
        reached = {id for path in paths for id in self._inside(path)}
        reached.update(
            id for place in places for g in place.groups for id in self._index.in_group(g)
        )
        needed = [
            self._closed.below(paths),
            elsewhere(paths, others),
            *(() if shared else (self._outside.below(paths),)),
            without_devices(self._index, reached),
            self._left.among(_chosen(places, self._index) if shared else reached),
        ]
        if role == "students":
            needed.append(self._past.left(_chosen(places, self._index)))
        else:
            needed.append(without_functions(self._index, reached, self._names[code]))
        told = (
            self._about(needed, _chosen(places, self._index), self._names[code])
            if shared
            else [said for each in needed for said in each.reasons]
        )
        reasons.extend(told)
        for each in needed:
            clauses.extend(each.clauses)
        left_out = SelectorExceptions(
            users=tuple(id for each in needed for id in each.users),
            org_units=tuple(
                dict.fromkeys(
                    (
                        *(path for each in needed for path in each.org_units),
                        *self._of_pupils(role, settled, groups),
                    )
                )
            ),
        )
        selector = Selector(
            org_units=paths,
            groups=tuple(dict.fromkeys(g for place in places for g in place.groups)),
            filters=_filters(either, clauses),
        ).excepting(left_out)
        return selector, tuple(reasons)

    def _of_pupils(
        self, role: Role, settled: MatchedUnit, groups: Iterable[Place]
    ) -> tuple[str, ...]:
        """The OUs of the unit's students, if a group of its staff has them too."""
        paths = settled.paths("students")
        if role == "students" or settled.students is None or settled.students.place.clauses:
            return ()
        pupils = {id for path in paths for id in self._inside(path)}
        members = {id for each in groups for g in each.groups for id in self._index.in_group(g)}
        return paths if len(members & pupils) > _HALF * len(members) else ()

    def _about(
        self, needed: Sequence[Exclusion], ids: frozenset[str], name: SchoolName
    ) -> Iterator[Reason]:
        """The reasons of exclusions that are about the people `ids`."""
        for said in (said for each in needed for said in each.reasons):
            if said.code == "left-ou":
                if not said["path"].startswith("/"):
                    yield said
                    continue
                people = self._index.in_org_unit(said["path"]) & ids
                if people:
                    yield reason("left-ou", path=said["path"], count=str(len(people)))
            elif said.code not in ("devices", "function-accounts"):
                yield said
        yield from without_devices(self._index, ids).reasons
        if any(said.code == "function-accounts" for each in needed for said in each.reasons):
            yield from without_functions(self._index, ids, name).reasons

    def _not_of_others(self, code: str, role: Role, paths: tuple[str, ...]) -> Iterator[Clause]:
        """Clauses that exclude people of another unit in the same OU, by the value they have.

        Units share no students, and adapted forms and others no people at all.
        """
        adapted = _is_adapted(self._names[code])
        here = {id for path in paths for id in self._inside(path)}
        for owner, settled in self._settled.items():
            match = _of_role(settled, role)[0]
            if owner == code or match is None:
                continue
            if _is_adapted(self._names[owner]) == adapted and role == "staff":
                continue
            same = role == "students" or self._names[owner].core == self._names[code].core
            apart = same and _is_adapted(self._names[owner])
            groups = _own_groups(settled, role) if apart else ()
            theirs = frozenset(id for group in groups for id in self._index.in_group(group)) & here
            if theirs and not adapted and 2 * len(theirs) < len(here):
                yield Clause("groups", "notIn", groups)
            if match.place.groups:
                continue
            clauses = match.place.clauses
            if len(clauses) != 1 or clauses[0].operator not in _TAKEN_OUT_BY:
                continue
            theirs = self._people_of(match.place) & here
            if theirs and 2 * len(theirs) < len(here):
                yield structs.replace(clauses[0], operator=_TAKEN_OUT_BY[clauses[0].operator])

    def _people_of(self, place: Place) -> frozenset[str]:
        """The active users in a place, chosen once for all units that are compared with it."""
        if place not in self._people:
            self._people[place] = choose(place.selector, self._index).chosen
        return self._people[place]

    def _others(self, code: str, role: Role, paths: tuple[str, ...]) -> list[str]:
        """The OUs of other units, and of the unit's other role."""
        own = set(paths)
        return [
            path
            for owner, its_role, path in self._taken
            if (owner, its_role) != (code, role) and path not in own
        ]


def _either(places: Sequence[Place]) -> tuple[tuple[Clause, ...], ...]:
    """The filters of places of which some are narrowed by clauses; empty if none is."""
    told = tuple(dict.fromkeys(each for place in places for each in place.filters))
    if not any(told):
        return ()
    if len({place.filters for place in places}) == 1:
        return told
    return tuple(dict.fromkeys(each for place in places for each in _alone(place)))


def _alone(place: Place) -> tuple[tuple[Clause, ...], ...]:
    """Filters that choose a place among the people of several."""
    if any(place.filters):
        return place.filters
    if place.groups:
        return ((Clause("groups", "in", place.groups),),)
    paths = "|".join(map(literal, place.org_units))
    return ((Clause("orgUnitPath", "matches", rf"(?i)^(?:{paths})(?:/|$)"),),)


def _filters(
    either: tuple[tuple[Clause, ...], ...], clauses: Iterable[Clause]
) -> tuple[tuple[Clause, ...], ...]:
    """Each filter with the clauses that all have."""
    found = tuple(tuple(dict.fromkeys((*each, *clauses))) for each in either or ((),))
    return found if any(found) else ()


def _chosen(places: Iterable[Place], index: DirectoryIndex) -> frozenset[str]:
    """The people in any of some places."""
    return frozenset().union(*(choose(place.selector, index).chosen for place in places))


def without_closed(index: DirectoryIndex, selector: Selector) -> Selector:
    """A selector that leaves out OUs of those who have left, and numbered accounts of nobody."""
    devices = without_devices(index, choose(selector, index).chosen)
    closed = ClosedPlaces(index).below(selector.org_units)
    filters = tuple((*clauses, *devices.clauses) for clauses in selector.filters or ((),))
    made = structs.replace(selector, filters=filters if any(filters) else ())
    left = structs.replace(
        made.exceptions,
        org_units=tuple(dict.fromkeys((*made.exceptions.org_units, *closed.org_units))),
    )
    return made.excepting(left)


def has_ceased(status: str) -> bool:
    """Whether the register says that a unit has ceased or is resting."""
    return status.casefold().startswith(("upph", "ceased", "vilande", "nedlagd"))


def alternatives(settled: MatchedUnit, ceased: bool = False) -> Iterator[Alternative]:
    """The other places that a unit could have, best first for students, then for staff.

    Nothing is proposed for a unit that has `ceased`, so that all are alternatives.
    """
    for match, near in (
        (settled.students, settled.near_students),
        (settled.staff, settled.near_staff),
    ):
        found = ((match.place, match.score),) if match is not None and ceased else ()
        for place, score in (*found, *near):
            listed = place in settled.more_students or place in settled.more_staff
            if place.people and not listed:
                yield Alternative(
                    role=place.role,
                    text=place.text,
                    selector=place.selector,
                    similarity=round(min(score, 1.0), 2),
                    people=place.people,
                )


def _of_role(
    settled: MatchedUnit, role: Role
) -> tuple[Match | None, tuple[Place, ...], tuple[Place, ...]]:
    if role == "students":
        return settled.students, settled.more_students, settled.guest_groups
    return settled.staff, settled.more_staff, settled.staff_groups


def _own_groups(settled: MatchedUnit, role: Role) -> tuple[str, ...]:
    """The groups that are a unit's places of a role."""
    match, _, more = _of_role(settled, role)
    if match is None or match.place.clauses:
        return ()
    places = (match.place, *more)
    return tuple(dict.fromkeys(group for place in places for group in place.groups))


def _is_adapted(name: SchoolName) -> bool:
    return any(kind.startswith("adapted") for kind in name.kinds)


def _not_in_groups(settled: MatchedUnit) -> Iterator[Clause]:
    """Clauses that exclude the staff from a shared OU, if groups identify them."""
    at_staff = settled.staff.place.groups if settled.staff else ()
    groups = (*at_staff, *(g for place in settled.staff_groups for g in place.groups))
    if groups:
        yield Clause(attribute="groups", operator="notIn", value=tuple(dict.fromkeys(groups)))
