"""Places whose names tell of protected identity, and that nobody has decided on yet."""

from collections.abc import Iterable

import msgspec

from addon.proposals.exclusions import protected_places
from addon.store.records import Shelf
from addon.web.directory.cache import Desk
from addon.web.request_context import Here

SHELF = "protected"
DECLINED = "declined"
KEPT = 2 * 365 * 24 * 3600.0
"""Seconds that a no is remembered."""


def undecided(now: Here, desk: Desk) -> tuple[str, ...]:
    """The OUs and groups, by path and address. Raises NotReady."""
    declined = _declined(now)
    return tuple(place for place in proposed(desk) if place not in declined)


def proposed(desk: Desk) -> tuple[str, ...]:
    """The places that look so and are not protected, whatever was said of them before."""
    index, protected = desk.index, desk.tenant.protected
    found, _reasons = desk.make("protected places", lambda: protected_places(index, protected))
    return (*found.org_units, *found.groups)


def decline(now: Here, places: Iterable[str]) -> None:
    """Remember that these hold nobody with protected identity: an administrator has said so."""
    known = _declined(now)
    said = known | set(places)
    if said != known:
        paper = msgspec.json.encode(sorted(said))
        now.store.keep(_shelf(now), DECLINED, paper, now.now, now.now + KEPT)


def _declined(now: Here) -> set[str]:
    paper = now.store.kept(_shelf(now), DECLINED, now.now)
    return set() if paper is None else set(msgspec.json.decode(paper.data, type=list[str]))


def _shelf(now: Here) -> Shelf:
    return Shelf(SHELF, now.tenant_id)
