"""Who is protected, from one reading to the next: readings add, only a person takes away. Pure."""

from collections.abc import Iterable, Mapping, Set

from msgspec import Struct, structs

from addon.age import is_future
from addon.tenants.model import ProtectedLimit, Tenant

FEWEST = 3
"""So many people may always become protected in one step, whatever the limit says."""


class RemovalOutcome(Struct, frozen=True):
    """What the last removal of protected people from one environment of a vendor came to.

    `removed` people were removed `at` (seconds since 1970 UTC) and `left` were not; `problem` says
    why not, in English.
    """

    at: float
    removed: int = 0
    left: int = 0
    problem: str = ""


class ProtectedSet(Struct, frozen=True, omit_defaults=True):
    """The people of a tenant who are sent to nobody, by user id. It has no names.

    `ids` are protected by what is known. `ended` were, and a reading no longer finds them so,
    since the given time: they stay unsent until a person releases them. `gone` were, and Google
    says that the account does not exist. `pending` became protected beyond the limit in one step,
    by `pending_limit`: they are not sent, and not removed until a person has looked. `receded`
    are those of them whom the newest reading does not find protected, `confirmed` those whom a
    person has confirmed.

    `people` is how many people the last whole reading found, `updated` when the newest reading
    that changed the set began. `units` are the codes of all school units that the document has
    had: a vendor may have people's employments at them. `cleared` has for each environment of a
    vendor (`vendor.mode`) a hash of the `removable` people, of the units and of its ledger when
    that had none of them, `removals` what the last removal there came to. Times are seconds since
    1970 UTC.
    """

    ids: frozenset[str] = frozenset()
    ended: dict[str, float] = {}
    gone: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    pending_limit: int = 0
    receded: frozenset[str] = frozenset()
    confirmed: frozenset[str] = frozenset()
    people: int = 0
    updated: float = 0.0
    units: frozenset[str] = frozenset()
    cleared: dict[str, str] = {}
    removals: dict[str, RemovalOutcome] = {}

    @property
    def hidden(self) -> frozenset[str]:
        """The ids of all who are sent to nobody and shown nowhere."""
        return self.removable | self.pending

    @property
    def removable(self) -> frozenset[str]:
        """The ids of those who are removed wherever they are."""
        return self.ids.union(self.gone, self.ended)

    @property
    def knows_nobody(self) -> bool:
        """Whether no reading and no person has ever said that somebody is protected."""
        return structs.replace(self, units=frozenset()) == ProtectedSet()

    @property
    def releasable(self) -> frozenset[str]:
        """The ids of those who can be released: no reading finds them protected any more."""
        return self.receded.union(self.ended)


class ProtectedReading(Struct, frozen=True):
    """What one reading says: whom it `found` protected, and whom it `seen` unprotected, by id.

    `people` is how many it found in all, `started` when it began (seconds since 1970 UTC). A
    reading that is not `whole` looked at nobody but the protected, so it adds and ends nothing.
    """

    found: frozenset[str]
    seen: frozenset[str]
    started: float
    whole: bool = True

    @property
    def people(self) -> int:
        """How many people the reading found."""
        return len(self.found | self.seen)


def after_reading(
    known: ProtectedSet | None,
    reading: ProtectedReading,
    limit: ProtectedLimit,
    *,
    now: float,
    sent: Set[str] | None = None,
    absent: Set[str] = frozenset(),
) -> ProtectedSet:
    """Return the set after a reading.

    Whom the reading finds is added at once; beyond the limit, as pending. Whom it does not find
    is not taken away. `sent` are those who have been sent to somebody, by id: when nobody is
    known, the protection of anybody else removes nobody and is no growth. `absent` are those of
    `missing` whose accounts do not exist.
    """
    before = known or ProtectedSet()
    found = reading.found
    new = found - before.hidden
    growth = new & sent if before.knows_nobody and sent is not None else new
    allowed = allowed_growth(limit, reading.people if reading.whole else before.people)
    grows = len(growth) > allowed
    settled = before.pending & before.confirmed & found
    pending = (before.pending - settled) | (new if grows else frozenset())
    after = structs.replace(
        before,
        ids=before.ids | (found - pending),
        ended={i: at for i, at in before.ended.items() if i not in found},
        gone=before.gone - found,
        pending=pending,
        pending_limit=allowed if grows else before.pending_limit if pending else 0,
        confirmed=before.confirmed & pending,
        receded=before.receded - found,
    )
    if reading.whole and not _is_newer(before, reading, now):
        after = _ended(after, reading, now, absent)
    if after == before:
        return before
    people = reading.people if reading.whole else before.people
    newest = reading.started
    if _is_newer(before, reading, now):
        newest = before.updated
    return structs.replace(after, updated=newest, people=people)


def missing(known: ProtectedSet | None, reading: ProtectedReading, now: float) -> frozenset[str]:
    """Return whom the reading found nowhere and who were protected: their accounts may be gone."""
    if known is None or not reading.whole or _is_newer(known, reading, now):
        return frozenset()
    return known.ids - reading.found - reading.seen


def allowed_growth(limit: ProtectedLimit, people: int) -> int:
    """Return how many of so many `people` may become protected in one step; 0: unknown."""
    allowed = [limit.number] if limit.number is not None else []
    if limit.percent is not None and people:
        allowed.append(int(people * limit.percent / 100))
    return max(FEWEST, min(allowed)) if allowed else max(FEWEST, people)


def strictest(tenant: Tenant) -> ProtectedLimit:
    """Return the limit of the tenant: the lowest number and percentage of its connections.

    Connections that are off count only when all are.
    """
    on = [c for c in tenant.connections if c.mode != "off"] or list(tenant.connections)
    limits = [connection.limits.protected for connection in on]
    if not limits:
        return ProtectedLimit()
    numbers = [each.number for each in limits if each.number is not None]
    percents = [each.percent for each in limits if each.percent is not None]
    return ProtectedLimit(min(numbers, default=None), min(percents, default=None))


def released(known: ProtectedSet, ids: Set[str]) -> ProtectedSet:
    """Return the set without those of `ids` who can be released or whose accounts are gone."""
    pending = known.pending - (ids & known.receded)
    return structs.replace(
        known,
        ended={i: at for i, at in known.ended.items() if i not in ids},
        gone=known.gone - ids,
        pending=pending,
        pending_limit=known.pending_limit if pending else 0,
        receded=known.receded - ids,
        confirmed=known.confirmed & pending,
    )


def confirmed(known: ProtectedSet) -> ProtectedSet:
    """Return the set after a person has confirmed that those pending are protected.

    They are once the next reading finds them so: whom it does not find, nobody removes.
    """
    return structs.replace(known, confirmed=known.pending - known.receded)


def with_protected(known: ProtectedSet | None, ids: Iterable[str]) -> ProtectedSet:
    """Return the set after a person has said that `ids` are protected."""
    before, named = known or ProtectedSet(), frozenset(ids)
    pending = before.pending - named
    return structs.replace(
        before,
        ids=before.ids | named,
        ended={i: at for i, at in before.ended.items() if i not in named},
        gone=before.gone - named,
        pending=pending,
        pending_limit=before.pending_limit if pending else 0,
        receded=before.receded - named,
        confirmed=before.confirmed - named,
    )


def with_units(known: ProtectedSet | None, codes: Set[str]) -> ProtectedSet:
    """Return the set after the document was seen to have the units with these codes."""
    before = known or ProtectedSet()
    if codes <= before.units:
        return before
    return structs.replace(before, units=before.units | codes)


def unit_codes(tenant: Tenant, known: ProtectedSet) -> tuple[str, ...]:
    """Return the codes of the document's units in their order, then of those that it has had.

    A vendor may have a person's employment at each of them.
    """
    return tuple(dict.fromkeys((*(u.code for u in tenant.school_units), *sorted(known.units))))


def with_removal(
    known: ProtectedSet, place: str, outcome: RemovalOutcome | None, cleared: str
) -> ProtectedSet:
    """Return the set after a removal at `place` (`vendor.mode`); `cleared` is empty if any was.

    Without an `outcome` there was nobody to remove.
    """
    removals: Mapping[str, RemovalOutcome] = (
        known.removals if outcome is None else {**known.removals, place: outcome}
    )
    hashes = {name: value for name, value in known.cleared.items() if name != place}
    if cleared:
        hashes[place] = cleared
    return structs.replace(known, removals=dict(removals), cleared=hashes)


def _is_newer(known: ProtectedSet, reading: ProtectedReading, now: float) -> bool:
    """Whether a reading that began later than this one has changed the set already."""
    return known.updated > reading.started and not is_future(known.updated, now)


def _ended(
    after: ProtectedSet, reading: ProtectedReading, now: float, absent: Set[str]
) -> ProtectedSet:
    """Return the set with those as ended whom a whole reading no longer finds protected."""
    lost = after.ids - reading.found
    back = after.gone & reading.seen
    gone = (after.gone - back) | (lost & absent)
    ending = (lost - gone) | back
    return structs.replace(
        after,
        ids=after.ids - lost,
        ended={**after.ended, **dict.fromkeys(sorted(ending), now)} if ending else after.ended,
        gone=gone,
        receded=after.pending - reading.found,
    )
