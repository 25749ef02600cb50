"""What stores keep, as values."""

from msgspec import Struct

from addon.planning.guard import Approval, Hold
from addon.planning.ledger import Ledger
from addon.tenants.diff import Changed


class RunRecord(Struct, frozen=True):
    """One execution for a tenant. Times are seconds since 1970 UTC.

    `report` is the JSON of `RunReport.record`, None while it is going on. `status` is `running`,
    `done`, `failed` (some operations), `held`, `unread` (the directory could not be read),
    `cut off` (its process died) or `superseded` (another had the lease). `holder` is the
    process, as `addon.store.lease_holder` names it.
    `store_reads` and `store_writes` are what it cost: see `Store.cost`.

    `parent` is the run that it belongs to: of a delivery the run that read and planned, else
    its own id; "" in records of earlier versions. `vendor` is the only vendor that it may send
    to, "" where it may be several. `request` is what a page asked for that it answers, as
    `addon.tasks.requests` names it.
    """

    id: str
    tenant: str
    started: float
    status: str
    finished: float | None = None
    report: bytes | None = None
    detail: str = ""
    holder: str = ""
    store_reads: int = 0
    store_writes: int = 0
    parent: str = ""
    vendor: str = ""
    request: str = ""


class StoredTask(Struct, frozen=True):
    """Work that waits in the queue of one process. Ids only, no personal data.

    `due` and `created` are seconds since 1970 UTC.
    """

    name: str
    queue: str
    path: str
    payload: dict[str, str]
    due: float
    created: float


class AuditEntry(Struct, frozen=True):
    """One change that a person made: an entry in the tenant's log of changes.

    `id` sorts by time and has the form of a run's, see `addon.store.ids.new_run_id`. `at` is in
    seconds since 1970 UTC. `who` is the administrator's e-mail address, or "command line". `what`
    is a code such as `unit.saved`, `connection.mode`, `hold.approved` or `document.imported`, and
    `subject` what it was done to: a unit's code, a vendor's id.
    """

    id: str
    at: float
    who: str
    what: str
    subject: str = ""
    changes: tuple[Changed, ...] = ()


class Namespace(Struct, frozen=True):
    """Where cached items of one kind are: `reading`, `progress`, `register` and the like ([a-z-]+).

    With no `tenant` all tenants share it, and it never has personal data.
    """

    kind: str
    tenant: str = ""


class CachedItem(Struct, frozen=True):
    """Something that is kept for a while, under a name of its own in a namespace.

    `saved` and `expires` are seconds since 1970 UTC; with `expires` None it stays until it is
    discarded.
    """

    name: str
    data: bytes
    saved: float
    expires: float | None = None


class ConnectionState(Struct, frozen=True):
    """How a connection stands: what the vendor has, what is held, what was approved."""

    ledger: Ledger
    hold: Hold | None
    approval: Approval | None
