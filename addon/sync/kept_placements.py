"""Which of the placements that are unconfirmed are kept at one vendor.

Those at the units that the connection sends, without what a person has approved the end of, and
of jobs only those that the vendor has. Who is a student now, if they have no job any more of which
the vendor has not heard, stays there as they are: they may be no student at all.
"""

from collections.abc import Iterator, Mapping, Set

from msgspec import structs

from addon.planning.ledger import Ledger, LedgerKey, shard_of
from addon.planning.limits import Approval
from addon.planning.plan import Plan
from addon.roster.model import Person, Roster
from addon.roster.placements import (
    Employment,
    GroupId,
    KnownGroup,
    KnownPerson,
    Placements,
    group_id,
)
from addon.ss12000.mapping import ResourceMapper
from addon.store.base import LedgerStore
from addon.sync.first_readings import OF_GROUPS
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Connection


def kept_at_vendor(
    store: LedgerStore,
    prepared: PreparedRun,
    connection: Connection,
    key: LedgerKey,
    ledger: Ledger,
    approved: Approval | None,
    mapper: ResourceMapper,
) -> Placements:
    """Return the unconfirmed placements that a connection keeps at its vendor.

    Reads the shards of `ledger` that say which jobs the vendor has. Raises StoreError.
    """
    kept = prepared.evidence.unconfirmed
    if approved is not None:
        kept = without_approved(kept, approved, mapper)
    elsewhere = prepared.tenant.unit_names.keys() - set(connection.school_units)
    found = _without_units(kept, elsewhere) if elsewhere else kept
    present = prepared.vendor_rosters[connection.vendor].people
    jobs = {mapper.employment_id(*job): job for job in _jobs_of(found, present.keys())}
    store.load(key, ledger, set(map(shard_of, jobs)))
    entries = ledger.entries["Employment"]
    unknown = {job for i, job in jobs.items() if i not in entries or entries[i].is_removed}
    found = _without_jobs(found, unknown)
    return structs.replace(found, unclear=frozenset(_unclear(kept, found, present)))


def _unclear(kept: Placements, found: Placements, present: Mapping[str, Person]) -> Iterator[str]:
    """Yield who is a student only if a job has ended that is `kept`, and not `found` here."""
    for user in kept.people.keys() & present.keys():
        person, left = present[user], found.people.get(user, KnownPerson())
        if person.employments or left.employments or not kept.people[user].employments:
            continue
        if not {e.unit for e in person.enrolments} <= {unit for unit, _year in left.enrolments}:
            yield user


def _without_units(kept: Placements, units: Set[str]) -> Placements:
    """Return the unconfirmed placements but for those at these units (unit codes)."""
    people = {
        user: KnownPerson(
            tuple(each for each in person.enrolments if each[0] not in units),
            tuple(unit for unit in person.employments if unit not in units),
        )
        for user, person in kept.people.items()
    }
    return structs.replace(
        kept,
        people={user: person for user, person in people.items() if person.is_anywhere},
        groups={key: group for key, group in kept.groups.items() if key[0] not in units},
    )


def _jobs_of(kept: Placements, users: Set[str]) -> Iterator[Employment]:
    """Yield the unconfirmed employments of `users`."""
    for user in kept.people.keys() & users:
        for unit in kept.people[user].employments:
            yield unit, user


def _without_jobs(kept: Placements, jobs: Set[Employment]) -> Placements:
    """Return the unconfirmed placements without these employments."""
    people = dict(kept.people)
    for user in {user for _unit, user in jobs}:
        left = tuple(unit for unit in people[user].employments if (unit, user) not in jobs)
        people[user] = structs.replace(people[user], employments=left)
        if not people[user].is_anywhere:
            del people[user]
    return structs.replace(kept, people=people)


def without_approved(kept: Placements, approved: Approval, mapper: ResourceMapper) -> Placements:
    """Return the unconfirmed placements whose removal a person has not approved."""
    people = {
        user: person
        for user, person in kept.people.items()
        if mapper.user_id(user) not in approved.people
    }
    groups: dict[GroupId, KnownGroup] = {}
    for key, group in kept.groups.items():
        group_id, activity_id = mapper.group_ids(key)
        if group_id in approved.removals("StudentGroup"):
            continue
        teachers = () if activity_id in approved.removals("Activity") else group.teachers
        ended = approved.memberships.get(group_id, frozenset())
        left = structs.replace(
            group,
            students=tuple(s for s in group.students if mapper.user_id(s) not in ended),
            teachers=tuple(t for t in teachers if mapper.user_id(t) not in ended),
        )
        if left.members or not group.members:
            groups[key] = left
    left_of = Placements(people, groups, kept.years)
    classes = {pair: kept.classes[pair] for pair in left_of.in_classes & kept.classes.keys()}
    return structs.replace(left_of, classes=classes)


def memberships_kept(kept: Placements, whole: Plan, roster: Roster, mapper: ResourceMapper) -> int:
    """Return how many memberships the plan `whole` would end although they are unconfirmed.

    Of people and groups that are unconfirmed themselves, the memberships are not counted.
    """
    changed = {
        op.external_id for kind in OF_GROUPS for op in whole.writes[kind] if op.kind == "update"
    }
    there = {
        key: frozenset((*group.students, *group.teachers))
        for group in roster.groups
        if (key := group_id(group)) in kept.groups
    }
    return sum(
        1
        for key, group in kept.groups.items()
        if not changed.isdisjoint(mapper.group_ids(key))
        for user in group.members - there.get(key, frozenset())
        if user not in kept.people or not kept.people[user].is_at(key[0])
    )
