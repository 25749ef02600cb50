"""Who would go if a hold were let go, where they are now, and what may have happened."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from addon.directory.snapshot import User
from addon.planning.guard import Approval, Hold
from addon.roster.model import Finding
from addon.ss12000.ids import Ids
from addon.sync.overview import PROTECTED, UNIT_NOT_CHOSEN
from addon.sync.prepare import PreparedRun
from addon.text import SortKey
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.resource_names import (
    NamedResource,
    alphabetical,
    full_name,
    named_resources,
)
from addon.web.request_context import RequestContext, WaitingHold

GONE = "gone"
STAYS = "stays"
"""Said of somebody whom the vendor would keep after all, by the directory as it is now."""
MISSING = "org-unit-missing"
FEW = 5
"""So few leavers have nothing in common that is worth a guess."""


class Leaver(Struct, frozen=True):
    """Someone who would be removed. `reason` is a code of the overview, or one of the above.

    `user` is None of an account that the directory no longer has, and of protected people.
    """

    external_id: str
    name: str
    reason: str
    user: User | None = None


class HoldCause(Struct, frozen=True):
    """What most of the leavers (`count` of them) have in common.

    `kind` is `moved`: an organisational unit that a selection names (`path`) is no more, and they
    are now in `now`, if they are anywhere; `elsewhere`: they are in `now`, where no selection
    reaches; or `deleted`: their accounts are gone.
    """

    kind: Literal["moved", "elsewhere", "deleted"]
    count: int
    path: str = ""
    now: str = ""


class HeldView(Struct, frozen=True):
    """A hold as a person can judge it.

    `reasons` are how many for each reason, the most frequent first; `cause` is what may be behind
    most of them, None where nothing stands out.
    """

    leavers: tuple[Leaver, ...]
    reasons: tuple[tuple[str, int], ...]
    cause: HoldCause | None

    @property
    def staying(self) -> int:
        """How many would not be removed any more, by the directory as it is now."""
        return dict(self.reasons).get(STAYS, 0)


def approval_of(ctx: RequestContext, held: WaitingHold) -> Approval | None:
    """The yes that was said to a hold and that a run, or a withdrawal, is yet to go by."""
    approval = ctx.store.approval(held.key)
    if approval is None or held.hold.refused or not approval.is_valid(ctx.now):
        return None
    return approval


def is_sending(ctx: RequestContext, vendor: str) -> bool:
    """Whether a run is going on that sends to the vendor, or has yet to plan what to send."""
    return any(run.status == "running" and run.vendor in ("", vendor) for run in ctx.runs)


def held_view(directory: TenantDirectory, hold: Hold, vendor: str) -> HeldView:
    """The hold's people by name, as far as they are in the directory. Raises StillComputing."""
    known, prepared, hidden = (
        named_resources(directory),
        directory.prepared,
        directory.index.protected,
    )
    return directory.get_or_compute(
        DirectoryResult.HOLD_VIEW,
        lambda: _view(known, prepared, hold, vendor, hidden),
        (vendor, hold.at, hold.people[:1], len(hold.people)),
    )


def _view(
    known: Mapping[str, NamedResource],
    prepared: PreparedRun,
    hold: Hold,
    vendor: str,
    hidden: Iterable[str],
) -> HeldView:
    ids = Ids(prepared.tenant.customer_id)
    protected = {ids.user(user_id) for user_id in hidden}
    view = prepared.vendor_rosters.get(vendor)
    staying = view.people if view is not None and not hold.withdrawal else {}
    found = []
    for external_id in hold.people:
        if external_id in protected:
            found.append(Leaver(external_id, "", PROTECTED))
        else:
            found.append(_leaver(known.get(external_id), prepared, staying, external_id))
    reasons = Counter(leaver.reason for leaver in found)
    leavers = tuple(sorted(found, key=lambda each: _place(each, reasons)))
    cause = None if hold.withdrawal else _cause(leavers, prepared.roster.findings)
    return HeldView(leavers, tuple(reasons.most_common()), cause)


def _leaver(
    subject: NamedResource | None,
    prepared: PreparedRun,
    staying: Mapping[str, object],
    external_id: str,
) -> Leaver:
    if subject is None or subject.user is None:
        return Leaver(external_id, "", GONE)
    user = subject.user
    if user.id in staying:
        reason = STAYS
    elif user.id in prepared.roster.people:
        reason = UNIT_NOT_CHOSEN
    else:
        reason = prepared.roster.left_out.get(user.id, "not selected")
    return Leaver(external_id, full_name(user), reason, user)


def _place(leaver: Leaver, reasons: Mapping[str, int]) -> tuple[int, str, bool, SortKey, str]:
    """By reason, the most frequent first, and by name."""
    name = alphabetical(leaver.user) if leaver.user else ""
    return -reasons[leaver.reason], leaver.reason, leaver.user is None, name, leaver.external_id


def _cause(leavers: tuple[Leaver, ...], findings: Iterable[Finding]) -> HoldCause | None:
    """What happened to most of them, where that can be told."""
    going = [leaver for leaver in leavers if leaver.reason != STAYS]
    if len(going) < FEW:
        return None
    missing = [f.subject for f in findings if f.code == MISSING]
    astray = [leaver.user.org_unit_path for leaver in going if _astray(leaver) and leaver.user]
    deleted = sum(leaver.reason == GONE for leaver in going)
    if 2 * len(astray) > len(going):
        place, count = _deepest_common(astray)
        if len(missing) == 1:
            return HoldCause("moved", count, missing[0], place)
        return HoldCause("elsewhere", count, "", place) if place else None
    if 2 * deleted > len(going):
        return HoldCause("deleted", deleted)
    return None


def _astray(leaver: Leaver) -> bool:
    """Whether they have an account that works and that no selection reaches."""
    return leaver.reason == "not selected"


def _deepest_common(paths: list[str]) -> tuple[str, int]:
    """The deepest organisational unit with most of them, and how many it has; else all, nowhere."""
    counts: Counter[str] = Counter()
    for path in paths:
        parts = path.strip("/").split("/")
        counts.update("/" + "/".join(parts[:depth]) for depth in range(1, len(parts) + 1) if path)
    most = [(path.count("/"), path, n) for path, n in counts.items() if 5 * n >= 4 * len(paths)]
    if not most:
        return "", len(paths)
    _depth, place, count = max(most)
    return place, count
