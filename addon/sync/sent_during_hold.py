"""What is sent while a plan is held: everything that takes nothing from anybody.

New resources and changes go. Removals wait, and so does what a change would take: a place at a
unit, a place in a class. A changed class is sent with its new members and with those whom it would
lose, as far as these are known; a change of which that is not known waits as a whole.
"""

from collections.abc import Iterable, Iterator, Set

from msgspec import Struct, structs

from addon.planning.ledger import Ledger, shard_of
from addon.planning.limits import Hold
from addon.planning.plan import Operation, Plan, make_plan, plan_for
from addon.roster.departures import joined, without_new_classes
from addon.roster.model import Roster
from addon.roster.placements import (
    GroupId,
    KnownGroup,
    KnownPerson,
    Placements,
    group_id,
)
from addon.roster.unconfirmed import with_unconfirmed
from addon.ss12000.mapping import OutgoingResource, ResourceMapper
from addon.ss12000.resources import ResourceType
from addon.ss12000.vendor_roster import VendorRoster, vendor_roster
from addon.sync.first_readings import OF_GROUPS, only_creates
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Connection
from addon.vendors.profiles import Vendor

CHANGED_BY_PEOPLE: tuple[ResourceType, ...] = ("User", *OF_GROUPS)
"""Types of which a change may take something from somebody."""


class SentDuringHold(Struct, frozen=True):
    """The resources that take nothing from anybody, and what waits beside the removals.

    Of these only what is `planned` (externalIds) is sent: everything else is at the vendor already.
    `absent` are externalIds that nothing may refer to, and `waiting` those of resources whose
    changes wait. `growing` are the types of which nothing is created. With `only_new` too little is
    known to change anything.
    """

    mapper: ResourceMapper
    ledger: Ledger
    now: float
    protected: Set[str]
    planned: Set[str]
    absent: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()
    growing: frozenset[str] = frozenset()
    only_new: bool = False

    def plan(self) -> Plan:
        """Return the plan of what is sent."""
        return self._reduced(plan_for(self._resources, self.ledger, self.now, self.protected))

    def replan(self, absent: Set[str]) -> Plan:
        """Return it again from the current ledger, without references to `absent`."""
        resources = self._resources(absent)
        return self._reduced(make_plan(resources, self.ledger, self.now, self.protected, absent))

    def _resources(self, absent: Set[str]) -> Iterable[OutgoingResource]:
        return self.mapper.resources(absent | self.absent, self._needed)

    @property
    def _needed(self) -> frozenset[str]:
        """ExternalIds whose content decides the plan: what is planned, refused or doubted."""
        ledger = self.ledger
        doubted = (i for part in ledger.entries.values() for i, e in part.items() if e.is_doubted)
        return frozenset(self.planned).union(doubted, *ledger.refusals.values())

    def _reduced(self, plan: Plan) -> Plan:
        def goes(op: Operation) -> bool:
            if op.external_id not in self.planned:
                return False
            if op.kind == "create":
                return op.resource_type not in self.growing
            return op.external_id not in self.waiting

        writes = {kind: list(filter(goes, ops)) for kind, ops in plan.writes.items()}
        plan = structs.replace(plan, writes=writes, deletes={kind: [] for kind in plan.deletes})
        return only_creates(plan, frozenset()) if self.only_new else plan


def waiting_part(plan: Plan, sent: Plan) -> Plan:
    """Return the part of a held plan that waits while `sent` is carried out."""
    going = {(kind, op.external_id): op.content for kind, ops in sent.writes.items() for op in ops}
    writes = {
        kind: [op for op in ops if going.get((kind, op.external_id)) != op.content]
        for kind, ops in plan.writes.items()
    }
    return structs.replace(plan, writes=writes)


class HeldPlan(Struct, frozen=True):
    """A plan that is held, and what it was made of.

    `mapper` has the resources that it sends, `kept` are the placements that are unconfirmed.
    `delivered` is the mark of the reading whose plan was carried out whole last. `approved` are
    externalIds whose removal a person has approved.
    """

    plan: Plan
    hold: Hold
    mapper: ResourceMapper
    prepared: PreparedRun
    connection: Connection
    vendor: Vendor
    ledger: Ledger
    now: float
    protected: frozenset[str]
    kept: Placements
    delivered: float
    approved: frozenset[str]

    def sent(self) -> SentDuringHold:
        """Return what is sent of it."""
        evidence = self.prepared.evidence
        departed = evidence.departures.after(self.delivered, evidence.read)
        lost = Placements() if departed is None else self._lost(departed)
        if self._takes_one:
            lost = without_new_classes(lost)
        kept = structs.replace(
            joined((self.kept, lost)),
            years=self.kept.years,
            classes=self.kept.classes,
            unclear=self.kept.unclear,
        )
        roster = self._roster(lost, kept)
        sent = vendor_roster(roster, self.prepared.tenant, self._connection(), self.vendor)
        waiting = frozenset(self._waiting(lost, roster, sent))
        growing = self.hold.types_that_grow
        if "User" in growing:  # new classes and groups would be without them
            growing = growing.union(OF_GROUPS)
        not_created = frozenset(
            op.external_id
            for kind, ops in self.plan.writes.items()
            for op in ops
            if kind in growing and op.kind == "create"
        )
        return SentDuringHold(
            self.mapper.of_roster(sent, self.connection),
            self.ledger,
            self.now,
            self.protected,
            frozenset(op.external_id for ops in self.plan.writes.values() for op in ops),
            absent=not_created.union(self._not_there(kept), self._not_employed(lost)),
            waiting=waiting,
            growing=growing,
            only_new=departed is None,
        )

    @property
    def _takes_one(self) -> bool:
        return self.vendor.placements == "one"

    def _lost(self, departed: Placements) -> Placements:
        """Return what the plan would take, of what readings no longer have."""
        changed = {
            kind: {op.external_id for op in (*self.plan.writes[kind], *self.plan.deletes[kind])}
            for kind in ("User", "Employment", *OF_GROUPS)
        }
        mapper, roster = self.mapper, self.prepared.roster
        people: dict[str, KnownPerson] = {}
        for user, person in departed.people.items():
            external_id, there = mapper.user_id(user), roster.people.get(user)
            if external_id in self.approved or not self._has(user):
                continue
            at = {e.unit for e in there.enrolments} if there else set[str]()
            left = KnownPerson(
                tuple(
                    (unit, year)
                    for unit, year in person.enrolments
                    if unit not in at and external_id in changed["User"] and self._has_unit(unit)
                ),
                tuple(
                    unit
                    for unit in person.employments
                    if mapper.employment_id(unit, user) in changed["Employment"]
                ),
            )
            if left != KnownPerson():
                people[user] = left
        groups: dict[GroupId, KnownGroup] = {}
        for key, group in departed.groups.items():
            student_group, activity = mapper.group_ids(key)
            if student_group in self.approved:
                continue
            is_changed = student_group in changed["StudentGroup"]
            students = tuple(filter(self._may_be_in_group, group.students)) if is_changed else ()
            is_changed = activity in changed["Activity"]
            teachers = tuple(filter(self._may_be_in_group, group.teachers)) if is_changed else ()
            if students or teachers:
                groups[key] = structs.replace(group, students=students, teachers=teachers)
        found = Placements(people, groups)
        classes = {pair: departed.classes[pair] for pair in found.in_classes}
        return structs.replace(found, classes=classes)

    def _has(self, user: str) -> bool:
        """Whether the vendor has a person (user id), by the ledger."""
        external_id = self.mapper.user_id(user)
        entry = self.ledger.entries["User"].get(external_id)
        if entry is not None:
            return not entry.is_removed
        return user in self._plain.people and shard_of(external_id) in self.ledger.unread

    @property
    def _plain(self) -> VendorRoster:
        return self.prepared.vendor_rosters[self.connection.vendor]

    def _may_be_in_group(self, user: str) -> bool:
        return self.mapper.user_id(user) not in self.approved and self._has(user)

    def _has_unit(self, code: str) -> bool:
        """Whether the vendor has, or gets, a school unit."""
        if code in self.connection.school_units:
            return True
        return self.mapper.school_unit_id(code) in self.ledger.entries["SchoolUnit"]

    def _not_there(self, kept: Placements) -> Iterator[str]:
        """Yield externalIds of people who are kept, but whom the vendor does not have."""
        for user in kept.people:
            if user not in self.prepared.roster.people and not self._has(user):
                yield self.mapper.user_id(user)

    def _as_before(self, lost: Placements) -> frozenset[str]:
        """Return who stays where they were and gets no new place meanwhile.

        Pupils who have become staff, since nobody is both; at a vendor that takes one place of each
        person, all who would lose theirs.
        """
        people = self.prepared.roster.people
        return frozenset(
            user
            for user, person in lost.people.items()
            if self._takes_one
            or (person.enrolments and user in people and people[user].employments)
        )

    def _not_employed(self, lost: Placements) -> Iterator[str]:
        """Yield externalIds of the new employments of people who stay as they were."""
        people = self.prepared.roster.people
        for user in self._as_before(lost) & people.keys():
            for unit in people[user].employments:
                yield self.mapper.employment_id(unit, user)

    def _connection(self) -> Connection:
        """The connection without exceptions of what the vendor has."""
        exceptions, plan = self.connection.exceptions, self.plan
        gone = {op.external_id for kind in ("User", "StudentGroup") for op in plan.deletes[kind]}
        users = tuple(u for u in exceptions.users if self.mapper.user_id(u) not in gone)
        classes = tuple(c for c in exceptions.classes if c not in gone)
        exceptions = structs.replace(exceptions, users=users, classes=classes)
        return structs.replace(self.connection, exceptions=exceptions)

    def _roster(self, lost: Placements, kept: Placements) -> Roster:
        """Return the roster with what is kept; who must not be sent is `unconfirmed` in it."""
        prepared, exceptions = self.prepared, self.connection.exceptions
        roster = prepared.roster
        if self._takes_one:
            classes = {**lost.classes, **self._new_at_other_units(lost)}
            kept = structs.replace(kept, classes={**classes, **kept.classes})
        still = self._as_before(lost)
        if still:
            people = {
                user: structs.replace(person, enrolments=(), employments=())
                if user in still
                else person
                for user, person in roster.people.items()
            }
            roster = structs.replace(roster, people=people)
        roster = with_unconfirmed(roster, kept, prepared.tenant.unit_names)
        still |= roster.people.keys() & set(exceptions.users)
        if still:
            people = {
                user: structs.replace(person, unconfirmed=True) if user in still else person
                for user, person in roster.people.items()
            }
            roster = structs.replace(roster, people=people)
        if exceptions.classes:
            excepted = set(exceptions.classes)
            groups = tuple(
                structs.replace(group, unconfirmed=True)
                if self.mapper.group_ids(group_id(group))[0] in excepted
                else group
                for group in roster.groups
            )
            roster = structs.replace(roster, groups=groups)
        return roster

    def _new_at_other_units(self, lost: Placements) -> dict[tuple[str, str], frozenset[GroupId]]:
        """Return that people who lose their place at a unit have no classes at others."""
        people = self.prepared.roster.people
        return {
            (enrolment.unit, user): frozenset()
            for user in lost.people
            if user in people
            for enrolment in people[user].enrolments
            if (enrolment.unit, user) not in lost.classes
        }

    def _waiting(self, lost: Placements, roster: Roster, sent: VendorRoster) -> Iterator[str]:
        """Yield externalIds of resources whose change would still take something."""
        ids, hidden = self.mapper, self.prepared.roster.protected
        for user, known in lost.people.items():
            person = sent.people.get(user)
            at = set() if person is None else {e.unit for e in person.enrolments}
            if not all(unit in at for unit, _year in known.enrolments):
                yield ids.user_id(user)
        dropped = self._dropped_units()
        for user, placed in roster.people.items() if dropped else ():
            if not dropped.isdisjoint(e.unit for e in placed.enrolments):
                yield ids.user_id(user)
        groups = {group_id(group): group for group in sent.groups}
        for key, before in lost.groups.items():
            group = groups.get(key)
            students = set() if group is None else set(group.students)
            teachers = set() if group is None else set(group.teachers)
            student_group, activity = ids.group_ids(key)
            if not students.issuperset(set(before.students) - hidden):
                yield student_group
            if not teachers.issuperset(set(before.teachers) - hidden):
                yield activity
        if self._takes_one:
            yield from self._reduced(lost, roster, sent)

    def _dropped_units(self) -> frozenset[str]:
        """The codes of units that the vendor has and the connection no longer sends."""
        there = self.ledger.entries["SchoolUnit"]
        chosen = {u.code for u in self.prepared.tenant.school_units}
        chosen &= set(self.connection.school_units)
        codes = self.prepared.protection.units.union(self.prepared.tenant.unit_names)
        return frozenset(c for c in codes - chosen if self.mapper.school_unit_id(c) in there)

    def _reduced(self, lost: Placements, roster: Roster, sent: VendorRoster) -> Iterator[str]:
        """Yield what may change because a vendor takes one place of each person: unknown which."""
        reduced = {finding.subject for finding in sent.findings}
        moved = {user for _unit, user in self._new_at_other_units(lost)}
        for user in reduced:
            yield self.mapper.user_id(user)
        for group in roster.groups:
            student_group, activity = self.mapper.group_ids(group_id(group))
            if not reduced.isdisjoint(group.students):
                yield student_group
            if not reduced.isdisjoint(group.teachers):
                yield activity
        for group in self._plain.groups:
            if not moved.isdisjoint(group.students):
                yield self.mapper.group_ids(group_id(group))[0]
