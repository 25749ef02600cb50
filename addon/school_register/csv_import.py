"""The register as an uploaded file: Skolverket's export, or one saved by Excel."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import ngettext
from msgspec import structs

from addon.school_register.model import (
    ACTIVE,
    CEASED,
    LONGEST_NAME,
    PLANNED,
    RESTING,
    RegisterUnit,
)
from addon.school_register.municipalities import municipality_named
from addon.tenants.document import SCHOOL_TYPES
from addon.text import domain_label, one_line
from addon.validation import Fault

LARGEST = 5_000_000
"""Maximum bytes; Skolverket's whole register is about 3 MB."""
MOST_ROWS = 50_000
MOST_FAULTS = 20
HEADER_WITHIN = 10
"""Maximum rows before the header: a title, the date, `sep=;`."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": (
        *("skolenhetskod", "skolenhetenskod", "skolenhetskoden", "kodskolenhet"),
        *("enhetskod", "schoolunitcode", "kod", "code"),
    ),
    "name": (
        *("skolenhetsnamn", "skolenhetensnamn", "skolenhetsnamnet", "skolenhet", "namn"),
        *("skolnamn", "skola", "skolansnamn", "displayname", "name"),
    ),
    "status": ("status", "skolenhetsstatus", "skolenhetensstatus"),
    "municipality": ("kommunkod", "skolenhetskommunkod", "municipalitycode", "kommunnr"),
    "place": ("kommun", "kommunnamn", "skolenhetskommun"),
    "organisation": (
        *("organisationsnummer", "organisationsnr", "orgnr", "orgnummer", "peorgnr"),
        *("huvudmannensorganisationsnummer", "huvudmansorganisationsnummer"),
        *("huvudmanorganisationsnummer", "huvudmanorgnr", "organizationnumber"),
    ),
    "types": ("skolformer", "skolform", "skolformskoder", "skolformskod", "schooltypes"),
}
STATUSES = {
    "aktiv": ACTIVE,
    "aktiva": ACTIVE,
    "vilande": RESTING,
    "upphort": CEASED,
    "upphord": CEASED,
    "nedlagd": CEASED,
    "planerad": PLANNED,
    "": ACTIVE,
}
TYPES: Mapping[str, str] = {
    **{code.lower(): code for code in SCHOOL_TYPES},
    "forskoleklass": "FKLASS",
    "fritidshem": "FTH",
    "oppenfritidsverksamhet": "OPPFTH",
    "grundskola": "GR",
    "anpassadgrundskola": "GRAN",
    "grundsarskola": "GRAN",
    "specialskola": "SP",
    "sameskola": "SAM",
    "gymnasieskola": "GY",
    "anpassadgymnasieskola": "GYAN",
    "gymnasiesarskola": "GYAN",
    "vuxenutbildning": "VUX",
    "kommunalvuxenutbildning": "VUX",
    "komvux": "VUX",
}
TICKED = frozenset({"ja", "j", "x", "1", "true", "yes"})


class SpreadsheetError(ValueError):
    """The file is not valid; `faults` say where, by line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = list(faults)


def read_units(data: bytes) -> list[RegisterUnit]:
    """Read the units in a CSV file with a header. Raises SpreadsheetError with every fault.

    A unit may have several rows, one for each of its school types.
    """
    rows = _rows(_text(data))
    columns = _header(rows)
    if columns is None:
        raise _whole(_("Första raden måste ha kolumnerna Skolenhetskod och Skolenhetsnamn."))
    units: dict[str, RegisterUnit] = {}
    faults: list[Fault] = []
    for line, row in rows[columns.row + 1 :]:
        unit, wrong = _unit(row, columns)
        earlier = units.get(unit.code, unit)
        if earlier.name != unit.name and not wrong:
            wrong = [_("Skolenhetskoden finns på en tidigare rad, med ett annat namn.")]
        if not wrong:
            units[unit.code] = _with_types(unit, earlier)
        faults += (Fault(_("rad %(number)s", number=line), message) for message in wrong)
    if faults:
        raise SpreadsheetError(_shortened(faults))
    if not units:
        raise _whole(_("Filen har inga skolenheter under kolumnnamnen."))
    return list(units.values())


class Columns:
    """The meaning of each column; `row` is the index of the header."""

    def __init__(self, row: int, places: Mapping[str, int], types: Mapping[int, str]) -> None:
        self.row = row
        self._places = places
        self._types = types

    def cell(self, row: Sequence[str], name: str) -> str:
        """A row's cell in a column; empty if the column or the cell is missing."""
        at = self._places.get(name)
        return one_line(row[at]) if at is not None and at < len(row) else ""

    def ticked(self, row: Sequence[str]) -> Iterator[str]:
        """The school types that have columns of their own, with a yes in this row."""
        return (
            t for at, t in self._types.items() if at < len(row) and domain_label(row[at]) in TICKED
        )


def _whole(message: str) -> SpreadsheetError:
    return SpreadsheetError([Fault("", message)])


def _text(data: bytes) -> str:
    if not data.strip():
        raise _whole(_("Filen är tom."))
    if len(data) > LARGEST:
        raise _whole(_("Filen är större än 5 MB. Ta med bara de skolenheter som ni behöver."))
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise _whole(_("Det är en Excelfil. Spara den som CSV i Excel, och ladda upp den filen."))
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _whole(_("Filen är inte text. Spara den som ”CSV UTF-8” i Excel."))


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, with their line numbers."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    rows: list[tuple[int, list[str]]] = []
    try:
        before = 0
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((before + 1, row))
            before = reader.line_num
            if len(rows) > MOST_ROWS:
                raise _whole(_("Filen har fler än %(most)s rader.", most=MOST_ROWS))
    except csv.Error:
        place = _("rad %(number)s", number=reader.line_num)
        message = _("Raden kan inte läsas: ett citattecken avslutas kanske inte.")
        raise SpreadsheetError([Fault(place, message)]) from None
    return rows


def _delimiter(text: str) -> str:
    """The cell separator: the most frequent candidate in the line that names the code's column."""
    lines = text.splitlines()[:HEADER_WITHIN]
    header = next((line for line in lines if "kod" in domain_label(line)), lines[0])
    return max((";", "\t", ","), key=header.count)


def _header(rows: Sequence[tuple[int, list[str]]]) -> Columns | None:
    """The columns, from the first row that names both the code and the name."""
    for at, (_line, row) in enumerate(rows[:HEADER_WITHIN]):
        names = [domain_label(cell) for cell in row]
        places = {
            name: names.index(spelling)
            for name, spellings in COLUMNS.items()
            if (spelling := next((each for each in spellings if each in names), None))
        }
        if "code" in places and "name" in places:
            types = {n: TYPES[name] for n, name in enumerate(names) if name in TYPES}
            return Columns(at, places, types)
    return None


def _unit(row: Sequence[str], columns: Columns) -> tuple[RegisterUnit, list[str]]:
    """The unit of a row, and the row's faults."""
    code = columns.cell(row, "code").replace(" ", "")
    name = columns.cell(row, "name")
    status = STATUSES.get(domain_label(columns.cell(row, "status")))
    municipality = columns.cell(row, "municipality")
    number = re.sub(r"[\s-]", "", columns.cell(row, "organisation"))
    if len(number) == 12:
        number = number.removeprefix("16")
    wrong = []
    if not re.fullmatch(r"[0-9]{8}", code):
        wrong.append(_("Skolenhetskoden ska ha åtta siffror."))
    if not name:
        wrong.append(_("Skolenhetens namn saknas."))
    elif len(name) > LONGEST_NAME:
        wrong.append(_("Namnet får vara högst %(n)s tecken.", n=LONGEST_NAME))
    if status is None:
        wrong.append(_("Status ska vara Aktiv, Vilande, Upphörd eller Planerad."))
    if not re.fullmatch(r"[0-9]{0,4}", municipality):
        wrong.append(_("Kommunkoden ska ha fyra siffror."))
    if not re.fullmatch(r"([0-9]{10})?", number):
        wrong.append(
            _("Organisationsnumret ska ha tio siffror. Formatera kolumnen som text i Excel.")
        )
    unit = RegisterUnit(
        code=code,
        name=name,
        status=status or ACTIVE,
        municipality_code=(
            municipality.zfill(4)
            if municipality
            else municipality_named(columns.cell(row, "place"))
        ),
        school_types=tuple(
            dict.fromkeys([*_types(columns.cell(row, "types")), *columns.ticked(row)])
        ),
        organisation_number=number or None,
    )
    return unit, wrong


def _types(text: str) -> Iterator[str]:
    """The school types in a cell: codes or names, with any separator."""
    for part in re.split(r"[,;|/]", text):
        whole = TYPES.get(domain_label(part))
        for each in [whole] if whole else map(TYPES.get, map(domain_label, part.split())):
            if each is not None:
                yield each


def _with_types(unit: RegisterUnit, earlier: RegisterUnit) -> RegisterUnit:
    types = dict.fromkeys([*earlier.school_types, *unit.school_types])
    return structs.replace(unit, school_types=tuple(types))


def _shortened(faults: Sequence[Fault]) -> list[Fault]:
    """The first faults, and how many more there are."""
    more = len(faults) - MOST_FAULTS
    if more <= 0:
        return list(faults)
    said = ngettext("Dessutom finns %(num)s fel till.", "Dessutom finns %(num)s fel till.", more)
    return [*faults[:MOST_FAULTS], Fault("", said)]
