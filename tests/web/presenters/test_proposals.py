"""Which proposals are accepted together, and which need an answer first."""

from msgspec import structs

from addon.sync.proposal_answers import ProposalAnswers
from addon.tenants.model import SchoolUnit, Selector
from addon.web.presenters.proposals import proposals_view
from tests.proposals.domains import document, domain, proposed, registered

NAMES = ("Norra skolan", "Södra skolan", "Västra skolan")
DOMAIN = domain(
    {
        **{f"/Elever/{name}/7A": 20 for name in NAMES},
        **{f"/Personal/{name}": 3 for name in NAMES},
    }
)
NONE = ProposalAnswers()
CODES = tuple(unit.code for unit in registered(*NAMES))


def view(*confidences, answers=NONE, **selections):
    """The view when the units' proposals are that sure, and some have a selection."""
    units = registered(*NAMES)
    found = proposed(DOMAIN, *NAMES)
    made = tuple(
        structs.replace(proposal, confidence=confidence)
        for proposal, confidence in zip(found.proposals, confidences, strict=True)
    )
    tenant = structs.replace(
        document(),
        school_units=tuple(
            SchoolUnit(code=u.code, name=u.name, students=selections.get(u.name[:5], Selector()))
            for u in units
        ),
    )
    return proposals_view(DOMAIN, structs.replace(found, proposals=made), units, tenant, answers)


def test_a_unit_is_in_the_state_that_its_proposal_is_sure():
    found = view("sure", "likely", "unsure")
    assert tuple(found.states.values()) == ("sure", "likely", "question")
    assert found.in_state("sure", "likely") == CODES[:2]
    assert len(found.totals["sure"].students) == 20
    assert len(found.totals["likely"].staff) == 3


def test_a_unit_with_a_selection_or_without_students_needs_no_answer():
    own = Selector(org_units=("/Elever/Norra skolan",))
    answers = ProposalAnswers(without_students=CODES[1:2])
    found = view("unsure", "unsure", "none", answers=answers, Norra=own)
    assert tuple(found.states.values()) == ("done", "without", "question")


def test_a_sure_proposal_for_pupils_of_another_unit_is_a_question_with_their_number():
    own = Selector(org_units=("/Elever/Södra skolan", "/Elever/Norra skolan"))
    found = view("sure", "sure", "sure", Norra=own)
    assert found.states[CODES[1]] == "question"
    assert [(claim.code, claim.people) for claim in found.claims[CODES[1]]] == [(CODES[0], 20)]
    assert found.states[CODES[2]] == "sure"
    assert len(found.totals["sure"].students) == 20


def test_people_of_several_units_are_counted_once():
    both = proposed(DOMAIN, *NAMES)
    one, two, three = both.proposals
    same = structs.replace(two, staff=one.staff)
    units = registered(*NAMES)
    tenant = structs.replace(
        document(), school_units=tuple(SchoolUnit(code=u.code, name=u.name) for u in units)
    )
    made = structs.replace(both, proposals=(one, same, three))
    found = proposals_view(DOMAIN, made, units, tenant, ProposalAnswers())
    sure = found.totals["sure"]
    assert (len(sure.students), len(sure.staff)) == (60, 6)
