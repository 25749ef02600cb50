"""Asks Google for notifications of changes, and to stop them.

https://developers.google.com/workspace/admin/directory/v1/guides/push
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import msgspec
from msgspec import Struct, structs

from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.google.administrators import QUICK_RETRIES, WITHIN
from addon.directory.google.client import DIRECTORY, REPORTS, DirectoryClient
from addon.directory.google.credentials import NOT_ALLOWED
from addon.directory.google.error_mapping import ErrorAnswer, FinalError, NotFoundAnswer
from addon.directory.google.parallel import ReadingStopped
from addon.directory.google.quota import quota_of
from addon.directory.google.reader import DirectorySource
from addon.directory.google.retry import RetryingCaller
from addon.directory.push_state import AUDIT_APPLICATIONS, ProblemCode, PushChannel

LONGEST_LIFE = 172_800
"""Seconds that a channel is asked to live: the most that Google grants."""
LIFE_UNTOLD = 7200.0
"""Seconds that a channel lives when Google does not say: its default."""
SCOPE_REASONS = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})


class ChannelAnswer(Struct, rename="camel"):
    """A channel as Google returns it."""

    resource_id: str
    expiration: Any = None


class ChannelRequest(Struct, frozen=True):
    """A channel to ask for: as in `PushChannel`, with its token."""

    channel: PushChannel
    token: str


class AddressRefusedError(Exception):
    """Google does not know that the address is ours."""


WatchOutcome = PushChannel | ProblemCode
"""The channel as Google granted it, or why there is none."""


def watch(
    source: DirectorySource, customer: str, requests: Sequence[ChannelRequest]
) -> Mapping[str, WatchOutcome]:
    """Ask for channels; return by id what became of each. Never raises for an answer."""

    def one(client: DirectoryClient, calls: RetryingCaller, asked: ChannelRequest) -> WatchOutcome:
        request = _watch_request(client, customer, asked)
        try:
            answer = calls.execute("watch", lambda: _send(client, request))
        except ReadingStopped:
            return "no-answer"
        except AddressRefusedError:
            return "address-unverified"
        except (AccessRefused, NotFoundAnswer, DirectoryError) as error:
            return _problem(error)
        return _granted(asked.channel, answer)

    if not requests:
        return {}
    with _clients(source, customer) as (clients, calls), ThreadPoolExecutor(4) as pool:
        found = {
            each.channel.id: pool.submit(one, clients(each.channel), calls, each)
            for each in requests
        }
        return {channel: each.result() for channel, each in found.items()}


def stop(source: DirectorySource, customer: str, channels: Sequence[PushChannel]) -> frozenset[str]:
    """Stop channels; return the ids of those that are no more."""

    def one(client: DirectoryClient, calls: RetryingCaller, channel: PushChannel) -> bool:
        body = {"id": channel.id, "resourceId": channel.resource}
        request = client.api.channels().stop(body=body)
        try:
            calls.execute("channels.stop", lambda: _send(client, request))
        except (NotFoundAnswer, FinalError):
            return True  # there is nothing to stop, or Google will not: it ends by itself
        except (DirectoryError, AddressRefusedError, ReadingStopped):
            return False
        return True

    if not channels:
        return frozenset()
    with _clients(source, customer) as (clients, calls), ThreadPoolExecutor(4) as pool:
        found = {c.id: pool.submit(one, clients(c), calls, c) for c in channels}
        return frozenset(channel for channel, stopped in found.items() if stopped.result())


@contextmanager
def _clients(source: DirectorySource, customer: str) -> Iterator[tuple[Any, RetryingCaller]]:
    """Give the function that returns the client of a channel, and what sends its requests."""
    source = structs.replace(source, retry_policy=QUICK_RETRIES, timeout=WITHIN)
    calls = RetryingCaller(
        source.retry_policy, quota_of(source.endpoint, customer, "channels"), threading.Event()
    )

    def client(described: tuple[str, str]) -> DirectoryClient:
        return DirectoryClient(source.credentials, source.endpoint, source.timeout, described)

    with closing(client(DIRECTORY)) as users, closing(client(REPORTS)) as reports:
        yield lambda channel: reports if channel.kind in AUDIT_APPLICATIONS else users, calls


def _watch_request(client: DirectoryClient, customer: str, asked: ChannelRequest) -> Any:
    channel = asked.channel
    body = {
        "id": channel.id,
        "type": "web_hook",
        "address": channel.address,
        "token": asked.token,
        "params": {"ttl": str(LONGEST_LIFE)},
        "payload": True,
    }
    if channel.kind in AUDIT_APPLICATIONS:
        return client.api.activities().watch(
            userKey="all", applicationName=channel.kind, customerId=customer, body=body
        )
    return client.api.users().watch(customer=customer, event=channel.kind, body=body)


def _send(client: DirectoryClient, request: Any) -> Any:
    """Send a request. Raises AddressRefusedError if it is the address that Google refuses."""
    try:
        return client.send(request, without_content=True)
    except ErrorAnswer as error:
        if error.status in (400, 401, 403) and b"webhook" in error.body.lower():
            raise AddressRefusedError from None
        raise


def _granted(channel: PushChannel, answer: object) -> WatchOutcome:
    """Return the channel with what Google granted."""
    try:
        found = msgspec.convert(answer, ChannelAnswer)
    except msgspec.ValidationError:
        return "odd-answer"
    expires = _milliseconds(found.expiration)
    if expires is None:
        expires = channel.made + LIFE_UNTOLD
    if not found.resource_id or expires <= channel.made:
        return "odd-answer"
    return structs.replace(channel, resource=found.resource_id, expires=expires)


def _milliseconds(text: object) -> float | None:
    """Return a time in seconds since 1970 UTC; None if there is none that can be read."""
    if isinstance(text, int | str) and re.fullmatch(r"[0-9]{1,16}", str(text)):
        return int(text) / 1000
    return None


def _problem(error: Exception) -> ProblemCode:
    """Return why there is no channel."""
    if isinstance(error, AccessRefused):
        reason = error.why.split()[-1] if error.why else ""
        if reason in SCOPE_REASONS or reason in NOT_ALLOWED:
            return "scope-missing"
        return "not-allowed"
    if isinstance(error, NotFoundAnswer):
        return "refused"
    return "refused" if isinstance(error, FinalError) and not error.lasting else "no-answer"
