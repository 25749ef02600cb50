"""See all resources of a type that a ledger has, at a vendor whose list may be short.

A list is no evidence of what is not there, so what it lacks is read by its id.
"""

from collections.abc import Mapping

from msgspec import Struct

from addon.delivery.lookup import Keep, ResourceLookup
from addon.ss12000.resources import ResourceType

MOST_READ = 1000
"""How many resources that a list lacks are read one by one."""
MOST_UNREADABLE = 3
"""After so many that cannot be read the others are left to the next time."""


class Shown(Struct, frozen=True):
    """What a vendor has shown: `absent` is not there, of `unseen` it is unknown.

    Both are externalIds. `can_list` is whether the vendor can list the type.
    """

    absent: frozenset[str]
    unseen: frozenset[str]
    can_list: bool


async def see_all(
    lookup: ResourceLookup, resource_type: ResourceType, known: Mapping[str, str], keep: Keep
) -> Shown:
    """List a type, and read by its id each of `known` (externalId: vendor's id) that is not listed.

    `keep` is called with the body of each page, and with a list of one for each that was read.
    Raises RetriesExhausted and DeliveryStopped.
    """
    listed = await lookup.everything(resource_type, keep)
    missing = sorted(known if listed is None else known.keys() - listed.ids.keys())
    absent: set[str] = set()
    unseen = set(missing)
    for count, external_id in enumerate(missing[:MOST_READ]):
        if count == len(missing) - len(unseen) + MOST_UNREADABLE:
            break
        body = await lookup.read(resource_type, external_id, known[external_id])
        if body is None:
            continue
        unseen.discard(external_id)
        if body:
            keep(b"[" + body + b"]")
        else:
            absent.add(external_id)
    return Shown(frozenset(absent), frozenset(unseen), listed is not None)
