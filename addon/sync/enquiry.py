"""What a snapshot and Google's answers so far prove about one loss, and what else to ask."""

from collections.abc import Iterator, Mapping, Set
from functools import cached_property

from addon.directory.evidence import (
    Absent,
    Answer,
    GroupQuestion,
    MembershipQuestion,
    OrgUnitQuestion,
    Present,
    Question,
    UserQuestion,
)
from addon.directory.snapshot import Snapshot, User
from addon.roster.index import within
from addon.roster.model import Roster
from addon.roster.placements import PERSON_KINDS, GroupId, Loss, Placements, group_id
from addon.sync.document_changes import NewSelections
from addon.sync.group_values import ATTRIBUTE, GroupValues
from addon.sync.known_places import path_key
from addon.sync.needed import DECIDED, UNDECIDED, Needed, asked, both
from addon.tenants.model import GroupRule, SchoolUnit, Selector, Tenant, rules_of
from addon.text import fold

BUDGET = 100
"""How many questions one reading may ask."""
AGREE_AFTER = 600.0
"""Seconds between two whole readings that together confirm a loss."""


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
        new: NewSelections,
    ) -> None:
        self._roster = roster
        self._known = known
        self._answers = answers
        self._new = new
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
        self._group_values = GroupValues(tenant.protected, snapshot, answers)

    def evidence(self, loss: Loss) -> Needed:
        """Return the questions that would decide whether the loss is real, see `Needed`."""
        if loss.kind == "group":
            return self._group(loss)
        if loss.kind in ("member", "teacher"):
            return self._member(loss)
        return self._placement(loss)

    def proves(self, loss: Loss) -> bool:
        """Whether the account's own record, or an answer about that very loss, shows it."""
        return self.evidence(loss) == DECIDED

    def agrees(self, loss: Loss, seen_for: float) -> bool:
        """Whether readings that have seen the loss for so many seconds agree on it."""
        return seen_for >= AGREE_AFTER and not self._contradicted(loss)

    def stays(self, user_id: str, unit: str) -> bool:
        """Whether somebody has an active account, and is not missing from the unit itself."""
        user = self._users.get(user_id)
        return (
            user is not None
            and not user.is_inactive
            and user_id not in self._roster.protected
            and self._lost.isdisjoint(Loss(kind, unit, user_id) for kind in PERSON_KINDS)
        )

    def lists(self, loss: Loss) -> bool:
        """Whether the reading has the group or OU that the members were, or are, from."""
        if loss.source == "orgUnit":
            return loss.source_id in self._org_units
        return loss.source != "group" or loss.source_id in self._groups

    def people(self, loss: Loss) -> frozenset[Loss]:
        """The losses of people from the unit that the loss of a group or membership is part of.

        Where the group or OU itself is missing, it is missing with people or without.
        """
        if loss.is_person or not (loss.user or self.lists(loss)):
            return frozenset()
        return frozenset(
            Loss(kind, loss.unit, user) for kind in PERSON_KINDS for user in self._members(loss)
        ).intersection(self._lost)

    def goes_with(self, loss: Loss, people: Set[Loss]) -> bool:
        """Whether all whom a group lost have left the unit, if these `people` of them have."""
        gone = {each.user for each in people if not self._is_at(each.user, loss.unit)}
        return bool(people) and all(
            user in gone or self.proves(loss._replace(kind="member", user=user))
            for user in self._members(loss)
        )

    def signs(self, loss: Loss, gone: Set[Loss]) -> frozenset[str]:
        """What in this reading shows the loss; readings that agree on it have one in common.

        `gone` are losses of people that are confirmed: whether a list has them says nothing.
        """
        if loss.is_person:
            return self._signs_of_person(loss)
        if loss.source == "group" and loss.source_id in self._groups:
            left = {each.user for each in gone}
            listed = (self._groups[loss.source_id].members or frozenset()) - left
            there = (user for user in self._members(loss) if user in listed)
            proven = all(self.proves(loss._replace(kind="member", user=user)) for user in there)
            return frozenset({"list"} if proven else ())
        if not loss.user and not self.lists(loss):
            return frozenset({"missing"})
        return frozenset({"record"} if self.people(loss) <= gone else ())

    def _signs_of_person(self, loss: Loss) -> frozenset[str]:
        if loss.user in self._users:
            return frozenset({"place"})
        unit = self._units.get(loss.unit)
        selector = None if unit is None else _selector(unit, loss)
        if selector is None or selector.org_units or not selector.groups:
            return frozenset({"account"})
        groups = [self._by_address.get(fold(address)) for address in selector.groups]
        listed = any(g is not None and loss.user in (g.members or ()) for g in groups)
        return frozenset({"account"} if listed else {"account", "place"})

    def memberships(self, loss: Loss) -> Iterator[Loss]:
        """Yield the memberships that a loss of a group or of a membership is of."""
        if not loss.is_person:
            for user in (loss.user,) if loss.user else self._known.groups[loss.group].members:
                yield loss._replace(kind="member", user=user)

    def is_in_other_class(self, membership: Loss, joined: bool) -> bool:
        """Whether the reading has somebody, who was in a class, in another one of the unit.

        With `joined` only classes count in which they were not known to be. None does where the
        unit has several rules for classes: who is missing from one by a rule may have one by the
        next.
        """
        unit = self._units.get(membership.unit)
        several = unit is not None and len(rules_of(unit.classes)) > 1
        if several or self._known.groups[membership.group].kind != "class":
            return False
        found = self._classes.get((membership.unit, membership.user), frozenset())
        return any(
            not joined or each not in known or membership.user not in known[each].members
            for known in (self._known.groups,)
            for each in found - {membership.group}
        )

    @cached_property
    def _classes(self) -> dict[tuple[str, str], frozenset[GroupId]]:
        """The classes of the reading by unit and member."""
        found: dict[tuple[str, str], frozenset[GroupId]] = {}
        for group in self._roster.groups:
            if group.kind == "class":
                for user in (*group.students, *group.teachers):
                    key = group.unit, user
                    found[key] = found.get(key, frozenset()) | {group_id(group)}
        return found

    def _members(self, loss: Loss) -> tuple[str, ...]:
        """Whom a group lost; of a whole group the students, without whom it is none."""
        return (loss.user,) if loss.user else self._known.groups[loss.group].students

    def _is_at(self, user_id: str, unit: str) -> bool:
        person = self._roster.people.get(user_id)
        return person is not None and (
            unit in person.employments or any(each.unit == unit for each in person.enrolments)
        )

    def _contradicted(self, loss: Loss) -> bool:
        """Whether the directory said that what is missing is there, or that its list is short."""
        if loss.user in self._unread or loss.source_id in self._doubtful_groups:
            return True
        if loss.is_person:
            unit = self._units.get(loss.unit)
            selectors = () if unit is None else (unit.students, unit.staff)
            return any(map(self._group_values.doubted, selectors))
        if loss.source == "attribute":
            return self._group_values.doubted_rules(self._attribute_rules(loss))
        if loss.source == "orgUnit":
            people = (loss.user,) if loss.user else self._known.groups[loss.group].students
            return any(map(self._is_in_unlisted_org_unit, people))
        return loss.source == "group" and isinstance(
            self._answers.get(GroupQuestion(loss.source_id)), Present
        )

    def _is_in_unlisted_org_unit(self, user_id: str) -> bool:
        """Whether an account is in an OU that the list of OUs lacks, so that this is short."""
        user = self._users.get(user_id)
        return user is not None and path_key(user.org_unit_path) not in self._paths

    def _account(self, user_id: str) -> User | Needed:
        """The account's record; or DECIDED if it is gone, inactive or protected; or what to ask."""
        if user_id in self._roster.protected:
            return DECIDED
        user = self._users.get(user_id)
        if user is not None:
            return DECIDED if user.is_inactive else user
        return self._asked(UserQuestion(user_id))

    def _asked(self, question: Question) -> Needed:
        return asked(self._answers, question)

    def _placement(self, loss: Loss) -> Needed:
        """The evidence for a person who is no longer a student or staff at a unit."""
        user, unit = self._account(loss.user), self._units.get(loss.unit)
        if not isinstance(user, User):
            return user
        person = self._roster.people.get(loss.user)
        if loss.kind == "student" and person is not None and person.employments:
            return DECIDED  # staff is never a student
        selectors = () if person is not None else self._new.of(loss)
        if unit is not None:
            own = _selector(unit, loss)
            selectors = (own, *(each for each in selectors if each != own))
        found = DECIDED
        for selector in selectors:
            found = both(found, self._not_selected(user, selector))
        return found

    def _not_selected(self, user: User, selector: Selector) -> Needed:
        """The evidence that a selector does not choose somebody."""
        path = fold(user.org_unit_path)
        own_record = self._own_record(user)
        if any(within(org_unit)(path) for org_unit in selector.org_units):
            return self._stopped(user, selector)
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
                return self._stopped(user, selector)
            needed = self._asked(MembershipQuestion(group.id, user.id))
            if needed is None:
                return UNDECIDED
            questions += needed
        return tuple(questions)

    def _stopped(self, user: User, selector: Selector) -> Needed:
        """The evidence for somebody reached, but stopped by a filter or by what they lack."""
        return both(self._own_record(user), self._group_values.stopped(user, selector))

    def _own_record(self, user: User) -> Needed:
        """DECIDED if the directory was asked about this very account, else the question."""
        answer = self._answers.get(UserQuestion(user.id))
        if answer is None:
            return (UserQuestion(user.id),)
        return DECIDED if isinstance(answer, Present | Absent) else UNDECIDED

    def _member(self, loss: Loss) -> Needed:
        """The evidence for a student or teacher who is no longer in a group."""
        for kind in PERSON_KINDS:
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
        rules = self._attribute_rules(loss)
        own = {rule.attribute for rule in rules} - {ATTRIBUTE}
        has_values = any(name and user.attributes.get(name) for name in own)
        found = DECIDED if (rules and not own) or has_values else self._own_record(user)
        return both(found, self._group_values.unnamed(user, loss.source_id, rules))

    def _attribute_rules(self, loss: Loss) -> list[GroupRule]:
        """The rules by which the unit's groups come from attributes."""
        return [r for r in _rules(self._units.get(loss.unit)) if r.source == "attribute"]

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


def _selector(unit: SchoolUnit, loss: Loss) -> Selector:
    """The selector that a loss of a person is about."""
    return unit.students if loss.kind == "student" else unit.staff


def _rules(unit: SchoolUnit | None) -> Iterator[GroupRule]:
    if unit is not None:
        yield from (*rules_of(unit.classes), *rules_of(unit.teaching_groups))
