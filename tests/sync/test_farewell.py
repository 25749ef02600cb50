"""A customer who uninstalls the app is gone after a farewell, and nobody else ever is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs

from addon.directory.errors import AccessRefused
from addon.planning.ledger import LedgerChange, LedgerEntry, LedgerKey
from addon.planning.limits import Approval
from addon.store.origin import load_origin, record_origin
from addon.store.records import Namespace
from addon.sync.context import SyncContext
from addon.sync.farewell import KEPT_ITEMS
from addon.sync.holds import approve
from addon.sync.protected_removal import read_protected
from addon.sync.protected_set import load_protection
from addon.sync.reconcile import reconcile
from addon.sync.report import USAGE
from addon.sync.run import deliver, plan_run, preview, sync
from addon.sync.session import cancellation_reason
from addon.sync.status import status
from addon.sync.withdraw import withdraw
from addon.tasks.handlers import DONE, PROTECT, RUN, TaskHandler
from addon.tenants.licence import FarewellError
from addon.web.directory import snapshot_store
from tests.support.small_school import (
    DOMAIN,
    PUPILS,
    STAFF,
    TENANT,
    address,
    small_school,
)
from tests.support.world import World

APP = {"SKOLSYNK_MARKETPLACE_APP": "123456789012"}
DAY = 86400.0
NAMES = [family for names in PUPILS.values() for _, family in names] + [n for _, n in STAFF]


class Story:
    """A school whose days pass: `now` is the time of the next run."""

    def __init__(self, world: World, context: SyncContext) -> None:
        self.world = world
        self.now = time.time()
        self.context = structs.replace(context, clock=lambda: self.now)
        self.store = context.store

    @property
    def record(self):
        return self.store.licence(TENANT)

    @property
    def licence(self) -> str:
        return status(self.context.settings, self.store, TENANT, now=self.now).licence.state

    @property
    def marketplace(self):
        return self.world.directory.marketplace

    def asked(self) -> int:
        """How often the licence was asked for since the last time; forgets it."""
        paths = [r.path for r in self.world.directory.requests]
        self.world.directory.forget_requests()
        return sum("customerLicense" in path for path in paths)

    def pass_days(self, days: float = 1) -> None:
        self.now += days * DAY + 1

    def run(self) -> str:
        """Run as the schedule does, and return what happened."""
        try:
            return " ".join(plan_run(self.context, TENANT).vendors) or "unchanged"
        except AccessRefused:
            return "refused"
        except FarewellError:
            return "left"

    def leave(self) -> None:
        """Uninstall the app and let the farewell begin."""
        self.marketplace.uninstall()
        assert self.run() == "refused"
        self.pass_days()
        assert self.run() == "left"
        self.world.forget_requests()

    def there(self) -> dict[str, int]:
        return {key.vendor: count for key, count, _ in self.store.ledgers(TENANT)}


@contextmanager
def told(folder: Path, **environ: str) -> Iterator[Story]:
    with small_school(folder) as world:
        world.environ |= environ
        with world.sync_context() as context:
            yield Story(world, context)


@pytest.fixture
def story(tmp_path):
    with told(tmp_path, **APP) as story:
        sync(story.context, TENANT)
        yield story


# From the first day


def test_the_licence_is_asked_for_when_the_first_domains_were_read_and_then_once_a_day(story):
    assert story.asked() == 1
    assert (story.licence, story.record.domains) == ("active", (DOMAIN,))
    assert load_origin(story.store, TENANT, story.now) == "marketplace"
    asked = []
    for _ in range(49):
        story.now += 3600
        story.run()
        asked.append(story.asked())
    assert sum(asked) == 2


def test_in_a_pause_it_is_asked_for_too(story):
    story.world.document["schedule"] = {"pause": {"from": "2020-01-01", "until": "2099-01-01"}}
    story.world.import_document()
    story.asked()
    story.pass_days()
    assert story.world.run("sync", TENANT).status == USAGE
    with pytest.raises(Exception, match="paused"):
        plan_run(story.context, TENANT)
    assert story.asked() == 1


def test_without_the_setting_nobody_is_asked_and_nothing_ends(tmp_path):
    with told(tmp_path) as story:
        sync(story.context, TENANT)
        story.marketplace.uninstall()
        for _ in range(4):
            assert story.run() == "refused"
            story.pass_days()
        assert story.asked() == 0
        assert (story.licence, story.record.farewell) == ("not asked", 0)


@pytest.fixture
def by_hand(tmp_path):
    """A school that gave its access by hand, and has been answered UNLICENSED once."""
    with told(tmp_path, **APP) as story:
        story.marketplace.change(installed=False, by_hand=True)
        sync(story.context, TENANT)
        assert (story.licence, story.asked()) == ("by hand", 1)
        yield story


def origin(story: Story) -> str | None:
    return load_origin(story.store, TENANT, story.now)


def test_a_tenant_that_gave_access_by_hand_is_never_asked_for_again_and_never_ends(by_hand):
    story = by_hand
    assert origin(story) == "by hand"
    for day in range(21):
        story.marketplace.change(by_hand=day < 10)  # the access is taken back on the tenth day
        story.now += DAY
        assert story.run() == ("unchanged" if day < 10 else "refused")
        assert story.asked() == 0
    assert (story.licence, origin(story)) == ("by hand", "by hand")
    said = story.world.run("status", TENANT, **APP).out
    assert "licence: not asked for, as the access was given by hand" in said


def test_who_came_by_hand_and_opens_the_card_later_gets_a_farewell_when_leaving(by_hand):
    story = by_hand
    story.marketplace.change(installed=True, by_hand=False)
    record_origin(story.store, TENANT, "marketplace", story.now)  # as a call of the card does
    story.pass_days()
    story.run()
    assert (story.licence, origin(story)) == ("active", "marketplace")
    story.leave()
    assert story.licence == "farewell"


def test_no_answer_the_first_time_says_nothing_of_how_a_tenant_came(tmp_path):
    with told(tmp_path, **APP) as story:
        story.marketplace.change(installed=False, by_hand=True)
        story.world.directory.fail("customerLicense", status=503, times=None)
        sync(story.context, TENANT)
        assert (origin(story), story.licence) == (None, "unknown")
        story.world.directory.clear_failures()
        story.pass_days()
        story.run()
        assert (origin(story), story.licence) == ("by hand", "by hand")


def test_a_licence_that_was_ever_active_is_asked_for_although_how_the_tenant_came_is_forgotten(
    story,
):
    story.store.delete(Namespace("origin", TENANT), "origin")
    story.leave()
    assert story.licence == "farewell"


def test_a_tenant_that_came_from_the_card_is_asked_for_whatever_was_answered_first(tmp_path):
    with told(tmp_path, **APP) as story:
        story.marketplace.change(installed=False, by_hand=True)
        sync(story.context, TENANT)
        record_origin(story.store, TENANT, "marketplace", story.now)
        story.pass_days()
        story.asked()
        story.run()
        assert (story.asked(), story.licence) == (1, "unlicensed")


# How a farewell begins


def test_two_answers_a_day_apart_and_a_refused_delegation_begin_it_at_once(story):
    story.marketplace.uninstall()
    assert story.run() == "refused"
    assert story.licence == "unlicensed"
    for _ in range(23):
        story.now += 3600
        assert story.run() == "refused"
    story.now += 3601
    assert story.run() == "left"
    assert (story.licence, story.record.farewell) == ("farewell", story.now)


def test_an_active_answer_in_between_begins_again(story):
    story.marketplace.uninstall()
    assert story.run() == "refused"
    story.marketplace.install()
    story.now += 3600
    story.world.directory.fail("/admin/", status=401, reason="authError", times=None)
    assert story.run() == "refused"
    assert story.licence == "active"
    story.world.directory.clear_failures()
    story.marketplace.uninstall()
    story.pass_days()
    assert story.run() == "refused"
    story.pass_days()
    assert story.run() == "left"


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 503, "reason": "backendError"},
        {"status": 403, "reason": "forbidden"},
        {"status": 404, "reason": "notFound"},
        {"status": 200, "body": b'{"state": "GONE"}'},
        {"status": 200, "body": b'{"state": "UNLICENSED", "applicationId": "1"}'},
        {"kind": "notJson"},
    ],
)
def test_odd_answers_are_a_line_in_status_and_nothing_else(story, failure):
    story.marketplace.uninstall()
    story.world.directory.fail("customerLicense", times=None, **failure)
    for _ in range(4):
        assert story.run() == "refused"
        story.pass_days()
    assert story.licence == "active"
    said = story.world.run("status", TENANT, **APP).out
    assert "licence: no answer the last time" in said
    assert story.there() == {"all": 20, "some": 20}


def test_an_unlicensed_app_whose_access_works_goes_on(story):
    story.marketplace.change(installed=False, by_hand=True)
    for _ in range(5):
        story.pass_days()
        assert story.run() != "left"
    assert story.licence == "unlicensed"


def test_an_administrator_who_was_deleted_does_not_end_it_however_unlicensed(story):
    """Google gives tokens for nobody then, which says nothing of the app."""
    story.marketplace.change(installed=False, by_hand=True)
    context = structs.replace(story.context, check_delegation=lambda tenant: "unknown")
    story.world.directory.fail("/admin/", status=401, reason="authError", times=None)
    for _ in range(4):
        with pytest.raises(AccessRefused):
            sync(context, TENANT)
        story.pass_days()


def test_a_domain_that_was_renamed_is_asked_for_by_both_names(story):
    domains = story.world.domain.domains
    domains[:] = [{**domains[0], "domainName": "nya.storvik.se"}]
    story.pass_days()
    story.run()
    assert story.record.domains == (DOMAIN, "nya.storvik.se")
    story.asked()
    story.pass_days()
    story.run()
    assert (story.licence, story.asked()) == ("active", 2)


def test_trouble_of_our_own_does_not_have_it_asked_for(story):
    story.asked()
    story.world.directory.fail("/admin/", status=403, reason="accessNotConfigured", times=None)
    assert story.run() == "refused"
    assert story.asked() == 0


# What it does


def fill_caches(story: Story) -> None:
    """Give the tenant's pages something of everything that was read."""
    assert plan_run(story.context, TENANT).vendors == ()
    snapshot_store.read_and_store(
        lambda tenant, told: story.context.read_directory(tenant),
        story.store,
        story.context
        and __import__("addon.sync.context", fromlist=["x"]).load_tenant_or_raise(
            story.store, TENANT
        ),
        story.context.clock,
    )
    for kind in ("search", "progress", "reconciled"):
        data = "Sigbritt Äppelqvist".encode()
        story.store.put(Namespace(kind, TENANT), "one", data, story.now, story.now + DAY * 90)
    for kind in KEPT_ITEMS:
        story.store.put(Namespace(kind, TENANT), "kept", b"{}", story.now)
    packed = b"Sigbritt"
    story.store.save_snapshot(TENANT, "r1", packed, ["all"], story.now, story.now + 9 * DAY)


def test_what_was_read_is_erased_at_once_and_ledgers_and_settings_stay(story):
    fill_caches(story)
    before = story.there()
    story.leave()
    for kind in ("reading", "evidence", "search", "progress", "reconciled"):
        assert story.store.list_names(Namespace(kind, TENANT), story.now) == [], kind
    assert story.store.snapshot(TENANT, "r1", story.now) is None
    for kind in KEPT_ITEMS:
        assert "kept" in story.store.list_names(Namespace(kind, TENANT), story.now), kind
    assert story.there() == before
    assert story.store.tenant(TENANT)
    actions = [entry.what for entry in story.store.audit_entries(TENANT)]
    assert actions[0] == "tenant.left"


def test_nothing_more_is_read_or_sent(story):
    story.leave()
    story.world.directory.forget_requests()
    for _ in range(3):
        story.pass_days()
        assert story.run() == "left"
        with pytest.raises(FarewellError):
            preview(story.context, TENANT)
        with pytest.raises(FarewellError):
            reconcile(story.context, TENANT, "all", confirmed=True)
        with pytest.raises(FarewellError):
            deliver(story.context, TENANT, "all", "r1", 9)
        read_protected(story.context, TENANT)
    asked = {r.path.split("/")[1] for r in story.world.directory.requests}
    assert asked == {"appsmarket"}
    assert story.world.requests == []
    ran = story.world.run("sync", TENANT, "--json", **APP)
    assert (ran.status, ran.out) == (USAGE, "")
    assert "has uninstalled Skolsynk" in ran.err
    assert story.world.requests == []


def test_a_delivery_that_is_going_on_ends_when_the_farewell_begins(story):
    place = key(story, "all")
    hidden = load_protection(story.store, TENANT).hidden
    assert cancellation_reason(story.context, place, hidden) is None
    story.store.update_licence(TENANT, lambda known: structs.replace(known, farewell=story.now))
    reason = cancellation_reason(story.context, place, hidden)
    assert reason is not None
    assert reason.spent
    assert "uninstalled" in str(reason)


def test_status_says_since_when(story):
    story.leave()
    found = story.world.run("status", TENANT, "--json", **APP).json["licence"]
    assert (found["state"], found["since"]) == ("farewell", story.record.farewell)
    assert "licence: the customer has left since" in story.world.run("status", TENANT, **APP).out
    said = story.world.run("status", TENANT).out
    assert "licence: the customer has left" in said, "whatever the setting is now"


def test_a_task_of_a_tenant_that_left_is_done(story):
    story.leave()
    handler = TaskHandler(lambda: story.context, lambda: None)
    found = handler.handle(RUN, {"tenant": TENANT, "window": "1"})
    assert (found.status, found.outcome) == (DONE, "left")


def test_an_erasure_that_was_cut_off_is_done_by_the_next_run(story, monkeypatch):
    fill_caches(story)
    story.marketplace.uninstall()
    assert story.run() == "refused"
    story.pass_days()
    with monkeypatch.context() as patched:
        patched.setattr(type(story.store), "erase_items", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            plan_run(story.context, TENANT)
    assert not story.record.erased
    assert story.run() == "left"
    assert story.record.erased
    assert story.store.list_names(Namespace("reading", TENANT), story.now) == []


def test_what_a_reading_that_was_going_on_stored_since_is_erased_too(story):
    story.leave()
    story.store.put(Namespace("reading", TENANT), "directory", b"late", story.now, story.now + DAY)
    story.now += 3600
    assert story.run() == "left"
    assert story.store.list_names(Namespace("reading", TENANT), story.now) == []


def test_a_hold_of_a_run_is_not_approved_any_more_and_keeps_no_approval(story):
    for name in PUPILS["7A"][:4]:
        story.world.domain.remove_user(address(*name))
    plan_run(story.context, TENANT)
    sync(story.context, TENANT)
    place = key(story, "all")
    hold = story.store.hold(place)
    assert hold is not None
    assert not hold.withdrawal
    story.leave()
    with pytest.raises(FarewellError):
        approve(story.context, TENANT, "all")
    assert story.store.approval(place) is None


def test_who_was_protected_before_is_still_removed_and_nothing_is_read_for_it(story):
    """Protection comes before everything else, as long as the vendor has somebody."""
    place = key(story, "all")
    vendor = story.world.vendor("all")
    vendor.fail(503, times=None, method="DELETE", endpoint="Users")
    story.world.domain.move_user(address(*PUPILS["7A"][0]), "/Skyddade")
    sync(story.context, TENANT)
    there = len(vendor.held("User"))
    story.leave()
    vendor.clear()
    story.world.directory.forget_requests()
    handler = TaskHandler(lambda: story.context, lambda: None)
    assert handler.handle(PROTECT, {"tenant": TENANT}).status == DONE
    assert len(vendor.held("User")) == there - 1
    assert story.world.directory.requests == []
    assert story.store.ledger(place).people() == there - 1


# Coming back


def test_who_installs_it_again_goes_on_where_they_were(story):
    story.leave()
    story.marketplace.install()
    assert story.run() in ("unchanged", "all some")
    assert story.licence == "active"
    assert sync(story.context, TENANT).exit_status == 0
    assert story.there() == {"all": 20, "some": 20}
    deleted = [path for method, path in story.world.requests if method == "DELETE"]
    assert deleted == []
    actions = [entry.what for entry in story.store.audit_entries(TENANT)]
    assert "tenant.returned" in actions


def test_a_licence_without_access_does_not_undo_it(story):
    story.leave()
    story.marketplace.install()
    story.world.directory.fail("/admin/", status=401, reason="authError", times=None)
    assert story.run() == "left"
    story.world.directory.clear_failures()
    assert story.run() != "left"


def test_who_comes_back_after_the_days_loses_nothing_that_was_not_removed(story):
    story.leave()
    story.pass_days(31)
    assert story.run() == "left"
    assert withdrawal(story, "all")
    story.marketplace.install()
    assert story.run() != "left"
    assert not withdrawal(story, "all")
    assert story.store.approval(key(story, "all")) is None
    assert len(story.world.vendor("all").held("User")) == 14


# The end


def key(story: Story, vendor: str):
    return next(each for each, _, _ in story.store.ledgers(TENANT) if each.vendor == vendor)


def withdrawal(story: Story, vendor: str) -> bool:
    hold = story.store.hold(key(story, vendor))
    return hold is not None and hold.withdrawal


def test_before_the_days_are_over_nothing_waits_and_nothing_is_removed(story):
    story.leave()
    story.pass_days(29)
    assert story.run() == "left"
    assert not withdrawal(story, "all")
    assert story.there() == {"all": 20, "some": 20}


def test_after_the_days_everything_waits_for_the_operator_and_is_removed_when_approved(story):
    story.leave()
    story.pass_days(30)
    assert story.run() == "left"
    assert withdrawal(story, "all")
    assert withdrawal(story, "some")
    assert story.world.requests == []
    for vendor in ("all", "some"):
        assert approve(story.context, TENANT, vendor).exit_status == 0
        assert story.world.vendor(vendor).externalIds() == []
    story.now += 3600
    assert story.run() == "left"
    assert story.store.tenants() == []
    assert story.store.audit_entries(TENANT) == story.store.runs(TENANT) == []


def test_it_is_held_however_few_people_there_are(tmp_path):
    with told(tmp_path, **APP) as story:
        limits = {"deletions": 1000, "deletionsPercent": 100}
        story.world.change_connection("all", limits=limits)
        sync(story.context, TENANT)
        story.leave()
        story.pass_days(30)
        story.run()
        assert withdrawal(story, "all")
        assert story.world.requests == []


def test_the_days_are_a_setting(tmp_path):
    with told(tmp_path, **APP, SKOLSYNK_FAREWELL_DAYS="2") as story:
        sync(story.context, TENANT)
        story.leave()
        story.pass_days(1)
        story.run()
        assert not withdrawal(story, "all")
        story.pass_days(1)
        story.run()
        assert withdrawal(story, "all")


def test_a_customer_who_wants_it_need_not_wait(story):
    story.leave()
    story.store.update_licence(TENANT, lambda known: structs.replace(known, wanted=story.now))
    story.now += 60
    story.run()
    assert withdrawal(story, "all")


def test_an_earlier_approval_of_something_else_removes_nothing(story):
    people = frozenset(list(story.store.ledger(key(story, "all")).entries["User"])[:4])
    story.leave()
    story.pass_days(30)
    story.store.set_approval(key(story, "all"), Approval(people, at=story.now))
    story.run()
    assert withdrawal(story, "all")
    assert story.store.approval(key(story, "all")) is None
    assert story.world.requests == []


def test_a_withdrawal_that_was_approved_and_cut_off_goes_on_by_itself(story):
    story.leave()
    story.pass_days(30)
    story.run()
    story.world.vendor("all").fail(500, times=None, method="DELETE", endpoint="Users")
    assert approve(story.context, TENANT, "all").exit_status == 1
    story.world.vendor("all").clear()
    story.now += 3600
    story.run()
    assert story.world.vendor("all").externalIds() == []
    assert len(story.world.vendor("some").held("User")) == 14


def test_what_was_removed_in_doubt_is_looked_for_without_another_approval(story):
    story.leave()
    story.pass_days(30)
    story.run()
    for vendor in ("all", "some"):
        assert approve(story.context, TENANT, vendor).exit_status == 0
    removed = LedgerChange("User", "late", LedgerEntry.removed(story.now))
    story.store.record(LedgerKey(TENANT, "all", "live"), [removed])
    story.world.vendor("all").put("User", {"externalId": "late"})
    for _ in range(2):
        story.now += 3600
        story.run()
    assert story.world.vendor("all").externalIds() == []
    assert story.store.tenants() == []


def test_the_operator_can_withdraw_and_delete_without_waiting(story):
    story.leave()
    for vendor in ("all", "some"):
        assert withdraw(story.context, TENANT, vendor, confirmed=True).exit_status == 0
    ran = story.world.run("tenant", "delete", TENANT, **APP)
    assert ran.status == 0
    assert story.store.tenants() == []


def test_when_it_is_over_the_files_bytes_have_no_name_and_no_id_of_it(tmp_path):
    """Install, set up, deliver, uninstall, days pass, withdraw, delete."""
    with told(tmp_path, **APP) as story:
        sync(story.context, TENANT)
        fill_caches(story)
        packed = story.store.get(Namespace("reading", TENANT), "directory", story.now).data
        assert found_in(tmp_path, [packed[at : at + 16] for at in (40, 400, 1000)])
        story.leave()
        assert not found_in(tmp_path, [packed[at : at + 16] for at in range(0, len(packed) - 16)])
        assert not found_in(tmp_path, [name.encode() for name in NAMES if len(name) > 3])
        story.pass_days(30)
        story.run()
        for vendor in ("all", "some"):
            approve(story.context, TENANT, vendor)
        story.run()
        assert story.store.tenants() == []
        assert not found_in(tmp_path, [TENANT.encode(), DOMAIN.encode()])


def found_in(folder: Path, pieces: list[bytes]) -> bool:
    files = [each.read_bytes() for each in folder.iterdir() if "skolsynk.db" in each.name]
    return any(piece in data for piece in pieces for data in files)
