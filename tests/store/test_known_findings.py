"""Findings that are marked "that is so", in every store: kept for a year, with who and when."""

from addon.roster.findings import MESSAGES, finding
from addon.store.records import Namespace
from addon.sync.known_findings import (
    DECIDED_ELSEWHERE,
    ITEM,
    KEPT,
    NAMESPACE,
    KnownFinding,
    finding_key,
    load_known,
    mark_known,
    unmark_known,
)

NOW = 1_800_000_000.0
CODE = "student-without-class"
WHO = "admin@x.se"


def marked(store, *keys, at=NOW):
    return mark_known(store, "C1", CODE, keys, who=WHO, clock=lambda: at)


def test_a_mark_is_kept_with_who_and_when_in_one_tenant_and_is_logged(open_store):
    assert marked(open_store(), "a", "b") == 2
    assert load_known(open_store(), "C1", NOW) == {
        key: KnownFinding(key, CODE, WHO, NOW) for key in ("a", "b")
    }
    assert load_known(open_store(), "C2", NOW) == {}
    (entry,) = open_store().audit_entries("C1")
    assert (entry.who, entry.what, entry.subject, entry.at) == (WHO, "finding.known", CODE, NOW)


def test_each_mark_is_gone_after_a_year(store):
    marked(store, "a")
    marked(store, "b", at=NOW + 100)
    assert list(load_known(store, "C1", NOW + KEPT - 1)) == ["a", "b"]
    assert list(load_known(store, "C1", NOW + KEPT)) == ["b"]
    assert load_known(store, "C1", NOW + KEPT + 100) == {}


def test_marking_again_changes_and_logs_nothing(store):
    marked(store, "a")
    assert marked(store, "a", at=NOW + 5) == 0
    assert load_known(store, "C1", NOW)["a"].at == NOW
    assert len(store.audit_entries("C1")) == 1


def test_a_mark_is_taken_back_and_only_by_the_code_it_is_of(store):
    marked(store, "a", "b")
    assert unmark_known(store, "C1", "duplicate-class-name", ["a"], who=WHO, clock=lambda: NOW) == 0
    assert unmark_known(store, "C1", CODE, ["a"], who=WHO, clock=lambda: NOW) == 1
    assert list(load_known(store, "C1", NOW)) == ["b"]
    assert {e.what for e in store.audit_entries("C1")} == {"finding.unknown", "finding.known"}


def test_what_another_version_has_kept_is_no_mark(store):
    store.put(Namespace(NAMESPACE, "C1"), ITEM, b"[7]", NOW)
    assert load_known(store, "C1", NOW) == {}


def test_a_mark_is_of_what_the_finding_says_now_whatever_the_unit_is_called():
    found = finding("student-in-several-classes", "7", unit="1", unitName="Norra", count="2")
    renamed = finding("student-in-several-classes", "7", unit="1", unitName="Södra", count="2")
    more = finding("student-in-several-classes", "7", unit="1", unitName="Norra", count="3")
    assert finding_key(found) == finding_key(renamed) != finding_key(more)


def test_what_is_about_protection_is_never_marked_away():
    assert {code for code in MESSAGES if code.startswith("protect")} <= DECIDED_ELSEWHERE
