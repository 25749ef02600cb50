"""The requests that a sandbox vendor received during a run, and their effects."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from addon.sandbox.vendor import SandboxVendor
from addon.sandbox.vendor_rules import SCHOOL_USER

Resource = Mapping[str, Any]


class WatchedWrite(NamedTuple):
    """One answered write; `before` and `after` are the resource as the vendor had it."""

    method: str
    kind: str
    status: int
    before: Resource | None
    after: Resource | None

    @property
    def external_id(self) -> str:
        """The externalId of the resource; empty when the vendor did not create it."""
        return str((self.after or self.before or {}).get("externalId", ""))

    @property
    def done(self) -> bool:
        """Whether the vendor carried it out."""
        return 200 <= self.status < 300


class Seen:
    """A run as one vendor saw it."""

    def __init__(
        self,
        writes: list[WatchedWrite],
        before: "WatchedResource",
        after: "WatchedResource",
        asked: int,
    ) -> None:
        self.writes = writes
        self.asked = asked
        self._before = before
        self._after = after

    def of(self, method: str, kind: str) -> list[WatchedWrite]:
        """Return the writes of this kind that were carried out."""
        return [w for w in self.writes if (w.method, w.kind) == (method, kind) and w.done]

    def counted(self) -> list[tuple[str, str, str]]:
        """Return rows of method, type, and number of writes with their response status."""
        found = Counter((w.method, w.kind, w.status) for w in self.writes)
        return [(m, k, f"{n} answered {status}") for (m, k, status), n in found.items()]

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return a row per write: method, type, start of its externalId, and its result."""
        return [(w.method, w.kind, w.external_id[:8], self._words(w)) for w in self.writes]

    def _words(self, write: WatchedWrite) -> str:
        if not write.done:
            return f"not done: {write.status}"
        if write.before is None:
            return f"new: {self._after.words(write.after or {})}"
        if write.after is None:
            return f"gone: {self._before.words(write.before)}"
        return "; ".join(filter(None, self._differences(write.before, write.after)))

    def _differences(self, before: Resource, after: Resource) -> Iterator[str]:
        """Yield a resource's name, then each difference."""
        if after.get("displayName"):
            yield _told(before.get("displayName"), after["displayName"], always=True)
        yield _told(before.get("userName"), after.get("userName"))
        yield _told(self._before.schools(before), self._after.schools(after))
        for attribute, word in (("studentMemberships", "pupils"), ("teachers", "teachers")):
            old, new = (before.get(attribute) or [], after.get(attribute) or [])
            if old != new:
                yield f"{len(new)} {word}, was {len(old)}"


def _told(before: object, after: object, always: bool = False) -> str:
    if before == after:
        return str(after) if always else ""
    return f"{after}, was {before}"


class WatchedResource:
    """The resources that a vendor has at one point in time."""

    def __init__(self, vendor: SandboxVendor) -> None:
        resources = vendor.resources()
        self.by_id = {each["id"]: each for of_kind in resources.values() for each in of_kind}
        self.kinds = {kind: [each["id"] for each in some] for kind, some in resources.items()}
        self._named = {
            each["externalId"]: str(each.get("displayName", "")) for each in self.by_id.values()
        }

    def words(self, resource: Resource) -> str:
        """Describe a resource in a few words."""
        if "employedAt" in resource:
            person = self._named.get(resource["user"]["value"], "")
            return f"{person} at {self._named.get(resource['employedAt']['value'], '')}"
        schools = self.schools(resource)
        return f"{resource.get('displayName', '')}{f', {schools}' if schools else ''}"

    def schools(self, resource: Resource) -> str:
        """Return the names of the schools that a person is enrolled at."""
        enrolments = (resource.get(SCHOOL_USER) or {}).get("enrolments") or ()
        return " and ".join(self._named.get(each["value"], "") for each in enrolments)


class Watch:
    """Observes a vendor from its creation on."""

    def __init__(self, vendor: SandboxVendor) -> None:
        self._vendor = vendor
        self._before = WatchedResource(vendor)
        self._first = len(vendor.requests)

    def seen(self) -> Seen:
        """Return what the vendor has received since then."""
        requests = self._vendor.requests[self._first :]
        after = WatchedResource(self._vendor)
        new = {
            kind: iter([each for each in ids if each not in self._before.by_id])
            for kind, ids in after.kinds.items()
        }
        writes = []
        for request in requests:
            if request.method == "GET":
                continue
            endpoint, _, vendor_id = request.path.strip("/").partition("/")
            kind = endpoint.removesuffix("s") if endpoint != "Activities" else "Activity"
            if request.method == "POST" and request.status == 201:
                vendor_id = next(new[kind], "")
            before, now = self._before.by_id.get(vendor_id), after.by_id.get(vendor_id)
            writes.append(WatchedWrite(request.method, kind, request.status, before, now))
        return Seen(writes, self._before, after, asked=len(requests))
