"""Google's push notifications of the sandbox: channels, and notices to their addresses.

A channel is made by users.watch or activities.watch, and ends by channels.stop or by its time. Each
change of the domain is told to the channels of its event, as `PushBehaviour` says: late, twice,
out of order or never.
https://developers.google.com/workspace/admin/directory/v1/guides/push
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import count
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from addon.sandbox.directory_api import DirectoryApiError
from addon.sandbox.directory_api.errors import bad_request, invalid
from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON
from addon.sandbox.notice_delivery import NoticeDelivery, PushNotice
from addon.sandbox.records import DomainChange

EVENTS = ("add", "delete", "makeAdmin", "undelete", "update")
APPLICATIONS = ("admin", "groups_enterprise")
LONGEST = 2 * 24 * 3600.0
"""Seconds that a channel lives at most, and those that it does unasked."""
DEFAULT = 2 * 3600.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
WATCH_USERS = "/admin/directory/v1/users/watch"
WATCH_ACTIVITIES = re.compile(r"/admin/reports/v1/activity/users/all/applications/([a-z_]+)/watch")
STOPS = {"/admin/directory_v1/channels/stop": "users", "/admin/reports_v1/channels/stop": "reports"}


@dataclass(frozen=True)
class PushBehaviour:
    """How the sandbox notifies.

    `late` is how many seconds a notice takes; `doubled` sends each twice, `reversed` the last
    first, `lost` none at all. `life` is how many seconds a channel lives at most. `refusal` is the
    status of the answer to every watch, with `reason` and `message`; 0 for none.
    """

    late: float = 0.0
    doubled: bool = False
    reversed: bool = False
    lost: bool = False
    life: float = LONGEST
    refusal: int = 0
    reason: str = "forbidden"
    message: str = "Not Authorized to access this resource/api"

    def changed(self, given: Mapping[str, Any]) -> "PushBehaviour":
        """Return the behaviour with these fields; an unknown one is a ValueError."""
        if unknown := set(given) - {field.name for field in fields(self)}:
            raise ValueError(f"notifications have no {', '.join(sorted(unknown))}")
        return replace(self, **given)


@dataclass
class SandboxChannel:
    """A channel: `kind` is an event of users or an application of reports. Times are seconds."""

    id: str
    kind: str
    address: str
    token: str
    resource: str
    expires: float
    number: int = 0

    @property
    def of_users(self) -> bool:
        """Whether it tells of users, not of the audit log."""
        return self.kind in EVENTS

    def to_json(self) -> JSON:
        """Return the channel as the API answers."""
        return {
            "kind": "api#channel",
            "id": self.id,
            "resourceId": self.resource,
            "resourceUri": f"https://admin.googleapis.com/admin/{self.kind}?alt=json",
            "token": self.token,
            "expiration": str(int(self.expires * 1000)),
        }


class PushNotifications:
    """The channels of a domain. Thread-safe.

    `clock` returns seconds since 1970 UTC; `delivery` sends the notices.
    """

    def __init__(
        self,
        domain: Domain,
        clock: Callable[[], float] = time.time,
        delivery: NoticeDelivery | None = None,
    ) -> None:
        self.behaviour = PushBehaviour()
        self._domain = domain
        self._clock = clock
        self._delivery = delivery or NoticeDelivery(clock)
        self._lock = Lock()
        self._channels: dict[str, SandboxChannel] = {}
        self._resources = count(1)
        domain.listeners.append(self._changed)

    @property
    def channels(self) -> list[SandboxChannel]:
        """The channels that have not ended."""
        with self._lock:
            return [each for each in self._channels.values() if each.expires > self._clock()]

    def close(self) -> None:
        """Send no more notices."""
        if self._changed in self._domain.listeners:
            self._domain.listeners.remove(self._changed)
        self._delivery.close()

    def change(self, given: Mapping[str, Any]) -> None:
        """Change the behaviour. Raises ValueError for what it does not have."""
        self.behaviour = self.behaviour.changed(given)

    def to_json(self) -> JSON:
        """Return the channels and how many notices were taken and refused."""
        channels = [{**each.to_json(), "event": each.kind} for each in self.channels]
        for each in channels:
            del each["token"]
        return {"channels": channels, "answers": self._delivery.answers()}

    def tell(self, users: Iterable[str], event: str = "update") -> None:
        """Notify of users by id, though nothing changed: a storm, or what Google repeats."""
        with self._domain.lock:
            found = [self._domain.users[each] for each in users]
        self._changed([DomainChange(event, each) for each in found])

    def answer(self, path: str, query: Mapping[str, str], body: Any) -> JSON | None:
        """Return the response to a POST; None for one without content. Raises DirectoryApiError."""
        if path in STOPS:
            self._stop(STOPS[path], body)
            return None
        if path == WATCH_USERS:
            self._check_customer(query.get("customer", ""))
            if query.get("event") not in EVENTS:
                raise invalid("event")
            return self._watch(query["event"], body)
        found = WATCH_ACTIVITIES.fullmatch(path)
        if found is None:
            raise DirectoryApiError(404, "Not Found", "notFound")
        if found[1] not in APPLICATIONS:
            raise invalid("applicationName")
        self._check_customer(query.get("customerId", ""))
        return self._watch(found[1], body)

    def _check_customer(self, customer: str) -> None:
        if customer not in ("my_customer", self._domain.customer["id"]):
            raise DirectoryApiError(403, "Not Authorized to access this resource/api", "forbidden")

    def _watch(self, kind: str, body: Any) -> JSON:
        behaviour = self.behaviour
        if behaviour.refusal:
            raise DirectoryApiError(behaviour.refusal, behaviour.message, behaviour.reason)
        if not isinstance(body, dict) or body.get("type") != "web_hook":
            raise invalid("type")
        channel_id, address = str(body.get("id", "")), str(body.get("address", ""))
        if not re.fullmatch(r"[A-Za-z0-9\-_+/=]{1,64}", channel_id):
            raise invalid("id")
        if len(str(body.get("token", ""))) > 256:
            raise invalid("token")
        if urlsplit(address).scheme != "https" and urlsplit(address).hostname not in LOOPBACK:
            text = f"Unauthorized WebHook callback channel: {address}"
            raise DirectoryApiError(400, text, "pushWebhookUrlUnauthorized")
        with self._lock:
            if channel_id in self._channels:
                raise DirectoryApiError(400, "Channel id not unique", "channelIdNotUnique")
            channel = SandboxChannel(
                channel_id,
                kind,
                address,
                str(body.get("token", "")),
                f"resource{next(self._resources)}",
                self._clock() + min(self._asked_life(body), behaviour.life),
            )
            self._channels[channel_id] = channel
        self._send(channel, "sync", None)
        return channel.to_json()

    def _asked_life(self, body: Mapping[str, Any]) -> float:
        """Return for how many seconds the channel is asked to live, as far as Google allows."""
        try:
            if "expiration" in body:
                asked = int(body["expiration"]) / 1000 - self._clock()
            else:
                asked = float((body.get("params") or {}).get("ttl", DEFAULT))
        except (TypeError, ValueError, AttributeError):
            raise invalid("expiration") from None
        if asked <= 0:
            raise invalid("expiration")
        return min(asked, LONGEST)

    def _stop(self, kind: str, body: Any) -> None:
        if not isinstance(body, dict) or "id" not in body or "resourceId" not in body:
            raise bad_request()
        with self._lock:
            found = self._channels.get(str(body["id"]))
            same = found is not None and found.of_users == (kind == "users")
            if found is None or not same or found.resource != body["resourceId"]:
                raise DirectoryApiError(404, f"Channel '{body['id']}' not found", "notFound")
            del self._channels[found.id]

    def _changed(self, changes: list[DomainChange]) -> None:
        behaviour, channels = self.behaviour, self.channels
        if behaviour.lost:
            return
        ordered = changes[::-1] if behaviour.reversed else changes
        for change in ordered:
            for channel in channels:
                if not channel.of_users and channel.kind != "admin":
                    continue
                if change.of_user and channel.of_users:
                    told = _user(change.thing)
                elif not change.of_user and channel.kind == "admin":
                    told = _activity(change, self._domain.customer["id"])
                else:
                    continue
                if channel.of_users and channel.kind != change.event:
                    continue
                for _ in range(2 if behaviour.doubled else 1):
                    self._send(channel, change.event, told, behaviour.late)

    def _send(
        self, channel: SandboxChannel, state: str, body: JSON | None, late: float = 0.0
    ) -> None:
        channel.number += 1
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Token": channel.token,
            "X-Goog-Resource-ID": channel.resource,
            "X-Goog-Resource-URI": str(channel.to_json()["resourceUri"]),
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(channel.number),
        }
        self._delivery.send(PushNotice(channel.address, headers, body), self._clock() + late)


def _user(user: JSON) -> JSON:
    keys = ("id", "etag", "primaryEmail")
    return {"kind": "admin#directory#user"} | {key: user[key] for key in keys if key in user}


def _activity(change: DomainChange, customer: str) -> JSON:
    place = change.thing.get("email") or change.thing.get("orgUnitPath")
    return {
        "kind": "admin#reports#activity",
        "id": {"applicationName": "admin", "customerId": customer},
        "events": [
            {"name": change.event, "parameters": [{"name": "GROUP_EMAIL", "value": place}]},
        ],
    }
