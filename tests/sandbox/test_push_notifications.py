"""The sandbox's notifications: by Google's own description, and through Google's client."""

from collections.abc import Iterator
from typing import Any

import httplib2
import pytest
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.sandbox.notice_delivery import NoticeDelivery, PushNotice
from addon.sandbox.push_notifications import PushNotifications
from tests.support.clock import Clock

SCHOOL = "edu.storkoping.se"
ADDRESS = "https://skolsynk.example/push/google"


class Notices:
    """What was sent, and how it is answered."""

    def __init__(self) -> None:
        self.sent: list[PushNotice] = []
        self.status = 200

    def __call__(self, notice: PushNotice) -> int:
        self.sent.append(notice)
        return self.status

    @property
    def states(self) -> list[str]:
        return [each.headers["X-Goog-Resource-State"] for each in self.sent]


class World:
    def __init__(self) -> None:
        users = [{"primaryEmail": f"elev{n}@{SCHOOL}", "orgUnitPath": "/7A"} for n in range(5)]
        groups = [{"email": f"ma@{SCHOOL}", "name": "Ma"}]
        self.domain = Domain.from_json({"users": users, "groups": groups})
        self.clock = Clock()
        self.clock.set(1_800_000_000.0)
        self.notices = Notices()
        self.delivery = NoticeDelivery(self.clock, self.notices, threads=False)
        self.push = PushNotifications(self.domain, self.clock, self.delivery)
        self.server = DirectoryServer(self.domain, push=self.push)
        self.users = build(
            "admin",
            "directory_v1",
            http=httplib2.Http(),
            client_options={"api_endpoint": self.server.url + "/"},
        )

    def watch(self, event: str = "update", **body: Any) -> Any:
        channel = {"id": f"c-{event}", "type": "web_hook", "address": ADDRESS, "token": "t"} | body
        customer = self.domain.customer["id"]
        return self.users.users().watch(customer=customer, event=event, body=channel).execute()

    def user(self, number: int = 0) -> str:
        return str(self.domain.find_user(f"elev{number}@{SCHOOL}")["id"])


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.server:
        yield world


def test_a_channel_begins_with_a_message_without_a_body(world):
    made = world.watch(params={"ttl": "172800"})
    assert made["kind"] == "api#channel"
    assert int(made["expiration"]) == (world.clock() + 172_800) * 1000
    world.delivery.send_due()
    assert world.notices.states == ["sync"]
    assert world.notices.sent[0].body is None
    assert world.notices.sent[0].headers["X-Goog-Channel-Token"] == "t"


def test_each_change_of_a_user_is_told_to_the_channels_of_its_event(world):
    for event in ("add", "delete", "undelete", "update"):
        world.watch(event)
    world.delivery.send_due()
    world.notices.sent.clear()
    user = world.user()
    world.domain.rename_user(user, "Ada", "Ek")
    world.domain.move_user(user, "/7A")
    world.domain.remove_user(user)
    world.domain.restore_user(user)
    world.domain.add_user({"primaryEmail": f"ny@{SCHOOL}", "orgUnitPath": "/7A"})
    world.delivery.send_due()
    assert world.notices.states == ["update", "update", "delete", "undelete", "add"]
    assert {each.body["id"] for each in world.notices.sent[:4]} == {user}
    numbers = [each.headers["X-Goog-Message-Number"] for each in world.notices.sent]
    assert numbers == ["2", "3", "2", "2", "2"]


def test_a_channel_that_was_stopped_or_has_ended_tells_nothing(world):
    stopped, ending = world.watch("update"), world.watch("delete", params={"ttl": "60"})
    asked = {"id": stopped["id"], "resourceId": stopped["resourceId"]}
    assert world.users.channels().stop(body=asked).execute() in ({}, "")
    world.delivery.send_due()
    world.notices.sent.clear()
    world.clock.set(int(ending["expiration"]) / 1000 + 1)
    world.domain.rename_user(world.user(), "Ada", "Ek")
    world.domain.remove_user(world.user())
    world.delivery.send_due()
    assert world.notices.sent == []
    assert world.push.channels == []


def test_notices_are_late_twice_lost_or_tried_again(world):
    world.watch()
    world.delivery.send_due()
    world.notices.sent.clear()
    world.push.change({"late": 30.0, "doubled": True})
    world.domain.rename_user(world.user(), "Ada", "Ek")
    assert world.delivery.send_due() == 0
    world.clock.advance(31)
    world.notices.status = 503
    assert world.delivery.send_due() == 2
    world.clock.advance(31)
    world.notices.status = 200
    assert world.delivery.send_due() == 2
    world.push.change({"lost": True})
    world.domain.rename_user(world.user(), "Bo", "Ek")
    world.clock.advance(3600)
    assert world.delivery.send_due() == 0


def test_a_watch_is_refused_as_google_refuses_it(world):
    with pytest.raises(HttpError) as raised:
        world.watch(address="http://skolsynk.example/push/google")
    assert raised.value.status_code == 400
    assert "Unauthorized WebHook callback channel" in str(raised.value)
    world.push.change({"refusal": 403})
    with pytest.raises(HttpError) as raised:
        world.watch()
    assert raised.value.status_code == 403


def test_the_audit_log_tells_of_groups_and_ous(world):
    reports = build(
        "admin",
        "reports_v1",
        http=httplib2.Http(),
        client_options={"api_endpoint": world.server.url + "/"},
    )
    channel = {"id": "audit", "type": "web_hook", "address": ADDRESS, "token": "t"}
    made = (
        reports.activities()
        .watch(
            userKey="all",
            applicationName="admin",
            customerId=world.domain.customer["id"],
            body=channel,
        )
        .execute()
    )
    world.domain.add_member(f"ma@{SCHOOL}", f"elev1@{SCHOOL}")
    world.domain.rename_org_unit("/7A", "8A")
    world.domain.rename_user(world.user(), "Ada", "Ek")
    world.delivery.send_due()
    assert world.notices.states == ["sync", "ADD_GROUP_MEMBER", "EDIT_ORG_UNIT_NAME"]
    asked = {"id": made["id"], "resourceId": made["resourceId"]}
    reports.channels().stop(body=asked).execute()
    assert world.push.channels == []


def test_a_list_is_behind_and_an_account_is_not(world):
    world.domain.lag = 3600.0
    user = world.user()
    world.domain.add_org_unit("/8A")
    world.domain.move_user(user, "/8A")
    world.domain.add_user({"primaryEmail": f"ny@{SCHOOL}", "orgUnitPath": "/7A"})
    customer = world.domain.customer["id"]

    def listed(path: str) -> set[str]:
        query = f"orgUnitPath='{path}'"
        answer = world.users.users().list(customer=customer, query=query).execute()
        return {each["id"] for each in answer.get("users", ())}

    assert user in listed("/7A")
    assert len(listed("/7A")) == 5
    assert listed("/8A") == set()
    assert world.users.users().get(userKey=user).execute()["orgUnitPath"] == "/8A"
