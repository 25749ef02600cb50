"""OUs and groups whose names suggest protected identity, and which await a decision."""

from collections.abc import Iterable

import msgspec

from addon.proposals.exclusions import protected_places
from addon.store.records import Namespace
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.request_context import RequestContext

NAMESPACE = "protected"
DECLINED = "declined"
KEPT = 2 * 365 * 24 * 3600.0
"""Seconds for which a declined suggestion is remembered."""


def undecided(ctx: RequestContext, directory: TenantDirectory) -> tuple[str, ...]:
    """Return the undecided OUs and groups, by path and address. Raises StillComputing."""
    declined = _declined(ctx)
    return tuple(place for place in proposed(directory) if place not in declined)


def proposed(directory: TenantDirectory) -> tuple[str, ...]:
    """Return the suggested places that are not protected, declined ones included."""
    index, protected = directory.index, directory.tenant.protected
    found, _reasons = directory.get_or_compute(
        DirectoryResult.PROTECTED_PLACES, lambda: protected_places(index, protected)
    )
    return (*found.org_units, *found.groups)


def decline(ctx: RequestContext, places: Iterable[str]) -> None:
    """Remember that, according to an administrator, these hold nobody with protected identity."""
    known = _declined(ctx)
    said = known | set(places)
    if said != known:
        item = msgspec.json.encode(sorted(said))
        ctx.store.put(_namespace(ctx), DECLINED, item, ctx.now, ctx.now + KEPT)


def _declined(ctx: RequestContext) -> set[str]:
    item = ctx.store.get(_namespace(ctx), DECLINED, ctx.now)
    return set() if item is None else set(msgspec.json.decode(item.data, type=list[str]))


def _namespace(ctx: RequestContext) -> Namespace:
    return Namespace(NAMESPACE, ctx.tenant_id)
