from unicodedata import normalize

import pytest

from addon.roster.model import StudentGroup
from addon.roster.select import select
from addon.tenants.model import GroupRule
from tests.roster.builders import (
    CLASS_GROUP,
    CLASS_OU,
    NORRA,
    STAFF,
    TEACHING_GROUP,
    about,
    department,
    findings,
    group,
    ou,
    people_in,
    snapshot,
    tenant,
    unit,
    user,
    values,
)


def by_ou(pattern: str) -> GroupRule:
    return GroupRule(source="orgUnit", pattern=pattern)


def groups_of(school, *things):
    return select(tenant(school), snapshot(*things)).groups


def in_departments(id: str, *names: str):
    return user(id, attributes={"organizations.department": names})


class TestOrgUnits:
    def test_the_class_is_the_ou_whose_path_ends_where_the_name_ends(self):
        assert groups_of(
            unit(classes=CLASS_OU),
            user("2", NORRA + "/7A"),
            user("1", NORRA + "/7A"),
            ou(NORRA + "/7A", "ou-7a"),
        ) == (StudentGroup("10000001", "class", "orgUnit", "ou-7a", "7A", ("1", "2")),)

    def test_students_below_the_class_ou_are_in_the_class(self):
        rule = by_ou(r"/(?P<name>\d[A-Z])(/|$)")
        (made,) = groups_of(
            unit(classes=rule),
            user("1", NORRA + "/7A/Flickor"),
            user("2", NORRA + "/7A"),
            ou(NORRA + "/7A", "ou-7a"),
        )
        assert (made.source_id, made.students) == ("ou-7a", ("1", "2"))

    def test_a_name_that_ends_inside_an_ou_means_that_ou(self):
        (made,) = groups_of(
            unit(classes=by_ou(r"/Klass (?P<name>\d[A-Z])")),
            user("1", NORRA + "/Klass 7A (Anna)/Grupp 1"),
            ou(NORRA + "/Klass 7A (Anna)", "ou-7a"),
        )
        assert (made.source_id, made.name) == ("ou-7a", "7A")

    def test_a_sibling_ou_with_the_shorter_name_is_not_the_class(self):
        (made,) = groups_of(
            unit(classes=by_ou(r"/(?P<name>\d[A-Z])")),
            user("1", NORRA + "/7A Norra"),
            ou(NORRA + "/7A", "wrong"),
            ou(NORRA + "/7A Norra", "right"),
        )
        assert made.source_id == "right"

    def test_a_name_that_takes_the_slash_with_it_means_the_ou_before_it(self):
        (made,) = groups_of(
            unit(classes=by_ou(r"(?P<name>\d[A-Z]/)")),
            user("1", NORRA + "/7A/Grupp"),
            ou(NORRA + "/7A", "ou-7a"),
        )
        assert (made.source_id, made.name) == ("ou-7a", "7A")

    @pytest.mark.parametrize("pattern", ["/7A", r"/\d[A-Z](?P<name>x)?"])
    def test_without_a_name_the_ou_gives_its_own(self, pattern):
        (made,) = groups_of(
            unit(classes=by_ou(pattern)), user("1", NORRA + "/7A"), ou(NORRA + "/7A", "ou-7a")
        )
        assert (made.source_id, made.name) == ("ou-7a", "7A")

    def test_an_ou_is_found_without_regard_to_case_and_composition(self):
        (made,) = groups_of(
            unit(classes=by_ou("/(?P<name>7Å)$")),
            user("1", NORRA + "/" + normalize("NFD", "7Å")),
            user("2", NORRA + "/7Å"),
            ou(NORRA + "/7å", "ou-7å"),
        )
        assert (made.source_id, made.name, made.students) == ("ou-7å", "7Å", ("1", "2"))

    def test_an_ou_that_the_directory_lacks_gives_no_class(self):
        reading = snapshot(user("1", NORRA + "/7A"))
        known = tuple(u for u in reading.org_units if u.name != "7A")
        lacking = type(reading)(users=reading.users, groups=(), org_units=known)
        roster = select(tenant(unit(classes=CLASS_OU)), lacking)
        assert roster.groups == ()
        assert findings(roster) == [("student-without-class", "1")]

    def test_the_top_is_no_class(self):
        assert groups_of(unit(students=people_in("/"), classes=by_ou("^/")), user("1", "/")) == ()

    def test_two_ous_of_one_name_are_two_classes(self):
        made = groups_of(
            unit(classes=CLASS_OU), user("1", NORRA + "/A/7A"), user("2", NORRA + "/B/7A")
        )
        assert [(g.name, g.students) for g in made] == [("7A", ("1",)), ("7A", ("2",))]

    def test_staff_in_the_ou_are_not_its_teachers(self):
        school = unit(staff=people_in("larare@edu.storkoping.se"), classes=CLASS_OU)
        things = user("1", NORRA + "/7A"), user("2", NORRA + "/7A"), group("larare", "2")
        (made,) = groups_of(school, *things)
        assert (made.students, made.teachers) == (("1",), ())

    def test_teaching_groups_can_come_from_ous(self):
        (made,) = groups_of(unit(teaching_groups=CLASS_OU), user("1", NORRA + "/Kör"))
        assert (made.kind, made.name) == ("teaching", "Kör")


class TestGoogleGroups:
    def test_students_are_students_and_staff_are_teachers(self):
        school = unit(staff=people_in(STAFF), teaching_groups=TEACHING_GROUP)
        assert groups_of(
            school,
            user("3"),
            user("1"),
            user("5", STAFF),
            user("4", STAFF),
            group("norra-ma7", "1", "3", "4", "5", "elsewhere", id="g1"),
        ) == (StudentGroup("10000001", "teaching", "group", "g1", "ma7", ("1", "3"), ("4", "5")),)

    @pytest.mark.parametrize(
        ("pattern", "name", "expected"),
        [
            ("^klass-(?P<name>.+)@", "Sjuan", "7a"),
            ("^klass-", " Sjuan ", "Sjuan"),
            ("^klass-", "", "klass-7a@edu.storkoping.se"),
            ("^klass-(?P<name>x)?", "Sjuan", "Sjuan"),
        ],
    )
    def test_the_name_is_the_named_part_or_the_groups_own_or_its_address(
        self, pattern, name, expected
    ):
        (made,) = groups_of(
            unit(classes=GroupRule(source="group", pattern=pattern)),
            user("1"),
            group("klass-7a", "1", name=name),
        )
        assert made.name == expected

    @pytest.mark.parametrize(
        ("address", "name", "expected"),
        [
            ("klass-7a", "Klass 7A Norra skolan", "7A"),
            ("klass-na24a", "", "NA24A"),
            ("klass-7a", "Sjuan", "7A"),
            ("klass-ag1", "", "AG1"),
            ("klass-ek1a", "", "EK1A"),
            ("klass-grupp1", "", "grupp1"),
            ("klass-blå", "Klass Blå", "Blå"),
            ("klass-bla", "Klass Blå", "bla"),
        ],
    )
    def test_a_name_to_be_spelled_is_as_in_the_groups_own_name_else_in_upper_case(
        self, address, name, expected
    ):
        (made,) = groups_of(
            unit(classes=GroupRule(source="group", pattern="^klass-(?P<NAME>[^@]+)@")),
            user("1"),
            group(address, "1", name=name),
        )
        assert made.name == expected

    def test_each_unit_has_its_own_students_of_a_group(self):
        other = unit("20000002", people_in("/Elever/Södra"), classes=CLASS_GROUP)
        roster = select(
            tenant(unit(classes=CLASS_GROUP), other, unit("30000003", people_in(STAFF))),
            snapshot(user("1"), user("2", "/Elever/Södra"), group("klass-7a", "1", "2")),
        )
        assert [(g.unit, g.students) for g in roster.groups] == [
            ("10000001", ("1",)),
            ("20000002", ("2",)),
        ]

    def test_a_group_without_students_of_the_unit_is_no_group_there(self):
        school = unit(staff=people_in(STAFF), classes=CLASS_GROUP)
        assert groups_of(school, user("1"), user("2", STAFF), group("klass-7a", "2")) == ()

    def test_a_group_that_both_rules_match_is_a_class_only(self):
        any_group = GroupRule(source="group", pattern="(?P<name>.+)@")
        made = groups_of(
            unit(classes=CLASS_GROUP, teaching_groups=any_group),
            user("1"),
            group("klass-7a", "1"),
            group("ma7", "1"),
        )
        assert [(g.kind, g.name) for g in made] == [("class", "7a"), ("teaching", "ma7")]

    def test_a_group_can_be_a_class_at_one_unit_and_a_teaching_group_at_another(self):
        units = unit("1", classes=CLASS_GROUP), unit("2", teaching_groups=CLASS_GROUP)
        roster = select(tenant(*units), snapshot(user("1"), group("klass-7a", "1")))
        assert [(g.unit, g.kind) for g in roster.groups] == [("1", "class"), ("2", "teaching")]

    def test_the_pattern_is_not_searched_in_aliases(self):
        made = groups_of(
            unit(classes=CLASS_GROUP), user("1"), group("7a", "1", aliases=("klass-7a@x.se",))
        )
        assert made == ()

    def test_the_group_of_everyone_holds_all_of_the_unit(self):
        school = unit(staff=people_in(STAFF), classes=CLASS_GROUP)
        (made,) = groups_of(school, user("1"), user("2", STAFF), group("klass-alla", everyone=True))
        assert (made.students, made.teachers) == (("1",), ("2",))

    def test_a_student_who_is_staff_elsewhere_teaches_only_where_employed(self):
        units = (
            unit("1", classes=CLASS_GROUP),
            unit("2", people_in("/Elever/Södra"), people_in("v@x.se"), classes=CLASS_GROUP),
        )
        roster = select(
            tenant(*units),
            snapshot(
                user("1"),
                user("2", "/Elever/Södra"),
                user("3"),
                group("v@x.se", "3"),
                group("klass-7a", "1", "2", "3"),
            ),
        )
        assert [(g.students, g.teachers) for g in roster.groups] == [
            (("1",), ()),
            (("2",), ("3",)),
        ]


class TestAttributes:
    def test_the_same_name_is_the_same_class(self):
        assert groups_of(
            unit(classes=department()), in_departments("1", "7A"), in_departments("2", "7A")
        ) == (StudentGroup("10000001", "class", "attribute", "7A", "7A", ("1", "2")),)

    def test_each_value_can_give_a_group(self):
        made = groups_of(
            unit(teaching_groups=department(r"^grupp (?P<name>.*)$")),
            in_departments("1", "grupp Ma", "grupp Sv", "grupp ", "7A", "grupp Ma"),
        )
        assert [(g.name, g.students) for g in made] == [("Ma", ("1",)), ("Sv", ("1",))]

    def test_names_are_stripped_and_composed(self):
        (made,) = groups_of(
            unit(classes=department()),
            in_departments("1", " 7Å "),
            in_departments("2", normalize("NFD", "7Å")),
        )
        assert (made.source_id, made.students) == ("7Å", ("1", "2"))

    def test_a_pattern_without_a_name_gives_the_whole_match(self):
        (made,) = groups_of(unit(classes=department(r"\d[A-Z]")), in_departments("1", "Åk 7A"))
        assert made.name == "7A"

    def test_a_group_named_as_a_class_is_the_class_and_a_finding_says_so(self):
        subject = GroupRule(source="attribute", pattern="(?P<name>.+)", attribute="x.groups")
        both = user("1", attributes={"organizations.department": ("7A",), "x.groups": ("7A", "Ma")})
        roster = select(tenant(unit(classes=department(), teaching_groups=subject)), snapshot(both))
        assert [(g.kind, g.name) for g in roster.groups] == [("class", "7A"), ("teaching", "Ma")]
        assert values(roster, "teaching-group-named-as-class") == [
            {"unit": "10000001", "unitName": "Norra skolan", "name": "7A"}
        ]


def test_a_unit_without_rules_has_no_groups():
    assert groups_of(unit(), user("1", NORRA + "/7A"), group("klass-7a", "1")) == ()


def test_groups_are_sorted_by_unit_kind_name_and_source():
    rules = {"classes": CLASS_OU, "teaching_groups": TEACHING_GROUP}
    units = unit("20000002", **rules), unit("10000001", **rules)
    roster = select(
        tenant(*units),
        snapshot(
            user("1", NORRA + "/8A"),
            user("2", NORRA + "/7A"),
            user("3", NORRA + "/x/7A"),
            ou(NORRA + "/7A", "ou-2"),
            ou(NORRA + "/x/7A", "ou-1"),
            ou(NORRA + "/8A", "ou-0"),
            group("norra-sv", "1"),
            group("norra-en", "1"),
        ),
    )
    assert [(g.unit, g.kind, g.name, g.source_id) for g in roster.groups] == [
        (code, *rest)
        for code in ("20000002", "10000001")
        for rest in (
            ("class", "7A", "ou-1"),
            ("class", "7A", "ou-2"),
            ("class", "8A", "ou-0"),
            ("teaching", "en", "id-norra-en"),
            ("teaching", "sv", "id-norra-sv"),
        )
    ]


def test_an_ou_that_both_rules_find_is_a_class_only():
    roster = select(
        tenant(unit(classes=CLASS_OU, teaching_groups=CLASS_OU)), snapshot(user("1", NORRA + "/7A"))
    )
    assert [g.kind for g in roster.groups] == ["class"]
    assert about(roster, "teaching-group-named-as-class") == []
