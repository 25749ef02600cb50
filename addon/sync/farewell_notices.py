"""Who is written to when a customer has left, and who has been.

The administrators are written to once when the farewell begins; so is the operator, and once more
when what vendors have waits for their confirmation. `addon.notifications.farewell` sends it.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from addon.settings import Settings
from addon.settings.names import CONTACT, MAIL
from addon.store.base import CacheStore
from addon.store.records import Namespace
from addon.tenants.licence import DAY, LicenceRecord
from addon.tenants.model import Tenant

Reader = Literal["administrators", "operator"]
Stage = Literal["left", "waiting"]
Obstacle = Literal["no-mail", "no-contact", "nobody-named", "not-yet"]
KEPT = 400 * DAY
"""Seconds until the record of a sent message expires; no farewell lasts longer."""
REASONS: dict[Obstacle, str] = {
    "no-mail": f"{MAIL} is not set",
    "no-contact": f"{CONTACT} is not set",
    "nobody-named": "the tenant's document names nobody",
    "not-yet": "it is sent with the next scheduled run",
}
READERS: dict[Reader, str] = {"administrators": "its administrators", "operator": "the operator"}


class Unwritten(Struct, frozen=True):
    """That a reader has not been written to of what is now, and why."""

    reader: Reader
    why: Obstacle

    def __str__(self) -> str:
        return f"nobody has written to {READERS[self.reader]}: {REASONS[self.why]}"


def readers_of(settings: Settings, tenant: Tenant) -> dict[Reader, tuple[str, ...]]:
    """Return the addresses of each reader; administrators are those whom the document names."""
    named = tuple(tenant.notices.email or tenant.administrators)
    if not named and tenant.delegated_admin:
        named = (tenant.delegated_admin,)
    contact = settings.web.contact
    return {"administrators": named, "operator": () if contact is None else (contact,)}


def stage_for(reader: Reader, record: LicenceRecord, settings: Settings, now: float) -> Stage:
    """Return what a reader is to be told at `now`."""
    over = record.days_are_over(now, settings.farewell_days)
    return "waiting" if over and reader == "operator" else "left"


def is_told(
    store: CacheStore, tenant: str, record: LicenceRecord, reader: Reader, stage: Stage, now: float
) -> bool:
    """Whether the message of this farewell has been sent. Raises StoreError."""
    item = store.get(_namespace(tenant), _name(reader, stage), now)
    return item is not None and msgspec.json.decode(item.data, type=float) == record.farewell


def remember_told(
    store: CacheStore, tenant: str, record: LicenceRecord, reader: Reader, stage: Stage, now: float
) -> None:
    """Save that the message of this farewell has been sent. Raises StoreError."""
    data = msgspec.json.encode(record.farewell)
    store.put(_namespace(tenant), _name(reader, stage), data, now, now + KEPT)


def unwritten(
    settings: Settings, store: CacheStore, tenant: Tenant, record: LicenceRecord, now: float
) -> tuple[Unwritten, ...]:
    """Return who has not been written to of the tenant's farewell. Raises StoreError."""
    if not record.farewell:
        return ()
    found = []
    for reader, to in readers_of(settings, tenant).items():
        stage = stage_for(reader, record, settings, now)
        if not is_told(store, tenant.customer_id, record, reader, stage, now):
            found.append(Unwritten(reader, _obstacle(settings, reader, to)))
    return tuple(found)


def _obstacle(settings: Settings, reader: Reader, to: tuple[str, ...]) -> Obstacle:
    if not to:
        return "no-contact" if reader == "operator" else "nobody-named"
    return "no-mail" if settings.web.mail is None else "not-yet"


def _namespace(tenant: str) -> Namespace:
    return Namespace("notices", tenant)


def _name(reader: Reader, stage: Stage) -> str:
    return f"farewell.{reader}.{stage}"
