"""When what was known is gone, a first short list takes nobody from anything."""

import json
from dataclasses import replace

import pytest
from msgspec import structs

from addon.directory.snapshot import Doubts
from addon.store.records import Namespace
from addon.sync.enquiry import AGREE_AFTER
from addon.sync.farewell import KEPT_ITEMS
from addon.sync.holds import approve
from addon.sync.known_placements import (
    EXPIRES,
    ITEM,
    NAMESPACE,
    Beginning,
    KnownDirectory,
    load_known,
    load_known_or_beginning,
    save_known,
)
from addon.sync.known_places import load_places
from addon.sync.run import preview
from tests.support.generated_tenant import TENANT, Spot, held_at, with_spots
from tests.trust.odd_directory import OddReading

READ = Namespace(NAMESPACE, TENANT)


def erased(school):
    """A farewell has begun, and the customer has come back."""
    school.store.erase_items(TENANT, KEPT_ITEMS)


def expired(school):
    """There was no run for ninety days."""
    school.clock.advance(EXPIRES + 1)


def undecodable(school):
    """The item is of a version that this one cannot read."""
    school.store.put(READ, ITEM, b"?", school.clock(), school.clock() + EXPIRES)


def saved_ahead(school):
    """The clock was a year ahead when it was saved, and was set right."""
    item = school.store.get(READ, ITEM, school.clock())
    ahead = school.clock() + 365 * 86_400
    school.store.put(READ, ITEM, item.data, ahead, ahead + EXPIRES)


def of_users(school):
    return len(held_at(school.server)["User"])


@pytest.mark.parametrize("gone", [erased, expired, undecodable, saved_ahead])
def test_a_first_short_list_takes_nobody_from_anything(school, gone):
    gone(school)
    school.reading = OddReading(
        users=frozenset({11}), without_members=frozenset({"kurs-a-ma"}), answered=frozenset()
    )
    school.hourly()
    assert (of_users(school), school.members()) == (12, 6)
    school.reading = OddReading()
    school.hourly()
    assert (of_users(school), school.members()) == (12, 6)


def test_two_readings_ten_minutes_apart_that_agree_are_believed(school):
    erased(school)
    school.short()
    school.change = lambda s: structs.replace(s, users=tuple(u for u in s.users if u.id != "id11"))
    school.after(60)
    school.after(AGREE_AFTER - 200)
    assert (of_users(school), school.members()) == (12, 6)
    school.after(200)
    assert (of_users(school), school.members()) == (11, 1)


def test_what_is_new_is_sent_and_the_finding_says_what_waits(school):
    erased(school)
    school.change_to(with_spots(school.state, {12: Spot("/Elever/A/8B"), 11: Spot()}))
    school.clock.advance(60)
    planned, prepared = preview(school.context(), TENANT)
    assert planned.connections[0].unconfirmed == 1
    assert "not-compared" in {f.code for f in prepared.findings}
    report = school.after(60)
    assert report.operations["create"] == {"User": 1, "StudentGroup": 1}
    assert not report.operations["update"]
    assert not report.operations["delete"]
    assert of_users(school) == 13
    school.hourly()
    _, prepared = preview(school.context(), TENANT)
    assert "not-compared" not in {f.code for f in prepared.findings}
    assert held_at(school.server) == school.wanted


def test_who_is_protected_is_removed_all_the_same(school):
    erased(school)
    hidden = replace(school.state.spots[3], protected=True)
    school.change_to(with_spots(school.state, {3: hidden}))
    school.after(60)
    assert school.external_id(3) not in json.dumps(held_at(school.server))
    assert school.members() == 5


def test_a_first_delivery_waits_for_nothing(school):
    """Nothing was at a vendor when nothing was known, so nothing can be taken from anybody."""
    known = load_known(school.store, TENANT, school.clock())
    assert known is not None
    assert not known.settling


def test_lists_that_are_short_by_their_own_word_begin_it_again(school):
    erased(school)
    school.short()
    school.change = lambda s: structs.replace(
        s, doubts=Doubts(unlisted_org_units=frozenset({"/X"}))
    )
    for _ in range(3):
        school.hourly()
    assert school.members() == 6
    school.change = lambda s: s
    school.reading = OddReading()
    school.hourly(), school.hourly()
    assert held_at(school.server) == school.wanted


def test_a_group_that_was_never_read_whole_stays_as_it_is_and_the_others_go_on(school):
    erased(school)
    school.short()
    school.change = lambda s: structs.replace(s, doubts=Doubts(groups=frozenset({"g-kurs-a-ma"})))
    school.change_to(with_spots(school.state, {10: Spot("/Elever/A/7A", family=1)}))
    for _ in range(3):
        school.hourly()
    assert school.members() == 6
    body = held_at(school.server)["User"][school.external_id(10)]
    assert body["name"]["familyName"] == "Ångström"


def missing_place(school):
    """The list of OUs lacks the school's, and the list of users everybody in it."""
    here = frozenset({"/Elever/A", "/Elever/A/7A", "/Elever/A/8B"})
    school.reading = OddReading(org_units=here, users=frozenset(range(12)), answered=frozenset())


def test_people_of_a_missing_place_need_a_person_also_when_nothing_is_known(school):
    erased(school)
    missing_place(school)
    for _ in range(3):
        report = school.hourly()
        assert report.status == "held"
        assert [each.kind for each in report.hold.exceeded] == ["place-missing"]
    assert of_users(school) == 12
    assert approve(school.context(), TENANT, "v").connections[0].status == "delivered"
    assert of_users(school) == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"doubts": Doubts(groups=frozenset({"g-kurs-b-ma"}))},
        {"doubts": Doubts(listed_groups=True)},
        {"unread": frozenset({"id11"})},
    ],
)
def test_readings_in_doubt_agree_with_no_other_about_what_nothing_explains(school, odd):
    erased(school)
    known = load_known_or_beginning(school.store, TENANT, school.clock())
    save_known(school.store, TENANT, KnownDirectory(school.clock()), known)
    gone = {11: Spot()}
    school.change_to(with_spots(school.state, gone))
    school.change = lambda s: structs.replace(s, **odd)
    for _ in range(3):
        school.hourly()
    assert of_users(school) == 12
    school.change = lambda s: s
    school.hourly()
    assert of_users(school) == 12, "the readings in doubt began nothing"
    school.hourly()
    assert of_users(school) == 11


def test_who_was_there_in_between_is_missing_for_the_first_time_again(school):
    """A removal that nothing explains needs two readings in a row."""
    lacks = structs.replace(school.sync_context().read_directory(None), users=())
    erased(school)
    save_known(school.store, TENANT, KnownDirectory(school.clock()), None)
    state = school.state

    def forget():
        save_known(school.store, TENANT, KnownDirectory(school.clock()), None)

    school.change = lambda s: lacks
    school.hourly()
    assert school.store.connection_state(school.key).unexplained
    school.change = lambda s: s
    school.hourly()
    assert not school.store.connection_state(school.key).unexplained
    forget()
    school.change = lambda s: lacks
    school.hourly()
    assert of_users(school) == len(state.spots)
    school.hourly()
    assert of_users(school) == 0


def test_an_ou_is_followed_by_its_id_after_a_farewell(school):
    erased(school)
    moved = "/Skolor/A"

    def renamed(snapshot):
        def path(old):
            return old.replace("/Elever/A", moved)

        return structs.replace(
            snapshot,
            users=tuple(
                structs.replace(u, org_unit_path=path(u.org_unit_path)) for u in snapshot.users
            ),
            org_units=tuple(structs.replace(o, path=path(o.path)) for o in snapshot.org_units),
        )

    school.change = renamed
    for _ in range(3):
        assert school.hourly().status == "unchanged"
    assert held_at(school.server) == school.wanted


def test_the_places_are_saved_once_after_an_upgrade(school):
    """What an earlier version saved has them, but not in an item that outlives it."""
    school.store.delete(Namespace("places", TENANT), "org-units")
    known = load_known(school.store, TENANT, school.clock())
    save_known(school.store, TENANT, structs.replace(known, places_saved=False), None)
    school.store.delete(Namespace("places", TENANT), "org-units")
    school.hourly()
    assert load_places(school.store, TENANT, school.clock()) == known.places
    _, before = school.store.cost()
    again = load_known_or_beginning(school.store, TENANT, school.clock())
    assert not isinstance(again, Beginning)
    save_known(school.store, TENANT, again, again)
    assert school.store.cost()[1] == before
