"""The records that stores keep."""

from collections.abc import Mapping

from msgspec import Struct

from addon.age import AHEAD, is_future
from addon.planning.ledger import Ledger
from addon.planning.limits import Approval, Hold
from addon.planning.recent_removals import RecentRemovals
from addon.tenants.diff import Changed
from addon.tenants.licence import LicenceRecord


class RunRecord(Struct, frozen=True):
    """One execution for a tenant. Times are seconds since 1970 UTC.

    `report` is the JSON of `RunReport.record`, None while the run is in progress. `status` is
    `running`, `done`, `failed` (some operations), `held`, `unread` (the directory could not be
    read), `cut off` (its process died) or `superseded` (another run had the lease). `holder` is
    the process, as named by `addon.store.process_identity`. `store_reads` and `store_writes` are
    the run's cost: see `Store.cost`.

    `parent` is the run that it belongs to: for a delivery the run that read and planned,
    otherwise its own id; "" in records of earlier versions. `vendor` is the only vendor that it
    may send to, "" if there may be several. `request` is the id of the request from a page that
    started it, see `addon.tasks.page_requests`. `refused` is whether an `unread` run could not read
    the directory because the customer does not let Skolsynk read it, and `problem` why it could
    not, see `addon.directory.errors.DirectoryProblem`; empty in records of earlier versions.
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
    refused: bool = False
    problem: str = ""


class StoredTask(Struct, frozen=True):
    """A task that waits in the queue of one process. Ids only, no personal data.

    `due` and `created` are seconds since 1970 UTC.
    """

    name: str
    queue: str
    path: str
    payload: dict[str, str]
    due: float
    created: float


class AuditEntry(Struct, frozen=True):
    """One change that a person made: an entry in the tenant's audit log.

    `id` sorts by time and has the form of a run id, see `addon.store.ids.new_run_id`. `at` is in
    seconds since 1970 UTC. `who` is the administrator's e-mail address, "command line", "link" (of
    a message) or "Skolsynk" itself. `what` is a code such as `unit.saved`, `connection.mode`,
    `hold.approved` or `document.imported`, and `subject` is what was changed: a unit's code, a
    vendor's id.
    """

    id: str
    at: float
    who: str
    what: str
    subject: str = ""
    changes: tuple[Changed, ...] = ()


class AccessEntry(Struct, frozen=True):
    """One access: an entry in the tenant's access log. It names nobody but by account id.

    `id` sorts by time, see `addon.store.ids.new_entry_id`. `at` is in seconds since 1970 UTC. `who`
    is the account's id, or "command line". `what` is a code such as `sign-in`, `person.page` or
    `people.csv`; `subject` is the id of the account that was looked at, and `vendor` who was asked.
    """

    id: str
    at: float
    who: str
    what: str
    subject: str = ""
    vendor: str = ""


class SessionRecord(Struct, frozen=True):
    """A session of an administrator who has signed in. Times are seconds since 1970 UTC.

    `id` is a digest of what the cookie has. `sub` is Google's id of the account, and `checked` when
    Google last said that it is an administrator.
    """

    id: str
    sub: str
    email: str
    name: str
    super_admin: bool
    checked: float
    signed_in: float


class AuthenticationRecord(Struct, frozen=True):
    """What authentication reads of a tenant: its document and licence, and one session.

    `accounts` are the ids of the accounts that addresses in the document's list of administrators
    belonged to when they were first used, by the address in lower case.
    """

    document: bytes | None
    licence: LicenceRecord
    accounts: Mapping[str, str]
    session: SessionRecord | None


class Namespace(Struct, frozen=True):
    """The namespace of cached items of one kind, such as `reading`, `progress` or `register`.

    `kind` matches [a-z-]+. A namespace without a `tenant` is shared by all tenants and never has
    personal data.
    """

    kind: str
    tenant: str = ""


class CachedItem(Struct, frozen=True):
    """A cached item with a unique name in its namespace.

    `saved` and `expires` are seconds since 1970 UTC; with `expires` None it is kept until it is
    deleted. `age` is how many seconds ago it was saved by the store's own clock, None if it has
    none.
    """

    name: str
    data: bytes
    saved: float
    expires: float | None = None
    age: float | None = None

    def jumped(self, now: float) -> float:
        """Return by how many seconds our clock has jumped ahead since it was saved.

        0 if it has not, or where that cannot be told.
        """
        ahead = 0.0 if self.age is None else now - self.saved - self.age
        return ahead if ahead > AHEAD else 0.0


def is_kept(saved: float, expires: float | None, now: float) -> bool:
    """Whether an item that was saved then has not expired.

    An item that expires and was saved in the future has: when it should is unknown.
    """
    return expires is None or (expires > now and not is_future(saved, now))


class ConnectionState(Struct, frozen=True):
    """The state of a connection: its ledger, the hold, the approval, and the recent removals.

    `doubted` is whether the store was restored or copied since the ledger was last written, so
    that it may know less than the vendor, and `unexplained` whether removals that nothing explains
    wait. `delivered` is the mark of the reading (`addon.roster.departures`) whose plan was carried
    out whole last, 0 if none is known.
    """

    ledger: Ledger
    hold: Hold | None
    approval: Approval | None
    recent: RecentRemovals = RecentRemovals()
    doubted: bool = False
    unexplained: bool = False
    delivered: float = 0.0
