import pytest

from addon.planning.ledger import (
    Ledger,
    LedgerChange,
    LedgerEntry,
    Refusal,
    UnusableKeyError,
    check_keys,
    is_resource_key,
)

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
