"""Members of excepted groups who are missing from a group's list: absence is no evidence.

Who is left out through a group, be it an exception or a filter that members do not pass, is
remembered by id. Somebody whom the group's list lacks later
stays left out until Google says, asked about that very membership, that it has ended, or two whole
readings AGREE_AFTER apart lack it, or the document no longer names the group. Where a pattern says
which groups, one that is not listed may match it too: Google's answers can only show that somebody
is in one of those that are, and two readings decide.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from msgspec import Struct

from addon.directory.evidence import Absent, Answer, MembershipQuestion, Present, Question
from addon.directory.snapshot import Snapshot
from addon.roster.filters import choose, left_out
from addon.roster.findings import finding
from addon.roster.index import DirectoryIndex
from addon.roster.model import Finding, Roster
from addon.sync.enquiry import AGREE_AFTER
from addon.sync.excluding_groups import ExcludingGroups, excluding_groups
from addon.sync.group_values import MOST_ASKED, words
from addon.sync.unknown_exceptions import REASON, HeldBack, without_held_back
from addon.tenants.model import Clause, SchoolUnit, Selector, SelectorExceptions, Tenant

Excepted = Mapping[tuple[str, str], float]
"""Unit and user id of those who are left out through a group: since when lists lack them, or 0."""
FORGOTTEN = 90 * 24 * 3600.0
"""Seconds after which it is forgotten that somebody who is in no list was left out."""
Ask = Callable[[Sequence[Question]], Mapping[Question, Answer]]


class ExceptedMembers(Struct, frozen=True):
    """Who is left out through groups now, and who of the roster stays left out without evidence."""

    excepted: Excepted
    held_back: HeldBack
    roster: Roster
    findings: tuple[Finding, ...] = ()


def excepted_members(
    tenant: Tenant,
    snapshot: Snapshot,
    roster: Roster,
    before: Excepted,
    school_units: Iterable[SchoolUnit],
    known: Set[str],
    ask: Ask,
    now: float,
) -> ExceptedMembers:
    """Compare with those who were left out `before`, by the document's `school_units` then.

    `known` are the ids of users who were placed at any unit: nothing is taken from them. `now` is
    when the reading began (seconds since 1970 UTC).
    """
    groups = {unit.code: _groups(unit) for unit in tenant.school_units if _reads_groups(unit)}
    found = _left_out(tenant, snapshot, groups)
    then = {unit.code: _groups(unit) for unit in school_units}
    lacking = {
        (unit, user): since
        for (unit, user), since in before.items()
        if (unit, user) not in found and unit in groups and then.get(unit) == groups[unit]
    }
    placed = {
        pair: since
        for pair, since in lacking.items()
        if pair[1] not in known and _is_placed(roster, *pair)
    }
    listed = {user.id for user in snapshot.users}
    excepted = dict.fromkeys(sorted(found), 0.0)
    for (unit, user), since in lacking.items():
        if user not in listed and now - (since or now) < FORGOTTEN:
            excepted[unit, user] = since or now
    if not placed:
        return ExceptedMembers(excepted, frozenset(), roster)
    questions = {pair: _questions(groups[pair[0]], pair[1], snapshot) for pair in placed}
    wanted = list(dict.fromkeys(q for each in questions.values() if each for q in each.asked))
    answers = ask(wanted) if wanted else {}
    held = set[tuple[str, str]]()
    for pair, since in placed.items():
        if not _has_ended(questions[pair], answers, snapshot, since, now):
            held.add(pair)
            excepted[pair] = since or now
    return ExceptedMembers(
        excepted,
        frozenset(held),
        without_held_back(roster, frozenset(held)),
        tuple(_findings(tenant, groups, held)),
    )


class _Questions(NamedTuple):
    """Whether somebody is in the groups of a unit: those that lists decide, and what is asked.

    `proves` is whether answers prove that they are in none.
    """

    groups: frozenset[str]
    asked: tuple[MembershipQuestion, ...]
    proves: bool


def _has_ended(
    questions: _Questions | None,
    answers: Mapping[Question, Answer],
    snapshot: Snapshot,
    since: float,
    now: float,
) -> bool:
    """Whether it is proven that somebody is in none of the groups, missing from lists `since`."""
    if questions is None:
        return False
    said = [answers.get(question) for question in questions.asked]
    if any(isinstance(answer, Present) for answer in said):
        return False
    if questions.proves and all(isinstance(answer, Absent) for answer in said):
        return True
    doubted = not questions.groups.isdisjoint(snapshot.doubts.groups)
    return since > 0 and now - since >= AGREE_AFTER and not doubted


def left_out_by_group(tenant: Tenant, snapshot: Snapshot) -> Excepted:
    """Return who is left out through a group in a reading that there is none to compare with."""
    groups = {unit.code for unit in tenant.school_units if _reads_groups(unit)}
    return dict.fromkeys(sorted(_left_out(tenant, snapshot, groups)), 0.0)


def _groups(unit: SchoolUnit) -> tuple[ExcludingGroups, ExcludingGroups]:
    """The groups through which the students, and the staff, are left out."""
    return excluding_groups(unit.students), excluding_groups(unit.staff)


def _reads_groups(unit: SchoolUnit) -> bool:
    return any(any(groups) for groups in _groups(unit))


def _left_out(tenant: Tenant, snapshot: Snapshot, groups: Collection[str]) -> set[tuple[str, str]]:
    """The unit and user id of those who are left out through a group."""
    if not groups:
        return set()
    index = DirectoryIndex(tenant.protected, snapshot)
    return {
        (unit.code, user)
        for unit in tenant.school_units
        if unit.code in groups
        for selector in (unit.students, unit.staff)
        for user in _stopped(selector, index)
        & _members(excluding_groups(selector), snapshot, index)
    }


def _members(groups: ExcludingGroups, snapshot: Snapshot, index: DirectoryIndex) -> frozenset[str]:
    addresses = tuple(group.email for group in groups.of(snapshot) if group is not None)
    return left_out(SelectorExceptions(groups=addresses), index)


def _stopped(selector: Selector, index: DirectoryIndex) -> frozenset[str]:
    """Whom the selector reaches, but does not choose."""
    choice = choose(selector, index)
    return choice.filtered | choice.excepted


def _is_placed(roster: Roster, unit: str, user: str) -> bool:
    person = roster.people.get(user)
    return person is not None and (
        unit in person.employments or any(e.unit == unit for e in person.enrolments)
    )


def _questions(
    of_unit: tuple[ExcludingGroups, ExcludingGroups], user: str, snapshot: Snapshot
) -> _Questions | None:
    """What to ask about a user who is in none of the unit's groups; None if one is not there."""
    found = [group for groups in of_unit for group in groups.of(snapshot)]
    ids = dict.fromkeys(group.id for group in found if group is not None)
    if any(group is None for group in found):
        return None
    by_pattern = any(groups.patterns for groups in of_unit)
    asked = ids if len(ids) <= MOST_ASKED or not by_pattern else ()
    return _Questions(
        frozenset(ids), tuple(MembershipQuestion(id, user) for id in asked), not by_pattern
    )


def _findings(
    tenant: Tenant,
    groups: Mapping[str, tuple[ExcludingGroups, ExcludingGroups]],
    held: Iterable[tuple[str, str]],
) -> Iterable[Finding]:
    counts: dict[str, int] = {}
    for unit, _user in sorted(held):
        counts[unit] = counts.get(unit, 0) + 1
    names = tenant.unit_names
    for unit, count in counts.items():
        students, staff = groups[unit]
        role, of_role = ("students", students) if any(students) else ("staff", staff)
        place = next(iter((*of_role.addresses, *map(_said, of_role.patterns))))
        about = {"unit": unit, "unitName": names[unit], "role": role}
        yield finding(REASON, place, count=str(count), **about)


def _said(clause: Clause) -> str:
    return " ".join(words(clause))
