import pytest
from msgspec.structs import replace

from addon.proposals.patterns import (
    class_patterns,
    teaching_group_patterns,
)
from addon.proposals.school_years import school_year_patterns
from addon.roster.placement import place
from addon.tenants.model import GroupRule, YearRule
from tests.proposals.domains import domain, ids, members
from tests.roster.builders import people_in, unit, user

NORRA = unit(students=people_in("/E"), staff=people_in("/P"))


def best_class(index, at=NORRA):
    people = place([at], index, ()).units[0]
    return class_patterns(index, people.students, at, people.staff)[0]


def best_year(index, at=NORRA):
    people = place([at], index, ()).units[0]
    found = school_year_patterns(index, people.students, at)
    return found[0] if found else None


def best_teaching(index, at=NORRA):
    people = place([at], index, ()).units[0]
    return teaching_group_patterns(index, people.students, people.staff, at)[0]


def test_classes_right_below_the_school():
    choice = best_class(domain({"/E/7A": 20, "/E/7B": 20, "/E/10C": 20}))
    assert choice.rule == GroupRule(source="orgUnit", pattern="^/E/(?P<name>[^/]+)$")
    assert choice.examples == ("7A", "7B", "10C")


def test_groups_of_the_school_year_before_are_neither_classes_nor_lessons():
    pupils = ids("/E", 40)
    index = domain(
        {"/E": 40},
        *(members(f"norra-{c}-2526@skola.se", *pupils[n::2]) for n, c in enumerate(("4a", "4b"))),
        *(members(f"norra-{c}-2425@skola.se", *pupils[n::2]) for n, c in enumerate(("3a", "3b"))),
        *(members(f"norra-ma-{n}-2526@skola.se", *pupils[n::3]) for n in range(3)),
    )
    assert best_class(index).outcome.names == ("4A", "4B")
    assert [n for n in best_teaching(index).outcome.names if "2425" in n] == []


def test_classes_below_years_are_preferred_to_the_years():
    choice = best_class(domain({"/E/Åk 7/7A": 20, "/E/Åk 7/7B": 20, "/E/Åk 8/8A": 20}))
    assert choice.outcome.names == ("7A", "7B", "8A")


def test_classes_with_a_word_before_lose_it():
    assert best_class(domain({"/E/Klass 7A": 20, "/E/Klass 8A": 20})).outcome.names == ("7A", "8A")


def test_named_classes_with_a_word_before_lose_it_too():
    found = best_class(domain({"/E/Klass Blå": 8, "/E/Klass Gul": 8})).outcome.names
    assert found == ("Blå", "Gul")


def test_a_class_is_named_as_its_org_unit_rather_than_by_a_number_alone():
    places = {f"/E/Klass {n}": 20 for n in (1, 2, 3)}
    groups = [members(f"klass{n}", *ids(f"/E/Klass {n}", 20)) for n in (1, 2, 3)]
    named = ("Klass 1", "Klass 2", "Klass 3")
    assert best_class(domain(places, *groups)).outcome.names == named
    flat = [members(f"klass{n}", *ids("/E", 60)[20 * n : 20 * n + 20]) for n in range(3)]
    assert best_class(domain({"/E": 60}, *flat)).outcome.names == ("0", "1", "2")


def test_stages_above_years_are_no_classes_and_groups_that_say_class_are():
    places = {f"/E/{stage}/Åk {year}": 7 for stage, year in (("4-6", 4), ("4-6", 5), ("7-9", 7))}
    low, high = [*ids("/E/4-6/Åk 4", 7), *ids("/E/4-6/Åk 5", 7)], ids("/E/7-9/Åk 7", 7)
    groups = [members("klass-solen", *low), members("klass-manen", *high)]
    index = domain(places, *groups, members("klass-foraldrar", *low))
    assert best_class(index).outcome.names == ("manen", "solen")


def test_stages_with_the_pupils_right_below_are_classes_of_several_years():
    assert best_class(domain({"/E/F-3": 12, "/E/4-6": 12})).outcome.names == ("4-6", "F-3")


def test_classes_of_an_adapted_school_keep_the_word_for_it():
    found = best_class(domain({"/E/Anp 1-3": 7, "/E/Anp 4-6": 7})).outcome.names
    assert found == ("Anp 1-3", "Anp 4-6")


def test_class_groups_may_have_several_words_before_the_class():
    pupils = ids("/E", 40)
    index = domain(
        {"/E": 40},
        *(members(f"g-nor-elev-{c}", *pupils[n::2]) for n, c in enumerate(("7a", "7b"))),
        members("g-nor-elev", *pupils),
    )
    assert best_class(index).outcome.names == ("7A", "7B")


def test_a_year_at_the_end_of_a_value_is_a_school_year():
    more = [
        user(f"u{n}", "/E", attributes={"organizations.title": (f"Elev åk {4 + n % 3}",)})
        for n in range(30)
    ]
    year = best_year(domain({}, more=tuple(more)))
    assert year is not None
    assert year.outcome.names == ("4", "5", "6")


def test_special_characters_of_a_path_are_taken_literally():
    at = unit(students=people_in("/E (F-6) + [x]"))
    choice = best_class(domain({"/E (F-6) + [x]/7A": 20, "/E (F-6) + [x]/7B": 20}), at)
    assert choice.outcome.names == ("7A", "7B")


@pytest.mark.parametrize(
    "address", ["gy-klass-{}", "klass.{}", "{}", "{}-klass", "norra.{}", "{}.norra", "klass_{}"]
)
def test_classes_that_are_groups_in_many_ways(address):
    names = ("na24a", "na24b", "te25a", "te25b")
    groups = [
        members(address.format(name), *ids("/E", 80)[n * 20 : n * 20 + 20], name=f"Klass {name}")
        for n, name in enumerate(names)
    ]
    choice = best_class(domain({"/E": 80}, *groups))
    assert (choice.rule.source, choice.outcome.names) == ("group", names)


def test_classes_in_a_field_of_the_schools_own_are_preferred_to_the_year_in_another():
    more = [
        user(
            f"u{n}",
            "/E",
            attributes={
                "customSchemas.Skola.arskurs": (f"{7 + n % 2}",),
                "customSchemas.Skola.klass": (f"{7 + n % 2}{'AB'[n // 2 % 2]}",),
                "organizations.title": ("Elev",),
            },
        )
        for n in range(80)
    ]
    index = domain({}, more=tuple(more))
    assert best_class(index).rule.attribute == "customSchemas.Skola.klass"
    year = best_year(index)
    assert year is not None
    assert year.rule.attribute == "customSchemas.Skola.arskurs"


def test_teaching_groups_of_the_school_are_found_without_its_classes_and_lists():
    pupils, adults = ids("/E", 40), ids("/P", 2)
    groups = [
        members(f"norra-{name}", *pupils[start : start + 20], adults[0], name=name.upper())
        for start, name in ((0, "7a-ma"), (20, "7b-ma"), (0, "7a-sv"), (20, "7b-sv"))
    ]
    index = domain(
        {"/E": 40, "/P": 2, "/Annan": 20},
        *groups,
        members("norra-klass-7a", *pupils[:20]),
        members("norra-elever", *pupils),
        members("sodra-7a-ma", *ids("/Annan", 20)),
    )
    classes = GroupRule(source="group", pattern="^norra-klass-(?P<name>.+)@")
    choice = best_teaching(index, replace(NORRA, classes=classes))
    assert choice.outcome.names == ("7A-MA", "7A-SV", "7B-MA", "7B-SV")
    assert choice.outcome.teachers == 1


def test_years_in_org_units_and_in_classes():
    index = domain({"/E/Årskurs 7/7A": 20, "/E/Årskurs 8/8A": 20})
    year = best_year(index)
    assert year is not None
    assert (year.rule.source, year.outcome.names) == ("orgUnit", ("7", "8"))
    below = GroupRule(source="orgUnit", pattern="^/E/(?P<name>[^/]+)$")
    flat = best_year(domain({"/E/7A": 20, "/E/8A": 20}), replace(NORRA, classes=below))
    assert flat is not None
    assert flat.rule == YearRule(source="class", pattern=r"^(?P<year>\d+)")


def test_the_start_year_of_a_programme_is_no_school_year():
    below = GroupRule(source="orgUnit", pattern="^/E/(?P<name>[^/]+)$")
    assert (
        best_year(domain({"/E/NA24A": 20, "/E/NA25A": 20}), replace(NORRA, classes=below)) is None
    )


def test_a_class_of_several_years_gives_no_year():
    below = GroupRule(source="orgUnit", pattern="^/E/(?P<name>[^/]+)$")
    found = best_year(domain({"/E/1-3": 9, "/E/4-6": 9}), replace(NORRA, classes=below))
    assert found is None


def test_nobody_has_no_patterns():
    assert class_patterns(domain({"/E": 3}), [], NORRA) == []
    assert teaching_group_patterns(domain({}), ["gone"], [], NORRA) == []
    assert school_year_patterns(domain({}), ["gone"], NORRA) == []


def test_school_years_in_a_field_are_not_preferred_to_classes_with_names_of_their_own():
    pupils = [
        user(f"{name}{n}", f"/E/{name}", attributes={"organizations.department": (f"Åk {n % 3}",)})
        for name in ("Bin", "Getingar", "Fjärilar")
        for n in range(14)
    ]
    index = domain({"/E": 0, "/E/Bin": 0, "/E/Getingar": 0, "/E/Fjärilar": 0}, more=tuple(pupils))
    assert best_class(index).outcome.names == ("Bin", "Fjärilar", "Getingar")


def test_a_class_before_the_role_and_the_school_in_an_address_is_found():
    pupils = ids("/E", 40)
    index = domain(
        {"/E": 40},
        members("4a-elever-norra@skola.se", *pupils[:20]),
        members("4b-elever-norra@skola.se", *pupils[20:]),
    )
    assert best_class(index).outcome.names == ("4A", "4B")


def test_classes_of_two_digits_begin_with_the_school_year():
    index = domain({f"/E/{year}{number}": 20 for year in (7, 8, 9) for number in (1, 2)})
    at = replace(
        NORRA,
        school_types=("GR",),
        classes=GroupRule(source="orgUnit", pattern="^/E/(?P<name>[^/]+)$"),
    )
    choice = best_year(index, at)
    assert choice is not None
    assert choice.outcome.names == ("7", "8", "9")
