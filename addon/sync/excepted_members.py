"""Members of excepted groups who are missing from a group's list: absence is no evidence.

Who is left out through a group, be it an exception or a filter that members do not pass, is
remembered by id. Somebody whom the group's list lacks later
stays left out until Google says, asked about that very membership, that it has ended, or two whole
readings AGREE_AFTER apart lack it, or the document no longer names the group.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set

from msgspec import Struct

from addon.directory.evidence import Absent, Answer, MembershipQuestion, Question
from addon.directory.snapshot import Snapshot
from addon.roster.filters import choose, left_out
from addon.roster.findings import finding
from addon.roster.index import DirectoryIndex
from addon.roster.model import Finding, Roster
from addon.sync.enquiry import AGREE_AFTER
from addon.sync.group_values import ATTRIBUTE, words
from addon.sync.unknown_exceptions import REASON, HeldBack, without_held_back
from addon.tenants.model import SchoolUnit, Selector, SelectorExceptions, Tenant
from addon.text import fold

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
    groups = {unit.code: _groups(unit) for unit in tenant.school_units if any(_groups(unit))}
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
    questions = {pair: _questions(pair, groups, snapshot) for pair in placed}
    wanted = list(dict.fromkeys(q for each in questions.values() for q in each))
    answers = ask(wanted) if wanted else {}
    held = set[tuple[str, str]]()
    for pair, since in placed.items():
        asked = questions[pair]
        ended = bool(asked) and all(isinstance(answers.get(q), Absent) for q in asked)
        doubted = any(q.group in snapshot.doubts.groups for q in asked) or not asked
        agrees = since > 0 and now - since >= AGREE_AFTER and not doubted
        if not (ended or agrees):
            held.add(pair)
            excepted[pair] = since or now
    return ExceptedMembers(
        excepted,
        frozenset(held),
        without_held_back(roster, frozenset(held)),
        tuple(_findings(tenant, groups, held)),
    )


def left_out_by_group(tenant: Tenant, snapshot: Snapshot) -> Excepted:
    """Return who is left out through a group in a reading that there is none to compare with."""
    groups = {unit.code for unit in tenant.school_units if any(_groups(unit))}
    return dict.fromkeys(sorted(_left_out(tenant, snapshot, groups)), 0.0)


def _groups(unit: SchoolUnit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The addresses of the groups through which the students, and the staff, are left out."""
    return _addresses(unit.students), _addresses(unit.staff)


def _addresses(selector: Selector) -> tuple[str, ...]:
    filtered = (
        address
        for clauses in selector.filters
        for clause in clauses
        if clause.attribute == ATTRIBUTE and clause.operator in ("notEquals", "notIn")
        for address in words(clause)
    )
    return (*selector.exceptions.groups, *filtered)


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
        & left_out(SelectorExceptions(groups=_addresses(selector)), index)
    }


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
    pair: tuple[str, str],
    groups: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]],
    snapshot: Snapshot,
) -> tuple[MembershipQuestion, ...]:
    """Whether the user is in each excepted group of the unit; none if one is not known."""
    unit, user = pair
    by_address = {
        fold(address): group.id
        for group in snapshot.groups
        for address in (group.email, *group.aliases)
    }
    ids = [by_address.get(fold(address)) for addresses in groups[unit] for address in addresses]
    known = [id for id in ids if id is not None]
    if len(known) < len(ids):
        return ()
    return tuple(MembershipQuestion(id, user) for id in dict.fromkeys(known))


def _findings(
    tenant: Tenant,
    groups: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]],
    held: Iterable[tuple[str, str]],
) -> Iterable[Finding]:
    counts: dict[str, int] = {}
    for unit, _user in sorted(held):
        counts[unit] = counts.get(unit, 0) + 1
    names = tenant.unit_names
    for unit, count in counts.items():
        students, staff = groups[unit]
        role, place = ("students", students[0]) if students else ("staff", staff[0])
        about = {"unit": unit, "unitName": names[unit], "role": role}
        yield finding(REASON, place, count=str(count), **about)
