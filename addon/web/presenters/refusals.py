"""What a vendor does not take, by name, with its words."""

from collections.abc import Mapping

from msgspec import Struct

from addon.planning.ledger import Key
from addon.sync.context import ledger_key
from addon.web.directory.cache import Desk
from addon.web.presenters.connection_status import Done, Line
from addon.web.presenters.resource_names import Subject, subjects
from addon.web.presenters.vendor_errors import refusal_remedy
from addon.web.request_context import Here


class Refused(Struct, frozen=True):
    """A resource that the vendor refused, whom it is about, and what it answered.

    `subject` is None where it is not in the directory any more; `at` in seconds since 1970 UTC.
    """

    resource_type: str
    external_id: str
    operation: str
    status: int
    detail: str
    at: float
    subject: Subject | None

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return refusal_remedy(self.resource_type, self.status, self.detail)


def refused(here: Here, desk: Desk, line: Line) -> tuple[Refused, ...]:
    """The standing refusals of a connection, and what is in the way of others by its last run.

    Raises NotReady and StoreError.
    """
    key = ledger_key(here.tenant_id, line.connection)
    if key is None:
        return ()
    store, known = here.store, subjects(desk)

    def look(key: Key = key) -> tuple[Refused, ...]:
        found = [
            Refused(kind, i, r.operation, r.status, r.detail, r.at, known.get(i))
            for kind, i, r in store.ledger(key).refused()
        ]
        found += [] if line.last is None else _conflicts(line.last, known)
        return tuple(sorted(found, key=lambda r: (-r.at, r.external_id)))

    return desk.make(("refused", key, here.newest_run), look)


def _conflicts(last: Done, known: Mapping[str, Subject]) -> list[Refused]:
    return [
        Refused(
            resource_type=failure["resourceType"],
            external_id=failure["externalId"],
            operation=failure["operation"],
            status=failure["httpStatus"],
            detail=failure["detail"],
            at=last.at,
            subject=known.get(failure["externalId"]),
        )
        for failure in last.part.conflicts
    ]
