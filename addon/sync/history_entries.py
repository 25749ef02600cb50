"""The entries of one delivery's history: what was done to whom, and as far as is known why."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set

from msgspec import Struct

from addon.planning.history import HistoryEntry, ResultOfOperation
from addon.planning.ledger import OperationKind
from addon.roster.moves import GroupMoves
from addon.roster.placements import KnownPerson, group_id, known_person
from addon.ss12000.mapping import ResourceMapper
from addon.ss12000.resources import ResourceType
from addon.sync.people_csv import EXCEPTED, UNIT_NOT_CHOSEN
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Connection

MOST_MEMBERS = 2000
"""How many who joined or left groups are kept of one delivery; of others only that it changed."""
GONE = "gone"
GROUP_TYPES: tuple[ResourceType, ResourceType] = ("StudentGroup", "Activity")

ResourceKey = tuple[ResourceType, str]


class ResourceOutcome(Struct, frozen=True):
    """What became of one resource in a delivery."""

    operation: OperationKind
    result: ResultOfOperation


class EntriesOfRun:
    """The entries of one delivery, by the run's roster and what has changed since the last."""

    def __init__(
        self,
        prepared: PreparedRun,
        connection: Connection,
        mapper: ResourceMapper,
        outcomes: Mapping[ResourceKey, ResourceOutcome],
    ) -> None:
        self._prepared = prepared
        self._connection = connection
        self._mapper = mapper
        self._outcomes = outcomes
        self._members = MOST_MEMBERS

    def entries(self) -> Iterator[HistoryEntry]:
        of_type: dict[ResourceType, set[str]] = {}
        for kind, external_id in self._outcomes:
            of_type.setdefault(kind, set()).add(external_id)
        yield from self._of_people(of_type.pop("User", set()))
        yield from self._of_employments(of_type.pop("Employment", set()))
        groups = of_type.pop("StudentGroup", set()) | of_type.pop("Activity", set())
        yield from self._of_groups(groups)
        for kind, ids in of_type.items():
            units = self._units_by_id() if kind == "SchoolUnit" else {}
            for external_id in ids:
                yield self._entry(kind, external_id, units=units.get(external_id, ()))

    def _entry(
        self,
        kind: ResourceType,
        external_id: str,
        person: str = "",
        units: tuple[str, ...] = (),
        why: str = "",
        changed: tuple[str, ...] = (),
        members: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    ) -> HistoryEntry:
        outcome = self._outcomes[kind, external_id]
        joined, left = (tuple(map(self._mapper.user_id, users)) for users in members)
        return HistoryEntry(
            kind,
            external_id,
            outcome.operation,
            outcome.result,
            person,
            units,
            why if outcome.operation == "delete" else "",
            changed if outcome.operation == "update" else (),
            joined,
            left,
        )

    def _of_people(self, wanted: set[str]) -> Iterator[HistoryEntry]:
        known = _found(wanted, self._users(), self._mapper.user_id)
        for external_id in wanted:
            user = known.get(external_id)
            if user is None:
                yield self._entry("User", external_id, external_id)
                continue
            now, before = self._now(user), self._before(user)
            units = dict.fromkeys((*_units(before or KnownPerson()), *_units(now)))
            yield self._entry(
                "User",
                external_id,
                external_id,
                tuple(units),
                self._why(user),
                _changed(before, now),
            )

    def _of_employments(self, wanted: set[str]) -> Iterator[HistoryEntry]:
        pairs = {
            self._mapper.employment_id(unit, user): (unit, user)
            for unit, user in (self._employments() if wanted else ())
        }
        for external_id in wanted & pairs.keys():  # of the others nobody knows whose they are
            unit, user = pairs[external_id]
            yield self._entry("Employment", external_id, self._mapper.user_id(user), (unit,))

    def _of_groups(self, wanted: set[str]) -> Iterator[HistoryEntry]:
        if not wanted:
            return
        moves = self._prepared.evidence.moves.groups
        keys = dict.fromkeys((*map(group_id, self._prepared.roster.groups), *moves))
        for key in keys:
            ids = self._mapper.group_ids(key)
            for kind, external_id in zip(GROUP_TYPES, ids, strict=True):
                if external_id in wanted:
                    wanted.discard(external_id)
                    yield self._of_group(kind, external_id, key[0], moves.get(key, GroupMoves()))
        for kind, external_id in self._outcomes:
            if external_id in wanted:
                yield self._entry(kind, external_id)

    def _of_group(
        self, kind: ResourceType, external_id: str, unit: str, moves: GroupMoves
    ) -> HistoryEntry:
        members = (
            (moves.joined, moves.left)
            if kind == "StudentGroup"
            else (moves.teachers_joined, moves.teachers_left)
        )
        count = sum(map(len, members))
        changed = ("members",) if count else ()
        if count > self._members:
            members = ((), ())
        else:
            self._members -= count
        return self._entry(kind, external_id, "", (unit,), "", changed, members)

    def _users(self) -> Iterator[str]:
        """Yield the ids of all who may be meant, those who have changed first."""
        prepared, evidence = self._prepared, self._prepared.evidence
        yield from evidence.moves.before
        yield from prepared.roster.people
        yield from (user.id for user in prepared.snapshot.users)
        yield from evidence.left
        yield from evidence.gone_people

    def _employments(self) -> Iterator[tuple[str, str]]:
        evidence = self._prepared.evidence
        for user, person in evidence.moves.before.items():
            yield from ((unit, user) for unit in person.employments)
        for user, placed in self._prepared.roster.people.items():
            yield from ((unit, user) for unit in placed.employments)
        yield from evidence.gone_employments

    def _units_by_id(self) -> dict[str, tuple[str, ...]]:
        units = self._prepared.tenant.school_units
        return {self._mapper.school_unit_id(unit.code): (unit.code,) for unit in units}

    def _now(self, user: str) -> KnownPerson:
        person = self._prepared.roster.people.get(user)
        return KnownPerson() if person is None else known_person(person)

    def _before(self, user: str) -> KnownPerson | None:
        before = self._prepared.evidence.moves.before.get(user)
        if before is None and user in (left := self._prepared.evidence.left):
            return KnownPerson(((left[user], None),))
        return before

    def _why(self, user: str) -> str:
        """Return why somebody is removed at this vendor."""
        if user in self._connection.exceptions.users:
            return EXCEPTED
        roster = self._prepared.roster
        if user in roster.people:
            return UNIT_NOT_CHOSEN
        return roster.left_out.get(user, GONE)


def _found(
    wanted: Set[str], users: Iterable[str], external_id: Callable[[str], str]
) -> dict[str, str]:
    """Return the user ids of the wanted externalIds, as far as they are among `users`."""
    found: dict[str, str] = {}
    for user in users if wanted else ():
        if (name := external_id(user)) in wanted and name not in found:
            found[name] = user
            if len(found) == len(wanted):
                break
    return found


def _units(person: KnownPerson) -> tuple[str, ...]:
    return (*(unit for unit, _year in person.enrolments), *person.employments)


def _changed(before: KnownPerson | None, now: KnownPerson) -> tuple[str, ...]:
    """Return which parts of a person's placement have changed; empty if that is not known."""
    if before is None or not now.is_anywhere:
        return ()
    years, years_now = dict(before.enrolments), dict(now.enrolments)
    found = (
        ("units", years.keys() != years_now.keys()),
        ("year", any(years_now[u] != y for u, y in years.items() if u in years_now)),
        ("employments", set(before.employments) != set(now.employments)),
    )
    return tuple(part for part, differs in found if differs)
