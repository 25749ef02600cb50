"""Builds the parts of a run from settings: store, directory, register, secrets, `SyncContext`."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TypeVar

from cachetools import LRUCache

from addon.directory.errors import NOT_OWN, AccessRefused, DirectoryError
from addon.directory.evidence import Answer, Question, all_unknown
from addon.directory.google import channels as directory_channels
from addon.directory.google.administrators import is_administrator_of
from addon.directory.google.channels import ChannelRequest, WatchOutcome
from addon.directory.google.credentials import (
    AUDIT_SCOPE,
    SCOPES,
    anonymous,
    from_key_file,
    keyless,
)
from addon.directory.google.delegation import check_delegation as directory_delegation
from addon.directory.google.evidence import ask
from addon.directory.google.licensing import LICENCE_SCOPE
from addon.directory.google.licensing import ask_licence as directory_licensing
from addon.directory.google.members import MembersRead
from addon.directory.google.members import read_members as directory_members
from addon.directory.google.places import see_places as directory_places
from addon.directory.google.reader import DirectorySource, read
from addon.directory.google.scope_check import refused_scopes as directory_scopes
from addon.directory.places_seen import PlacesSeen
from addon.directory.push_state import AUDIT_APPLICATIONS, PushChannel
from addon.directory.snapshot import Snapshot
from addon.school_register.client import RegisterClient
from addon.school_register.register import Register
from addon.settings import Settings, SqliteAddress
from addon.store.base import Store
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import SyncContext
from addon.tenants.document import not_own_reader
from addon.tenants.licence import DelegationState, LicenceAnswer
from addon.tenants.model import Tenant
from addon.vendors.secret_manager import SecretManager

T = TypeVar("T")

VERIFIED_FOR = 3600.0
"""Seconds for which it counts that a tenant's delegatedAdmin is its administrator."""
_verified: LRUCache[tuple[str, str, str], float] = LRUCache(10_000)


def open_store(settings: Settings) -> Store:
    """Open the store that the settings name. Raises StoreError."""
    if isinstance(settings.store, SqliteAddress):
        return SQLiteStore(settings.store.path)
    from addon.store.firestore.store import FirestoreStore  # its client takes a second to import

    return FirestoreStore(
        settings.store.project, settings.store.database, settings.firestore_emulator
    )


def directory_source(
    settings: Settings, tenant: Tenant, scopes: Sequence[str] = SCOPES
) -> DirectorySource:
    """The source and credentials for the tenant's directory. Raises DirectoryError.

    Nothing is read in the name of somebody whom Google does not call an administrator of this very
    customer.
    """
    source = _source(settings, tenant.customer_id, tenant.delegated_admin, scopes)
    if source.endpoint is None and is_own_administrator(settings, tenant) is False:
        raise AccessRefused(
            f"{tenant.customer_id} names in delegatedAdmin somebody who is not an administrator of "
            "that customer, as Google answers. Nothing was read in their name. Name an "
            "administrator of the customer's own, with a role that may read users, groups and "
            "organisational units.",
            NOT_OWN,
        )
    return source


def is_own_administrator(settings: Settings, tenant: Tenant) -> bool | None:
    """Whether `delegatedAdmin` is an administrator of this very customer; None when not known.

    An answer that they are counts for an hour. Raises DirectoryError, AccessRefused when Skolsynk
    has no access in their name.
    """
    address, customer = tenant.delegated_admin, tenant.customer_id
    if address is None:
        return None
    known = (settings.directory_endpoint or "", customer, address.casefold())
    now = time.monotonic()
    if now - _verified.get(known, -VERIFIED_FOR) < VERIFIED_FOR:
        return True
    source = _source(settings, customer, address)
    found = is_administrator_of(source, address, customer)
    if found:
        _verified[known] = now
    return found


def source_as(settings: Settings, email: str) -> DirectorySource:
    """The source of the directory as the person with this address. Raises AccessRefused."""
    return _source(settings, "", email)


def _source(
    settings: Settings, customer: str, subject: str | None, scopes: Sequence[str] = SCOPES
) -> DirectorySource:
    if settings.directory_endpoint is not None:
        return DirectorySource(credentials=anonymous(), endpoint=settings.directory_endpoint)
    if settings.google_key_file is None and settings.service_account is None:
        raise AccessRefused(
            "Skolsynk has no credentials for Google: name a service account in "
            "SKOLSYNK_SERVICE_ACCOUNT, which needs no key, or a service account's key file in "
            "SKOLSYNK_GOOGLE_KEY_FILE. Nothing was sent to anyone."
        )
    if subject is None:
        raise AccessRefused(
            f"The tenant document of {customer} names no delegatedAdmin: the "
            "administrator in whose name its directory is read. Nothing was sent to anyone."
        )
    if settings.google_key_file is not None:
        return DirectorySource(credentials=from_key_file(settings.google_key_file, subject, scopes))
    assert settings.service_account is not None
    return DirectorySource(credentials=keyless(settings.service_account, subject, scopes=scopes))


def raise_unless_own_reader(settings: Settings, tenant: Tenant) -> None:
    """Raise DocumentError if Google answers that `delegatedAdmin` is not the customer's own.

    What cannot be asked now is asked before anything is read.
    """
    try:
        own = is_own_administrator(settings, tenant)
    except DirectoryError:
        return
    if own is False:
        raise not_own_reader()


def read_directory(
    settings: Settings, tenant: Tenant, told: Callable[[int, int], None]
) -> Snapshot:
    """Read the tenant's directory; `told` is called with progress. Raises DirectoryError."""
    return read(tenant, directory_source(settings, tenant), told)


def ask_directory(
    settings: Settings, tenant: Tenant, questions: Sequence[Question], budget: int
) -> Mapping[Question, Answer]:
    """Ask the tenant's directory; without access to it every answer is unknown."""
    try:
        source = directory_source(settings, tenant)
    except DirectoryError:
        return all_unknown(tenant, questions, budget)
    return ask(tenant, source, questions, budget)


def see_places(settings: Settings, tenant: Tenant) -> PlacesSeen:
    """Return how the tenant's OUs and groups look now. Raises DirectoryError."""
    return directory_places(tenant, directory_source(settings, tenant))


def read_members(settings: Settings, tenant: Tenant, groups: Iterable[str]) -> MembersRead:
    """Read the members of groups by id. Raises DirectoryError."""
    return directory_members(tenant, directory_source(settings, tenant), groups)


def ask_licence(settings: Settings, domains: Sequence[str]) -> LicenceAnswer:
    """Ask for the licence of the customer with these domains; no answer where none is asked for."""
    app = settings.marketplace_app
    if app is None:
        return LicenceAnswer(tuple(domains), None, "not-asked")
    endpoint, scopes = settings.directory_endpoint, [LICENCE_SCOPE]
    try:
        if endpoint is not None:
            source = DirectorySource(credentials=anonymous(), endpoint=endpoint)
        elif settings.google_key_file is not None:
            source = DirectorySource(from_key_file(settings.google_key_file, None, scopes))
        elif settings.service_account is not None:
            source = DirectorySource(keyless(settings.service_account, None, scopes=scopes))
        else:
            return LicenceAnswer(tuple(domains), None, "no-credentials")
    except AccessRefused:
        return LicenceAnswer(tuple(domains), None, "no-credentials")
    return directory_licensing(source, app, domains)


def check_delegation(settings: Settings, tenant: Tenant) -> DelegationState:
    """Ask Google whether Skolsynk may still act in the tenant's name."""
    try:
        source = _source(settings, tenant.customer_id, tenant.delegated_admin)
    except AccessRefused:
        return "unknown"
    return directory_delegation(source, tenant.customer_id)


def watch_changes(
    settings: Settings, tenant: Tenant, requests: Sequence[ChannelRequest]
) -> Mapping[str, WatchOutcome]:
    """Ask Google for channels; return by id what became of each."""
    found: dict[str, WatchOutcome] = {}
    for scopes, kind in _by_scopes(requests, lambda request: request.channel):
        try:
            source = directory_source(settings, tenant, scopes)
        except DirectoryError:
            found |= {each.channel.id: "not-allowed" for each in kind}
        else:
            found |= directory_channels.watch(source, tenant.customer_id, kind)
    return found


def stop_channels(
    settings: Settings, tenant: Tenant, channels: Sequence[PushChannel]
) -> frozenset[str]:
    """Stop channels; return the ids of those that are no more."""
    found: frozenset[str] = frozenset()
    for scopes, kind in _by_scopes(channels, lambda channel: channel):
        try:
            source = directory_source(settings, tenant, scopes)
        except DirectoryError:
            continue
        found |= directory_channels.stop(source, tenant.customer_id, kind)
    return found


def _by_scopes(
    given: Sequence[T], channel_of: Callable[[T], PushChannel]
) -> Iterator[tuple[Sequence[str], list[T]]]:
    """Yield what is about users, and what is about the audit log, with the scopes for it."""
    audit = [each for each in given if channel_of(each).kind in AUDIT_APPLICATIONS]
    users = [each for each in given if channel_of(each).kind not in AUDIT_APPLICATIONS]
    yield from ((s, k) for s, k in ((SCOPES, users), ((AUDIT_SCOPE,), audit)) if k)


def refused_scopes(settings: Settings, email: str) -> tuple[str, ...]:
    """Return the scopes that Google refuses to Skolsynk in the name of this administrator."""
    try:
        source = source_as(settings, email)
    except AccessRefused:
        return ()
    return directory_scopes(source)


def open_register(settings: Settings, store: Store, clock: Callable[[], float]) -> Register:
    """The register of school units, with its copy in the store."""
    base = settings.web.register
    return Register(store, None if base is None else RegisterClient(base), clock)


@cache
def secret_manager() -> SecretManager:
    """The process's secrets, cached for minutes; fetched only if a profile refers to one."""
    return SecretManager()


def sync_context(
    settings: Settings,
    store: Store,
    reading: Callable[[int, int], None] = lambda users, groups: None,
    delivering: Callable[[str, int, int], None] = lambda vendor, done, planned: None,
) -> SyncContext:
    """The context of a run; `reading` and `delivering` are called with its progress."""
    return SyncContext(
        settings=settings,
        store=store,
        read_directory=lambda tenant: read_directory(settings, tenant, reading),
        progress=delivering,
        secrets=secret_manager(),
        ask_directory=lambda tenant, questions, budget: ask_directory(
            settings, tenant, questions, budget
        ),
        ask_licence=lambda domains: ask_licence(settings, domains),
        check_delegation=lambda tenant: check_delegation(settings, tenant),
        see_places=lambda tenant: see_places(settings, tenant),
        read_members=lambda tenant, groups: read_members(settings, tenant, groups),
        watch_changes=lambda tenant, requests: watch_changes(settings, tenant, requests),
        stop_channels=lambda tenant, channels: stop_channels(settings, tenant, channels),
    )
