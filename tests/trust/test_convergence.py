"""Whatever happened before: once the faults end, one run puts everything right.

The real sync over real sockets against each kind of server. What no client can do is not
promised. At a server with ids of its own that cannot be asked what it holds, a create whose
answer was lost leaves a doubt: where the server does not refuse a second copy, it cannot be
told from one that never arrived, and where it does, the id that it gave cannot be learnt.
Without such a doubt everything is promised there too; with it, where the server refuses
second copies, still that nothing is there twice.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from addon.planning.ledger import LOOK_AFTER
from addon.ss12000.resources import TYPES
from addon.sync.holds import approve
from addon.sync.protected_set import release
from addon.sync.report import ConnectionReport
from tests.support.changing_tenant import ChangingTenant
from tests.support.crashes import Crash, Trouble
from tests.support.egil_faults import Fault
from tests.support.generated_tenant import TENANT, Spot, State, held_at, with_spots
from tests.trust.troubles import (
    Step,
    examples,
    plain_troubles,
    states,
    steps,
    troubles,
)

ASKED = ["own ids, filter", "own ids, list", "our ids, 409 only"]
"""Servers where no answer that is lost leaves a doubt for good."""
UNASKED = ["own ids, 409 only", "own ids, blind"]
SHM = Path("/dev/shm")
"""Where there is memory to write in: waiting for a disk would take most of the time."""
CONCURRENCY = st.sampled_from((1, 4))


@contextmanager
def changing_tenant(
    kind: str, concurrency: int = 4, limits: tuple[int, float] = (10**6, 100)
) -> Iterator[ChangingTenant]:
    place = SHM if SHM.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="trust-", dir=place) as folder,
        ChangingTenant(Path(folder), kind, concurrency, limits) as tenant,
    ):
        yield tenant


def run_steps(tenant: ChangingTenant, taken: list[Step]) -> Iterator[ConnectionReport]:
    """The steps with all their trouble; what is reported after each."""
    for step, state in zip(taken, states(taken), strict=True):
        tenant.change_to(state)
        report = tenant.run(step.trouble)
        note(f"{report.status} {report.operations} {report.detail}\n  {tenant.sent()}")
        assert "ended with an error" not in str(report.detail)
        yield report


def run_once_more(tenant: ChangingTenant) -> ConnectionReport:
    """The run after the faults have ended."""
    if any(tenant.ledger.refused()):
        tenant.next_day()
    release(tenant.sync_context(), TENANT)
    report = tenant.run()
    note(f"at last: {report.status} {report.operations} {report.failures}\n  {tenant.sent()}")
    return report


def assert_converged(tenant: ChangingTenant) -> None:
    assert held_at(tenant.server) == tenant.wanted
    tenant.clock.advance(LOOK_AFTER)
    looked = tenant.run()  # copies of what was created in doubt are looked for once
    assert not any(sent.startswith(("POST", "PUT")) for sent in tenant.sent())
    assert (looked.status, looked.left) == ("unchanged", 0)
    assert held_at(tenant.server) == tenant.wanted
    again = tenant.run()
    assert tenant.sent() == []
    assert (again.status, again.left, again.refused) == ("unchanged", 0, 0)


# Anything at all


@pytest.mark.parametrize("kind", ASKED)
@examples(10)
@given(taken=steps(troubles), concurrency=CONCURRENCY)
def test_once_the_faults_end_one_run_leaves_exactly_the_roster(
    kind: str, taken: list[Step], concurrency: int
) -> None:
    with changing_tenant(kind, concurrency) as tenant:
        for _ in run_steps(tenant, taken):
            held_at(tenant.server)  # nothing twice, at no time
        run_once_more(tenant)
        assert_converged(tenant)


@pytest.mark.parametrize("kind", UNASKED)
@examples(8)
@given(taken=steps(plain_troubles), concurrency=CONCURRENCY)
def test_without_a_doubt_a_server_that_cannot_be_asked_is_left_with_exactly_the_roster(
    kind: str, taken: list[Step], concurrency: int
) -> None:
    with changing_tenant(kind, concurrency) as tenant:
        for _ in run_steps(tenant, taken):
            held_at(tenant.server)
        run_once_more(tenant)
        assert_converged(tenant)


@examples(8)
@given(taken=steps(troubles), concurrency=CONCURRENCY)
def test_a_server_that_only_refuses_never_holds_anything_twice(
    taken: list[Step], concurrency: int
) -> None:
    with changing_tenant("own ids, 409 only", concurrency) as tenant:
        doubts = set()
        for _ in run_steps(tenant, taken):
            held_at(tenant.server)
            doubts |= in_doubt(tenant)
        run_once_more(tenant)
        held_at(tenant.server)
        if not doubts:
            assert_converged(tenant)


def in_doubt(tenant: ChangingTenant) -> set[str]:
    """What the vendor holds under an id that it alone knows."""
    ledger = tenant.ledger
    return {
        external_id
        for resource_type in TYPES
        for external_id in tenant.server.externalIds(resource_type)
        if (entry := ledger.entries[resource_type].get(external_id)) is None or not entry.vendor_id
    }


# Limits


@pytest.mark.parametrize("kind", ["own ids, filter", "our ids, 409 only"])
@examples(8)
@given(taken=steps(troubles), percent=st.sampled_from((10, 100)))
def test_nothing_beyond_the_limit_goes_without_approval_and_the_protected_always_go(
    kind: str, taken: list[Step], percent: float
) -> None:
    limit = 1
    with changing_tenant(kind, limits=(limit, percent)) as tenant:
        before: set[str] = set()
        for _ in run_steps(tenant, taken):
            assert_few_were_removed(tenant, before, limit)
            before = set(tenant.server.externalIds("User"))
        report = run_once_more(tenant)
        assert_few_were_removed(tenant, before, limit)
        assert not protected(tenant) & set(tenant.server.externalIds("User"))
        if report.status != "held":
            assert_converged(tenant)
            return
        tenant.server.clear()
        tenant.clock.advance(100)
        assert approve(tenant.sync_context(), TENANT, "v").exit_status == 0
        note(f"approved: {tenant.sent()}")
        assert_converged(tenant)


def protected(tenant: ChangingTenant) -> set[str]:
    spots = tenant.state.spots.items()
    return {tenant.external_id(p) for p, spot in spots if spot.place and spot.protected}


def assert_few_were_removed(tenant: ChangingTenant, before: set[str], limit: int) -> None:
    gone = before - set(tenant.server.externalIds("User")) - protected(tenant)
    assert len(gone) <= limit, f"{len(gone)} people were removed"


# What hypothesis has found, in few words

AT_A, AT_B = Spot("/Elever/A/7A"), Spot("/Elever/B/8B")


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[ChangingTenant]:
    with ChangingTenant(tmp_path, "own ids, filter", concurrency=1) as tenant:
        tenant.change_to(State({0: AT_A, 1: AT_B}))
        tenant.run()
        yield tenant


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(faults=(("DELETE", 0, 99, Fault(drop=True, when="after")),)),
        Trouble(crash=Crash("request", 1, after=True)),
        Trouble(crash=Crash("request", 2, after=True)),
    ],
    ids=["answers lost", "died after the first", "died after the second"],
)
def test_who_is_back_after_a_removal_of_which_no_answer_was_heard_is_sent_again(
    tenant: ChangingTenant, trouble: Trouble
) -> None:
    everyone = tenant.state
    tenant.change_to(with_spots(everyone, {0: Spot()}))
    tenant.run(trouble)
    tenant.change_to(everyone)
    tenant.run()
    assert_converged(tenant)


@pytest.mark.parametrize("after", [False, True])
def test_what_is_as_before_after_an_update_of_which_no_answer_was_heard_is_sent_again(
    tenant: ChangingTenant, after: bool
) -> None:
    before = tenant.state
    tenant.change_to(with_spots(before, {0: Spot("/Elever/A/7A", family=1)}))
    tenant.run(Trouble(crash=Crash("request", 1, after)))
    tenant.change_to(before)
    tenant.run()
    assert_converged(tenant)


def test_an_update_that_was_never_tried_is_not_remembered_as_a_doubt(
    tenant: ChangingTenant,
) -> None:
    before = tenant.state
    tenant.change_to(with_spots(before, {p: Spot(AT_A.place, family=1) for p in (0, 1)}))
    tenant.run(Trouble(faults=((None, 0, 1, Fault(status=401)),)))
    tenant.change_to(before)
    assert tenant.run().status == "unchanged"
    assert tenant.sent() == []


def test_a_create_in_doubt_stays_in_doubt_when_the_vendor_refuses_to_be_asked(
    tenant: ChangingTenant,
) -> None:
    tenant.change_to(with_spots(tenant.state, {2: AT_A}))
    tenant.run(
        Trouble(
            faults=(
                ("POST", 0, 1, Fault(drop=True, when="after")),
                ("GET", 0, 1, Fault(status=401)),
            )
        )
    )
    tenant.run()
    assert_converged(tenant)


def test_a_create_that_is_refused_after_its_answer_was_lost_is_not_forgotten(
    tmp_path: Path,
) -> None:
    with ChangingTenant(tmp_path, "our ids, 409 only") as tenant:
        tenant.run()
        tenant.change_to(State({0: AT_A}))
        tenant.run(
            Trouble(
                faults=(
                    ("POST", 0, 1, Fault(drop=True, when="after")),
                    ("POST", 0, 1, Fault(status=400)),
                )
            )
        )
        assert tenant.server.externalIds("User") == [tenant.external_id(0)]
        tenant.change_to(State())
        tenant.run()
        assert_converged(tenant)
