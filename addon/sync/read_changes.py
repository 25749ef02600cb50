"""Reads only the accounts that notices have named, and brings the kept whole reading up to date.

What Google says of an account when asked about it is evidence (promise 2). Who is protected is read
each time before anybody is sent: the protected groups and OUs, whole. Whatever does not fit the
kept reading, or is not known for certain, is a contradiction: the directory is then read whole.
"""

from collections.abc import Iterable

from msgspec import Struct, structs

from addon.directory.evidence import Absent, Present, UserQuestion
from addon.directory.scope import ReadScope, is_within, scope_of
from addon.directory.snapshot import Doubts, OrgUnit, Snapshot, User
from addon.roster.years import autumn_of
from addon.sync.context import SyncContext
from addon.sync.kept_reading import KeptReading, load_kept, scope_hash, with_accounts
from addon.sync.known_placements import KnownDirectory, load_known
from addon.sync.known_places import followed
from addon.tenants.model import Tenant
from addon.tenants.pause import today
from addon.text import fold


class ContradictionError(Exception):
    """The changes cannot be read alone; the message is a code of why."""


class ChangedAccounts(Struct, frozen=True):
    """What Google says of the accounts that notices named, None for who is not there."""

    kept: KeptReading
    known: KnownDirectory
    tenant: Tenant
    users: dict[str, User | None]
    queries: int

    @property
    def concern_us(self) -> bool:
        """Whether any of them is another than in the kept reading, where it matters."""
        snapshot = self.kept.snapshot
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


def ask_changed(context: SyncContext, tenant: Tenant, users: Iterable[str]) -> ChangedAccounts:
    """Ask Google about accounts. Raises ContradictionError and StoreError."""
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
    return ChangedAccounts(kept, known, asked, found, len(questions))


def read_changes(context: SyncContext, changed: ChangedAccounts) -> Snapshot:
    """Return the kept reading with the changed accounts, and who is protected now.

    Raises ContradictionError, and DirectoryError when who is protected cannot be read.
    """
    before = changed.kept.snapshot
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
