"""A directory that can be asked, for tests whose readings are values."""

from collections.abc import Callable, Mapping, Sequence

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
from addon.directory.snapshot import Snapshot
from addon.tenants.model import Tenant


def answers_from(
    snapshot: Callable[[], Snapshot],
) -> Callable[[Tenant, Sequence[Question], int], Mapping[Question, Answer]]:
    """Return what answers from the directory as `snapshot` returns it, to be asked by a run."""

    def ask(tenant: Tenant, questions: Sequence[Question], budget: int) -> dict[Question, Answer]:
        return {each: _answer(snapshot(), each) for each in questions[:budget]}

    return ask


def _answer(snapshot: Snapshot, question: Question) -> Answer:
    match question:
        case UserQuestion(user):
            users = (each for each in snapshot.users if each.id == user)
            return next((Present(each) for each in users), Absent())
        case GroupQuestion(group):
            groups = (each for each in snapshot.groups if group in (each.id, each.email))
            return next((Present(each) for each in groups), Absent())
        case OrgUnitQuestion(org_unit):
            units = (each for each in snapshot.org_units if each.id == org_unit)
            return next((Present(each) for each in units), Absent())
        case MembershipQuestion(group, user):
            found = any(
                group in (each.id, each.email) and user in (each.members or ())
                for each in snapshot.groups
            )
            return Present() if found else Absent("notMember")
