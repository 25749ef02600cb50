"""The life of the channels: made, renewed at half their life, stopped when not wanted."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec import structs

from addon.directory.channel_tokens import ChannelTokens
from addon.sync.channels import forget_notifications, keep_channels, resume_notifications
from addon.sync.deletion import delete_tenant
from addon.sync.status import PushStatus, push_status
from addon.tenants.document import load_tenant
from tests.support.push_world import SECRET, URL, PushWorld, push_world
from tests.support.small_school import TENANT

FOUR = ["add", "delete", "undelete", "update"]
DAY = 86_400.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PushWorld]:
    with push_world(tmp_path) as world:
        yield world


def kinds(world: PushWorld) -> list[str]:
    return sorted(channel.kind for channel in world.push.channels)


def asked(world: PushWorld, path: str) -> int:
    return sum(request.path.endswith(path) for request in world.directory.requests)


def test_a_tenant_that_is_on_has_a_channel_for_each_event(world):
    world.keep_channels()
    assert kinds(world) == FOUR
    assert world.answers == [200] * 4  # the messages with which channels begin
    requests = world.directory.requests
    assert {r.query["customer"] for r in requests} == {TENANT}
    assert {channel.address for channel in world.push.channels} == {f"{URL}/push/google"}
    assert world.queue.waiting == []


def test_nothing_is_asked_while_all_is_as_it_should_be(world):
    world.keep_channels()
    world.directory.forget_requests()
    world.services.keep_channels(TENANT)
    world.start()
    world.services.keep_channels(TENANT)
    world.save_document()
    world.keep_channels()
    world.advance(DAY / 4, step=600)
    assert world.directory.requests == []
    assert world.store.push_due(world.clock()) == []


def test_a_channel_is_renewed_at_half_its_life_the_new_one_first(world):
    world.keep_channels()
    first = {channel.id for channel in world.push.channels}
    world.directory.forget_requests()
    world.clock.advance(DAY - 1)
    world.keep_channels()
    assert world.directory.requests == []
    world.clock.advance(1)
    world.keep_channels()
    paths = [request.path.rsplit("/", 1)[-1] for request in world.directory.requests]
    assert paths == ["watch"] * 4 + ["stop"] * 4
    assert kinds(world) == FOUR
    assert first.isdisjoint(channel.id for channel in world.push.channels)
    assert world.queue.waiting == []


@pytest.mark.parametrize("life", [10.0, 60.0, 3600.0])
def test_it_is_renewed_in_time_however_short_its_life(world, life):
    world.push.change({"life": life})
    world.keep_channels()
    for _ in range(40):
        world.clock.advance(life / 8)
        world.keep_channels()
        assert set(kinds(world)) == set(FOUR)
        assert len(world.push.channels) <= 8


def test_a_month_of_renewals_leaves_no_gap_and_no_more_than_it_needs(world):
    world.keep_channels()
    for hour in range(30 * 24):
        if hour % 50 == 7:  # Google does not answer now and then
            world.push.change({"refusal": 503})
        world.clock.advance(3600)
        world.keep_channels()
        world.push.change({"refusal": 0})
        world.clock.advance(50)
        world.keep_channels()
        assert set(kinds(world)) == set(FOUR)
        assert len(world.push.channels) <= 8
    assert asked(world, "/watch") <= 4 * (31 + 15 * 2)
    assert set(world.answers) == {200}
    assert len(world.state.channels) == 4


def test_a_refusal_is_tried_again_within_a_minute(world):
    world.push.change({"refusal": 403})
    world.keep_channels()
    assert world.state.problems == dict.fromkeys(FOUR, "not-allowed")
    assert world.state.channels == ()
    world.clock.advance(59)
    world.push.change({"refusal": 0})
    world.keep_channels()
    assert kinds(world) == FOUR
    assert world.state.problems == {}


def test_what_google_goes_on_refusing_is_asked_for_ever_more_seldom(world):
    world.push.change({"refusal": 403})
    world.keep_channels()
    again = [world.state.due]
    for _ in range(30):
        world.clock.advance(again[-1] - world.clock())
        world.keep_channels()
        again.append(world.state.due)
    waits = [after - before for before, after in pairwise(again)]
    assert waits[:4] == [90, 180, 360, 720]
    assert max(waits) == waits[-1] == DAY
    assert asked(world, "/watch") == 31 * 4
    assert push_of(world) == PushStatus("refused", None, "not-allowed", again[-1])


def test_a_saved_document_or_a_person_has_google_asked_at_once(world):
    world.push.change({"refusal": 403})
    for _ in range(12):
        world.clock.advance(max(0.0, world.state.due - world.clock()))
        world.keep_channels()
    world.clock.advance(60)
    world.directory.forget_requests()
    world.keep_channels()
    assert asked(world, "/watch") == 0
    world.save_document()
    world.keep_channels()
    assert asked(world, "/watch") == 4
    world.clock.advance(60)
    resume_notifications(world.services.sync_context(), TENANT)
    world.push.change({"refusal": 0})
    world.keep_channels()
    assert kinds(world) == FOUR
    assert world.state.refused == {}


def test_a_channel_that_lives_is_renewed_within_a_minute_however_often_that_is_refused(world):
    world.keep_channels()
    world.push.change({"refusal": 403})
    world.clock.advance(DAY)
    for _ in range(20):
        world.keep_channels()
        world.clock.advance(50)
    world.push.change({"refusal": 0})
    world.keep_channels()
    assert kinds(world) == FOUR
    assert push_of(world).problem is None


def test_what_is_refused_does_not_delay_the_renewal_of_the_others(tmp_path):
    with push_world(tmp_path, SKOLSYNK_AUDIT_WATCH="on") as world:
        world.directory.fail("applications/groups_enterprise", status=403, times=None)
        world.keep_channels()
        world.advance(1.5 * DAY, step=600)
        assert set(kinds(world)) == {*FOUR, "admin"}
        assert push_of(world).problem == "audit-not-allowed"
        assert asked(world, "applications/groups_enterprise/watch") < 15


@pytest.mark.parametrize(
    ("knobs", "problem"),
    [
        ({"refusal": 400, "reason": "pushWebhookUrlUnauthorized"}, "refused"),
        (
            {"refusal": 401, "message": "Unauthorized WebHook callback channel: https://x"},
            "address-unverified",
        ),
        ({"refusal": 403, "reason": "insufficientPermissions"}, "scope-missing"),
        ({"refusal": 503, "reason": "backendError"}, "no-answer"),
        ({"refusal": 404, "reason": "notFound"}, "refused"),
    ],
)
def test_why_google_refuses_is_known_by_a_code(world, knobs, problem):
    if "Webhook" in knobs.get("reason", ""):
        problem = "address-unverified"
    world.push.change(knobs)
    world.keep_channels()
    assert set(world.state.problems.values()) == {problem}


def test_channels_that_are_not_wanted_are_stopped(world):
    world.keep_channels()
    for connection in world.document["connections"]:
        connection["mode"] = "off"
    world.save_document()
    world.keep_channels()
    assert world.push.channels == []
    assert world.state.channels == ()


def test_a_stop_that_fails_is_tried_again(world):
    world.keep_channels()
    for connection in world.document["connections"]:
        connection["mode"] = "off"
    world.save_document()
    world.directory.fail("channels/stop", times=None)
    world.keep_channels()
    assert len(world.push.channels) == 4
    world.directory.clear_failures()
    world.clock.advance(59)
    world.keep_channels()
    assert world.push.channels == []


def test_another_address_or_secret_has_other_channels(world):
    world.keep_channels()
    before = {channel.id for channel in world.push.channels}
    world.services.keep_channels(TENANT)
    other = ChannelTokens("another secret of the same length or so")
    keep_channels(world.services.sync_context(), TENANT, other)
    assert before.isdisjoint(channel.id for channel in world.push.channels)
    assert kinds(world) == FOUR


def test_what_a_killed_process_was_asking_for_is_asked_for_again(world):
    context = world.services.sync_context()

    class Killed(BaseException):
        pass

    def killed(*_: object):
        raise Killed

    with pytest.raises(Killed):
        keep_channels(structs.replace(context, watch_changes=killed), TENANT, ChannelTokens(SECRET))
    world.start()
    world.clock.advance(61)
    world.keep_channels()
    assert kinds(world) == FOUR
    world.clock.advance(60)
    world.services.keep_channels(TENANT)
    assert len(world.state.channels) == 4


def test_a_tenant_that_leaves_or_is_deleted_has_none(world):
    world.keep_channels()
    context = world.services.sync_context()
    forget_notifications(context, TENANT)
    assert world.push.channels == []
    assert world.state.channels == ()
    world.keep_channels()
    assert world.push.channels == []
    resume_notifications(context, TENANT)
    world.keep_channels()
    assert kinds(world) == FOUR
    delete_tenant(context, TENANT)
    assert world.push.channels == []
    assert world.store.push_state(TENANT) is None


def test_a_token_is_of_one_channel_of_one_tenant_and_one_secret():
    tokens, others = ChannelTokens(SECRET), ChannelTokens(SECRET + "x")
    token = tokens.token("C1", "c1")
    assert len(token) <= 256
    assert tokens.tenant_of(token, "c1") == "C1"
    assert tokens.tenant_of(token, "c2") is None
    assert tokens.tenant_of(token.replace("C1", "C2"), "c1") is None
    assert others.tenant_of(token, "c1") is None
    for odd in ("", ".", "C1", "C1.", "å.b", f"{token}x", "\udcff.a"):
        assert tokens.tenant_of(odd, "c1") is None
    assert tokens.name != others.name
    assert SECRET not in token + tokens.name


def push_of(world: PushWorld):
    tenant = load_tenant(world.store.tenant(TENANT))
    return push_status(world.settings, world.store, tenant, world.clock())


def test_the_status_says_whether_google_notifies_and_why_not(world):
    assert push_of(world) == PushStatus("off")
    world.keep_channels()
    assert push_of(world) == PushStatus("on", world.clock() + 2 * DAY)
    world.push.change({"refusal": 403})
    world.clock.advance(DAY)
    world.keep_channels()
    assert push_of(world) == PushStatus("on", world.clock() + DAY, "not-allowed")
    world.clock.advance(DAY + 1)
    assert push_of(world).state == "refused"
    world.push.change({"refusal": 503})
    world.keep_channels()
    assert push_of(world) == PushStatus("off", None, "no-answer")


def test_the_audit_log_is_watched_where_that_is_asked_for(tmp_path):
    with push_world(tmp_path, SKOLSYNK_AUDIT_WATCH="on") as world:
        world.directory.fail("applications/groups_enterprise", status=403, times=None)
        world.keep_channels()
        assert kinds(world) == sorted([*FOUR, "admin"])
        assert push_of(world) == PushStatus("on", world.clock() + 2 * DAY, "audit-not-allowed")
        world.domain.add_group({"email": "ny@edu.storvik.se", "name": "Ny"})
        world.delivery.send_due()
        assert world.state.marked.groups
