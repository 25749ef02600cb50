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
    request_context,
    with_connection,
    with_unit,
)
from addon.web.security.auth import Administrator
from addon.web.version_token import value_hash
from tests.support.small_school import (
    ADMIN,
    DELEGATED,
    OTHER_TENANT,
    STRANGER,
    TENANT,
    small_school_pages,
)
from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


def of(world: World, email: str = ADMIN, tenant: str = TENANT) -> RequestContext:
    now = world.clock()
    return RequestContext(Administrator("1", email, "", tenant, True, now, now), world.services)


@contextmanager
def asking(world: World, now: RequestContext) -> Iterator[None]:
    with world.app.test_request_context("/"):
        g.ctx = now
        yield


def renamed(tenant: Tenant) -> Tenant:
    return structs.replace(tenant, organisation=Organisation("Nya Storvik"))


def scheduled(tenant: Tenant) -> Tenant:
    return structs.replace(tenant, schedule=structs.replace(tenant.schedule, hours=6))


def test_the_document_and_its_log_entry_are_saved_together(world: World) -> None:
    of(world).save("organisation.saved", renamed, subject="x")
    assert world.stored_document()["organisation"] == {"name": "Nya Storvik"}
    (entry, *_) = world.store.audit_entries(TENANT, 1)
    assert (entry.who, entry.what, entry.subject) == (ADMIN, "organisation.saved", "x")
    assert entry.changes[0].place == "organisation.name"


def test_the_ledgers_are_others_when_any_run_has_ended(world: World) -> None:
    """Where a request may not last as long as a run, the first to begin may be the last to end."""
    long = RunRecord("20260101T000001Z-aaaaaa", TENANT, 1.0, "running")
    short = RunRecord("20260101T000002Z-bbbbbb", TENANT, 2.0, "done", 3.0)
    world.store.save_run(long)
    world.store.save_run(short)
    before = of(world).newest_run
    assert of(world).newest_run == before
    world.store.save_run(structs.replace(long, status="done", finished=30.0))
    assert of(world).newest_run != before


def test_the_ledgers_are_others_when_a_vendor_was_reconciled_with(world: World) -> None:
    world.change_connection("all", mode="live")
    before = of(world).newest_run
    found = Reconciliation(TENANT, "all", "live", ())
    save_reconciliation(world.store, found, world.clock())
    once = of(world).newest_run
    assert once != before
    save_reconciliation(world.store, found, world.clock() + 1)
    assert of(world).newest_run != once


def test_what_changes_nothing_leaves_no_trace(world: World) -> None:
    before = world.store.tenant(TENANT), world.store.audit_entries(TENANT)
    of(world).save("organisation.saved", lambda tenant: tenant)
    assert (world.store.tenant(TENANT), world.store.audit_entries(TENANT)) == before


def test_what_would_not_be_right_is_not_saved(world: World) -> None:
    before = world.store.tenant(TENANT), world.store.audit_entries(TENANT)
    with pytest.raises(DocumentError) as told:
        of(world).save("x", lambda t: structs.replace(t, organisation=Organisation(" ")))
    assert told.value.faults[0].place == "organisation.name"
    assert (world.store.tenant(TENANT), world.store.audit_entries(TENANT)) == before


def test_no_change_makes_it_another_tenants_document(world: World) -> None:
    with pytest.raises(PermissionError):
        of(world).save("x", lambda t: structs.replace(t, customer_id=OTHER_TENANT))
    assert world.store.tenant(OTHER_TENANT) is None


def test_a_new_tenant_begins_with_what_is_known_of_who_signed_in(world: World) -> None:
    now = of(world, STRANGER, OTHER_TENANT)
    assert now.is_new
    now.save("organisation.saved", lambda t: t)
    assert not now.is_new
    stored = json.loads(world.store.tenant(OTHER_TENANT) or b"")
    assert stored["customerId"] == OTHER_TENANT
    assert stored["delegatedAdmin"] == STRANGER
    assert stored["primaryDomain"] == "edu.annanstad.se"


def test_two_who_change_different_things_at_once_are_both_kept(world: World) -> None:
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
        threading.Thread(target=of(world).save, args=("x", together(n, change)))
        for n, change in enumerate((renamed, scheduled))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert world.stored_document()["organisation"] == {"name": "Nya Storvik"}
    assert world.stored_document()["schedule"] == {"hours": 6}


def test_who_is_always_too_late_is_reported_and_nothing_is_lost(world: World) -> None:
    with (
        mock.patch.object(type(world.store), "replace_tenant", return_value=False),
        pytest.raises(StoreError),
    ):
        of(world).save("x", renamed)
    assert world.stored_document()["organisation"]["name"] == "Storviks kommun"


def test_who_was_faster_is_found_by_what_the_form_was_about(world: World) -> None:
    mark = value_hash(of(world).tenant.schedule.hours)
    of(world, DELEGATED).save("schedule.saved", scheduled)
    of(world, "annan@edu.storvik.se").save("organisation.saved", renamed)
    of(world, "annan@edu.storvik.se").append_audit("run.asked")
    with pytest.raises(EditConflict) as told:
        of(world).save(
            "schedule.saved",
            lambda t: t,
            part=lambda t: t.schedule.hours,
            version_token=mark,
            places=("schedule.hours",),
        )
    (entry,) = told.value.by
    assert (entry.who, entry.what) == (DELEGATED, "schedule.saved")
    assert [c.place for c in entry.changes] == ["schedule.hours"]


def test_what_was_done_before_the_form_was_shown_did_not_overtake_it(world: World) -> None:
    of(world, DELEGATED).save("schedule.saved", scheduled)
    with world.later(60), world.app.test_request_context("/installningar"):
        mark = of(world).version_token(lambda tenant: tenant.schedule.hours)
    world.document["schedule"] = {"hours": 12}
    with world.later(120):
        world.import_document()
        with pytest.raises(EditConflict) as told:
            of(world).save(
                "schedule.saved",
                scheduled,
                part=lambda t: t.schedule.hours,
                version_token=mark,
                places=("schedule.hours",),
            )
    assert DELEGATED not in [entry.who for entry in told.value.by]


def test_of_one_unit_only_changes_of_that_unit_are_reported(world: World) -> None:
    def unit_named(tenant: Tenant) -> Tenant:
        return with_unit(renamed(tenant), "12345678", name="Nya Norra")

    mark = value_hash(of(world).tenant.school_units)
    of(world, DELEGATED).save("document.imported", unit_named)
    of(world, DELEGATED).save("schedule.saved", scheduled)
    with pytest.raises(EditConflict) as told:
        of(world).save(
            "unit.saved",
            lambda t: t,
            subject="12345678",
            part=lambda t: t.school_units,
            version_token=mark,
        )
    entry, *earlier = told.value.by
    assert [c.place for c in entry.changes] == ["schoolUnits[12345678].name"]
    assert [each.who for each in earlier] == ["command line"]


def test_a_form_about_something_else_is_not_overtaken(world: World) -> None:
    mark = value_hash(of(world).tenant.organisation)
    of(world, DELEGATED).save("schedule.saved", scheduled)
    of(world).save("organisation.saved", renamed, part=lambda t: t.organisation, version_token=mark)
    assert world.stored_document()["schedule"] == {"hours": 6}
    assert world.stored_document()["organisation"] == {"name": "Nya Storvik"}


def test_when_who_is_protected_changes_what_was_read_is_forgotten(world: World) -> None:
    world.ready(world.sign_in(), "/personer")
    of(world).save("x", renamed)
    assert snapshot_store.load_state(world.store, TENANT, world.clock()) is not None
    hidden = Protected(org_units=("/Skyddade", "/Elever/7A"))
    of(world).save("protected.saved", lambda t: structs.replace(t, protected=hidden))
    assert snapshot_store.load_state(world.store, TENANT, world.clock()) is None


def test_there_is_no_unit_or_vendor_to_change_that_the_document_does_not_have(world: World) -> None:
    tenant = of(world).tenant
    with pytest.raises(KeyError):
        with_unit(tenant, "87654321", name="x")
    with pytest.raises(KeyError):
        with_connection(tenant, "nobody", mode="live")
    assert with_connection(tenant, "all", mode="test").connections[0].mode == "test"


def test_a_page_has_the_surroundings_of_its_own_request(world: World) -> None:
    now = of(world)
    with asking(world, now):
        assert request_context() is now
