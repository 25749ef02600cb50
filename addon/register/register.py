"""The register as the pages use it: a kept copy for all, and each tenant's own upload."""

import re
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar
from unicodedata import normalize

import msgspec
from msgspec import Struct

from addon.register import ACTIVE, CEASED, Organiser, RegisterError, RegisterUnit
from addon.register.spreadsheet import read_units
from addon.store import Shelf, Store

T = TypeVar("T")

DAY = 24 * 3600.0
LISTS_KEPT = 7 * DAY
DETAILS_KEPT = 30 * DAY
COPY_KEPT = 400 * DAY
LOOKS_EVERY = 60.0
"""Seconds for which the copy in memory is taken for the one in the store."""
AT_ONCE = 8
SHARED = Shelf("register")
ORDER = {ACTIVE: 0, "PLANERAD": 1, "VILANDE": 2, CEASED: 3}
ENDINGS = (" kommun", "s kommun", " stad", "s stad", " kommunförbund", " ab")


class Client(Protocol):
    """What asks the register; `addon.register.client.RegisterClient` is the one there is."""

    def units(self, **filters: str) -> list[RegisterUnit]: ...

    def unit(self, code: str) -> RegisterUnit: ...

    def organisers(self) -> list[Organiser]: ...


class Copy(Struct, frozen=True):
    """The register as it was `fetched` (seconds since 1970 UTC)."""

    fetched: float
    units: tuple[RegisterUnit, ...]
    organisers: tuple[Organiser, ...] = ()


class State(Struct, frozen=True):
    """What there is: `access` to the register, a copy of `units`, `fetched` when, an upload."""

    access: bool
    units: int
    fetched: float | None
    uploaded: int


class Register:
    """Finds school units. Raises StoreError, and RegisterError where it says so."""

    def __init__(self, store: Store, client: Client | None, clock: Callable[[], float]) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[float, Copy | None, list[tuple[str, RegisterUnit]]] | None = None

    def refresh(self) -> int:
        """Fetch all units and organisers; how many units. Raises RegisterError; then the earlier
        copy stays.
        """
        client = self._with_access()
        units, organisers = client.units(), client.organisers()
        if not units:
            raise RegisterError("The school unit register has no units; the earlier copy stays.")
        now = self._clock()
        copy = Copy(now, tuple(units), tuple(organisers))
        self._store.keep(SHARED, "all", _pack(copy), now, now + COPY_KEPT)
        with self._lock:
            self._known = None
        return len(units)

    def see_to(self, older_than: float = LISTS_KEPT) -> int | None:
        """Refresh the copy when it is old or missing; how many units, None where it is new."""
        copy = self._copy()
        if copy is not None and self._clock() - copy.fetched < older_than:
            return None
        return self.refresh()

    # Finding

    def search(self, tenant: str, text: str, limit: int = 50) -> list[RegisterUnit]:
        """Units whose code, name or organiser fits all words of `text`; active ones first."""
        words = _fold(text).split()
        number = re.sub(r"\D", "", text)
        if not words:
            return []
        if re.fullmatch(r"\s*\d{6}-?\d{4}\s*", text):
            return self.units_of(tenant, number)[:limit]
        if re.fullmatch(r"\s*\d{4}\s*", text):
            return self.units_in(tenant, number)[:limit]
        own = self._uploaded(tenant)
        mine = {unit.code for unit in own}
        pairs = [(_fold(f"{u.name} {u.code}"), u) for u in own]
        pairs += [pair for pair in self._searchable() if pair[1].code not in mine]
        found = [unit for said, unit in pairs if all(word in said for word in words)]
        if not found:
            found = self._of_organisers(tenant, words)
        return _in_order(found)[:limit]

    def units_of(self, tenant: str, organisation_number: str) -> list[RegisterUnit]:
        """The units of a principal organiser. Raises RegisterError where nothing is known."""
        number = re.sub(r"\D", "", organisation_number)
        own = [u for u in self._uploaded(tenant) if u.organisation_number == number]
        return _in_order(own or self._listed(f"organisation {number}", organization_number=number))

    def units_in(self, tenant: str, municipality_code: str) -> list[RegisterUnit]:
        """The units in a municipality. Raises RegisterError where nothing is known."""
        own = [u for u in self._uploaded(tenant) if u.municipality_code == municipality_code]
        name = f"municipality {municipality_code}"
        return _in_order(own or self._listed(name, municipality_code=municipality_code))

    def unit(self, tenant: str, code: str) -> RegisterUnit | None:
        """A unit with its details as far as they can be had, or None where it is not known."""
        own = next((u for u in self._uploaded(tenant) if u.code == code), None)
        if own is not None:
            return own
        detailed = self._kept(f"unit {code}", RegisterUnit)
        if detailed is None and self._client is not None:
            try:
                detailed = self._client.unit(code)
                self._keep(f"unit {code}", detailed, DETAILS_KEPT)
            except RegisterError:
                detailed = None
        copy = self._copy()
        listed = copy.units if copy is not None else ()
        return detailed or next((u for u in listed if u.code == code), None)

    def details(self, tenant: str, codes: Iterable[str]) -> dict[str, RegisterUnit]:
        """Units with their details, several asked for at once; those not known are absent."""
        wanted = list(codes)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda code: self.unit(tenant, code), wanted)
            return {u.code: u for u in found if u is not None}

    def statuses(self, tenant: str, codes: Iterable[str]) -> dict[str, str]:
        """What the copy says of units' status; those not known are absent."""
        wanted = set(codes)
        copy = self._copy()
        known = {u.code: u.status for u in (copy.units if copy else ()) if u.code in wanted}
        return known | {u.code: u.status for u in self._uploaded(tenant) if u.code in wanted}

    def organisers(self, text: str) -> list[Organiser]:
        """Principal organisers whose name has all words of `text`."""
        copy, words = self._copy(), _fold(text).split()
        known = copy.organisers if copy is not None else ()
        return [o for o in known if words and all(word in _fold(o.name) for word in words)]

    def organiser_for(self, domain: str, name: str) -> Organiser | None:
        """The organiser that a domain or name is most plausibly of; None where it is not clear."""
        copy = self._copy()
        if copy is None:
            return None
        parts = {_plain(part) for part in domain.lower().split(".")[:-1]} | {_plain(name)}
        parts |= {_plain(_short(name))}
        fitting = [o for o in copy.organisers if _names(o) & parts]
        municipal = [o for o in fitting if o.kind == "KOMMUN"]
        chosen = municipal or fitting
        return chosen[0] if len(chosen) == 1 else None

    # Uploads

    def upload(self, tenant: str, data: bytes) -> int:
        """Keep a tenant's own file in place of an earlier one; how many units.

        Only this tenant sees it. Raises SpreadsheetError; then the earlier one stays.
        """
        units = read_units(data)
        now = self._clock()
        packed = _pack(Copy(now, tuple(units)))
        self._store.keep(Shelf("register", tenant), "upload", packed, now, now + COPY_KEPT)
        return len(units)

    def remove_upload(self, tenant: str) -> None:
        """Go by the register itself again."""
        self._store.discard(Shelf("register", tenant), "upload")

    def state(self, tenant: str) -> State:
        """What there is to search in."""
        copy = self._copy()
        return State(
            access=self._client is not None,
            units=0 if copy is None else len(copy.units),
            fetched=None if copy is None else copy.fetched,
            uploaded=len(self._uploaded(tenant)),
        )

    # What is kept

    def _uploaded(self, tenant: str) -> tuple[RegisterUnit, ...]:
        paper = self._store.kept(Shelf("register", tenant), "upload", self._clock())
        return () if paper is None else _unpack(paper.data, Copy).units

    def _copy(self) -> Copy | None:
        return self._from_memory()[1]

    def _searchable(self) -> list[tuple[str, RegisterUnit]]:
        return self._from_memory()[2]

    def _from_memory(self) -> tuple[float, Copy | None, list[tuple[str, RegisterUnit]]]:
        now = self._clock()
        with self._lock:
            if self._known is not None and now - self._known[0] < LOOKS_EVERY:
                return self._known
        paper = self._store.kept(SHARED, "all", now)
        copy = None if paper is None else _unpack(paper.data, Copy)
        pairs = [(_fold(f"{u.name} {u.code}"), u) for u in (copy.units if copy else ())]
        with self._lock:
            self._known = now, copy, pairs
            return self._known

    def _of_organisers(self, tenant: str, words: list[str]) -> list[RegisterUnit]:
        """The units of the one organiser whose name fits."""
        fitting = self.organisers(" ".join(words))
        if len(fitting) != 1:
            return []
        try:
            return self.units_of(tenant, fitting[0].number)
        except RegisterError:
            return []

    def _listed(self, name: str, **filters: str) -> list[RegisterUnit]:
        kept = self._kept(name, Copy)
        if kept is not None and self._clock() - kept.fetched < LISTS_KEPT:
            return list(kept.units)
        try:
            units = self._with_access().units(**filters)
        except RegisterError:
            if kept is not None:
                return list(kept.units)
            raise
        self._keep(name, Copy(self._clock(), tuple(units)), COPY_KEPT)
        return units

    def _with_access(self) -> Client:
        if self._client is None:
            raise RegisterError(
                "This installation has no access to the school unit register "
                "(SKOLSYNK_REGISTER=off). Upload the register as a CSV file."
            )
        return self._client

    def _kept(self, name: str, kind: type[T]) -> T | None:
        paper = self._store.kept(SHARED, name, self._clock())
        return None if paper is None else _unpack(paper.data, kind)

    def _keep(self, name: str, value: object, kept_for: float) -> None:
        now = self._clock()
        self._store.keep(SHARED, name, _pack(value), now, now + kept_for)


def _in_order(units: Sequence[RegisterUnit]) -> list[RegisterUnit]:
    return sorted(units, key=lambda u: (ORDER.get(u.status, 9), _fold(u.name), u.code))


def _names(organiser: Organiser) -> set[str]:
    """The plain forms of an organiser's name, with and without what such names end in."""
    return {_plain(organiser.name), _plain(_short(organiser.name))}


def _short(name: str) -> str:
    """`Storköpings kommun` as `Storköping`."""
    folded = name.casefold().strip()
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if folded.endswith(ending):
            return folded.removesuffix(ending)
    return folded


def _plain(text: str) -> str:
    """A name as it stands in a domain: a-z and digits only."""
    letters = normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", letters)


def _fold(text: str) -> str:
    return normalize("NFC", text).casefold()


def _pack(value: object) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(value), 6)


def _unpack(packed: bytes, kind: type[T]) -> T:
    return msgspec.msgpack.decode(zlib.decompress(packed), type=kind)
