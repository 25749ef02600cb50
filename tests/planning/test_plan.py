from itertools import product

import pytest
from msgspec.structs import replace

from addon.planning.ledger import ASK_FIRST, Ledger, LedgerChange, LedgerEntry, Refusal
from addon.planning.limits import counts
from addon.planning.plan import (
    REFUSAL_LASTS,
    Plan,
    make_plan,
    plan_for,
    removal_of_everything,
    standing_refusals,
)
from addon.ss12000.mapping import OutgoingResource
from addon.ss12000.resources import TYPES, content_hash

NOW = 1_800_000_000.0
BODY = b'{"externalId":"x"}'
SAME = content_hash(BODY)
OTHER = content_hash(b"something else")


def wanted(
    external_id: str = "x", body: bytes | None = BODY, resource_type="User"
) -> OutgoingResource:
    return OutgoingResource(resource_type, external_id, body)


def ledger(*changes: LedgerChange) -> Ledger:
    made = Ledger()
    made.apply(changes)
    return made


def held(external_id: str = "x", content: bytes = SAME, resource_type="User") -> LedgerChange:
    return LedgerChange(resource_type, external_id, LedgerEntry(f"v-{external_id}", content))


def refused(operation, content: bytes, age: float = 60.0) -> Refusal:
    return Refusal(operation, content, 422, "no", NOW - age)


def kinds(plan: Plan) -> list[tuple[str, str, str]]:
    return [(op.kind, op.resource_type, op.external_id) for op in plan.operations()]


# Every combination of what the vendor has, what is wanted, and what it has refused

HAS = {
    "absent": None,
    "same": LedgerEntry("v-x", SAME),
    "other": LedgerEntry("v-x", OTHER),
    "intent": LedgerEntry("", b""),
}
WANTED = {"yes": [wanted()], "waiting": [wanted(body=None)], "no": []}
REFUSED = {
    "none": None,
    "fresh": (60.0, "this"),
    "old": (REFUSAL_LASTS, "this"),
    "other content": (60.0, "other"),
}
WRITES = {"absent": "create", "same": None, "other": "update", "intent": "ask, create"}
DELETES = {"absent": None, "same": "delete", "other": "delete", "intent": "ask, delete"}


def expected(has: str, want: str, refusal: str) -> str | None:
    """What is planned: fresh refusals of this very thing rest, and what waits is left."""
    if want == "waiting":
        return None
    planned = (WRITES if want == "yes" else DELETES)[has]
    if planned and refusal == "fresh":
        return "rest"
    return planned


def outcome(plan: Plan) -> str | None:
    operations = list(plan.operations())
    if not operations:
        return "rest" if plan.left_alone else None
    (op,) = operations
    assert plan.left_alone == 0
    return f"ask, {op.kind}" if op.ask else op.kind


@pytest.mark.parametrize(("has", "want", "refusal"), list(product(HAS, WANTED, REFUSED)))
def test_what_is_planned(has, want, refusal):
    made = Ledger()
    if HAS[has] is not None:
        made.entries["User"]["x"] = HAS[has]
    if REFUSED[refusal] is not None:
        age, of = REFUSED[refusal]
        this = SAME if want != "no" else b""
        made.refusals["User"]["x"] = refused("update", this if of == "this" else OTHER, age)
    plan = make_plan(WANTED[want], made, NOW)
    assert outcome(plan) == expected(has, want, refusal)
    assert plan.empty == (not list(plan.operations()))


def test_a_create_carries_the_body_and_its_hash():
    (op,) = make_plan([wanted()], Ledger(), NOW).operations()
    assert (op.body, op.content, op.vendor_id, op.ask) == (BODY, SAME, "", False)


def test_an_update_goes_to_the_vendors_own_id():
    (op,) = make_plan([wanted()], ledger(held(content=OTHER)), NOW).operations()
    assert (op.kind, op.vendor_id, op.body, op.content) == ("update", "v-x", BODY, SAME)


def test_a_delete_goes_to_the_vendors_own_id_and_carries_nothing():
    (op,) = make_plan([], ledger(held()), NOW).operations()
    assert (op.kind, op.vendor_id, op.body, op.content) == ("delete", "v-x", b"", b"")


def test_promise_5_nothing_changed_plans_nothing():
    plan = make_plan([wanted(i) for i in "abc"], ledger(*map(held, "abc")), NOW)
    assert plan.empty
    assert kinds(plan) == []


def test_the_same_id_of_another_type_is_another_resource():
    plan = make_plan([wanted(resource_type="Employment")], ledger(held()), NOW)
    assert kinds(plan) == [("create", "Employment", "x"), ("delete", "User", "x")]


# Order


def test_writes_go_in_the_order_of_types_and_deletes_afterwards_the_other_way():
    new = [wanted(f"new-{t}", resource_type=t) for t in reversed(TYPES)]
    old = ledger(*(held(f"old-{t}", resource_type=t) for t in TYPES))
    assert kinds(make_plan(new, old, NOW)) == [
        *(("create", t, f"new-{t}") for t in TYPES),
        *(("delete", t, f"old-{t}") for t in reversed(TYPES)),
    ]


def test_the_order_of_the_ledger_does_not_matter():
    one, two = ledger(*map(held, "abc")), ledger(*map(held, "cab"))
    assert make_plan([], one, NOW) == make_plan([], two, NOW)


# People with protected identity


def test_the_protected_are_removed_first_employments_before_accounts():
    made = ledger(
        held("p"),
        held("p-employed", resource_type="Employment"),
        held("gone"),
        held("gone-group", resource_type="StudentGroup"),
    )
    plan = make_plan([wanted("new")], made, NOW, protected={"p", "p-employed", "elsewhere"})
    assert kinds(plan) == [
        ("delete", "Employment", "p-employed"),
        ("delete", "User", "p"),
        ("create", "User", "new"),
        ("delete", "StudentGroup", "gone-group"),
        ("delete", "User", "gone"),
    ]
    assert kinds(plan.only_protected()) == kinds(plan)[:2]
    assert not plan.only_protected().empty


def test_the_removal_of_the_protected_never_rests():
    made = ledger(held("p"), LedgerChange("User", "p", refusal=refused("delete", b"")))
    plan = make_plan([], made, NOW, protected={"p"})
    assert kinds(plan) == [("delete", "User", "p")]
    assert plan.left_alone == 0


def test_the_protected_are_not_sent_whatever_the_roster_says():
    assert make_plan([wanted("p")], Ledger(), NOW, protected={"p"}).empty
    plan = make_plan([wanted("p")], ledger(held("p", OTHER)), NOW, protected={"p"})
    assert kinds(plan) == [("delete", "User", "p")]


# Rest


@pytest.mark.parametrize(("age", "rests"), [(0.0, True), (86399.0, True), (86400.0, False)])
def test_a_refusal_rests_for_a_day(age, rests):
    made = ledger(LedgerChange("User", "x", refusal=refused("create", SAME, age)))
    plan = make_plan([wanted()], made, NOW)
    assert plan.empty == rests
    assert plan.left_alone == (1 if rests else 0)
    assert (standing_refusals(made, NOW) == {"x"}) == rests


def test_a_refused_removal_rests_and_the_others_go():
    made = ledger(held("a"), held("b"), LedgerChange("User", "a", refusal=refused("delete", b"")))
    plan = make_plan([], made, NOW)
    assert kinds(plan) == [("delete", "User", "b")]
    assert plan.left_alone == 1


def test_a_removal_goes_though_an_update_was_refused():
    made = ledger(held(), LedgerChange("User", "x", refusal=refused("update", OTHER)))
    assert kinds(make_plan([], made, NOW)) == [("delete", "User", "x")]


def test_what_was_refused_but_is_no_longer_wanted_is_not_planned():
    made = ledger(LedgerChange("User", "x", refusal=refused("create", SAME)))
    plan = make_plan([], made, NOW)
    assert plan.empty
    assert plan.left_alone == 0


def test_standing_refusals_are_creates_that_the_vendor_lacks():
    made = ledger(
        LedgerChange("User", "lacking", refusal=refused("create", SAME)),
        held("held"),
        LedgerChange("User", "held", refusal=refused("create", OTHER)),
        held("updated"),
        LedgerChange("User", "updated", refusal=refused("update", OTHER)),
        held("undead"),
        LedgerChange("User", "undead", refusal=refused("delete", b"")),
    )
    assert standing_refusals(made, NOW) == {"lacking"}


# What refers to the refused


def translate(*users: OutgoingResource):
    """The users and a class of them, without references to what is absent."""

    def said(absent):
        yield from users
        members = [u.external_id for u in users if u.external_id not in absent]
        yield wanted("class", ",".join(members).encode(), "StudentGroup")

    return said


def test_what_refers_to_the_refused_goes_without_it():
    made = ledger(LedgerChange("User", "b", refusal=refused("create", SAME)))
    plan = plan_for(translate(wanted("a"), wanted("b")), made, NOW)
    assert [op.body for op in plan.writes["StudentGroup"]] == [b"a"]
    assert plan.absent == {"b"}
    assert plan.left_alone == 1


def test_what_was_corrected_is_sent_with_what_refers_to_it():
    """Else its class would have to wait for another run."""
    made = ledger(
        LedgerChange("User", "b", refusal=refused("create", OTHER)),
        LedgerChange("User", "c", refusal=refused("create", SAME)),
    )
    plan = plan_for(translate(wanted("a"), wanted("b"), wanted("c")), made, NOW)
    assert [op.external_id for op in plan.writes["User"]] == ["a", "b"]
    assert [op.body for op in plan.writes["StudentGroup"]] == [b"a,b"]
    assert plan.absent == {"c"}


def test_a_plan_passes_on_what_is_absent():
    assert make_plan([], Ledger(), NOW, absent={"x"}).absent == {"x"}
    assert make_plan([], Ledger(), NOW, absent={"x"}).only_protected().absent == {"x"}


# Everything


def test_removal_of_everything_leaves_nothing():
    made = ledger(
        *(held(f"{t}-{n}", resource_type=t) for t in TYPES for n in (1, 2)),
        LedgerChange("User", "intended", LedgerEntry("", b"")),
        LedgerChange("User", "User-1", held("User-1").entry, refusal=refused("delete", b"", 0.0)),
    )
    plan = removal_of_everything(made, NOW)
    operations = list(plan.operations())
    assert {op.kind for op in operations} == {"delete"}
    assert len(operations) == len(made) == 2 * len(TYPES) + 1
    assert plan.left_alone == 0
    assert [op.ask for op in operations if op.external_id == "intended"] == [True]
    types = [op.resource_type for op in operations]
    assert types == sorted(types, key=TYPES.index, reverse=True)


def test_removal_of_everything_of_nothing_is_nothing():
    assert removal_of_everything(Ledger(), NOW).empty


def test_a_plan_makes_the_ledger_what_is_wanted():
    """After every operation was acknowledged, there is nothing more to do."""
    made = ledger(
        held("a", OTHER), held("b"), held("c"), LedgerChange("User", "d", LedgerEntry("", b""))
    )
    roster = [wanted(i) for i in "abde"]
    for op in make_plan(roster, made, NOW).operations():
        entry = None if op.kind == "delete" else LedgerEntry(op.vendor_id, op.content)
        made.apply([LedgerChange(op.resource_type, op.external_id, entry, forget=entry is None)])
    assert make_plan(roster, made, NOW).empty
    assert made.entries["User"].keys() == {"a", "b", "d", "e"}
    assert replace(made.entries["User"]["a"], vendor_id="") == LedgerEntry("", SAME)


def test_a_refusal_ends_when_the_resource_is_wanted_as_the_vendor_has_it_or_not_at_all():
    wanted = OutgoingResource("User", "kept", b"kept")
    ledger = Ledger()
    refusal = Refusal("update", b"other", 400, "no", 0.0)
    ledger.apply(
        [
            LedgerChange("User", "kept", LedgerEntry("1", content_hash(b"kept"))),
            LedgerChange("User", "left", refusal=refusal),
        ]
    )
    ledger.refusals["User"]["kept"] = refusal
    plan = make_plan([wanted], ledger, now=1.0)
    assert plan.empty
    assert plan.obsolete == (LedgerChange("User", "kept"), LedgerChange("User", "left"))


def test_an_entry_that_is_nobodys_is_forgotten_and_never_removed():
    ledger = Ledger()
    ledger.apply([LedgerChange("User", "", LedgerEntry("v1", b""))])
    plan = make_plan([], ledger, NOW)
    assert plan.empty
    assert plan.obsolete == (LedgerChange("User", "", forget=True),)
    assert removal_of_everything(ledger, NOW).empty


# Creates in doubt


def test_a_lost_create_is_not_repeated_before_its_effect_can_have_come():
    for until, waits in ((NOW + 60, NOW + 60), (NOW - 1, 0.0)):
        (op,) = make_plan(
            [wanted()], ledger(LedgerChange("User", "x", LedgerEntry.lost("", until))), NOW
        ).writes["User"]
        assert (op.kind, op.ask, op.doubted, op.not_before) == ("create", True, True, waits)


def doubted(until: float, content: bytes = SAME) -> LedgerChange:
    return LedgerChange("User", "x", LedgerEntry.doubted("v-x", content, until))


def test_what_is_in_doubt_is_unchanged_until_it_is_time_to_look():
    assert make_plan([wanted()], ledger(doubted(NOW + 1)), NOW).empty
    plan = make_plan([wanted()], ledger(doubted(NOW)), NOW)
    (look,) = plan.looks
    assert (look.kind, look.vendor_id, look.only_looks) == ("update", "v-x", True)
    assert plan.changes_nothing
    assert not plan.empty


def test_a_look_is_in_no_count():
    plan = make_plan([wanted()], ledger(doubted(NOW)), NOW)
    assert list(plan.operations()) == []
    assert not any(counts(plan).values())


def test_a_change_of_what_is_in_doubt_is_an_update_and_a_look_when_it_is_time():
    for until, look in ((NOW + 1, False), (NOW, True)):
        plan = make_plan([wanted()], ledger(doubted(until, OTHER)), NOW)
        (op,) = plan.writes["User"]
        assert (op.kind, op.look, op.only_looks) == ("update", look, False)


@pytest.mark.parametrize("protected", [frozenset(), frozenset({"x"})])
def test_who_leaves_in_doubt_is_asked_for_and_perhaps_looked_for_again(protected):
    for until, again in ((NOW + 1, True), (NOW, False)):
        plan = make_plan([], ledger(doubted(until)), NOW, protected)
        (op,) = plan.operations()
        assert (op.kind, op.ask, op.doubted) == ("delete", True, again)


def test_what_was_removed_in_doubt_is_looked_for_once_and_is_no_removal():
    removed = ledger(LedgerChange("User", "x", LedgerEntry.removed(NOW + 1)))
    assert make_plan([], removed, NOW).empty
    plan = make_plan([], removed, NOW + 1)
    (look,) = plan.looks
    assert (look.kind, look.ask, look.only_looks) == ("delete", True, True)
    assert plan.removals == 0
    assert plan.only_protected().looks == plan.looks


def test_a_look_that_was_refused_rests_for_a_day():
    refused_look = LedgerChange("User", "x", refusal=refused("update", SAME))
    plan = make_plan([wanted()], ledger(doubted(NOW), refused_look), NOW)
    assert (plan.empty, plan.left_alone, plan.obsolete) == (True, 1, ())


def test_what_is_only_asked_first_is_not_looked_at_again():
    entry = LedgerEntry("", ASK_FIRST)
    (op,) = make_plan([wanted()], ledger(LedgerChange("User", "x", entry)), NOW).writes["User"]
    assert (op.ask, op.doubted) == (True, False)
