"""Parse list responses, including those that differ from the standard, and put pages together.

A list is evidence of what is there. It may be cut, doubled, late or without externalIds, so it is
never by itself evidence of what is not there.

Source: RFC 7644, 3.4.2; servers that return a bare array or no `totalResults`.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from addon.delivery.listed_content import NOTHING, ListedBody, ResourceContent, content_of
from addon.delivery.response import as_id

IdsByExternalId = dict[str, list[str]]
"""The vendor's ids by our externalIds; resources without an externalId are under `""`."""

LONGEST_LIST = 1_000_000


class _Listed(ListedBody, rename="camel"):
    external_id: Any = None
    id: Any = None
    owner: Any = None
    employed_at: Any = None
    user: Any = None
    organisation: Any = None

    def references(self) -> tuple[str, ...]:
        """Return the externalIds it refers to that help to find the tenant it belongs to."""
        enrolments = self.enrolments()
        listed = enrolments if isinstance(enrolments, list) else []
        found = (self.owner, self.employed_at, self.user, self.organisation, *listed)
        values = (each.get("value") for each in found if isinstance(each, dict))
        return tuple(as_id(value).lower() for value in values if value)


class ListedResource(Struct, frozen=True, gc=False):
    """One resource of a list. `external_id` is empty if it has none.

    `references` are the externalIds that it refers to.
    """

    external_id: str
    id: str
    references: tuple[str, ...] = ()
    content: ResourceContent = NOTHING


class ListedResources(Struct, frozen=True):
    """All resources of a type at a vendor, each id once.

    References and content are by externalId; of a resource that is there more than once they are
    those of one of them. Those without an externalId have neither: nothing says whose they are.
    """

    ids: IdsByExternalId
    references: dict[str, tuple[str, ...]] = {}
    contents: dict[str, ResourceContent] = {}


class _ListResponse(Struct):
    total: Any = field(name="totalResults", default=None)
    resources: list[msgspec.Raw] | None = field(name="Resources", default=None)
    small_resources: list[msgspec.Raw] | None = field(name="resources", default=None)


_DECODER = msgspec.json.Decoder(_ListResponse | list[msgspec.Raw])
_RESOURCE = msgspec.json.Decoder(_Listed)


class ListPage(Struct, frozen=True):
    """A page's resources, how many the page has with those that have no id at all, and `total`.

    `total` is the vendor's number of all resources, None if the page does not have it.
    """

    listed: list[ListedResource]
    count: int
    total: int | None

    @classmethod
    def read(cls, body: bytes) -> "ListPage | None":
        """Parse a body; None if it is not a list."""
        try:
            found = _DECODER.decode(body.removeprefix(b"\xef\xbb\xbf"))
            if isinstance(found, list):
                return cls(_resources(found), len(found), None)
            total = _count(found.total)
            listed = found.resources if found.resources is not None else found.small_resources
            if listed is None:
                return None if total is None else cls([], 0, total)
            return cls(_resources(listed), len(listed), total)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    @property
    def resources(self) -> list[tuple[str, str]]:
        """The resources as (externalId, id)."""
        return [(each.external_id, each.id) for each in self.listed]


class ListCollector:
    """The resources of the pages of one list; the same id is one resource, however often listed."""

    def __init__(self) -> None:
        self.ids: IdsByExternalId = {}
        self.references: dict[str, tuple[str, ...]] = {}
        self.contents: dict[str, ResourceContent] = {}
        self._external_ids: dict[str, str] = {}
        self._strings: dict[str, str] = {}
        self._position = 0
        self._total: int | None = None

    def __len__(self) -> int:
        return len(self._external_ids)

    @property
    def next_index(self) -> int:
        """The `startIndex` of the page to ask for next."""
        return self._position + 1

    def add(self, page: ListPage) -> bool:
        """Add the resources of a page; return whether any of them was new."""
        before = len(self)
        for each in page.listed:
            self._add(each)
        self._total = page.total if page.total is not None else self._total
        if len(self) == before:
            return False
        self._position += page.count
        return True

    def _add(self, each: ListedResource) -> None:
        known = self._external_ids.get(each.id)
        if known is not None and (known or not each.external_id):
            return
        if known is not None:  # listed before without its externalId
            self.ids[""].remove(each.id)
            if not self.ids[""]:
                del self.ids[""]
        self._external_ids[each.id] = each.external_id
        self.ids.setdefault(each.external_id, []).append(each.id)
        if not each.external_id:
            return
        if each.references:
            strings = self._strings
            shared = tuple(strings.setdefault(one, one) for one in each.references)
            self.references[each.external_id] = shared
        if each.content is not NOTHING:
            self.contents[each.external_id] = each.content

    @property
    def reaches_total(self) -> bool:
        """Whether the vendor's total is reached; some vendors' total is that of the page only."""
        return self._total is not None and max(self._position, len(self)) >= self._total

    @property
    def is_short(self) -> bool:
        """Whether there are fewer resources than the total of the vendor."""
        return self._total is not None and not self.reaches_total

    @property
    def is_too_long(self) -> bool:
        """Whether there are more resources than LONGEST_LIST."""
        return len(self) > LONGEST_LIST

    def listed(self) -> ListedResources:
        """Return what was collected."""
        return ListedResources(self.ids, self.references, self.contents)


def _resources(listed: list[msgspec.Raw]) -> list[ListedResource]:
    """Return each resource with an id that can be used.

    Our externalIds are in lower case; some vendors' databases return them in upper case.
    """
    found = []
    for raw in listed:
        each = _RESOURCE.decode(raw)
        external_id = as_id(each.external_id).lower()
        resource_id = as_id(each.id) or external_id
        if resource_id:
            references = each.references() if external_id else ()
            content = content_of(each) if external_id else NOTHING
            found.append(ListedResource(external_id, resource_id, references, content))
    return found


def _count(total: object) -> int | None:
    if isinstance(total, str) and total.isascii() and total.isdigit():
        total = int(total[:18])
    return total if isinstance(total, int) and not isinstance(total, bool) else None
