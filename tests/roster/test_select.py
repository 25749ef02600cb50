from unicodedata import normalize

import pytest

from addon.directory.snapshot import Snapshot
from addon.roster.model import Enrolment, Person, Roster
from addon.roster.select import select
from addon.tenants.conditions import SlowPatternError
from addon.tenants.model import Protected, YearRule
from tests.roster.builders import (
    CLASS_GROUP,
    CLASS_OU,
    NOBODY,
    NORRA,
    STAFF,
    about,
    department,
    group,
    ou,
    people_in,
    snapshot,
    tenant,
    unit,
    user,
    where,
)

SODRA = "/Elever/Södra skolan"


def enrolments(roster: Roster, id: str) -> list[str]:
    return [e.unit for e in roster.people[id].enrolments]


def test_an_empty_document_selects_nobody():
    roster = select(tenant(), snapshot(user("1"), group("g", "1")))
    assert roster == Roster({}, (), (), {"1": "not selected"}, frozenset())


def test_an_empty_directory_gives_an_empty_roster():
    roster = select(tenant(unit()), Snapshot((), (), ()))
    assert (roster.people, roster.groups, roster.left_out) == ({}, (), {})


def test_a_student_is_enrolled_and_staff_are_employed():
    school = unit(staff=people_in(STAFF))
    roster = select(
        tenant(school),
        snapshot(user("1", given_name="Örjan", family_name="D'Arc"), user("2", STAFF)),
    )
    assert roster.people["1"] == Person(
        id="1",
        primary_email="1@edu.storkoping.se",
        given_name="Örjan",
        family_name="D'Arc",
        enrolments=(Enrolment("10000001"),),
    )
    assert roster.people["2"].employments == ("10000001",)
    assert roster.people["2"].enrolments == ()


def test_names_and_addresses_are_stripped():
    messy = user("1", given_name=" Åsa\t", family_name="\u00a0Ek ", primary_email=" a@b.se ")
    person = select(tenant(unit()), snapshot(messy)).people["1"]
    assert (person.given_name, person.family_name, person.primary_email) == ("Åsa", "Ek", "a@b.se")


def test_an_ou_whose_name_only_begins_alike_is_another():
    school = unit(students=people_in("/Elever/Norra"))
    roster = select(
        tenant(school),
        snapshot(user("1", "/Elever/Norra/7A"), user("2", "/Elever/Norra skolan/7A")),
    )
    assert list(roster.people) == ["1"]


def test_an_ou_is_the_same_however_its_letters_are_composed():
    roster = select(
        tenant(unit(students=people_in(normalize("NFD", SODRA).upper()))),
        snapshot(user("1", SODRA)),
    )
    assert list(roster.people) == ["1"]
    assert roster.findings == ()


def test_the_top_ou_selects_everyone():
    roster = select(tenant(unit(students=people_in("/"))), snapshot(user("1"), user("2", "/")))
    assert sorted(roster.people) == ["1", "2"]
    assert roster.findings == ()


def test_an_ou_selected_below_another_selected_ou_selects_nobody_twice():
    roster = select(
        tenant(unit(students=people_in(NORRA, NORRA + "/7A"))),
        snapshot(user("1", NORRA + "/7A"), user("2", NORRA + "/7B")),
    )
    assert enrolments(roster, "1") == enrolments(roster, "2") == ["10000001"]


def test_a_student_at_two_schools_is_enrolled_in_the_documents_order():
    second = unit("10000001", people_in("elever@edu.storkoping.se"))
    first = unit("20000002", people_in(NORRA))
    roster = select(tenant(first, second), snapshot(user("1"), group("elever", "1")))
    assert enrolments(roster, "1") == ["20000002", "10000001"]


def test_staff_at_two_schools_are_employed_in_the_documents_order():
    units = [unit(code, NOBODY, people_in(STAFF)) for code in ("20000002", "10000001")]
    roster = select(tenant(*units), snapshot(user("1", STAFF)))
    assert roster.people["1"].employments == ("20000002", "10000001")


def test_who_is_staff_at_one_unit_is_a_student_at_none():
    units = unit("10000001", people_in(NORRA)), unit("20000002", NOBODY, people_in("v@x.se"))
    roster = select(tenant(*units), snapshot(user("1"), user("2"), group("v@x.se", "1")))
    assert roster.people["1"].enrolments == ()
    assert roster.people["1"].employments == ("20000002",)
    assert enrolments(roster, "2") == ["10000001"]


@pytest.mark.parametrize("why", ["suspended", "archived", "deleted"])
def test_an_inactive_account_never_belongs(why):
    roster = select(
        tenant(unit(classes=CLASS_GROUP)),
        snapshot(user("1", **{why: True}), user("2"), group("klass-7a", "1", "2")),
    )
    assert roster.left_out == {"1": why}
    assert roster.groups[0].students == ("2",)
    assert about(roster, "member-not-selected") == []


def test_left_out_tells_filtered_from_not_selected():
    stays = where("orgUnitPath", "notContains", "/Slutat")
    roster = select(
        tenant(unit(students=people_in(NORRA, filters=((stays,),)))),
        snapshot(user("1"), user("2", NORRA + "/Slutat"), user("3", STAFF)),
    )
    assert list(roster.people) == ["1"]
    assert roster.left_out == {"2": "filtered", "3": "not selected"}


def test_who_one_filter_stops_and_another_selector_takes_is_not_left_out():
    never = where("suspended", "equals", "true")
    roster = select(
        tenant(unit(students=people_in(NORRA, filters=((never,),)), staff=people_in(NORRA))),
        snapshot(user("1")),
    )
    assert roster.people["1"].employments == ("10000001",)
    assert roster.left_out == {}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"family_name": ""}, "missing-family-name"),
        ({"family_name": " \u00a0"}, "missing-family-name"),
        ({"given_name": ""}, "missing-given-name"),
        ({"given_name": "", "family_name": ""}, "missing-family-name"),
        ({"primary_email": "anna"}, "address-invalid"),
        ({"primary_email": "anna@"}, "address-invalid"),
        ({"primary_email": "@edu.storkoping.se"}, "address-invalid"),
    ],
)
def test_who_lacks_what_the_wire_needs_is_left_out_and_in_no_group(fields, code):
    school = unit(staff=people_in(STAFF), classes=CLASS_GROUP)
    roster = select(
        tenant(school),
        snapshot(
            user("1", **fields),
            user("2"),
            user("3", STAFF, **fields),
            group("klass-7a", "1", "2", "3"),
        ),
    )
    assert list(roster.people) == ["2"]
    assert roster.left_out == {"1": code, "3": code}
    assert (roster.groups[0].students, roster.groups[0].teachers) == (("2",), ())
    assert about(roster, code) == ["1", "3"]
    assert about(roster, "member-not-selected") == []


def test_the_school_year_comes_from_the_class():
    school = unit(classes=CLASS_OU, school_year=YearRule(source="class", pattern=r"^(?P<year>\d+)"))
    roster = select(tenant(school), snapshot(user("1", NORRA + "/7A"), user("2", NORRA + "/Kör")))
    assert roster.people["1"].enrolments == (Enrolment("10000001", 7),)
    assert roster.people["2"].enrolments == (Enrolment("10000001", None),)


def test_the_school_year_of_several_classes_is_that_of_the_first_by_name():
    school = unit(
        classes=department(), school_year=YearRule(source="class", pattern=r"^(?P<year>\d)")
    )
    many = user("1", attributes={"organizations.department": ("8B", "7A", "Kör")})
    assert select(tenant(school), snapshot(many)).people["1"].enrolments[0].school_year == 7


def test_each_unit_gives_its_own_school_year():
    by_ou = YearRule(source="orgUnit", pattern=r"/(?P<year>\d)")
    by_attribute = YearRule(source="attribute", pattern=r"(?P<year>\d)", attribute="x.year")
    units = unit("10000001", school_year=by_ou), unit("20000002", school_year=by_attribute)
    roster = select(
        tenant(*units), snapshot(user("1", NORRA + "/7A", attributes={"x.year": ("åk 8",)}))
    )
    assert roster.people["1"].enrolments == (Enrolment("10000001", 7), Enrolment("20000002", 8))


def test_people_are_in_the_order_of_their_ids():
    roster = select(tenant(unit()), snapshot(user("3"), user("1"), user("2")))
    assert list(roster.people) == ["1", "2", "3"]


def test_a_group_can_be_named_by_its_alias():
    school = unit(students=people_in("Gamla@edu.storkoping.se"))
    members = group("nya", "1", aliases=("gamla@edu.storkoping.se",))
    assert list(select(tenant(school), snapshot(user("1"), members)).people) == ["1"]


def test_the_group_of_everyone_selects_everyone():
    school = unit(students=people_in("alla@edu.storkoping.se"))
    roster = select(tenant(school), snapshot(user("1"), user("2"), group("alla", everyone=True)))
    assert list(roster.people) == ["1", "2"]


class TestProtected:
    """Nobody with protected identity is anywhere but in `protected`."""

    def absent(self, roster: Roster, id: str) -> bool:
        in_groups = any(id in (*g.students, *g.teachers) for g in roster.groups)
        counted = about(roster, "member-not-selected")
        found = any(f.subject == id for f in roster.findings)
        known = id in roster.people or id in roster.left_out
        return not (in_groups or counted or found or known)

    def test_the_ids_of_the_reading_are_passed_on(self):
        roster = select(tenant(unit()), snapshot(user("1"), protected=frozenset({"9"})))
        assert roster.protected == {"9"}

    def test_a_protected_id_among_users_and_members_is_ignored(self):
        roster = select(
            tenant(unit(classes=CLASS_GROUP)),
            snapshot(
                user("1"),
                user("9", given_name=""),
                group("klass-7a", "1", "9"),
                protected=frozenset({"9"}),
            ),
        )
        assert self.absent(roster, "9")
        assert roster.groups[0].students == ("1",)

    def test_a_user_in_a_protected_ou_is_protected(self):
        roster = select(
            tenant(
                unit(students=people_in("/"), classes=CLASS_GROUP),
                protected=Protected(org_units=("/skyddade",)),
            ),
            snapshot(user("1"), user("9", "/Skyddade/Norra"), group("klass-7a", "1", "9")),
        )
        assert self.absent(roster, "9")
        assert roster.protected == {"9"}

    def test_an_inactive_user_in_a_protected_ou_is_protected_too(self):
        roster = select(
            tenant(unit(), protected=Protected(org_units=(NORRA,))),
            snapshot(user("9", suspended=True)),
        )
        assert self.absent(roster, "9")
        assert roster.protected == {"9"}

    def test_an_ou_whose_name_only_begins_alike_protects_nobody(self):
        roster = select(
            tenant(unit(students=people_in("/")), protected=Protected(org_units=("/Skydd",))),
            snapshot(user("1", "/Skyddade"), ou("/Skydd")),
        )
        assert roster.protected == frozenset()

    @pytest.mark.parametrize("address", ["Skyddade@edu.storkoping.se", "hemliga@x.se"])
    def test_a_member_of_a_protected_group_is_protected(self, address):
        roster = select(
            tenant(unit(classes=CLASS_GROUP), protected=Protected(groups=(address,))),
            snapshot(
                user("1"),
                user("9"),
                group("skyddade", "9", "elsewhere", aliases=("hemliga@x.se",)),
                group("klass-7a", "1", "9", "elsewhere"),
            ),
        )
        assert self.absent(roster, "9")
        assert roster.protected == {"9", "elsewhere"}

    def test_protecting_the_group_of_everyone_protects_everyone(self):
        roster = select(
            tenant(unit(), protected=Protected(groups=("alla@edu.storkoping.se",))),
            snapshot(user("1"), user("2"), group("alla", everyone=True)),
        )
        assert roster.protected == {"1", "2"}
        assert not roster.people


def test_a_pattern_that_takes_too_long_ends_the_selection_and_is_told_by_its_place(monkeypatch):
    monkeypatch.setattr("addon.tenants.conditions.SLOWEST", 0.02)
    slow = r"^(?:(?:a|b|ab)*(?:ba|aab|b)*)*(?:c|(?:ab|ba)+c)+(?P<name>\d)$"
    pupil = user("1", attributes={"organizations.department": ("abab" * 40 + "x",)})
    with pytest.raises(SlowPatternError, match=r"^schoolUnits\[0\]\.classes\.pattern: "):
        select(tenant(unit(classes=department(slow))), snapshot(pupil))


def without_year(*people, **more):
    rule = YearRule(source="class", pattern=r"^(?P<year>\d)", **more)
    school = unit(classes=CLASS_OU, school_year=rule)
    roster = select(tenant(school), snapshot(*people))
    return [f.subject for f in roster.findings if f.code == "student-without-school-year"]


def test_a_student_without_a_school_year_is_a_finding():
    assert without_year(user("1", NORRA + "/7A"), user("2", NORRA + "/Vit")) == ["2"]


def test_a_class_that_has_no_school_year_is_no_finding():
    assert without_year(user("2", NORRA + "/IM Vit"), none=("IM",)) == []


def test_a_student_without_a_class_is_one_finding_and_not_two():
    school = unit(
        classes=department(), school_year=YearRule(source="class", pattern=r"^(?P<year>\d)")
    )
    codes = {f.code for f in select(tenant(school), snapshot(user("1"))).findings}
    assert "student-without-class" in codes
    assert "student-without-school-year" not in codes
