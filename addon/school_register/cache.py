"""The register's data in the store, partly cached in memory."""

import threading
import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from cachetools import LRUCache
from msgspec import Struct

from addon.school_register.model import Organiser, RegisterUnit
from addon.school_register.search import RegisterIndex
from addon.store.base import CacheStore
from addon.store.records import Namespace

T = TypeVar("T")

DAY = 24 * 3600.0
LISTS_NEW = 7 * DAY
"""Seconds for which the list of an organiser's or a municipality's units is not fetched again."""
DETAILS_KEPT = 30 * DAY
KEPT = 400 * DAY
"""Seconds for which fetched data is kept if nothing newer can be fetched."""
SHARED_LOOKS = 60.0
UPLOAD_LOOKS = 2.0
"""Seconds for which memory is used without checking the store; a new upload is used at once."""
TENANTS_IN_MEMORY = 40
SHARED = Namespace("register")


class RegisterCopy(Struct, frozen=True):
    """Units sorted `in_order`, as they were `fetched` (seconds since 1970 UTC)."""

    fetched: float
    units: tuple[RegisterUnit, ...]
    organisers: tuple[Organiser, ...] = ()


class _Remembered(Struct, frozen=True):
    """An index, when the cached item that it was made from was saved (None: there is none), and
    when the store was last checked.
    """

    looked: float
    saved: float | None
    index: RegisterIndex


class RegisterCache:
    """The cached parts of the register: the shared copy, tenants' uploads, lists and details."""

    def __init__(self, store: CacheStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._memory: LRUCache[str, _Remembered] = LRUCache(TENANTS_IN_MEMORY)

    def copy(self) -> RegisterIndex:
        """The copy of the whole register; empty when there is none."""
        return self._index(SHARED, "all", SHARED_LOOKS)

    def keep_copy(self, units: Sequence[RegisterUnit], organisers: Sequence[Organiser]) -> None:
        """CacheStore the whole register in place of an earlier copy."""
        self._keep_copy(SHARED, "all", units, organisers)

    def upload(self, tenant: str) -> RegisterIndex:
        """A tenant's own file; empty when there is none."""
        return self._index(Namespace("register", tenant), "upload", UPLOAD_LOOKS)

    def keep_upload(self, tenant: str, units: Sequence[RegisterUnit]) -> None:
        """CacheStore a tenant's own file in place of an earlier one."""
        self._keep_copy(Namespace("register", tenant), "upload", units, ())

    def discard_upload(self, tenant: str) -> None:
        """Delete a tenant's own file."""
        self._store.delete(Namespace("register", tenant), "upload")
        self._forget(tenant)

    def listed(self, name: str) -> RegisterCopy | None:
        """A list of units that was fetched earlier, however old."""
        return self._kept(name, RegisterCopy)

    def keep_list(self, name: str, units: Sequence[RegisterUnit]) -> None:
        """CacheStore a list of units."""
        self._keep(name, RegisterCopy(self._clock(), tuple(units)), KEPT)

    def unit(self, code: str) -> RegisterUnit | None:
        """A unit's details, if they are not too old."""
        return self._kept(f"unit {code}", RegisterUnit)

    def keep_unit(self, unit: RegisterUnit) -> None:
        """CacheStore a unit's details."""
        self._keep(f"unit {unit.code}", unit, DETAILS_KEPT)

    def _index(self, namespace: Namespace, name: str, looks: float) -> RegisterIndex:
        now = self._clock()
        with self._lock:
            known = self._memory.get(namespace.tenant)
        if known is not None and 0 <= now - known.looked < looks:
            return known.index
        item = self._store.get(namespace, name, now)
        saved = None if item is None else item.saved
        if known is not None and known.saved == saved:
            index = known.index
        else:
            copy = None if item is None else _unpack(item.data, RegisterCopy)
            index = (
                RegisterIndex()
                if copy is None
                else RegisterIndex(copy.units, copy.organisers, copy.fetched)
            )
        self._remember(namespace.tenant, _Remembered(now, saved, index))
        return index

    def _remember(self, tenant: str, found: _Remembered) -> None:
        with self._lock:
            self._memory[tenant] = found

    def _forget(self, tenant: str) -> None:
        with self._lock:
            self._memory.pop(tenant, None)

    def _keep_copy(
        self,
        namespace: Namespace,
        name: str,
        units: Sequence[RegisterUnit],
        organisers: Sequence[Organiser],
    ) -> None:
        now = self._clock()
        packed = _pack(RegisterCopy(now, tuple(units), tuple(organisers)))
        self._store.put(namespace, name, packed, now, now + KEPT)
        self._forget(namespace.tenant)

    def _kept(self, name: str, kind: type[T]) -> T | None:
        item = self._store.get(SHARED, name, self._clock())
        return None if item is None else _unpack(item.data, kind)

    def _keep(self, name: str, value: RegisterCopy | RegisterUnit, kept_for: float) -> None:
        now = self._clock()
        self._store.put(SHARED, name, _pack(value), now, now + kept_for)


def _pack(value: RegisterCopy | RegisterUnit) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(value), 6)


def _unpack(packed: bytes, kind: type[T]) -> T | None:
    """Decode packed data; None if an earlier version of the program packed it in another form."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(packed), type=kind)
    except (zlib.error, msgspec.DecodeError):
        return None
