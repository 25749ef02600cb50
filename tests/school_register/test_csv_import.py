"""The register as a file: what people really have, and what is wrong with it by line."""

import pytest

from addon.school_register.csv_import import (
    LARGEST,
    MOST_FAULTS,
    MOST_ROWS,
    SpreadsheetError,
    read_units,
)
from addon.school_register.model import RegisterUnit

UNIT = RegisterUnit("12345678", "Östra skolan", "AKTIV", "0114", ("GR",), "2120009999")
HEAD = "Skolenhetskod;Skolenhetsnamn;Status;Kommunkod;Organisationsnummer;Skolformer\n"
ROW = "12345678;Östra skolan;Aktiv;0114;212000-9999;GR\n"


def faults(data):
    with pytest.raises(SpreadsheetError) as caught:
        read_units(data if isinstance(data, bytes) else data.encode())
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_file_is_read_however_it_was_saved(encoding, delimiter, ending):
    text = (HEAD + ROW).replace(";", delimiter).replace("\n", ending)
    assert read_units(text.encode(encoding)) == [UNIT]


@pytest.mark.parametrize(
    "header",
    [
        "Skolenhetens kod;Namn;Skolenhetsstatus;Kommun kod;Org.nr;Skolform",
        "SKOLENHETSKOD;SKOLENHETSNAMN;STATUS;KOMMUNKOD;PEORGNR;SKOLFORMER",
        '"Skolenhetskod ";"Skolenhetens namn";Status;Kommunkod;'
        '"Huvudmannens organisationsnummer";Skolformer',
        "schoolUnitCode;name;status;municipalityCode;organizationNumber;schoolTypes",
    ],
)
def test_columns_may_have_other_names(header):
    assert read_units(f"{header}\n{ROW}".encode()) == [UNIT]


def test_only_the_code_and_the_name_are_needed():
    assert read_units("Namn,Skolenhetskod\nÖstra skolan,12345678\n".encode()) == [
        RegisterUnit("12345678", "Östra skolan")
    ]


def test_titles_and_empty_rows_are_passed_over():
    text = f"sep=;\nSkolenhetsregistret 2026-11-24;;\n\n{HEAD};;;;;\n{ROW}\n"
    assert read_units(text.encode()) == [UNIT]


def test_what_excel_does_to_numbers_is_undone():
    text = HEAD + "12 345 678;Östra  skolan ;aktiv;114;16212000-9999;GR\n"
    assert read_units(text.encode()) == [UNIT]


def test_a_municipality_may_stand_by_its_name():
    text = "Skolenhetskod;Skolenhetsnamn;Kommun\n12345678;Östra skolan;Upplands Väsby\n"
    assert read_units(text.encode())[0].municipality_code == "0114"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("Upphörd", "UPPHORT"),
        ("UPPHÖRT", "UPPHORT"),
        ("UPPHORT", "UPPHORT"),
        ("Vilande", "VILANDE"),
        ("Planerad", "PLANERAD"),
        ("", "AKTIV"),
    ],
)
def test_a_status_may_be_said_in_words(given, status):
    text = f"Skolenhetskod;Skolenhetsnamn;Status\n12345678;Östra skolan;{given}\n"
    assert read_units(text.encode())[0].status == status


@pytest.mark.parametrize(
    ("given", "types"),
    [
        ("FKLASS, GR", ("FKLASS", "GR")),
        ("GR GRAN", ("GR", "GRAN")),
        ("Anpassad grundskola|Fritidshem", ("GRAN", "FTH")),
        ("Förskoleklass/Grundskola", ("FKLASS", "GR")),
        ("Kommunal vuxenutbildning", ("VUX",)),
        ("Okänd", ()),
    ],
)
def test_school_types_may_be_codes_or_names(given, types):
    text = f'Skolenhetskod;Skolenhetsnamn;Skolform\n12345678;Östra skolan;"{given}"\n'
    assert read_units(text.encode())[0].school_types == types


def test_school_types_may_have_columns_of_their_own():
    text = "Skolenhetskod;Skolenhetsnamn;Grundskola;Fritidshem;GY\n12345678;Östra skolan;Ja;nej;x\n"
    assert read_units(text.encode())[0].school_types == ("GR", "GY")


def test_a_unit_may_have_a_row_for_each_of_its_school_types():
    text = HEAD + ROW + ROW.replace("GR", "Fritidshem") + ROW
    assert [unit.school_types for unit in read_units(text.encode())] == [("GR", "FTH")]


def test_all_faults_are_told_by_line_with_what_to_do():
    text = (
        HEAD + "1234;Norra skolan;Aktiv;;;\n" + ROW + "\n"
        "1,23E+07;;Aktiv;;;\n"
        "22223333;Västra skolan;Stängd;Lund;2,12E+09;\n"
        "12345678;Södra skolan;;;;\n"
    )
    assert faults(text) == [
        "rad 2: Skolenhetskoden ska ha åtta siffror.",
        "rad 5: Skolenhetskoden ska ha åtta siffror.",
        "rad 5: Skolenhetens namn saknas.",
        "rad 6: Status ska vara Aktiv, Vilande, Upphörd eller Planerad.",
        "rad 6: Kommunkoden ska ha fyra siffror.",
        "rad 6: Organisationsnumret ska ha tio siffror. Formatera kolumnen som text i Excel.",
        "rad 7: Skolenhetskoden finns på en tidigare rad, med ett annat namn.",
    ]


def test_a_name_over_two_lines_does_not_move_the_lines_after_it():
    text = 'Skolenhetskod;Namn\n12345678;"Östra\nskolan"\n1;Norra\n'
    assert faults(text) == ["rad 4: Skolenhetskoden ska ha åtta siffror."]


def test_many_faults_are_counted():
    told = faults("Skolenhetskod;Namn\n" + "1;A\n" * (MOST_FAULTS + 7))
    assert len(told) == MOST_FAULTS + 1
    assert told[-1] == "Dessutom finns 7 fel till."


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "tom"),
        (b" \n ", "tom"),
        (b"PK\x03\x04 xlsx", "Spara den som CSV"),
        (b"\xd0\xcf\x11\xe0 xls", "Spara den som CSV"),
        (b"\x00\x01\x02", "inte text"),
        (b"\x81\x8d\x8f", "inte text"),
        (b"\xff\xfea", "inte text"),
        (b"Namn;Ort\nNorra;Lund\n", "Skolenhetskod och Skolenhetsnamn"),
        (b"Skolenhetskod;Namn\n", "inga skolenheter"),
        (b"Skolenhetskod;Namn\n" + b"12345678;A\n" * (MOST_ROWS + 1), f"fler än {MOST_ROWS} rader"),
        (b"x" * (LARGEST + 1), "större än 5 MB"),
        (b'Skolenhetskod;Namn\n12345678;"' + b"x" * 200_000, "citattecken"),
    ],
)
def test_what_is_no_register_is_refused_with_what_to_do(data, told):
    (only,) = faults(data)
    assert told in only
