"""Asks the Directory API about single accounts, groups, OUs and memberships.

Where `addon.directory.google.reader` reads everything or fails, this answers each question on
its own: what cannot be answered is unknown and never an error.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from msgspec import Struct, structs

from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.evidence import (
    Absent,
    Answer,
    GroupQuestion,
    MembershipQuestion,
    OrgUnitQuestion,
    Present,
    Question,
    Unknown,
    UserQuestion,
)
from addon.directory.google.client import DirectoryClient
from addon.directory.google.error_mapping import FinalError, NotFoundAnswer
from addon.directory.google.parallel import ParallelCalls
from addon.directory.google.quota import quota_of
from addon.directory.google.reader import DirectorySource
from addon.directory.google.request_fields import GROUP_FIELDS, projection, user_fields
from addon.directory.google.responses import (
    GroupAnswer,
    OrgUnitAnswer,
    UserAnswer,
    group,
    json_object,
    org_unit,
    single,
    user,
)
from addon.directory.google.retry import ReadRetryPolicy, RetryingCaller
from addon.directory.scope import attributes_of
from addon.directory.snapshot import Group, OrgUnit, User
from addon.tenants.model import Tenant

FEW_TRIES = ReadRetryPolicy(tries=3, quota_tries=4, longest_wait=8.0, longest_told=30.0)
"""A question may stay unanswered until the next run, so it is not worth minutes."""

RECENTLY_DELETED = "412 conditionNotMet"
"""What users.get answers about an account that was deleted within 20 days."""


class HasMemberAnswer(Struct, rename="camel"):
    """Whether an account is a member of a group."""

    is_member: bool


def ask(
    tenant: Tenant, source: DirectorySource, questions: Sequence[Question], budget: int
) -> Mapping[Question, Answer]:
    """Return an answer to every question, in parallel and within the quota.

    At most `budget` questions are asked, in their order, and none more once the queries, retries
    included, have used the budget up; the rest is unknown. Nothing is raised for an answer or a
    connection that fails.
    """
    distinct = list(dict.fromkeys(questions))
    asked = distinct[: max(budget, 0)]
    answers: dict[Question, Answer] = {question: Unknown() for question in distinct}
    if not asked:
        return answers
    source = structs.replace(source, retry_policy=_shorter(source.retry_policy))
    quota = quota_of(source.endpoint, tenant.customer_id, tenant.delegated_admin)
    with (
        closing(DirectoryClient(source.credentials, source.endpoint, source.timeout)) as service,
        ParallelCalls(min(source.threads, len(asked)), service.interrupt) as parallel,
    ):
        calls = RetryingCaller(source.retry_policy, quota, parallel.stopped)
        evidence = _Evidence(service, calls, tenant, budget)
        waiting = [(question, parallel.start(evidence.answer, question)) for question in asked]
        answers.update((question, parallel.result(read)) for question, read in waiting)
    return answers


def _shorter(retry_policy: ReadRetryPolicy) -> ReadRetryPolicy:
    return ReadRetryPolicy(
        tries=min(retry_policy.tries, FEW_TRIES.tries),
        quota_tries=min(retry_policy.quota_tries, FEW_TRIES.quota_tries),
        first_wait=min(retry_policy.first_wait, FEW_TRIES.first_wait),
        longest_wait=min(retry_policy.longest_wait, FEW_TRIES.longest_wait),
        longest_told=min(retry_policy.longest_told, FEW_TRIES.longest_told),
    )


class _Evidence:
    """Questions about one customer; `answer` may be called from any thread and never fails."""

    def __init__(
        self, service: DirectoryClient, calls: RetryingCaller, tenant: Tenant, budget: int
    ) -> None:
        self._service = service
        self._calls = calls
        self._customer = tenant.customer_id
        self._attributes = attributes_of(tenant)
        self._budget = budget
        self._given_up = False

    def answer(self, question: Question) -> Answer:
        """Return what Google says about it."""
        if self._given_up or self._calls.count >= self._budget:
            return Unknown()
        what = _name(question)
        try:
            return self._ask(what, question)
        except NotFoundAnswer as absent:
            return Absent() if absent.by_google else Unknown("oddAnswer")
        except FinalError as final:
            self._given_up = self._given_up or final.lasting
            deleted = isinstance(question, UserQuestion) and final.why == RECENTLY_DELETED
            return Absent("recentlyDeleted") if deleted else Unknown(final.why)
        except AccessRefused as refused:
            return Unknown(refused.why or "noAnswer")
        except DirectoryError:
            return Unknown("noAnswer")

    def _ask(self, what: str, question: Question) -> Answer:
        answer = self._calls.execute(what, lambda: self._service.send(self._request(question)))
        try:
            return self._read(what, question, json_object(what, answer))
        except DirectoryError:
            return Unknown("oddAnswer")

    def _request(self, question: Question) -> Any:
        api = self._service.api
        match question:
            case UserQuestion(key):
                return api.users().get(
                    userKey=key,
                    fields=",".join(user_fields(self._attributes)),
                    **projection(self._attributes),
                )
            case GroupQuestion(key):
                return api.groups().get(groupKey=key, fields=GROUP_FIELDS)
            case OrgUnitQuestion(key):
                return api.orgunits().get(
                    customerId=self._customer,
                    orgUnitPath=key,
                    fields="orgUnitId,orgUnitPath,name",
                )
            case MembershipQuestion(in_group, member):
                return api.members().hasMember(groupKey=in_group, memberKey=member)

    def _read(self, what: str, question: Question, answer: dict[str, Any]) -> Answer:
        """Return what the answer says, if it is about what was asked."""
        match question:
            case MembershipQuestion():
                is_member = single(what, answer, HasMemberAnswer).is_member
                return Present() if is_member else Absent("notMember")
            case UserQuestion(key):
                found = user(single(what, answer, UserAnswer), answer, self._attributes)
                return _about(found, found.id == key)
            case GroupQuestion(key):
                its = group(single(what, answer, GroupAnswer))
                return _about(its, its.id == key or "@" in key)
            case OrgUnitQuestion(key):
                unit = org_unit(single(what, answer, OrgUnitAnswer))
                return _about(unit, unit.id == key or not key.startswith("id:"))


def _about(found: User | Group | OrgUnit, asked_for: bool) -> Answer:
    return Present(found) if asked_for else Unknown("oddAnswer")


def _name(question: Question) -> str:
    match question:
        case UserQuestion(key):
            return f"users.get {key}"
        case GroupQuestion(key):
            return f"groups.get {key}"
        case OrgUnitQuestion(key):
            return f"orgunits.get {key}"
        case MembershipQuestion(in_group, member):
            return f"members.hasMember {member} in {in_group}"
