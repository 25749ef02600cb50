"""What runs cost in Firestore, counted at its client's API: the bounds that are promised."""

import time

import pytest

from addon.delivery.executor import INTENT_BATCH
from addon.delivery.lease import PROLONGED_AFTER
from addon.planning.ledger import SHARDS
from bench import notice_costs
from bench.country.model import batches_of, cost_of_delivery, cost_of_run, shards_of
from bench.firestore_costs import workplace
from bench.firestore_count import Count

RESOURCES = 12_821
READ_AT_EACH = 3
"""The lease, the document and who is protected: read each time that the lease is put off."""


@pytest.fixture(scope="module")
def lasted() -> dict[str, float]:
    """How many seconds deliveries took, which is the machine's matter."""
    return {}


@pytest.fixture(scope="module")
def costs(firestore_host, lasted) -> dict[str, Count]:
    """What was counted, from a first delivery on."""
    found: dict[str, Count] = {}
    with workplace(firestore_host) as place:
        meter = place.store.meter

        def run(name: str, requests: int | None) -> None:
            before = (meter.reads, meter.writes, meter.deletes)
            found[name], sent = place.run()
            assert requests in (None, sent)
            counted = (found[name].reads, found[name].writes, found[name].deletes)
            after = (meter.reads, meter.writes, meter.deletes)
            assert tuple(a - b for a, b in zip(after, before, strict=True)) == counted

        began = time.perf_counter()
        run("first", RESOURCES)
        lasted["first"] = time.perf_counter() - began
        run("unchanged", 0)
        run("unchanged again", 0)
        place.rename(1)
        run("renamed", 1)
        place.move("s000001", "g00001")
        run("moved", None)
        place.enrol(like="s000002", student="s999999")
        run("enrolled", None)
        run("unchanged after all", 0)
        found["planned unchanged"] = place.run_in_steps()[0]
        place.rename(1)
        found["planned"], found["delivered"], lasted["delivered"] = place.run_in_steps()
        place.rename(2000)
        found["planned 2000"], found["delivered 2000"], lasted["delivered 2000"] = (
            place.run_in_steps()
        )
    return found


@pytest.mark.parametrize(
    "name", ["unchanged", "unchanged again", "unchanged after all", "planned unchanged"]
)
def test_promise_5_a_run_with_nothing_changed_costs_next_to_nothing(costs, name):
    assert costs[name].reads <= 5
    assert costs[name].writes <= 3
    assert costs[name].deletes == 0


def test_a_first_delivery_takes_few_writes(costs, lasted):
    """The lease is put off at intervals, and what may end the delivery is read each time."""
    prolonged = lasted["first"] / PROLONGED_AFTER
    assert costs["first"].writes <= 400 + prolonged
    assert costs["first"].reads <= 14 + READ_AT_EACH * prolonged


@pytest.mark.parametrize("name", ["renamed", "moved", "enrolled"])
def test_one_person_changed_costs_little(costs, name):
    assert costs[name].reads <= 12
    assert costs[name].writes <= 12


@pytest.fixture(scope="module")
def of_notices(firestore_host) -> dict[str, Count]:
    """What notices cost, and the tasks of the runs that they ask for."""
    return notice_costs.counted(firestore_host)


def test_a_notice_costs_one_small_write_and_none_when_it_is_marked_already(of_notices):
    assert of_notices["notice"].writes == 1
    assert of_notices["notice"].largest_commit < 2000
    assert of_notices["notices of eight people"].writes <= 8
    assert of_notices["notice of what is marked"].writes == 0
    assert of_notices["wrong token"].reads == of_notices["wrong token"].calls == 0


@pytest.mark.parametrize(
    ("change", "reads", "writes"),
    [("renamed", 11, 11), ("joined", 11, 14), ("another class", 12, 13)],
)
def test_a_run_by_notice_costs_little(of_notices, change, reads, writes):
    """From the task to the vendor's answer, in a process that has cached nothing."""
    cost = of_notices[f"{change}: planned"]
    print(*cost.what, sep="\n")
    assert cost.reads <= reads
    assert cost.writes <= writes
    assert of_notices[f"{change}: delivered"].reads == 0  # it has no task of its own


def test_a_notice_that_changes_nothing_of_ours_has_little_written(of_notices):
    cost = of_notices["nothing of ours: planned"]
    assert cost.reads <= 6
    assert cost.writes <= 2


@pytest.mark.parametrize("per_second", [20, 40, 1000])
def test_a_first_delivery_takes_few_writes_also_when_the_vendor_is_slow(per_second):
    """Reckoned, since it would last for ten minutes; bench.firestore_costs plays it faster."""
    lasts = RESOURCES / per_second
    announced = RESOURCES / INTENT_BATCH + 7
    prolonged = lasts / PROLONGED_AFTER
    assert batches_of(lasts) + announced + prolonged + SHARDS + 5 <= 400


@pytest.mark.parametrize(
    ("name", "reckoned"),
    [
        ("planned unchanged", cost_of_run([0], 1)),
        ("planned", cost_of_run([1], 1)),
        ("planned 2000", cost_of_run([shards_of(2000)], 1)),
    ],
)
def test_the_simulation_of_the_country_reckons_with_what_planning_costs(costs, name, reckoned):
    counted = costs[name]
    assert counted.reads == pytest.approx(reckoned.reads, rel=0.15, abs=2)
    assert counted.writes == pytest.approx(reckoned.writes, rel=0.15, abs=2)
    assert counted.deletes == pytest.approx(reckoned.deletes, rel=0.3, abs=2)


@pytest.mark.parametrize(("name", "operations"), [("delivered", 1), ("delivered 2000", 2000)])
def test_the_simulation_of_the_country_reckons_with_what_delivering_costs(
    costs, lasted, name, operations
):
    """What was acknowledged is written down at intervals: the longer it takes, the more often."""
    counted = costs[name]
    least = cost_of_delivery(operations, 0, 1, 1, last=True)
    most = cost_of_delivery(operations, lasted[name], 1, 1, last=True)
    assert 0.85 * least.reads - 2 <= counted.reads <= 1.15 * most.reads + 2
    assert 0.85 * least.writes - 2 <= counted.writes <= 1.15 * most.writes + 2
    assert 0.7 * least.deletes - 2 <= counted.deletes <= 1.3 * most.deletes + 2
