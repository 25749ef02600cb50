"""What went wrong once when a document changed, or read groups, and a list was short that day."""

from dataclasses import replace

import pytest

from addon.directory.evidence import UserQuestion
from tests.support.generated_tenant import LIMITED, UNITS, Spot
from tests.trust.observed import observed
from tests.trust.odd_directory import HONEST, OddReading
from tests.trust.test_evidence_property import (
    ASKED,
    Step,
    assert_exactly_the_roster,
    run_honestly,
    run_oddly,
)

IN_A = Spot("/Elever/A/7A", groups=frozenset({"elever-a", "kurs-a-ma"}))
IN_B = Spot("/Elever/B/7A", groups=frozenset({"elever-a", "kurs-b-ma"}))
SCHOOLS = {
    **dict.fromkeys((0, 1, 2), IN_A),
    **dict.fromkeys((3, 4), IN_B),
    5: replace(IN_B, groups=frozenset({"kurs-b-ma"})),
    6: Spot("/Personal/A", groups=frozenset({"kurs-a-ma"})),
    7: Spot("/Elever/C/7A"),
}
LACKED = (0, 3, 5)
MISSING = OddReading(users=frozenset(LACKED), answered=frozenset())


def at_once(*edits: str, reading: OddReading = HONEST) -> Step:
    """Two hours later the document has these edits, and the directory answers so."""
    return Step({}, False, UNITS, False, edits, False, 7200.0, reading, ())


def lists_lack(*groups: str) -> OddReading:
    """These groups' lists lack people, and only the accounts themselves are answered for."""
    members = frozenset((group, person) for group in groups for person in LACKED)
    return OddReading(members=members, answered=frozenset({UserQuestion}))


def after_edit(edit: str, reading: OddReading) -> list[Step]:
    """A whole reading by the edited document, then this one."""
    return [at_once(edit), at_once(edit, reading=reading)]


def undone(edit: str, reading: OddReading) -> list[Step]:
    """The edit's removals are held, and it is undone on the day of this reading."""
    return [at_once(edit, LIMITED), at_once(reading=reading)]


WENT_WRONG = (
    after_edit("filter", lists_lack("elever-a", "kurs-a-ma")),
    after_edit("filter by pattern", lists_lack("kurs-b-ma")),
    after_edit("classes by groups", lists_lack("kurs-a-ma")),
    [at_once("another code", reading=MISSING)],
    [at_once("merged", reading=MISSING)],
    [at_once("courses are classes", reading=lists_lack("kurs-a-ma"))],
    [at_once("students by group", reading=lists_lack("elever-a"))],
    [at_once("filter", reading=lists_lack("elever-a", "kurs-a-ma"))],
    undone("taken out", MISSING),
    undone("taken out", lists_lack("kurs-a-ma")),
    undone("except an OU", MISSING),
)


@pytest.mark.parametrize("taken", WENT_WRONG)
def test_what_went_wrong_when_selections_changed_goes_right(taken):
    with observed(ASKED[0]) as world:
        run_oddly(world, SCHOOLS, taken)
        run_honestly(world)
        assert_exactly_the_roster(world.tenant)
