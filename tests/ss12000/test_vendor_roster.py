from addon.roster.placements import KnownGroup, Placements, group_id
from addon.roster.unconfirmed import with_unconfirmed
from addon.ss12000.ids import Ids
from addon.tenants.model import ConnectionExceptions
from tests.ss12000.rosters import (
    BINOGI,
    GLEERUPS,
    NORRA,
    SODRA,
    TENANT,
    carried,
    connection,
    group,
    roster,
    student,
    teacher,
)

TEACHERS_CLASSES = group("7B", "s2", "t1"), group("7A", "s1", "t1")


def members(vendor_roster) -> dict[str, tuple[str, str]]:
    """Each group's students and teachers, by unit and name where two have the same name."""
    return {g.name: (" ".join(g.students), " ".join(g.teachers)) for g in vendor_roster.groups}


def reduced(vendor_roster) -> list[str]:
    return [f.subject for f in vendor_roster.findings if f.code == "placement-reduced"]


# Units


def test_only_the_chosen_units_people_and_groups_are_carried():
    made = roster(
        student("s1", NORRA.code),
        student("s2", SODRA.code),
        teacher("t1", SODRA.code),
        group("7A", "s1"),
        group("NA24", "s2", "t1", unit=SODRA.code),
    )
    vendor_roster = carried(made, to=connection(SODRA))
    assert list(vendor_roster.people) == ["s2", "t1"]
    assert members(vendor_roster) == {"NA24": ("s2", "t1")}


def test_who_is_at_a_chosen_unit_and_another_is_at_the_chosen_one_only():
    made = roster(student("s1", (NORRA.code, 7), SODRA.code), teacher("t1", NORRA.code, SODRA.code))
    people = carried(made, to=connection(SODRA)).people
    assert [e.unit for e in people["s1"].enrolments] == [SODRA.code]
    assert people["t1"].employments == (SODRA.code,)


def test_no_unit_chosen_carries_nobody():
    made = roster(student("s1", NORRA.code), group("7A", "s1"))
    none = connection()
    assert carried(made, to=none).people
    vendor_roster = carried(made, to=type(none)(vendor="x", mode="live"))
    assert not vendor_roster.people
    assert not vendor_roster.groups


def test_a_vendor_without_limits_gets_everything_and_no_finding():
    made = roster(
        student("s1", NORRA.code, SODRA.code),
        teacher("t1", NORRA.code, SODRA.code),
        group("7A", "s1", "t1"),
        group("7B", "s1", "t1"),
        group("Ma", "s1", kind="teaching"),
    )
    vendor_roster = carried(made, GLEERUPS)
    assert vendor_roster.people == made.people
    assert vendor_roster.groups == made.groups
    assert vendor_roster.findings == ()


# Classes only


def test_a_vendor_of_classes_gets_no_teaching_groups():
    made = roster(
        student("s1", NORRA.code), group("7A", "s1"), group("7A Ma", "s1", kind="teaching")
    )
    assert members(carried(made, BINOGI)) == {"7A": ("s1", "")}


# One placement


def test_a_student_of_two_units_is_at_the_first_in_the_documents_order():
    made = roster(
        student("s1", (NORRA.code, 7), (SODRA.code, 1)),
        student("s2", SODRA.code),
        group("7A", "s1"),
        group("NA24", "s1 s2", unit=SODRA.code),
    )
    vendor_roster = carried(made, BINOGI)
    assert vendor_roster.people["s1"].enrolments == made.people["s1"].enrolments[:1]
    assert members(vendor_roster) == {"7A": ("s1", ""), "NA24": ("s2", "")}
    assert reduced(vendor_roster) == ["s1"]


def test_the_first_unit_is_the_first_of_those_that_are_chosen():
    made = roster(student("s1", NORRA.code, SODRA.code), group("NA24", "s1", unit=SODRA.code))
    vendor_roster = carried(made, BINOGI, connection(SODRA))
    assert members(vendor_roster) == {"NA24": ("s1", "")}
    assert reduced(vendor_roster) == []


def test_a_student_of_two_classes_is_in_the_first_by_name():
    made = roster(
        student("s1", NORRA.code),
        student("s2", NORRA.code),
        group("7B", "s1 s2"),
        group("7A", "s1"),
    )
    vendor_roster = carried(made, BINOGI)
    assert members(vendor_roster) == {"7A": ("s1", ""), "7B": ("s2", "")}
    assert reduced(vendor_roster) == ["s1"]


def test_of_two_classes_with_one_name_the_first_by_identity_counts():
    made = roster(
        student("s1", NORRA.code),
        group("7A", "s1", source_id="b"),
        group("7A", "s1", source_id="a"),
    )
    assert [g.source_id for g in carried(made, BINOGI).groups] == ["a"]


def test_a_teacher_of_two_units_is_at_the_first_of_them():
    made = roster(
        student("s1", NORRA.code),
        student("s2", SODRA.code),
        teacher("t1", NORRA.code, SODRA.code),
        group("7A", "s1", "t1"),
        group("NA24", "s2", "t1", unit=SODRA.code),
    )
    vendor_roster = carried(made, BINOGI)
    assert vendor_roster.people["t1"].employments == (NORRA.code,)
    assert members(vendor_roster) == {"7A": ("s1", "t1"), "NA24": ("s2", "")}
    assert reduced(vendor_roster) == ["t1"]


def test_a_teacher_of_two_classes_is_in_the_first_by_name():
    made = roster(
        student("s1", NORRA.code),
        student("s2", NORRA.code),
        teacher("t1", NORRA.code),
        *TEACHERS_CLASSES,
    )
    vendor_roster = carried(made, BINOGI)
    assert members(vendor_roster) == {"7A": ("s1", "t1"), "7B": ("s2", "")}
    assert reduced(vendor_roster) == ["t1"]


def test_a_teacher_is_not_placed_in_a_class_that_nobody_is_left_in():
    made = roster(
        student("s1", NORRA.code),
        student("s2", NORRA.code),
        teacher("t1", NORRA.code),
        group("7A", "s1"),
        group("7B", "s1", "t1"),
        group("7C", "s2", "t1"),
    )
    assert members(carried(made, BINOGI)) == {"7A": ("s1", ""), "7C": ("s2", "t1")}


def test_whose_one_placement_is_sent_gives_no_finding():
    made = roster(student("s1", NORRA.code), teacher("t1", NORRA.code), group("7A", "s1", "t1"))
    assert carried(made, BINOGI).findings == ()


def test_a_person_is_reported_once_and_the_vendor_is_named_but_not_the_person():
    made = roster(
        student("s1", NORRA.code, SODRA.code, given_name="Hemlig", family_name="Person"),
        group("7A", "s1"),
        group("7B", "s1"),
        group("NA24", "s1", unit=SODRA.code),
    )
    (finding,) = carried(made, BINOGI).findings
    assert (finding.code, finding.severity, finding.subject) == ("placement-reduced", "info", "s1")
    assert finding.message.startswith("Binogi takes one school unit and one class")
    assert ("vendor", "Binogi") in finding.values
    assert not {"Hemlig", "Person"} & set(str(finding).split())


def test_the_findings_are_in_the_order_of_the_people():
    people = [student(f"s{n}", NORRA.code, SODRA.code) for n in (3, 1, 2)]
    assert reduced(carried(roster(*people), BINOGI)) == ["s1", "s2", "s3"]


# Optional fields


def test_the_fields_are_those_chosen_that_the_vendor_can_use():
    to = connection(fields=("email", "schoolType"))
    assert carried(roster(), GLEERUPS, to).fields == {"email", "schoolType"}
    assert carried(roster(), BINOGI, to).fields == {"email"}
    assert carried(roster(), GLEERUPS).fields == set()


# Exceptions


def excepting(*users: str, classes=(), units=(NORRA, SODRA)):
    left = ConnectionExceptions(users=users, classes=classes)
    return connection(*units).excepting(left)


def test_an_excepted_person_is_not_sent_to_that_vendor_nor_named_in_a_group():
    made = roster(
        student("s1", NORRA.code),
        student("s2", NORRA.code),
        teacher("t1", NORRA.code),
        group("7A", "s1 s2", "t1"),
    )
    vendor_roster = carried(made, to=excepting("s1", "t1"))
    assert list(vendor_roster.people) == ["s2"]
    assert members(vendor_roster) == {"7A": ("s2", "")}
    assert vendor_roster.withheld == {"s1", "t1"}


def test_a_person_of_another_unit_is_not_excepted_but_not_chosen():
    made = roster(student("s1", SODRA.code))
    assert carried(made, to=excepting("s1", units=(NORRA,))).withheld == frozenset()


def test_an_excepted_class_is_not_sent_to_that_vendor_and_its_pupils_are():
    made = roster(
        student("s1", NORRA.code), student("s2", NORRA.code), group("7A", "s1"), group("7B", "s2")
    )
    seven_a = Ids(TENANT.customer_id).student_group(made.groups[0])
    vendor_roster = carried(made, to=excepting(classes=(seven_a,)))
    assert list(vendor_roster.people) == ["s1", "s2"]
    assert members(vendor_roster) == {"7B": ("s2", "")}
    assert [g.name for g in vendor_roster.withheld_groups] == ["7A"]


def test_a_vendor_of_one_class_gets_the_next_one_when_the_first_is_excepted():
    made = roster(student("s1", NORRA.code), group("7A", "s1"), group("7B", "s1"))
    seven_a = Ids(TENANT.customer_id).student_group(made.groups[0])
    to = excepting(classes=(seven_a,))
    assert members(carried(made, BINOGI, to=to)) == {"7B": ("s1", "")}


def test_a_class_that_is_unconfirmed_stays_where_all_its_pupils_are_in_an_earlier_one():
    made = roster(student("s1", NORRA.code), group("6C", "s1"))
    missing = group_id(group("7A", "s1"))
    for name in ("7A", ""):  # the name was not always kept
        kept = Placements(groups={missing: KnownGroup("class", ("s1",), name=name)})
        sent = carried(with_unconfirmed(made, kept, {NORRA.code}), BINOGI)
        assert [(g.source_id, g.unconfirmed, g.students) for g in sent.groups] == [
            ("id-6C", False, ("s1",)),
            ("id-7A", True, ()),
        ]


def test_an_unconfirmed_class_without_a_known_name_takes_nobody_out_of_the_others():
    made = roster(student("s1", NORRA.code), group("7A", "s1"))
    other = group_id(group("7B", "s1"))
    kept = Placements(groups={other: KnownGroup("class", ("s1",))})
    sent = carried(with_unconfirmed(made, kept, {NORRA.code}), BINOGI)
    assert members(sent)["7A"] == ("s1", "")
