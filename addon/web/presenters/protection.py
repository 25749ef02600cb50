"""Who was protected and waits for a person, as the pages show it: ids and numbers, no names."""

from collections.abc import Callable

from msgspec import Struct

from addon.planning.protected_set import ProtectedSet
from addon.web.version_token import value_hash


class EndedProtection(Struct, frozen=True):
    """A person whose protection has ended `since` then (seconds since 1970 UTC); 0 if unknown."""

    user_id: str
    since: float


class RemainingProtected(Struct, frozen=True):
    """So many protected people could not be removed at a vendor in this mode yet."""

    vendor: str
    mode: str
    number: int


class ProtectionView(Struct, frozen=True):
    """What waits for a person, and what has not been removed yet.

    `pending` is how many became protected at once, `receded` how many of them no longer are.
    `token` identifies those who can be released, as the page shows them.
    """

    ended: tuple[EndedProtection, ...]
    pending: int
    receded: int
    remaining: tuple[RemainingProtected, ...]
    token: str

    @property
    def releasable(self) -> int:
        """How many people can be released."""
        return len(self.ended)


def protection_view(known: ProtectedSet, vendor_name: Callable[[str], str]) -> ProtectionView:
    """Return what the page about protected people shows of the tenant's set."""
    ids = sorted(known.releasable, key=lambda i: (known.ended.get(i, 0.0), i))
    remaining = []
    for place, outcome in sorted(known.removals.items()):
        vendor, _, mode = place.rpartition(".")
        if outcome.problem and outcome.left:
            remaining.append(RemainingProtected(vendor_name(vendor), mode, outcome.left))
    return ProtectionView(
        ended=tuple(EndedProtection(i, known.ended.get(i, 0.0)) for i in ids),
        pending=len(known.pending),
        receded=len(known.receded),
        remaining=tuple(remaining),
        token=release_token(known),
    )


def release_token(known: ProtectedSet) -> str:
    """Return a token of those who can be released, which changes when they do."""
    return value_hash(sorted(known.releasable))
