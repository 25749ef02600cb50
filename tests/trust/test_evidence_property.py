"""Whatever Google and the vendor answer: nothing is lost, doubled, removed or revealed for it.

A directory changes truly, is read oddly (`tests.trust.odd_directory`), and what it leads to is
sent to a vendor whose answers are replaced by others (`tests.trust.odd_answers`). Held to, at each
request: nobody protected is in any body, and nobody who is there and selected is deleted or taken
out of anything, unless the rule of evidence says that they are gone. When the oddities have ended,
the vendor has exactly the roster, each externalId once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import given, note
from hypothesis import strategies as st
from msgspec import structs

from addon.delivery.scim_client import CANNOT_TELL
from addon.directory.snapshot import Snapshot, User
from addon.roster.select import select
from addon.sync.enquiry import AGREE_AFTER
from addon.sync.protected_set import confirm_growth, release
from addon.sync.report import ConnectionReport
from addon.sync.run import sync
from addon.tenants.model import Tenant
from tests.support.changing_tenant import ChangingTenant
from tests.support.crashes import SHORT
from tests.support.egil_faults import Incoming
from tests.support.egil_state import TYPES
from tests.support.generated_tenant import PEOPLE, TENANT, UNITS, Spot, State, held_at, wanted
from tests.trust.odd_answers import OddAnswer, OddAnswers, odd_answers
from tests.trust.odd_directory import HONEST, OddReading, accounts, readings
from tests.trust.troubles import examples, many, people

UNASKED = "our ids, 409 only"
ASKED = [
    "own ids, filter",
    "own ids, list",
    "own ids untold, filter",
    "own ids untold, list",
    "our ids, filter",
    "our ids, list",
    UNASKED,
]
"""Vendors that can be asked what they have, or that refuse to have it twice."""
PLACEMENT = "placement"
PEOPLED = ("User", "StudentGroup", "Activity")
HONEST_RUNS = 4
HOUR = 3600.0
SHM = Path("/dev/shm")

Fact = tuple[str, str, str]
"""Something that a vendor has: type, externalId, and what it refers to ("" for itself)."""


class Step(NamedTuple):
    """What changes before a run, `after` so many seconds, and how the run is answered."""

    people: dict[int, Spot]
    renamed: bool
    ticked: tuple[str, ...]
    back: bool
    released: bool
    after: float
    reading: OddReading
    answers: tuple[OddAnswer, ...]


steps = st.lists(
    st.builds(
        Step,
        people=st.one_of(st.just({}), people, many),
        renamed=st.booleans(),
        ticked=st.sampled_from((UNITS, UNITS, UNITS, UNITS[1:])),
        back=st.sampled_from((False, False, True)),
        released=st.booleans(),
        after=st.sampled_from((60.0, 300.0, 601.0, 2400.0, 7200.0)),
        reading=readings,
        answers=st.lists(odd_answers, max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=5,
)


def states(first: State, taken: list[Step]) -> list[State]:
    """The states that the steps lead to, after the first."""
    found = [first]
    for step in taken:
        if step.back and len(found) > 1:
            found.append(found[-2])
        else:
            spots = {**found[-1].spots, **step.people}
            found.append(State(spots, step.renamed, step.ticked))
    return found


class Observed:
    """A tenant whose vendor's requests are held against what is known and true.

    `met` are the externalIds of what has met an odd answer, `said` what the reports say in all.
    """

    def __init__(self, tenant: ChangingTenant) -> None:
        self.tenant = tenant
        self.hidden: frozenset[str] = frozenset()
        self.met: set[str] = set()
        self.said: set[str] = set()
        self.violations: list[str] = []
        self.before = tenant.state
        self._since: dict[Fact, float] = {}
        self._known: set[Fact] = set()
        self._gone: set[Fact] = set()
        self._must_stay: set[Fact] = set()

    def change_to(self, state: State) -> None:
        self.before = self.tenant.state
        self.tenant.change_to(state)

    def release(self) -> None:
        """A person releases all whose protection has ended."""
        release(self.tenant.sync_context(), TENANT)
        known = self.tenant.store.protected_set(TENANT)
        self.hidden = frozenset() if known is None else known.hidden

    def run(
        self, after: float, reading: OddReading = HONEST, answers: tuple[OddAnswer, ...] = ()
    ) -> ConnectionReport:
        """One run, and whether all it did was right."""
        tenant = self.tenant
        tenant.clock.advance(after)
        tenant.server.clear()

        def read(document: Tenant) -> Snapshot:
            snapshot = reading.of(tenant.state, self.before)
            self._compare(document, snapshot, reading)
            return snapshot

        context = structs.replace(
            tenant.sync_context(retry_policy=SHORT),
            read_directory=read,
            ask_directory=reading.answers(tenant.state),
        )
        before = facts(held(tenant))
        plan = OddAnswers(tenant.server, answers, self._watch)
        tenant.server.faults = plan
        report = sync(context, TENANT).connections[0]
        tenant.server.faults = []
        self.met |= plan.met
        self.said.add(str(report.detail))
        note(f"{report.status} {report.operations} {report.detail}\n  {tenant.sent()}")
        assert "ended with an error" not in str(report.detail)
        assert not self.violations, self.violations
        self._assert_nobody_protected_was_sent()
        # Nothing refers to what is not there, or may not be because the vendor did not take it now.
        there = {"", *(external_id for _, external_id, _ in before)} - plan.met
        taken = (before - facts(held(tenant))) & self._must_stay
        lost = {fact for fact in taken if fact[2] in there}
        assert not lost, f"taken from who is there: {lost}"
        return report

    def _compare(self, document: Tenant, snapshot: Snapshot, reading: OddReading) -> None:
        """Note what a reading says, and so what may go."""
        self.hidden |= snapshot.protected
        now = self.tenant.clock()
        truth = self.tenant.state.snapshot()
        true, read = self._facts(truth), self._facts(snapshot)
        self._known = (self._known & true) | read
        self._gone -= read
        for fact in read:
            self._since.pop(fact, None)
        for fact in true - read:
            since = self._since.setdefault(fact, now)
            if now - since >= AGREE_AFTER and not reading.answers_all:
                self._gone.add(fact)
        self._gone |= self._since.keys() - true
        staying = (true & self._known) - self._gone - self._told(truth, snapshot)
        people = {external_id for kind, external_id, _ in true if kind in ("User", "Employment")}
        # A person stays for a placement that was known, a group for a member who was.
        placed = {i for kind, i, other in staying if kind == PLACEMENT or other in people}
        self._must_stay = {f for f in staying if f[0] not in PEOPLED or f[1] in placed}

    def _told(self, truth: Snapshot, snapshot: Snapshot) -> set[Fact]:
        """What the reading itself says of people: by a late record, or that they are staff now."""
        shown = {user.id: user for user in snapshot.users}
        true = {user.id: user for user in accounts(self.tenant.state)}
        late = {i for i, user in shown.items() if i in true and _moved(user, true[i])}
        asked = structs.replace(snapshot, users=accounts(self.tenant.state))
        late |= self._staff(asked) - self._staff(truth)
        return self._facts(truth) - self._facts(truth.without(late))

    def _staff(self, snapshot: Snapshot) -> set[str]:
        people = select(self.tenant.stored_tenant, snapshot).people
        return {i for i, person in people.items() if person.employments}

    def _facts(self, snapshot: Snapshot) -> set[Fact]:
        """What a vendor would have of a reading, and who is placed at which of its units."""
        tenant = self.tenant
        document, shown = tenant.stored_tenant, snapshot.without(self.hidden)
        roster = wanted(document, shown, tenant.vendor)
        found = facts((kind, i, each) for kind, all in roster.items() for i, each in all.items())
        for user, person in select(document, shown).people.items():
            external_id = tenant.external_id(int(user.removeprefix("id")))
            placed = [("student", each.unit) for each in person.enrolments]
            placed += [("staff", unit) for unit in person.employments]
            sent = [(what, unit) for what, unit in placed if unit in tenant.state.ticked]
            found |= {(PLACEMENT, external_id, f"{what} {unit}") for what, unit in sent}
        return found

    def _watch(self, request: Incoming) -> None:
        """Note a DELETE of the only one of something that must stay. In the server's thread."""
        if request.method != "DELETE" or request.external_id is None:
            return
        kind = TYPES[request.endpoint]
        count = self.tenant.server.externalIds(kind).count(request.external_id)
        if count < 2 and (kind, request.external_id, "") in self._must_stay:
            self.violations.append(f"DELETE {request.path} of who is there")

    def _assert_nobody_protected_was_sent(self) -> None:
        tenant = self.tenant
        secret = {tenant.external_id(int(each.removeprefix("id"))) for each in self.hidden}
        for request in tenant.server.requests:
            found = _texts(request.body)
            assert not secret & found, f"{request.method} {request.path} has a protected person"
            assert not self.hidden & found


def held(tenant: ChangingTenant) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each resource that the vendor has, as type, externalId and body."""
    for kind in TYPES.values():
        for body in tenant.server.held(kind).values():
            yield kind, body["externalId"], body


def facts(resources: Any) -> set[Fact]:
    """What resources say."""
    found = set()
    for kind, external_id, body in resources:
        found.add((kind, external_id, ""))
        found.update((kind, external_id, each) for each in _references(body))
    return found


def _references(body: object) -> set[str]:
    if isinstance(body, dict):
        here = {str(body["value"])} if "$ref" in body else set()
        return here.union(*map(_references, body.values())) if body else here
    if isinstance(body, list):
        return set().union(*map(_references, body)) if body else set()
    return set()


def _texts(body: object) -> set[str]:
    if isinstance(body, dict):
        return set().union(*map(_texts, body.values())) if body else set()
    if isinstance(body, list):
        return set().union(*map(_texts, body)) if body else set()
    return {body} if isinstance(body, str) else set()


def _moved(one: User, other: User) -> bool:
    """Whether two records of an account differ in what it is selected by."""
    return (one.org_unit_path, one.is_inactive) != (other.org_unit_path, other.is_inactive)


@contextmanager
def observed(kind: str) -> Iterator[Observed]:
    place = SHM if SHM.is_dir() else None
    with (
        TemporaryDirectory(prefix="trust-", dir=place) as folder,
        ChangingTenant(Path(folder), kind) as tenant,
    ):
        yield Observed(tenant)


def run_oddly(observed: Observed, first: dict[int, Spot], taken: list[Step]) -> None:
    """An honest first delivery, then the steps."""
    whole = states(State(first), taken)
    observed.change_to(whole[0])
    observed.run(after=100.0)
    for step, state in zip(taken, whole[1:], strict=True):
        observed.change_to(state)
        if step.released:
            observed.release()
        observed.run(step.after, step.reading, step.answers)


def run_honestly(observed: Observed) -> None:
    """The runs after all oddities have ended."""
    tenant = observed.tenant
    observed.before = tenant.state
    if any(tenant.ledger.refused()):
        tenant.next_day()
    for _ in range(HONEST_RUNS):
        observed.run(after=HOUR)
        observed.release()
        confirm_growth(tenant.store, TENANT, PEOPLE)


def without_lies(step: Step) -> Step:
    """The step without a SCIM server's own 404 of what is there, where nothing can be asked.

    It is believed where the collection has answered other writes (docs/wire-format.md).
    """
    return step._replace(answers=tuple(a for a in step.answers if a.what != "404 error"))


def assert_exactly_the_roster(tenant: ChangingTenant) -> None:
    there, roster = held_at(tenant.server), tenant.wanted
    for kind in TYPES.values():
        extra, lacking = (
            there[kind].keys() - roster[kind].keys(),
            roster[kind].keys() - there[kind].keys(),
        )
        assert not extra | lacking, f"{kind}: extra {extra}, lacking {lacking}"
        for external_id, body in roster[kind].items():
            assert there[kind][external_id] == body, kind


def assert_nothing_is_sent(tenant: ChangingTenant, kind: str) -> None:
    """The vendor is right, so nothing is sent.

    What was deleted without an answer is deleted again where nothing can be asked and no other
    resource of its type shows that a 404 is the vendor's word (docs/wire-format.md).
    """
    writes = [(r.method, r.status) for r in tenant.server.writes]
    if kind == UNASKED:
        assert set(writes) <= {("DELETE", 404)}
    else:
        assert tenant.sent() == []


@examples(14)
@given(kind=st.sampled_from(ASKED), first=many, taken=steps)
def test_no_odd_answer_loses_doubles_removes_or_reveals_anybody(kind, first, taken):
    with observed(kind) as world:
        run_oddly(world, first, taken if kind != UNASKED else list(map(without_lies, taken)))
        run_honestly(world)
        assert_exactly_the_roster(world.tenant)
        world.run(after=HOUR)
        assert_nothing_is_sent(world.tenant, kind)


@examples(6)
@given(first=many, taken=steps)
def test_a_vendor_that_cannot_be_asked_may_double_only_what_met_an_odd_answer(first, taken):
    """At a vendor with its own ids, and neither filter nor list."""
    with observed("own ids, blind") as world:
        run_oddly(world, first, taken)
        run_honestly(world)
        there, roster = copies(world.tenant), set()
        for kind, found in world.tenant.wanted.items():
            roster |= {(kind, external_id) for external_id in found}
        differing = {each for each in there.keys() | roster if there[each] != (each in roster)}
        assert {external_id for _, external_id in differing} <= world.met
        if any(number > 1 for number in there.values()):
            assert any(CANNOT_TELL in said for said in world.said)


def copies(tenant: ChangingTenant) -> Counter[tuple[str, str]]:
    """How often the vendor has each resource."""
    return Counter((kind, external_id) for kind, external_id, _ in held(tenant))
