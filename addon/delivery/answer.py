"""What a vendor's answers mean, however odd they are. Source: docs/wire-format.md."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

from addon.ss12000.resources import ResourceType

DETAIL_LENGTH = 200
ADDRESS = re.compile(r"[^\s<>\"'(),;:=]+@[^\s<>\"'(),;]+")
CIVIC_NUMBER = re.compile(r"\b(?:\d{2})?\d{6}[-+ ]?\d{4}\b")
WITHHELD = "[…]"


class Answer(Struct, frozen=True):
    """An HTTP answer whose body was read up to a bound; `cut` tells that there was more."""

    status: int
    body: bytes
    location: str | None = None
    retry_after: str | None = None
    cut: bool = False

    @property
    def done(self) -> bool:
        """Any 2xx is success, whatever the body."""
        return 200 <= self.status < 300


def vendor_id(answer: Answer) -> str:
    """The vendor's id: from the body, else from `Location`, else empty: it goes by ours."""
    body = json_object(answer)
    found = body.get("id") if body else None
    if isinstance(found, str) and found:
        return found
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if answer.location:
        last = urlsplit(answer.location).path.rstrip("/").rpartition("/")[2]
        if last:
            return unquote(last)
    return ""


def json_object(answer: Answer) -> dict[str, Any] | None:
    """The body as a JSON object, or None where it is anything else."""
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def retry_after(answer: Answer, now: datetime | None = None) -> float | None:
    """Seconds that `Retry-After` asks for (a number or a date), or None."""
    told = (answer.retry_after or "").strip()
    if told.isdigit():
        return float(told)
    try:
        when = parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


def detail(answer: Answer, resource_type: ResourceType, sent: bytes) -> str:
    """The vendor's words about a refusal: bounded, and free of what was sent of a person."""
    body = json_object(answer)
    said = body.get("detail") or body.get("message") or body.get("error") if body else None
    text = said if isinstance(said, str) else answer.body.decode("utf-8", "replace")
    text = re.sub(r"<[^>]*>", " ", text)
    text = ADDRESS.sub(WITHHELD, text)
    text = CIVIC_NUMBER.sub(WITHHELD, text)
    if resource_type == "User":
        for secret in sorted(_texts(sent), key=len, reverse=True):
            text = re.sub(re.escape(secret), WITHHELD, text, flags=re.IGNORECASE)
    text = " ".join(text.split())
    return text if len(text) <= DETAIL_LENGTH else text[: DETAIL_LENGTH - 1] + "…"


def _texts(sent: bytes) -> Iterator[str]:
    """The texts of a sent resource that tell of a person, and the words they consist of."""
    try:
        body = msgspec.json.decode(sent)
    except msgspec.DecodeError:
        return
    for key in ("userName", "displayName", "name", "emails"):
        for text in _leaves(body.get(key)):
            yield text
            yield from (word for word in re.split(r"[\s.@-]+", text) if len(word) > 2)


def _leaves(node: object) -> Iterator[str]:
    if isinstance(node, str) and node:
        yield node
    elif isinstance(node, list):
        for entry in node:
            yield from _leaves(entry)
    elif isinstance(node, dict):
        for key, entry in node.items():
            if key != "type":
                yield from _leaves(entry)
