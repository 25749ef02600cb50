"""The register as a file that a person uploads: what Skolverket exports, or Excel saves."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from unicodedata import normalize

from addon.document import SCHOOL_TYPES
from addon.faults import Fault
from addon.register import ACTIVE, CEASED, PLANNED, RESTING, RegisterUnit

MOST_ROWS = 50_000
MOST_FAULTS = 20
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("skolenhetskod", "skolenhetenskod", "enhetskod", "schoolunitcode", "kod", "code"),
    "name": ("skolenhetsnamn", "skolenhetensnamn", "namn", "skolenhet", "displayname", "name"),
    "status": ("status", "skolenhetsstatus"),
    "municipality": ("kommunkod", "municipalitycode", "kommunnr"),
    "organisation": ("organisationsnummer", "orgnr", "peorgnr", "huvudmansorganisationsnummer"),
    "types": ("skolformer", "skolform", "schooltypes", "skolformskoder"),
}
STATUSES = {
    "aktiv": ACTIVE,
    "vilande": RESTING,
    "upphort": CEASED,
    "upphord": CEASED,
    "planerad": PLANNED,
    "": ACTIVE,
}


class SpreadsheetError(ValueError):
    """The file is not right; `faults` say where, by line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = list(faults)


def read_units(data: bytes) -> list[RegisterUnit]:
    """The units in a CSV file with a header. Raises SpreadsheetError with what is wrong."""
    text = _text(data)
    rows = list(csv.reader(io.StringIO(text), delimiter=_delimiter(text)))
    if len(rows) > MOST_ROWS:
        raise SpreadsheetError([Fault("", f"Filen har fler än {MOST_ROWS} rader.")])
    if not rows:
        raise SpreadsheetError([Fault("", "Filen är tom.")])
    columns = _columns(rows[0])
    if "code" not in columns or "name" not in columns:
        raise SpreadsheetError(
            [Fault("rad 1", "Första raden måste ha kolumnerna Skolenhetskod och Skolenhetsnamn.")]
        )
    units: dict[str, RegisterUnit] = {}
    faults: list[Fault] = []
    for number, row in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in row):
            unit = _unit(row, columns, f"rad {number}", faults)
            if unit is not None:
                units[unit.code] = unit
    if faults:
        raise SpreadsheetError(faults[:MOST_FAULTS])
    return list(units.values())


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max((";", "\t", ","), key=first.count)


def _columns(header: Sequence[str]) -> dict[str, int]:
    plain = [_plain(cell) for cell in header]
    found = {}
    for name, spellings in COLUMNS.items():
        place = next((plain.index(s) for s in spellings if s in plain), None)
        if place is not None:
            found[name] = place
    return found


def _unit(
    row: Sequence[str], columns: Mapping[str, int], place: str, faults: list[Fault]
) -> RegisterUnit | None:
    def cell(name: str) -> str:
        at = columns.get(name)
        return row[at].strip() if at is not None and at < len(row) else ""

    code, name, status = cell("code"), cell("name"), STATUSES.get(_plain(cell("status")))
    before = len(faults)
    if not re.fullmatch(r"[0-9]{8}", code):
        faults.append(Fault(place, "Skolenhetskoden ska ha åtta siffror."))
    if not name:
        faults.append(Fault(place, "Skolenhetens namn saknas."))
    if status is None:
        faults.append(Fault(place, "Status ska vara Aktiv, Vilande, Upphört eller Planerad."))
    if len(faults) > before or status is None:
        return None
    municipality = cell("municipality").zfill(4) if cell("municipality") else None
    number = re.sub(r"\D", "", cell("organisation"))
    return RegisterUnit(
        code=code,
        name=name,
        status=status,
        municipality_code=municipality,
        school_types=tuple(_types(cell("types"))),
        organisation_number=number or None,
    )


def _types(text: str) -> Iterator[str]:
    for part in re.split(r"[\s,;|/]+", text.upper()):
        if part in SCHOOL_TYPES:
            yield part


def _plain(text: str) -> str:
    """A header's letters only, without accents, in lower case."""
    letters = normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]", "", letters)
