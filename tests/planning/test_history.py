"""What deliveries did, as ids: what it is found by, and in which parts it is stored."""

from addon.planning.history import (
    MOST_ENTRIES,
    MOST_SUBJECTS,
    DeliveryHistory,
    HistoryEntry,
    history_id,
    in_parts,
    subject_of,
    subject_of_unit,
)
from addon.ss12000.ids import Ids

IDS = Ids("C1")
ANN, BO, CLASS = IDS.user("1"), IDS.user("2"), IDS.of_group("12345678", "orgUnit", "o1")[0]


def test_a_class_is_found_by_itself_its_unit_and_those_who_came_and_went():
    entry = HistoryEntry(
        "StudentGroup", CLASS, "update", units=("12345678",), joined=(ANN,), left=(BO,)
    )
    wanted = {subject_of(each) for each in (CLASS, ANN, BO)} | {subject_of_unit("12345678")}
    assert set(entry.subjects()) == wanted


def test_without_somebody_their_entries_and_their_part_of_a_class_are_gone():
    own = HistoryEntry("User", ANN, "create", person=ANN)
    job = HistoryEntry("Employment", IDS.employment("12345678", "1"), "create", person=ANN)
    group = HistoryEntry("StudentGroup", CLASS, "update", joined=(ANN, BO), left=(ANN,))
    other = HistoryEntry("User", BO, "delete", person=BO, why="gone")
    history = DeliveryHistory("h1", "C1", "r1", 1.0, "all", "live", (own, job, group, other))
    found = history.without({ANN})
    assert found.entries == (HistoryEntry("StudentGroup", CLASS, "update", joined=(BO,)), other)
    assert subject_of(ANN) not in found.subjects


def test_the_newest_sorts_first_whatever_the_clock_says():
    times = [4e14, 2e9, 1_800_000_000.25, 1_800_000_000.0, 0.0, -5.0]
    ids = [history_id(at, "r", "all", "live", 0) for at in times]
    assert ids == sorted(ids)
    assert len({len(each) for each in ids}) == 1
    parts = [history_id(1.0, "r", "all", "live", n) for n in range(12)]
    assert parts == sorted(parts)


def test_a_large_delivery_is_cut_so_that_each_part_can_be_stored():
    people = [IDS.user(str(n)) for n in range(2 * MOST_ENTRIES + 1)]
    entries = [HistoryEntry("User", each, "create", person=each) for each in people]
    group = HistoryEntry("StudentGroup", CLASS, "update", joined=tuple(people[:2000]))
    entries += [group] * 10
    parts = list(in_parts(entries))
    assert [entry for part in parts for entry in part] == entries
    assert all(len(part) <= MOST_ENTRIES for part in parts)
    assert all(sum(1 for e in part for _ in e.subjects()) <= MOST_SUBJECTS for part in parts)
    assert list(in_parts([])) == []
