"""Reads only what has changed, and brings the kept whole reading up to date: accounts that notices
have named, and groups whose members are others.

What Google says of an account when asked about it is evidence (promise 2); whoever is missing from
a group is asked about, as after every reading. Who is protected is read
each time before anybody is sent: the protected groups and OUs, whole. Whatever does not fit the
kept reading, or is not known for certain, is a contradiction: the directory is then read whole.
"""

from collections.abc import Iterable, Mapping, Set

from msgspec import Struct, structs

from addon.directory.errors import AccessRefused
from addon.directory.evidence import Absent, Present, UserQuestion
from addon.directory.push_state import MOST_GROUPS, MOST_USERS
from addon.directory.scope import ReadScope, is_within, scope_of
from addon.directory.snapshot import Doubts, Group, OrgUnit, Snapshot, User
from addon.roster.years import autumn_of
from addon.sync.context import SyncContext
from addon.sync.kept_reading import (
    KeptReading,
    load_kept,
    scope_hash,
    with_accounts,
    with_members,
)
from addon.sync.known_placements import KnownDirectory, load_known
from addon.sync.known_places import followed
from addon.tenants.model import Tenant
from addon.tenants.pause import today
from addon.text import fold


class ContradictionError(Exception):
    """The changes cannot be read alone; the message is a code of why."""


class ChangedAccounts(Struct, frozen=True):
    """What Google says of the accounts that notices named, None for who is not there.

    `members` are those of the groups that have changed, by the group's id.
    """

    kept: KeptReading
    known: KnownDirectory
    tenant: Tenant
    users: dict[str, User | None]
    members: dict[str, frozenset[str]]
    queries: int

    @property
    def concern_us(self) -> bool:
        """Whether any of them is another than in the kept reading, where it matters."""
        snapshot = self.kept.snapshot
        if any(g.members != self.members.get(g.id, g.members) for g in snapshot.groups):
            return True
        before = {user.id: user for user in snapshot.users}
        scope = scope_of(self.tenant)
        chosen = _chosen_by_group(snapshot, scope)
        return any(
            (before.get(key) != user)
            if key in before
            else user is not None and (key in chosen or _is_chosen(user, scope))
            for key, user in self.users.items()
            if key not in self.kept.hidden
        )


def ask_changed(
    context: SyncContext, tenant: Tenant, users: Set[str], groups: Set[str] = frozenset()
) -> ChangedAccounts:
    """Ask Google about accounts, and the members of groups, by id.

    Raises ContradictionError, DirectoryError and StoreError.
    """
    now = context.clock()
    kept = load_kept(context.store, tenant.customer_id, now)
    known = load_known(context.store, tenant.customer_id, now)
    if kept is None or known is None or known.read != kept.read or known.missing:
        raise ContradictionError("nothing-kept")
    if scope_hash(tenant) != kept.scope:
        raise ContradictionError("document-changed")
    if kept.snapshot.autumn != autumn_of(today(now)):
        raise ContradictionError("school-year")
    asked = followed(tenant, known.places.org_units)
    members, queries = _members(context, asked, kept, groups) if groups else ({}, 0)
    if members:
        users = users | _new_people(kept, members, scope_of(asked))
    if len(users) > MOST_USERS:
        raise ContradictionError("many-accounts")
    questions = [UserQuestion(each) for each in sorted(users)]
    answers = context.ask_directory(asked, questions, len(questions) * 2) if questions else {}
    found: dict[str, User | None] = {}
    for question in questions:
        answer = answers.get(question)
        if isinstance(answer, Present) and isinstance(answer.found, User):
            found[question.user] = answer.found
        elif isinstance(answer, Absent):
            found[question.user] = None
        else:
            raise ContradictionError("no-answer")
    return ChangedAccounts(kept, known, asked, found, members, len(questions) + queries)


def _members(
    context: SyncContext, tenant: Tenant, kept: KeptReading, groups: Set[str]
) -> tuple[dict[str, frozenset[str]], int]:
    """Return the members of groups, and how many queries it took."""
    before = {group.id: group for group in kept.snapshot.groups}
    if not groups <= before.keys():
        raise ContradictionError("other-groups")
    wanted = groups | _containing(before.values(), [before[key] for key in groups])
    if len(wanted) > MOST_GROUPS:
        raise ContradictionError("many-groups")
    try:
        read = context.read_members(tenant, sorted(wanted))
    except AccessRefused:
        raise ContradictionError("no-answer") from None  # a whole reading says what to do
    ids = {fold(user.primary_email): user.id for user in kept.snapshot.users}
    found = {}
    for key in wanted:
        one, old = read.groups.get(key), before[key]
        if one is None or _names(one[0]) != _names(old) or one[1].everyone != old.everyone:
            raise ContradictionError("other-groups")
        if one[1].unknown or not one[1].nameless <= ids.keys():
            raise ContradictionError("members-unknown")
        found[key] = (one[1].ids | {ids[each] for each in one[1].nameless}) - kept.hidden
    return found, read.queries


def _containing(groups: Iterable[Group], changed: Iterable[Group]) -> frozenset[str]:
    """Return the ids of groups that these may be members of: whose members those all are.

    A group whose members are not known may be a member of any.
    """
    found: set[str] = set()
    known = [(group.id, group.members) for group in groups if group.members]
    for each in changed:
        if not each.members:
            raise ContradictionError("empty-group")
        found.update(key for key, members in known if members >= each.members)
    return frozenset(found)


def _names(group: Group) -> tuple[str, str, frozenset[str]]:
    return group.email, group.name, frozenset(group.aliases)


def _new_people(
    kept: KeptReading, members: Mapping[str, frozenset[str]], scope: ReadScope
) -> frozenset[str]:
    """Return who has come to be chosen by a group and has not been read."""
    before = kept.snapshot
    chosen = _chosen_by_group(with_members(before, members), scope)
    return chosen - _chosen_by_group(before, scope) - {user.id for user in before.users}


def read_changes(context: SyncContext, changed: ChangedAccounts) -> Snapshot:
    """Return the kept reading with the changed accounts, and who is protected now.

    Raises ContradictionError, and DirectoryError when who is protected cannot be read.
    """
    before = with_members(changed.kept.snapshot, changed.members)
    places = context.read_directory(structs.replace(changed.tenant, school_units=()))
    if _paths(places.org_units) != _paths(before.org_units):
        raise ContradictionError("org-units")
    if places.doubts != Doubts():
        raise ContradictionError("doubtful")
    scope = scope_of(changed.tenant)
    chosen = _chosen_by_group(before, scope)
    there = {user.id for user in before.users}
    ours = {
        key: user
        for key, user in changed.users.items()
        if user is None or key in there or key in chosen or _is_chosen(user, scope)
    }
    snapshot = structs.replace(
        with_accounts(before, ours),
        protected=frozenset(),
        protected_places=places.protected_places,
        unidentified=places.unidentified,
        queries=places.queries + changed.queries,
    )
    return snapshot.without(places.protected)


def _chosen_by_group(snapshot: Snapshot, scope: ReadScope) -> frozenset[str]:
    """Return the members of the groups that choose people."""
    wanted = {fold(address) for address in scope.selected_groups}
    return frozenset(
        member
        for group in snapshot.groups
        if not wanted.isdisjoint(map(fold, (group.email, *group.aliases)))
        for member in group.members or ()
    )


def _is_chosen(user: User, scope: ReadScope) -> bool:
    return any(is_within(user.org_unit_path, path) for path in scope.org_units)


def _paths(org_units: Iterable[OrgUnit]) -> frozenset[tuple[str, str, str]]:
    return frozenset((unit.id, unit.path, unit.name) for unit in org_units)
