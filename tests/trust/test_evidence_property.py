"""Whatever Google and the vendor answer: nothing is lost, doubled, removed or revealed for it.

A directory and its document change truly, the directory is read oddly
(`tests.trust.odd_directory`), and what it leads to is sent to a vendor whose answers are replaced
by others (`tests.trust.odd_answers`). Held to, at each request (`tests.trust.observed`): nobody
protected is in any body, and nobody who is there and selected is deleted or taken out of anything,
unless the rule of evidence says that they are gone. When the oddities have ended, the vendor has
exactly the roster, each externalId once.
"""

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from addon.delivery.scim_client import CANNOT_TELL
from addon.sync.holds import record_approval
from addon.sync.protected_set import confirm_growth
from tests.support.changing_tenant import ChangingTenant
from tests.support.egil_state import TYPES
from tests.support.generated_tenant import (
    EDITS,
    LIMITED,
    PEOPLE,
    TENANT,
    UNITS,
    Spot,
    State,
    held_at,
)
from tests.trust.observed import Observed, facts, held, observed
from tests.trust.odd_answers import OddAnswer, odd_answers
from tests.trust.odd_directory import OddReading, readings
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
HONEST_RUNS = 4
HOUR = 3600.0


class Step(NamedTuple):
    """What changes before a run, `after` so many seconds, and how the run is answered."""

    people: dict[int, Spot]
    renamed: bool
    ticked: tuple[str, ...]
    back: bool
    edits: tuple[str, ...]
    released: bool
    after: float
    reading: OddReading
    answers: tuple[OddAnswer, ...]


selections = st.builds(
    tuple.__add__,
    st.one_of(st.just(()), st.sampled_from([(name,) for name in EDITS if name != LIMITED])),
    st.sampled_from(((), (), (), (LIMITED,))),
)
"""The document as it is first, or with one change of its selections; removals may be held."""

steps = st.lists(
    st.builds(
        Step,
        people=st.one_of(st.just({}), people, many),
        renamed=st.booleans(),
        ticked=st.sampled_from((UNITS, UNITS, UNITS, UNITS[1:])),
        back=st.sampled_from((False, False, True)),
        edits=st.one_of(st.just(()), st.just(()), selections),
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
            found.append(State(spots, step.renamed, step.ticked, step.edits))
    return found


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
    """The runs after all oddities have ended.

    An exception of an OU that is not there by that name keeps newcomers away until it is mended.
    """
    tenant = observed.tenant
    edits = tuple(each for each in tenant.state.edits if each != LIMITED)
    renamed = tenant.state.renamed and "except an OU" not in edits
    observed.change_to(replace(tenant.state, edits=edits, renamed=renamed))
    observed.before = tenant.state
    if any(tenant.ledger.refused()):
        tenant.next_day()
    for _ in range(HONEST_RUNS):
        if observed.run(after=HOUR).status == "held":
            record_approval(tenant.store, TENANT, tenant.vendor.id, tenant.clock())
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
    """At a vendor with its own ids, and neither filter nor list.

    What refers to something that it may not have, it may not take.
    """
    with observed("own ids, blind") as world:
        run_oddly(world, first, taken)
        run_honestly(world)
        there, wanted = copies(world.tenant), world.tenant.wanted
        roster = {(kind, external_id) for kind, found in wanted.items() for external_id in found}
        differing = {each for each in there.keys() | roster if there[each] != (each in roster)}
        lacking = {(kind, i) for kind, i in differing if not there[kind, i]}
        excused = {each for each in lacking if world.met & references_of(wanted, *each)}
        assert {external_id for _, external_id in differing - excused} <= world.met
        if any(number > 1 for number in there.values()):
            assert any(CANNOT_TELL in said for said in world.said)


def references_of(wanted: dict, kind: str, external_id: str) -> set[str]:
    """What a resource refers to, if it is wanted."""
    body = wanted[kind].get(external_id)
    return set() if body is None else {other for _, _, other in facts([(kind, external_id, body)])}


def copies(tenant: ChangingTenant) -> Counter[tuple[str, str]]:
    """How often the vendor has each resource."""
    return Counter((kind, external_id) for kind, external_id, _ in held(tenant))
