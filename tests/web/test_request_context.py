"""What a page has in hand: saving, together with others, and who was faster."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from flask import g
from msgspec import structs

from addon.store.base import StoreError
from addon.store.records import RunRecord
from addon.sync.reconcile import Reconciliation, save_reconciliation
from addon.tenants.document import DocumentError
from addon.tenants.model import Organisation, Protected, Tenant
from addon.web.directory import snapshot_store
from addon.web.request_context import (
    EditConflict,
    RequestContext,
    content_hash,
    request_context,
    with_connection,
    with_unit,
)
from addon.web.security.auth import Administrator
from tests.support.installation import TENANT
from tests.support.site import ADMIN, DELEGATED, OTHER_TENANT, STRANGER, Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


def of(site: Site, email: str = ADMIN, tenant: str = TENANT) -> RequestContext:
    now = site.clock()
    return RequestContext(Administrator("1", email, "", tenant, True, now, now), site.services)


@contextmanager
def asking(site: Site, now: RequestContext) -> Iterator[None]:
    with site.app.test_request_context("/"):
        g.ctx = now
        yield


def renamed(tenant: Tenant) -> Tenant:
    return structs.replace(tenant, organisation=Organisation("Nya Storvik"))


def scheduled(tenant: Tenant) -> Tenant:
    return structs.replace(tenant, schedule=structs.replace(tenant.schedule, hours=6))


def test_the_document_and_its_log_entry_are_saved_together(site: Site) -> None:
    of(site).save("organisation.saved", renamed, subject="x")
    assert site.document()["organisation"] == {"name": "Nya Storvik"}
    (entry, *_) = site.store.audit_entries(TENANT, 1)
    assert (entry.who, entry.what, entry.subject) == (ADMIN, "organisation.saved", "x")
    assert entry.changes[0].place == "organisation.name"


def test_the_ledgers_are_others_when_any_run_has_ended(site: Site) -> None:
    """Where a request may not last as long as a run, the first to begin may be the last to end."""
    long = RunRecord("20260101T000001Z-aaaaaa", TENANT, 1.0, "running")
    short = RunRecord("20260101T000002Z-bbbbbb", TENANT, 2.0, "done", 3.0)
    site.store.save_run(long)
    site.store.save_run(short)
    before = of(site).newest_run
    assert of(site).newest_run == before
    site.store.save_run(structs.replace(long, status="done", finished=30.0))
    assert of(site).newest_run != before


def test_the_ledgers_are_others_when_a_vendor_was_reconciled_with(site: Site) -> None:
    site.installation.connection("all", mode="live")
    before = of(site).newest_run
    found = Reconciliation(TENANT, "all", "live", ())
    save_reconciliation(site.store, found, site.clock())
    once = of(site).newest_run
    assert once != before
    save_reconciliation(site.store, found, site.clock() + 1)
    assert of(site).newest_run != once


def test_what_changes_nothing_leaves_no_trace(site: Site) -> None:
    before = site.store.tenant(TENANT), site.store.audit_entries(TENANT)
    of(site).save("organisation.saved", lambda tenant: tenant)
    assert (site.store.tenant(TENANT), site.store.audit_entries(TENANT)) == before


def test_what_would_not_be_right_is_not_saved(site: Site) -> None:
    before = site.store.tenant(TENANT), site.store.audit_entries(TENANT)
    with pytest.raises(DocumentError) as told:
        of(site).save("x", lambda t: structs.replace(t, organisation=Organisation(" ")))
    assert told.value.faults[0].place == "organisation.name"
    assert (site.store.tenant(TENANT), site.store.audit_entries(TENANT)) == before


def test_no_change_makes_it_another_tenants_document(site: Site) -> None:
    with pytest.raises(PermissionError):
        of(site).save("x", lambda t: structs.replace(t, customer_id=OTHER_TENANT))
    assert site.store.tenant(OTHER_TENANT) is None


def test_a_new_tenant_begins_with_what_is_known_of_who_signed_in(site: Site) -> None:
    now = of(site, STRANGER, OTHER_TENANT)
    assert now.is_new
    now.save("organisation.saved", lambda t: t)
    assert not now.is_new
    stored = json.loads(site.store.tenant(OTHER_TENANT) or b"")
    assert stored["customerId"] == OTHER_TENANT
    assert stored["delegatedAdmin"] == STRANGER
    assert stored["primaryDomain"] == "edu.annanstad.se"


def test_two_who_change_different_things_at_once_are_both_kept(site: Site) -> None:
    barrier = threading.Barrier(2)
    first = [True, True]

    def together(which: int, change: object) -> object:
        def at_once(tenant: Tenant) -> Tenant:
            if first[which]:
                first[which] = False
                barrier.wait(10)
            return change(tenant)  # type: ignore[operator,no-any-return]

        return at_once

    threads = [
        threading.Thread(target=of(site).save, args=("x", together(n, change)))
        for n, change in enumerate((renamed, scheduled))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert site.document()["organisation"] == {"name": "Nya Storvik"}
    assert site.document()["schedule"] == {"hours": 6}


def test_who_is_always_too_late_is_told_and_nothing_is_lost(site: Site) -> None:
    with (
        mock.patch.object(type(site.store), "replace_tenant", return_value=False),
        pytest.raises(StoreError),
    ):
        of(site).save("x", renamed)
    assert site.document()["organisation"]["name"] == "Storviks kommun"


def test_who_was_faster_is_found_by_what_the_form_was_about(site: Site) -> None:
    mark = content_hash(of(site).tenant.schedule.hours)
    of(site, DELEGATED).save("schedule.saved", scheduled)
    of(site, "annan@edu.storvik.se").save("organisation.saved", renamed)
    of(site, "annan@edu.storvik.se").append_audit("run.asked")
    with pytest.raises(EditConflict) as told:
        of(site).save(
            "schedule.saved",
            lambda t: t,
            part=lambda t: t.schedule.hours,
            version_token=mark,
            places=("schedule.hours",),
        )
    (entry,) = told.value.by
    assert (entry.who, entry.what) == (DELEGATED, "schedule.saved")
    assert [c.place for c in entry.changes] == ["schedule.hours"]


def test_what_was_done_before_the_form_was_shown_did_not_overtake_it(site: Site) -> None:
    of(site, DELEGATED).save("schedule.saved", scheduled)
    with site.later(60), site.app.test_request_context("/installningar"):
        mark = of(site).version_token(lambda tenant: tenant.schedule.hours)
    site.installation.document["schedule"] = {"hours": 12}
    with site.later(120):
        site.installation.import_document()
        with pytest.raises(EditConflict) as told:
            of(site).save(
                "schedule.saved",
                scheduled,
                part=lambda t: t.schedule.hours,
                version_token=mark,
                places=("schedule.hours",),
            )
    assert DELEGATED not in [entry.who for entry in told.value.by]


def test_of_one_unit_only_changes_of_that_unit_are_told(site: Site) -> None:
    def unit_named(tenant: Tenant) -> Tenant:
        return with_unit(renamed(tenant), "12345678", name="Nya Norra")

    mark = content_hash(of(site).tenant.school_units)
    of(site, DELEGATED).save("document.imported", unit_named)
    of(site, DELEGATED).save("schedule.saved", scheduled)
    with pytest.raises(EditConflict) as told:
        of(site).save(
            "unit.saved",
            lambda t: t,
            subject="12345678",
            part=lambda t: t.school_units,
            version_token=mark,
        )
    entry, *earlier = told.value.by
    assert [c.place for c in entry.changes] == ["schoolUnits[12345678].name"]
    assert [each.who for each in earlier] == ["command line"]


def test_a_form_about_something_else_is_not_overtaken(site: Site) -> None:
    mark = content_hash(of(site).tenant.organisation)
    of(site, DELEGATED).save("schedule.saved", scheduled)
    of(site).save("organisation.saved", renamed, part=lambda t: t.organisation, version_token=mark)
    assert site.document()["schedule"] == {"hours": 6}
    assert site.document()["organisation"] == {"name": "Nya Storvik"}


def test_when_who_is_protected_changes_what_was_read_is_forgotten(site: Site) -> None:
    site.ready(site.sign_in(), "/personer")
    of(site).save("x", renamed)
    assert snapshot_store.load_state(site.store, TENANT, site.clock()) is not None
    hidden = Protected(org_units=("/Skyddade", "/Elever/7A"))
    of(site).save("protected.saved", lambda t: structs.replace(t, protected=hidden))
    assert snapshot_store.load_state(site.store, TENANT, site.clock()) is None


def test_there_is_no_unit_or_vendor_to_change_that_the_document_does_not_have(site: Site) -> None:
    tenant = of(site).tenant
    with pytest.raises(KeyError):
        with_unit(tenant, "87654321", name="x")
    with pytest.raises(KeyError):
        with_connection(tenant, "nobody", mode="live")
    assert with_connection(tenant, "all", mode="test").connections[0].mode == "test"


def test_a_page_has_the_surroundings_of_its_own_request(site: Site) -> None:
    now = of(site)
    with asking(site, now):
        assert request_context() is now
