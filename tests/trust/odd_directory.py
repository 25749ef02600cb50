"""A directory that answers oddly: lists that are thinned, emptied or late, questions unanswered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from hypothesis import strategies as st
from msgspec import structs

from addon.directory.evidence import (
    Answer,
    GroupQuestion,
    MembershipQuestion,
    OrgUnitQuestion,
    Question,
    Unknown,
    UserQuestion,
)
from addon.directory.snapshot import Snapshot, User
from addon.tenants.model import Tenant
from tests.support.directory_answers import answers_from
from tests.support.generated_tenant import GROUPS, PEOPLE, PLACES, State

QUERIES = ("users", "groups", "members", "orgUnits", "protected")
QUESTIONS = (UserQuestion, GroupQuestion, OrgUnitQuestion, MembershipQuestion)


class OddReading(NamedTuple):
    """What one reading lacks or has late, and which questions the directory answers.

    `late` are the queries that answer as the directory was before its last change. `users`,
    `org_units`, `groups` and `protected` are missing from the lists, `without_members` and
    `members` (group and person) from the lists of members.
    """

    late: frozenset[str] = frozenset()
    users: frozenset[int] = frozenset()
    org_units: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    without_members: frozenset[str] = frozenset()
    members: frozenset[tuple[str, int]] = frozenset()
    protected: frozenset[int] = frozenset()
    answered: frozenset[type] = frozenset(QUESTIONS)

    @property
    def answers_all(self) -> bool:
        """Whether every question is answered, by the directory as it is."""
        return len(self.answered) == len(QUESTIONS)

    def of(self, now: State, before: State) -> Snapshot:
        """The reading of a directory that is as `now` and was as `before`."""

        def as_of(query: str) -> State:
            return before if query in self.late else now

        protected = _protected(as_of("protected")) - {f"id{p}" for p in self.protected}
        missing = {f"id{p}" for p in self.users}
        users = (u for u in accounts(as_of("users")) if u.id not in missing | protected)
        members = {g.id: g.members or frozenset() for g in _unprotected(as_of("members")).groups}
        return Snapshot(
            users=tuple(users),
            groups=tuple(
                structs.replace(group, members=self._shown(group.id, members) - protected)
                for group in as_of("groups").snapshot().groups
                if _name(group.id) not in self.groups
            ),
            org_units=tuple(
                unit
                for unit in as_of("orgUnits").snapshot().org_units
                if unit.id.removeprefix("ou") not in self.org_units
            ),
            protected=protected,
            missing_groups=tuple(f"{name}@edu.se" for name in sorted(self.groups)),
        )

    def _shown(self, group: str, members: Mapping[str, frozenset[str]]) -> frozenset[str]:
        name = _name(group)
        if name in self.without_members:
            return frozenset()
        return members[group] - {f"id{person}" for of, person in self.members if of == name}

    def answers(
        self, now: State
    ) -> Callable[[Tenant, Sequence[Question], int], Mapping[Question, Answer]]:
        """Answer questions as the directory is, or not at all."""
        honest = answers_from(lambda: raw_snapshot(now))

        def ask(tenant: Tenant, questions: Sequence[Question], budget: int) -> dict:
            found = honest(tenant, questions, budget)
            return {q: a if type(q) in self.answered else Unknown() for q, a in found.items()}

        return ask


HONEST = OddReading()


def _name(group: str) -> str:
    return group.removeprefix("g-")


def _protected(state: State) -> frozenset[str]:
    return state.snapshot().protected


def _unprotected(state: State) -> Snapshot:
    """The directory without the notion of protection: Google's own lists know none."""
    spots = {p: replace(spot, protected=False) for p, spot in state.spots.items()}
    return replace(state, spots=spots).snapshot()


def accounts(state: State) -> tuple[User, ...]:
    """All accounts, also of protected people."""
    records = {user.id: user for user in _unprotected(state).users}
    records.update((user.id, user) for user in state.snapshot().users)
    return tuple(records.values())


def raw_snapshot(state: State) -> Snapshot:
    """What the directory says when asked about one account, group or OU."""
    return structs.replace(_unprotected(state), users=accounts(state))


numbers = st.integers(0, PEOPLE - 1)
some_groups = st.frozensets(st.sampled_from(GROUPS), max_size=4)
odd_readings = st.builds(
    OddReading,
    late=st.frozensets(st.sampled_from(QUERIES), max_size=3),
    users=st.one_of(
        st.just(frozenset()), st.frozensets(numbers, max_size=3), st.just(frozenset(range(PEOPLE)))
    ),
    org_units=st.frozensets(st.sampled_from(PLACES), max_size=2),
    groups=st.frozensets(st.sampled_from(GROUPS), max_size=2),
    without_members=some_groups,
    members=st.frozensets(st.tuples(st.sampled_from(GROUPS), numbers), max_size=3),
    protected=st.one_of(st.just(frozenset()), st.just(frozenset(range(PEOPLE)))),
    answered=st.one_of(
        st.just(frozenset(QUESTIONS)),
        st.just(frozenset()),
        st.frozensets(st.sampled_from(QUESTIONS)),
    ),
)
readings = st.one_of(st.just(HONEST), odd_readings, odd_readings)
