"""Interpret a vendor's responses, including unusual ones. Source: docs/wire-format.md."""

import re
from collections.abc import Iterator, Set
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

from addon.delivery.redaction import READ, known_words, without_people
from addon.ss12000.resources import ENDPOINTS, ResourceType

DETAIL_LENGTH = 200
LONGEST_ID = 500
MESSAGE_FIELDS = (
    "detail",
    "message",
    "error_description",
    "title",
    "error",
    "errors",
    "description",
)
"""The fields of a JSON error that may hold its message, the best first; case is ignored."""


class VendorResponse(Struct, frozen=True):
    """An HTTP response with its body up to a bound; `cut` is whether the body is incomplete.

    `unsure` is whether the request was repeated after an attempt that may have succeeded.
    `media_type` is in lower case without parameters; `date` is when the vendor says that it
    answered.
    """

    status: int
    body: bytes
    location: str | None = None
    retry_after: str | None = None
    cut: bool = False
    unsure: bool = False
    media_type: str = ""
    date: str | None = None

    @property
    def done(self) -> bool:
        """Whether the status is 2xx; `addon.delivery.answer_evidence` says whether it counts."""
        return 200 <= self.status < 300


def vendor_id(answer: VendorResponse) -> str:
    """Return the vendor's id from the body or from `Location`.

    Empty if there is none; then our externalId is used as the id.
    """
    body = json_object(answer)
    found = as_id(body.get("id")) if body else ""
    if found or not answer.location:
        return found
    try:
        path = urlsplit(answer.location).path
    except ValueError:
        return ""
    last = path.rstrip("/").rpartition("/")[2]
    return "" if last in ENDPOINTS.values() else as_id(unquote(last))


def as_id(found: object) -> str:
    """Return a value as an id that is usable in a URL, or `""` if it is not."""
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or not found.isprintable() or len(found) > LONGEST_ID:
        return ""
    return "" if found.strip() in ("", ".", "..") else found


def json_object(answer: VendorResponse) -> dict[str, Any] | None:
    """The body as a JSON object, or None where it is anything else."""
    try:
        body = msgspec.json.decode(answer.body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def retry_after(answer: VendorResponse, now: datetime | None = None) -> float | None:
    """Return the seconds to wait by `Retry-After`, or None.

    That is a number, or a date, which is measured against the answer's own `Date` if it has one:
    the vendor's clock may differ from ours.
    """
    told = (answer.retry_after or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", told):
        return float(told)
    when = _date(told)
    if when is None:
        return None
    since = _date(answer.date or "") or now or datetime.now(UTC)
    return max(0.0, (when - since).total_seconds())


def _date(told: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(told)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def answered(status: int) -> str:
    """Return the message for a response that has none of its own."""
    return f"the vendor answered {status}"


def detail(answer: VendorResponse, resource_type: ResourceType, sent: bytes) -> str:
    """Return the vendor's message about a refusal, shortened and without personal data."""
    body = json_object(answer)
    said = _message(body) if body else None
    text = said or answer.body[: 4 * READ].decode("utf-8", "replace")
    text = re.sub(r"<[^<>]*>", " ", text)
    of_person = _person(sent) if resource_type == "User" else frozenset()
    text = " ".join(without_people(text, of_person).split())
    return text if len(text) <= DETAIL_LENGTH else text[: DETAIL_LENGTH - 1] + "…"


def _message(node: object, depth: int = 0) -> str | None:
    """Return the first message in an error object, searching MESSAGE_FIELDS in order."""
    if isinstance(node, str):
        return node or None
    if depth > 3:
        return None
    if isinstance(node, list):
        return next(filter(None, (_message(entry, depth + 1) for entry in node[:10])), None)
    if isinstance(node, dict):
        by_name = {str(key).lower(): value for key, value in node.items()}
        inner = (_message(by_name.get(name), depth + 1) for name in MESSAGE_FIELDS)
        return next(filter(None, inner), None)
    return None


def _person(sent: bytes) -> Set[str]:
    """Return the words of the names in a User that was sent, in lower case."""
    try:
        body = msgspec.json.decode(sent)
    except msgspec.DecodeError:
        return frozenset()
    texts = (text for key in ("userName", "displayName", "name") for text in _leaves(body.get(key)))
    return frozenset().union(*(known_words(text.partition("@")[0]) for text in texts))


def _leaves(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for entry in node.values():
            yield from _leaves(entry)
