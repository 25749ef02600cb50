"""What was answered about proposals, in every store: kept whole, per tenant, until taken back."""

from addon.proposals.declined import DeclinedPlace
from addon.store.records import Namespace
from addon.sync.proposal_answers import (
    ITEM,
    NAMESPACE,
    ProposalAnswers,
    load_answers,
    save_answers,
)
from addon.tenants.model import Clause, Selector, SelectorExceptions

NOW, YEARS_LATER = 1_800_000_000.0, 2_000_000_000.0
CLAUSE = Clause(
    attribute="organizations.department", operator="in", value=("Norra", "Norra skolan")
)
SELECTOR = Selector(org_units=("/Elever",), groups=("norra@x.se",), filters=((CLAUSE,),))
NORTH = DeclinedPlace("12345678", "students", SELECTOR)


def test_a_tenant_that_has_answered_nothing_has_no_answers(store):
    assert load_answers(store, "C1", NOW) == ProposalAnswers()


def test_answers_are_kept_whole_for_years_and_apart_from_other_tenants(open_store):
    given = ProposalAnswers().declining([NORTH]).saying("12345680", has_none=True)
    save_answers(open_store(), "C1", given, NOW)
    assert load_answers(open_store(), "C1", YEARS_LATER) == given
    assert given == ProposalAnswers((NORTH,), ("12345680",))
    assert load_answers(open_store(), "C2", NOW) == ProposalAnswers()


def test_answers_are_gone_with_the_tenant(store):
    store.save_tenant("C1", b"{}")
    save_answers(store, "C1", ProposalAnswers((NORTH,)), NOW)
    store.delete_tenant("C1", NOW)
    assert load_answers(store, "C1", NOW) == ProposalAnswers()


def test_what_another_version_has_kept_is_no_answer(store):
    store.put(Namespace(NAMESPACE, "C1"), ITEM, b'{"declined": [7]}', NOW)
    assert load_answers(store, "C1", NOW) == ProposalAnswers()


def test_an_answer_is_kept_once_and_can_be_taken_back():
    given = ProposalAnswers().declining([NORTH, NORTH]).saying("1", True).saying("1", True)
    assert given == ProposalAnswers((NORTH,), ("1",))
    assert given.offering(NORTH).saying("1", False) == ProposalAnswers()


def test_people_who_are_excepted_are_not_kept():
    named = SELECTOR.excepting(SelectorExceptions(users=("117",)))
    given = ProposalAnswers().declining([DeclinedPlace("12345678", "students", named)])
    assert given.declined == (NORTH,)
