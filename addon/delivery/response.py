"""What a vendor's answers mean, however odd they are. Source: docs/wire-format.md."""

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
"""Where a JSON error has its words, the best place first; whatever the case."""


class VendorResponse(Struct, frozen=True):
    """An HTTP answer whose body was read up to a bound; `cut` tells that there was more.

    `unsure` tells that the request was repeated, and may have had its effect before.
    """

    status: int
    body: bytes
    location: str | None = None
    retry_after: str | None = None
    cut: bool = False
    unsure: bool = False

    @property
    def done(self) -> bool:
        """Any 2xx is success, whatever the body."""
        return 200 <= self.status < 300


def vendor_id(answer: VendorResponse) -> str:
    """The vendor's id: from the body, else from `Location`, else empty: it goes by ours."""
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
    """A value as an id that can stand in an address, or empty text where it cannot."""
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
    """Seconds that `Retry-After` asks for (a number or a date), or None."""
    told = (answer.retry_after or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", told):
        return float(told)
    try:
        when = parsedate_to_datetime(told)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


def answered(status: int) -> str:
    """What is said of an answer that has no words."""
    return f"the vendor answered {status}"


def detail(answer: VendorResponse, resource_type: ResourceType, sent: bytes) -> str:
    """The vendor's words about a refusal: bounded, and free of whatever can tell of a person."""
    body = json_object(answer)
    said = _message(body) if body else None
    text = said or answer.body[: 4 * READ].decode("utf-8", "replace")
    text = re.sub(r"<[^<>]*>", " ", text)
    of_person = _person(sent) if resource_type == "User" else frozenset()
    text = " ".join(without_people(text, of_person).split())
    return text if len(text) <= DETAIL_LENGTH else text[: DETAIL_LENGTH - 1] + "…"


def _message(node: object, depth: int = 0) -> str | None:
    """The first words of an error object, in the places where they use to be."""
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
    """The words that a sent User is called by, in lower case."""
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
