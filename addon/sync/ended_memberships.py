"""Memberships that only the agreement of two readings would end, most of a group's at once.

That is no evidence enough, in two readings or little by little within a day: they wait until the
directory has answered about them, or a person has approved the hold that names them. The approval
is kept for the tenant, since it says what is true in the directory, so it counts for every vendor;
the latest answer counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from addon.age import age
from addon.planning.emptied_groups import EmptiedGroup, by_group, is_emptied
from addon.planning.limits import APPROVAL_LASTS
from addon.planning.plan import Plan
from addon.roster.placements import GroupId, Loss, Placements
from addon.ss12000.ids import Ids
from addon.store.base import CacheStore
from addon.store.records import Namespace
from addon.sync.enquiry import Enquiry
from addon.sync.known_placements import NAMESPACE

ITEM = "ended-memberships"


class ApprovedMembers(Struct, frozen=True, array_like=True):
    """Whom a person says, at a time (seconds since 1970 UTC), to be in a group no more.

    `members` are externalIds. It is valid `until` a time, 0 for the usual one.
    """

    at: float
    members: frozenset[str]
    until: float = 0.0

    def is_valid(self, now: float) -> bool:
        """Whether it has not expired at `now`."""
        return age(self.at, now) < (self.until - self.at if self.until else APPROVAL_LASTS)


Approved = Mapping[str, ApprovedMembers]
"""What was approved, by the externalId of a StudentGroup."""


NOT_APPROVED = ApprovedMembers(0.0, frozenset())


class EndedMemberships(Struct, frozen=True):
    """What the agreement of two readings ends, and what it does not.

    `emptied` are the groups that a person must decide about, `waiting` the losses that wait for
    it, and `ended` the memberships that end without.
    """

    emptied: tuple[EmptiedGroup, ...] = ()
    waiting: frozenset[Loss] = frozenset()
    ended: tuple[Loss, ...] = ()


def ended_memberships(
    customer_id: str,
    known: Placements,
    agreed: Mapping[Loss, float],
    earlier: Iterable[Loss],
    moved: Callable[[Loss], bool],
    enquiry: Enquiry,
    approved: Callable[[], Approved],
) -> EndedMemberships:
    """Return which memberships end by agreement alone, and which wait for a person.

    `agreed` are the losses that nothing but the agreement of two readings confirms, and since when
    they are seen (seconds since 1970 UTC). Counted are members who stay at the unit with an active
    account and have not `moved` to another class, with those whose membership ended `earlier` this
    day. `approved` is called only if there are any; what came after it is not approved by it.
    """
    before: dict[GroupId, set[str]] = {}
    for loss in earlier:
        if enquiry.stays(loss.user, loss.unit):
            before.setdefault(loss.group, set()).add(loss.user)
    by_loss: dict[GroupId, dict[Loss, frozenset[str]]] = {}
    for loss in agreed:
        if loss.is_person or not (loss.user or enquiry.lists(loss)):
            continue
        lost = {loss.user} if loss.user else known.groups[loss.group].members
        staying = frozenset(
            user
            for user in lost
            if enquiry.stays(user, loss.unit) and not moved(loss._replace(kind="member", user=user))
        )
        if staying:
            by_loss.setdefault(loss.group, {})[loss] = staying
    number = {
        group: len(known.groups[group].members | before.get(group, set())) for group in by_loss
    }
    emptied = {
        group: found
        for group, found in by_loss.items()
        if is_emptied(len(before.get(group, set()).union(*found.values())), number[group])
    }
    ended = tuple(
        loss._replace(kind="member", user=user)
        for group, found in by_loss.items()
        if group not in emptied
        for loss, users in found.items()
        for user in sorted(users)
    )
    if not emptied:
        return EndedMemberships(ended=ended)
    ids, answers = Ids(customer_id), approved()
    groups, waiting = [], set[Loss]()
    for key, found in emptied.items():
        group, activity = ids.of_group(*key)
        answer = answers.get(group, NOT_APPROVED)
        left = {
            loss: {ids.user(user) for user in users}
            - (answer.members if agreed[loss] <= answer.at else frozenset())
            for loss, users in found.items()
        }
        waiting |= {loss for loss, members in left.items() if members}
        members = tuple(sorted(set[str]().union(*left.values())))
        if members:
            groups.append(EmptiedGroup(group, activity, key[0], members, number[key]))
    return EndedMemberships(tuple(groups), frozenset(waiting), ended)


def emptied_by(plan: Plan, groups: Sequence[EmptiedGroup]) -> tuple[EmptiedGroup, ...]:
    """Return those of the groups from which the plan would take members at the vendor."""
    if not groups:
        return ()
    changed = {
        op.external_id
        for kind in ("StudentGroup", "Activity")
        for op in (*plan.writes[kind], *plan.deletes[kind])
        if op.kind != "create"
    }
    return tuple(each for each in groups if not changed.isdisjoint((each.group, each.activity)))


def approve_memberships(
    store: CacheStore,
    tenant_id: str,
    groups: Sequence[EmptiedGroup],
    now: float,
    until: float = 0.0,
) -> None:
    """Save that a person says that these memberships have ended. Raises StoreError.

    It is valid `until` a time (seconds since 1970 UTC), 0 for the usual one.
    """
    if groups:
        _change(store, tenant_id, groups, now, True, until)


def refuse_memberships(
    store: CacheStore, tenant_id: str, groups: Sequence[EmptiedGroup], now: float
) -> None:
    """Save that a person says that these memberships have not ended. Raises StoreError."""
    if groups:
        _change(store, tenant_id, groups, now, False)


def approved_memberships(store: CacheStore, tenant_id: str, now: float) -> Approved:
    """Return the memberships that a person has said to have ended. Raises StoreError."""
    item = store.get(Namespace(NAMESPACE, tenant_id), ITEM, now)
    if item is None:
        return {}
    try:
        found = msgspec.msgpack.decode(item.data, type=dict[str, ApprovedMembers])
    except msgspec.DecodeError:  # of another version: a person is asked again
        return {}
    return {group: each for group, each in found.items() if each.is_valid(now)}


def _change(
    store: CacheStore,
    tenant_id: str,
    groups: Sequence[EmptiedGroup],
    now: float,
    add: bool,
    until: float = 0.0,
) -> None:
    approved = dict(approved_memberships(store, tenant_id, now))
    for group, members in by_group(groups).items():
        earlier = approved.get(group, NOT_APPROVED)
        left = earlier.members | members if add else earlier.members - members
        approved[group] = ApprovedMembers(now, left, max(until, earlier.until))
    data = msgspec.msgpack.encode(approved)
    expires = max(now + APPROVAL_LASTS, *(each.until for each in approved.values()))
    store.put(Namespace(NAMESPACE, tenant_id), ITEM, data, now, expires)
