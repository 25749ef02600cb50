"""Whatever a vendor lists: a reconciliation forgets nothing, adopts nothing of others', and the
runs after it remove no more than the limits."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import given, note
from hypothesis import strategies as st

from addon.planning.ledger import LedgerChange
from addon.ss12000.resources import SCHOOL_USER, TYPES
from addon.sync.holds import approve
from addon.sync.reconcile import Reconciliation, reconcile
from tests.support.changing_tenant import DAY, ChangingTenant
from tests.support.generated_tenant import PLACES, TENANT, Spot, State, held_at
from tests.trust.troubles import examples

PUPILS = 14
LIMIT = 3
"""How many people may be removed in a day without a person's approval."""
KINDS = ("own ids, filter", "own ids, list", "our ids, filter", "own ids untold, list")
HAND_MADE = ("", "hand-made", "5b0b9a5e-8f2f-4d0c-9a55-6a4a3f1c2d77")

Listed = list[dict[str, Any]]


class OddList(NamedTuple):
    """What a list of one type shows: without some, twice, without externalIds, or in capitals."""

    missing: frozenset[int] = frozenset()
    cut: int | None = None
    twice: frozenset[int] = frozenset()
    nameless: frozenset[int] = frozenset()
    capitals: bool = False

    def of(self, listed: Listed) -> Listed:
        shown: Listed = []
        for number, each in enumerate(listed[: self.cut]):
            if number % PUPILS in self.missing:
                continue
            if number % PUPILS in self.nameless:
                each = {k: v for k, v in each.items() if k != "externalId"}
            elif self.capitals:
                each = {**each, "externalId": each["externalId"].upper()}
            shown += [each, each] if number % PUPILS in self.twice else [each]
        return shown


numbers = st.frozensets(st.integers(0, PUPILS - 1))
few = st.frozensets(st.integers(0, PUPILS - 1), max_size=2)
odd_lists = st.builds(
    OddList,
    missing=st.one_of(st.just(frozenset()), few, numbers),
    cut=st.sampled_from((None, None, 0, 1, 5)),
    twice=st.one_of(few, numbers),
    nameless=st.one_of(few, numbers, st.just(frozenset(range(PUPILS)))),
    capitals=st.booleans(),
)


class Drift(NamedTuple):
    """How the vendor and the ledger came apart, in pupils and groups by number."""

    left: frozenset[int]
    forgotten: frozenset[int]
    lost: frozenset[int]
    doubled: frozenset[int]
    hand_made: tuple[str, ...]


drifts = st.builds(
    Drift,
    left=numbers,
    forgotten=numbers,
    lost=few,
    doubled=few,
    hand_made=st.lists(st.sampled_from(HAND_MADE), max_size=3).map(tuple),
)


class Tried:
    """A tenant whose vendor has other things than its ledger, and lists them oddly."""

    def __init__(self, tenant: ChangingTenant) -> None:
        self.tenant = tenant
        self.made: dict[str, dict[str, Any]] = {}

    def drift(self, drift: Drift) -> None:
        """Have people leave, and the ledger and the vendor come apart."""
        tenant = self.tenant
        state = tenant.server._state
        (unit, *_) = tenant.server.externalIds("SchoolUnit")
        copies = sorted(tenant.server.held("User").values(), key=lambda b: b["externalId"])
        for number in drift.doubled if tenant.server.knobs.ids == "own" else ():
            if number < len(copies):
                tenant.server.put("User", copies[number])
        for endpoint in ("Users", "StudentGroups"):
            held = state.held[endpoint]
            for number, each in enumerate(sorted(held, key=lambda i: held[i]["externalId"])):
                if number in drift.lost:
                    state._delete(endpoint, each)
        for kind in ("User", "StudentGroup"):
            known = sorted(tenant.ledger.entries[kind])
            gone = [each for number, each in enumerate(known) if number in drift.forgotten]
            tenant.store.record(tenant.key, [LedgerChange(kind, i, forget=True) for i in gone])
        enrolments = [{"value": unit, "$ref": f"SchoolUnits/{unit}"}]
        for external_id in drift.hand_made:
            body = {"externalId": external_id, SCHOOL_USER: {"enrolments": enrolments}}
            self.made[tenant.server.put("User", body)] = body
        tenant.change_to(pupils(frozenset(range(PUPILS)) - drift.left))

    def reconcile(self, lists: dict[str, OddList], confirmed: bool) -> Reconciliation:
        """One reconciliation, and what it may do to the ledger."""
        tenant = self.tenant
        tenant.clock.advance(100)
        tenant.server.clear()
        before = {kind: dict(entries) for kind, entries in tenant.ledger.entries.items()}
        tenant.server.show(lambda endpoint, listed: lists.get(endpoint, OddList()).of(listed))
        found = reconcile(tenant.sync_context(), TENANT, "v", confirmed)
        tenant.server.show(lambda endpoint, listed: listed)
        assert not tenant.server.writes
        after = tenant.ledger.entries
        if found.held or found.detail:
            assert after == before
        ours = {body["externalId"] for kind in TYPES for body in tenant.server.held(kind).values()}
        for kind in TYPES:
            assert before[kind].keys() <= after[kind].keys(), "something was forgotten"
            adopted = after[kind].keys() - before[kind].keys()
            assert adopted <= ours.difference(HAND_MADE)
            assert self.made.keys().isdisjoint(e.vendor_id for e in after[kind].values())
            for external_id in before[kind].keys() & tenant.wanted[kind].keys():
                known, now = before[kind][external_id], after[kind][external_id]
                assert not now.is_pending or known.is_pending or found.total("several")
        return found

    def run(self, approved: bool = False) -> str:
        """One run that removes no more than the limits; what it says."""
        tenant = self.tenant
        before = set(tenant.server.externalIds("User"))
        if approved:
            tenant.clock.advance(100)
            approve(tenant.sync_context(), TENANT, "v")
            status = "delivered"
        else:
            report = tenant.run()
            status = report.status
            note(f"{report.status} {report.operations} {report.detail}")
        there = tenant.server.externalIds("User")
        gone = before.difference(there)
        assert gone.isdisjoint(tenant.wanted["User"])
        assert approved or len(gone) <= LIMIT
        assert self.made.keys() <= tenant.server.held("User").keys(), "others' were removed"
        return status


def pupils(numbers: frozenset[int]) -> State:
    return State({n: Spot(PLACES[3 + n % 6]) for n in numbers})


@examples(12)
@given(
    kind=st.sampled_from(KINDS),
    drift=drifts,
    lists=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(("Users", "StudentGroups", "SchoolUnits")), odd_lists),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_no_list_makes_a_reconciliation_forget_adopt_or_remove(kind, drift, lists):
    with (
        TemporaryDirectory() as folder,
        ChangingTenant(Path(folder), kind, limits=(LIMIT, 100)) as tenant,
    ):
        tried = Tried(tenant)
        tenant.change_to(pupils(frozenset(range(PUPILS))))
        tenant.run()
        tried.drift(drift)
        for shown, confirmed in lists:
            note(str(tried.reconcile(shown, confirmed)))
            tried.run()
        tried.reconcile({}, confirmed=True)
        for _ in range(3):
            tenant.clock.advance(DAY)
            if tried.run() == "held":
                tried.run(approved=True)
        for resource_id in tried.made:
            tenant.server._state._delete("Users", resource_id)
        for kind, there in held_at(tenant.server).items():
            assert there.keys() == tenant.wanted[kind].keys(), kind
            assert there == tenant.wanted[kind], kind
