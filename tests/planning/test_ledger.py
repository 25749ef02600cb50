import pytest

from addon.planning.ledger import (
    ASK_FIRST,
    UNCERTAIN,
    Ledger,
    LedgerChange,
    LedgerEntry,
    Refusal,
    UnusableKeyError,
    check_keys,
    is_resource_key,
)
from addon.ss12000.resources import content_hash

HELD = LedgerEntry("v1", b"hash")
INTENT = LedgerEntry("", b"")
REFUSAL = Refusal("update", b"other", 422, "no", 1000.0)


def after(*changes: LedgerChange) -> Ledger:
    ledger = Ledger()
    ledger.apply(changes)
    return ledger


def test_an_empty_content_is_an_intent():
    assert INTENT.is_pending
    assert not HELD.is_pending


def test_an_entry_is_put_replaced_and_forgotten():
    ledger = after(LedgerChange("User", "u1", INTENT))
    assert ledger.entries["User"] == {"u1": INTENT}
    ledger.apply([LedgerChange("User", "u1", HELD)])
    assert ledger.entries["User"] == {"u1": HELD}
    ledger.apply([LedgerChange("User", "u1", forget=True)])
    assert ledger.entries["User"] == {}


def test_forgetting_what_is_not_there_is_nothing():
    assert len(after(LedgerChange("User", "u1", forget=True))) == 0


def test_a_refusal_leaves_the_entry_and_a_change_without_one_ends_it():
    ledger = after(LedgerChange("User", "u1", HELD), LedgerChange("User", "u1", refusal=REFUSAL))
    assert ledger.entries["User"] == {"u1": HELD}
    assert list(ledger.refused()) == [("User", "u1", REFUSAL)]
    ledger.apply([LedgerChange("User", "u1", HELD)])
    assert list(ledger.refused()) == []


def test_a_refused_create_is_forgotten_and_refused_in_one_change():
    ledger = after(
        LedgerChange("User", "u1", INTENT), LedgerChange("User", "u1", forget=True, refusal=REFUSAL)
    )
    assert ledger.entries["User"] == {}
    assert ledger.refusals["User"] == {"u1": REFUSAL}


def test_the_same_id_of_two_types_is_two_resources():
    ledger = after(LedgerChange("User", "1", HELD), LedgerChange("Employment", "1", HELD))
    ledger.apply([LedgerChange("User", "1", forget=True)])
    assert ledger.entries["Employment"] == {"1": HELD}


def test_people_are_the_accounts_that_the_vendor_holds_or_may_hold():
    ledger = after(
        LedgerChange("User", "u1", HELD),
        LedgerChange("User", "u2", INTENT),
        LedgerChange("User", "u3", refusal=REFUSAL),
        LedgerChange("Employment", "e1", HELD),
    )
    assert ledger.people() == 2
    assert len(ledger) == 3


@pytest.mark.parametrize(
    ("resource_type", "external_id"),
    [
        ("User", ""),
        ("User", " "),
        ("User", "a/b"),
        ("User", "a\x00"),
        ("User", "\u200b"),
        ("User", " a"),
        ("User", "x" * 201),
        ("Person", "u1"),
        ("", "u1"),
    ],
)
def test_nothing_enters_a_ledger_under_a_key_that_is_nobodys(resource_type, external_id):
    assert not is_resource_key(resource_type, external_id)
    for adds in (
        LedgerChange(resource_type, external_id, HELD),
        LedgerChange(resource_type, external_id, refusal=REFUSAL),
    ):
        with pytest.raises(UnusableKeyError):
            check_keys([LedgerChange("User", "u1", HELD), adds])
    check_keys([LedgerChange(resource_type, external_id, forget=True)])


@pytest.mark.parametrize("external_id", ["u1", "8d37a1f0-0000-5000-8000-000000000000"])
def test_an_id_that_can_be_sent_is_a_key(external_id):
    assert is_resource_key("Activity", external_id)


# Marks


LATER = 1_800_000_100.0
HASH = content_hash(b"{}")


def test_a_lost_create_says_until_when_its_effect_may_come():
    lost = LedgerEntry.lost("", LATER)
    assert (lost.is_pending, lost.is_lost, lost.until) == (True, True, LATER)
    assert not lost.is_settled(LATER - 1)
    assert lost.is_settled(LATER)


def test_a_resource_in_doubt_has_its_hash_and_the_time_to_look_at_it():
    for content in (HASH, UNCERTAIN):
        doubted = LedgerEntry.doubted("v1", content, LATER)
        assert (doubted.is_doubted, doubted.is_pending) == (True, False)
        assert (doubted.hash, doubted.until) == (content, LATER)
        assert doubted.is_acknowledged is (content == HASH)


def test_what_was_deleted_in_doubt_is_pending():
    removed = LedgerEntry.removed(LATER)
    assert (removed.is_pending, removed.is_removed, removed.is_lost) == (True, True, False)


@pytest.mark.parametrize("first", [b"!", b"+", b"-", b"~", b"?"])
def test_a_hash_is_never_taken_for_a_mark(first):
    entry = LedgerEntry("v1", first + HASH[1:])
    assert (entry.until, entry.is_pending, entry.is_doubted) == (None, False, False)
    assert entry.hash == entry.content


def test_a_time_far_ahead_is_of_a_clock_that_was_wrong():
    assert LedgerEntry.lost("", LATER + 10**6).is_settled(LATER)
    assert LedgerEntry.lost("", 1e20).is_settled(LATER)


def test_what_is_asked_first_is_pending_but_not_lost():
    entry = LedgerEntry("", ASK_FIRST)
    assert (entry.is_pending, entry.is_lost, entry.until) == (True, False, None)
