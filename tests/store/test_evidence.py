"""Evidence is the same in every store, also in a process that knows nothing but the store."""

from types import SimpleNamespace

import pytest

from addon.store.records import CachedItem
from tests.support.changing_tenant import ChangingTenant
from tests.support.generated_tenant import PEOPLE, Spot, State, held_at
from tests.trust.observed import Observed
from tests.trust.odd_answers import OddAnswer
from tests.trust.odd_directory import OddReading

HOUR = 3600.0
EVERYBODY = {
    number: Spot(f"/Elever/A/{'7A' if number % 2 else '8B'}", family=number % 3)
    for number in range(PEOPLE - 1)
} | {PEOPLE - 1: Spot("/Personal/A", groups=frozenset({"kurs-a-ma"}))}
NO_QUESTIONS = frozenset[type]()


@pytest.fixture
def observed(tmp_path, open_store, monkeypatch):
    with ChangingTenant(tmp_path, "own ids, filter", open_store=open_store) as tenant:
        # Firestore has a clock of its own; here it is the tenant's.
        clock = SimpleNamespace(time=tenant.clock)
        monkeypatch.setattr("addon.store.firestore.ledgers.time", clock)
        monkeypatch.setattr(CachedItem, "jumped", lambda item, now: 0.0)
        world = Observed(tenant)
        assert run_anew(world, open_store, EVERYBODY).status == "delivered"
        yield world


def run_anew(observed, open_store, spots, after=HOUR, **odd):
    """One run of a process that has only what the store has."""
    observed.change_to(State(spots))
    observed.tenant.store = open_store()
    return observed.run(after, OddReading(**odd))


def people_there(observed):
    return len(held_at(observed.tenant.server)["User"])


def test_a_short_list_is_believed_when_a_later_one_agrees(observed, open_store):
    left = {number: spot for number, spot in EVERYBODY.items() if number not in (0, 1)}
    assert run_anew(observed, open_store, left, answered=NO_QUESTIONS).status == "unchanged"
    run_anew(observed, open_store, left, after=60.0, answered=NO_QUESTIONS)
    assert people_there(observed) == PEOPLE
    run_anew(observed, open_store, left, after=601.0, answered=NO_QUESTIONS)
    assert people_there(observed) == PEOPLE - 2


def test_who_comes_back_in_the_next_list_was_never_gone(observed, open_store):
    short = {"users": frozenset({0, 1, 2}), "answered": NO_QUESTIONS}
    for _ in range(3):
        assert run_anew(observed, open_store, EVERYBODY, after=300.0, **short).status == "unchanged"
        assert run_anew(observed, open_store, EVERYBODY, after=300.0).status == "unchanged"
    assert people_there(observed) == PEOPLE


def test_who_is_protected_stays_so_until_a_person_says_otherwise(observed, open_store):
    hidden = EVERYBODY | {3: Spot("/Elever/A/7A", protected=True)}
    run_anew(observed, open_store, hidden)
    assert people_there(observed) == PEOPLE - 1
    for _ in range(3):
        assert run_anew(observed, open_store, EVERYBODY).status == "unchanged"
    observed.release()
    run_anew(observed, open_store, EVERYBODY)
    assert people_there(observed) == PEOPLE


def test_a_gateways_404_forgets_nobody(observed, open_store):
    left = {number: spot for number, spot in EVERYBODY.items() if number != 0}
    observed.change_to(State(left))
    observed.tenant.store = open_store()
    odd = (OddAnswer("DELETE", 0, 9, "404 page"), OddAnswer("question", 0, 9, "404 page"))
    assert observed.run(HOUR, answers=odd).status == "failed"
    assert people_there(observed) == PEOPLE
    run_anew(observed, open_store, left)
    assert people_there(observed) == PEOPLE - 1
