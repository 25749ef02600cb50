"""Members whom a group loses by two readings alone wait, are counted, and a person decides."""

import json

from addon.sync.ended_memberships import approved_memberships
from addon.sync.holds import approve, record_approval, record_refusal
from addon.sync.planner import planner_for
from addon.sync.prepare import prepare_from_snapshot
from addon.sync.run import preview
from tests.support.generated_tenant import TENANT, UNITS, Spot, State, held_at
from tests.support.odd_school import COURSE, LOST
from tests.trust.odd_directory import QUESTIONS, OddReading


def test_most_of_a_group_missing_in_two_readings_is_held_and_a_no_keeps_them(school):
    school.short()
    assert school.hourly().status != "held"
    report = school.hourly()
    assert report.status == "held"
    assert [(each.kind, each.number) for each in report.hold.exceeded] == [("group-emptied", 5)]
    (emptied,) = school.hold().emptied
    assert (emptied.unit, len(emptied.members), emptied.known) == (UNITS[0], 5, 6)
    record_refusal(school.store, TENANT, "v", school.clock())
    assert school.hourly().status == "held"
    assert school.hold().refused
    assert school.members() == 6


def test_an_approval_ends_the_memberships_for_good(school):
    school.short()
    school.hourly(), school.hourly()
    assert approve(school.context(), TENANT, "v").connections[0].status == "delivered"
    assert school.members() == 1
    assert school.hourly().status == "unchanged"
    assert school.hourly().status == "unchanged"
    assert school.members() == 1
    assert school.store.hold(school.key) is None


def test_an_approval_is_not_of_members_who_came_back_and_are_missing_again(school):
    school.short()
    school.hourly(), school.hourly()
    approve(school.context(), TENANT, "v")
    school.short(())
    school.hourly()
    assert school.members() == 6
    school.short()
    school.hourly()
    assert school.hourly().status == "held"
    assert school.members() == 6


def test_a_no_after_a_yes_takes_the_yes_back(school):
    school.short()
    school.hourly(), school.hourly()
    record_approval(school.store, TENANT, "v", school.clock())
    assert approved_memberships(school.store, TENANT, school.clock())
    record_refusal(school.store, TENANT, "v", school.clock())
    assert school.hourly().status == "held"
    assert school.members() == 6


def test_a_delivery_of_a_reading_before_the_approval_carries_it_out(school):
    school.short()
    school.hourly()
    school.clock.advance(3600)
    _, prepared = preview(school.context(), TENANT)
    assert prepared.evidence.emptied
    school.hourly()
    record_approval(school.store, TENANT, "v", school.clock())
    context, (connection,) = school.context(), prepared.tenant.connections
    again = prepare_from_snapshot(
        context, prepared.tenant, [connection], prepared.snapshot, prepared.evidence
    )
    decision = planner_for(context, again, connection, school.key).decide()
    assert decision.hold is None
    assert len(decision.plan.writes["StudentGroup"]) == 1
    assert decision.plan.unconfirmed == 0


def test_fewer_than_half_go_by_two_readings(school):
    school.short(range(3))
    assert school.hourly().status != "held"
    assert school.hourly().status == "delivered"
    assert school.members() == 3


def test_answers_about_the_memberships_need_nobody(school):
    course = {n: Spot("/Elever/A/7A") for n in LOST}
    school.change_to(State({**school.state.spots, **course}))
    school.short(answered=QUESTIONS)
    assert school.hourly().status == "delivered"
    assert school.members() == 1


def test_a_group_that_is_listed_without_anybody_is_held_too(school):
    school.reading = OddReading(without_members=frozenset({COURSE}), answered=frozenset())
    school.hourly()
    report = school.hourly()
    assert report.status == "held"
    assert [(each.kind, each.number) for each in report.hold.exceeded] == [("group-emptied", 6)]
    assert school.members() == 6
    assert approve(school.context(), TENANT, "v").connections[0].status == "delivered"
    assert COURSE not in {g["displayName"] for g in held_at(school.server)["StudentGroup"].values()}


def test_memberships_that_wait_are_counted_in_the_report_the_finding_and_preview(school):
    school.short()
    report = school.hourly()
    assert (report.status, report.unconfirmed) == ("unchanged", 5)
    school.clock.advance(60)
    seen, prepared = preview(school.context(), TENANT)
    assert seen.connections[0].unconfirmed == 5
    (found,) = [f for f in prepared.findings if f.code == "removal-unconfirmed"]
    assert (found.subject, dict(found.values)["count"]) == (UNITS[0], "5")


def test_who_is_missing_altogether_is_counted_once(school):
    school.reading = OddReading(users=frozenset({0}), answered=frozenset())
    report = school.hourly()
    assert report.unconfirmed == 1
    _, prepared = preview(school.context(), TENANT)
    (found,) = [f for f in prepared.findings if f.code == "removal-unconfirmed"]
    assert dict(found.values)["count"] == "1"


def test_a_list_that_becomes_shorter_little_by_little_within_a_day_is_held(school):
    school.change_to(
        State({n: Spot("/Elever/A/7A", groups=frozenset({COURSE})) for n in range(12)})
    )
    school.hourly()
    members = []
    for lacking in (4, 4, 8, 8, 11, 11, 12, 12):
        school.short(range(lacking))
        school.hourly()
        members.append(school.members())
    assert members == [12, 8, 8, 8, 8, 8, 8, 8]
    (emptied,) = school.hold().emptied
    assert (len(emptied.members), emptied.known) == (8, 12)


def test_memberships_that_ended_the_day_before_or_are_there_again_do_not_count(school):
    school.change_to(
        State({n: Spot("/Elever/A/7A", groups=frozenset({COURSE})) for n in range(12)})
    )
    school.hourly()
    school.short(range(4))
    school.hourly(), school.hourly()
    assert school.members() == 8
    school.short(())
    school.hourly()
    assert school.members() == 12
    school.short(range(4, 8))
    school.hourly(), school.hourly()
    assert school.members() == 8
    school.after(25 * 3600)
    school.short(range(4, 12))
    school.reading = school.reading._replace(members=frozenset((COURSE, n) for n in range(4, 9)))
    school.hourly(), school.hourly()
    assert school.store.hold(school.key) is None
    assert school.members() == 7


def test_who_is_in_another_class_of_the_unit_from_then_on_has_moved_and_nobody_is_asked(school):
    old, new = "/Elever/A/7A", "/Elever/A/8B"
    first, second = frozenset({COURSE}), frozenset({"kurs-a-sv"})
    _classes_from_groups(school)
    school.change_to(State({n: Spot(old, groups=first) for n in range(12)}))
    _classes_from_groups(school)
    school.hourly(), school.hourly()
    school.change_to(State({n: Spot(new, groups=second) for n in range(12)}))
    _classes_from_groups(school)
    school.reading = OddReading(answered=frozenset())
    school.hourly()
    assert school.hourly().status == "delivered"
    assert [
        (group["displayName"], len(group["studentMemberships"]))
        for group in held_at(school.server)["StudentGroup"].values()
    ] == [("kurs-a-sv", 12)]


def test_who_was_in_two_classes_has_not_moved_when_one_lists_nobody(school):
    both = frozenset({COURSE, "kurs-a-sv"})
    school.change_to(State({n: Spot("/Elever/A/7A", groups=both) for n in range(12)}))
    _classes_from_groups(school)
    school.hourly(), school.hourly()
    school.reading = OddReading(without_members=frozenset({COURSE}), answered=frozenset())
    school.hourly()
    assert school.hourly().status == "held"
    assert school.members() == 12


def test_who_falls_to_the_next_rule_for_classes_has_not_moved(school):
    def rules(unit):
        unit["classes"] = [unit["classes"], {"from": "orgUnit", "pattern": "^/Elever/A/(.+)"}]

    _classes_from_groups(school, rules)
    school.hourly(), school.hourly()
    assert school.members() == 6
    school.reading = OddReading(without_members=frozenset({COURSE}), answered=frozenset())
    school.hourly()
    assert school.hourly().status == "held"
    assert school.members() == 6


def _classes_from_groups(school, change=lambda unit: None):
    document = json.loads(school.store.tenant(TENANT))
    unit = document["schoolUnits"][0]
    unit["classes"] = unit.pop("teachingGroups")
    change(unit)
    school.store.save_tenant(TENANT, json.dumps(document).encode())
