"""Whether who is missing from a reading is gone: the questions to ask, and what answers prove.

Absence from a list proves nothing (promise 2). A loss is confirmed by the account's own record,
by Google's answer about that very account, group, OU or membership, by a change of the tenant
document, or by two whole readings at least AGREE_AFTER apart. Everything else is unconfirmed:
it stays at the vendors as it is. An unchanged reading asks nothing; otherwise at most BUDGET
questions are asked, about the units with the fewest losses first.
"""

from collections import Counter
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Set
from typing import TypeVar

from msgspec import Struct, structs

from addon.directory.evidence import (
    Absent,
    Answer,
    AskDirectory,
    GroupQuestion,
    MembershipQuestion,
    OrgUnitQuestion,
    Present,
    Question,
    Unknown,
    UserQuestion,
    with_answers,
)
from addon.directory.snapshot import Snapshot, User
from addon.roster.findings import finding
from addon.roster.index import within
from addon.roster.model import Finding, Roster
from addon.roster.placements import (
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
from addon.sync.known_placements import (
    KnownDirectory,
    OrgUnitPlace,
    as_documented,
    changed_units,
    digests_of,
    path_key,
    place_org_units,
    renamed_org_units,
    units_with_missing_places,
)
from addon.tenants.model import GroupRule, SchoolUnit, Tenant
from addon.text import fold

BUDGET = 100
"""How many questions one reading may ask."""
ROUNDS = 3
"""How often answers may lead to further questions: account, then membership."""
AGREE_AFTER = 600.0
"""Seconds between two whole readings that together confirm a loss."""
GONE_KEPT = 90 * 24 * 3600.0
"""Seconds for which it is remembered who is gone: vendors may be out of reach for long."""

Needed = tuple[Question, ...] | None
"""Questions whose answers would decide: none, so it is decided; None, so nothing can."""

K = TypeVar("K", bound=Hashable)

DECIDED: Needed = ()
UNDECIDED: Needed = None


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


class ConfirmedReading(Struct, frozen=True):
    """A snapshot with what Google answered when asked, its roster, and what is known from now."""

    snapshot: Snapshot
    roster: Roster
    evidence: ReadingEvidence
    known: KnownDirectory


def confirm(
    tenant: Tenant,
    snapshot: Snapshot,
    known: KnownDirectory | None,
    ask: AskDirectory,
    now: float,
) -> ConfirmedReading:
    """Compare a reading with what was known, ask about the losses, and decide which are real.

    `now` is when the reading began (seconds since 1970 UTC). Raises SlowPatternError.
    """
    places = place_org_units(tenant, known, snapshot.org_units)
    documented = as_documented(tenant, snapshot, places)
    roster = select(tenant, documented)
    renamed = tuple(renamed_org_units(tenant, places))
    current = placements_of(roster)
    if known is None:
        fresh = KnownDirectory(now, current, digests_of(tenant), places)
        return ConfirmedReading(
            snapshot, roster, ReadingEvidence(now, findings=renamed, org_units=places), fresh
        )
    changed = changed_units(tenant, known)
    answers: dict[Question, Answer] = {}
    lost = _losses(known.placements, current, roster.protected, changed)
    for _ in range(ROUNDS if lost else 0):
        enquiry = Enquiry(tenant, documented, roster, known.placements, lost, answers)
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
            lost = _losses(known.placements, current, roster.protected, changed)
    incomplete = units_with_missing_places(tenant, documented)
    unconfirmed: dict[Loss, float] = {}
    if lost:
        enquiry = Enquiry(tenant, documented, roster, known.placements, lost, answers)
        for loss in lost:
            since = known.missing.get(loss.key, now)
            if loss.unit in incomplete or not enquiry.confirms(loss, now - since):
                unconfirmed[loss] = since
    evidence, latest = _decided(tenant, current, known, unconfirmed, incomplete, places, now)
    evidence = structs.replace(
        evidence,
        findings=(*renamed, *evidence.findings),
        left={each.user: each.unit for each in losses(known.placements, current) if each.is_person},
    )
    return ConfirmedReading(snapshot, roster, evidence, latest)


def _losses(
    known: Placements, current: Placements, protected: Set[str], changed: Set[str]
) -> tuple[Loss, ...]:
    """The losses that nothing explains yet: not a change of the document, not protection."""
    return tuple(
        loss
        for loss in losses(known, current)
        if loss.unit not in changed and loss.user not in protected
    )


def _decided(
    tenant: Tenant,
    found: Placements,
    known: KnownDirectory,
    unconfirmed: Mapping[Loss, float],
    incomplete: Set[str],
    places: dict[str, OrgUnitPlace],
    now: float,
) -> tuple[ReadingEvidence, KnownDirectory]:
    """Return what a reading that `found` these placements proves, and what is known from now on.

    `unconfirmed` says since which reading each loss that is not confirmed is seen.
    """
    kept = only(known.placements, unconfirmed.keys())
    current = combined(found, kept)
    gone_people = _still_gone(known.gone_people, known.placements.people, current.people, now)
    gone_employments = _still_gone(
        known.gone_employments,
        employments_of(known.placements.people),
        frozenset(employments_of(current.people)),
        now,
    )
    gone_groups = _still_gone(known.gone_groups, known.placements.groups, current.groups, now)
    people = Counter(
        loss.unit for loss in unconfirmed if loss.kind in ("student", "staff", "group")
    )
    return (
        ReadingEvidence(
            read=now,
            unconfirmed=kept,
            gone_people=frozenset(gone_people),
            gone_employments=frozenset(gone_employments),
            gone_groups=frozenset(gone_groups),
            needs_approval=frozenset(
                loss.user for loss in unconfirmed if loss.user and loss.unit in incomplete
            ),
            findings=tuple(_unconfirmed(tenant, people)),
            org_units=places,
        ),
        KnownDirectory(
            read=now,
            placements=current,
            unit_digests=digests_of(tenant),
            org_units=places,
            missing={loss.key: since for loss, since in unconfirmed.items()},
            gone_people=gone_people,
            gone_employments=gone_employments,
            gone_groups=gone_groups,
        ),
    )


def _still_gone(
    before: Mapping[K, float], known: Iterable[K], current: Container[K], now: float
) -> dict[K, float]:
    """Who is gone: those who were, and those who were known; not those who are here again."""
    gone = {key: at for key, at in before.items() if now - at < GONE_KEPT}
    gone.update((key, now) for key in known if key not in current)
    return {key: at for key, at in gone.items() if key not in current}


def _affordable(enquiry: "Enquiry", lost: tuple[Loss, ...], budget: int) -> list[Question]:
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


class Enquiry:
    """What the snapshot and the answers so far prove about losses."""

    def __init__(
        self,
        tenant: Tenant,
        snapshot: Snapshot,
        roster: Roster,
        known: Placements,
        lost: tuple[Loss, ...],
        answers: Mapping[Question, Answer],
    ) -> None:
        self._roster = roster
        self._known = known
        self._answers = answers
        self._lost = frozenset(lost)
        self._unread = snapshot.unread
        self._doubtful_groups = snapshot.doubts.groups
        self._users = {user.id: user for user in snapshot.users}
        self._groups = {group.id: group for group in snapshot.groups}
        self._by_address = {
            fold(address): group
            for group in snapshot.groups
            for address in (group.email, *group.aliases)
        }
        self._paths = {"", *(path_key(unit.path) for unit in snapshot.org_units)}
        self._org_units = {unit.id for unit in snapshot.org_units}
        self._units = {unit.code: unit for unit in tenant.school_units}

    def evidence(self, loss: Loss) -> Needed:
        """Return the questions that would decide whether the loss is real, see `Needed`."""
        if loss.kind == "group":
            return self._group(loss)
        if loss.kind in ("member", "teacher"):
            return self._member(loss)
        return self._placement(loss)

    def confirms(self, loss: Loss, seen_for: float) -> bool:
        """Whether the loss is real, given that readings have seen it for so many seconds."""
        if self.evidence(loss) == DECIDED:
            return True
        return seen_for >= AGREE_AFTER and not self._contradicted(loss)

    def _contradicted(self, loss: Loss) -> bool:
        """Whether the directory said that what is missing is there, or that its list is short."""
        if loss.user in self._unread or loss.source_id in self._doubtful_groups:
            return True
        return loss.source == "group" and isinstance(
            self._answers.get(GroupQuestion(loss.source_id)), Present
        )

    def _account(self, user_id: str) -> User | Needed:
        """The account's record; or DECIDED if it is gone, inactive or protected; or what to ask."""
        if user_id in self._roster.protected:
            return DECIDED
        user = self._users.get(user_id)
        if user is not None:
            return DECIDED if user.is_inactive else user
        return self._asked(UserQuestion(user_id))

    def _asked(self, question: Question) -> Needed:
        """DECIDED if the directory has answered that it is absent, else what to ask."""
        answer = self._answers.get(question)
        if answer is None:
            return (question,)
        return DECIDED if isinstance(answer, Absent) else UNDECIDED

    def _placement(self, loss: Loss) -> Needed:
        """The evidence for a person who is no longer a student or staff at a unit."""
        user, unit = self._account(loss.user), self._units.get(loss.unit)
        if not isinstance(user, User):
            return user
        if unit is None:
            return DECIDED
        person = self._roster.people.get(loss.user)
        if loss.kind == "student" and person is not None and person.employments:
            return DECIDED  # staff is never a student
        selector = unit.students if loss.kind == "student" else unit.staff
        path = fold(user.org_unit_path)
        own_record = self._own_record(user)
        if any(within(org_unit)(path) for org_unit in selector.org_units):
            return own_record  # reached, but stopped by a filter or by what it lacks
        questions: list[Question] = []
        if selector.org_units and path_key(path) not in self._paths:
            if own_record == DECIDED:
                return UNDECIDED  # an OU that no list has
            questions.append(UserQuestion(user.id))
        for address in selector.groups:
            group = self._by_address.get(fold(address))
            if group is None:
                return UNDECIDED
            if user.id in (group.members or ()):
                return own_record
            asked = self._asked(MembershipQuestion(group.id, user.id))
            if asked is None:
                return UNDECIDED
            questions += asked
        return tuple(questions)

    def _own_record(self, user: User) -> Needed:
        """DECIDED if the directory was asked about this very account, else the question."""
        answer = self._answers.get(UserQuestion(user.id))
        if answer is None:
            return (UserQuestion(user.id),)
        return DECIDED if isinstance(answer, Present | Absent) else UNDECIDED

    def _member(self, loss: Loss) -> Needed:
        """The evidence for a student or teacher who is no longer in a group."""
        for kind in ("student", "staff"):
            placement = Loss(kind, loss.unit, loss.user)
            if placement in self._lost:
                found = self._placement(placement)
                if found != DECIDED:
                    return found
        user = self._account(loss.user)
        if not isinstance(user, User):
            return user
        if loss.source == "group":
            group = self._groups.get(loss.source_id)
            if group is None:
                return self._asked(GroupQuestion(loss.source_id))
            if user.id in (group.members or ()):
                return DECIDED
            return self._asked(MembershipQuestion(group.id, user.id))
        if loss.source == "orgUnit":
            if path_key(user.org_unit_path) in self._paths:
                return DECIDED
            return self._own_record(user) or UNDECIDED
        return DECIDED if self._has_values(loss, user) else self._own_record(user)

    def _has_values(self, loss: Loss, user: User) -> bool:
        """Whether the account has a value of an attribute that the unit's groups come from."""
        unit = self._units.get(loss.unit)
        names = [rule.attribute for rule in _rules(unit) if rule.source == "attribute"]
        return any(name and user.attributes.get(name) for name in names)

    def _group(self, loss: Loss) -> Needed:
        """The evidence for a class or group that is no longer there."""
        if loss.source == "group" and loss.source_id not in self._groups:
            return self._asked(GroupQuestion(loss.source_id))
        if loss.source == "orgUnit" and loss.source_id not in self._org_units:
            return self._asked(OrgUnitQuestion(loss.source_id))
        questions: dict[Question, None] = {}
        for user in self._known.groups[loss.group].students:
            found = self._member(Loss("member", loss.unit, user, loss.source, loss.source_id))
            if found is None:
                return UNDECIDED
            questions.update(dict.fromkeys(found))
            if len(questions) > BUDGET:
                return UNDECIDED
        return tuple(questions)


def _rules(unit: SchoolUnit | None) -> Iterator[GroupRule]:
    if unit is not None:
        yield from (rule for rule in (unit.classes, unit.teaching_groups) if rule is not None)


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
