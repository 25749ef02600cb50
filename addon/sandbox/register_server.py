"""A server on loopback that answers the school unit register's open API v2 for the sandbox.

with RegisterServer(sandbox_units(domain.units)) as server:
    ...  # SKOLSYNK_REGISTER=server.url
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from threading import Event, Lock
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from addon.sandbox.failures import Failures, InjectedFailure
from addon.sandbox.loopback import LoopbackServer
from addon.sandbox.school_units import Unit
from addon.school_register.model import ACTIVE, CEASED, RESTING, Organiser, RegisterUnit

STORKOPING = Organiser("2120009999", "Storköpings kommun", "KOMMUN")
LILLKOPING = Organiser("2120008888", "LILLKÖPINGS KOMMUN", "KOMMUN")
INDEPENDENT = Organiser("5569998877", "Fria skolan i Storköping AB", "ENSKILD")
REGION = Organiser("2321009999", "Region Storbygden", "REGION")
ORGANISERS = (STORKOPING, LILLKOPING, INDEPENDENT, REGION)
"""One has its name in capitals, as is common in the register."""
BASE = "/skolenhetsregistret"
UNFILTERED = frozenset({ACTIVE, RESTING})
"""The statuses of a list that is requested without a status filter."""

_JSON = "application/json"
_HTML = "text/html; charset=UTF-8"


def sandbox_units(units: Iterable[Unit]) -> list[RegisterUnit]:
    """Return the units of a generated municipality, and some that are inactive or not its own."""
    own = [
        RegisterUnit(u.code, u.name, ACTIVE, u.municipality_code, u.school_types, STORKOPING.number)
        for u in units
    ]
    more = (
        ("99995001", "Gamla skolan", CEASED, "9999", ("GR",), STORKOPING.number),
        ("99995002", "Sommarskolan", RESTING, "9999", ("GR",), STORKOPING.number),
        ("99996001", "Fria skolan i Storköping", ACTIVE, "9999", ("GR",), INDEPENDENT.number),
        ("99997001", "Storbygdens naturbruksgymnasium", ACTIVE, "9999", ("GY",), REGION.number),
        ("88881001", "Lillköpingsskolan", ACTIVE, "8888", ("FKLASS", "GR"), LILLKOPING.number),
    )
    return own + [RegisterUnit(*each) for each in more]


class RegisterServer:
    """A server of the register that runs in its own thread until closed; a context manager.

    Port 0 chooses a free one. `units` may be changed while it serves.
    """

    def __init__(
        self,
        units: Sequence[RegisterUnit],
        organisers: Sequence[Organiser] = ORGANISERS,
        port: int = 0,
    ) -> None:
        self.units = list(units)
        self.organisers = list(organisers)
        self._failures = Failures()
        self._requests: list[str] = []
        self._lock = Lock()
        self._closed = Event()
        handler = type("Handler", (_Handler,), {"register": self})
        self._http = LoopbackServer(port, handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}{BASE}"
        self._http.start()

    @property
    def requests(self) -> list[str]:
        """The paths, with their queries, that have been requested so far."""
        with self._lock:
            return list(self._requests)

    def forget_requests(self) -> None:
        """Clear `requests`."""
        with self._lock:
            self._requests.clear()

    def fail(
        self, path_contains: str = "", status: int = 503, times: int | None = 1, **more: Any
    ) -> None:
        """Add a failure; `more` are other fields of `InjectedFailure`, e.g. kind="notJson"."""
        self._failures.add(InjectedFailure(path_contains, status, times=times, **more))

    def clear_failures(self) -> None:
        """Remove all failures."""
        self._failures.clear()

    def close(self) -> None:
        """Stop serving and close all connections."""
        self._closed.set()
        self._http.close()

    def __enter__(self) -> "RegisterServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Called by the handler

    def received(self, path: str) -> InjectedFailure | None:
        """Record a request and return the failure to inject, if any."""
        with self._lock:
            self._requests.append(path.removeprefix(BASE))
        parts = urlsplit(path)
        return self._failures.next_for(parts.path, dict(parse_qsl(parts.query)))

    def hang(self, seconds: float) -> None:
        """Wait, but no longer than until the server is closed."""
        self._closed.wait(seconds)

    def answer(self, path: str) -> tuple[int, object]:
        """Return the status and JSON of the response to a path."""
        parts = urlsplit(path)
        if not parts.path.startswith(BASE + "/"):
            return 404, _problem(404, "Not Found")
        given = parse_qs(parts.query)
        match parts.path.removeprefix(BASE).strip("/").split("/"):
            case ["v2", "school-units"]:
                units = [_short(u) for u in self.units if _fits(u, given)]
                return 200, _list("schoolunit", units)
            case ["v2", "school-units", code]:
                unit = next((u for u in self.units if u.code == code), None)
                if unit is not None:
                    return 200, self._whole(unit)
            case ["v2", "organizers"]:
                return 200, _list("organizer", [_organiser(o) for o in self.organisers])
            case ["v2", "organizers", number]:
                found = next((o for o in self.organisers if o.number == number), None)
                if found is not None:
                    return 200, self._whole_organiser(found)
        return 404, _problem(404, "Angiven resurs hittades inte")

    def _whole(self, unit: RegisterUnit) -> dict[str, Any]:
        attributes = {
            "displayName": unit.name,
            "status": unit.status,
            "municipalityCode": unit.municipality_code,
            "schoolTypes": list(unit.school_types),
            "startdate": "2011-07-01",
        }
        said = {name: value for name, value in attributes.items() if value is not None}
        data = {"type": "schoolunit", "schoolUnitCode": unit.code, "attributes": said}
        answer: dict[str, Any] = {"meta": {}, "data": data}
        organiser = next((o for o in self.organisers if o.number == unit.organisation_number), None)
        if organiser is not None:
            answer["included"] = _included(organiser)
        return answer

    def _whole_organiser(self, organiser: Organiser) -> dict[str, Any]:
        codes = [u.code for u in self.units if u.organisation_number == organiser.number]
        included = {"type": "schoolunit", "attributes": [{"schoolUnitCode": c} for c in codes]}
        return {"meta": {}, "data": _included(organiser), "included": included}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SkolsynkSandbox"
    wbufsize = -1
    disable_nagle_algorithm = True
    register: RegisterServer

    def do_GET(self) -> None:
        failure = self.register.received(self.path)
        kind = None if failure is None else failure.kind
        if failure is not None and kind == "status":
            self._send(failure.status, _problem(failure.status, failure.reason))
        elif kind == "drop":
            self.close_connection = True
        elif kind == "notJson":
            self._send(200, "<html><body>Underhåll</body></html>", _HTML)
        else:
            if failure is not None and kind == "hang":
                self.register.hang(failure.seconds)
            status, answer = self.register.answer(self.path)
            self._send(status, answer, cut=kind == "truncate")

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: `requests` is the log."""

    def _send(
        self, status: int, answer: object, content_type: str = _JSON, cut: bool = False
    ) -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.wfile.flush()
        if cut:
            self.close_connection = True


def _list(kind: str, attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"meta": {}, "data": {"type": kind, "attributes": attributes}}


def _problem(status: int, detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "status": status, "detail": detail}


def _fits(unit: RegisterUnit, given: Mapping[str, Sequence[str]]) -> bool:
    """Whether a unit passes the filters of a list; each filter may have several values."""
    return (
        unit.status in given.get("status", UNFILTERED)
        and unit.organisation_number in given.get("organization_number", [unit.organisation_number])
        and unit.municipality_code in given.get("municipality_code", [unit.municipality_code])
        and ("school_type" not in given or bool({*unit.school_types} & {*given["school_type"]}))
    )


def _short(unit: RegisterUnit) -> dict[str, Any]:
    return {"schoolUnitCode": unit.code, "name": unit.name, "status": unit.status}


def _organiser(organiser: Organiser) -> dict[str, Any]:
    return {
        "organizationNumber": organiser.number,
        "displayName": organiser.name,
        "organizerType": organiser.kind,
    }


def _included(organiser: Organiser) -> dict[str, Any]:
    return {
        "type": "organizer",
        "organizationNumber": organiser.number,
        "attributes": {"displayName": organiser.name, "organizerType": organiser.kind},
    }
