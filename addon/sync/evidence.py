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

from addon.directory.evidence import Answer, AskDirectory, Question, Unknown
from addon.directory.snapshot import Snapshot
from addon.planning.emptied_groups import EmptiedGroup
from addon.roster.departures import Departures
from addon.roster.findings import finding
from addon.roster.model import Finding, Roster
from addon.roster.moves import Moves
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
)
from addon.roster.unconfirmed import students_with_jobs, with_standing, without_students
from addon.sync.agreement import Judgement, ended_of_day, judge
from addon.sync.compared_reading import ComparedReading, compared_reading
from addon.sync.document_changes import (
    is_changed,
    lost_anyway,
    new_selections,
    unexplained_losses,
)
from addon.sync.ended_memberships import Approved
from addon.sync.enquiry import BUDGET, Enquiry
from addon.sync.excepted_members import excepted_members, left_out_by_group
from addon.sync.first_readings import is_doubtful
from addon.sync.known_placements import Beginning, KnownDirectory, has_user, units_of
from addon.sync.known_places import OrgUnitPlace
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
    user id, a unit where this reading does not find somebody any more. `since` has, by unit code,
    the first reading that lacked any of its `unconfirmed` (seconds since 1970 UTC).
    """

    read: float = 0.0
    unconfirmed: Placements = Placements()
    gone_people: frozenset[str] = frozenset()
    gone_employments: frozenset[Employment] = frozenset()
    gone_groups: frozenset[GroupId] = frozenset()
    needs_approval: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    left: Mapping[str, str] = {}
    since: Mapping[str, float] = {}
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
    departures: Departures = Departures()
    """What this reading and earlier ones no longer had."""
    moves: Moves = Moves()
    """What has changed since the reading before, for the history of deliveries."""

    @property
    def mark(self) -> float:
        """What tells this reading from earlier and later ones, see `Departures.mark`."""
        return self.departures.mark(self.read)


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
    read = compared_reading(tenant, snapshot, known, now)
    if isinstance(known, Beginning):
        return _confirm_first(read, known)
    before, changed = known, is_changed(tenant, known)
    there = before.placements.people.keys()
    placements = recalled(before.placements, before.left_out, changed)
    known = structs.replace(known, placements=placements)
    answers: dict[Question, Answer] = {}
    read, lost = _ask_about_losses(read, known, ask, answers)
    judged = Judgement(ended=ended_of_day(known, now))
    if lost:
        enquiry = _enquiry(read, known, lost, answers)
        judged = judge(tenant.customer_id, known, enquiry, lost, read.incomplete, approved, now)
    newcomers = hold_newcomers(
        tenant, read.documented, read.roster, there.__contains__, bool(read.settling)
    )

    def ask_more(questions: Sequence[Question]) -> Mapping[Question, Answer]:
        left = BUDGET - len(answers)
        return ask(tenant, questions[:left], left) if left else {}

    members = excepted_members(
        tenant,
        read.documented,
        newcomers.roster,
        known.excepted,
        before.school_units,
        there,
        ask_more,
        now,
    )
    read = read.with_roster(members.roster)
    left_out = left_out_now(
        before.left_out,
        known.placements,
        combined(read.current, only(known.placements, judged.unconfirmed.keys())),
        _gone(read, known, lost, judged),
        read.roster.protected,
        pending,
        changed,
        now,
    )
    known = structs.replace(known, left_out=left_out)
    findings = (*newcomers.findings, *members.findings)
    evidence, latest = _decided(read, known, judged, findings)
    missing = losses(known.placements, read.current)
    departures = before.departures.of_reading(
        before.placements, latest.placements, read.roster.protected, now
    )
    evidence = structs.replace(
        evidence,
        departures=departures,
        emptied=judged.emptied,
        held_back=newcomers.held_back | members.held_back,
        left={each.user: each.unit for each in missing if each.is_person},
    )
    former = known.former_units or (before.school_units if changed else ())
    waits = judged.unconfirmed or left_out.by_document != Placements()
    latest = structs.replace(
        latest,
        excepted=members.excepted,
        former_units=former if waits else (),
        departures=departures,
    )
    return ConfirmedReading(read.snapshot, read.roster, evidence, latest)


def _confirm_first(read: ComparedReading, beginning: Beginning) -> ConfirmedReading:
    """Return a reading that there is nothing to compare with."""
    tenant = read.tenant
    newcomers = hold_newcomers(
        tenant, read.documented, read.roster, has_user(tenant, beginning), bool(read.settling)
    )
    read = read.with_roster(newcomers.roster)
    evidence = _evidence(read, newcomers.findings)
    known = KnownDirectory(
        read.now,
        read.current,
        units_of(tenant),
        read.places,
        settling=read.settling,
        unsettled=read.unsettled,
        excepted=left_out_by_group(tenant, read.documented),
        departures=Departures(read.now if beginning.delivered else 0.0),
    )
    evidence = structs.replace(evidence, held_back=newcomers.held_back, departures=known.departures)
    return ConfirmedReading(read.snapshot, read.roster, evidence, known)


def _ask_about_losses(
    read: ComparedReading, known: KnownDirectory, ask: AskDirectory, answers: dict[Question, Answer]
) -> tuple[ComparedReading, tuple[Loss, ...]]:
    """Ask about who is missing, and add the `answers`.

    Return the reading with whom they show to be there, and what is missing all the same.
    """
    lost = _lost(read, known)
    for _ in range(ROUNDS if lost else 0):
        left = BUDGET - len(answers)
        questions = _affordable(_enquiry(read, known, lost, answers), lost, left)
        if not questions:
            break
        answers.update(ask(read.tenant, questions, left))
        answers.update({q: Unknown() for q in questions if q not in answers})
        repaired = read.repaired(answers)
        if repaired is not read:
            read, lost = repaired, _lost(repaired, known)
    return read, lost


def _gone(
    read: ComparedReading, known: KnownDirectory, lost: tuple[Loss, ...], judged: Judgement
) -> frozenset[Loss]:
    """Return those of the losses that are not the work of a change of the document alone.

    Google's answer that somebody is not in the group that selects now says nothing of whether they
    are gone.
    """
    if judged.unconfirmed.keys() >= set(lost):
        return frozenset(lost)
    anyway = lost_anyway(read.tenant, read.snapshot, known)
    return frozenset(lost) if anyway is None else anyway.intersection(lost)


def _lost(read: ComparedReading, known: KnownDirectory) -> tuple[Loss, ...]:
    return unexplained_losses(
        read.tenant, read.snapshot, known, read.roster, read.current, read.incomplete
    )


def _enquiry(
    read: ComparedReading,
    known: KnownDirectory,
    lost: tuple[Loss, ...],
    answers: Mapping[Question, Answer],
) -> Enquiry:
    new = new_selections(read.tenant, known)
    return Enquiry(read.tenant, read.documented, read.roster, known.placements, lost, answers, new)


def _evidence(read: ComparedReading, findings: Iterable[Finding]) -> ReadingEvidence:
    """Return what the reading says of itself, with these findings beside its own."""
    return ReadingEvidence(
        read.now,
        findings=(*read.findings, *findings),
        org_units=read.places,
        incomplete=bool(read.incomplete),
        doubtful=is_doubtful(read.snapshot),
        settling=bool(read.settling),
        unsettled=read.unsettled,
    )


def _decided(
    read: ComparedReading, known: KnownDirectory, judged: Judgement, findings: Iterable[Finding]
) -> tuple[ReadingEvidence, KnownDirectory]:
    """Return what the reading proves, and what is known from now on.

    `known.left_out` are those left out now: their removals are explained, but they are not gone.
    """
    left, unconfirmed, now = known.left_out.all, judged.unconfirmed, read.now
    kept = _unconfirmed_placements(read.tenant, known, unconfirmed)
    kept = with_standing(kept, read.current, known.placements)
    doubted = students_with_jobs(read.current, kept)
    current = combined(without_students(read.current, doubted) if doubted else read.current, kept)
    employments = frozenset(employments_of(left.people))
    protected = read.roster.protected
    gone_people = _still_gone(
        known.gone_people,
        known.placements.people.keys() - protected,
        current.people.keys() | left.people.keys(),
        now,
    )
    gone_employments = _still_gone(
        known.gone_employments,
        (each for each in employments_of(known.placements.people) if each[1] not in protected),
        employments.union(employments_of(current.people)),
        now,
    )
    groups_there = current.groups.keys() | left.groups.keys()
    gone_groups = _still_gone(known.gone_groups, known.placements.groups, groups_there, now)
    missing = Counter(loss.unit for loss in unconfirmed if _is_counted(loss, unconfirmed))
    evidence = structs.replace(
        _evidence(read, (*findings, *_unconfirmed(read.tenant, missing))),
        unconfirmed=kept,
        since={loss.unit: at for loss, at in sorted(unconfirmed.items(), key=lambda e: -e[1])},
        gone_people=frozenset(gone_people).union(left.people) - current.people.keys(),
        gone_employments=employments.union(gone_employments),
        gone_groups=frozenset(gone_groups).union(left.groups) - current.groups.keys(),
        needs_approval=frozenset(
            loss.user for loss in unconfirmed if loss.user and loss.unit in read.incomplete
        ),
    )
    latest = KnownDirectory(
        read=now,
        placements=current,
        school_units=units_of(read.tenant),
        org_units=read.places,
        missing=judged.missing,
        ended=judged.ended,
        gone_people=gone_people,
        gone_employments=gone_employments,
        gone_groups=gone_groups,
        left_out=known.left_out,
        settling=read.settling,
        unsettled=read.unsettled,
    )
    return evidence, latest


def _unconfirmed_placements(
    tenant: Tenant, known: KnownDirectory, unconfirmed: Mapping[Loss, object]
) -> Placements:
    """Return the known placements whose loss is unconfirmed."""
    rules = {unit.code: unit.school_year for unit in tenant.school_units}
    from_class = {code for code, rule in rules.items() if rule and rule.source == "class"}
    in_order = {unit.code for unit in tenant.school_units if len(rules_of(unit.classes)) > 1}
    return only(known.placements, unconfirmed.keys(), from_class, in_order)


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
