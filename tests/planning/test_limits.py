import msgspec
import pytest

from addon.planning.ledger import Ledger, LedgerChange, LedgerEntry, Refusal
from addon.planning.limit_exceeded import LimitExceeded
from addon.planning.limits import (
    Approval,
    Hold,
    check_limits,
    count_removals,
    counts,
    withdrawal_hold,
)
from addon.planning.plan import Plan, make_plan, removal_of_everything
from addon.planning.recent_removals import DAY, RecentRemovals
from addon.ss12000.mapping import OutgoingResource
from addon.tenants.model import ChangeLimit, Limits

NOW = 1_800_000_000.0
NEVER = 1_000_000


def people(count: int) -> list[str]:
    return [f"u{n:05}" for n in range(count)]


def holding(count: int) -> Ledger:
    ledger = Ledger()
    ledger.apply([LedgerChange("User", i, LedgerEntry("", b"hash")) for i in people(count)])
    return ledger


def removing(going: int, ledger: Ledger, protected: int = 0) -> Plan:
    """The first `going` are removed, and so many of those who are left are protected."""
    hidden = people(ledger.people())[going : going + protected]
    staying = people(ledger.people())[going + protected :]
    wanted = [OutgoingResource("User", i, None) for i in staying]
    return make_plan(wanted, ledger, NOW, protected=frozenset(hidden))


def limits(deletions: int = NEVER, percent: float = 100.0) -> Limits:
    return Limits(deletions=deletions, deletions_percent=percent)


def is_held(going: int, of: int, within: Limits) -> bool:
    ledger = holding(of)
    return check_limits(removing(going, ledger), ledger, within) is not None


@pytest.mark.parametrize(
    ("going", "of", "within", "held"),
    [
        # by number: more than the limit, not the limit itself
        (50, 1000, limits(deletions=50), False),
        (51, 1000, limits(deletions=50), True),
        (1, 1000, limits(deletions=0), True),
        (0, 1000, limits(deletions=0), False),
        (3, 3, limits(deletions=2), True),
        # by percent: more than the percentage, not the percentage itself
        (100, 1000, limits(percent=10), False),
        (101, 1000, limits(percent=10), True),
        (5, 1000, limits(percent=0.5), False),
        (6, 1000, limits(percent=0.5), True),
        # by percent never fewer than five
        (4, 4, limits(percent=10), False),
        (4, 20, limits(percent=0), False),
        (5, 5, limits(percent=10), True),
        (5, 49, limits(percent=10), True),
        (5, 50, limits(percent=10), False),
        (5, 1000, limits(percent=0), True),
        # whichever is reached first
        (51, 100_000, limits(deletions=50, percent=10), True),
        (11, 100, limits(deletions=50, percent=10), True),
        (10, 100, limits(deletions=50, percent=10), False),
        # all of them, within what was said to be all right
        (5, 5, limits(percent=100), False),
    ],
)
def test_promise_4_a_plan_that_removes_more_than_the_limit_is_held(going, of, within, held):
    assert is_held(going, of, within) == held


def test_the_limits_of_a_connection_that_says_nothing():
    assert not is_held(50, 500, Limits())
    assert is_held(51, 1000, Limits())
    assert is_held(51, 500, Limits())
    assert is_held(8, 70, Limits())


def test_a_hold_says_who_how_many_of_how_many_and_against_which_limit():
    ledger = holding(100)
    hold = check_limits(removing(12, ledger), ledger, limits(deletions=10))
    assert hold is not None
    assert hold.people == tuple(people(12))
    assert hold.held == 100
    assert hold.reason == "12 people would be removed; the limit is 10"
    assert hold.operations == {"create": {}, "update": {}, "delete": {"User": 12}}
    assert not hold.withdrawal


def test_a_hold_by_percent_says_the_percentage():
    ledger = holding(100)
    hold = check_limits(removing(12, ledger), ledger, limits(percent=7.5))
    assert hold is not None
    assert hold.reason == "12 of 100 people would be removed; the limit is 7.5 percent"


@pytest.mark.parametrize("resource_type", ["SchoolUnit", "Employment"])
def test_school_units_and_employments_are_no_reason_to_hold(resource_type):
    plan, ledger = changing(0, 100, 100, resource_type)
    assert check_limits(plan, ledger, limits(0, 0)) is None


def test_creates_and_updates_are_no_reason_to_hold():
    ledger = holding(50)
    plan = make_plan([OutgoingResource("User", i, b"new") for i in people(100)], ledger, NOW)
    assert check_limits(plan, ledger, limits(0, 0)) is None


def test_who_may_be_at_the_vendor_counts_as_there():
    ledger = Ledger()
    ledger.apply([LedgerChange("User", i, LedgerEntry("", b"")) for i in people(6)])
    hold = check_limits(make_plan([], ledger, NOW), ledger, limits(5))
    assert hold is not None
    assert (len(hold.people), hold.held) == (6, 6)


def test_a_removal_that_rests_does_not_count():
    ledger = holding(6)
    resting = Refusal("delete", b"", 422, "no", NOW)
    ledger.apply([LedgerChange("User", people(6)[0], refusal=resting)])
    assert check_limits(removing(6, ledger), ledger, limits(5)) is None


# People with protected identity


def test_protected_people_do_not_count():
    ledger = holding(100)
    assert check_limits(removing(0, ledger, protected=100), ledger, limits(0, 0)) is None
    assert check_limits(removing(10, ledger, protected=90), ledger, limits(10, 10)) is None


def test_protected_people_go_whatever_the_limits_say_and_are_not_in_the_hold():
    ledger = holding(100)
    plan = removing(20, ledger, protected=3)
    hold = check_limits(plan, ledger, limits(10))
    assert hold is not None
    assert hold.people == tuple(people(20))
    going = [op.external_id for op in plan.only_protected().operations()]
    assert going == people(100)[20:23]


# Approval


def approving(removed: list[str], **changes: int) -> Approval:
    return Approval(frozenset(removed), changes)


def test_an_approval_lets_the_approved_go():
    ledger = holding(100)
    plan = removing(60, ledger)
    assert check_limits(plan, ledger, limits(50), approving(people(60))) is None


def test_the_approval_of_a_hold_lets_the_same_plan_go():
    ledger = holding(100)
    plan = removing(60, ledger)
    strict = Limits(deletions=50, changes={"User": ChangeLimit(number=10)})
    hold = check_limits(plan, ledger, strict)
    assert hold is not None
    assert hold.approval(at=0.0) == approving(people(60), User=-60)
    assert check_limits(plan, ledger, strict, hold.approval(at=0.0)) is None


def test_an_approval_covers_what_is_left_of_it_after_a_run_that_was_cut_off():
    ledger = holding(100)
    strict = Limits(deletions=50, changes={"User": ChangeLimit(number=10)})
    ledger.apply([LedgerChange("User", i, forget=True) for i in people(7)])
    staying = [OutgoingResource("User", i, None) for i in people(100)[60:]]
    plan = make_plan(staying, ledger, NOW)
    assert check_limits(plan, ledger, strict, approving(people(60), User=-60)) is None


def test_an_approval_does_not_cover_one_person_more():
    ledger = holding(100)
    hold = check_limits(removing(61, ledger), ledger, limits(50), approving(people(60)))
    assert hold is not None
    assert hold.people == tuple(people(61))


def test_an_approval_does_not_cover_as_many_others():
    ledger = holding(200)
    others = approving(people(200)[100:160])
    assert check_limits(removing(60, ledger), ledger, limits(50), others) is not None


def test_an_approval_is_not_needed_within_the_limits():
    ledger = holding(100)
    assert check_limits(removing(10, ledger), ledger, limits(50), approving(["somebody"])) is None


def test_nobody_removed_needs_no_approval():
    ledger = holding(100)
    assert check_limits(removing(0, ledger), ledger, limits(0, 0)) is None


# How much a type may change


def changing(created: int, removed: int, held: int, kind: str = "StudentGroup") -> tuple:
    """A plan for a ledger that holds so many of a type, and the ledger."""
    ledger = Ledger()
    ledger.apply([LedgerChange(kind, i, LedgerEntry("", b"hash")) for i in people(held)])
    staying = [OutgoingResource(kind, i, None) for i in people(held)[removed:]]
    new = [OutgoingResource(kind, f"new-{n}", b"new") for n in range(created)]
    return make_plan([*staying, *new], ledger, NOW), ledger


def only_changes(**limits: ChangeLimit) -> Limits:
    return Limits(deletions=NEVER, deletions_percent=100, changes=limits)


@pytest.mark.parametrize(
    ("created", "removed", "limit", "held"),
    [
        (10, 0, ChangeLimit(number=10), False),
        (11, 0, ChangeLimit(number=10), True),
        (0, 10, ChangeLimit(number=10), False),
        (0, 11, ChangeLimit(number=10), True),
        (50, 45, ChangeLimit(number=10), False),
        (20, 0, ChangeLimit(percent=20), False),
        (21, 0, ChangeLimit(percent=20), True),
        (0, 21, ChangeLimit(percent=20), True),
        (15, 0, ChangeLimit(number=10, percent=20), True),
        (100, 100, ChangeLimit(number=0, percent=0), False),
        (1, 0, ChangeLimit(number=0), True),
        (1000, 0, ChangeLimit(), False),
    ],
)
def test_a_type_that_changes_more_than_its_limit_is_held(created, removed, limit, held):
    plan, ledger = changing(created, removed, 100)
    found = check_limits(plan, ledger, only_changes(StudentGroup=limit))
    assert (found is not None) == held


def test_a_first_delivery_is_not_limited():
    plan, ledger = changing(1000, 0, 0)
    assert (
        check_limits(plan, ledger, only_changes(StudentGroup=ChangeLimit(number=1, percent=1)))
        is None
    )


def test_growth_of_a_type_without_a_limit_of_its_own_is_not_held():
    plan, ledger = changing(1000, 0, 10, "Activity")
    assert check_limits(plan, ledger, only_changes(StudentGroup=ChangeLimit(number=1))) is None


@pytest.mark.parametrize(
    ("created", "approved", "held"),
    [(20, 20, False), (20, 30, False), (20, 19, True), (20, -20, True), (20, 0, True)],
)
def test_an_approved_change_goes_no_further_and_not_the_other_way(created, approved, held):
    plan, ledger = changing(created, 0, 100)
    limited = only_changes(StudentGroup=ChangeLimit(number=10))
    found = check_limits(plan, ledger, limited, approving([], StudentGroup=approved))
    assert (found is not None) == held


def test_an_approved_change_does_not_approve_removing_people():
    ledger = holding(100)
    strict = Limits(deletions=50, changes={"User": ChangeLimit(number=10)})
    hold = check_limits(removing(60, ledger), ledger, strict, approving([], User=-60))
    assert hold is not None
    assert hold.reason == "60 people would be removed; the limit is 50"


def test_every_limit_that_is_passed_is_reported():
    ledger = holding(100)
    strict = Limits(deletions=50, changes={"User": ChangeLimit(percent=12.5)})
    hold = check_limits(removing(60, ledger), ledger, strict)
    assert hold is not None
    assert hold.reason == (
        "60 people would be removed; the limit is 50; "
        "60 fewer User than the 100 there; the limit is 12.5 percent"
    )


# Classes, groups and activities, where the document says nothing


@pytest.mark.parametrize("kind", ["StudentGroup", "Activity"])
@pytest.mark.parametrize(
    ("created", "removed", "there", "held"),
    [
        # more than 10, and more than 25 percent; the limits themselves are not more
        (0, 10, 10, False),
        (0, 11, 11, True),
        (0, 11, 43, True),
        (0, 11, 44, False),
        (0, 25, 100, False),
        (0, 26, 100, True),
        # what is created does not make up for it, and is not limited
        (11, 11, 11, True),
        (1000, 10, 10, False),
        (1000, 0, 10, False),
    ],
)
def test_promise_6_classes_groups_and_activities_have_limits_by_default(
    kind, created, removed, there, held
):
    plan, ledger = changing(created, removed, there, kind)
    assert (check_limits(plan, ledger, Limits()) is not None) == held


def test_a_default_limit_is_reported_in_words():
    plan, ledger = changing(0, 12, 20)
    hold = check_limits(plan, ledger, Limits())
    assert hold is not None
    assert hold.reason == "12 of 20 classes and groups would be removed; the limit is 10"
    plan, ledger = changing(0, 30, 100, "Activity")
    hold = check_limits(plan, ledger, Limits())
    assert hold is not None
    assert hold.reason == "30 of 100 activities would be removed; the limit is 25 percent"


def test_a_limit_of_the_document_replaces_the_default_of_its_type_alone():
    plan, ledger = changing(0, 30, 40)
    much = {"StudentGroup": ChangeLimit(percent=100)}
    assert check_limits(plan, ledger, Limits(changes=much)) is None
    assert check_limits(plan, ledger, Limits(changes={"Activity": much["StudentGroup"]}))
    little = {"StudentGroup": ChangeLimit(number=1)}
    plan, ledger = changing(0, 2, 40)
    assert check_limits(plan, ledger, Limits(changes=little)) is not None


def test_an_approval_covers_the_classes_that_it_was_about_and_no_others():
    plan, ledger = changing(0, 12, 20)
    hold = check_limits(plan, ledger, Limits())
    assert hold is not None
    assert check_limits(plan, ledger, Limits(), hold.approval(NOW)) is None
    more, _ = changing(0, 13, 20)
    assert check_limits(more, ledger, Limits(), hold.approval(NOW)) is not None
    assert check_limits(more, ledger, Limits(), Approval(frozenset(), {"StudentGroup": -13}))


def test_a_refusal_of_some_classes_is_no_refusal_of_others():
    plan, ledger = changing(0, 12, 20)
    hold = check_limits(plan, ledger, Limits())
    more, _ = changing(0, 13, 20)
    later = check_limits(more, ledger, Limits())
    assert hold is not None
    assert later is not None
    refused = msgspec.structs.replace(hold, refused=NOW)
    assert hold.answered_by(refused)
    assert not later.answered_by(refused)


# A day


def in_turns(
    ledger: Ledger, turns: list[int], within: Limits, every: float = 3600.0
) -> list[Hold | None]:
    """The holds of runs that each remove so many more people and carry it out if not held."""
    recent, holds = RecentRemovals(), []
    for n, going in enumerate(turns):
        now = NOW + n * every
        there = sorted(ledger.entries["User"])
        plan = make_plan([OutgoingResource("User", i, None) for i in there[going:]], ledger, now)
        recent = recent.as_of(now)
        holds.append(check_limits(plan, ledger, within, None, recent))
        if holds[-1] is None:
            recent = count_removals(plan, within, None, recent, now)
            ledger.apply([LedgerChange("User", i, forget=True) for i in there[:going]])
    return holds


def test_four_an_hour_do_not_empty_a_school():
    holds = in_turns(holding(20), [4, 4, 4, 4], Limits())
    assert [hold is not None for hold in holds] == [False, True, True, True]
    assert holds[1] is not None
    assert holds[1].reason == (
        "8 of 20 people would be removed within 24 hours, of which 4 already are; "
        "the limit is 10 percent"
    )
    assert len(holds[1].people) == 4


@pytest.mark.parametrize(
    ("exceeded", "said"),
    [
        (LimitExceeded("removed", 1, 0), "1 person would be removed; the limit is 0"),
        (LimitExceeded("removed", 1, 3, True, 20), "1 of 20 people would be removed; the limit"),
        (LimitExceeded("removed", 1, 3, True, 1), "1 of 1 person would be removed; the limit"),
        (LimitExceeded("removed", 1, 0, type="StudentGroup"), "1 class or group would be"),
        (LimitExceeded("removed", 1, 0, type="Activity"), "1 activity would be removed"),
        (LimitExceeded("removed", 2, 0, type="Activity"), "2 activities would be removed"),
        (LimitExceeded("removed", 5, 4, earlier=1), "of which 1 already is; the limit is 4"),
        (LimitExceeded("protected", 1, 0), "1 person became protected at once"),
        (LimitExceeded("place-missing", 1, 0), "1 person would be removed because"),
        (LimitExceeded("group-emptied", 1, 0), "1 membership would end in a group that loses"),
        (LimitExceeded("group-emptied", 2, 0), "2 memberships would end in groups that lose"),
    ],
)
def test_of_one_a_hold_says_one(exceeded: LimitExceeded, said: str):
    assert str(exceeded).startswith(said) or str(exceeded).endswith(said)


def test_the_limit_in_number_is_for_a_day_too():
    holds = in_turns(holding(1000), [30, 20, 1], limits(deletions=50))
    assert [hold is not None for hold in holds] == [False, False, True]
    assert holds[2] is not None
    assert holds[2].reason == (
        "51 of 1000 people would be removed within 24 hours, of which 50 already are; "
        "the limit is 50"
    )


def test_as_many_may_go_the_next_day():
    holds = in_turns(holding(20), [4, 3, 3], Limits(), every=DAY)
    assert holds == [None, None, None]


def test_nobody_removed_is_not_held_for_earlier_removals():
    assert in_turns(holding(20), [4, 0, 0], Limits()) == [None, None, None]


@pytest.mark.parametrize("kind", ["StudentGroup", "Activity"])
def test_classes_are_counted_by_day(kind):
    plan, ledger = changing(0, 8, 20, kind)
    recent = count_removals(plan, Limits(), None, RecentRemovals(), NOW)
    ledger.apply([LedgerChange(kind, i, forget=True) for i in people(8)])
    staying = [OutgoingResource(kind, i, None) for i in people(20)[11:]]
    hold = check_limits(make_plan(staying, ledger, NOW), ledger, Limits(), None, recent)
    assert hold is not None
    assert "11 of 20" in hold.reason
    assert "8 already are" in hold.reason


def test_a_limit_of_the_document_counts_by_day_how_much_fewer_there_are():
    limited = only_changes(StudentGroup=ChangeLimit(number=10))
    for created, held in ((0, True), (8, False)):
        plan, ledger = changing(created, 8, 100)
        recent = count_removals(plan, limited, None, RecentRemovals(), NOW)
        ledger.apply([LedgerChange("StudentGroup", i, forget=True) for i in people(8)])
        staying = [OutgoingResource("StudentGroup", i, None) for i in people(100)[11:]]
        later = make_plan(staying, ledger, NOW)
        hold = check_limits(later, ledger, limited, None, recent)
        assert (hold is not None) == held
        if hold is not None:
            assert hold.reason == (
                "11 fewer StudentGroup than the 100 there 24 hours ago; the limit is 10"
            )


def test_what_a_person_approved_does_not_count_against_later_removals():
    ledger = holding(100)
    plan = removing(30, ledger)
    hold = check_limits(plan, ledger, Limits())
    assert hold is not None
    recent = count_removals(plan, Limits(), hold.approval(NOW), RecentRemovals(), NOW)
    assert recent == RecentRemovals()


def test_protected_people_do_not_count_against_later_removals():
    plan = removing(0, holding(100), protected=50)
    assert count_removals(plan, Limits(), None, RecentRemovals(), NOW) == RecentRemovals()


def test_a_run_that_was_killed_and_does_it_again_counts_once():
    ledger = holding(100)
    plan = removing(8, ledger)
    recent = count_removals(plan, Limits(), None, RecentRemovals(), NOW)
    assert check_limits(plan, ledger, Limits(), None, recent) is None


def test_who_came_back_does_not_count():
    plan = removing(8, holding(100))
    recent = count_removals(plan, Limits(), None, RecentRemovals(), NOW)
    assert recent.others("User", ()) == 8
    assert recent.without("User", people(3)).others("User", ()) == 5
    assert recent.without("User", ["somebody"]) is recent


def test_a_day_is_over():
    recent = RecentRemovals().adding(NOW - DAY, {"User": people(3)}, {})
    assert recent.as_of(NOW) == RecentRemovals()


@pytest.mark.parametrize("ahead", [DAY / 2, 365 * DAY])
def test_removals_of_a_clock_that_was_ahead_count_for_a_day_from_now(ahead):
    """They may be of today, and must not count for as long as the clock was ahead."""
    recent = RecentRemovals().adding(NOW + ahead, {"User": people(3)}, {}).as_of(NOW)
    assert recent.others("User", ()) == 3
    assert recent.as_of(NOW + DAY) == RecentRemovals()


def test_an_approval_of_a_clock_that_was_ahead_is_asked_for_again():
    assert not Approval(people(3), {}, NOW + 365 * DAY).is_valid(NOW)
    assert Approval(people(3), {}, NOW + 60).is_valid(NOW), "another machine's clock"


# Everything


def test_removal_of_everything_is_held_like_any_other():
    ledger = holding(60)
    assert check_limits(removal_of_everything(ledger, NOW), ledger, Limits()) is not None


def test_counts_are_by_kind_and_type_with_the_protected_among_them():
    ledger = holding(3)
    ledger.apply([LedgerChange("StudentGroup", "g", LedgerEntry("", b"hash"))])
    wanted = [
        OutgoingResource("User", people(3)[0], b"changed"),
        OutgoingResource("User", "new", b"new"),
        OutgoingResource("StudentGroup", "new", b"new"),
    ]
    plan = make_plan(wanted, ledger, NOW, protected={people(3)[1]})
    assert counts(plan) == {
        "create": {"User": 1, "StudentGroup": 1},
        "update": {"User": 1},
        "delete": {"User": 2, "StudentGroup": 1},
    }


# A no


def a_hold(people: str, refused: float = 0.0, **changes: int) -> Hold:
    return Hold(tuple(people), 100, "too many", {}, changes, refused=refused)


@pytest.mark.parametrize(
    ("now", "earlier", "answered"),
    [
        (a_hold("abc"), a_hold("abc", NOW), True),
        (a_hold("ab"), a_hold("abc", NOW), True),
        (a_hold("abcd"), a_hold("abc", NOW), False),
        (a_hold("abd"), a_hold("abc", NOW), False),
        (a_hold("abc"), a_hold("abc"), False),
        (a_hold("", User=-3), a_hold("", NOW, User=-4), True),
        (a_hold("", User=-5), a_hold("", NOW, User=-4), False),
        (a_hold("", User=3), a_hold("", NOW, User=-4), False),
        (a_hold("", Activity=1), a_hold("", NOW), False),
    ],
)
def test_a_no_is_for_what_was_asked_and_for_less(now: Hold, earlier: Hold, answered: bool):
    assert now.answered_by(earlier) == answered


def test_a_hold_that_was_kept_by_an_earlier_version_is_read():
    as_then = b'{"people":["a"],"held":9,"reason":"1 person","operations":{},"withdrawal":true}'
    hold = msgspec.json.decode(as_then, type=Hold)
    assert (hold.people, hold.refused, hold.protected_being_removed) == (("a",), 0.0, ())


def test_a_withdrawal_of_a_customer_who_left_waits_however_little_there_is():
    ledger = Ledger()
    ledger.entries["SchoolUnit"]["s1"] = LedgerEntry("v", b"x")
    for people in (0, 1, 40):
        for n in range(people):
            ledger.entries["User"][f"u{n}"] = LedgerEntry("v", b"x")
        plan = removal_of_everything(ledger, NOW)
        hold = withdrawal_hold(ledger, plan, 5.0, "they left")
        assert (len(hold.people), hold.waits, hold.withdrawal) == (people, True, True)
        who = "1 person" if people == 1 else f"{people} people"
        assert hold.reason == f"{who} would be removed: they left"
        approval = hold.approval(6.0)
        assert approval.covers(ledger)
        assert check_limits(plan, ledger, Limits(deletions=0), approval) is None
        ledger.entries["User"]["one more"] = LedgerEntry("v", b"x")
        assert not approval.covers(ledger)
        del ledger.entries["User"]["one more"]
