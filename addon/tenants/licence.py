"""Whether a tenant still has the app: its Marketplace licence, and the farewell after losing it.

The farewell begins when the licence was answered UNLICENSED twice, at least APART apart and
without an ACTIVE in between, and Google refuses the delegation at the second answer. Nothing else
begins it: an error, an odd answer or a renamed domain is no answer. Pure.
"""

from datetime import UTC, datetime
from math import inf
from typing import Literal

from msgspec import Struct, structs

from addon.age import age, is_future

APART = 24 * 3600.0
"""Seconds between the two answers UNLICENSED that begin a farewell, and between two daily ones."""
DAY = 24 * 3600.0

LicenceState = Literal["ACTIVE", "UNLICENSED"]
DelegationState = Literal["works", "refused", "unknown"]
StateName = Literal["not asked", "unknown", "active", "unlicensed", "farewell"]


class LicenceAnswer(Struct, frozen=True):
    """What the licensing API answered for `domains`; `state` is None when it is no answer.

    `problem` is then a code of what was wrong, such as `503` or `malformed`.
    """

    domains: tuple[str, ...]
    state: LicenceState | None
    problem: str = ""


class LicenceRecord(Struct, frozen=True):
    """What is known of a tenant's licence. Times are seconds since 1970 UTC, 0 for never.

    `domains` are all verified domains that were ever read, sorted. `asked` is when the licence was
    last asked for, `state` the last answer that was one, and `since` when it was first given in a
    row. `licensed` is whether ACTIVE was ever answered. `problem` is why the last answer was none.
    `unlicensed` is when UNLICENSED was first answered since the last ACTIVE. `farewell` is when the
    farewell began; `erased` whether what was read has been erased since. `wanted` is when the
    customer said that everything at vendors is to be removed, and `token` the secret by which
    their administrators can say so.
    """

    domains: tuple[str, ...] = ()
    asked: float = 0.0
    state: LicenceState | None = None
    since: float = 0.0
    licensed: bool = False
    problem: str = ""
    unlicensed: float = 0.0
    farewell: float = 0.0
    erased: bool = False
    wanted: float = 0.0
    token: str = ""

    @property
    def name(self) -> StateName:
        """The state in a word: `not asked` before the first time, `unknown` without an answer."""
        if self.farewell:
            return "farewell"
        if self.state is None:
            return "unknown" if self.asked else "not asked"
        return "active" if self.state == "ACTIVE" else "unlicensed"

    @property
    def began(self) -> float:
        """Since when the state in `name` lasts."""
        if self.farewell:
            return self.farewell
        return self.asked if self.state is None else self.since

    @property
    def never_licensed(self) -> bool:
        """Whether the licence was answered, and never ACTIVE."""
        return self.state == "UNLICENSED" and not self.licensed

    def is_due(self, now: float) -> bool:
        """Whether the licence was last asked for a day ago or more, or never yet."""
        return age(self.asked, now) >= DAY

    def needs_delegation(self, answer: LicenceAnswer, now: float) -> bool:
        """Whether what comes of `answer` depends on whether Google refuses the delegation."""
        if self.farewell:
            return answer.state == "ACTIVE"
        return answer.state == "UNLICENSED" and self.is_second(now)

    def days_are_over(self, now: float, days: int) -> bool:
        """Whether what vendors have is to be withdrawn: after `days`, or as the customer said."""
        if not self.farewell:
            return False
        return bool(self.wanted) or days * DAY <= age(self.farewell, now) < inf

    def is_second(self, now: float) -> bool:
        """Whether an UNLICENSED answered now is APART from the first."""
        return bool(self.unlicensed) and APART <= age(self.unlicensed, now) < inf


class FarewellError(Exception):
    """The tenant has left; the message says since when, and what undoes it."""

    def __init__(self, tenant_id: str, record: LicenceRecord) -> None:
        super().__init__(
            f"{tenant_id} has uninstalled Skolsynk and withdrawn its access (since "
            f"{datetime.fromtimestamp(record.farewell, UTC):%Y-%m-%d %H:%M} UTC), so nothing was "
            "read or sent. Installing it again from the Google Workspace Marketplace undoes that; "
            f"`status {tenant_id}` says what vendors still have."
        )
        self.record = record


def with_domains(record: LicenceRecord, domains: tuple[str, ...]) -> LicenceRecord:
    """Return the record with the verified domains of a reading added."""
    known = tuple(sorted({*record.domains, *domains}))
    return record if known == record.domains else structs.replace(record, domains=known)


def after_answer(
    record: LicenceRecord,
    answer: LicenceAnswer,
    delegation: DelegationState,
    now: float,
    from_marketplace: bool = False,
) -> LicenceRecord:
    """Return the record after the licence was asked for at `now`.

    `delegation` is what Google said of it at that moment, `unknown` if it was not asked. An
    UNLICENSED for fewer domains than are known by now is no answer, and one of a tenant that
    never had a licence and did not come `from_marketplace` begins nothing.
    """
    state, problem = answer.state, answer.problem
    if state == "UNLICENSED" and not set(record.domains) <= set(answer.domains):
        state, problem = None, "domains-changed"
    if state is None:
        return structs.replace(record, asked=now, problem=problem or "unknown")
    since = record.since if record.state == state else now
    record = structs.replace(record, asked=now, problem="", state=state, since=since)
    if state == "ACTIVE":
        record = structs.replace(record, unlicensed=0.0, licensed=True)
        return without_farewell(record) if delegation == "works" else record
    if record.farewell or not (record.licensed or from_marketplace):
        return record
    if not record.unlicensed or is_future(record.unlicensed, now):
        return structs.replace(record, unlicensed=now)
    if record.is_second(now) and delegation == "refused":
        return structs.replace(record, farewell=now, erased=False, wanted=0.0, token="")
    if record.is_second(now) and delegation == "works":  # the two answers begin again
        return structs.replace(record, unlicensed=now)
    return record


def without_farewell(record: LicenceRecord) -> LicenceRecord:
    """Return the record of a customer who has come back, or never left."""
    return structs.replace(record, farewell=0.0, erased=False, wanted=0.0, token="")
