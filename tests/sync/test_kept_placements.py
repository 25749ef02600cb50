"""A job of which it is unconfirmed that it ended is kept where a vendor has it, and only there."""

from collections import Counter

import pytest

from tests.support.changing_tenant import ChangingTenant
from tests.support.generated_tenant import UNITS, Spot, State
from tests.trust.observed import Observed, held
from tests.trust.odd_directory import HONEST, QUESTIONS, OddReading

HOUR = 3600.0
UNANSWERED = OddReading(answered=frozenset())
TEACHER = Spot("/Elever/B", groups=frozenset({"personal-a"}))
PUPIL = Spot("/Elever/C/7A")


@pytest.fixture
def observed(tmp_path):
    with ChangingTenant(tmp_path, "own ids, filter", limits=(0, 100)) as tenant:
        world = Observed(tenant)
        run(world, {0: TEACHER, 1: PUPIL})
        yield world


def run(observed, spots, ticked=UNITS, reading=HONEST, after=HOUR):
    observed.change_to(State(spots, ticked=ticked))
    return observed.run(after, reading)


def at_vendor(observed, number=0):
    """What the vendor has of a person: accounts, schools where they study, and jobs."""
    person, found = observed.tenant.external_id(number), Counter()
    for kind, external_id, body in held(observed.tenant):
        if kind == "User" and external_id == person:
            schools = [body[key] for key in body if key.endswith("User")]
            found["account"] += 1
            found["school"] += sum(len(one.get("enrolments", ())) for one in schools)
        if kind == "Employment" and body["user"]["value"] == person:
            found["job"] += 1
    return +found


def classes(observed):
    """How many students each class at the vendor has."""
    bodies = [body for kind, _, body in held(observed.tenant) if kind == "StudentGroup"]
    return sorted(len(body["studentMemberships"]) for body in bodies)


def test_a_job_that_a_vendor_has_is_kept(observed):
    run(observed, {0: PUPIL, 1: PUPIL}, reading=UNANSWERED)
    assert at_vendor(observed) == {"account": 1, "job": 1}


def test_nobody_is_removed_for_a_job_at_a_unit_that_the_vendor_is_not_sent(observed):
    run(observed, {0: PUPIL, 1: PUPIL}, UNITS[1:], UNANSWERED)
    assert at_vendor(observed) == {"account": 1}
    for _ in range(2):
        run(observed, {0: PUPIL, 1: PUPIL}, UNITS[1:])
    assert at_vendor(observed) == {"account": 1, "school": 1}


@pytest.mark.parametrize("answered", [QUESTIONS, ()])
def test_staff_of_a_unit_that_a_vendor_is_not_sent_is_no_student_for_a_list_that_is_short_once(
    observed, answered
):
    teacher = Spot("/Elever/C/7A", groups=frozenset({"personal-a"}))
    there = {0: TEACHER, 1: PUPIL, 2: teacher}
    run(observed, there, UNITS[1:])
    short = OddReading(without_members=frozenset({"personal-a"}), answered=frozenset(answered))
    for _ in range(2):
        run(observed, there, UNITS[1:], short, after=60.0)
        assert at_vendor(observed, 2) == {}
    assert classes(observed) == [1]


def test_a_student_stays_one_at_a_vendor_that_has_not_heard_of_the_job(observed):
    for _ in range(2):
        run(observed, {0: PUPIL, 1: PUPIL})
    assert at_vendor(observed) == {"account": 1, "school": 1}
    assert run(observed, {0: TEACHER}).status == "held"
    assert at_vendor(observed) == {"account": 1, "school": 1}
    run(observed, {0: PUPIL, 1: PUPIL}, reading=UNANSWERED)
    assert at_vendor(observed) == {"account": 1, "school": 1}
    assert classes(observed) == [2]


def test_who_has_not_left_a_class_yet_and_is_in_it_again_stays_in_it(observed):
    """A job came while the class was not seen, and is not seen while the class is back."""
    for _ in range(2):
        run(observed, {0: PUPIL, 1: PUPIL})
    assert classes(observed) == [2]
    unseen = OddReading(org_units=frozenset({"/Elever/C/7A", "/Elever/C"}), users=frozenset({0}))
    run(observed, {0: Spot("/Personal/B"), 1: PUPIL}, reading=unseen)
    run(observed, {0: PUPIL, 1: PUPIL}, reading=UNANSWERED)
    assert classes(observed) == [2]
