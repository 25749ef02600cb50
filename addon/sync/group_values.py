"""Filters and rules that read the attribute `groups`: an account's own record does not have it.

Pure. Whom a group's list lacks is asked about: is the account a member of that very group? Where
a pattern chooses the groups, a group that is not listed may match too, so answers can show that a
value is there and never that it is not: two readings decide.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from addon.directory.evidence import Answer, GroupQuestion, MembershipQuestion, Present, Question
from addon.directory.scope import LITERAL
from addon.directory.snapshot import Group, Snapshot, User
from addon.roster.filters import compile_filters, left_out, values_of
from addon.roster.index import DirectoryIndex
from addon.roster.patterns import finder
from addon.sync.needed import DECIDED, UNDECIDED, Needed, asked, both
from addon.tenants.conditions import POSITIVE, condition, touches
from addon.tenants.model import Clause, GroupRule, Protected, Selector
from addon.text import fold

ATTRIBUTE = "groups"
MOST_ASKED = 10
"""A pattern that matches more groups than this is not asked about."""


class GroupValues:
    """The groups of accounts as the lists have them, and what Google has answered about them."""

    def __init__(
        self, protected: Protected, snapshot: Snapshot, answers: Mapping[Question, Answer]
    ) -> None:
        self._protected = protected
        self._snapshot = snapshot
        self._answers = answers
        self._chosen: dict[Selector, frozenset[str]] = {}
        self._matching: dict[Clause | tuple[str, str], list[Group]] = {}
        self._doubts: dict[Selector, bool] = {}

    @cached_property
    def _index(self) -> DirectoryIndex:
        return DirectoryIndex(self._protected, self._snapshot)

    @cached_property
    def _by_address(self) -> Mapping[str, Group]:
        return {fold(a): group for group in self._index.groups for a in _addresses(group)}

    def stopped(self, user: User, selector: Selector) -> Needed:
        """The evidence that no group lets somebody through whom filters or exceptions stop."""
        if not _reads_groups(selector) or user.id not in self._index.users:
            return DECIDED
        if selector not in self._chosen:
            let_through = compile_filters(selector.filters, self._index)
            passing = {id for id, each in self._index.users.items() if let_through(each)}
            self._chosen[selector] = left_out(selector.exceptions, self._index) | passing
        if user.id in self._chosen[selector]:
            return DECIDED  # something else stops them, which the reading has
        found = DECIDED
        for clauses in selector.filters:
            found = both(found, self._fails(user, clauses))
        return found

    def unnamed(self, user: User, name: str, rules: Iterable[GroupRule]) -> Needed:
        """The evidence that none of a user's groups gives a class of this name by the `rules`."""
        found = DECIDED
        for rule in rules:
            if rule.attribute == ATTRIBUTE:
                found = both(
                    found, self._no_member(user, (rule.pattern, name), _gives(rule.pattern, name))
                )
        return found

    def doubted(self, selector: Selector) -> bool:
        """Whether a list of a group that the selector reads is short by what the directory says."""
        if selector not in self._doubts:
            self._doubts[selector] = self._is_doubted(selector)
        return self._doubts[selector]

    def doubted_rules(self, rules: Iterable[GroupRule]) -> bool:
        """Likewise of the groups that rules by attribute read."""
        doubts = self._snapshot.doubts
        patterns = [finder(r.pattern, "name") for r in rules if r.attribute == ATTRIBUTE]
        return bool(patterns) and (
            doubts.listed_groups
            or any(
                pattern(address) is not None
                for group in self._snapshot.groups
                if group.id in doubts.groups
                for address in _addresses(group)
                for pattern in patterns
            )
        )

    def _is_doubted(self, selector: Selector) -> bool:
        doubts = self._snapshot.doubts
        literal = [fold(address) for address in (*selector.groups, *_literals(selector))]
        patterns = [touches(c) for c in _clauses(selector) if c.operator not in LITERAL]
        if patterns and doubts.listed_groups:
            return True
        if any(isinstance(self._answers.get(GroupQuestion(a)), Present) for a in literal):
            return True
        return any(
            fold(address) in literal or any(pattern(address) for pattern in patterns)
            for group in self._snapshot.groups
            if group.id in doubts.groups
            for address in _addresses(group)
        )

    def _fails(self, user: User, clauses: Sequence[Clause]) -> Needed:
        """The evidence that one filter, which does not let the user through, is right."""
        failing = [
            clause
            for clause in clauses
            if not condition(clause)(values_of(clause.attribute, self._index)(user))
        ]
        if any(_is_shown(clause) for clause in failing):
            return DECIDED
        needed = [self._no_value(user, clause) for clause in failing]
        if DECIDED in needed:
            return DECIDED
        questions = [question for each in needed for question in each or ()]
        return tuple(dict.fromkeys(questions)) or UNDECIDED

    def _no_value(self, user: User, clause: Clause) -> Needed:
        """The evidence that the user has no group that fulfils the clause."""
        if clause.operator not in LITERAL:
            return self._no_member(user, clause, touches(clause))
        found = DECIDED
        for address in map(fold, words(clause)):
            group = self._by_address.get(address)
            question = (
                GroupQuestion(address) if group is None else MembershipQuestion(group.id, user.id)
            )
            found = both(found, asked(self._answers, question))
        return found

    def _no_member(
        self, user: User, about: Clause | tuple[str, str], wanted: Callable[[str], bool]
    ) -> Needed:
        """What to ask about the listed groups with a `wanted` address that lack the user."""
        if about not in self._matching:
            self._matching[about] = [
                g for g in self._index.groups if any(map(wanted, _addresses(g)))
            ]
        lacking: list[Question] = []
        for group in self._matching[about]:
            if user.id in self._index.members[group.id]:
                return DECIDED  # the value is there, so that something else is the reason
            lacking.append(MembershipQuestion(group.id, user.id))
        if len(lacking) > MOST_ASKED:
            return UNDECIDED
        return tuple(each for each in lacking if each not in self._answers) or UNDECIDED


def _is_shown(clause: Clause) -> bool:
    """Whether a clause that fails does so by something that the reading has."""
    return clause.attribute != ATTRIBUTE or clause.operator in (*POSITIVE, "isEmpty")


def _reads_groups(selector: Selector) -> bool:
    return any(True for _ in _clauses(selector))


def _clauses(selector: Selector) -> Iterator[Clause]:
    """The clauses about groups."""
    return (c for clauses in selector.filters for c in clauses if c.attribute == ATTRIBUTE)


def _literals(selector: Selector) -> Iterator[str]:
    for clause in _clauses(selector):
        if clause.operator in LITERAL:
            yield from words(clause)


def words(clause: Clause) -> tuple[str, ...]:
    """Return the values that a clause names."""
    if clause.value is None:
        return ()
    return (clause.value,) if isinstance(clause.value, str) else clause.value


def _addresses(group: Group) -> tuple[str, ...]:
    return (group.email, *group.aliases)


def _gives(pattern: str, name: str) -> Callable[[str], bool]:
    """Return a test whether an address gives the class `name`."""
    find = finder(pattern, "name")

    def gives(address: str) -> bool:
        hit = find(address)
        return hit is not None and name == (hit.whole if hit.part is None else hit.part)

    return gives
