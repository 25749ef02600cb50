"""The context of a page's request: the administrator and their tenant, and no other tenant."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from hashlib import sha256
from typing import TypeVar, cast

from flask import g, request
from msgspec import structs

from addon.directory.scope import attributes_of
from addon.planning.limits import Approval
from addon.planning.protected_set import ProtectedSet
from addon.school_register.ownership import raise_unless_own_units, units_to_compare
from addon.store.base import Store
from addon.store.ids import new_entry_id
from addon.store.records import AuditEntry, AuthenticationRecord, Namespace, RunRecord
from addon.store.tenant_updates import TenantEdit, update_tenant
from addon.sync import reconcile
from addon.sync.advance_approval import advance_approval
from addon.sync.context import SyncContext, ledger_key
from addon.sync.protected_set import load_protection
from addon.sync.status import PushStatus, push_status
from addon.tenants.diff import changes
from addon.tenants.document import decode_tenant, load_tenant, write_document
from addon.tenants.licence import LicenceRecord
from addon.tenants.model import Organisation, Tenant
from addon.tenants.pause import current_pause
from addon.vendors.profiles import Vendor, vendor_name
from addon.web.directory import snapshot_store
from addon.web.directory.cache import (
    DirectoryNotRead,
    StillComputing,
    TenantDirectory,
    WaitBudget,
)
from addon.web.directory.snapshot_store import ReadingState
from addon.web.htmx import asks_for_part
from addon.web.security.admission import Administrator
from addon.web.services import Services
from addon.web.undo import offer_undo
from addon.web.version_token import hash_in, time_in, token_of, value_hash
from addon.web.waiting_holds import WaitingHold, waiting_holds

T = TypeVar("T")

SAVING = 25.0
"""Seconds that a submitted form waits for computed data, so that nothing filled in is lost."""
LOOKING = 2.0
"""Seconds that a part of a page waits when a form requests it while it is being filled in."""
RECENT = 30
"""Newest audit entries that are searched for the change that caused an edit conflict."""


class EditConflict(Exception):
    """What a form is about has been changed since the form was shown.

    `by` are the audit entries of those changes, the newest first. `own` is whether the
    administrator `who` has made the newest.
    """

    def __init__(self, by: tuple[AuditEntry, ...], who: str) -> None:
        super().__init__("the document has been saved meanwhile")
        self.by = by
        self.own = bool(by) and by[0].who == who


class RequestContext:
    """The context of a request that `addon.web.security.auth` has authenticated."""

    def __init__(
        self,
        admin: Administrator,
        services: Services,
        known: AuthenticationRecord | None = None,
    ) -> None:
        """`known` is what authentication has read of the tenant, so that it is read once."""
        if known is not None:
            self.__dict__["_stored_with_licence"] = known.document, known.licence
        self.admin = admin
        self.services = services
        self.now = services.clock()
        self.wait_budget = WaitBudget()
        self._conflicted = False

    @property
    def tenant_id(self) -> str:
        """The id of the Google customer that the administrator belongs to."""
        return self.admin.tenant

    @property
    def store(self) -> Store:
        return self.services.store()

    @property
    def vendors(self) -> dict[str, Vendor]:
        """The vendor profiles by id, in the order of their file."""
        return dict(self.services.settings.vendors)

    @property
    def sync_context(self) -> SyncContext:
        """The context of a run."""
        return self.services.sync_context()

    @cached_property
    def _stored(self) -> bytes | None:
        return self._stored_with_licence[0]

    @cached_property
    def _stored_with_licence(self) -> tuple[bytes | None, LicenceRecord]:
        return self.store.tenant_and_licence(self.tenant_id)

    @property
    def farewell(self) -> bool:
        """Whether the customer has left, so that nothing is read or sent."""
        return bool(self._stored_with_licence[1].farewell)

    @property
    def is_new(self) -> bool:
        """Whether no document of this tenant has been saved yet."""
        return self._stored is None

    @cached_property
    def tenant(self) -> Tenant:
        """The tenant's document, or the initial one when none has been saved yet."""
        return self._draft() if self._stored is None else load_tenant(self._stored)

    @property
    def version(self) -> str:
        """A hash of the stored document."""
        return sha256(self._stored or b"").hexdigest()[:16]

    def vendor_name(self, vendor: str) -> str:
        """Return the vendor's name; its id when there is no such vendor."""
        return vendor_name(self.vendors, vendor)

    @cached_property
    def protection(self) -> ProtectedSet:
        """Who is protected, and whose protection waits for a person."""
        return load_protection(self.store, self.tenant_id)

    @property
    def push(self) -> PushStatus:
        """Whether Google notifies us of the tenant's changes."""
        return push_status(self.services.settings, self.store, self.tenant, self.now)

    # The directory

    @property
    def directory(self) -> TenantDirectory:
        """The tenant's directory and what follows from it and the document.

        Raises DirectoryNotRead and StillComputing.
        """
        return self._find_directory()

    @property
    def directory_not_read(self) -> DirectoryNotRead | None:
        """Why there is no directory; None when it has been read, even while it is unpacked."""
        try:
            self._find_directory()
        except DirectoryNotRead as error:
            return error
        except StillComputing:
            pass
        return None

    @property
    def last_reading(self) -> ReadingState | None:
        """The last reading of the directory for the pages, which may be under way."""
        return snapshot_store.load_state(self.store, self.tenant_id, self.now)

    def _find_directory(self) -> TenantDirectory:
        return self.services.directories.directory(
            self.tenant, self.version, self.now, self.wait_budget
        )

    def waiting(self) -> AbstractContextManager[None]:
        """Wait for a vendor or the register within this. Raises TooManyWaitingError."""
        return self.services.waiting.place_for(self.tenant_id)

    def from_directory(self, work: Callable[[TenantDirectory], T]) -> T | None:
        """Return what `work` makes of the directory; None when that is not ready."""
        try:
            return work(self.directory)
        except (DirectoryNotRead, StillComputing):
            return None

    def wait_longer(self) -> None:
        """Let a form wait longer for computed data, so that nothing filled in is lost."""
        self.wait_budget = WaitBudget(LOOKING if asks_for_part() else SAVING)

    # Runs and holds

    @cached_property
    def runs(self) -> list[RunRecord]:
        """The 50 newest runs, the newest first."""
        return self.store.runs(self.tenant_id, 50)

    @cached_property
    def newest_run(self) -> str:
        """A hash that changes whenever the ledgers, or what the next run does, may have changed.

        That is when a run begins or ends, when a vendor has been reconciled, and in a pause when
        something is approved in advance.
        """
        runs = [(run.id, run.status, run.finished) for run in self.runs]
        vendors = self.store.list_names(Namespace(reconcile.NAMESPACE, self.tenant_id), self.now)
        known = (
            reconcile.load_reconciliation(self.store, self.tenant_id, v, self.now) for v in vendors
        )
        reconciled = [found[0] for found in known if found is not None]
        return value_hash((runs, reconciled, [each.at for each in self.advance_approvals.values()]))

    @cached_property
    def advance_approvals(self) -> Mapping[str, Approval]:
        """What is approved before a pause ends, by vendor."""
        if current_pause(self.tenant, self.now) is None:
            return {}
        keys = (ledger_key(self.tenant_id, each) for each in self.tenant.connections)
        found = {k.vendor: advance_approval(self.store, k, self.now) for k in keys if k is not None}
        return {vendor: each for vendor, each in found.items() if each is not None}

    @cached_property
    def holds(self) -> tuple[WaitingHold, ...]:
        """The holds that wait for an administrator's decision."""
        return waiting_holds(self.store, self.tenant)

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
        """Change the document and log the change, both or neither; return the current document.

        `change` is applied to the document as it is stored at that time, so that changes that
        others make elsewhere in it are kept. `part` selects what of a document the form is about,
        and `version_token` is what the method of that name returned for it when the form was
        shown. Raises EditConflict when the part has changed since, with the entries that changed
        `subject`, or a place that begins with one of `places` where they are given. Raises
        DocumentError with the faulty places when the document would be invalid. When it raises
        either of these or StoreError, nothing is changed.
        """
        saved: list[tuple[Tenant, Tenant]] = []

        def edit(stored: bytes | None) -> TenantEdit | None:
            before = self._draft() if stored is None else load_tenant(stored)
            if part is not None and hash_in(version_token) != value_hash(part(before)):
                self._forget_document()
                self._conflicted = True
                by = self._who_changed(subject, places, time_in(version_token))
                raise EditConflict(by, self.admin.email)
            after = change(before)
            document = write_document(after)
            after = decode_tenant(document, self.vendors)
            if after.customer_id != self.tenant_id:
                raise PermissionError("a document of another tenant")
            if units_to_compare(before, after):
                with self.waiting():
                    raise_unless_own_units(self.services.register(), before, after)
            saved[:] = [(before, after)]
            found = changes(None if stored is None else before, after)
            return None if stored is not None and not found else TenantEdit(document, found)

        entry = update_tenant(
            self.store,
            self.tenant_id,
            edit,
            actor=self.admin.email,
            action=action,
            subject=subject,
            clock=self.services.clock,
        )
        if entry is not None:
            offer_undo(entry)
            self._bind_administrators(*saved[0])
            self._update_snapshot(*saved[0])
            self._forget_document()
        return saved[0][1]

    def version_token(self, part: Callable[[Tenant], object]) -> str:
        """Return the token that a form about this part of the document carries for `save`.

        It identifies the part as the form first showed it: a form that is shown again keeps its
        token until its sender has been told of an edit conflict.
        """
        if request.method == "POST" and not self._conflicted and "mark" in request.form:
            return request.form["mark"]
        return self.current_version_token(part)

    def current_version_token(self, part: Callable[[Tenant], object]) -> str:
        """Return the version token of the part as it is now."""
        return token_of(part(self.tenant), self.now)

    def is_current(self, version_token: str, part: Callable[[Tenant], object]) -> bool:
        """Whether the part is unchanged since the form with this version token showed it."""
        return hash_in(version_token) == value_hash(part(self.tenant))

    def _forget_document(self) -> None:
        """Drop the loaded document, so that it is loaded again on next use."""
        for name in ("_stored", "_stored_with_licence", "tenant"):
            self.__dict__.pop(name, None)

    def append_audit(self, action: str, subject: str = "") -> None:
        """Log an action that changes nothing in the document."""
        # The current time, not the request's start: actions in one request keep their order.
        at = self.services.clock()
        entry = AuditEntry(new_entry_id(at), at, self.admin.email, action, subject)
        self.store.append_audit(self.tenant_id, entry)

    def forget_directory(self) -> None:
        """Drop the directory, so that it is read again when it is next needed."""
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
        """Return the three newest entries with a change there since, with only those changes."""
        found = []
        for entry in self.store.audit_entries(self.tenant_id, RECENT):
            if entry.at < since:
                break
            there = tuple(c for c in entry.changes if _is_there(c.place, entry, subject, places))
            if there:
                found.append(structs.replace(entry, changes=there))
        return tuple(found[:3])

    def _bind_administrators(self, before: Tenant, after: Tenant) -> None:
        """Save which accounts newly listed addresses belong to, as far as the directory tells."""
        new = set(map(str.casefold, after.administrators))
        new -= set(map(str.casefold, before.administrators))
        users = self.from_directory(lambda directory: directory.users) if new else None
        for user in (users or {}).values():
            if (address := user.primary_email.casefold()) in new:
                self.store.bind_administrator(self.tenant_id, address, user.id)

    def _update_snapshot(self, before: Tenant, after: Tenant) -> None:
        """Drop the stored directory when the change affects what it must contain.

        It must leave out protected people, and have every attribute that the document uses.
        """
        if before.protected != after.protected:
            self.forget_directory()
            return
        new = set(attributes_of(after)) - set(attributes_of(before))
        if new - set(snapshot_store.ATTRIBUTES):
            self.forget_directory()


def request_context() -> RequestContext:
    """Return the context of the request that is being answered."""
    return cast(RequestContext, g.ctx)


def _is_there(place: str, entry: AuditEntry, subject: str, places: tuple[str, ...]) -> bool:
    """Whether an entry's change at `place` concerns the subject or places of a form."""
    if places:
        return place.startswith(places)
    return entry.subject == subject or not subject or f"[{subject}]" in place


def with_unit(tenant: Tenant, code: str, **values: object) -> Tenant:
    """Return the document with fields of one unit changed. Raises KeyError for an unknown unit."""
    if not any(unit.code == code for unit in tenant.school_units):
        raise KeyError(code)
    units = tuple(
        structs.replace(unit, **values) if unit.code == code else unit
        for unit in tenant.school_units
    )
    return structs.replace(tenant, school_units=units)


def with_connection(tenant: Tenant, vendor: str, **values: object) -> Tenant:
    """Return the document with fields of one connection changed.

    Raises KeyError when there is no such connection.
    """
    if tenant.connection(vendor) is None:
        raise KeyError(vendor)
    connections = tuple(
        structs.replace(c, **values) if c.vendor == vendor else c for c in tenant.connections
    )
    return structs.replace(tenant, connections=connections)
