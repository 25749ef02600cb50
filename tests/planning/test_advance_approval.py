"""An approval in advance covers what it names until some days after the pause, and nothing else."""

import pytest
from msgspec import structs

from addon.planning.advance_approval import Excess, can_be_approved, content_hash_of, excess
from addon.planning.emptied_groups import EmptiedGroup
from addon.planning.ledger import Ledger
from addon.planning.limit_exceeded import LimitExceeded
from addon.planning.limits import APPROVAL_LASTS, Hold

HOLD = Hold(
    ("a", "b"),
    9,
    "2 people would be removed",
    {},
    changes={"User": -2, "StudentGroup": -1},
    others={"StudentGroup": ("g",), "Employment": ("e",)},
    emptied=(EmptiedGroup("h", "i", "1", ("c", "d"), 3),),
)
APPROVAL = HOLD.approval(1000.0)


def test_what_was_approved_is_covered_and_so_is_less():
    assert excess(HOLD, APPROVAL).is_nothing
    less = structs.replace(HOLD, people=("a",), others={}, emptied=())
    assert excess(less, APPROVAL).is_nothing


def test_what_is_beyond_is_counted_by_type():
    more = structs.replace(
        HOLD,
        people=("a", "b", "c"),
        others={"StudentGroup": ("g", "h")},
        emptied=(EmptiedGroup("h", "i", "1", ("c", "d", "f"), 3),),
    )
    assert excess(more, APPROVAL) == Excess({"User": 1, "StudentGroup": 1}, 1)
    others = structs.replace(HOLD, people=("c", "d"))
    assert excess(others, APPROVAL) == Excess({"User": 2})


def test_growth_beyond_a_limit_is_covered_up_to_what_was_approved():
    more = LimitExceeded("more", 5, 3, type="StudentGroup")
    grown = structs.replace(HOLD, changes={"StudentGroup": 5}, exceeded=(more,))
    assert excess(grown, grown.approval(0.0)).is_nothing
    further = structs.replace(grown, changes={"StudentGroup": 6})
    assert excess(further, grown.approval(0.0)).grown == ("StudentGroup",)


@pytest.mark.parametrize(
    "change",
    [
        {"people": ("a", "c")},
        {"others": {"StudentGroup": ("h",)}},
        {"changes": {"User": -3}},
        {"emptied": ()},
    ],
)
def test_the_content_is_another_when_anything_else_would_be_removed(change):
    assert content_hash_of(structs.replace(HOLD, **change)) != content_hash_of(HOLD)
    again = structs.replace(HOLD, at=5.0, reason="", held=8, operations={"create": {"User": 1}})
    assert content_hash_of(again) == content_hash_of(HOLD)


def test_who_has_become_protected_and_a_withdrawal_are_not_approved_in_advance():
    protected = structs.replace(HOLD, exceeded=(LimitExceeded("protected", 30, 20),))
    assert can_be_approved(HOLD)
    assert not can_be_approved(None)
    assert not can_be_approved(protected)
    assert not can_be_approved(structs.replace(HOLD, withdrawal=True))


def test_it_is_valid_until_its_time_and_covers_no_withdrawal():
    later = 1000.0 + 3 * APPROVAL_LASTS
    in_advance = structs.replace(APPROVAL, until=later)
    assert in_advance.is_valid(later - 1)
    assert not in_advance.is_valid(later)
    assert not APPROVAL.is_valid(later - 1)
    assert not in_advance.is_valid(500.0)  # given by a clock that was ahead
    assert APPROVAL.covers(Ledger())
    assert not in_advance.covers(Ledger())
