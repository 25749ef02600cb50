"""Whether who is missing from a reading is gone: the questions to ask, and what answers prove.

Absence from a list proves nothing (promise 2). A loss is confirmed by the account's own record,
by Google's answer about that very account, group, OU or membership, by a change of the tenant
document (see `addon.sync.document_changes`), or by two whole readings at least AGREE_AFTER apart.
Everything else is unconfirmed: it stays at the vendors as it is. An unchanged reading asks nothing;
otherwise at most BUDGET questions are asked, about the units with the fewest losses first.
"""

from collections import Counter
from collections.abc import (
    Callable,
    Container,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Set,
)
from typing import TypeVar

from msgspec import Struct, structs

from addon.directory.evidence import (
    Answer,
    AskDirectory,
    Question,
    Unknown,
    with_answers,
)
from addon.directory.snapshot import Snapshot
from addon.planning.emptied_groups import EmptiedGroup
from addon.roster.findings import finding
from addon.roster.model import Finding, Roster
from addon.roster.placements import (
    PERSON_KINDS,
    Employment,
    GroupId,
    Loss,
    Placements,
    combined,
    employments_of,
    losses,
    only,
    placements_of,
)
from addon.roster.select import select
from addon.sync.agreement import Judgement, ended_of_day, judge
from addon.sync.document_changes import is_changed, new_selections, unexplained_losses
from addon.sync.ended_memberships import Approved
from addon.sync.enquiry import BUDGET, Enquiry
from addon.sync.excepted_members import excepted_members, left_out_by_group
from addon.sync.first_readings import is_doubtful, settling_since, unsettled_groups
from addon.sync.known_placements import Beginning, KnownDirectory, has_user, units_of
from addon.sync.known_places import (
    OrgUnitPlace,
    as_documented,
    place_org_units,
    renamed_org_units,
    units_with_missing_places,
)
from addon.sync.left_out import left_out_now, recalled
from addon.sync.unknown_exceptions import HeldBack, hold_newcomers
from addon.tenants.model import Tenant, rules_of

ROUNDS = 3
"""How often answers may lead to further questions: account, then membership."""
GONE_KEPT = 90 * 24 * 3600.0
"""Seconds for which it is remembered who is gone: vendors may be out of reach for long."""

K = TypeVar("K", bound=Hashable)


class ReadingEvidence(Struct, frozen=True):
    """What a reading says of those who were known and are missing from it.

    `unconfirmed` are their placements, as ids: nothing is taken from them. `gone_people`,
    `gone_employments` and `gone_groups` are confirmed, by this or an earlier reading.
    `needs_approval` are users who are missing from a unit whose selector names an OU or a group
    that the directory does not have: they are removed only when a person approves. `read` is when
    the directory was read (seconds since 1970 UTC). `findings` are about all this. `left` has, by
    user id, a unit where this reading does not find somebody any more.
    """

    read: float = 0.0
    unconfirmed: Placements = Placements()
    gone_people: frozenset[str] = frozenset()
    gone_employments: frozenset[Employment] = frozenset()
    gone_groups: frozenset[GroupId] = frozenset()
    needs_approval: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    left: Mapping[str, str] = {}
    org_units: Mapping[str, OrgUnitPlace] = {}
    """The OU that each path of a selector stands for, by folded path."""
    emptied: tuple[EmptiedGroup, ...] = ()
    """The memberships that wait for a person; they are among the `unconfirmed`."""
    incomplete: bool = False
    """Whether a selector names an OU or a group that is not there."""
    doubtful: bool = False
    """Whether the reading itself says that something in it is short or could not be read."""
    settling: bool = False
    """Whether there is no reading to compare with yet, so that only creates are sent."""
    unsettled: frozenset[str] = frozenset()
    """Ids of groups that have never been read whole, and stay at the vendors as they are."""
    held_back: HeldBack = frozenset()
    """Who is new where an exception names a place that is not known, and is not sent yet."""


class ConfirmedReading(Struct, frozen=True):
    """A snapshot with what Google answered when asked, its roster, and what is known from now."""

    snapshot: Snapshot
    roster: Roster
    evidence: ReadingEvidence
    known: KnownDirectory


def confirm(
    tenant: Tenant,
    snapshot: Snapshot,
    known: KnownDirectory | Beginning,
    ask: AskDirectory,
    now: float,
    approved: Callable[[], Approved] = dict,
    pending: Set[str] = frozenset(),
) -> ConfirmedReading:
    """Compare a reading with what was known, ask about the losses, and decide which are real.

    `now` is when the reading began (seconds since 1970 UTC). `approved` returns the memberships
    that a person has said to have ended; it is called only when some wait for that. `pending` are
    the protected people whose protection a person has not confirmed. Raises SlowPatternError.
    """
    places = place_org_units(tenant, known.places, snapshot.org_units)
    documented = as_documented(tenant, snapshot, places)
    roster = select(tenant, documented)
    renamed = tuple(renamed_org_units(tenant, places))
    current = placements_of(roster)
    incomplete = units_with_missing_places(tenant, documented)
    settling, unsettled = settling_since(known, snapshot, now), unsettled_groups(known, snapshot)
    not_compared = (finding("not-compared", tenant.customer_id),) if settling else ()
    if isinstance(known, Beginning):
        waiting_new = hold_newcomers(tenant, documented, roster, has_user(tenant, known))
        roster, current = waiting_new.roster, placements_of(waiting_new.roster)
        fresh = KnownDirectory(
            now,
            current,
            units_of(tenant),
            places,
            settling=settling,
            unsettled=unsettled,
            excepted=left_out_by_group(tenant, documented),
        )
        evidence = ReadingEvidence(
            now,
            findings=(*renamed, *not_compared, *waiting_new.findings),
            org_units=places,
            held_back=waiting_new.held_back,
            incomplete=bool(incomplete),
            doubtful=is_doubtful(snapshot),
            settling=bool(settling),
            unsettled=unsettled,
        )
        return ConfirmedReading(snapshot, roster, evidence, fresh)
    there, changed = known.placements.people.keys(), is_changed(tenant, known)
    before, left_out = known.school_units, known.left_out
    known = structs.replace(known, placements=recalled(known.placements, left_out, changed))
    answers: dict[Question, Answer] = {}
    new = new_selections(tenant, known)
    lost = unexplained_losses(tenant, snapshot, known, roster, current, incomplete)
    for _ in range(ROUNDS if lost else 0):
        enquiry = Enquiry(tenant, documented, roster, known.placements, lost, answers, new)
        questions = _affordable(enquiry, lost, BUDGET - len(answers))
        if not questions:
            break
        answers.update(ask(tenant, questions, BUDGET - len(answers)))
        answers.update({q: Unknown() for q in questions if q not in answers})
        repaired = with_answers(snapshot, answers)
        if repaired != snapshot:
            snapshot, documented = repaired, as_documented(tenant, repaired, places)
            roster = select(tenant, documented)
            current = placements_of(roster)
            incomplete = units_with_missing_places(tenant, documented)
            lost = unexplained_losses(tenant, snapshot, known, roster, current, incomplete)
    judged = Judgement(ended=ended_of_day(known, now))
    if lost:
        enquiry = Enquiry(tenant, documented, roster, known.placements, lost, answers, new)
        judged = judge(
            tenant.customer_id,
            known,
            enquiry,
            lost,
            incomplete,
            approved,
            now,
        )
    waiting_new = hold_newcomers(tenant, documented, roster, there.__contains__)

    def ask_more(questions: Sequence[Question]) -> Mapping[Question, Answer]:
        left = BUDGET - len(answers)
        return ask(tenant, questions[:left], left) if left else {}

    members = excepted_members(
        tenant,
        documented,
        waiting_new.roster,
        known.excepted,
        before,
        there,
        ask_more,
        now,
    )
    if members.roster is not roster:
        roster, current = members.roster, placements_of(members.roster)
    left_out = left_out_now(
        left_out,
        known.placements,
        combined(current, only(known.placements, judged.unconfirmed.keys())),
        frozenset(lost),
        roster.protected,
        pending,
        changed,
        now,
    )
    known = structs.replace(known, left_out=left_out)
    evidence, latest = _decided(
        tenant, current, known, judged, incomplete, places, roster.protected, now
    )
    evidence = structs.replace(
        evidence,
        emptied=judged.emptied,
        held_back=waiting_new.held_back | members.held_back,
        findings=(
            *renamed,
            *not_compared,
            *waiting_new.findings,
            *members.findings,
            *evidence.findings,
        ),
        incomplete=bool(incomplete),
        doubtful=is_doubtful(snapshot),
        settling=bool(settling),
        unsettled=unsettled,
        left={each.user: each.unit for each in losses(known.placements, current) if each.is_person},
    )
    former = known.former_units or (before if changed else ())
    latest = structs.replace(
        latest,
        settling=settling,
        unsettled=unsettled,
        excepted=members.excepted,
        former_units=former if judged.unconfirmed or left_out.by_document != Placements() else (),
    )
    return ConfirmedReading(snapshot, roster, evidence, latest)


def _decided(
    tenant: Tenant,
    found: Placements,
    known: KnownDirectory,
    judged: Judgement,
    incomplete: Set[str],
    places: dict[str, OrgUnitPlace],
    protected: Set[str],
    now: float,
) -> tuple[ReadingEvidence, KnownDirectory]:
    """Return what a reading that `found` these placements proves, and what is known from now on.

    `known.left_out` are those left out now: their removals are explained, but they are not gone.
    """
    left, unconfirmed = known.left_out.all, judged.unconfirmed
    rules = {unit.code: unit.school_year for unit in tenant.school_units}
    from_class = {code for code, rule in rules.items() if rule and rule.source == "class"}
    in_order = {unit.code for unit in tenant.school_units if len(rules_of(unit.classes)) > 1}
    kept = only(known.placements, unconfirmed.keys(), from_class, in_order)
    current = combined(found, kept)
    gone_people = _still_gone(
        known.gone_people,
        known.placements.people.keys() - protected,
        current.people.keys() | left.people.keys(),
        now,
    )
    employments = frozenset(employments_of(left.people))
    gone_employments = _still_gone(
        known.gone_employments,
        (each for each in employments_of(known.placements.people) if each[1] not in protected),
        employments.union(employments_of(current.people)),
        now,
    )
    gone_groups = _still_gone(
        known.gone_groups,
        known.placements.groups,
        current.groups.keys() | left.groups.keys(),
        now,
    )
    missing = Counter(loss.unit for loss in unconfirmed if _is_counted(loss, unconfirmed))
    return (
        ReadingEvidence(
            read=now,
            unconfirmed=kept,
            gone_people=frozenset(gone_people).union(left.people) - current.people.keys(),
            gone_employments=employments.union(gone_employments),
            gone_groups=frozenset(gone_groups).union(left.groups) - current.groups.keys(),
            needs_approval=frozenset(
                loss.user for loss in unconfirmed if loss.user and loss.unit in incomplete
            ),
            findings=tuple(_unconfirmed(tenant, missing)),
            org_units=places,
        ),
        KnownDirectory(
            read=now,
            placements=current,
            school_units=units_of(tenant),
            org_units=places,
            missing=judged.missing,
            ended=judged.ended,
            gone_people=gone_people,
            gone_employments=gone_employments,
            gone_groups=gone_groups,
            left_out=known.left_out,
        ),
    )


def _still_gone(
    before: Mapping[K, float], known: Iterable[K], current: Container[K], now: float
) -> dict[K, float]:
    """Who is gone: those who were, and those who were known; not those who are here again."""
    gone = {key: at for key, at in before.items() if now - at < GONE_KEPT}
    gone.update((key, now) for key in known if key not in current)
    return {key: at for key, at in gone.items() if key not in current}


def _affordable(enquiry: Enquiry, lost: tuple[Loss, ...], budget: int) -> list[Question]:
    """The questions to ask now: about the units with the fewest, as many as the budget allows."""
    wanted: dict[str, dict[Question, None]] = {}
    for loss in lost:
        for question in enquiry.evidence(loss) or ():
            wanted.setdefault(loss.unit, {})[question] = None
    chosen: dict[Question, None] = {}
    for questions in sorted(wanted.values(), key=len):
        if len(chosen.keys() | questions.keys()) > budget:
            break
        chosen.update(questions)
    return list(chosen)


def _is_counted(loss: Loss, unconfirmed: Container[Loss]) -> bool:
    """Whether what is missing is counted by itself: not the memberships of who is missing."""
    return loss.is_person or all(
        Loss(kind, loss.unit, loss.user) not in unconfirmed for kind in PERSON_KINDS
    )


def _unconfirmed(tenant: Tenant, counts: Mapping[str, int]) -> Iterator[Finding]:
    names = tenant.unit_names
    for code, count in counts.items():
        yield finding(
            "removal-unconfirmed",
            code,
            count=str(count),
            unit=code,
            unitName=names.get(code, code),
        )
