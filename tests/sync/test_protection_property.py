"""Whatever the readings say one after the other: nobody protected is sent, shown or in a file."""

from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from addon.directory.snapshot import OrgUnit, Snapshot, User
from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.settings import Settings, SqliteAddress
from addon.ss12000.ids import Ids
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import NotFoundError, SyncContext
from addon.sync.evidence import ReadingEvidence
from addon.sync.planner import planner_for
from addon.sync.prepare import prepare_from_snapshot, read_and_prepare
from addon.sync.protected_set import confirm_growth, release
from addon.tenants.model import (
    Connection,
    GroupRule,
    Limits,
    Organisation,
    Protected,
    ProtectedLimit,
    SchoolUnit,
    Selector,
    Tenant,
)
from addon.vendors.profiles import load_vendors
from tests.support.small_school import PROFILES

PEOPLE = tuple(f"p{n}" for n in range(8))
KEY = LedgerKey("C1", "all", "live")
WIDE = ProtectedLimit(number=100, percent=100)
USERS = {i: User(i, f"{i}@edu.storvik.se", f"Given{i}", f"Family{i}", "/Elever/7A") for i in PEOPLE}

people = st.frozensets(st.sampled_from(PEOPLE))


class Reading(Struct, frozen=True):
    """A run whose reading finds `protected`; `absent` are in no answer. It plans and sends."""

    protected: frozenset[str]
    absent: frozenset[str] = frozenset()


class OldPlan(Struct, frozen=True):
    """A delivery of what an earlier reading (the `number` from the last) had planned."""

    number: int


class Release(Struct, frozen=True):
    """A person releases these, or all whose protection has ended."""

    who: frozenset[str] | None


class Confirm(Struct, frozen=True):
    """A person confirms those who became protected at once."""


steps = st.lists(
    st.one_of(
        st.builds(Reading, people),
        st.builds(Reading, people, people),
        st.builds(OldPlan, st.integers(0, 3)),
        st.builds(Release, st.one_of(st.none(), people)),
        st.just(Confirm()),
    ),
    max_size=14,
)


def tenant_with(limit: ProtectedLimit) -> Tenant:
    limits = Limits(deletions=1000, deletions_percent=100, protected=limit)
    unit = SchoolUnit(
        code="12345678",
        name="Norra",
        students=Selector(org_units=("/Elever",)),
        classes=GroupRule(source="orgUnit", pattern="(?P<name>[^/]+)$"),
    )
    return Tenant(
        customer_id="C1",
        organisation=Organisation(name="Storvik"),
        protected=Protected(groups=("skyddade@edu.storvik.se",)),
        school_units=(unit,),
        connections=(
            Connection(vendor="all", mode="live", school_units=("12345678",), limits=limits),
        ),
    )


class Tried:
    """A tenant with a store, whose readings are what the test says."""

    def __init__(self, folder: Path, limit: ProtectedLimit) -> None:
        profiles = folder / "vendors.toml"
        profiles.write_text(PROFILES)
        ticks = count(1_700_000_000)
        self.store = SQLiteStore(folder / "skolsynk.db")
        self.tenant = tenant_with(limit)
        self.store.save_tenant("C1", msgspec.json.encode(self.tenant))
        self.context = SyncContext(
            settings=Settings(SqliteAddress(folder / "x.db"), vendors=load_vendors(profiles)),
            store=self.store,
            read_directory=lambda tenant: self.snapshots[-1],
            clock=lambda: float(next(ticks)),
        )
        self.snapshots: list[Snapshot] = []
        self.planned: list[tuple[Snapshot, ReadingEvidence]] = []
        self.protected: set[str] = set()

    def do(self, step: Reading | OldPlan | Release | Confirm) -> None:
        match step:
            case Reading(protected, absent):
                self.snapshots.append(read(protected, absent))
                self.protected |= protected
                prepared = read_and_prepare(self.context, self.tenant, self.tenant.connections)
                self.planned.append((prepared.snapshot, prepared.evidence))
                self._send(prepared)
            case OldPlan(number) if self.planned:
                old = self.planned[-1 - number % len(self.planned)]
                everywhere = self.tenant.connections
                self._send(prepare_from_snapshot(self.context, self.tenant, everywhere, *old))
            case Release(who):
                self._release(who)
            case Confirm():
                confirm_growth(self.store, "C1", len(PEOPLE))

    def _release(self, who: frozenset[str] | None) -> None:
        known = self.store.protected_set("C1")
        before = set() if known is None else known.hidden
        try:
            release(self.context, "C1", who)
        except NotFoundError:
            return
        known = self.store.protected_set("C1")
        after = set() if known is None else known.hidden
        released = before - after
        newest = self.snapshots[-1].protected if self.snapshots else frozenset()
        assert released.isdisjoint(newest), "the newest reading has them so"
        self.protected -= released

    def _send(self, prepared) -> None:
        """Plan, look at everything that would leave, and acknowledge it."""
        planner = planner_for(self.context, prepared, self.tenant.connections[0], KEY)
        decision = planner.decide()
        plan, hold = decision.plan, decision.hold
        pending = prepared.protection.pending
        everything = b"".join(op.body for op in plan.operations())
        shown = " ".join(cell for row in prepared.decision_rows() for cell in row.cells())
        ids = Ids("C1")
        for who in self.protected:
            assert ids.user(who).encode() not in everything
            assert f"{who}@".encode() not in everything
            assert f"{who}@" not in shown
            assert f"Family{who}" not in shown
        going = {op.external_id for op in plan.operations() if op.kind == "delete"}
        if pending:
            assert hold is not None
            assert going.isdisjoint(ids.user(who) for who in pending)
            assert not everything
        if hold is None or pending:
            self._acknowledge(plan)
        if not pending and hold is None:
            there = self.store.ledger(KEY).entries["User"].keys()
            assert there.isdisjoint(ids.user(who) for who in self.protected)

    def _acknowledge(self, plan) -> None:
        changes = [
            LedgerChange(op.resource_type, op.external_id, forget=True)
            if op.kind == "delete"
            else LedgerChange(op.resource_type, op.external_id, LedgerEntry("", op.content))
            for op in plan.operations()
        ]
        self.store.record(KEY, changes)


def read(protected: frozenset[str], absent: frozenset[str]) -> Snapshot:
    shown = [user for i, user in USERS.items() if i not in protected | absent]
    units = tuple(OrgUnit(f"id:{path}", path, path[-2:]) for path in ("/Elever", "/Elever/7A"))
    return Snapshot(
        users=tuple(shown),
        groups=(),
        org_units=units,
        protected=protected,
        protected_places=("skyddade@edu.storvik.se",),
    )


@given(steps, st.sampled_from([WIDE, ProtectedLimit(number=3, percent=5), ProtectedLimit()]))
def test_nobody_who_was_ever_protected_and_not_released_is_sent(given_steps, limit):
    with TemporaryDirectory() as folder:
        tried = Tried(Path(folder), limit)
        for step in given_steps:
            tried.do(step)
        tried.store.close()
