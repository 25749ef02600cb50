"""Structures as text are read as their README says."""

import pytest

from tests.proposals.library import StructureError, expanded, parse, structures
from tests.proposals.score import score, total

UNITS = "organisation: X\nnorra | 10000001 | Norra skolan | GR"


def test_choices_stand_for_a_line_each_and_can_be_repeated():
    assert list(expanded("{1..2}{a,b} {1}{2^}")) == ["1a 1A", "1b 1B", "2a 2A", "2b 2B"]
    assert list(expanded("{NA25=1,TE24=2} {1_} {1=}")) == ["NA25 na25 1", "TE24 te24 2"]
    assert list(expanded("{a..c}")) == ["a", "b", "c"]


def test_people_have_accounts_groups_and_a_truth():
    made = parse(
        "x",
        UNITS,
        "2 /Elever/7A | in k7a@; organizations.title=Elev | student norra; class 7A; year 7\n"
        "1 /Personal | mail p#@y.se | staff norra\n1 /Personal | | either",
        groups="k7a@ | Klass 7A",
    )
    truth = made.truth["10000001"]
    assert truth.students == {"u1", "u2"} == truth.classes["7A"] == truth.years.keys()
    assert (truth.staff, made.either) == ({"u3"}, {"u4"})
    (group,) = made.snapshot.groups
    assert (group.email, group.name, group.members) == ("k7a@skola.se", "Klass 7A", {"u1", "u2"})
    assert made.snapshot.users[2].primary_email == "p3@y.se"
    assert {each.path for each in made.snapshot.org_units} >= {"/Elever", "/Elever/7A", "/Personal"}


def test_a_number_of_eight_digits_in_a_description_is_kept_and_nothing_else():
    made = parse("x", UNITS, "", org_units="/NOR | Norra, kod 10000001, ring Eva")
    assert made.snapshot.org_units[0].described_codes == ("10000001",)


@pytest.mark.parametrize("line", ["2 /Elever | |", "x /E | | nobody", "1 /E | | student sodra"])
def test_a_line_that_is_not_understood_is_named(line):
    with pytest.raises(StructureError, match="/E"):
        parse("x", UNITS, line)


def test_the_score_tells_right_from_wrong():
    right = "20 /Elever/Norra skolan/{4..9}A | | student norra; class {1}A; year {1}\n"
    staff = "9 /Personal/Norra skolan | | staff norra"
    assert total(score(parse("x", UNITS, right + staff))).right == 1
    wrong = total(score(parse("x", UNITS, right.replace("year {1}", "year 1") + staff)))
    assert (wrong.right, wrong.wrong_sure + wrong.wrong_likely) == (0, 1)


def test_every_structure_of_the_library_can_be_read():
    assert len(structures()) >= 30
