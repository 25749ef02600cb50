"""What a page has in hand: who asks, and their own tenant. There is no way to another's."""

from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from typing import TypeVar, cast, get_args

import msgspec
from flask import g, request
from msgspec import Struct, structs

from addon.directory.scope import attributes_of
from addon.planning.guard import Hold
from addon.planning.ledger import LedgerKey
from addon.store.base import Store
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry, Namespace, RunRecord
from addon.store.tenant_updates import TenantEdit, update_tenant
from addon.sync import reconcile
from addon.sync.context import SyncContext, ledger_key
from addon.sync.withdraw import LedgerMode
from addon.tenants.diff import changes
from addon.tenants.document import decode_tenant, load_tenant, write_document
from addon.tenants.model import Organisation, Tenant
from addon.vendors.profiles import Vendor
from addon.web.directory import snapshot_store
from addon.web.directory.cache import (
    DirectoryNotRead,
    StillComputing,
    TenantDirectory,
    WaitBudget,
)
from addon.web.htmx import asks_for_part
from addon.web.security.auth import Administrator
from addon.web.services import Services

T = TypeVar("T")

SAVING = 25.0
"""Seconds that a form waits for what it needs, so that nothing that was filled in is lost."""
LOOKING = 2.0
"""Seconds that a part of a page waits that a form asks for as it is filled in."""
RECENT = 30
"""Entries of the log that are looked through for who was faster."""


class EditConflict(Exception):
    """What was to be saved has been changed by another since the form was shown.

    `by` are the entries of the log of changes that did it, the newest first; `now` is how the
    part stands, so that the form can be shown again with what was typed.
    """

    def __init__(self, by: tuple[AuditEntry, ...]) -> None:
        super().__init__("another administrator has saved meanwhile")
        self.by = by


class WaitingHold(Struct, frozen=True):
    """What waits for a person's word at a vendor, and in which ledger."""

    key: LedgerKey
    vendor: str
    hold: Hold


class RequestContext:
    """The request's own surroundings, once `addon.web.security.auth` has let somebody in."""

    def __init__(self, admin: Administrator, services: Services) -> None:
        self.admin = admin
        self.services = services
        self.now = services.clock()
        self.wait_budget = WaitBudget()
        self._conflicted = False

    @property
    def tenant_id(self) -> str:
        """The customer whom the administrator was found to be one of."""
        return self.admin.tenant

    @property
    def store(self) -> Store:
        return self.services.store()

    @property
    def vendors(self) -> dict[str, Vendor]:
        """The vendor profiles by id, in their file's order."""
        return dict(self.services.settings.vendors)

    @property
    def sync_context(self) -> SyncContext:
        """What a run needs."""
        return self.services.sync_context()

    @cached_property
    def _stored(self) -> bytes | None:
        return self.store.tenant(self.tenant_id)

    @property
    def is_new(self) -> bool:
        """Whether nothing of this tenant has been saved yet."""
        return self._stored is None

    @cached_property
    def tenant(self) -> Tenant:
        """The tenant's document; where there is none yet, what it begins as."""
        return self._draft() if self._stored is None else load_tenant(self._stored)

    @property
    def version(self) -> str:
        """Stands for the document as it is."""
        return sha256(self._stored or b"").hexdigest()[:16]

    def vendor_name(self, vendor: str) -> str:
        """What the vendor is called."""
        profile = self.vendors.get(vendor)
        return vendor if profile is None else profile.name

    # The directory

    @property
    def directory(self) -> TenantDirectory:
        """The tenant's directory and what the document makes of it.

        Raises DirectoryNotRead, StillComputing.
        """
        return self._find_directory()

    @property
    def directory_not_read(self) -> DirectoryNotRead | None:
        """Why there is no directory; None where it has been read, also while that is unpacked."""
        try:
            self._find_directory()
        except DirectoryNotRead as error:
            return error
        except StillComputing:
            pass
        return None

    def _find_directory(self) -> TenantDirectory:
        return self.services.directories.directory(
            self.tenant, self.version, self.now, self.wait_budget
        )

    def from_directory(self, work: Callable[[TenantDirectory], T]) -> T | None:
        """What `work` makes of the directory; None where it is not read, or still computing."""
        try:
            return work(self.directory)
        except (DirectoryNotRead, StillComputing):
            return None

    def wait_longer(self) -> None:
        """Have a form wait for what is being made: what was filled in is not to be lost."""
        self.wait_budget = WaitBudget(LOOKING if asks_for_part() else SAVING)

    # Runs and holds

    @cached_property
    def runs(self) -> list[RunRecord]:
        """The newest runs, the newest first."""
        return self.store.runs(self.tenant_id, 50)

    @cached_property
    def newest_run(self) -> str:
        """Stands for what the ledgers are like.

        It changes whenever a run begins or ends, and when a vendor has been reconciled with.
        """
        runs = [(run.id, run.status, run.finished) for run in self.runs]
        vendors = self.store.list_names(Namespace(reconcile.NAMESPACE, self.tenant_id), self.now)
        known = (
            reconcile.load_reconciliation(self.store, self.tenant_id, v, self.now) for v in vendors
        )
        return content_hash((runs, [found[0] for found in known if found is not None]))

    @cached_property
    def holds(self) -> tuple[WaitingHold, ...]:
        """What waits for a person's word."""
        found = []
        for connection in self.tenant.connections:
            current = ledger_key(self.tenant_id, connection)
            modes = get_args(LedgerMode) if current is None else (current.mode,)
            for key in (LedgerKey(self.tenant_id, connection.vendor, mode) for mode in modes):
                hold = self.store.hold(key)
                # At a connection that is off nothing but a withdrawal can be let go.
                if hold is not None and hold.waits and (key == current or hold.withdrawal):
                    found.append(WaitingHold(key, key.vendor, hold))
        return tuple(found)

    # Saving

    def save(
        self,
        action: str,
        change: Callable[[Tenant], Tenant],
        *,
        subject: str = "",
        part: Callable[[Tenant], object] | None = None,
        version_token: str | None = None,
        places: tuple[str, ...] = (),
    ) -> Tenant:
        """Change the document and log it: both or neither. The document as it is now.

        `change` is made on the document as it is stored at that moment, so what others change
        elsewhere stays. `part` is what of a document the form was about, and `version_token` what
        the method of that name gave of it when the form was shown. Raises EditConflict when it is
        another now, by those who changed `subject`, or what begins with one of `places` where
        they are given. Raises DocumentError with the places when the document would not be
        right; then, as when it raises EditConflict or StoreError, nothing is changed.
        """
        saved: list[tuple[Tenant, Tenant]] = []

        def edit(stored: bytes | None) -> TenantEdit | None:
            before = self._draft() if stored is None else load_tenant(stored)
            if part is not None and _hash_in(version_token) != content_hash(part(before)):
                self._forget_document()
                self._conflicted = True
                raise EditConflict(self._who_changed(subject, places, _time_in(version_token)))
            after = change(before)
            document = write_document(after)
            after = decode_tenant(document, self.vendors)
            if after.customer_id != self.tenant_id:
                raise PermissionError("a document of another tenant")
            saved[:] = [(before, after)]
            found = changes(None if stored is None else before, after)
            return None if stored is not None and not found else TenantEdit(document, found)

        if update_tenant(
            self.store,
            self.tenant_id,
            edit,
            actor=self.admin.email,
            action=action,
            subject=subject,
            clock=self.services.clock,
        ):
            self._update_snapshot(*saved[0])
            self._forget_document()
        return saved[0][1]

    def version_token(self, part: Callable[[Tenant], object]) -> str:
        """What a form about this part of the document carries, to be given to `save`.

        It stands for the part as the form first showed it: a form that is shown again keeps its
        own, until its sender has been told that another was faster.
        """
        if request.method == "POST" and not self._conflicted and "mark" in request.form:
            return request.form["mark"]
        return self.current_version_token(part)

    def current_version_token(self, part: Callable[[Tenant], object]) -> str:
        """The mark of a form that shows the part as it is now."""
        return f"{content_hash(part(self.tenant))}-{int(self.now)}"

    def is_current(self, mark: str, part: Callable[[Tenant], object]) -> bool:
        """Whether the part is still as the form with this mark first showed it."""
        return _hash_in(mark) == content_hash(part(self.tenant))

    def _forget_document(self) -> None:
        """Have the document be as it is stored when it is next asked for."""
        self.__dict__.pop("_stored", None)
        self.__dict__.pop("tenant", None)

    def append_audit(self, action: str, subject: str = "") -> None:
        """Log an action that changes nothing in the document."""
        # Of this moment, not of the request's beginning: what is done in one request has an order.
        at = self.services.clock()
        entry = AuditEntry(new_entry_id(at), at, self.admin.email, action, subject)
        self.store.append_audit(self.tenant_id, entry)

    def forget_directory(self) -> None:
        """Have the directory read again when it is next asked for."""
        snapshot_store.forget(self.store, self.tenant_id)
        self.services.directories.forget(self.tenant_id)

    def _draft(self) -> Tenant:
        domain = self.admin.email.rpartition("@")[2]
        return Tenant(
            customer_id=self.tenant_id,
            organisation=Organisation(name=domain),
            primary_domain=domain,
            delegated_admin=self.admin.email,
        )

    def _who_changed(
        self, subject: str, places: tuple[str, ...], since: float
    ) -> tuple[AuditEntry, ...]:
        """The newest entries that tell of a change there since, with no more than those changes."""
        found = []
        for entry in self.store.audit_entries(self.tenant_id, RECENT):
            if entry.at < since:
                break
            there = tuple(c for c in entry.changes if _is_there(c.place, entry, subject, places))
            if there:
                found.append(structs.replace(entry, changes=there))
        return tuple(found[:3])

    def _update_snapshot(self, before: Tenant, after: Tenant) -> None:
        """What is kept of the directory must hide who is protected, and have what is asked of."""
        if before.protected != after.protected:
            self.forget_directory()
            return
        new = set(attributes_of(after)) - set(attributes_of(before))
        if new - set(snapshot_store.ATTRIBUTES):
            self.forget_directory()


def request_context() -> RequestContext:
    """What the page that is being made has in hand."""
    return cast(RequestContext, g.ctx)


def content_hash(part: object) -> str:
    """Stands for a part of the document as a form has shown it."""
    return sha256(msgspec.json.encode(part)).hexdigest()[:16]


def _hash_in(mark: str | None) -> str:
    return (mark or "").partition("-")[0]


def _time_in(mark: str | None) -> float:
    """When the form was shown, in seconds since 1970 UTC; 0 where the mark does not say."""
    at = (mark or "").partition("-")[2]
    return float(at) if at.isdecimal() and len(at) < 16 else 0.0


def _is_there(place: str, entry: AuditEntry, subject: str, places: tuple[str, ...]) -> bool:
    """Whether a change at `place` that an entry tells of is about what a form was about."""
    if places:
        return place.startswith(places)
    return entry.subject == subject or not subject or f"[{subject}]" in place


def with_unit(tenant: Tenant, code: str, **values: object) -> Tenant:
    """The document with fields of one unit changed. Raises KeyError where there is no such."""
    if not any(unit.code == code for unit in tenant.school_units):
        raise KeyError(code)
    units = tuple(
        structs.replace(unit, **values) if unit.code == code else unit
        for unit in tenant.school_units
    )
    return structs.replace(tenant, school_units=units)


def with_connection(tenant: Tenant, vendor: str, **values: object) -> Tenant:
    """The document with fields of one connection changed. Raises KeyError where there is none."""
    if tenant.connection(vendor) is None:
        raise KeyError(vendor)
    connections = tuple(
        structs.replace(c, **values) if c.vendor == vendor else c for c in tenant.connections
    )
    return structs.replace(tenant, connections=connections)
