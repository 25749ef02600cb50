"""The register's open API v2: every answer checked, in time, and of a size to expect."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import requests
from msgspec import Struct

from addon.register import Organiser, RegisterError, RegisterUnit

T = TypeVar("T")

WITHIN = (5.0, 15.0)
"""Seconds to connect, and for each part of an answer."""
TRIES = 3
FIRST_WAIT = 0.3
LARGEST = 20_000_000
"""Bytes of an answer; the whole list is about 3 MB."""
REMEDY = "Try again later, or upload the register as a CSV file."


class _Listed(Struct, rename="camel"):
    school_unit_code: str
    name: str
    status: str = "AKTIV"


class _UnitList(Struct):
    data: "_Attributes"


class _Attributes(Struct):
    attributes: list[_Listed]


class _Detail(Struct, rename="camel"):
    display_name: str | None = None
    name: str | None = None
    status: str = "AKTIV"
    municipality_code: str | None = None
    school_types: list[Any] = []


class _DetailData(Struct):
    attributes: _Detail


class _Included(Struct, rename="camel"):
    organization_number: str | None = None
    attributes: dict[str, Any] = {}


class _UnitAnswer(Struct):
    data: _DetailData
    included: _Included | list[_Included] | None = None


class _OrganiserListed(Struct, rename="camel"):
    organization_number: str
    display_name: str | None = None
    name: str | None = None
    organizer_type: str = ""


class _OrganiserData(Struct):
    attributes: list[_OrganiserListed]


class _OrganiserList(Struct):
    data: _OrganiserData


class RegisterClient:
    """Asks the register at `base`. Every method raises RegisterError."""

    def __init__(self, base: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._base = base.rstrip("/")
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"

    def units(self, **filters: str) -> list[RegisterUnit]:
        """All units, or those of an `organization_number` or `municipality_code`."""
        answer = self._ask("/v2/school-units", filters, _UnitList)
        return [
            RegisterUnit(
                code=each.school_unit_code,
                name=each.name.strip(),
                status=each.status,
                municipality_code=filters.get("municipality_code"),
                organisation_number=filters.get("organization_number"),
            )
            for each in answer.data.attributes
        ]

    def unit(self, code: str) -> RegisterUnit:
        """A unit with its details."""
        answer = self._ask(f"/v2/school-units/{code}", {}, _UnitAnswer)
        found = answer.data.attributes
        included = answer.included
        organiser = included[0] if isinstance(included, list) and included else included
        return RegisterUnit(
            code=code,
            name=(found.display_name or found.name or "").strip(),
            status=found.status,
            municipality_code=found.municipality_code,
            school_types=tuple(filter(None, map(_school_type, found.school_types))),
            organisation_number=(
                organiser.organization_number if isinstance(organiser, _Included) else None
            ),
        )

    def organisers(self) -> list[Organiser]:
        """All principal organisers."""
        answer = self._ask("/v2/organizers", {}, _OrganiserList)
        return [
            Organiser(
                each.organization_number,
                (each.display_name or each.name or "").strip(),
                each.organizer_type,
            )
            for each in answer.data.attributes
        ]

    def _ask(self, path: str, filters: dict[str, str], kind: type[T]) -> T:
        for tried in range(1, TRIES + 1):
            try:
                body = self._body(path, filters)
                break
            except (requests.RequestException, _Busy) as error:
                if tried == TRIES:
                    said = str(error) if isinstance(error, _Busy) else type(error).__name__
                    raise RegisterError(
                        f"The school unit register does not answer {path} ({said}). {REMEDY}"
                    ) from None
                self._sleep(FIRST_WAIT * 2 ** (tried - 1))
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise RegisterError(
                f"The school unit register's answer to {path} is not as it promises: {error}. "
                f"{REMEDY}"
            ) from None

    def _body(self, path: str, filters: dict[str, str]) -> bytes:
        with self._session.get(
            self._base + path, params=filters, timeout=WITHIN, stream=True, allow_redirects=False
        ) as response:
            if response.status_code == 429 or response.status_code >= 500:
                raise _Busy(f"HTTP {response.status_code}")
            if response.status_code != 200:
                raise RegisterError(
                    f"The school unit register answers {path} with HTTP {response.status_code}. "
                    f"See that SKOLSYNK_REGISTER is right. {REMEDY}"
                )
            body = bytearray()
            for part in response.iter_content(65536):
                body += part
                if len(body) > LARGEST:
                    raise RegisterError(f"The register's answer to {path} is too large. {REMEDY}")
            return bytes(body)


class _Busy(Exception):
    """The register cannot answer now."""


def _school_type(given: Any) -> str | None:
    """A school type's code, whether it stands alone or in an object."""
    if isinstance(given, dict):
        given = given.get("code") or given.get("type")
    return given if isinstance(given, str) else None
