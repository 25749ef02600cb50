"""What has changed between two readings."""

from addon.roster.moves import GroupMoves, Moves, moves_between
from addon.roster.placements import KnownGroup, KnownPerson, Placements

PUPIL, OLDER = KnownPerson((("1", 7),)), KnownPerson((("1", 8),))
A, B = ("1", "orgUnit", "a"), ("1", "orgUnit", "b")


def test_nothing_changed_is_nothing():
    same = Placements({"u": PUPIL}, {A: KnownGroup("class", ("u",), name="7A")})
    assert moves_between(same, same, frozenset()) == Moves()


def test_who_changes_class_has_left_one_and_joined_another():
    before = Placements({"u": PUPIL}, {A: KnownGroup("class", ("u",), ("t",))})
    now = Placements({"u": OLDER}, {B: KnownGroup("class", ("u",), ("t", "s"))})
    found = moves_between(before, now, frozenset())
    assert found.before == {"u": PUPIL}
    assert found.groups == {
        A: GroupMoves(left=("u",), teachers_left=("t",)),
        B: GroupMoves(joined=("u",), teachers_joined=("t", "s")),
    }


def test_a_class_that_is_renamed_has_no_moves():
    before = Placements({}, {A: KnownGroup("class", ("u",), name="7A")})
    now = Placements({}, {A: KnownGroup("class", ("u",), name="8A")})
    assert moves_between(before, now, frozenset()).groups == {}


def test_the_protected_are_in_no_moves():
    before = Placements({"u": PUPIL}, {A: KnownGroup("class", ("u", "v"))})
    now = Placements({}, {A: KnownGroup("class", ("w",))})
    found = moves_between(before, now, {"u"})
    assert found == Moves(groups={A: GroupMoves(joined=("w",), left=("v",))})
