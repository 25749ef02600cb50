"""Absence from a reading is no evidence: what is asked, what answers prove, what waits."""

import json

import pytest
from msgspec import structs

from addon.directory.evidence import (
    Absent,
    GroupQuestion,
    MembershipQuestion,
    OrgUnitQuestion,
    Present,
    Unknown,
    UserQuestion,
)
from addon.directory.snapshot import Group, OrgUnit, Snapshot, User
from addon.roster.placements import KnownPerson
from addon.store.sqlite.store import SQLiteStore
from addon.sync.enquiry import AGREE_AFTER, BUDGET
from addon.sync.evidence import confirm
from addon.sync.known_placements import Beginning, load_known, save_known
from addon.tenants.document import load_tenant
from tests.support.directory_answers import answers_from

NORTH, SOUTH = "10000001", "10000002"
NOW = 1_700_000_000.0


def tenant(**south):
    return load_tenant(
        json.dumps(
            {
                "customerId": "C0evidence",
                "organisation": {"name": "Staden"},
                "schoolUnits": [
                    {
                        "code": NORTH,
                        "name": "Norra",
                        "students": {"orgUnits": ["/Norra"]},
                        "classes": {"from": "orgUnit", "pattern": "^/Norra/(?P<name>[^/]+)$"},
                    },
                    {
                        "code": SOUTH,
                        "name": "Södra",
                        "students": {"groups": ["sodra@edu.se"]},
                        "teachingGroups": {"from": "group", "pattern": "^kurs-"},
                        **south,
                    },
                ],
            }
        ).encode()
    )


def user(number, path="/Norra/7A", **more):
    return User(f"u{number}", f"u{number}@edu.se", "Kim", "Ek", path, **more)


def group(name, *members):
    return Group(f"g-{name}", f"{name}@edu.se", name, members=frozenset(f"u{n}" for n in members))


def unit(path):
    return OrgUnit(f"id:{path}", path, path.rpartition("/")[2])


WHOLE = Snapshot(
    users=(user(1), user(2), user(3, "/Norra/7B"), user(4, "/Annat"), user(5, "/Annat")),
    groups=(group("sodra", 4, 5), group("kurs-ma", 4, 5)),
    org_units=tuple(map(unit, ("/Norra", "/Norra/7A", "/Norra/7B", "/Annat"))),
)


def without(snapshot, *numbers):
    gone = {f"u{n}" for n in numbers}
    return structs.replace(snapshot, users=tuple(u for u in snapshot.users if u.id not in gone))


def replaced(snapshot, *users):
    new = {user.id: user for user in users}
    return structs.replace(snapshot, users=tuple(new.get(user.id, user) for user in snapshot.users))


def with_groups(snapshot, *groups):
    new = {group.id: group for group in groups}
    return structs.replace(
        snapshot, groups=tuple(new.get(group.id, group) for group in snapshot.groups)
    )


class Directory:
    """Answers from `answers`, else from `truth`; `asked` are the questions it got."""

    def __init__(self, truth=WHOLE, **answers):
        self._ask = answers_from(lambda: truth)
        self.answers = {}
        self.asked = []

    def __call__(self, tenant, questions, budget):
        assert len(questions) <= budget <= BUDGET
        self.asked += questions
        found = self._ask(tenant, questions, budget)
        return {q: self.answers.get(q, found[q]) for q in questions}


def known_from(snapshot=WHOLE, document=None, at=NOW):
    return confirm(document or tenant(), snapshot, Beginning(), Directory(), at).known


def read(snapshot, ask, known=None, document=None, at=NOW + 3600):
    return confirm(document or tenant(), snapshot, known or known_from(), ask, at)


def test_an_unchanged_reading_asks_nothing():
    ask = Directory()
    found = read(WHOLE, ask)
    assert ask.asked == []
    assert found.evidence.unconfirmed.people == {}
    assert found.snapshot is WHOLE


def test_who_is_missing_and_there_when_asked_is_read_back():
    ask = Directory()
    found = read(without(WHOLE, 1), ask)
    assert ask.asked == [UserQuestion("u1")]
    assert found.roster.people["u1"].enrolments[0].unit == NORTH
    assert found.evidence.gone_people == frozenset()


def test_who_is_missing_and_absent_when_asked_is_gone():
    found = read(without(WHOLE, 1), Directory(without(WHOLE, 1)))
    assert found.evidence.gone_people == {"u1"}
    assert found.evidence.unconfirmed.people == {}
    assert "u1" not in found.known.placements.people


@pytest.mark.parametrize("why", ["503", "oddAnswer", "notAsked"])
def test_without_an_answer_it_waits_and_is_counted(why):
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown(why)
    found = read(without(WHOLE, 1), ask)
    assert found.evidence.unconfirmed.people == {"u1": KnownPerson(((NORTH, None),))}
    (told,) = [f for f in found.evidence.findings if f.code == "removal-unconfirmed"]
    assert (told.subject, dict(told.values)["count"]) == (NORTH, "1")
    assert "u1" in found.known.placements.people


def test_two_readings_agree_after_ten_minutes_and_not_before():
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown()
    first = read(without(WHOLE, 1), ask)
    soon = read(without(WHOLE, 1), ask, first.known, at=NOW + 3600 + AGREE_AFTER - 1)
    assert "u1" in soon.evidence.unconfirmed.people
    late = read(without(WHOLE, 1), ask, soon.known, at=NOW + 3600 + AGREE_AFTER)
    assert late.evidence.gone_people == {"u1"}


def test_a_reading_in_between_that_has_them_begins_anew():
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown()
    first = read(without(WHOLE, 1), ask)
    there = read(WHOLE, ask, first.known, at=NOW + 4000)
    again = read(without(WHOLE, 1), ask, there.known, at=NOW + 3600 + AGREE_AFTER)
    assert "u1" in again.evidence.unconfirmed.people


@pytest.mark.parametrize(
    "now",
    [user(1, "/Annat"), user(1, suspended=True), user(1, archived=True), user(1, deleted=True)],
)
def test_the_accounts_own_record_needs_no_question(now):
    ask = Directory()
    found = read(replaced(WHOLE, now), ask)
    assert ask.asked == []
    assert "u1" in found.evidence.gone_people


def test_an_account_in_an_ou_that_no_list_has_is_asked_about():
    ask = Directory()
    found = read(replaced(WHOLE, user(1, "/Nya namnet/7A")), ask)
    assert ask.asked == [UserQuestion("u1")]
    assert "u1" in found.roster.people


def test_an_empty_member_list_takes_nobody_out_of_a_school():
    ask = Directory()
    found = read(with_groups(WHOLE, group("sodra"), group("kurs-ma")), ask)
    assert {"u4", "u5"} <= found.roster.people.keys()
    assert {q for q in ask.asked if isinstance(q, MembershipQuestion)} >= {
        MembershipQuestion("g-sodra", "u4"),
        MembershipQuestion("g-kurs-ma", "u4"),
    }
    assert [g.students for g in found.roster.groups if g.source == "group"] == [("u4", "u5")]


def test_who_was_taken_out_of_a_group_is_gone_when_the_group_says_so():
    short = with_groups(WHOLE, group("sodra", 5), group("kurs-ma", 5))
    found = read(short, Directory(short))
    assert found.evidence.gone_people == {"u4"}


def test_a_group_that_the_list_lacks_and_that_is_there_stays_whatever_happens():
    less = structs.replace(WHOLE, groups=WHOLE.groups[:1])
    first = read(less, Directory())
    later = read(less, Directory(), first.known, at=NOW + 9000)
    key = (SOUTH, "group", "g-kurs-ma")
    assert later.evidence.unconfirmed.groups[key].students == ("u4", "u5")
    gone = read(less, Directory(less), later.known, at=NOW + 9100)
    assert gone.evidence.gone_groups == {key}


def test_an_ou_that_the_list_lacks_and_that_is_there_is_put_back():
    less = structs.replace(WHOLE, org_units=tuple(u for u in WHOLE.org_units if u.name != "7B"))
    ask = Directory()
    found = read(less, ask)
    assert OrgUnitQuestion("id:/Norra/7B") in ask.asked
    assert {g.name for g in found.roster.groups if g.kind == "class"} == {"7A", "7B"}


def test_a_changed_document_explains_what_it_takes_away():
    ask = Directory()
    known = known_from()
    found = read(WHOLE, ask, known, tenant(students={"orgUnits": ["/Norra/7B"]}))
    assert ask.asked == []
    assert found.evidence.gone_people == {"u4", "u5"}


def renamed_school(document):
    units = [structs.replace(unit, name=f"{unit.name} F-9") for unit in document.school_units]
    return structs.replace(document, school_units=tuple(units))


def test_a_new_name_of_a_school_explains_nothing():
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown()
    found = read(without(WHOLE, 1), ask, document=renamed_school(tenant()))
    assert found.evidence.unconfirmed.people.keys() == {"u1"}


def test_a_changed_selection_explains_only_those_whom_the_earlier_one_still_reaches():
    document = tenant()
    north, south = document.school_units
    north = structs.replace(
        north, students=structs.replace(north.students, org_units=("/Norra/7A",))
    )
    changed = structs.replace(document, school_units=(north, south))
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown()
    found = read(without(WHOLE, 1), ask, document=changed)
    assert found.evidence.unconfirmed.people.keys() == {"u1"}
    assert found.evidence.gone_people == {"u3"}


def test_an_edit_of_a_unit_explains_nothing_while_its_ou_is_missing():
    lost = structs.replace(
        WHOLE,
        users=tuple(u for u in WHOLE.users if u.org_unit_path == "/Annat"),
        org_units=(unit("/Annat"),),
    )
    document = renamed_school(tenant())
    north, south = document.school_units
    north = structs.replace(
        north, students=structs.replace(north.students, org_units=("/Norra", "/Norra/7A"))
    )
    changed = structs.replace(document, school_units=(north, south))
    found = read(lost, Directory(lost), document=changed)
    assert found.evidence.needs_approval == {"u1", "u2", "u3"}


def test_a_school_taken_out_of_the_document_needs_no_question():
    ask = Directory()
    document = tenant()
    only_south = structs.replace(document, school_units=document.school_units[1:])
    found = read(WHOLE, ask, document=only_south)
    assert ask.asked == []
    assert found.evidence.gone_people == {"u1", "u2", "u3"}


@pytest.mark.parametrize("path_is_new", [False, True])
def test_another_ou_at_a_path_is_selected_only_when_the_path_is_new_in_the_document(path_is_new):
    old, new = OrgUnit("id:/Norra", "/Gamla", "Gamla"), OrgUnit("id:new", "/Norra", "Norra")
    snapshot = structs.replace(
        WHOLE,
        users=(user(1, "/Gamla"), user(2, "/Norra"), *WHOLE.users[3:]),
        org_units=(old, new, unit("/Annat")),
    )
    known, document = known_from(), renamed_school(tenant())
    if path_is_new:
        north, south = known.school_units
        elsewhere = structs.replace(north.students, org_units=("/Annat",))
        north = structs.replace(north, students=elsewhere)
        known = structs.replace(known, school_units=(north, south))
    found = read(snapshot, Directory(snapshot), known, document)
    assert found.evidence.org_units["/norra"].id == ("id:new" if path_is_new else "id:/Norra")


def test_a_place_that_is_missing_leaves_it_to_a_person_for_ever():
    lost = structs.replace(
        WHOLE,
        users=tuple(u for u in WHOLE.users if u.org_unit_path == "/Annat"),
        org_units=(unit("/Annat"),),
    )
    ask = Directory(lost)
    found = read(lost, ask)
    assert found.evidence.needs_approval == {"u1", "u2", "u3"}
    later = read(lost, ask, found.known, at=NOW + 90_000)
    assert later.evidence.needs_approval == {"u1", "u2", "u3"}


def test_protected_people_are_never_waited_for():
    hidden = structs.replace(without(WHOLE, 1), protected=frozenset({"u1"}))
    ask = Directory()
    found = read(hidden, ask)
    assert ask.asked == []
    assert found.evidence.unconfirmed.people == {}


def test_many_more_than_may_be_asked_about_wait_and_the_few_elsewhere_are_asked_about():
    crowd = structs.replace(
        WHOLE, users=WHOLE.users + tuple(user(n) for n in range(100, 100 + BUDGET))
    )
    odd = structs.replace(crowd, users=(user(5, "/Annat"),))
    ask = Directory(odd)
    found = read(odd, ask, known_from(crowd))
    assert UserQuestion("u4") in ask.asked
    assert UserQuestion("u1") not in ask.asked
    assert found.evidence.gone_people == {"u4"}
    assert len(found.evidence.unconfirmed.people) == BUDGET + 3


def test_a_renamed_ou_is_followed_with_its_classes():
    def moved(path):
        return path.replace("/Norra", "/Skolor/Norra skolan")

    renamed = structs.replace(
        WHOLE,
        users=tuple(structs.replace(u, org_unit_path=moved(u.org_unit_path)) for u in WHOLE.users),
        org_units=tuple(structs.replace(u, path=moved(u.path)) for u in WHOLE.org_units),
    )
    ask = Directory(renamed)
    found = read(renamed, ask)
    assert ask.asked == []
    assert found.roster.people.keys() == {"u1", "u2", "u3", "u4", "u5"}
    assert {g.name for g in found.roster.groups if g.kind == "class"} == {"7A", "7B"}
    assert [(f.code, f.subject) for f in found.evidence.findings] == [
        ("org-unit-renamed", "/Norra")
    ]


def test_what_is_known_is_stored_without_names_of_people_and_read_back(tmp_path):
    known = known_from()
    store = SQLiteStore(tmp_path / "skolsynk.db")
    assert load_known(store, "C0evidence", NOW) is None
    save_known(store, "C0evidence", known, None)
    assert load_known(store, "C0evidence", NOW) == known
    store.close()
    assert b"edu.se" not in (tmp_path / "skolsynk.db").read_bytes()
    assert {group.name for group in known.placements.groups.values()} == {"7A", "7B", ""}


def test_what_is_known_is_not_written_again_when_nothing_changed(tmp_path):
    store = SQLiteStore(tmp_path / "skolsynk.db")
    known = known_from()
    save_known(store, "C0evidence", known, None)
    _, before = store.cost()
    again = read(WHOLE, Directory(), known)
    save_known(store, "C0evidence", again.known, known)
    assert store.cost()[1] == before
    store.close()


@pytest.mark.parametrize(("passed", "agree"), [(120.0, False), (3600.0, True), (None, True)])
def test_a_clock_that_jumped_ahead_between_two_readings_does_not_make_them_agree(
    tmp_path, passed, agree
):
    """An hour has passed by our clock, and so many seconds by the store's if it has one."""
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown()
    store = SQLiteStore(tmp_path / "skolsynk.db")
    first = read(without(WHOLE, 1), ask)
    save_known(store, "C0evidence", first.known, None)

    class Firestore:
        def get(self, namespace, name, now):
            return structs.replace(store.get(namespace, name, now), age=passed)

    later = NOW + 3600 + 3600
    known = load_known(Firestore(), "C0evidence", later)
    second = read(without(WHOLE, 1), ask, known, at=later)
    assert (second.evidence.gone_people == {"u1"}) is agree
    store.close()


def test_a_loss_that_was_seen_by_a_clock_that_was_ahead_is_seen_for_the_first_time():
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown()
    ahead = read(without(WHOLE, 1), ask, at=NOW + 90_000)
    first = read(without(WHOLE, 1), ask, ahead.known, at=NOW + 3600)
    assert "u1" in first.evidence.unconfirmed.people
    second = read(without(WHOLE, 1), ask, first.known, at=NOW + 3600 + AGREE_AFTER)
    assert second.evidence.gone_people == {"u1"}


def test_answers_that_are_present_are_believed_of_the_account_and_no_other():
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Present(user(1, "/Annat"))
    ask.answers[GroupQuestion("g-sodra")] = Absent()
    found = read(without(WHOLE, 1), ask)
    assert found.evidence.gone_people == {"u1"}


def test_a_group_that_the_document_names_and_google_lacks_leaves_it_to_a_person():
    lost = structs.replace(WHOLE, groups=WHOLE.groups[1:], missing_groups=("sodra@edu.se",))
    found = read(lost, Directory(lost))
    assert found.evidence.needs_approval == {"u4", "u5"}


def test_an_account_that_could_not_be_read_is_not_gone_however_often():
    odd = structs.replace(without(WHOLE, 1), unread=frozenset({"u1"}))
    ask = Directory()
    ask.answers[UserQuestion("u1")] = Unknown("oddAnswer")
    first = read(odd, ask)
    later = read(odd, ask, first.known, at=NOW + 90_000)
    assert "u1" in later.evidence.unconfirmed.people


def test_a_member_list_that_is_known_to_be_short_is_not_confirmed_by_a_second():
    short = with_groups(WHOLE, group("kurs-ma", 5))
    doubtful = structs.replace(
        short, doubts=structs.replace(short.doubts, groups=frozenset({"g-kurs-ma"}))
    )
    ask = Directory()
    ask.answers[MembershipQuestion("g-kurs-ma", "u4")] = Unknown()
    first = read(doubtful, ask)
    later = read(doubtful, ask, first.known, at=NOW + 90_000)
    assert later.evidence.unconfirmed.groups[(SOUTH, "group", "g-kurs-ma")].students == ("u4",)


def test_a_class_whose_people_are_in_an_ou_that_no_list_has_is_not_gone_however_often():
    """The list of OUs is late: the OU has another path there than the accounts say."""
    renamed = replaced(WHOLE, user(3, "/Norra/7B ny"))
    known, at = known_from(), NOW
    for _ in range(3):
        at += 3600
        found = read(renamed, Directory(renamed), known, at=at)
        known = found.known
        assert (NORTH, "orgUnit", "id:/Norra/7B") in found.evidence.unconfirmed.groups
