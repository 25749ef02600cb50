"""What a vendor's answer to a question holds, however it is written.

Source: RFC 7644, 3.4.2; servers that answer with a bare array or without `totalResults`.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from addon.delivery.answer import as_id

IdsByExternalId = dict[str, list[str]]
"""The vendor's ids by our externalIds; what has no externalId is under an empty one."""


class _Listed(Struct, rename="camel", gc=False):
    external_id: Any = None
    id: Any = None


class _ListResponse(Struct):
    total: Any = field(name="totalResults", default=None)
    resources: list[_Listed] | None = field(name="Resources", default=None)
    small_resources: list[_Listed] | None = field(name="resources", default=None)


_DECODER = msgspec.json.Decoder(_ListResponse | list[_Listed])


class Page(Struct, frozen=True):
    """A page's resources as (externalId, id), and how many there are in all, where it says so."""

    resources: list[tuple[str, str]]
    total: int | None

    @classmethod
    def read(cls, body: bytes) -> "Page | None":
        """The page in a body, or None where that holds no list."""
        try:
            found = _DECODER.decode(body.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if isinstance(found, list):
            return cls(_named(found), None)
        total = _count(found.total)
        listed = found.resources if found.resources is not None else found.small_resources
        if listed is None:
            return None if total is None else cls([], total)
        return cls(_named(listed), total)

    def by_external_id(self) -> IdsByExternalId:
        """The ids in the page by externalId."""
        found: IdsByExternalId = {}
        for external_id, resource_id in self.resources:
            found.setdefault(external_id, []).append(resource_id)
        return found


def _named(listed: list[_Listed]) -> list[tuple[str, str]]:
    """Each as (externalId, id). Ours are in lower case, and a database may write them in upper."""
    found = []
    for each in listed:
        external_id = as_id(each.external_id).lower()
        resource_id = as_id(each.id) or external_id
        if resource_id:
            found.append((external_id, resource_id))
    return found


def _count(total: object) -> int | None:
    if isinstance(total, str) and total.isascii() and total.isdigit():
        total = int(total[:18])
    return total if isinstance(total, int) and not isinstance(total, bool) else None
