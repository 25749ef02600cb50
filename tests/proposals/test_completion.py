"""What other sources than a place's name say of a unit's people completes the proposal."""

from tests.proposals.library import parse
from tests.proposals.score import score

UNITS = (
    "organisation: X\nnorra | 10000001 | Norra skolan | GR FTH\n"
    "sodra | 10000002 | Södra skolan | GR"
)
PUPILS = (
    "20 /Elever/{Norra=norra,Södra=sodra} skolan/{4..9}A | | student {1=}; class {2}A; year {2}\n"
)


def confidence(people: str, groups: str = "", units: str = UNITS) -> list[str]:
    """How sure each unit is, with what is wrong."""
    return [
        ", ".join((each.confidence, *each.wrong))
        for each in score(parse("x", units, people, groups))
    ]


def test_a_group_of_staff_adds_those_who_lie_in_another_schools_ou():
    found = confidence(
        PUPILS
        + "12 /Personal/Norra | in enhet-a-personal@ | staff norra\n"
        + "9 /Personal/Södra | in enhet-b-personal@ | staff sodra\n"
        + "2 /Personal/Södra | in enhet-a-personal@ enhet-b-personal@ | staff norra sodra"
    )
    assert found == ["likely", "sure"]


def test_a_group_of_everybody_adds_staff_of_another_school_and_no_pupils():
    found = confidence(
        "20 /Elever/Norra skolan/{4..9}A | in alla-n@ | student norra; class {1}A; year {1}\n"
        "20 /Elever/Södra skolan/{4..9}A | | student sodra; class {1}A; year {1}\n"
        "12 /Personal/Norra | in alla-n@ | staff norra\n"
        "9 /Personal/Södra | | staff sodra\n"
        "2 /Personal/Södra | in alla-n@ | staff norra sodra"
    )
    assert found == ["likely", "sure"]


def test_a_group_of_all_pupils_adds_those_without_a_class():
    found = confidence(
        "20 /Elever | in {norra,sodra}-{4..9}a@ {1}-elever@ | student {1}; class {2}A; year {2}\n"
        "4 /Elever | in norra-elever@ | student norra\n"
        "3 /Elever | | nobody\n"
        "12 /Personal | in {norra,sodra}-personal@ | staff {1}"
    )
    assert found == ["likely", "sure"]


def test_a_small_ou_for_fritids_beside_pupils_and_staff_is_staff_and_another_ou_a_question():
    school = "20 /Norra skolan/Elever/{4..9}A | | student norra; class {1}A; year {1}\n"
    staff = "12 /Norra skolan/Personal | | staff norra\n"
    (unit, _) = confidence(school + staff + "4 /Norra skolan/Fritids | | staff norra")
    assert unit == "likely"
    (unit, _) = confidence(school + staff + "4 /Norra skolan/Elevhem | | either")
    assert unit == "likely"


def test_values_that_name_the_unit_in_other_forms_are_its_too():
    found = confidence(
        "20 /Elever | organizations.department={Norra=norra,Södra=sodra} skolan;"
        " organizations.title={4..9}A | student {1=}; class {2}A; year {2}\n"
        "2 /Elever | organizations.department=Norra skollan; organizations.title=4A |"
        " student norra; class 4A; year 4\n"
        "12 /Personal | organizations.department={Norra=norra,Södra=sodra} skolan | staff {1=}\n"
        "3 /Personal | organizations.department=Norra skolan fritids | staff norra\n"
        "2 /Personal | organizations.department=Norra skolan/Södra skolan | staff norra sodra\n"
        "5 /Elever | organizations.department=Norra skolan; organizations.title=SLUTAT | nobody"
    )
    assert found == ["likely", "likely"]


def test_visiting_pupils_and_the_board_are_nobodys():
    found = confidence(
        "20 /Elever/{4..9}A | | student norra; class {1}A; year {1}\n"
        "6 /Elever/Besökselever | | nobody\n12 /Personal | | staff norra\n"
        "4 /Personal/Styrelsen | | nobody\n3 /Elever/5A | mail elev.demo#@ | nobody",
        units="organisation: X\nnorra | 10000001 | Norra skolan | GR",
    )
    assert found == ["sure"]


def test_classes_of_several_years_do_not_hide_the_years_of_the_others():
    found = confidence(
        "9 /Elever/Norra skolan/{1-2,3-4} | | student norra; class {1}\n"
        "9 /Elever/Norra skolan/{5,6} | | student norra; class {1}; year {1}\n"
        "8 /Personal/Norra skolan | | staff norra"
    )
    assert found[0] == "sure"


def test_who_a_value_names_for_another_school_than_the_ou_keeps_both_from_being_sure():
    found = confidence(
        PUPILS
        + "12 /Personal/Norra | organizations.department=Norra skolan | staff norra\n"
        + "2 /Personal/Norra | organizations.department=Södra skolan | either\n"
        + "9 /Personal/Södra | organizations.department=Södra skolan | staff sodra"
    )
    assert "sure" not in found


def test_groups_named_for_years_divide_the_staff_that_units_share():
    found = confidence(
        "20 /Ek/Elever/{F=0,1=1,2=2,3=3}A | | student norra; class {1}A; year {1=}\n"
        "20 /Ek/Elever/{4..6}A | | student sodra; class {1}A; year {1}\n"
        "12 /Ek/Personal | in a@ | staff norra\n9 /Ek/Personal | in b@ | staff sodra\n"
        "3 /Ek/Personal | | staff norra sodra",
        groups="a@ | Arbetslag F-3\nb@ | Arbetslag 4-6",
        units="organisation: X\nnorra | 10000001 | Ekskolan F-3 | FKLASS GR\n"
        "sodra | 10000002 | Ekskolan 4-6 | GR",
    )
    assert found == ["likely", "likely"]


def test_pupils_in_past_class_groups_only_have_left():
    people = (
        "20 /Elever | in klass-{5=4,6=5}a-2526@ klass-{1=}a-2425@ | student norra; class {1}A;"
        " year {1}\n8 /Elever | in klass-6a-2425@ | nobody\n9 /Personal | | staff norra"
    )
    one = "organisation: X\nnorra | 10000001 | Norra skolan | GR"
    assert confidence(people, units=one) in (["sure"], ["likely"])


def test_nothing_is_proposed_for_a_unit_that_has_ceased():
    ceased = UNITS + " | ceased"
    people = PUPILS.replace("student {1=}; class {2}A; year {2}", "either")
    assert confidence(people, units=ceased)[1] == "unsure"
