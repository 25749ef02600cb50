"""A tenant's channels of notifications, and what notices have said. Pure.

A notice is never believed: it says which account to ask Google about. What notices have named is
marked; a reading takes the marks, and removes them when it has been whole. Marks of a reading that
failed or was killed are taken again by the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct, structs

USER_EVENTS = ("add", "delete", "undelete", "update")
AUDIT_APPLICATIONS = ("admin", "groups_enterprise")
MOST_USERS = 200
"""How many accounts a mark names; with more, the next reading is whole."""
MOST_GROUPS = 50
"""How many groups a mark names; with more, all groups are read."""
RETRY_AFTER = 45.0
"""Seconds after which a channel that could not be made is tried again."""
LONGEST_RETRY = 86_400.0
"""Seconds after which a channel that Google refuses is tried again at the latest."""
PENDING_FOR = 90.0
"""Seconds within which a channel that was asked for has been answered, or its process is dead."""
UNWANTED_FOR = 3600.0
"""Seconds after which it is looked at again whether a tenant wants channels."""
SOON_AGAIN = 180.0
"""Seconds after the last notice at which what it named is read once more."""
JOINED_FOR = 3600.0
"""Seconds within which a delivery that is queued is that of later runs too."""
AT_MOST_EVERY = 60.0
"""Seconds between two beginnings of a tenant's runs."""

ProblemCode = Literal[
    "", "address-unverified", "scope-missing", "not-allowed", "refused", "odd-answer", "no-answer"
]
REFUSALS = frozenset({"address-unverified", "scope-missing", "not-allowed", "refused"})
"""The problems that last until somebody does something."""


class PushChannel(Struct, frozen=True):
    """A channel: `kind` is an event of users, or an application of the audit log.

    `resource` is Google's id of what is watched, empty until Google has answered; `key` tells with
    which secret its token was made. Times are seconds since 1970 UTC.
    """

    id: str
    kind: str
    address: str
    key: str
    made: float
    expires: float
    resource: str = ""

    @property
    def renew_at(self) -> float:
        """When half the life that Google granted has passed."""
        return self.made + (self.expires - self.made) / 2

    def is_pending(self, now: float) -> bool:
        """Whether Google has been asked for it and has not answered yet."""
        return not self.resource and 0 <= now - self.made < PENDING_FOR

    def is_live(self, now: float) -> bool:
        """Whether notices may come by it."""
        return now < self.expires and (bool(self.resource) or self.is_pending(now))


class ChangeMark(Struct, frozen=True):
    """What has changed since it was last read: accounts by id, and whether groups and OUs.

    `members` are ids of the groups of which only the members have changed. `whole` is whether the
    next reading must be whole. `last` is when the last notice came that was not marked already.
    """

    users: frozenset[str] = frozenset()
    groups: bool = False
    whole: bool = False
    last: float = 0.0
    members: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is marked."""
        return not (self.users or self.groups or self.whole or self.members)

    def covers(self, other: "ChangeMark") -> bool:
        """Whether all that the other names is marked already."""
        return self.whole or (
            not other.whole
            and other.users <= self.users
            and other.groups <= self.groups
            and (self.groups or other.members <= self.members)
        )

    def joined(self, other: "ChangeMark") -> "ChangeMark":
        """Return a mark of what either names."""
        last = max(self.last, other.last)
        users = self.users | other.users
        if self.whole or other.whole or len(users) > MOST_USERS:
            return ChangeMark(whole=True, last=last)
        members = self.members | other.members
        if self.groups or other.groups or len(members) > MOST_GROUPS:
            return ChangeMark(users, groups=True, last=last)
        return ChangeMark(users, last=last, members=members)


class LaterReading(Struct, frozen=True):
    """What is read once more at a time, in seconds since 1970 UTC."""

    mark: ChangeMark
    at: float


class QueuedDelivery(Struct, frozen=True):
    """A delivery to a vendor that waits in its queue: the run of its task, and since when."""

    run: str
    at: float

    def joins(self, now: float) -> bool:
        """Whether a later run leaves its own to this one; after JOINED_FOR it has been lost."""
        return 0 <= now - self.at < JOINED_FOR


class WatchRefusal(Struct, frozen=True):
    """How many times in a row Google has refused a kind of channel, and when it is asked again.

    `again` is in seconds since 1970 UTC.
    """

    times: int
    again: float

    def once_more(self, now: float) -> "WatchRefusal":
        """Return it after another refusal at `now`: each wait is twice the one before."""
        wait = min(LONGEST_RETRY, RETRY_AFTER * 2.0 ** min(self.times, 16))
        return WatchRefusal(self.times + 1, now + wait)

    def waits(self, now: float) -> bool:
        """Whether Google is not asked yet; a time too far ahead is of a clock that was wrong."""
        return now < self.again <= now + LONGEST_RETRY


NOT_REFUSED = WatchRefusal(0, 0.0)


class PushState(Struct, frozen=True):
    """What is kept of a tenant's notifications. Times are seconds since 1970 UTC.

    `marked` is what no reading has taken, `taken` what the reading `reading` has, of which notices
    named `noticed` (`retried` if an earlier reading of them did not end), and `again` what is read
    once more. `began` is when the last run began. `problems` and `refused` are by kind of channel.
    `due` is when the channels must be looked at, `looked` when they last were, and `keeping` until
    when a process does so. `planned` is the newest run that has read and planned, `queued` the
    deliveries by vendor that have not begun.
    """

    channels: tuple[PushChannel, ...] = ()
    marked: ChangeMark = ChangeMark()
    taken: ChangeMark = ChangeMark()
    noticed: ChangeMark = ChangeMark()
    retried: bool = False
    reading: str = ""
    again: tuple[LaterReading, ...] = ()
    began: float = 0.0
    problems: dict[str, ProblemCode] = {}
    due: float = 0.0
    looked: float = 0.0
    keeping: float = 0.0
    refused: dict[str, WatchRefusal] = {}
    planned: str = ""
    queued: dict[str, QueuedDelivery] = {}

    def channel(self, channel_id: str, now: float) -> PushChannel | None:
        """Return the channel of this id by which notices may come, or None."""
        found = (c for c in self.channels if c.id == channel_id and c.is_live(now))
        return next(found, None)

    def current(self, kind: str, address: str, key: str, now: float) -> PushChannel | None:
        """Return the newest channel of this kind that can be used, or None."""
        usable = [
            c
            for c in self.channels
            if c.kind == kind and c.resource and c.is_live(now) and c.made <= now
            if (c.address, c.key) == (address, key)
        ]
        return max(usable, key=lambda c: c.made, default=None)

    @property
    def unread(self) -> ChangeMark:
        """What notices have named and no whole reading has read."""
        return self.taken.joined(self.marked)

    def with_mark(self, mark: ChangeMark) -> "PushState":
        """Return the state with what a notice has named."""
        if self.marked.covers(mark):
            return self
        return structs.replace(self, marked=self.marked.joined(mark))

    def reading_begins(self, reading: str, now: float) -> "PushState":
        """Return the state when a reading takes all marks, and what is to be read once more."""
        noticed = taken = self.unread
        for later in self.again:
            if later.at <= now:
                taken = taken.joined(later.mark)
        return structs.replace(
            self,
            marked=ChangeMark(),
            taken=taken,
            noticed=noticed,
            retried=not self.taken.is_empty,
            reading="" if taken.is_empty else reading,
            again=tuple(later for later in self.again if later.at > now),
            began=now,
        )

    def reading_done(self, reading: str) -> "PushState":
        """Return the state when a reading has been whole; nothing if another has begun since.

        What notices had named is read once more, SOON_AGAIN after the reading began.
        """
        if not reading or self.reading != reading:
            return self
        later = LaterReading(self.noticed, self.began + SOON_AGAIN)
        return structs.replace(
            self,
            taken=ChangeMark(),
            noticed=ChangeMark(),
            retried=False,
            reading="",
            again=self.again if self.noticed.is_empty else (*self.again, later),
        )

    def deliveries_queued(
        self, run: str, vendors: Iterable[str], joining: bool, now: float
    ) -> "PushState":
        """Return the state when `run` needs a delivery to each of `vendors`.

        A run that is `joining` leaves its own to one that waits already.
        """
        new = {
            vendor: QueuedDelivery(run, now)
            for vendor in vendors
            if not (joining and vendor in self.queued and self.queued[vendor].joins(now))
        }
        return structs.replace(self, queued={**self.queued, **new})

    def delivery_begins(self, run: str, vendor: str) -> "PushState":
        """Return the state when the delivery of `run` no longer waits."""
        if vendor not in self.queued or self.queued[vendor].run != run:
            return self
        queued = {name: each for name, each in self.queued.items() if name != vendor}
        return structs.replace(self, queued=queued)

    def may_begin_at(self, now: float) -> float:
        """Return when a run may begin: AT_MOST_EVERY after the last.

        A beginning that lies ahead is of a clock that was wrong.
        """
        return max(now, self.began + AT_MOST_EVERY) if self.began <= now else now

    def next_reading(self, now: float) -> float | None:
        """Return when what is marked, or to be read once more, may be read; None if nothing is."""
        if not self.unread.is_empty:
            return self.may_begin_at(now)
        at = min((later.at for later in self.again), default=None)
        return None if at is None else max(at, self.may_begin_at(now))


class ChannelPlan(Struct, frozen=True):
    """The kinds of channels to make, and the channels to stop."""

    make: tuple[str, ...]
    stop: tuple[PushChannel, ...]


def plan_channels(
    state: PushState,
    wanted: Sequence[str],
    address: str,
    key: str,
    now: float,
    early: bool = False,
) -> ChannelPlan:
    """Return what must be done for one channel of each wanted kind.

    An old channel is stopped when there is a newer one, and one of a kind that is not wanted. What
    Google has refused waits, unless the channels are looked at `early`: there is a reason then.
    """
    current = {kind: state.current(kind, address, key, now) for kind in wanted}
    make = tuple(
        kind
        for kind, channel in current.items()
        if (early or not state.refused.get(kind, NOT_REFUSED).waits(now))
        if channel is None or channel.renew_at <= now
    )
    in_use = {channel.id for channel in current.values() if channel is not None}
    stop = tuple(
        channel
        for channel in state.channels
        if channel.resource and channel.is_live(now) and channel.id not in in_use
        if current.get(channel.kind) is not None or channel.kind not in wanted
    )
    return ChannelPlan(make, stop)


def refusals_after(
    state: PushState, asked: Mapping[str, ProblemCode], now: float
) -> dict[str, WatchRefusal]:
    """Return what is refused after Google was asked for some kinds; a problem of "" is none.

    A channel that is still live is renewed within a minute, however often that is refused.
    """
    live = {channel.kind for channel in state.channels if channel.resource and channel.is_live(now)}
    refused = {kind: each for kind, each in state.refused.items() if kind not in asked}
    for kind, problem in asked.items():
        if problem in REFUSALS and kind not in live:
            refused[kind] = state.refused.get(kind, NOT_REFUSED).once_more(now)
    return refused


def due_after(state: PushState, wanted: Sequence[str], address: str, key: str, now: float) -> float:
    """Return when the channels must be looked at again."""
    plan = plan_channels(state, wanted, address, key, now)
    if plan.make or plan.stop:
        return now + RETRY_AFTER
    found = {kind: state.current(kind, address, key, now) for kind in wanted}
    renewals = [channel.renew_at for channel in found.values() if channel is not None]
    retries = [state.refused[kind].again for kind, channel in found.items() if channel is None]
    return min((*renewals, *retries), default=now + UNWANTED_FOR)


def without_ended(channels: Iterable[PushChannel], now: float) -> tuple[PushChannel, ...]:
    """Return the channels by which notices may still come."""
    return tuple(channel for channel in channels if channel.is_live(now))
