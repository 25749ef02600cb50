"""Questions about one account, group, OU or membership, and what an answer proves. Pure.

Something missing from a list is no evidence that it is gone; what the directory says when asked
about that very thing is. `addon.directory.google.evidence` asks Google.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Literal

from msgspec import Struct, structs

from addon.directory.snapshot import Group, OrgUnit, Snapshot, User
from addon.tenants.model import Tenant


class UserQuestion(Struct, frozen=True):
    """Does the account with this id exist, and what is it like?"""

    user: str


class GroupQuestion(Struct, frozen=True):
    """Does the group with this id or address exist, and what is its address?"""

    group: str


class OrgUnitQuestion(Struct, frozen=True):
    """Does the OU with this id exist (`id:...`), and what is its path?"""

    org_unit: str


class MembershipQuestion(Struct, frozen=True):
    """Is the account with this id a member of the group, directly or through a nested group?"""

    group: str
    user: str


Question = UserQuestion | GroupQuestion | OrgUnitQuestion | MembershipQuestion


class Present(Struct, frozen=True):
    """It exists: the `User`, the `Group` without its members, or the `OrgUnit` as it is now.

    None for a membership. A user may be suspended, archived or deleted: look at the value.
    """

    found: User | Group | OrgUnit | None = None


class Absent(Struct, frozen=True):
    """The directory says in its own form that it does not exist.

    `recentlyDeleted` is Google's answer about an account deleted within 20 days, and `notMember`
    that the group exists without this member.
    """

    why: Literal["notFound", "recentlyDeleted", "notMember"] = "notFound"


class Unknown(Struct, frozen=True):
    """Nothing is proven; `why` is a status and reason such as `403 forbidden`, or a code.

    The codes are `notAsked` (beyond the budget, or after the daily quota), `noAnswer` (the
    connection or the server failed, retries included) and `oddAnswer` (not what the API promises).
    """

    why: str = "notAsked"


Answer = Present | Absent | Unknown

AskDirectory = Callable[[Tenant, Sequence[Question], int], Mapping[Question, Answer]]
"""Called with a tenant, questions and the number of queries they may cost; answers each."""


def all_unknown(
    tenant: Tenant, questions: Sequence[Question], budget: int
) -> Mapping[Question, Answer]:
    """Answer that nothing is known, where no directory can be asked."""
    return {question: Unknown() for question in questions}


def with_answers(snapshot: Snapshot, answers: Mapping[Question, Answer]) -> Snapshot:
    """Return the snapshot with what the directory said is there when it was asked."""
    users = {user.id: user for user in snapshot.users}
    groups = {group.id: group for group in snapshot.groups}
    org_units = {unit.id: unit for unit in snapshot.org_units}
    for question, answer in answers.items():
        if not isinstance(answer, Present):
            continue
        found = answer.found
        if isinstance(found, User) and found.id not in snapshot.protected:
            users[found.id] = found
        elif isinstance(found, OrgUnit):
            org_units.setdefault(found.id, found)
        elif isinstance(question, MembershipQuestion) and question.group in groups:
            group = groups[question.group]
            groups[group.id] = _with_member(group, question.user, snapshot.protected)
    if users == {user.id: user for user in snapshot.users}:
        unchanged = groups == {group.id: group for group in snapshot.groups}
        if unchanged and len(org_units) == len(snapshot.org_units):
            return snapshot
    return structs.replace(
        snapshot,
        users=tuple(users[id] for id in sorted(users)),
        groups=tuple(groups.values()),
        org_units=tuple(org_units.values()),
    )


def _with_member(group: Group, user: str, protected: Set[str]) -> Group:
    if user in protected:
        return group
    return structs.replace(group, members=(group.members or frozenset()) | {user})
