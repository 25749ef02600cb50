"""What an approval in advance covers of what a run would now remove. Pure."""

from hashlib import sha256

import msgspec
from msgspec import Struct

from addon.planning.emptied_groups import memberships
from addon.planning.limits import Approval, Hold, is_within


class Excess(Struct, frozen=True):
    """What a hold would do beyond an approval.

    `removed` are numbers of resources by type, without zeros, `memberships` those that would end,
    and `grown` the types of which more would be created.
    """

    removed: dict[str, int] = {}
    memberships: int = 0
    grown: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether the approval covers the hold."""
        return not (self.removed or self.memberships or self.grown)


def excess(hold: Hold, approval: Approval) -> Excess:
    """Return what `hold` would do beyond `approval`."""
    named = {"User": hold.people, **hold.others}
    beyond = {kind: len(set(ids) - approval.removals(kind)) for kind, ids in named.items()}
    grown = tuple(
        sorted(
            kind
            for kind in hold.types_that_grow
            if not is_within(hold.changes[kind], approval.changes.get(kind, 0))
        )
    )
    ending = memberships(hold.emptied, approval.memberships)
    return Excess({kind: n for kind, n in beyond.items() if n}, ending, grown)


def can_be_approved(hold: Hold | None) -> bool:
    """Whether a run's hold can be approved before the run: not who has become protected."""
    return hold is not None and not hold.growth and not hold.withdrawal


def content_hash_of(hold: Hold) -> str:
    """Return a hash of what an approval of the hold would be of."""
    return sha256(msgspec.json.encode(hold.content, order="deterministic")).hexdigest()[:16]
