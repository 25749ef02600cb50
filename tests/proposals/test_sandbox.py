"""The proposals for the sandbox municipality against its right document."""

from itertools import chain

import pytest
from msgspec import structs

from addon.proposals.declined import DeclinedPlace, DeclinedPlaces
from addon.proposals.places import Place
from addon.proposals.propose import propose
from addon.roster.filters import choose
from addon.roster.index import DirectoryIndex
from addon.roster.placement import place
from addon.roster.select import select
from addon.tenants.document import decode_tenant, write_document
from addon.tenants.model import Protected
from tests.proposals.domains import sandbox


@pytest.mark.parametrize("students", [240, 3000])
def test_the_proposals_reach_whom_the_right_document_reaches_and_nobody_else(students):
    survey = sandbox(students)
    index = DirectoryIndex(Protected(), survey.snapshot)
    found = propose(index, survey.registered(), survey.empty)
    right = place(survey.right.school_units, index, ())
    ours = place([p.school_unit() for p in found.proposals], index, ())
    for want, have in zip(right.units, ours.units, strict=True):
        for wanted, reached in ((want.students, have.students), (want.staff, have.staff)):
            assert len(wanted & reached) >= 0.95 * len(wanted)
            assert reached <= wanted
    shared = {code for tree in found.shared_trees for code in tree.units}
    assert len(shared) == 2
    for proposal in found.proposals:
        assert proposal.confidence == ("likely" if proposal.code in shared else "sure")
    assert found.protected == survey.right.protected
    assert found.shape == "/Elever/skola/klass"


@pytest.mark.parametrize("students", [240, 3000])
def test_the_proposed_rules_find_the_same_classes_and_years(students):
    survey = sandbox(students)
    index = DirectoryIndex(survey.right.protected, survey.snapshot)
    found = propose(index, survey.registered(), survey.empty)
    proposed = structs.replace(
        survey.right, school_units=tuple(p.school_unit() for p in found.proposals)
    )
    right, ours = select(survey.right, survey.snapshot), select(proposed, survey.snapshot)

    def classes(roster):
        return {(g.unit, g.name.lower(), g.students) for g in roster.groups if g.kind == "class"}

    def years(roster):
        return {
            (id, e.unit): e.school_year for id, p in roster.people.items() for e in p.enrolments
        }

    def taught(roster):
        return set(chain(*(g.students for g in roster.groups if g.kind == "teaching")))

    assert classes(ours) == classes(right)
    ours_by, right_by = years(ours), years(right)
    assert {key: ours_by.get(key) for key, year in right_by.items() if year is not None} == {
        key: year for key, year in right_by.items() if year is not None
    }
    assert taught(right) <= taught(ours)


def test_a_document_of_accepted_proposals_is_a_right_one():
    survey = sandbox(240)
    found = propose(DirectoryIndex(Protected(), survey.snapshot), survey.registered(), survey.empty)
    accepted = structs.replace(
        survey.empty,
        school_units=tuple(p.school_unit() for p in found.proposals),
        protected=found.protected,
    )
    assert decode_tenant(write_document(accepted), {}) == accepted


@pytest.mark.parametrize("role", ["students", "staff"])
def test_what_any_unit_declines_is_not_proposed_to_it_again(role):
    survey = sandbox(240)
    index = DirectoryIndex(Protected(), survey.snapshot)
    units = survey.registered()
    before = propose(index, units, survey.empty)
    shared = {code for tree in before.shared_trees for code in tree.units}
    for one in before.proposals:
        declined = DeclinedPlace(one.code, role, getattr(one, role))
        after = propose(index, units, survey.empty, [declined])
        for old, new in zip(before.proposals, after.proposals, strict=True):
            had, has = getattr(old, role), getattr(new, role)
            if old.code == one.code:
                place = Place(role, (), has.org_units, has.groups)
                assert not DeclinedPlaces([declined]).has(one.code, place)
            else:
                assert choose(had, index).chosen <= choose(has, index).chosen
                again = next(each for each in after.proposals if each.code == one.code)
                if role == "students" and one.code in shared:
                    mine = choose(again.students, index).chosen
                    assert not mine & choose(has, index).chosen
