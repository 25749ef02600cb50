"""Holds each request to a vendor against what is known and true, however oddly it is read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import currently_in_test_context, note
from msgspec import structs

from addon.directory.snapshot import Snapshot, User
from addon.roster.select import select
from addon.sync.enquiry import AGREE_AFTER
from addon.sync.protected_set import release
from addon.sync.report import ConnectionReport
from addon.sync.run import sync
from addon.tenants.document import load_tenant
from addon.tenants.model import Tenant
from tests.support.changing_tenant import ChangingTenant
from tests.support.crashes import SHORT
from tests.support.egil_faults import Incoming
from tests.support.egil_state import TYPES
from tests.support.generated_tenant import LIMITED, TENANT, State, document, wanted
from tests.trust.odd_answers import OddAnswer, OddAnswers
from tests.trust.odd_directory import HONEST, OddReading, accounts

PLACEMENT = "placement"
EMPLOYED = ("User", "Employment")
PEOPLED = ("User", "StudentGroup", "Activity")
SHM = Path("/dev/shm")

Fact = tuple[str, str, str]
"""Something that a vendor has: type, externalId, and what it refers to ("" for itself)."""


class Tracked:
    """What readings have said of what is true by one document.

    `known` was read, `gone` may go, and `told` is what the last reading says itself.
    """

    def __init__(self) -> None:
        self.true: set[Fact] = set()
        self.known: set[Fact] = set()
        self.gone: set[Fact] = set()
        self.told: set[Fact] = set()
        self._since: dict[Fact, float] = {}

    @property
    def staying(self) -> set[Fact]:
        """What must not be taken away."""
        return (self.true & self.known) - self.gone - self.told

    def compare(self, learnt: set[Fact], read: set[Fact], now: float, answers_all: bool) -> None:
        """Note what a reading has, of which `learnt` was delivered."""
        self.known = (self.known & self.true) | learnt
        self.gone -= read
        for fact in read:
            self._since.pop(fact, None)
        for fact in self.true - read:
            since = self._since.setdefault(fact, now)
            if now - since >= AGREE_AFTER and not answers_all:
                self.gone.add(fact)
        self.gone |= self._since.keys() - self.true


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
        self._tracked: dict[tuple[str, ...], Tracked] = {}
        self._last: tuple[str, ...] | None = None
        self._carried: set[str] = set()
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

        def read(_: Tenant) -> Snapshot:
            snapshot = reading.of(tenant.state, self.before)
            self._compare(snapshot, reading)
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
        _note(f"{report.status} {report.operations} {report.detail}\n  {tenant.sent()}")
        assert "ended with an error" not in str(report.detail)
        assert not self.violations, self.violations
        self._assert_nobody_protected_was_sent()
        # Nothing refers to what is not there, or may not be because the vendor did not take it now.
        there = {"", *(external_id for _, external_id, _ in before)} - plan.met
        taken = (before - facts(held(tenant))) & self._must_stay
        lost = {fact for fact in taken if fact[2] in there}
        assert not lost, f"taken from who is there: {lost}"
        return report

    def _compare(self, snapshot: Snapshot, reading: OddReading) -> None:
        """Note what a reading says, and so what may go.

        Each document that there has been has its own: what was known by an earlier one stays
        when that is true by the present one too, and so do people who are placed by both.
        """
        self.hidden |= snapshot.protected
        now, truth = self.tenant.clock(), self.tenant.state.snapshot()
        edits = tuple(each for each in self.tenant.state.edits if each != LIMITED)
        here = self._tracked.setdefault(edits, Tracked())
        earlier = set[Fact]()
        for each, tracked in self._tracked.items():
            found = self._document(each)
            tracked.true, read = self._facts(found, truth), self._facts(found, snapshot)
            tracked.told = self._told(found, truth, snapshot)
            tracked.compare(read if each == edits else set(), read, now, reading.answers_all)
            if each != edits:
                earlier |= tracked.staying
        if self._last not in (None, edits):
            self._carried = {i for kind, i, _ in earlier if kind == PLACEMENT}
            here.known |= earlier & here.true
        self._last = edits
        staying = here.staying
        people = {external_id for kind, external_id, _ in here.true if kind in EMPLOYED}
        # A person stays for a placement that was known, a group for a member who was.
        placed = {i for kind, i, other in staying if kind == PLACEMENT or other in people}
        there = here.true - here.gone - here.told
        self._carried &= {i for kind, i, _ in there if kind == PLACEMENT}
        carried = {("User", i, "") for i in self._carried} & there
        self._must_stay = {f for f in staying if f[0] not in PEOPLED or f[1] in placed} | carried

    def _document(self, edits: tuple[str, ...]) -> Tenant:
        return load_tenant(document(self.tenant.state.ticked, edits=edits))

    def _told(self, document: Tenant, truth: Snapshot, snapshot: Snapshot) -> set[Fact]:
        """What the reading itself says of people: by a late record, or that they are staff now."""
        shown = {user.id: user for user in snapshot.users}
        true = {user.id: user for user in accounts(self.tenant.state)}
        late = {i for i, user in shown.items() if i in true and _moved(user, true[i])}
        asked = structs.replace(snapshot, users=accounts(self.tenant.state))
        late |= _staff(document, asked) - _staff(document, truth)
        return self._facts(document, truth) - self._facts(document, truth.without(late))

    def _facts(self, document: Tenant, snapshot: Snapshot) -> set[Fact]:
        """What a vendor would have of a reading, and who is placed at which of its units."""
        tenant = self.tenant
        shown = snapshot.without(self.hidden)
        ticked = document.connections[0].school_units
        roster = wanted(document, shown, tenant.vendor)
        found = facts((kind, i, each) for kind, all in roster.items() for i, each in all.items())
        for user, person in select(document, shown).people.items():
            external_id = tenant.external_id(int(user.removeprefix("id")))
            placed = [("student", each.unit) for each in person.enrolments]
            placed += [("staff", unit) for unit in person.employments]
            sent = [(what, unit) for what, unit in placed if unit in ticked]
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


def _note(text: str) -> None:
    """Show a text if an example of hypothesis fails."""
    if currently_in_test_context():
        note(text)


def _texts(body: object) -> set[str]:
    if isinstance(body, dict):
        return set().union(*map(_texts, body.values())) if body else set()
    if isinstance(body, list):
        return set().union(*map(_texts, body)) if body else set()
    return {body} if isinstance(body, str) else set()


def _staff(document: Tenant, snapshot: Snapshot) -> set[str]:
    people = select(document, snapshot).people
    return {i for i, person in people.items() if person.employments}


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
