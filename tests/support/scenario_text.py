"""Requests and what a vendor holds, as text for people: labels in the place of UUIDs."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import unquote

from tests.support.egil_server import EgilServer
from tests.support.egil_state import TYPES

JSON = dict[str, Any]

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
SCHOOL = "urn:scim:schemas:extension:sis:school:1.0:"
EXTENSIONS = {f"{SCHOOL}User": "school", "urn:scim:schemas:extension:skolsynk:1.0:User": "cloud"}
ORDER = list(TYPES)
FILTER = re.compile(r'externalId eq "([^"]*)"')


class Seen(NamedTuple):
    """A request in short: what was asked about whom, and the answer where it was no success."""

    method: str
    endpoint: str
    about: str
    who: str
    answer: str
    body: JSON | None
    path: str


class Labels:
    """Names for resources, by endpoint and externalId: as they were called when first seen.

    A label stays when a name changes, so it shows that the identity did.
    """

    def __init__(self) -> None:
        self._labels: dict[tuple[str, str], str] = {}
        self._taken: Counter[tuple[str, str]] = Counter()

    def learn(self, resources: Iterable[tuple[str, JSON]]) -> None:
        """Name the resources (endpoint and body) that are new, whatever order they came in."""
        found = [(e, body) for e, body in resources if e in TYPES and body.get("externalId")]
        for endpoint in ORDER:
            new = {
                (self._natural(endpoint, body), body["externalId"])
                for e, body in found
                if e == endpoint and (endpoint, body["externalId"]) not in self._labels
            }
            for name, external_id in sorted(new):
                if (endpoint, external_id) not in self._labels:
                    self._taken[endpoint, name] += 1
                    nth = self._taken[endpoint, name]
                    label = name if nth == 1 else f"{name} ({nth})"
                    self._labels[endpoint, external_id] = label

    def of(self, endpoint: str, external_id: str) -> str:
        """The label of a resource."""
        return self._labels.get((endpoint, external_id), "SOMETHING NEVER SEEN")

    def reference(self, body: Any) -> str:
        """The label of what a reference refers to."""
        endpoint, _, external_id = str(body.get("$ref")).rpartition("/")
        return self.of(endpoint, external_id if external_id == body.get("value") else "")

    def _natural(self, endpoint: str, body: JSON) -> str:
        if endpoint == "Users":
            return str(body.get("userName")).partition("@")[0]
        if endpoint == "Employments":
            user, unit = body.get("user", {}), body.get("employedAt", {})
            return f"{self.reference(user)} at {self.reference(unit)}"
        if endpoint in ("StudentGroups", "Activities"):
            return f"{self.reference(body.get('owner', {}))} {body.get('displayName')}"
        return str(body.get("displayName"))


class VendorText:
    """One vendor's server, told about in text."""

    def __init__(self, server: EgilServer, labels: Labels) -> None:
        self._server = server
        self._labels = labels
        self._external_ids: dict[tuple[str, str], str] = {}

    def learn(self) -> None:
        """Remember which resource each id stands for, before it may be gone."""
        for endpoint in ORDER:
            for resource_id, body in self._server.held(endpoint).items():
                self._external_ids[endpoint, resource_id] = body["externalId"]

    def sent(self) -> list[tuple[str, JSON]]:
        """The bodies of the step's requests, with their endpoints."""
        return [
            (r.path.strip("/").split("/")[0], r.body)
            for r in self._server.requests
            if isinstance(r.body, dict)
        ]

    def requests(self, counted: bool, raw: bool) -> Iterator[str]:
        """The step's requests: type by type as they came, within a type by label."""
        phases = groupby(map(self._seen, self._server.requests), _phase())
        for _, phase in phases:
            if counted:
                found = Counter((s.method, s.endpoint, s.answer) for s in phase)
                for (method, endpoint, answer), count in sorted(found.items()):
                    yield f"    {method} {endpoint} {count}{answer}"
                continue
            last: JSON | None = None
            for seen in sorted(phase, key=lambda s: s.who):
                about = seen.path if raw else f"{seen.endpoint} {seen.about}{seen.who}"
                yield f"    {seen.method} {about}{seen.answer}"
                if seen.body is not None:
                    lines = ["the same"] if seen.body == last else self._body(seen, raw)
                    yield from (f"        {line}" for line in lines)
                    last = seen.body

    def holds(self) -> Iterator[str]:
        """What the vendor holds, by type and label; no line if it never held a thing."""
        if self._external_ids and not self._server.externalIds():
            yield "    nothing"
        for endpoint in ORDER:
            held = self._server.held(endpoint).values()
            if held:
                labels = sorted(self._labels.of(endpoint, body["externalId"]) for body in held)
                yield f"    {endpoint}: {', '.join(labels)}"

    def _seen(self, request: Any) -> Seen:
        path, _, query = request.path.partition("?")
        endpoint, _, resource_id = path.strip("/").partition("/")
        body, about = request.body, ""
        asked = FILTER.search(unquote(query))
        if resource_id:
            resource_id = unquote(resource_id)
            who = self._label(
                endpoint, self._external_ids.get((endpoint, resource_id), resource_id)
            )
        elif asked:
            about, who = "by externalId of ", self._label(endpoint, asked[1])
        elif query:
            who = unquote(query)
        else:
            who = self._label(endpoint, (body or {}).get("externalId", "")) if body else ""
        status = request.status
        told = "" if status is not None and status < 300 else f" -> {status or 'no answer'}"
        return Seen(request.method, endpoint, about, who, told, body, request.path)

    def _label(self, endpoint: str, external_id: str) -> str:
        return self._labels.of(endpoint, external_id)

    # Bodies

    def _body(self, seen: Seen, raw: bool) -> Iterator[str]:
        body = seen.body or {}
        if raw:
            yield from json.dumps(body, ensure_ascii=False, indent=2).splitlines()
            return
        for key, value in body.items():
            if key == "externalId" and self._label(seen.endpoint, value) == seen.who:
                continue
            if key == "schemas" and value == _schemas(seen.endpoint, body):
                continue
            yield from self._lines(EXTENSIONS.get(key, key), value)

    def _lines(self, path: str, value: Any) -> Iterator[str]:
        if isinstance(value, dict) and "$ref" not in value:
            for key, each in value.items():
                yield from self._lines(f"{path}.{key}", each)
        else:
            yield f"{path}: {self._text(value)}"

    def _text(self, value: Any) -> str:
        if isinstance(value, list):
            texts = [self._text(each) for each in value]
            return ", ".join(sorted(texts)) if texts else "[]"
        if isinstance(value, dict) and "$ref" in value:
            more = {k: v for k, v in value.items() if k not in ("value", "$ref")}
            return " ".join([self._labels.reference(value), *([self._text(more)] if more else ())])
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k}: {self._text(v)}" for k, v in value.items()) + "}"
        if isinstance(value, str) and value == value.strip() and value.isprintable() and value:
            return value
        return json.dumps(value, ensure_ascii=False)


def _phase() -> Any:
    """Tells when a type, or its removal, is over; a question belongs to what it is asked for."""
    last: tuple[str, bool] | None = None

    def phase(seen: Seen) -> tuple[str, bool]:
        nonlocal last
        if seen.method != "GET" or last is None or last[0] != seen.endpoint:
            last = (seen.endpoint, seen.method == "DELETE")
        return last

    return phase


def _schemas(endpoint: str, body: Mapping[str, Any]) -> list[str]:
    """What `schemas` must be; only where it is something else, it is shown."""
    if endpoint == "Users":
        return [CORE, *(urn for urn in EXTENSIONS if urn in body)]
    return [SCHOOL + TYPES.get(endpoint, "")]


def faults_in(server: EgilServer) -> Iterator[str]:
    """What must never be: a resource that is there twice, a reference to nothing."""
    there = set()
    for endpoint in ORDER:
        count = Counter(body["externalId"] for body in server.held(endpoint).values())
        there |= {f"{endpoint}/{external_id}" for external_id in count}
        yield from (f"{endpoint}/{each} is there {n} times" for each, n in count.items() if n > 1)
    for endpoint in ORDER:
        for body in server.held(endpoint).values():
            for reference in _references(body):
                if reference not in there:
                    yield f"{endpoint}/{body['externalId']} refers to {reference}, not there"


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield str(value["$ref"])
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
