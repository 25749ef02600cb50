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

from addon.ss12000.resources import TYPES
from addon.sync.holds import approve
from addon.sync.report import ConnectionReport
from tests.support.egil_faults import Fault
from tests.support.trust_town import TENANT, Crash, Spot, State, Town, Trouble, there, with_spots
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
def a_town(
    kind: str, concurrency: int = 4, limits: tuple[int, float] = (10**6, 100)
) -> Iterator[Town]:
    place = SHM if SHM.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="trust-", dir=place) as folder,
        Town(Path(folder), kind, concurrency, limits) as town,
    ):
        yield town


def live_through(town: Town, lived: list[Step]) -> Iterator[ConnectionReport]:
    """The steps with all their trouble; what is reported after each."""
    for step, state in zip(lived, states(lived), strict=True):
        town.become(state)
        report = town.run(step.trouble)
        note(f"{report.status} {report.operations} {report.detail}\n  {town.sent()}")
        assert "ended with an error" not in str(report.detail)
        yield report


def run_once_more(town: Town) -> ConnectionReport:
    """The run after the faults have ended."""
    if any(town.ledger.refused()):
        town.next_day()
    report = town.run()
    note(f"at last: {report.status} {report.operations} {report.failures}\n  {town.sent()}")
    return report


def see_that_all_is_well(town: Town) -> None:
    assert there(town.server) == town.wanted
    again = town.run()
    assert town.sent() == []
    assert (again.status, again.left, again.refused) == ("unchanged", 0, 0)


# Anything at all


@pytest.mark.parametrize("kind", ASKED)
@examples(10)
@given(lived=steps(troubles), concurrency=CONCURRENCY)
def test_once_the_faults_end_one_run_leaves_exactly_the_roster(
    kind: str, lived: list[Step], concurrency: int
) -> None:
    with a_town(kind, concurrency) as town:
        for _ in live_through(town, lived):
            there(town.server)  # nothing twice, at no time
        run_once_more(town)
        see_that_all_is_well(town)


@pytest.mark.parametrize("kind", UNASKED)
@examples(8)
@given(lived=steps(plain_troubles), concurrency=CONCURRENCY)
def test_without_a_doubt_a_server_that_cannot_be_asked_is_left_with_exactly_the_roster(
    kind: str, lived: list[Step], concurrency: int
) -> None:
    with a_town(kind, concurrency) as town:
        for _ in live_through(town, lived):
            there(town.server)
        run_once_more(town)
        see_that_all_is_well(town)


@examples(8)
@given(lived=steps(troubles), concurrency=CONCURRENCY)
def test_a_server_that_only_refuses_never_holds_anything_twice(
    lived: list[Step], concurrency: int
) -> None:
    with a_town("own ids, 409 only", concurrency) as town:
        doubts = set()
        for _ in live_through(town, lived):
            there(town.server)
            doubts |= in_doubt(town)
        run_once_more(town)
        there(town.server)
        if not doubts:
            see_that_all_is_well(town)


def in_doubt(town: Town) -> set[str]:
    """What the vendor holds under an id that it alone knows."""
    ledger = town.ledger
    return {
        external_id
        for resource_type in TYPES
        for external_id in town.server.externalIds(resource_type)
        if (entry := ledger.entries[resource_type].get(external_id)) is None or not entry.vendor_id
    }


# Limits


@pytest.mark.parametrize("kind", ["own ids, filter", "our ids, 409 only"])
@examples(8)
@given(lived=steps(troubles), percent=st.sampled_from((10, 100)))
def test_nothing_beyond_the_limit_goes_without_approval_and_the_protected_always_go(
    kind: str, lived: list[Step], percent: float
) -> None:
    limit = 1
    with a_town(kind, limits=(limit, percent)) as town:
        before: set[str] = set()
        for _ in live_through(town, lived):
            see_that_only_few_went(town, before, limit)
            before = set(town.server.externalIds("User"))
        report = run_once_more(town)
        see_that_only_few_went(town, before, limit)
        assert not protected(town) & set(town.server.externalIds("User"))
        if report.status != "held":
            see_that_all_is_well(town)
            return
        town.server.clear()
        town.clock.now += 100
        assert approve(town.sync_context(), TENANT, "v").exit_status == 0
        note(f"approved: {town.sent()}")
        see_that_all_is_well(town)


def protected(town: Town) -> set[str]:
    spots = town.state.spots.items()
    return {town.external_id(p) for p, spot in spots if spot.place and spot.protected}


def see_that_only_few_went(town: Town, before: set[str], limit: int) -> None:
    gone = before - set(town.server.externalIds("User")) - protected(town)
    assert len(gone) <= limit, f"{len(gone)} people were removed"


# What hypothesis has found, in few words

AT_A, AT_B = Spot("/Elever/A/7A"), Spot("/Elever/B/8B")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with Town(tmp_path, "own ids, filter", concurrency=1) as town:
        town.become(State({0: AT_A, 1: AT_B}))
        town.run()
        yield town


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
    town: Town, trouble: Trouble
) -> None:
    everyone = town.state
    town.become(with_spots(everyone, {0: Spot()}))
    town.run(trouble)
    town.become(everyone)
    town.run()
    see_that_all_is_well(town)


@pytest.mark.parametrize("after", [False, True])
def test_what_is_as_before_after_an_update_of_which_no_answer_was_heard_is_sent_again(
    town: Town, after: bool
) -> None:
    before = town.state
    town.become(with_spots(before, {0: Spot("/Elever/A/7A", family=1)}))
    town.run(Trouble(crash=Crash("request", 1, after)))
    town.become(before)
    town.run()
    see_that_all_is_well(town)


def test_an_update_that_was_never_tried_is_not_remembered_as_a_doubt(town: Town) -> None:
    before = town.state
    town.become(with_spots(before, {p: Spot(AT_A.place, family=1) for p in (0, 1)}))
    town.run(Trouble(faults=((None, 0, 1, Fault(status=401)),)))
    town.become(before)
    assert town.run().status == "unchanged"
    assert town.sent() == []


def test_a_create_in_doubt_stays_in_doubt_when_the_vendor_refuses_to_be_asked(
    town: Town,
) -> None:
    town.become(with_spots(town.state, {2: AT_A}))
    town.run(
        Trouble(
            faults=(
                ("POST", 0, 1, Fault(drop=True, when="after")),
                ("GET", 0, 1, Fault(status=401)),
            )
        )
    )
    town.run()
    see_that_all_is_well(town)


def test_a_create_that_is_refused_after_its_answer_was_lost_is_not_forgotten(
    tmp_path: Path,
) -> None:
    with Town(tmp_path, "our ids, 409 only") as town:
        town.run()
        town.become(State({0: AT_A}))
        town.run(
            Trouble(
                faults=(
                    ("POST", 0, 1, Fault(drop=True, when="after")),
                    ("POST", 0, 1, Fault(status=400)),
                )
            )
        )
        assert town.server.externalIds("User") == [town.external_id(0)]
        town.become(State())
        town.run()
        see_that_all_is_well(town)
