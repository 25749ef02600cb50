"""Compare what a vendor lists with the ledger, and decide how the ledger must change. Pure.

A list is evidence of what is there. What it lacks becomes a question: the entry is marked
UNCERTAIN, and the next run sends the resource again under the vendor's id for it. Only what has an
externalId of ours is ever taken into the ledger.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set

from msgspec import Struct, structs

from addon.delivery.listed_content import (
    ResourceContent,
    content_of_body,
    differs,
)
from addon.delivery.listing import ListedResources
from addon.planning.ledger import ASK_FIRST, UNCERTAIN, Ledger, LedgerChange, LedgerEntry
from addon.planning.limits import FEWEST_BY_PERCENT, is_too_many, is_too_much_less
from addon.ss12000.ids import has_our_form
from addon.ss12000.mapping import OutgoingResource
from addon.ss12000.resources import TYPES, ResourceType, content_hash
from addon.tenants.model import Limits

Listings = Mapping[ResourceType, ListedResources | None]
"""What a vendor lists by type; None for a type that it cannot list."""


class TypeDrift(Struct, frozen=True, rename="camel"):
    """How one type at the vendor differs from the ledger, as counts of resources.

    `there` are at the vendor; `missing` are in the ledger but not in the vendor's list; `adopted`
    are this tenant's and at the vendor, but were not in the ledger; `different_id` have another id
    at the vendor; `several` are at the vendor more than once; `others` are at the vendor but not
    known to be this tenant's, and are left unchanged; `changed` have other content at the vendor.
    `listed` is false if the vendor cannot list the type; then the counts are unknown.
    """

    resource_type: ResourceType
    listed: bool = True
    there: int = 0
    missing: int = 0
    adopted: int = 0
    different_id: int = 0
    several: int = 0
    others: int = 0
    changed: int = 0


class TooManyMissing(Struct, frozen=True, rename="camel"):
    """A type of which the vendor's list lacks more than the limits allow: `missing` of `known`."""

    resource_type: ResourceType
    missing: int
    known: int


class _Wanted(Struct, frozen=True, gc=False):
    """The hash of the body that is sent, and what it says of the compared fields."""

    hash: bytes
    content: ResourceContent


class OwnResources:
    """Which resources are this tenant's: the wanted ones, by content, and others by externalId."""

    def __init__(
        self, wanted: Iterable[OutgoingResource], people: Iterable[str], units: Set[str]
    ) -> None:
        """`people` are externalIds of User and Employment resources.

        `units` are those of the organisation and of all its school units.
        """
        self.wanted: dict[ResourceType, dict[str, _Wanted]] = {t: {} for t in TYPES}
        self._others: dict[ResourceType, set[str]] = {t: set() for t in TYPES}
        self._units = set(units)
        self._people = set(people)
        for resource in wanted:
            if resource.body is not None:
                found = _Wanted(content_hash(resource.body), content_of_body(resource.body))
                self.wanted[resource.resource_type][resource.external_id] = found
            else:
                self._others[resource.resource_type].add(resource.external_id)

    def __contains__(self, key: tuple[ResourceType, str]) -> bool:
        resource_type, external_id = key
        return (
            external_id in self.wanted[resource_type]
            or external_id in self._others[resource_type]
            or (resource_type in ("User", "Employment") and external_id in self._people)
        )

    def recognise(self, listings: Listings) -> None:
        """Take in what refers to the tenant's school units or people.

        This also finds people who left long ago, and units that have left the document. What has
        an externalId of another form is not ours, whatever it refers to.
        """
        for resource_type in TYPES:
            listing = listings.get(resource_type)
            for external_id, references in (listing.references if listing else {}).items():
                if has_our_form(external_id) and self._refers_to_us(resource_type, references):
                    self._others[resource_type].add(external_id)
                    if resource_type == "SchoolUnit":
                        self._units.add(external_id)
                    if resource_type == "Employment":
                        self._people.update(r for r in references if has_our_form(r))

    def _refers_to_us(self, resource_type: ResourceType, references: tuple[str, ...]) -> bool:
        if not self._units.isdisjoint(references):
            return True
        return resource_type == "Employment" and any(("User", r) in self for r in references)


def too_many_missing(drift: TypeDrift, ledger: Ledger, limits: Limits) -> TooManyMissing | None:
    """Return it if the vendor's list lacks so much that its address may be wrong, else None.

    A list without any of what the ledger has is believed for few resources only.
    """
    known = sum(1 for entry in ledger.entries[drift.resource_type].values() if not entry.is_pending)
    missing = drift.missing
    exceeded = (
        is_too_many(missing, known, limits)
        or is_too_much_less(drift.resource_type, missing, known, limits)
        or (missing >= FEWEST_BY_PERCENT and missing == known)
    )
    return TooManyMissing(drift.resource_type, missing, known) if exceeded else None


def compare(
    resource_type: ResourceType, listing: ListedResources | None, ledger: Ledger, own: OwnResources
) -> tuple[TypeDrift, list[LedgerChange]]:
    """Return how a type differs, and the changes that correct the ledger."""
    if listing is None:
        return TypeDrift(resource_type, listed=False), []
    entries = ledger.entries[resource_type]
    nameless = set(listing.ids.get("", ()))
    missing = [
        external_id
        for external_id, entry in entries.items()
        if external_id not in listing.ids
        and not entry.is_pending
        and (entry.vendor_id or external_id) not in nameless
    ]
    counted = {"missing": len(missing), "there": sum(map(len, listing.ids.values()))}
    changes = list(_doubted(resource_type, missing, entries))
    for external_id, ids in listing.ids.items():
        what, entry = _judge(resource_type, external_id, ids, listing, ledger, own)
        if what is not None:
            counted[what] = counted.get(what, 0) + (len(ids) if what == "others" else 1)
        if entry is not None:
            changes.append(LedgerChange(resource_type, external_id, entry))
    return structs.replace(TypeDrift(resource_type), **counted), changes


def _doubted(
    resource_type: ResourceType, missing: Iterable[str], entries: Mapping[str, LedgerEntry]
) -> Iterator[LedgerChange]:
    for external_id in missing:
        entry = entries[external_id]
        if entry.hash != UNCERTAIN:
            doubted = LedgerEntry(entry.vendor_id, UNCERTAIN)
            yield LedgerChange(resource_type, external_id, doubted)


def _judge(
    resource_type: ResourceType,
    external_id: str,
    ids: list[str],
    listing: ListedResources,
    ledger: Ledger,
    own: OwnResources,
) -> tuple[str | None, LedgerEntry | None]:
    """Return which count of `TypeDrift` a listed resource belongs to, and its new entry, if any."""
    entry = ledger.entries[resource_type].get(external_id)
    known = (entry.vendor_id or external_id) if entry is not None else ""
    if not external_id:
        return "others", None
    if entry is None and not (has_our_form(external_id) and (resource_type, external_id) in own):
        return "others", None
    if len(ids) > 1:
        return "several", LedgerEntry(known if known in ids else ids[0], ASK_FIRST)
    if entry is None:
        return "adopted", LedgerEntry(ids[0], UNCERTAIN)
    if entry.is_pending:
        return None, LedgerEntry(ids[0], UNCERTAIN)
    wanted = own.wanted[resource_type].get(external_id)
    content = listing.contents.get(external_id)
    if wanted is None or wanted.hash != entry.hash:
        content = None  # the next run sends it in any case
    if wanted and content is not None and differs(wanted.content, content, _known_in(ledger)):
        return "changed", LedgerEntry(known if known in ids else ids[0], UNCERTAIN)
    if known not in ids:
        return "different_id", LedgerEntry(ids[0], entry.content)
    return None, None


def _known_in(ledger: Ledger) -> Callable[[str], bool]:
    return lambda external_id: any(external_id in entries for entries in ledger.entries.values())
