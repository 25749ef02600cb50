"""The register as the pages use it: a copy shared by all, and each tenant's own upload."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Protocol, TypeVar

from msgspec import Struct

from addon.school_register.cache import LISTS_NEW, RegisterCache
from addon.school_register.csv_import import read_units
from addon.school_register.model import Organiser, RegisterError, RegisterUnavailable, RegisterUnit
from addon.school_register.municipalities import municipality_named
from addon.school_register.organisers import tidy
from addon.school_register.search import has_words, in_order, rank, with_gaps_filled
from addon.store.base import CacheStore
from addon.text import fold

log = logging.getLogger(__name__)
T = TypeVar("T")

AT_ONCE = 8
AWAY = 20.0
"""Seconds for which a register that did not answer is not asked: every page would wait for it."""
UNIT = re.compile(r"[0-9]{8}")
MUNICIPALITY = re.compile(r"[0-9]{4}")
ORGANISATION = re.compile(r"(?:16)?([0-9]{6})-?([0-9]{4})")
MOST_WORDS = 8
"""The number of words of a search that are used; more do not narrow it further."""


class Client(Protocol):
    """Asks the register; implemented by `addon.school_register.client.RegisterClient`."""

    def units(self, **filters: str) -> list[RegisterUnit]: ...

    def unit(self, code: str) -> RegisterUnit | None: ...

    def organisers(self) -> list[Organiser]: ...


class RegisterState(Struct, frozen=True):
    """Whether there is `access` to the register, and how many units were copied and uploaded."""

    access: bool
    units: int
    fetched: float | None
    uploaded: int


class Register:
    """Finds school units. Every method raises StoreError, some RegisterError as documented."""

    def __init__(
        self, store: CacheStore, client: Client | None, clock: Callable[[], float]
    ) -> None:
        self._kept = RegisterCache(store, clock)
        self._client = client
        self._clock = clock
        self._away_until = 0.0

    def refresh(self) -> int:
        """Fetch all units and organisers; return the number of units.

        Raises RegisterError; the earlier copy is then kept. The earlier organisers are also kept
        when only they cannot be fetched.
        """
        units = self._ask(lambda client: client.units())
        if not units:
            raise RegisterError("The school unit register has no units; the earlier copy stays.")
        try:
            organisers: Sequence[Organiser] = self._ask(lambda client: client.organisers())
        except RegisterError as error:
            log.warning("the copy has the organisers that it had: %s", error)
            organisers = self._kept.copy().organisers.listed
        self._kept.keep_copy(in_order(units), [tidy(each) for each in organisers])
        return len(units)

    def refresh_if_old(self, older_than: float = LISTS_NEW) -> int | None:
        """Refresh a copy that is old or missing; return the number of units, None if not needed."""
        fetched = self._kept.copy().fetched
        if fetched is not None and self._clock() - fetched < older_than:
            return None
        return self.refresh()

    # Finding

    def search(self, tenant: str, text: str, limit: int = 50) -> list[RegisterUnit]:
        """Units by code, organisation number, municipality code, or words; active ones first.

        All words must be in the unit's name; words may also name a municipality or organiser.
        Raises RegisterError if a number must be looked up in the register and cannot be.
        """
        text = " ".join(text.split())
        if number := _organisation(text):
            return self.units_of(tenant, number)[:limit]
        if MUNICIPALITY.fullmatch(text):
            return self.units_in(tenant, text)[:limit]
        if UNIT.fullmatch(text):
            unit = self.unit(tenant, text)
            return [] if unit is None else [unit]
        words = fold(text).split()[:MOST_WORDS]
        found = [*self._in_place(tenant, words), *self._by_name(tenant, words, limit)]
        found = found or self._split(tenant, words) or self._of_organiser(tenant, words)
        return sorted({u.code: u for u in found}.values(), key=rank)[:limit]

    def units_of(self, tenant: str, organisation_number: str) -> list[RegisterUnit]:
        """The units of a principal organiser. Raises RegisterError if nothing is known of them."""
        number = _organisation(organisation_number)
        if number is None:
            return []
        return self._listed(
            tenant, lambda u: u.organisation_number == number, organization_number=number
        )

    def units_in(self, tenant: str, municipality_code: str) -> list[RegisterUnit]:
        """The units in a municipality. Raises RegisterError if nothing is known of them."""
        if not MUNICIPALITY.fullmatch(municipality_code):
            return []
        return self._listed(
            tenant,
            lambda u: u.municipality_code == municipality_code,
            municipality_code=municipality_code,
        )

    def unit(self, tenant: str, code: str) -> RegisterUnit | None:
        """A unit with its details, if they are available, or None if the unit is not known."""
        if not UNIT.fullmatch(code):
            return None
        own = self._kept.upload(tenant).by_code.get(code)
        known = self._detailed(code) or self._kept.copy().by_code.get(code)
        return known if own is None else own if known is None else with_gaps_filled(own, known)

    def details(self, tenant: str, codes: Iterable[str]) -> dict[str, RegisterUnit]:
        """Units with their details, fetched in parallel; those not known are absent."""
        asking = [(copy_context(), code) for code in codes]  # with the page's deadline
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda each: each[0].run(self.unit, tenant, each[1]), asking)
            return {unit.code: unit for unit in found if unit is not None}

    def statuses(self, tenant: str, codes: Iterable[str]) -> dict[str, str]:
        """The units' statuses according to the copy; those not known are absent."""
        upload, copy = self._kept.upload(tenant).by_code, self._kept.copy().by_code
        known = {code: upload.get(code) or copy.get(code) for code in codes}
        return {code: unit.status for code, unit in known.items() if unit is not None}

    def of_others(self, organisation_number: str, codes: Iterable[str]) -> set[str]:
        """Return those of the units that the register itself has as another organiser's.

        A tenant's own file does not count. What cannot be asked, or is not known, is nobody's.
        """
        number = _organisation(organisation_number)
        if number is None:
            return set()
        try:
            own = {unit.code for unit in self._list(organization_number=number)}
        except RegisterError:
            return set()
        asking = [(copy_context(), code) for code in codes if code not in own]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda each: each[0].run(self._detailed, each[1]), asking)
            owners = {unit.code: unit.organisation_number for unit in found if unit is not None}
        return {code for code, owner in owners.items() if owner not in (None, number)}

    def organisers(self, text: str) -> list[Organiser]:
        """Principal organisers whose name has all words of `text`."""
        return self._kept.copy().organisers.with_words(fold(text).split())

    def organiser_for(self, domain: str, name: str) -> Organiser | None:
        """The organiser most likely meant by a domain or name; None if it is not clear."""
        return self._kept.copy().organisers.plausible(domain, name)

    # Uploads

    def upload(self, tenant: str, data: bytes) -> int:
        """CacheStore a tenant's own file in place of an earlier one; return the number of units.

        Only this tenant sees it. Raises SpreadsheetError; the earlier file is then kept.
        """
        units = read_units(data)
        self._kept.keep_upload(tenant, in_order(units))
        return len(units)

    def remove_upload(self, tenant: str) -> None:
        """Discard a tenant's own file, so that the register itself is used again."""
        self._kept.discard_upload(tenant)

    def state(self, tenant: str) -> RegisterState:
        """What data there is to search in."""
        copy = self._kept.copy()
        return RegisterState(
            access=self._client is not None,
            units=len(copy.units),
            fetched=copy.fetched,
            uploaded=len(self._kept.upload(tenant).units),
        )

    # How units are found

    def _by_name(self, tenant: str, words: Sequence[str], limit: int) -> list[RegisterUnit]:
        own = self._kept.upload(tenant)
        found = own.search(words, limit)
        shared = self._kept.copy().search(words, limit, without=own.by_code)
        return in_order([*found, *shared])

    def _in_place(self, tenant: str, words: Sequence[str]) -> list[RegisterUnit]:
        """The units of the municipality or organiser that the words name."""
        name = " ".join(words)
        organiser = self._kept.copy().organisers.named(name)
        municipality = municipality_named(name)
        try:
            if municipality and (organiser is None or not name.endswith((" kommun", " stad"))):
                return self.units_in(tenant, municipality)
            return [] if organiser is None else self.units_of(tenant, organiser.number)
        except RegisterError:
            return []  # units found by name are still shown

    def _split(self, tenant: str, words: Sequence[str]) -> list[RegisterUnit]:
        """The units of a place named by the first or last words that also have the other words."""
        for place, others in _splits(words):
            found = [u for u in self._in_place(tenant, place) if has_words(u, others)]
            if found:
                return found
        return []

    def _of_organiser(self, tenant: str, words: Sequence[str]) -> list[RegisterUnit]:
        """The units of the one organiser whose name has the words."""
        fitting = self._kept.copy().organisers.with_words(words)
        try:
            return self.units_of(tenant, fitting[0].number) if len(fitting) == 1 else []
        except RegisterError:
            return []

    def _detailed(self, code: str) -> RegisterUnit | None:
        kept = self._kept.unit(code)
        if kept is not None or self._client is None:
            return kept
        try:
            found = self._ask(lambda client: client.unit(code))
        except RegisterError:
            return None
        if found is not None:
            self._kept.keep_unit(found)
        return found

    def _listed(
        self, tenant: str, belongs: Callable[[RegisterUnit], bool], **filters: str
    ) -> list[RegisterUnit]:
        """The units that belong; those in the tenant's own file are taken from the file."""
        own = self._kept.upload(tenant)
        found = {unit.code: unit for unit in own.units if belongs(unit)}
        try:
            listed = self._list(**filters)
        except RegisterError:
            if not found:
                raise
            listed = []
        for unit in listed:
            mine = own.by_code.get(unit.code)
            said = unit if mine is None else with_gaps_filled(mine, unit)
            if mine is None or belongs(said):
                found[unit.code] = said
        return in_order(found.values())

    def _list(self, **filters: str) -> Sequence[RegisterUnit]:
        name = " ".join(f"{key} {value}" for key, value in filters.items())
        kept = self._kept.listed(name)
        if kept is not None and self._clock() - kept.fetched < LISTS_NEW:
            return kept.units
        try:
            units = self._ask(lambda client: client.units(**filters))
        except RegisterError:
            if kept is None:
                raise
            return kept.units
        self._kept.keep_list(name, units)
        return units

    def _ask(self, question: Callable[[Client], T]) -> T:
        if self._client is None:
            raise RegisterError(
                "This installation has no access to the school unit register "
                "(SKOLSYNK_REGISTER=off). Upload the register as a CSV file."
            )
        if self._clock() < self._away_until:
            raise RegisterUnavailable(
                "The school unit register did not answer a moment ago. Try again in a minute, "
                "or upload the register as a CSV file."
            )
        try:
            return question(self._client)
        except RegisterUnavailable:
            self._away_until = self._clock() + AWAY
            raise


def _organisation(text: str) -> str | None:
    """The ten digits of an organisation number, which is commonly written in three ways."""
    found = ORGANISATION.fullmatch(text.strip())
    return None if found is None else "".join(found.groups())


def _splits(words: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The last or first words, longest first, each with the remaining words."""
    for length in range(len(words) - 1, 0, -1):
        yield words[-length:], words[:-length]
        yield words[:length], words[length:]
