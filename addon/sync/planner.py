"""One connection's plan: what it changes at the vendor, what holds it, what waits for evidence."""

from collections.abc import Callable, Iterable, Mapping, Set

from msgspec import Struct, structs

from addon.planning.ledger import Ledger, LedgerKey, OfOtherShards, shard_of
from addon.planning.limits import (
    Approval,
    Hold,
    check_limits,
    count_removals,
    growth_hold,
)
from addon.planning.plan import (
    Operation,
    Plan,
    digests,
    make_plan,
    plan_for,
    standing_refusals,
)
from addon.planning.recent_removals import RecentRemovals
from addon.roster.placements import Placements, group_id
from addon.ss12000.mapping import OutgoingResource, ResourceMapper
from addon.ss12000.resources import content_hash, references
from addon.sync.context import SyncContext
from addon.sync.ended_memberships import emptied_by
from addon.sync.first_readings import OF_GROUPS, only_creates, without_changes_of
from addon.sync.hold_units import places_of_run, with_units
from addon.sync.kept_placements import kept_at_vendor, memberships_kept
from addon.sync.prepare import PreparedRun, cautious_roster
from addon.sync.sent_during_hold import HeldPlan, waiting_part
from addon.sync.unexplained_removals import (
    TYPES_WITH_PEOPLE,
    UnexplainedRemovals,
    external_ids_of,
    unexplained,
)
from addon.tenants.model import Connection
from addon.vendors.profiles import Vendor

Replan = Callable[[Set[str]], Plan]


class Decision(Struct, frozen=True):
    """A plan, the hold if it may not be carried out, and how to make it again.

    `replan` makes the plan from the current ledger, without references to the externalIds that it
    is given, and `mapper` has the resources. `going` is what is sent in place of the plan: of one
    that is held, what takes nothing from anybody; when a person has just approved, the approved
    removals alone; None if the plan is sent. `waiting` are the externalIds, by type, of those whose
    removal waits for evidence.
    """

    plan: Plan
    hold: Hold | None
    replan: Replan
    mapper: ResourceMapper
    going: Plan | None = None
    waiting: Mapping[str, tuple[str, ...]] = {}

    @property
    def sent(self) -> Plan:
        """What is sent: the plan, or `going` in its place."""
        return self.plan if self.going is None else self.going

    @property
    def only_removes(self) -> bool:
        """Whether removals are sent in place of the plan, and nothing else."""
        return self.going is not None and not any(self.going.writes.values())

    @property
    def removed(self) -> tuple[Operation, ...]:
        """The removals of a held plan, or of one that waits, that are sent: the approved ones."""
        if self.going is None:
            return ()
        return tuple(op for ops in self.going.deletes.values() for op in ops)


class ConnectionPlanner(Struct, frozen=True):
    """Makes the plan of one connection.

    `mapper` has the resources of the roster, `cautious_mapper` also those that are unconfirmed:
    nothing is taken from them; it lacks what a person has `approved`. `needs_approval` are
    externalIds of people who are removed only when a person approves. `growth` is how many people
    became protected in one step and the limit that this exceeds, `recent` the removals of the last
    24 hours, as they were saved. `doubted` is whether the ledger may know less than the vendor.
    `kept` are the placements that are unconfirmed and not approved, and `delivered` is the mark of
    the reading whose plan was carried out whole last.
    """

    key: LedgerKey
    ledger: Ledger
    mapper: ResourceMapper
    cautious_mapper: ResourceMapper
    prepared: PreparedRun
    unexplained: UnexplainedRemovals
    protected: frozenset[str]
    needs_approval: frozenset[str]
    now: float
    held: Hold | None
    approved: Approval | None
    connection: Connection
    vendor: Vendor
    growth: tuple[int, int] = (0, 0)
    recent: RecentRemovals = RecentRemovals()
    doubted: bool = False
    kept: Placements = Placements()
    delivered: float = 0.0

    def decide(self) -> Decision:
        """Return the plan from the current ledger, and its hold if it exceeds a limit.

        The limits count what is unconfirmed too, so that a person is asked where much is missing
        at once; within the limits, what is unconfirmed waits. An approval is evidence for those
        whom it names and for nothing else: the limits judge the others, and the run that begins
        to carry it out removes only those whom it names. While many who became protected at once
        wait for a person, there is no other plan than to remove those who are protected beyond
        doubt.
        """
        plan = plan_for(self._resources, self.ledger, self.now, self.protected)
        unknown = unexplained(plan, self.prepared, self.mapper)
        withheld = self.unexplained.withhold(unknown)
        if self.growth[0]:
            plan = plan.only_protected()
            hold: Hold | None = growth_hold(plan, self.ledger, *self.growth)
        else:
            hold = self._exceeds(plan, unknown)
        if hold is not None:
            places = places_of_run(self.prepared)
            hold = with_units(hold, places, self.mapper.user_id, self.held)
            return self._held(plan, structs.replace(hold, at=self.now))
        withheld -= self._approved
        if self.cautious_mapper is self.mapper and not (withheld or self.keeps_groups):
            decision = Decision(plan, None, self._replan(self.mapper), self.mapper)
            return self._approved_first(decision)
        return self._approved_first(self._cautious(plan, withheld))

    def _resources(self, absent: Set[str]) -> Iterable[OutgoingResource]:
        """The resources, without the bodies of those whose shards show that the vendor has them."""
        unread = self.ledger.unread
        return self.mapper.resources(absent, OfOtherShards(unread.keys()) if unread else None)

    def _held(self, plan: Plan, hold: Hold) -> Decision:
        """The decision to send of a held plan what takes nothing from anybody.

        Nothing but protected people's removal while a person must say who is protected, and
        nothing but what was approved in the run that begins to carry that out.
        """
        approved = plan.only_protected(self._approved)
        if hold.growth:
            return Decision(plan, hold, lambda absent: approved, self.mapper, approved)
        held = HeldPlan(
            plan,
            hold,
            self.mapper,
            self.prepared,
            self.connection,
            self.vendor,
            self.ledger,
            self.now,
            self.protected,
            self.kept,
            self.delivered,
            self._approved,
        )
        sender = held.sent()
        going = self._settled(sender.plan())
        hold = hold.of_waiting(waiting_part(plan, going))
        if self._begins_approval and any(approved.deletes.values()):
            return Decision(plan, hold, lambda absent: approved, sender.mapper, approved)

        def replan(absent: Set[str]) -> Plan:
            found = self._settled(sender.replan(absent))
            return structs.replace(found, deletes=approved.deletes)

        going = structs.replace(going, deletes=approved.deletes)
        return Decision(plan, hold, replan, sender.mapper, going)

    @property
    def _begins_approval(self) -> bool:
        approved = self.approved
        return approved is not None and not (approved.tried or approved.in_advance)

    @property
    def unapproved_hold(self) -> Hold | None:
        """The hold that there would be without an approval."""
        return structs.replace(self, approved=None).decide().hold

    def _approved_first(self, decision: Decision) -> Decision:
        """The decision to send only what was approved, if the plan removes others too.

        The run after that sends the rest.
        """
        if not self._begins_approval:
            return decision
        going = decision.plan.only_protected(self._approved)
        named = {kind: len(ops) for kind, ops in going.deletes.items()}
        planned = decision.plan.deletes
        if not any(named.values()) or all(len(planned[t]) == named[t] for t in TYPES_WITH_PEOPLE):
            return decision
        return structs.replace(decision, plan=going, going=going)

    def _exceeds(self, plan: Plan, unknown: frozenset[str]) -> Hold | None:
        """The hold if the plan exceeds a limit, or removes somebody because of a missing place.

        It is of what is not approved. `unknown` are the removals that no reading says anything of:
        of nobody among them is it known that they are not in the place that is missing.
        """
        hold = self._check(plan, self.ledger, unknown)
        if hold is None or not any(plan.only_protected(self._approved).deletes.values()):
            return hold
        rest = plan.without_removals(self._approved)
        return self._check(rest, self.ledger.without(self._approved), unknown)

    def _check(self, plan: Plan, ledger: Ledger, unknown: frozenset[str]) -> Hold | None:
        evidence = self.prepared.evidence
        return check_limits(
            plan,
            ledger,
            self.connection.limits,
            self.approved,
            self.recent.as_of(self.now),
            self.needs_approval | unknown if evidence.incomplete else self.needs_approval,
            emptied_by(plan, evidence.emptied),
            self._counted_before(ledger),
        )

    def _counted_before(self, ledger: Ledger) -> dict[str, int]:
        """How many of each type there were when the plan was first held, of those in `ledger`."""
        if self.held is None or not self.held.waits:
            return {}
        removed = {t: self.ledger.count(t) - ledger.count(t) for t in self.ledger.entries}
        there = self.held.there.items()
        return {t: n - removed[t] for t, n in there if t in removed}

    @property
    def keeps_groups(self) -> bool:
        """Whether groups at the vendor stay as they are, until a reading can be compared."""
        evidence = self.prepared.evidence
        return evidence.settling or bool(evidence.unsettled)

    @property
    def _approved(self) -> frozenset[str]:
        return frozenset() if self.approved is None else self.approved.named

    def counting(self, plan: Plan) -> RecentRemovals:
        """Return the recent removals with those of `plan`, which is about to be carried out."""
        limits = self.connection.limits
        return count_removals(plan, limits, self.approved, self.recent, self.now)

    def _cautious(self, whole: Plan, withheld: frozenset[str]) -> Decision:
        """The plan that takes nothing from those who are unconfirmed or `withheld`."""
        mapper = self.cautious_mapper
        unknown = self._unconfirmed_and_not_there()

        plan = self._reduced(
            plan_for(
                lambda absent: mapper.resources(absent | unknown),
                self.ledger,
                self.now,
                self.protected,
            ),
            withheld,
        )
        waiting = max(0, whole.removals - plan.removals) + memberships_kept(
            self.kept, whole, self.prepared.roster, self.mapper
        )
        plan = structs.replace(plan, unconfirmed=waiting)
        replan = self._replan(mapper, unknown, withheld)
        return Decision(plan, None, replan, mapper, waiting=_besides(whole, plan))

    def _reduced(self, plan: Plan, withheld: frozenset[str]) -> Plan:
        """The plan without what is `withheld`, and without what waits for a second reading."""
        return self._settled(plan.without_removals(withheld))

    def _settled(self, plan: Plan) -> Plan:
        """The plan without what waits for a second reading."""
        evidence = self.prepared.evidence
        if evidence.settling:
            return only_creates(plan, self._approved)
        if not evidence.unsettled:
            return plan
        groups = self.prepared.roster.groups
        unsettled = self.mapper.external_ids_of_groups(
            group_id(group) for group in groups if group.source_id in evidence.unsettled
        )
        return without_changes_of(plan, unsettled, self._approved)

    def _replan(
        self,
        mapper: ResourceMapper,
        unknown: frozenset[str] = frozenset(),
        withheld: frozenset[str] = frozenset(),
    ) -> Replan:
        def replan(absent: Set[str]) -> Plan:
            resources = mapper.resources(absent | unknown)
            plan = make_plan(resources, self.ledger, self.now, self.protected, absent)
            return self._reduced(plan, withheld)

        return replan

    def groups_without(self, gone: Set[str], mapper: ResourceMapper) -> frozenset[str]:
        """ExternalIds of the groups that the vendor has without `gone`, by the ledger.

        It has acknowledged a body, one of `mapper`, that refers to none of them.
        """
        found = set()
        absent = standing_refusals(self.ledger, self.now) | self._unconfirmed_and_not_there()
        for resource in mapper.resources(absent):
            entry = self.ledger.entries[resource.resource_type].get(resource.external_id)
            if resource.resource_type not in OF_GROUPS or resource.body is None or entry is None:
                continue
            is_sent = entry.hash == content_hash(resource.body)
            if is_sent and gone.isdisjoint(references(resource.body)):
                found.add(resource.external_id)
        return frozenset(found)

    def _unconfirmed_and_not_there(self) -> frozenset[str]:
        """ExternalIds of unconfirmed people whom the vendor lacks; nothing may refer to them."""
        entries = self.ledger.entries["User"]
        users = map(self.mapper.user_id, self.prepared.evidence.unconfirmed.people)
        return frozenset(i for i in users if i not in entries)


def _besides(whole: Plan, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the externalIds, by type, of people and groups that only the `whole` plan removes."""
    found: dict[str, tuple[str, ...]] = {}
    for kind in TYPES_WITH_PEOPLE:
        going = {op.external_id for op in plan.deletes[kind]}
        left = {op.external_id for op in whole.deletes[kind]} - going
        if left:
            found[kind] = tuple(sorted(left))
    return found


def planner_for(
    context: SyncContext,
    prepared: PreparedRun,
    connection: Connection,
    key: LedgerKey,
    remember: bool = True,
) -> ConnectionPlanner:
    """Return the planner of a connection, with its ledger from the store.

    Only those shards of the ledger are read that differ from the wanted resources. Without
    `remember` nothing is written: a preview.
    """
    vendor = connection.vendor
    mapper = prepared.mapper(connection)
    now, state = context.clock(), context.store.connection_state(key)
    ledger, approved = state.ledger, state.approval
    if approved is not None and not approved.is_valid(now):
        approved = None
    cautious = mapper
    kept = kept_at_vendor(context.store, prepared, connection, key, ledger, approved, mapper)
    if kept != Placements():
        roster = cautious_roster(prepared, connection, context.settings.vendors[vendor], kept)
        cautious = prepared.mapper(connection, roster)
    if ledger.unread:
        wanted = digests(cautious.resources(standing_refusals(ledger, now)))
        differing = {n for n, part in ledger.unread.items() if wanted.get(n) != part.digest}
        differing |= set(map(shard_of, mapper.external_ids_of_groups(kept.groups)))
        differing &= ledger.unread.keys()
        context.store.load(key, ledger, differing)
    return ConnectionPlanner(
        key=key,
        ledger=ledger,
        mapper=mapper,
        cautious_mapper=cautious,
        prepared=prepared,
        unexplained=UnexplainedRemovals(
            store=context.store,
            key=key,
            read=prepared.evidence.read,
            now=now,
            remember=remember,
            doubtful=prepared.evidence.incomplete or prepared.evidence.doubtful,
            waited=state.unexplained,
        ),
        protected=external_ids_of(prepared.removable, mapper),
        needs_approval=external_ids_of(prepared.evidence.needs_approval, mapper),
        now=now,
        held=state.hold,
        approved=approved,
        connection=connection,
        vendor=context.settings.vendors[vendor],
        growth=(len(prepared.protection.pending), prepared.protection.pending_limit),
        recent=state.recent,
        doubted=state.doubted,
        kept=kept,
        delivered=state.delivered,
    )
