"""The resources that a vendor refuses, by name, with its answers."""

from collections.abc import Mapping

from msgspec import UNSET, Struct

from addon.planning.ledger import LedgerKey
from addon.store.base import LedgerStore
from addon.sync.context import ledger_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.connection_status import ConnectionStatus, FinishedReport
from addon.web.presenters.resource_names import NamedResource, named_resources
from addon.web.presenters.vendor_errors import refusal_remedy


class RefusedResource(Struct, frozen=True):
    """A resource that the vendor refused, its subject, and the vendor's answer.

    `detail` is the vendor's message, empty if it sent none. `subject` is None if it is no longer
    in the directory; `at` is in seconds since 1970 UTC.
    """

    resource_type: str
    external_id: str
    operation: str
    status: int
    detail: str
    at: float
    subject: NamedResource | None

    @property
    def wordless(self) -> bool:
        """Whether the vendor answered with a status and no text."""
        return not self.detail

    @property
    def remedy(self) -> str:
        """What the administrator can do about it."""
        return refusal_remedy(self.resource_type, self.status, self.detail)


def refused(
    store: LedgerStore, directory: TenantDirectory, status: ConnectionStatus, newest_run: str
) -> tuple[RefusedResource, ...]:
    """Return the refusals in a connection's ledger, and the conflicts of its newest run.

    Raises StillComputing and StoreError.
    """
    key = ledger_key(directory.tenant.customer_id, status.connection)
    if key is None:
        return ()
    known = named_resources(directory)

    def look(key: LedgerKey = key) -> tuple[RefusedResource, ...]:
        found = [
            RefusedResource(kind, i, r.operation, r.status, r.detail, r.at, known.get(i))
            for kind, i, r in store.ledger(key).refused()
        ]
        found += [] if status.last is None else _conflicts(status.last, known)
        return tuple(sorted(found, key=lambda r: (-r.at, r.external_id)))

    return directory.get_or_compute(DirectoryResult.REFUSED, look, (key, newest_run))


def _conflicts(last: FinishedReport, known: Mapping[str, NamedResource]) -> list[RefusedResource]:
    return [
        RefusedResource(
            resource_type=failure.resource_type,
            external_id=failure.external_id,
            operation=failure.operation,
            status=failure.http_status or 0,
            detail=failure.detail if failure.problem is UNSET else "",
            at=last.at,
            subject=known.get(failure.external_id),
        )
        for failure in last.part.conflicts
    ]
