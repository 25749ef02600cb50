import time

import pytest

from addon.proposals.declined import DeclinedPlace
from addon.proposals.model import Unmatched
from addon.proposals.propose import propose
from addon.proposals.reasons import CODES
from addon.roster.filters import choose
from addon.tenants.model import Protected, Selector
from tests.proposals.domains import (
    Registered,
    codes,
    document,
    domain,
    first,
    ids,
    members,
    proposed,
    registered,
)
from tests.roster.builders import user

TWO = ("Norra skolan", "Södra skolan")
ROLES = {"elever": 60, "personal": 8}


def places(proposal) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return proposal.students.org_units, proposal.staff.org_units


@pytest.mark.parametrize(
    ("students", "staff", "shape"),
    [
        ("/Elever/{}", "/Personal/{}", "/Elever/skola"),
        ("/{}/Elever", "/{}/Personal", "/skola/Elever"),
        ("/{} elever", "/{} personal", "/skola elever"),
        ("/Elever {}", "/Personal {}", "/elever skola"),
        ("/Skolor/{}/Pupils", "/Skolor/{}/Staff", "/Skolor/skola/Pupils"),
        ("/Utbildning/Elever/{}", "/Utbildning/Lärare/{}", "/Utbildning/Elever/skola"),
        ("/Barn/{}", "/Pedagoger/{}", "/Barn/skola"),
        ("/larare-och-elever/{}/students", "/larare-och-elever/{}/larare", ""),
    ],
)
def test_each_way_of_keeping_schools_is_understood(students, staff, shape):
    index = domain(
        {students.format(n): 40 for n in TWO} | {staff.format(n): 5 for n in TWO} | {"/Annat": 1}
    )
    found = proposed(index, *TWO)
    for proposal in found.proposals:
        assert places(proposal) == (
            (students.format(proposal.name),),
            (staff.format(proposal.name),),
        )
        assert (proposal.students_reached, proposal.staff_reached) == (40, 5)
        assert proposal.confidence == "sure"
    assert not shape or found.shape == shape


def test_classes_below_the_school_are_in_the_shape_and_in_the_rules():
    index = domain(
        {f"/Norra/Elever/Åk {n}/{n}{letter}": 20 for n in (7, 8) for letter in "AB"}
        | {"/Norra/Personal": 8}
    )
    found = proposed(index, "Norra skolan")
    [norra] = found.proposals
    assert found.shape == "/skola/Elever/årskurs/klass"
    assert norra.class_names == ("7A", "7B", "8A", "8B")
    assert norra.school_year is not None
    assert {"classes", "school-years"} <= set(codes(norra))


@pytest.mark.parametrize("short", ["Norra", "norra", "NORRASKOLAN", "NS", "N-skolan", "Nor"])
def test_a_shortened_name_is_found(short):
    index = domain({f"/Elever/{short}": 30, f"/Personal/{short}": 4, "/Elever/Södra": 30})
    norra, sodra = proposed(index, *TWO).proposals
    assert places(norra) == ((f"/Elever/{short}",), (f"/Personal/{short}",))
    assert sodra.students.org_units == ("/Elever/Södra",)


def test_aring_written_as_a_is_found():
    index = domain({"/elever/angs": 30, "/elever/askolan": 20, "/personal/angs": 5})
    angs, a = proposed(index, "Ängsskolan", "Åskolan").proposals
    assert angs.students.org_units == ("/elever/angs",)
    assert a.students.org_units == ("/elever/askolan",)


def test_the_municipalitys_name_before_the_schools_is_no_hindrance():
    index = domain({"/Gymnasiet elever": 90, "/Gymnasiet personal": 9, "/Elever/Lindskolan": 30})
    [gymnasium] = proposed(index, Registered("1", "Storköpings gymnasium", ("GY",))).proposals
    assert places(gymnasium) == (("/Gymnasiet elever",), ("/Gymnasiet personal",))
    assert gymnasium.confidence == "sure"


def test_two_schools_of_nearly_the_same_name_get_each_its_own():
    names = ("Björkskolan", "Björkbackaskolan", "Björkhagaskolan")
    index = domain({f"/Elever/{n}": 30 for n in names} | {f"/Personal/{n}": 4 for n in names})
    for proposal in proposed(index, *names).proposals:
        assert proposal.students.org_units == (f"/Elever/{proposal.name}",)
        assert proposal.confidence == "sure"


def test_the_better_fit_is_found_over_all_units_and_not_by_the_first_come():
    index = domain({"/Elever/Björk": 30, "/Elever/Björkbacka": 30})
    backa, bjork = proposed(index, "Björkbackaskolan", "Björkskolan").proposals
    assert backa.students.org_units == ("/Elever/Björkbacka",)
    assert bjork.students.org_units == ("/Elever/Björk",)


def test_one_org_unit_that_two_units_could_have_is_said_to_be_doubtful():
    index = domain({"/Elever/Norra skolan": 30, "/Personal/Norra skolan": 3})
    units = [Registered("1", "Norra skolan"), Registered("2", "Norra skolan")]
    one, other = sorted(proposed(index, *units).proposals, key=lambda p: -len(p.reasons))
    assert one.confidence == "unsure"
    assert "contested" in codes(one)
    assert other.confidence == "none"
    assert {a.text for a in other.alternatives} == {
        "/Elever/Norra skolan",
        "/Personal/Norra skolan",
    }


def test_two_org_units_that_one_unit_could_have_are_both_offered():
    index = domain({"/Elever/Norra": 30, "/Östra området/Elever/Norra": 31, "/Personal/Norra": 3})
    proposal = first(index, "Norra skolan")
    assert proposal.confidence == "unsure"
    assert "several-places" in codes(proposal)
    offered = {path for a in proposal.alternatives for path in a.selector.org_units}
    assert offered | set(proposal.students.org_units) >= {
        "/Elever/Norra",
        "/Östra området/Elever/Norra",
    }


def test_an_empty_org_unit_gives_way_to_one_with_people():
    index = domain({"/Gammalt/Elever/Norra": 0, "/Elever/Norra": 30, "/Personal/Norra": 3})
    assert first(index, "Norra skolan").students.org_units == ("/Elever/Norra",)


def test_the_kind_of_school_decides_between_units_of_the_same_name():
    index = domain(
        {
            "/Elever/Grundskola/Norra": 90,
            "/Elever/Anpassad grundskola/Norra": 9,
            "/Elever/Gymnasium/Linden": 90,
            "/Personal/Norra": 9,
        }
    )
    adapted, primary, upper = proposed(
        index,
        Registered("1", "Norra skolan", ("GRAN",)),
        Registered("2", "Norra skolan", ("GR",)),
        Registered("3", "Lindens gymnasium", ("GY",)),
    ).proposals
    assert adapted.students.org_units == ("/Elever/Anpassad grundskola/Norra",)
    assert primary.students.org_units == ("/Elever/Grundskola/Norra",)
    assert upper.students.org_units == ("/Elever/Gymnasium/Linden",)


def test_another_units_org_unit_below_ones_own_is_kept_out():
    index = domain(
        {"/Elever/Norra skolan/7A": 20, "/Elever/Norra skolan/Anpassad": 5, "/Personal/Norra": 3}
    )
    primary, adapted = proposed(
        index,
        Registered("1", "Norra skolan", ("GR",)),
        Registered("2", "Norra skolan anpassad grundskola", ("GRAN",)),
    ).proposals
    assert adapted.students.org_units == ("/Elever/Norra skolan/Anpassad",)
    assert choose(primary.students, index).chosen == set(ids("/Elever/Norra skolan/7A", 20))
    assert "other-below" in codes(primary)


def test_a_preschools_people_among_those_of_the_only_unit_are_kept_out():
    index = domain(
        {
            "/Elever/7A": 20,
            "/Elever/8A": 20,
            "/Personal/Skola": 9,
            "/Personal/Förskola": 6,
            "/Personal/Förskola och skola": 2,
        }
    )
    (proposal,) = proposed(index, "Fjärilens skola").proposals
    kept = {*ids("/Personal/Skola", 9), *ids("/Personal/Förskola och skola", 2)}
    assert choose(proposal.staff, index).chosen == kept
    assert proposal.staff.exceptions.org_units == ("/Personal/Förskola",)


def test_a_part_of_the_only_units_staff_beside_the_others_is_staff():
    index = domain(
        {"/Elever/7A": 20, "/Elever/8A": 20, "/Personal": 9, "/Ledning": 3, "/Styrelse": 4}
    )
    (proposal,) = proposed(index, "Lotsens skola").proposals
    assert proposal.staff.org_units == ("/Personal", "/Ledning")


def test_class_groups_of_another_units_people_are_no_doubt():
    pupils, adapted = ids("/Elever/Almlundaskolan", 264), ids("/Elever/Almlunda anpassad", 14)
    names = [f"{year}{letter}" for year in range(4, 10) for letter in "ab"]
    index = domain(
        {
            "/Elever/Almlundaskolan": 264,
            "/Elever/Almlunda anpassad": 14,
            "/Personal/Almlundaskolan": 41,
            "/Personal/Almlunda anpassad": 11,
        },
        *(members(f"almlunda-{name}", *pupils[n::12]) for n, name in enumerate(names)),
        *(members(f"almlunda-ag{n + 1}", *adapted[n::2]) for n in (0, 1)),
    )
    _, found = proposed(
        index,
        Registered("1", "Almlundaskolan", ("GR",)),
        Registered("2", "Almlunda anpassade grundskola", ("GRAN",)),
    ).proposals
    assert found.students.org_units == ("/Elever/Almlunda anpassad",)
    assert "several-places" not in codes(found)
    assert found.class_names == ("AG1", "AG2")


def test_stages_of_one_school_are_all_its_own():
    index = domain({"/Elever/Norra F-3": 20, "/Elever/Norra 4-6": 20, "/Personal/Norra": 3})
    proposal = first(index, "Norra skolan")
    assert set(proposal.students.org_units) == {"/Elever/Norra F-3", "/Elever/Norra 4-6"}
    assert "more-ou" in codes(proposal)


def test_stages_that_are_units_of_their_own_are_kept_apart():
    index = domain({"/Elever/Norra F-6": 20, "/Elever/Norra 7-9": 20})
    low, high = proposed(index, "Norra skolan F-6", "Norra skolan 7-9").proposals
    assert low.students.org_units == ("/Elever/Norra F-6",)
    assert high.students.org_units == ("/Elever/Norra 7-9",)


def test_a_domain_with_groups_instead_of_org_units_is_found():
    pupils, adults = ids("/Alla", 40)[:30], ids("/Alla", 40)[30:]
    index = domain(
        {"/Alla": 40}, members("elever.norra", *pupils), members("personal-norra", *adults)
    )
    proposal = first(index, "Norra skolan")
    assert proposal.students == Selector(groups=("elever.norra@edu.storkoping.se",))
    assert proposal.staff == Selector(groups=("personal-norra@edu.storkoping.se",))
    assert {"student-group", "staff-group"} <= set(codes(proposal))


def test_staff_in_the_schools_only_org_unit_are_told_from_students_by_their_group():
    pupils, adults = ids("/Norra skolan", 40)[:30], ids("/Norra skolan", 40)[30:]
    index = domain({"/Norra skolan": 40}, members("larare.norra", *adults, name="Lärare Norra"))
    proposal = first(index, "Norra skolan")
    assert choose(proposal.students, index).chosen == set(pupils)
    assert choose(proposal.staff, index).chosen == set(adults)


def test_an_org_unit_of_students_and_staff_that_nothing_tells_apart_is_doubtful():
    proposal = first(domain({"/Norra skolan": 40}), "Norra skolan")
    assert proposal.confidence == "unsure"
    assert {"mixed-ou", "no-staff"} <= set(codes(proposal))


def test_schools_told_by_an_attribute_are_found():
    def at(path: str, school: str, count: int):
        return [
            user(f"{path}{school}{n}", path, attributes={"organizations.department": (school,)})
            for n in range(count)
        ]

    more = [
        each for school in TWO for each in (*at("/Elever", school, 30), *at("/Personal", school, 4))
    ]
    index = domain({}, more=tuple(more))
    norra = first(index, *TWO)
    assert choose(norra.students, index).chosen == {f"/EleverNorra skolan{n}" for n in range(30)}
    assert choose(norra.staff, index).chosen == {f"/PersonalNorra skolan{n}" for n in range(4)}
    assert "student-attribute" in codes(norra)


def test_a_group_of_teachers_and_one_of_guests_are_added():
    guests = ids("/Elever/Södra skolan", 2)
    index = domain(
        {"/Elever/Norra skolan": 30, "/Personal/Norra skolan": 4, "/Elever/Södra skolan": 30},
        members("larare.norra", *ids("/Personal/Norra skolan", 4), name="Lärare Norra skolan"),
        members("gast.norra", *guests, name="Gästelever Norra skolan"),
    )
    norra = first(index, *TWO)
    assert norra.staff.groups == ("larare.norra@edu.storkoping.se",)
    assert norra.students.groups == ("gast.norra@edu.storkoping.se",)


def test_a_teachers_group_with_students_in_it_is_not_taken():
    index = domain(
        {"/Elever/Norra": 30, "/Personal/Norra": 4},
        members("larare.norra", *ids("/Elever/Norra", 30)),
    )
    assert first(index, "Norra skolan").staff.groups == ()


def test_a_group_that_could_be_two_schools_is_nobodys():
    index = domain(
        {"/Elever/Lindskolan": 30, "/Personal/Lindskolan": 4, "/Elever/Lindgymnasiet": 30},
        members("larare.lind", *ids("/Personal/Lindskolan", 4), name="Lärare"),
    )
    _, upper = proposed(index, "Lindskolan", Registered("2", "Lindgymnasiet", ("GY",))).proposals
    assert upper.staff.groups == ()


@pytest.mark.parametrize("name", ["Slutat", "Avslutade elever", "Arkiv", "slutade-2024"])
def test_those_who_have_left_are_kept_out(name):
    index = domain({"/Elever/Norra/7A": 20, f"/Elever/Norra/{name}": 7, "/Personal/Norra": 3})
    proposal = first(index, "Norra skolan")
    assert choose(proposal.students, index).chosen == set(ids("/Elever/Norra/7A", 20))
    assert "left-ou" in codes(proposal)


def test_an_org_unit_whose_name_only_begins_as_the_archive_stays():
    index = domain(
        {"/Elever/Norra/Arkivarie 1": 20, "/Elever/Norra/Arkiv": 7, "/Personal/Norra": 3}
    )
    proposal = first(index, "Norra skolan")
    assert choose(proposal.students, index).chosen == set(ids("/Elever/Norra/Arkivarie 1", 20))


def test_several_shared_devices_are_kept_out_and_one_is_not():
    def devices(stem: str, count: int):
        return [
            user(f"{stem}{n}", "/Elever/Norra", primary_email=f"{stem}{n}@x.se")
            for n in range(count)
        ]

    index = domain(
        {"/Elever/Norra": 20, "/Personal/Norra": 3},
        more=(
            *devices("ipad-", 4),
            *devices("chromebook-lan", 3),
            *devices("norra-ipad-", 2),
            *devices("anna-tv", 1),
            *devices("elev", 4),
            *devices("kiosk", 1),
        ),
    )
    proposal = first(index, "Norra skolan")
    chosen = choose(proposal.students, index).chosen
    assert "ipad-1" not in chosen
    assert {"elev1", "kiosk0"} <= chosen
    stems = [r["stem"] for r in proposal.reasons if r.code == "devices"]
    assert stems == ["chromebook-lan", "ipad-", "norra-ipad-"]


def test_places_of_the_protected_are_proposed_as_such_and_never_as_a_schools():
    index = domain(
        {
            "/Elever/Norra": 20,
            "/Skyddade": 2,
            "/Elever/Norra skyddad identitet": 1,
            "/Skyddsrum": 1,
        },
        members("sekretess.elever"),
        members("brandskydd", name="Brandskydd och säkerhet"),
        members("x", name="Skyddade personuppgifter"),
    )
    found = proposed(index, "Norra skolan")
    assert found.protected == Protected(
        org_units=("/Elever/Norra skyddad identitet", "/Skyddade"),
        groups=("sekretess.elever@edu.storkoping.se", "x@edu.storkoping.se"),
    )
    assert found.proposals[0].students.org_units == ("/Elever/Norra",)


def test_places_already_protected_are_not_proposed_again():
    protected = Protected(org_units=("/skyddade",), groups=("Sekretess@edu.storkoping.se",))
    index = domain({"/Skyddade/Barn": 2, "/Skyddade": 1}, members("sekretess"), protected=protected)
    found = propose(index, registered("Norra skolan"), document(protected=protected))
    assert found.protected == Protected()


def test_a_unit_without_a_place_is_reported_and_gets_none():
    index = domain({"/Elever/Södra": 30, "/Personal/Södra": 3})
    norra = first(index, *TWO)
    assert (norra.confidence, norra.students, norra.staff) == ("none", Selector(), Selector())


def test_a_preschool_is_not_the_school_of_the_same_name():
    index = domain({"/Barn/Solens förskola": 30, "/Personal/Solens förskola": 3})
    assert first(index, "Solskolan").confidence in ("none", "unsure")


def test_the_office_for_children_is_no_place_for_students():
    index = domain({"/Barn- och utbildningsförvaltningen/Norra": 5, "/Elever/Norra": 30})
    assert first(index, "Norra skolan").students.org_units == ("/Elever/Norra",)


def test_a_ceased_unit_is_never_sure():
    index = domain({"/Elever/Norra": 30, "/Personal/Norra": 3})
    proposal = first(index, Registered("1", "Norra skolan", status="UPPHORT"))
    assert proposal.confidence == "unsure"
    assert "ceased" in codes(proposal)


def test_org_units_that_nobody_takes_are_listed_with_their_people():
    index = domain(
        {
            "/Elever/Norra": 30,
            "/Elever/Okända skolan/7A": 12,
            "/Elever/Okända skolan": 8,
            "/Politiker": 6,
            "/Slutat": 50,
            "/Liten": 1,
        }
    )
    assert proposed(index, "Norra skolan").unmatched_org_units == (
        Unmatched("/Elever/Okända skolan", 20),
        Unmatched("/Politiker", 6),
    )


def test_every_reason_has_the_values_of_its_code():
    index = domain({"/Elever/Norra/7A": 30, "/Elever/Norra/Slutat": 3, "/Personal/Norra": 3})
    for each in first(index, "Norra skolan").reasons:
        assert tuple(name for name, _ in each.values) == CODES[each.code]


def test_an_accepted_proposal_is_a_unit_of_the_document():
    index = domain({"/Elever/Norra/7A": 30, "/Personal/Norra": 3})
    made = first(index, "Norra skolan")
    unit = made.school_unit()
    assert (unit.code, unit.students, unit.classes) == (made.code, made.students, made.classes)


def test_nothing_in_nothing_out():
    assert proposed(domain({})).proposals == ()
    assert first(domain({}), "Norra skolan").confidence == "none"


def test_sixty_units_and_thirty_thousand_people_take_little_time():
    names = [
        f"{tree}{place}skolan"
        for tree in ("Björk", "Ek", "Al", "Gran", "Tall", "Lönn")
        for place in ("", "backa", "haga", "lunda", "dals", "ängs", "torps", "viks", "näs", "mo")
    ]
    index = domain(
        {
            f"/Elever/{name}/{year}{letter}": 16
            for name in names
            for year in range(10)
            for letter in "ABC"
        }
        | {f"/Personal/{name}": 40 for name in names}
    )
    start = time.process_time()
    found = proposed(index, *names)
    assert time.process_time() - start < 3
    assert {each.confidence for each in found.proposals} == {"sure"}


def test_those_who_have_left_are_an_exception_that_an_administrator_can_see():
    index = domain({"/Elever/Norra/7A": 20, "/Elever/Norra/Slutat": 7, "/Personal/Norra": 3})
    proposal = first(index, "Norra skolan")
    assert proposal.students.filters == ()
    assert proposal.students.exceptions.org_units == ("/Elever/Norra/Slutat",)


def test_what_was_declined_is_not_proposed_again():
    index = domain({"/Elever/Norra": 30, "/Norra skolan F-3": 20, "/Personal/Norra": 3})
    before = first(index, *TWO)
    assert before.students.org_units == ("/Elever/Norra",)
    declined = DeclinedPlace(before.code, "students", before.students)
    after, _ = propose(index, registered(*TWO), document(), (declined,)).proposals
    assert after.students.org_units == ("/Norra skolan F-3",)
    assert after.staff == before.staff


def test_pupils_whom_two_units_would_both_have_are_said_and_never_sure():
    shared = ids("/Elever/Norra", 30)
    index = domain(
        {"/Elever/Norra": 30, "/Elever/Södra": 1, "/Personal/Norra": 3, "/Personal/Södra": 3},
        *(members(f"sodra.{n}a", *shared[n * 10 - 10 : n * 10]) for n in (1, 2, 3)),
    )
    for proposal in proposed(index, *TWO).proposals:
        assert proposal.confidence == "unsure"
        assert "same-people" in codes(proposal)


def test_what_is_no_class_among_the_classes_is_an_exception_and_the_unit_is_not_sure():
    index = domain(
        {
            "/Elever/Norra/7A": 20,
            "/Elever/Norra/7B": 20,
            "/Elever/Norra/Fritids": 9,
            "/Personal/Norra": 3,
        }
    )
    proposal = first(index, "Norra skolan")
    assert proposal.classes is not None
    assert proposal.classes.exceptions == ("Fritids",)
    assert proposal.class_names == ("7A", "7B")
    assert proposal.confidence == "likely"
    assert "classes-left-out" in codes(proposal)


def test_all_course_groups_are_found_and_no_lists():
    pupils = ids("/Elever", 60)
    halves = pupils[:30], pupils[30:]
    index = domain(
        {"/Elever": 60, "/Personal": 6},
        *(members(f"na2{n}a", *half, name=f"NA2{n}A") for n, half in enumerate(halves, 4)),
        *(
            members(f"{subject}-na2{n}a", *half, name=f"{subject.upper()} NA2{n}A")
            for subject in ("ma", "sv", "en", "fy", "ke")
            for n, half in enumerate(halves, 4)
        ),
        members("elever", *pupils),
        members("mentor-na24a", *halves[0]),
    )
    [proposal] = proposed(index, Registered("10000001", "Lindens gymnasium", ("GY",))).proposals
    [found] = [each for each in proposal.reasons if each.code == "teaching-groups"]
    assert found["count"] == "10"
    assert "MENTOR" not in found["examples"].upper()


def test_staff_divided_by_role_before_school_are_all_found():
    parts = {f"/Personal/{part}/{name}": 4 for name in TWO for part in ("Lärare", "Fritids", "Kök")}
    norra, _ = proposed(domain({f"/Elever/{n}": 40 for n in TWO} | parts), *TWO).proposals
    assert set(norra.staff.org_units) == {p for p in parts if p.endswith("Norra skolan")}
    assert "several-places" not in codes(norra)


def test_an_administration_beside_a_schools_teachers_is_of_its_staff():
    index = domain({"/Norra/Elever": 40, "/Norra/Lärare": 9, "/Norra/Administration": 2})
    assert first(index, "Norra skolan").staff.org_units == (
        "/Norra/Lärare",
        "/Norra/Administration",
    )


def test_accounts_whose_domain_is_the_schools_are_its_own():
    users = [
        user(f"{name}{role}{n}", f"/{role}", primary_email=f"{role}{n}@{name}skolan.se")
        for name in ("norra", "sodra")
        for role, count in (("Elever", 40), ("Personal", 5))
        for n in range(count)
    ]
    found = proposed(domain({}, more=tuple(users)), *TWO).proposals
    assert [(each.students_reached, each.staff_reached) for each in found] == [(40, 5)] * 2


def test_a_domain_that_everybody_has_names_no_school():
    users = [user(f"{n}", "/Elever", primary_email=f"e{n}@norraskolan.se") for n in range(40)]
    found = proposed(domain({"/Personal": 4}, more=tuple(users)), *TWO)
    assert [each.confidence for each in found.proposals] == ["none", "none"]


def test_titles_that_say_neither_student_nor_staff_are_a_doubt():
    def account(n: int, title: str):
        said = {"organizations.title": (title,), "organizations.location": ("Norra skolan",)}
        return user(f"{title}{n}", "/", attributes=said)

    counts = {"Elev": 60, "Lärare": 8, "Skoladministratör": 2, "Kosmonaut": 3}
    users = [account(n, title) for title, count in counts.items() for n in range(count)]
    index = domain({"/": 0}, more=tuple(users))
    norra, _ = proposed(index, *TWO).proposals
    assert (norra.students_reached, norra.staff_reached) == (60, 10)
    assert norra.confidence == "likely"
    [doubt] = [each for each in norra.reasons if each.code == "titles-not-understood"]
    assert (doubt["names"], doubt["count"]) == ("Kosmonaut", "3")


@pytest.mark.parametrize("old", ["Elever 2024-2025", "Elever 2425"])
def test_last_years_tree_beside_the_present_one_is_nobodys(old):
    index = domain({"/Norra/Elever/7A": 20, f"/Norra/{old}/7A": 6, "/Norra/Personal": 4})
    index.autumn = 2025
    assert places(first(index, "Norra skolan")) == (("/Norra/Elever",), ("/Norra/Personal",))


def test_past_classes_below_a_schools_ou_are_left_out_unless_most_are_there():
    last = "/Elever/Norra/2024-2025"
    few = domain({"/Elever/Norra/7A": 20, last: 0, f"{last}/6A": 6, "/Personal/Norra": 4})
    few.autumn = 2025
    excepted = first(few, "Norra skolan").students.exceptions
    assert excepted.org_units == (last,)
    most = domain({"/Elever/Norra/7A": 5, last: 0, f"{last}/6A": 60, "/Personal/Norra": 4})
    most.autumn = 2025
    assert first(most, "Norra skolan").students.exceptions.org_units == ()


def test_the_gymnasium_without_a_name_of_its_own_has_the_ou_without_one():
    units = [
        Registered("10000001", "Storköpings gymnasium", ("GY",)),
        Registered("10000002", "Bergagymnasiet", ("GY",)),
    ]
    index = domain(
        {f"/{name} {role}": n for name in ("Gymnasiet", "Berga") for role, n in ROLES.items()}
    )
    found = proposed(index, *units).proposals
    assert [places(each)[0] for each in found] == [("/Gymnasiet elever",), ("/Berga elever",)]


def test_who_has_left_a_shared_tree_does_not_keep_it_from_being_split():
    classes = {f"/Elever/Berga/{year}A": 20 for year in range(1, 7)}
    index = domain(classes | {"/Elever/Berga/Slutat": 30, "/Personal/Berga": 9})
    found = proposed(index, "Bergaskolan F-3", "Bergaskolan 4-6")
    assert [each.students_reached for each in found.proposals] == [60, 60]
    assert [tree.answer for tree in found.shared_trees] == ["years"]


@pytest.mark.parametrize("part", ["Fritids", "Arbetslag", "Resurs", "Stöd"])
def test_what_may_be_pupils_is_not_staff_for_lying_beside_the_staff(part):
    index = domain({"/Norra/Elever": 40, "/Norra/Lärare": 9, f"/Norra/{part}": 12})
    found = first(index, "Norra skolan")
    assert places(found) == (("/Norra/Elever",), ("/Norra/Lärare",))
