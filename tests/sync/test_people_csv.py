import csv
import io
import os
import stat
from itertools import chain
from pathlib import Path

import pytest
from msgspec.structs import replace

from addon.directory.snapshot import Snapshot
from addon.roster.model import Roster
from addon.roster.select import select
from addon.ss12000.vendor_roster import vendor_roster
from addon.sync.people_csv import HEADER, PersonDecisionRow, decision_rows, write_people_csv
from addon.tenants.model import Connection, Protected
from addon.vendors.profiles import Vendor
from tests.roster.builders import (
    CLASS_OU,
    NORRA,
    STAFF,
    TEACHING_GROUP,
    group,
    people_in,
    snapshot,
    tenant,
    unit,
    user,
    where,
)

CODE, OTHER = "10000001", "10000002"
STAYS = where("orgUnitPath", "notContains", "/Slutat")
TENANT = tenant(
    unit(
        CODE,
        people_in(NORRA, filters=((STAYS,),)),
        people_in(STAFF),
        classes=CLASS_OU,
        teaching_groups=TEACHING_GROUP,
    ),
    unit(OTHER, people_in("/Elever/Södra skolan"), name="Södra skolan"),
    protected=Protected(org_units=("/Skyddade",)),
)
DIRECTORY = snapshot(
    user("ada", f"{NORRA}/7A", given_name="Ada", family_name="Ek"),
    user("bo", STAFF, given_name="Bo", family_name="Al"),
    user("cia", "/Elever/Södra skolan"),
    user("dan", f"{NORRA}/7A", suspended=True),
    user("eva", f"{NORRA}/Slutat"),
    user("fia", f"{NORRA}/7A", family_name=""),
    user("gus", "/Annat"),
    user("hemlig", "/Skyddade", given_name="Hemlig", family_name="Person"),
    group("norra-ma", "ada", "bo"),
    group("norra-sv", "ada"),
)
ALL = Vendor(id="gleerups", name="Gleerups")
CLASSES = Vendor(id="binogi", name="Binogi", groups="classes", placements="one")


def rows_of(*vendors: Vendor, units=(CODE,), read: Snapshot = DIRECTORY) -> list[PersonDecisionRow]:
    roster = select(TENANT, read)
    return list(decision_rows(read, roster, [(v.id, carried(roster, v, units)) for v in vendors]))


def carried(roster: Roster, vendor: Vendor, units):
    return vendor_roster(roster, TENANT, Connection(vendor=vendor.id, school_units=units), vendor)


def of(user_id: str, *args, **more) -> PersonDecisionRow:
    (row,) = [row for row in rows_of(*(args or [ALL]), **more) if row.id == user_id]
    return row


def written(path, lines=None) -> bytes:
    write_people_csv(path, rows_of(ALL) if lines is None else lines)
    return path.read_bytes()


# Who is where


def test_there_is_a_row_for_each_user_read_and_each_connection():
    made = rows_of(ALL, CLASSES)
    shown = [u.id for u in DIRECTORY.users if u.id != "hemlig"]
    expected = [(v, i) for v in ("gleerups", "binogi") for i in (*shown, "protected: 1")]
    assert sorted((r.vendor, r.id) for r in made) == sorted(expected)


def test_a_user_read_twice_has_one_row():
    twice = replace(DIRECTORY, users=DIRECTORY.users * 2)
    assert rows_of(ALL, read=twice) == rows_of(ALL)


def test_without_connections_there_are_no_rows():
    assert rows_of() == []


def test_a_student_who_is_sent():
    assert of("ada") == PersonDecisionRow(
        id="ada",
        primary_email="ada@edu.storkoping.se",
        family_name="Ek",
        given_name="Ada",
        org_unit_path=f"{NORRA}/7A",
        role="student",
        school_units=(CODE,),
        classes=("7A",),
        teaching_groups=("ma", "sv"),
        vendor="gleerups",
        decision="sent",
        reason="",
    )


def test_a_teacher_who_is_sent():
    row = of("bo")
    assert (row.role, row.school_units, row.classes) == ("staff", (CODE,), ())
    assert (row.teaching_groups, row.decision) == (("ma",), "sent")


def test_a_vendor_of_classes_is_not_said_to_get_teaching_groups():
    row = of("ada", CLASSES)
    assert (row.classes, row.teaching_groups) == (("7A",), ())


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        ("dan", "suspended"),
        ("eva", "filtered"),
        ("fia", "missing-family-name"),
        ("gus", "not selected"),
    ],
)
def test_who_is_left_out_has_a_reason_and_no_role(user_id, reason):
    row = of(user_id)
    assert (row.decision, row.reason) == ("left out", reason)
    assert (row.role, row.school_units, row.classes, row.teaching_groups) == ("", (), (), ())
    assert row.primary_email == f"{user_id}@edu.storkoping.se"


def test_who_is_at_a_unit_that_is_not_chosen_is_left_out_of_that_connection():
    row = of("cia")
    assert (row.decision, row.reason) == ("left out", "no chosen school unit")
    assert (row.role, row.school_units) == ("student", (OTHER,))
    assert of("cia", units=(CODE, OTHER)).decision == "sent"


def test_of_the_protected_there_is_the_number_and_nothing_else():
    nothing = dict.fromkeys(PersonDecisionRow.__struct_fields__, "")
    nothing |= {"school_units": (), "classes": (), "teaching_groups": ()}
    told = {
        "id": "protected: 1",
        "vendor": "gleerups",
        "decision": "left out",
        "reason": "protected",
    }
    assert of("protected: 1") == PersonDecisionRow(**{**nothing, **told})


def test_the_protected_whom_the_reading_kept_away_are_reported_in_the_same_way():
    kept_away = replace(
        DIRECTORY,
        users=tuple(u for u in DIRECTORY.users if u.id != "hemlig"),
        protected=frozenset({"hemlig"}),
    )
    assert of("protected: 1", read=kept_away) == of("protected: 1")


# The file


def test_the_header_is_the_contracts():
    assert ",".join(HEADER) == (
        "id,primaryEmail,familyName,givenName,orgUnitPath,role,schoolUnits,classes,"
        "teachingGroups,vendor,decision,reason"
    )


def test_the_file_is_utf_8_with_bom_and_a_line_for_each_row(tmp_path):
    lines = written(tmp_path / "o.csv").split(b"\r\n")
    assert lines[0] == b"\xef\xbb\xbf" + ",".join(HEADER).encode()
    assert lines[-1] == b""
    assert len(lines) == 1 + len(DIRECTORY.users) + 1
    assert (
        b"ada,ada@edu.storkoping.se,Ek,Ada,/Elever/Norra skolan/7A,student,10000001,7A,ma|sv,"
        b"gleerups,sent,"
    ) in lines


def test_a_row_of_a_protected_person_names_nobody(tmp_path):
    content = written(tmp_path / "o.csv")
    assert b"\r\nprotected: 1,,,,,,,,,gleerups,left out,protected\r\n" in content
    assert b"hemlig" not in content.lower()


def test_without_rows_the_file_is_its_header(tmp_path):
    assert written(tmp_path / "o.csv", []) == b"\xef\xbb\xbf" + ",".join(HEADER).encode() + b"\r\n"


def test_commas_quotes_and_lines_survive(tmp_path):
    odd = replace(of("ada"), family_name='Ek, "Lilla"\nÅ', classes=("7A, B", "8"))
    written(tmp_path / "o.csv", [odd])
    with open(tmp_path / "o.csv", newline="", encoding="utf-8-sig") as file:
        (line,) = csv.DictReader(file)
    assert (line["familyName"], line["classes"]) == ('Ek, "Lilla"\nÅ', "7A, B|8")


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "＋", "－", "＠"]
)
def test_what_a_spreadsheet_would_run_is_harmless(tmp_path, start):
    formula = f"{start}HYPERLINK(1)"
    row = replace(of("ada"), given_name=formula, classes=(formula, "8"))
    written(tmp_path / "o.csv", [row])
    with open(tmp_path / "o.csv", newline="", encoding="utf-8-sig") as file:
        (line,) = csv.DictReader(file)
    assert (line["givenName"], line["classes"]) == (f"'{formula}", f"'{formula}|8")


def test_only_the_owner_can_read_the_file(tmp_path):
    path = tmp_path / "o.csv"
    path.touch(0o644)
    before = os.umask(0)
    try:
        written(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_there_was_is_replaced(tmp_path):
    path = tmp_path / "o.csv"
    path.write_text("old" * 10_000)
    assert b"old" not in written(path)
    assert os.listdir(tmp_path) == ["o.csv"]


def test_a_link_is_not_followed(tmp_path):
    there = tmp_path / "there.csv"
    there.write_text("of somebody else")
    link = tmp_path / "o.csv"
    for target in (there, tmp_path / "missing.csv"):
        link.symlink_to(target)
        with pytest.raises(OSError, match="it is a link"):
            write_people_csv(link, rows_of(ALL))
        link.unlink()
    assert os.listdir(tmp_path) == ["there.csv"]
    assert there.read_text() == "of somebody else"


def test_the_systems_own_links_are_written_to(tmp_path):
    with open(tmp_path / "o.csv", "w") as file:
        write_people_csv(Path(f"/dev/fd/{file.fileno()}"), rows_of(ALL))
    assert b"ada@edu.storkoping.se" in (tmp_path / "o.csv").read_bytes()
    assert os.listdir(tmp_path) == ["o.csv"]


@pytest.mark.parametrize("separator", [";", ",", "\t", "\n", '";"', "; "])
def test_no_cell_becomes_a_formula_where_another_separator_splits_cells(tmp_path, separator):
    row = replace(of("ada"), given_name=f"Ada{separator}=HYPERLINK(1)")
    text = written(tmp_path / "o.csv", [row]).decode("utf-8-sig")
    for other in ";,\t":
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=other):
            assert not [cell for cell in line if cell.lstrip(' "').startswith("=")]


def broken():
    yield from rows_of(ALL)
    raise RuntimeError("the reading broke off")


@pytest.mark.parametrize("old", [None, b"the rows of yesterday"])
def test_nothing_is_half_written_when_the_rows_break_off(tmp_path, old):
    path = tmp_path / "o.csv"
    if old is not None:
        path.write_bytes(old)
    with pytest.raises(RuntimeError):
        write_people_csv(path, chain.from_iterable([broken()]))
    assert os.listdir(tmp_path) == ([] if old is None else ["o.csv"])
    assert old is None or path.read_bytes() == old


def test_a_folder_that_is_not_there_is_an_error_of_the_file_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_people_csv(tmp_path / "missing" / "o.csv", [])


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_people_csv(pipe, rows_of(ALL))
        assert b"ada@edu.storkoping.se" in os.read(end, 65536)
    finally:
        os.close(end)
    assert os.listdir(tmp_path) == ["pipe"]
