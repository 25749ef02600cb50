"""What administrators have answered about proposals, kept in the store until they take it back.

Places, codes and no people. A farewell leaves it, so that nothing is asked again afterwards. Of two
answers that are saved at the same moment one may be lost; then it is asked for again.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct, structs

from addon.proposals.declined import DeclinedPlace
from addon.store.base import CacheStore
from addon.store.records import Namespace
from addon.tenants.model import Selector

NAMESPACE = "proposals"
ITEM = "answers"


class ProposalAnswers(Struct, frozen=True):
    """The places declined, oldest first, and the codes of units said to have no students."""

    declined: tuple[DeclinedPlace, ...] = ()
    without_students: tuple[str, ...] = ()

    def declining(self, places: Iterable[DeclinedPlace]) -> "ProposalAnswers":
        """These answers, and places that are declined now; their exceptions are not kept."""
        more = (structs.replace(each, selector=_plain(each.selector)) for each in places)
        return structs.replace(self, declined=tuple(dict.fromkeys((*self.declined, *more))))

    def offering(self, place: DeclinedPlace) -> "ProposalAnswers":
        """These answers, without a declined place."""
        left = tuple(each for each in self.declined if each != place)
        return structs.replace(self, declined=left)

    def saying(self, code: str, has_none: bool) -> "ProposalAnswers":
        """These answers, and whether the unit `code` has no students."""
        others = tuple(each for each in self.without_students if each != code)
        return structs.replace(self, without_students=(*others, code) if has_none else others)


def load_answers(store: CacheStore, tenant_id: str, now: float) -> ProposalAnswers:
    """Return the tenant's answers. Raises StoreError."""
    item = store.get(Namespace(NAMESPACE, tenant_id), ITEM, now)
    if item is None:
        return ProposalAnswers()
    try:
        return msgspec.json.decode(item.data, type=ProposalAnswers)
    except msgspec.MsgspecError:  # of another version: as if nothing was answered
        return ProposalAnswers()


def save_answers(store: CacheStore, tenant_id: str, answers: ProposalAnswers, now: float) -> None:
    """Save the tenant's answers. Raises StoreError."""
    store.put(Namespace(NAMESPACE, tenant_id), ITEM, msgspec.json.encode(answers), now)


def _plain(selector: Selector) -> Selector:
    return Selector(org_units=selector.org_units, groups=selector.groups, filters=selector.filters)
