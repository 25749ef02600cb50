"""The register's open API v2: every answer is validated and limited in time and size."""

import re
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
import requests
from msgspec import Meta, Struct

from addon.bounded_http import AnswerTooLargeError, bounded_session, seconds_left
from addon.school_register.model import (
    ACTIVE,
    CEASED,
    PLANNED,
    RESTING,
    Organiser,
    RegisterError,
    RegisterUnavailable,
    RegisterUnit,
)
from addon.text import one_line

T = TypeVar("T")
Parameters = Sequence[tuple[str, str]]

FILTERED_TIMEOUT, WHOLE_TIMEOUT = 12.0, 60.0
"""Seconds for an answer, retries included: while a page waits, and for the whole register."""
TRIES = 3
FIRST_WAIT = 0.3
LARGEST = 5_000_000
"""Maximum bytes of an answer; the whole list is about 1 MB."""
STATUSES = (ACTIVE, RESTING, CEASED, PLANNED)
"""All are requested by name: without the filter, a list was seen to leave out the ceased."""
NOT_FOUND = frozenset({400, 404})
"""The register's answers to a number or code that is unknown or malformed."""
REMEDY = "Try again later, or upload the register as a CSV file."

Code = Annotated[str, Meta(pattern=r"^[0-9]{8}$")]
Number = Annotated[str, Meta(pattern=r"^[0-9]{6}-?[0-9]{4}$")]


class _Listed(Struct, rename="camel"):
    school_unit_code: Code
    name: str | None = None
    status: str = ACTIVE


class _Attributes(Struct):
    attributes: list[_Listed]


class _UnitList(Struct):
    data: _Attributes


class _Detail(Struct, rename="camel"):
    display_name: str | None = None
    name: str | None = None
    status: str = ACTIVE
    municipality_code: str | None = None
    school_types: list[str | dict[str, Any]] | None = None


class _DetailData(Struct):
    attributes: _Detail


class _Included(Struct, rename="camel"):
    organization_number: str | None = None
    attributes: dict[str, Any] = {}


class _UnitAnswer(Struct):
    data: _DetailData
    included: _Included | list[_Included] | None = None


class _OrganiserListed(Struct, rename="camel"):
    organization_number: Number
    display_name: str | None = None
    name: str | None = None
    organizer_type: str = ""


class _OrganiserData(Struct):
    attributes: list[_OrganiserListed]


class _OrganiserList(Struct):
    data: _OrganiserData


class RegisterClient:
    """Queries the register at `base`. Every method raises RegisterError."""

    def __init__(
        self,
        base: str,
        sleep: Callable[[float], None] = time.sleep,
        largest: int = LARGEST,
    ) -> None:
        self._base = base.rstrip("/")
        self._sleep = sleep
        self._largest = largest
        self._session = bounded_session(largest)
        self._session.headers["Accept"] = "application/json"

    def units(self, **filters: str) -> list[RegisterUnit]:
        """All units, or those of an `organization_number` or `municipality_code`.

        Returns an empty list for a number or code that the register does not know.
        """
        wanted = [*filters.items(), *(("status", status) for status in STATUSES)]
        answer = self._ask(
            "/v2/school-units",
            wanted,
            _UnitList,
            FILTERED_TIMEOUT if filters else WHOLE_TIMEOUT,
            bool(filters),
        )
        return [
            RegisterUnit(
                code=each.school_unit_code,
                name=_name(each.name) or each.school_unit_code,
                status=each.status,
                municipality_code=filters.get("municipality_code"),
                organisation_number=filters.get("organization_number"),
            )
            for each in (answer.data.attributes if answer is not None else ())
        ]

    def unit(self, code: str) -> RegisterUnit | None:
        """A unit with its details, or None if there is no unit with this code."""
        if not re.fullmatch("[0-9]{8}", code):
            return None
        answer = self._ask(f"/v2/school-units/{code}", (), _UnitAnswer, FILTERED_TIMEOUT, True)
        if answer is None:
            return None
        found = answer.data.attributes
        types = filter(None, map(_school_type, found.school_types or ()))
        return RegisterUnit(
            code=code,
            name=_name(found.display_name, found.name) or code,
            status=found.status,
            municipality_code=found.municipality_code,
            school_types=tuple(dict.fromkeys(types)),
            organisation_number=_organisation(answer.included),
        )

    def organisers(self) -> list[Organiser]:
        """All principal organisers."""
        answer = self._ask("/v2/organizers", (), _OrganiserList, WHOLE_TIMEOUT, False)
        return [
            Organiser(
                each.organization_number.replace("-", ""),
                _name(each.display_name, each.name) or each.organization_number,
                each.organizer_type,
            )
            for each in (answer.data.attributes if answer is not None else ())
        ]

    def _ask(
        self, path: str, wanted: Parameters, kind: type[T], seconds: float, may_lack: bool
    ) -> T | None:
        """Return the answer as a `kind`, or None if it `may_lack` and is not found."""
        body = self._tried(path, wanted, time.monotonic() + seconds_left(seconds), may_lack)
        if body is None:
            return None
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise RegisterError(
                f"The school unit register's answer to {path} is not as it promises: {error}. "
                f"{REMEDY}"
            ) from None

    def _tried(self, path: str, wanted: Parameters, until: float, may_lack: bool) -> bytes | None:
        tried, wait = 0, FIRST_WAIT
        while True:
            tried += 1
            try:
                return self._body(path, wanted, until, may_lack)
            except AnswerTooLargeError:
                raise RegisterError(
                    f"The school unit register's answer to {path} is larger than "
                    f"{self._largest} bytes. {REMEDY}"
                ) from None
            except (requests.RequestException, _Busy) as error:
                if tried == TRIES or time.monotonic() + wait >= until:
                    said = str(error) if isinstance(error, _Busy) else type(error).__name__
                    raise RegisterUnavailable(
                        f"The school unit register does not answer {path} ({said}). {REMEDY}"
                    ) from None
            self._sleep(wait)
            wait *= 2

    def _body(self, path: str, wanted: Parameters, until: float, may_lack: bool) -> bytes | None:
        response = self._session.get(
            self._base + path,
            params=list(wanted),
            timeout=max(0.1, until - time.monotonic()),
            allow_redirects=False,
        )
        if response.status_code == 429 or response.status_code >= 500:
            raise _Busy(f"HTTP {response.status_code}")
        if may_lack and response.status_code in NOT_FOUND:
            return None
        if response.status_code != 200:
            raise RegisterError(
                f"The school unit register answers {path} with HTTP {response.status_code}. "
                f"See that SKOLSYNK_REGISTER is right. {REMEDY}"
            )
        return response.content


class _Busy(Exception):
    """The register cannot answer now."""


def _name(*given: str | None) -> str:
    """The first name that is not empty."""
    return next(filter(None, (one_line(each or "") for each in given)), "")


def _school_type(given: str | dict[str, Any]) -> str | None:
    """A school type's code, given as a string or in an object."""
    if isinstance(given, dict):
        given = next((given[key] for key in ("code", "schoolType", "type") if key in given), "")
    return given if isinstance(given, str) else None


def _organisation(included: _Included | list[_Included] | None) -> str | None:
    """The organiser's ten digits; the included data does not always have them."""
    for each in included if isinstance(included, list) else [included]:
        if each is not None:
            number = each.organization_number or each.attributes.get("organizationNumber")
            if isinstance(number, str) and re.fullmatch("[0-9]{6}-?[0-9]{4}", number):
                return number.replace("-", "")
    return None
