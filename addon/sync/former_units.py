"""Find the codes of school units that a ledger has and no known document of the tenant has had.

Such a unit left the document before codes were kept, or came into the ledger from a vendor's list.
The vendor's copy has the code, and the unit's externalId follows from it, which proves it.
"""

import asyncio
import logging
import re
from collections.abc import Iterable, Set

from addon.delivery.known_resources import see_all
from addon.delivery.lease import LeaseHeldByOther
from addon.delivery.throttle import DeliveryStopped
from addon.delivery.transport import RetriesExhausted
from addon.planning.ledger import Ledger, LedgerKey, LedgerWriteError
from addon.ss12000.ids import Ids
from addon.sync.context import SyncContext
from addon.sync.session import VendorSession

log = logging.getLogger(__name__)

_CODE = re.compile(rb"(?<![0-9])[0-9]{8}(?![0-9])")
"""What can be a unit's code. Source: `addon.tenants.document`."""


def unknown_units(
    context: SyncContext, key: LedgerKey, ledger: Ledger, codes: Iterable[str]
) -> frozenset[str]:
    """Return the externalIds of the ledger's school units that have none of these codes.

    Reads the shards of the ledger that have school units. Raises StoreError.
    """
    shards = {n for n, part in ledger.unread.items() if part.counts.get("SchoolUnit")}
    context.store.load(key, ledger, shards)
    known = map(Ids(key.tenant).school_unit, codes)
    return frozenset(ledger.entries["SchoolUnit"].keys() - set(known))


def codes_at_vendor(session: VendorSession, units: Set[str]) -> frozenset[str] | None:
    """Return the codes of those of `units` (externalIds) that the vendor has with their code.

    None when it can be asked later: it did not answer, its list lacks some of them and it does not
    say that they are gone, or another run has the lease.
    """
    try:
        return asyncio.run(_list_codes(session, units))
    except (RetriesExhausted, DeliveryStopped, LeaseHeldByOther, LedgerWriteError) as trouble:
        log.warning("%s was not asked for former school units: %s", session.key.vendor, trouble)
        return None


async def _list_codes(session: VendorSession, units: Set[str]) -> frozenset[str] | None:
    found: set[str] = set()
    ids = Ids(session.key.tenant)

    def keep(body: bytes) -> None:
        codes = {each.decode() for each in _CODE.findall(body)}
        found.update(code for code in codes if ids.school_unit(code) in units)

    async with session.with_lease() as lease:
        ledger = await asyncio.to_thread(session.context.store.ledger, session.key)
        entries = ledger.entries["SchoolUnit"]
        known = {each: entries[each].vendor_id for each in units if each in entries}
        async with session.open(ledger, lease) as opened:
            shown = await see_all(opened.scim.lookup, "SchoolUnit", known, keep)
    if not shown.unseen or found:
        return frozenset(found)
    vendor, count = session.key.vendor, len(shown.unseen)
    if shown.can_list:
        log.warning("%s did not show all its former school units: %d are not known", vendor, count)
        return None
    log.warning("%s cannot list its former school units: %d are not known", vendor, count)
    return frozenset()
