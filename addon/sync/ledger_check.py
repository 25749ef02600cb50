"""Notice that a vendor has resources of ours that the ledger does not know, before any is created.

A ledger knows less than the vendor after a backup of the store was restored, in a second
installation, and at the first delivery to a vendor that has been sent to from elsewhere. Creates
would then double everything at a vendor that gives ids of its own. So the vendor is asked for a
few of the resources that are about to be created; if it has one of them, or if the store says that
it was restored, all that it lists is taken into the ledger, and it is asked before each create. If
it does not answer, it is unknown whether it has any, and it is asked before each create as well.
"""

import asyncio
import logging
from collections.abc import Sequence

from msgspec import Struct, structs

from addon.delivery.lease import Lease
from addon.delivery.listing import ListedResources
from addon.delivery.throttle import DeliveryStopped
from addon.delivery.transport import RetriesExhausted
from addon.planning.ledger import ASK_FIRST, Ledger, LedgerChange, LedgerEntry
from addon.planning.plan import Operation, Plan
from addon.planning.result import DeliveryResult
from addon.ss12000.resources import TYPES, ResourceType
from addon.sync.drift import OwnResources, compare, too_many_missing
from addon.sync.planner import ConnectionPlanner
from addon.sync.prepare import PreparedRun
from addon.sync.reconcile import own_resources
from addon.sync.session import ScimSession, VendorSession

log = logging.getLogger(__name__)

KEY_REFUSED = (401, 403)
CANNOT_ASK = (
    "the vendor can neither filter nor list, so it cannot be known whether it had any of this "
    "before; ask the vendor to support filter=externalId eq"
)

SAMPLE = 3
"""How many of the resources to create a vendor is asked for, beside the Organisation."""
SHORT_LIST = 2000
"""The number of resources up to which a vendor without filters is asked by its list in each run."""


class LedgerCheck(Struct):
    """One check of a connection's ledger under its lease.

    `is_unable` is whether the vendor can neither filter nor list, by its answers, `unanswered`
    why it did not answer what it has.
    """

    session: VendorSession
    prepared: PreparedRun
    planner: ConnectionPlanner
    lease: Lease
    listings: dict[ResourceType, ListedResources | None] = {}
    is_unable: bool = False
    unanswered: RetriesExhausted | DeliveryStopped | None = None

    async def update_ledger(self, plan: Plan) -> bool:
        """Take into the ledger what the vendor has of ours; return whether the ledger changed.

        Costs a few requests before the first delivery and before creates at a vendor that gives
        ids of its own, and none otherwise. When the vendor does not answer, the creates are
        pending: the delivery asks before each. Raises LedgerWriteError.
        """
        planner = self.planner
        sample = sample_of_creates(plan, planner.ledger)
        if not (sample or planner.doubted):
            return False
        tries = None if planner.doubted else 1  # what fails is asked in another way, or delivered
        async with self.session.open(planner.ledger, self.lease, tries) as opened:
            if not planner.doubted and not await self._has_any(opened, sample):
                if self.unanswered is None:
                    return False
                log.warning("it is unknown what %s has, so each create is asked for", planner.key)
                return await self._record(opened, _pending_creates(plan))
            log.warning("the ledger of %s knows less than the vendor", planner.key)
            return await self._take_in(opened, plan)

    def limit(self, result: DeliveryResult) -> DeliveryResult:
        """Return the result, and that the vendor could not be asked what it has, if that is so.

        It is no limitation of a vendor whose ids are ours: it refuses to create one twice.
        """
        unanswered = self.unanswered
        if unanswered is not None and result.left and result.stopped is None:
            stopped = f"{unanswered}, again and again"
            return structs.replace(result, stopped=stopped, problem=unanswered.problem)
        if not self.is_unable or not _gives_own_ids(self.planner.ledger):
            return result
        return structs.replace(result, limitation=result.limitation or CANNOT_ASK)

    async def _has_any(self, opened: ScimSession, sample: Sequence[Operation]) -> bool:
        """Whether the vendor has any of the resources; false where it cannot be asked.

        When it does not answer, `unanswered` is set.
        """
        ledger = self.planner.ledger
        try:
            for op in sample:
                resource_type, external_id = op.resource_type, op.external_id
                ids = await opened.scim.filter(resource_type, external_id)
                is_short = not len(ledger) or ledger.count(resource_type) <= SHORT_LIST
                may_know_nothing = not len(ledger) and resource_type == "Organisation"
                if (ids is None and is_short) or (not ids and may_know_nothing):
                    listed = await self._list(opened, resource_type)
                    ids = None if listed is None else listed.ids.get(external_id, [])
                if ids:
                    return True
                self.is_unable = ids is None and is_short
                if may_know_nothing and ids is not None:
                    return False  # a first delivery begins with the Organisation
        except RetriesExhausted as given_up:
            self.unanswered = given_up.with_traceback(None)
        except DeliveryStopped as stopped:
            if not stopped.spent and stopped.status not in KEY_REFUSED:
                self.unanswered = stopped.with_traceback(None)
            # else the delivery is stopped by it too, before it sends anything
        return False

    async def _list(
        self, opened: ScimSession, resource_type: ResourceType
    ) -> ListedResources | None:
        """Return what the vendor lists of a type, which it is asked for once."""
        if resource_type not in self.listings:
            self.listings[resource_type] = await opened.scim.list(resource_type)
        return self.listings[resource_type]

    async def _take_in(self, opened: ScimSession, plan: Plan) -> bool:
        """Adopt what the vendor lists, and mark what is still to be created as pending."""
        planner, context = self.planner, self.session.context
        ledger = planner.ledger
        listings: dict[ResourceType, ListedResources | None] = {}
        whole = True
        for resource_type in TYPES:
            try:
                listings[resource_type] = await self._list(opened, resource_type)
            except (RetriesExhausted, DeliveryStopped):
                listings[resource_type], whole = None, False
        await asyncio.to_thread(context.store.load, planner.key, ledger, set(ledger.unread))
        own = await asyncio.to_thread(
            own_resources, self.prepared, planner.mapper, ledger, planner.now
        )
        own.recognise(listings)
        changes = [each for t in TYPES for each in self._changes(t, listings[t], own)]
        known = {(each.resource_type, each.external_id) for each in changes}
        changes += [
            each
            for each in _pending_creates(plan)
            if (each.resource_type, each.external_id) not in known
        ]
        changed = await self._record(opened, changes)
        if whole:
            await asyncio.to_thread(context.store.trust_ledger, planner.key, self.session.holder)
        return changed

    @staticmethod
    async def _record(opened: ScimSession, changes: Sequence[LedgerChange]) -> bool:
        opened.ledger_writer.record(changes)
        await opened.ledger_writer.flush()
        return bool(changes)

    def _changes(
        self, resource_type: ResourceType, listing: ListedResources | None, own: OwnResources
    ) -> list[LedgerChange]:
        """Return the changes of a type; without what is missing, if that is too much."""
        ledger = self.planner.ledger
        drift, changes = compare(resource_type, listing, ledger, own)
        if listing is None or not too_many_missing(drift, ledger, self.planner.connection.limits):
            return changes
        return [each for each in changes if each.external_id in listing.ids]


def _pending_creates(plan: Plan) -> list[LedgerChange]:
    """Return the changes after which the delivery asks for each create before it sends it."""
    return [
        LedgerChange(op.resource_type, op.external_id, LedgerEntry("", ASK_FIRST))
        for writes in plan.writes.values()
        for op in writes
        if op.kind == "create" and not op.ask
    ]


def sample_of_creates(plan: Plan, ledger: Ledger) -> list[Operation]:
    """Return which resources to ask the vendor for before the first create; few, or none.

    None for a vendor that uses our externalIds as its ids: it refuses to create one twice.
    """
    if len(ledger) and not _gives_own_ids(ledger):
        return []
    creates = [op for t in TYPES for op in plan.writes[t] if op.kind == "create" and not op.ask]
    organisation = [op for op in creates if op.resource_type == "Organisation"]
    people = [op for op in creates if op.resource_type == "User"]
    others = people or [op for op in creates if op.resource_type != "Organisation"]
    count = min(SAMPLE, len(others))
    spread = {round(n * (len(others) - 1) / max(1, count - 1)) for n in range(count)}
    return organisation + [others[n] for n in sorted(spread)]


def _gives_own_ids(ledger: Ledger) -> bool:
    """Whether the vendor gives ids of its own, as far as the ledger was read."""
    known = [
        (external_id, entry.vendor_id)
        for entries in ledger.entries.values()
        for external_id, entry in entries.items()
        if not entry.is_pending
    ]
    return not known or any(theirs not in ("", ours) for ours, theirs in known)
