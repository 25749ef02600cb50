"""`tenant delete`: everything of a tenant goes, and never while a vendor has something of it."""

import time
from datetime import UTC, datetime

import pytest

from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.store.process_identity import process_holder
from addon.store.records import RunRecord
from tests.support.small_school import OTHER_TENANT, TENANT, small_school
from tests.support.two_tenants import OURS, TwoTenants
from tests.support.world import World

USAGE = 2


@pytest.fixture
def world(tmp_path):
    with small_school(tmp_path) as world:
        yield world


def withdraw(world: World) -> None:
    for vendor in ("all", "some"):
        assert world.run("withdraw", TENANT, "--vendor", vendor, "--yes").status == 0


def test_it_is_refused_while_vendors_have_something_and_says_which_and_how_much(world):
    assert world.run("sync", TENANT).status == 0
    ran = world.run("tenant", "delete", TENANT)
    assert ran.status == USAGE
    assert "20 at all" in ran.err
    assert " at some" in ran.err
    assert "withdraw" in ran.err
    assert world.run("tenant", "list").out == f"{TENANT}\n"
    assert world.run("status", TENANT).status == 0


def test_what_is_left_in_another_environment_or_at_a_vendor_gone_from_the_document_counts(world):
    world.change_connection("all", mode="test")
    assert world.run("sync", TENANT, "--vendor", "all").status == 0
    world.document["connections"] = []
    world.import_document()
    ran = world.run("tenant", "delete", TENANT)
    assert ran.status == USAGE
    assert "20 at all (test)" in ran.err


def test_after_a_withdrawal_the_tenant_is_deleted(world):
    world.run("sync", TENANT)
    withdraw(world)
    assert world.run("tenant", "delete", TENANT).status == 0
    assert world.run("tenant", "list").out == ""
    assert world.run("status", TENANT).status == USAGE
    assert world.vendor("all").externalIds() == []


def test_what_was_removed_in_doubt_is_to_be_looked_for_first_and_when_is_said(world):
    world.run("sync", TENANT)
    withdraw(world)
    until = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
    removed = LedgerChange("User", "late", LedgerEntry.removed(until))
    with world.open_store() as store:
        store.record(LedgerKey(TENANT, "all", "live"), [removed])
    ran = world.run("tenant", "delete", TENANT)
    assert ran.status == USAGE
    assert "may show up at vendors yet: 1 at all, since answers to creates were lost. " in ran.err
    assert f"after 03:04:05 UTC with `withdraw {TENANT} --vendor all`" in ran.err
    withdraw(world)
    assert world.run("tenant", "delete", TENANT).status == 0


def test_deleting_once_more_is_no_error(world):
    assert [world.run("tenant", "delete", TENANT).status for _ in range(2)] == [0, 0]


def test_what_is_abandoned_stays_at_the_vendors_and_is_forgotten_here(world):
    world.run("sync", TENANT)
    world.forget_requests()
    assert world.run("tenant", "delete", TENANT, "--abandon").status == 0
    assert world.requests == []
    assert len(world.vendor("all").held("User")) == 14
    with world.open_store() as store:
        assert store.ledgers(TENANT) == store.runs(TENANT) == store.audit_entries(TENANT) == []


def test_a_running_delivery_refuses_it(world):
    key, now = LedgerKey(TENANT, "all", "live"), time.time()
    with world.open_store() as store:
        assert store.acquire(key, process_holder("r"), now + 60, now) is None
    ran = world.run("tenant", "delete", TENANT, "--abandon")
    assert ran.status == USAGE
    assert "going on" in ran.err
    assert world.run("status", TENANT).status == 0


def test_a_run_that_is_reading_refuses_it_and_one_whose_process_died_does_not(world):
    now = time.time()
    with world.open_store() as store:
        store.save_run(RunRecord("r1", TENANT, now, "running", holder=process_holder("r1")))
        assert world.run("tenant", "delete", TENANT).status == USAGE
        holder = process_holder("r1").split("|")
        holder[1], holder[2] = "4194304", "1"  # a process that there is not
        store.save_run(RunRecord("r1", TENANT, now, "running", holder="|".join(holder)))
    assert world.run("tenant", "delete", TENANT).status == 0


def test_nothing_of_a_deleted_tenant_is_in_the_file_and_all_of_another_is(tmp_path):
    with TwoTenants(tmp_path) as both:
        before = both.rows(OTHER_TENANT)
        both.world.stop_application()
        assert both.world.run("tenant", "delete", TENANT, "--abandon").status == 0
        assert not any(both.rows(TENANT).values())
        assert both.rows(OTHER_TENANT) == before
        data = b"".join(p.read_bytes() for p in tmp_path.iterdir() if "skolsynk.db" in p.name)
        register = ("Undangömda friskolan",)
        for word in (*OURS, TENANT):
            if word not in register:
                assert word.encode() not in data, word
        both.world.start_application()
