"""A job of which it is unconfirmed that it ended is kept where a vendor has it, and only there."""

import pytest

from tests.support.changing_tenant import ChangingTenant
from tests.support.generated_tenant import UNITS, Spot, State
from tests.trust.observed import Observed, held
from tests.trust.odd_directory import HONEST, OddReading

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


def run(observed, spots, ticked=UNITS, reading=HONEST):
    observed.change_to(State(spots, ticked=ticked))
    return observed.run(HOUR, reading)


def at_vendor(observed):
    """What the vendor has of person 0: the schools where they study, and their jobs."""
    person = observed.tenant.external_id(0)
    studies, jobs = set(), 0
    for kind, external_id, body in held(observed.tenant):
        if kind == "User" and external_id == person:
            schools = [body[key] for key in body if key.endswith("User")]
            studies = {each["value"] for one in schools for each in one.get("enrolments", ())}
        if kind == "Employment" and body["user"]["value"] == person:
            jobs += 1
    return len(studies), jobs


def test_a_pupil_is_not_removed_for_a_job_at_a_unit_that_the_vendor_is_not_sent(observed):
    run(observed, {0: PUPIL, 1: PUPIL}, UNITS[1:], UNANSWERED)
    assert at_vendor(observed)[0] == 1


def test_a_job_that_a_vendor_has_is_kept(observed):
    run(observed, {0: PUPIL, 1: PUPIL}, reading=UNANSWERED)
    assert at_vendor(observed) == (0, 1)


def test_a_pupil_stays_one_at_a_vendor_that_has_not_heard_of_the_job(observed):
    for _ in range(2):
        run(observed, {0: PUPIL, 1: PUPIL})
    assert at_vendor(observed) == (1, 0)
    assert run(observed, {0: TEACHER}).status == "held"
    assert at_vendor(observed) == (1, 0)
    run(observed, {0: PUPIL, 1: PUPIL}, reading=UNANSWERED)
    assert at_vendor(observed) == (1, 0)
