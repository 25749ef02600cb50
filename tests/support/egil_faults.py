"""What can go wrong between us and a vendor: the fault plan of `EgilServer`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Literal, NamedTuple

GARBAGE = b"\x16\x03\x01 this is not HTTP \xff\xfe\r\n\r\n"
HALF = (
    b'HTTP/1.1 %d X\r\nContent-Type: application/scim+json\r\nContent-Length: 4096\r\n\r\n{"id": "'
)


class Incoming(NamedTuple):
    """A request as the fault plan sees it.

    `n` counts all requests from 1; `nth` those with this method about this resource (its
    externalId where it can be told, else the path).
    """

    method: str
    endpoint: str
    path: str
    external_id: str | None
    n: int
    nth: int


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to one request: first `hang` seconds, then the first that is set.

    `when` says whether the request has had its effect by then. With `hang` alone, the
    request is answered as usual after it.
    """

    when: Literal["before", "after"] = "before"
    hang: float = 0.0
    drop: bool = False
    truncate: bool = False
    garbage: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    megabytes: int = 0


Decide = Callable[[Incoming], Fault | None]


@dataclass(kw_only=True)
class Rule:
    """A fault for the requests it fits: past the first `skip`, `times` times (None: always)."""

    fault: Fault
    times: int | None = 1
    skip: int = 0
    method: str | None = None
    endpoint: str | None = None
    external_id: str | None = None
    where: Callable[[Incoming], bool] | None = None

    def __call__(self, request: Incoming) -> Fault | None:
        if not self._fits(request) or self.times == 0:
            return None
        if self.skip > 0:
            self.skip -= 1
            return None
        if self.times is not None:
            self.times -= 1
        return self.fault

    def _fits(self, request: Incoming) -> bool:
        return (
            self.method in (None, request.method)
            and self.endpoint in (None, request.endpoint)
            and self.external_id in (None, request.external_id)
            and (self.where is None or self.where(request))
        )


def fault_of(
    status: int | None = None,
    *,
    retry_after: int | str | datetime | None = None,
    redirect: str | None = None,
    headers: Mapping[str, str] | None = None,
    megabytes: int = 0,
    **kinds: object,
) -> Fault:
    """A fault from what a test wants to say; with nothing said, a plain 503."""
    sent = dict(headers or {})
    if isinstance(retry_after, datetime):
        retry_after = format_datetime(retry_after, usegmt=True)
    if retry_after is not None:
        sent["Retry-After"] = str(retry_after)
    if redirect is not None:
        sent["Location"] = redirect
        status = status or 302
    if megabytes:
        status = status or 200
    if status is None and not kinds.keys() & {"hang", "drop", "truncate", "garbage"}:
        status = 503
    return Fault(status=status, headers=sent, megabytes=megabytes, **kinds)  # type: ignore[arg-type]
