"""What an EGIL SCIM server holds and how it answers, in the ways of those in the wild."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Resource = dict[str, Any]

TYPES = {
    "Organisations": "Organisation",
    "SchoolUnitGroups": "SchoolUnitGroup",
    "SchoolUnits": "SchoolUnit",
    "Users": "User",
    "Employments": "Employment",
    "StudentGroups": "StudentGroup",
    "Activities": "Activity",
}
SCIM = "application/scim+json"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0"
EQUALS = re.compile(r'\s*(externalId|userName|id)\s+eq\s+"([^"]*)"\s*', re.IGNORECASE)


@dataclass(kw_only=True)
class Knobs:
    """How this server behaves; may be turned while it runs."""

    ids: Literal["own", "ours"] = "own"
    refuse_duplicates: bool | None = None  # of an externalId; None: when ids are ours
    unique_user_names: bool = False
    strict_references: bool = False
    answer: Literal["full", "empty", "text", "no-id", "other-media-type", "invalid-json"] = "full"
    location: Literal["absolute", "relative", "none"] = "absolute"
    created: int = 201
    updated: int = 200
    deleted: int = 204
    listing: Literal["paged", "whole", "none"] = "paged"
    page_limit: int = 100
    filter: Literal["honoured", "ignored", "refused"] = "honoured"
    total: Literal["all", "page"] = "all"
    key: str = "egil-key"
    header: str = "X-API-Key"
    prefix: str = ""
    latency: float = 0.0
    requests_per_second: float | None = None
    burst: int = 20


class Answer(NamedTuple):
    """A status, a body and headers, ready for the wire."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


def error(status: int, detail: str, scim_type: str | None = None) -> Answer:
    """A SCIM error (RFC 7644, 3.12)."""
    body = {"schemas": [f"{MESSAGES}:Error"], "status": str(status), "detail": detail}
    if scim_type:
        body["scimType"] = scim_type
    return Answer(status, json.dumps(body).encode(), {"Content-Type": SCIM})


class Allowance:
    """How many requests a client may still make just now, of `burst` at most."""

    def __init__(self, burst: int) -> None:
        self._left, self._refilled = float(burst), time.monotonic()

    def take(self, knobs: Knobs) -> bool:
        """Whether one more is within `requests_per_second`."""
        if knobs.requests_per_second is None:
            return True
        now = time.monotonic()
        refill = (now - self._refilled) * knobs.requests_per_second
        self._left, self._refilled = min(float(knobs.burst), self._left + refill), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass
class State:
    """The resources by endpoint and id, as they were sent."""

    knobs: Knobs
    base_url: str = ""
    shown: Callable[[str, list[Resource]], list[Resource]] = lambda endpoint, listed: listed
    """What a list or a filter shows of what it would: fewer, twice, without an externalId."""
    held: dict[str, dict[str, Resource]] = field(default_factory=lambda: {e: {} for e in TYPES})
    _ids: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _names: dict[str, set[str]] = field(default_factory=dict)

    def external_id(self, endpoint: str, resource_id: str) -> str | None:
        """The externalId of what an id stands for."""
        return self.held.get(endpoint, {}).get(resource_id, {}).get("externalId")

    def answer(
        self,
        method: str,
        endpoint: str,
        resource_id: str | None,
        query: Mapping[str, str],
        body: object,
    ) -> Answer:
        """Does what a request with a right key asks for."""
        if endpoint not in TYPES:
            return error(404, f"There is no endpoint {endpoint}")
        if method in ("POST", "PUT"):
            if not isinstance(body, dict) or not body.get("externalId"):
                return error(400, "A resource with externalId is required", "invalidValue")
            if method == "POST" and resource_id is None:
                return self._create(endpoint, body)
            if method == "PUT" and resource_id is not None:
                return self._update(endpoint, resource_id, body)
        elif method == "DELETE" and resource_id is not None:
            return self._delete(endpoint, resource_id)
        elif method == "GET":
            return self._read(endpoint, resource_id, query)
        return error(405, f"{method} does not fit here")

    def _create(self, endpoint: str, body: Resource) -> Answer:
        there = self._ids.get((endpoint, body["externalId"]))
        refuse = self.knobs.refuse_duplicates
        if there and (self.knobs.ids == "ours" if refuse is None else refuse):
            return error(409, "externalId is in use", "uniqueness")
        own = self.knobs.ids == "own"
        resource_id = uuid.uuid4().hex if own else body["externalId"]
        refusal = self._refusal(endpoint, resource_id, body)
        if refusal:
            return refusal
        self._keep(endpoint, resource_id, body)
        return self._written(self.knobs.created, endpoint, resource_id)

    def _update(self, endpoint: str, resource_id: str, body: Resource) -> Answer:
        if resource_id not in self.held[endpoint]:
            return error(404, f"{endpoint}/{resource_id} is not here")
        refusal = self._refusal(endpoint, resource_id, body)
        if refusal:
            return refusal
        self._keep(endpoint, resource_id, body)
        return self._written(self.knobs.updated, endpoint, resource_id)

    def _delete(self, endpoint: str, resource_id: str) -> Answer:
        if resource_id not in self.held[endpoint]:
            return error(404, f"{endpoint}/{resource_id} is not here")
        self._unindex(endpoint, resource_id)
        del self.held[endpoint][resource_id]
        return Answer(self.knobs.deleted)

    def _refusal(self, endpoint: str, resource_id: str, body: Resource) -> Answer | None:
        others = self._names.get(_user_name(body), set()) - {resource_id}
        if self.knobs.unique_user_names and endpoint == "Users" and others:
            return error(409, "userName is in use", "uniqueness")
        if self.knobs.strict_references:
            for target, value in _references(body):
                if not self._ids.get((target, value)):
                    return error(400, f"{target}/{value} is not here", "invalidValue")
        return None

    def _keep(self, endpoint: str, resource_id: str, body: Resource) -> None:
        self._unindex(endpoint, resource_id)
        self.held[endpoint][resource_id] = body
        self._ids.setdefault((endpoint, body["externalId"]), []).append(resource_id)
        if endpoint == "Users":
            self._names.setdefault(_user_name(body), set()).add(resource_id)

    def put(self, endpoint: str, body: Resource) -> str:
        """Keeps a resource of which nobody asks whether it is right; returns its id."""
        resource_id = uuid.uuid4().hex
        self._keep(endpoint, resource_id, {"externalId": "", **body})
        return resource_id

    def change_ids(self) -> None:
        """Keeps everything under new ids."""
        for endpoint, held in self.held.items():
            for resource_id, body in list(held.items()):
                self._unindex(endpoint, resource_id)
                del held[resource_id]
                self.put(endpoint, body)

    def _unindex(self, endpoint: str, resource_id: str) -> None:
        body = self.held[endpoint].get(resource_id)
        if body is not None:
            self._ids[endpoint, body["externalId"]].remove(resource_id)
            if endpoint == "Users":
                self._names[_user_name(body)].discard(resource_id)

    def _full(self, endpoint: str, resource_id: str) -> Resource:
        location = f"{self.base_url}/{endpoint}/{resource_id}"
        meta = {"resourceType": TYPES[endpoint], "location": location}
        return {**self.held[endpoint][resource_id], "id": resource_id, "meta": meta}

    def _written(self, status: int, endpoint: str, resource_id: str) -> Answer:
        headers: dict[str, str] = {}
        if self.knobs.location != "none":
            base = self.base_url if self.knobs.location == "absolute" else ""
            headers["Location"] = f"{base}/{endpoint}/{resource_id}"
        if self.knobs.answer == "empty" or status == 204:
            return Answer(status, b"", headers)
        if self.knobs.answer == "text":
            return Answer(status, b"OK", {**headers, "Content-Type": "text/plain"})
        media_type = "text/html" if self.knobs.answer == "other-media-type" else SCIM
        headers["Content-Type"] = media_type
        full = self._full(endpoint, resource_id)
        if self.knobs.answer == "no-id":
            del full["id"]
        body = json.dumps(full).encode()
        return Answer(status, body[:-9] if self.knobs.answer == "invalid-json" else body, headers)

    def _read(self, endpoint: str, resource_id: str | None, query: Mapping[str, str]) -> Answer:
        if resource_id is not None:
            if resource_id not in self.held[endpoint]:
                return error(404, f"{endpoint}/{resource_id} is not here")
            return _json(self._full(endpoint, resource_id))
        if self.knobs.listing == "none":
            return error(501, "Listing is not supported")
        found = list(self.held[endpoint])
        if "filter" in query and self.knobs.filter != "ignored":
            wanted = EQUALS.fullmatch(query["filter"])
            if self.knobs.filter == "refused" or wanted is None:
                return error(400, "This filter is not supported", "invalidFilter")
            found = self._found(endpoint, wanted[1].lower(), wanted[2])
        try:
            start, count = self._page(query)
        except ValueError:
            return error(400, "startIndex and count are integers", "invalidValue")
        shown = self.shown(endpoint, [self._full(endpoint, each) for each in found])
        page = shown if count is None else shown[start - 1 : start - 1 + count]
        return _json(
            {
                "schemas": [f"{MESSAGES}:ListResponse"],
                "totalResults": len(page) if self.knobs.total == "page" else len(shown),
                "startIndex": start,
                "itemsPerPage": len(page),
                "Resources": page,
            }
        )

    def _page(self, query: Mapping[str, str]) -> tuple[int, int | None]:
        if self.knobs.listing == "whole":
            return 1, None
        start = max(1, int(query.get("startIndex", 1)))
        limit = self.knobs.page_limit
        return start, max(0, min(limit, int(query.get("count", limit))))

    def _found(self, endpoint: str, attribute: str, value: str) -> list[str]:
        if attribute == "externalid":
            return list(self._ids.get((endpoint, value), []))
        if attribute == "username":
            return sorted(self._names.get(value.casefold(), set()) & self.held[endpoint].keys())
        return [value] if value in self.held[endpoint] else []


def _json(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": SCIM})


def _user_name(body: Mapping[str, Any]) -> str:
    return str(body.get("userName", "")).casefold()


def _references(value: object) -> Iterator[tuple[str, str]]:
    """(endpoint, externalId) for everything in a resource that has a $ref."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield str(value["$ref"]).rpartition("/")[0].rpartition("/")[2], str(value.get("value"))
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
