"""Parse list responses, including those that differ from the standard.

Source: RFC 7644, 3.4.2; servers that return a bare array or no `totalResults`.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from addon.delivery.response import as_id
from addon.ss12000.resources import SCHOOL_USER

IdsByExternalId = dict[str, list[str]]
"""The vendor's ids by our externalIds; resources without an externalId are under `""`."""


class _Listed(Struct, rename="camel"):
    external_id: Any = None
    id: Any = None
    owner: Any = None
    employed_at: Any = None
    user: Any = None
    school: Any = field(name=SCHOOL_USER, default=None)

    def references(self) -> tuple[str, ...]:
        """Return the externalIds it refers to that help to find the tenant it belongs to."""
        enrolments = self.school.get("enrolments") if isinstance(self.school, dict) else None
        listed = enrolments if isinstance(enrolments, list) else []
        found = (self.owner, self.employed_at, self.user, *listed)
        values = (each.get("value") for each in found if isinstance(each, dict))
        return tuple(as_id(value).lower() for value in values if value)


class ListedResources(Struct, frozen=True):
    """All resources of a type at a vendor: ids by externalId, and references by externalId."""

    ids: IdsByExternalId
    references: dict[str, tuple[str, ...]] = {}


class _ListResponse(Struct):
    total: Any = field(name="totalResults", default=None)
    resources: list[_Listed] | None = field(name="Resources", default=None)
    small_resources: list[_Listed] | None = field(name="resources", default=None)


_DECODER = msgspec.json.Decoder(_ListResponse | list[_Listed])


class ListPage(Struct, frozen=True):
    """A page's resources as (externalId, id), and the total number if the page has it.

    `references` are the externalIds that a resource refers to, by its own externalId.
    """

    resources: list[tuple[str, str]]
    total: int | None
    references: dict[str, tuple[str, ...]] = {}

    @classmethod
    def read(cls, body: bytes) -> "ListPage | None":
        """Parse a body; None if it is not a list."""
        try:
            found = _DECODER.decode(body.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if isinstance(found, list):
            return cls(_named(found), None, _references(found))
        total = _count(found.total)
        listed = found.resources if found.resources is not None else found.small_resources
        if listed is None:
            return None if total is None else cls([], total)
        return cls(_named(listed), total, _references(listed))

    def by_external_id(self) -> IdsByExternalId:
        """Return the ids in the page by externalId."""
        found: IdsByExternalId = {}
        for external_id, resource_id in self.resources:
            found.setdefault(external_id, []).append(resource_id)
        return found


def _named(listed: list[_Listed]) -> list[tuple[str, str]]:
    """Return each resource as (externalId, id).

    Our externalIds are in lower case; some vendors' databases return them in upper case.
    """
    found = []
    for each in listed:
        external_id = as_id(each.external_id).lower()
        resource_id = as_id(each.id) or external_id
        if resource_id:
            found.append((external_id, resource_id))
    return found


def _references(listed: list[_Listed]) -> dict[str, tuple[str, ...]]:
    found = ((as_id(each.external_id).lower(), each.references()) for each in listed)
    return {external_id: references for external_id, references in found if references}


def _count(total: object) -> int | None:
    if isinstance(total, str) and total.isascii() and total.isdigit():
        total = int(total[:18])
    return total if isinstance(total, int) and not isinstance(total, bool) else None
