"""Questions about one account, group, OU or membership, and what an answer proves. Pure.

Something missing from a list is no evidence that it is gone; what the directory says when asked
about that very thing is. `addon.directory.google.evidence` asks Google.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from addon.directory.snapshot import Group, OrgUnit, User
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
