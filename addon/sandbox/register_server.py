"""The sandbox's register of school units: answers the open API v2 on loopback."""

import json
from collections.abc import Iterable, Sequence
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from addon.register import Organiser, RegisterUnit
from addon.sandbox.loopback import LoopbackServer
from addon.sandbox.school_units import Unit

STORKOPING = Organiser("2120009999", "Storköpings kommun", "KOMMUN")
ORGANISERS = (
    STORKOPING,
    Organiser("2120008888", "Lillköpings kommun", "KOMMUN"),
    Organiser("5569998877", "Fristående skolan i Storköping AB", "ENSKILD"),
)
BASE = "/skolenhetsregistret"


def sandbox_units(units: Iterable[Unit]) -> list[RegisterUnit]:
    """The units of a generated municipality, and some that are no longer, or not its own."""
    own = [
        RegisterUnit(
            u.code, u.name, "AKTIV", u.municipality_code, u.school_types, STORKOPING.number
        )
        for u in units
    ]
    more = (
        ("99995001", "Gamla skolan", "UPPHORT", "9999", ("GR",), STORKOPING.number),
        ("99995002", "Sommarskolan", "VILANDE", "9999", ("GR",), STORKOPING.number),
        ("99996001", "Fria skolan i Storköping", "AKTIV", "9999", ("GR",), "5569998877"),
        ("88881001", "Lillköpingsskolan", "AKTIV", "8888", ("FKLASS", "GR"), "2120008888"),
    )
    return own + [RegisterUnit(*each) for each in more]


class RegisterServer:
    """Answers as the register, as long as the `with` lasts. `status` other than 200 is trouble."""

    def __init__(self, units: Sequence[RegisterUnit], status: int = 200) -> None:
        self.units = list(units)
        self.status = status
        self.nonsense = False
        self.requests: list[str] = []
        self._server: LoopbackServer | None = None

    def __enter__(self) -> "RegisterServer":
        register = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, answer = register.answer(self.path)
                body = b"<html>" if register.nonsense else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = LoopbackServer(0, Handler)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def url(self) -> str:
        """The base address of the register."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}{BASE}"

    def answer(self, path: str) -> tuple[int, object]:
        """The status and JSON that answer a path."""
        self.requests.append(path)
        if self.status != 200:
            return self.status, {"error": "trouble"}
        parts = urlsplit(path.removeprefix(BASE))
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path.strip("/").split("/"):
            case ["v2", "school-units"]:
                return 200, _list("schoolunit", [_short(u) for u in self.units if _fits(u, given)])
            case ["v2", "school-units", code]:
                found = next((u for u in self.units if u.code == code), None)
                return (404, {"error": "not found"}) if found is None else (200, _whole(found))
            case ["v2", "organizers"]:
                return 200, _list("organizer", [_organiser(o) for o in ORGANISERS])
        return 404, {"error": "not found"}


def _list(kind: str, attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"meta": {"total": len(attributes)}, "data": {"type": kind, "attributes": attributes}}


def _fits(unit: RegisterUnit, given: dict[str, str]) -> bool:
    wanted = {
        "organization_number": unit.organisation_number,
        "municipality_code": unit.municipality_code,
        "status": unit.status,
    }
    return all(wanted.get(name) == value for name, value in given.items() if name in wanted)


def _short(unit: RegisterUnit) -> dict[str, Any]:
    return {"schoolUnitCode": unit.code, "name": unit.name, "status": unit.status}


def _organiser(organiser: Organiser) -> dict[str, Any]:
    return {
        "organizationNumber": organiser.number,
        "displayName": organiser.name,
        "organizerType": organiser.kind,
    }


def _whole(unit: RegisterUnit) -> dict[str, Any]:
    organiser = next((o for o in ORGANISERS if o.number == unit.organisation_number), STORKOPING)
    attributes = {
        "displayName": unit.name,
        "status": unit.status,
        "municipalityCode": unit.municipality_code,
        "schoolTypes": list(unit.school_types),
        "startdate": "2011-07-01",
    }
    included = {
        "type": "organizer",
        "organizationNumber": organiser.number,
        "attributes": {"displayName": organiser.name, "organizerType": organiser.kind},
    }
    data = {"type": "schoolunit", "schoolUnitCode": unit.code, "attributes": attributes}
    return {"data": data, "included": included}
