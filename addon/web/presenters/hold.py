"""The people that a held delivery would remove, where they are now, and the likely cause."""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from typing import Literal

from msgspec import Struct

from addon.directory.snapshot import User
from addon.planning.limits import Approval, Hold
from addon.roster.model import Finding
from addon.ss12000.ids import Ids
from addon.store.base import LedgerStore
from addon.store.records import RunRecord
from addon.sync.people_csv import EXCEPTED, PROTECTED, UNIT_NOT_CHOSEN
from addon.sync.prepare import PreparedRun
from addon.tenants.model import Tenant
from addon.text import SortKey, sort_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.resource_names import (
    NamedResource,
    alphabetical,
    full_name,
    named_resources,
)
from addon.web.waiting_holds import WaitingHold

GONE = "gone"
STAYS = "stays"
"""The vendor would keep this person after all, according to the current directory."""
MISSING = "org-unit-missing"
FEW = 5
"""With fewer leavers than this, no cause is guessed."""


class Leaver(Struct, frozen=True):
    """Someone who would be removed.

    `reason` is a code of `addon.sync.people_csv`, `GONE` or `STAYS`.
    `user` is None for an account that is no longer in the directory, and for protected people.
    """

    external_id: str
    name: str
    reason: str
    user: User | None = None


class HoldCause(Struct, frozen=True):
    """What most of the leavers (`count` of them) have in common.

    `kind` is `moved`: an organisational unit that a selection names (`path`) no longer exists, and
    they are now in `now`, empty if in no common place; `elsewhere`: they are in `now`, which no
    selection includes; or `deleted`: their accounts no longer exist.
    """

    kind: Literal["moved", "elsewhere", "deleted"]
    count: int
    path: str = ""
    now: str = ""


class EmptiedView(Struct, frozen=True):
    """A group of which `ending` of `known` memberships would end; "" for names not known."""

    name: str
    unit: str
    ending: int
    known: int


class HeldView(Struct, frozen=True):
    """A hold with what an administrator needs in order to judge it.

    `reasons` has the number of people for each reason, the most frequent first; `cause` is the
    likely cause for most of them, None if there is none. `emptied` are the groups that would lose
    most of their members.
    """

    leavers: tuple[Leaver, ...]
    reasons: tuple[tuple[str, int], ...]
    cause: HoldCause | None
    emptied: tuple[EmptiedView, ...] = ()

    @property
    def staying(self) -> int:
        """How many would no longer be removed, according to the current directory."""
        return dict(self.reasons).get(STAYS, 0)


def approval_of(store: LedgerStore, held: WaitingHold, now: float) -> Approval | None:
    """Return the valid approval of a hold that no run or withdrawal has used yet, if any."""
    approval = store.approval(held.key)
    if approval is None or held.hold.refused or not approval.is_valid(now):
        return None
    if (approval.tried or approval.in_advance) and not approval.is_of(held.hold):
        return None  # of an earlier one, not yet carried out, or of less
    return approval


def is_sending(runs: Iterable[RunRecord], vendor: str) -> bool:
    """Whether a run in progress sends to the vendor, or has not yet planned what to send."""
    return any(run.status == "running" and run.vendor in ("", vendor) for run in runs)


def held_view(directory: TenantDirectory, hold: Hold, vendor: str) -> HeldView:
    """Return the hold with names for people in the directory. Raises StillComputing."""
    known, prepared, protected = (
        named_resources(directory),
        directory.prepared,
        directory.index.protected,
    )
    return directory.get_or_compute(
        DirectoryResult.HOLD_VIEW,
        lambda: _view(known, prepared, hold, vendor, protected),
        (vendor, hold.at, hold.people[:1], len(hold.people), hold.memberships),
    )


def _view(
    known: Mapping[str, NamedResource],
    prepared: PreparedRun,
    hold: Hold,
    vendor: str,
    protected: Iterable[str],
) -> HeldView:
    ids = Ids(prepared.tenant.customer_id)
    protected_ids = {ids.user(user_id) for user_id in protected}
    vendor_roster = prepared.vendor_rosters.get(vendor)
    staying = vendor_roster.people if vendor_roster is not None and not hold.withdrawal else {}
    withheld = frozenset() if vendor_roster is None else vendor_roster.withheld
    found = []
    for external_id in hold.people:
        if external_id in protected_ids:
            found.append(Leaver(external_id, "", PROTECTED))
        else:
            found.append(_leaver(known.get(external_id), prepared, staying, withheld, external_id))
    reasons = Counter(leaver.reason for leaver in found)
    leavers = tuple(sorted(found, key=lambda each: _place(each, reasons)))
    cause = None if hold.withdrawal else _cause(leavers, prepared.roster.findings)
    return HeldView(
        leavers, tuple(reasons.most_common()), cause, _emptied(hold, known, prepared.tenant)
    )


def _emptied(
    hold: Hold, known: Mapping[str, NamedResource], tenant: Tenant
) -> tuple[EmptiedView, ...]:
    found = []
    for group in hold.emptied:
        named = known.get(group.group)
        unit = tenant.unit_names.get(group.unit, "")
        name = "" if named is None else named.name
        found.append(EmptiedView(name, unit, len(group.members), group.known))
    return tuple(sorted(found, key=lambda each: (sort_key(each.unit), sort_key(each.name))))


def _leaver(
    subject: NamedResource | None,
    prepared: PreparedRun,
    staying: Mapping[str, object],
    withheld: Set[str],
    external_id: str,
) -> Leaver:
    if subject is None or subject.user is None:
        return Leaver(external_id, "", GONE)
    user = subject.user
    if user.id in staying:
        reason = STAYS
    elif user.id in withheld:
        reason = EXCEPTED
    elif user.id in prepared.roster.people:
        reason = UNIT_NOT_CHOSEN
    else:
        reason = prepared.roster.left_out.get(user.id, "not selected")
    return Leaver(external_id, full_name(user), reason, user)


def _place(leaver: Leaver, reasons: Mapping[str, int]) -> tuple[int, str, bool, SortKey, str]:
    """Return the sort key: by reason, the most frequent first, then by name."""
    name = alphabetical(leaver.user) if leaver.user else ""
    return -reasons[leaver.reason], leaver.reason, leaver.user is None, name, leaver.external_id


def _cause(leavers: tuple[Leaver, ...], findings: Iterable[Finding]) -> HoldCause | None:
    """Return the likely cause for most of the leavers, None if there is none."""
    going = [leaver for leaver in leavers if leaver.reason != STAYS]
    if len(going) < FEW:
        return None
    missing = [f.subject for f in findings if f.code == MISSING]
    outside = [
        leaver.user.org_unit_path for leaver in going if _outside_selection(leaver) and leaver.user
    ]
    deleted = sum(leaver.reason == GONE for leaver in going)
    if 2 * len(outside) > len(going):
        place, count = deepest_common(outside)
        if len(missing) == 1:
            return HoldCause("moved", count, missing[0], place)
        return HoldCause("elsewhere", count, "", place) if place else None
    if 2 * deleted > len(going):
        return HoldCause("deleted", deleted)
    return None


def _outside_selection(leaver: Leaver) -> bool:
    """Whether the account is active and no selection includes it."""
    return leaver.reason == "not selected"


def deepest_common(paths: list[str]) -> tuple[str, int]:
    """Return the deepest organisational unit with at least 80 % of the paths, and how many it has.

    Without such a unit, return an empty path and the number of paths.
    """
    counts: Counter[str] = Counter()
    for path in paths:
        parts = path.strip("/").split("/")
        counts.update("/" + "/".join(parts[:depth]) for depth in range(1, len(parts) + 1) if path)
    most = [(path.count("/"), path, n) for path, n in counts.items() if 5 * n >= 4 * len(paths)]
    if not most:
        return "", len(paths)
    _depth, place, count = max(most)
    return place, count
