"""A letter each Monday to the administrators who want it, once, in numbers and links alone.

It can break where a process is killed, where two tasks run at once, where the mail server refuses,
in a week when the clocks change, and where there is nothing to tell.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from addon.notifications import notify
from addon.notifications.mailer import MailError, Message
from addon.notifications.week import SENT_FROM, Week, due_week
from addon.notifications.weekly_letter import CLAIMED, MOST_UNITS, tell_of_week
from addon.planning.limits import Hold
from addon.planning.protected_set import ProtectedSet
from addon.roster.placements import KnownGroup, KnownPerson, Placements
from addon.settings import Settings, SqliteAddress, WebSettings
from addon.store.base import RUNS_KEPT
from addon.store.records import RunRecord
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import SyncContext, ledger_key
from addon.sync.known_findings import mark_known
from addon.sync.known_placements import KnownDirectory, save_known
from addon.tasks.handlers import PROTECT, TaskHandler
from addon.tenants.pause import LOCAL
from addon.vendors.profiles import load_vendors
from tests.support.small_school import DOCUMENT, PROFILES, PUPILS, TENANT, UNIT

TO, URL = "it@storvik.example", "https://skolsynk.example"
MONDAY = date(2026, 11, 30)
"""The day of the letter about week 48."""
HOUR = 3600.0


class Killed(BaseException):
    """The process ends here."""


class Box:
    """A mailer that keeps what it is given; `before` and `after` are called around that."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.before: Any = lambda: None
        self.after: Any = lambda: None

    def send(self, message: Message) -> None:
        self.before()
        self.messages.append(message)
        self.after()


class Office:
    """A tenant whose administrators want the letter; `hour` tells what is sent at an hour."""

    def __init__(self, folder: Path) -> None:
        profiles = folder / "vendors.toml"
        profiles.write_text(PROFILES)
        self.store = SQLiteStore(folder / "skolsynk.db")
        self.now = at(MONDAY, 0)
        self.box = Box()
        settings = Settings(
            store=SqliteAddress(folder / "none.db"),
            vendors=load_vendors(profiles),
            web=WebSettings(url=URL),
        )
        self.context = SyncContext(
            settings=settings, store=self.store, read_directory=_unread, clock=lambda: self.now
        )
        self.runs = 0
        self.save()

    def save(self, schedule: Any = None, **notices: Any) -> None:
        document = dict(DOCUMENT)
        document["notices"] = {"email": [TO], "weekly": "summary"} | notices
        if schedule is not None:
            document["schedule"] = schedule
        self.document = document
        self.store.save_tenant(TENANT, msgspec.json.encode(document))

    def hour(self, day: date, hour: int = 7, minute: int = 0) -> list[Message]:
        """What the hourly task sends then."""
        self.now = at(day, hour, minute)
        before = len(self.box.messages)
        tasks = TaskHandler(
            lambda: self.context,
            lambda: None,  # type: ignore[arg-type,return-value]
            tell=lambda tenant, vendor: _told(self, tenant, vendor),
        )
        assert tasks.handle(PROTECT, {"tenant": TENANT}).done
        return [m for m in self.box.messages[before:] if m.id and m.id.startswith("week.")]

    def letter(self, day: date = MONDAY) -> Message:
        (message,) = self.hour(day)
        return message

    def ran(self, when: float, *parts: Any, findings: Any = None, **record: Any) -> None:
        """Save a run that ended then, with reports of connections."""
        report = {
            "roster": {"students": 12, "staff": 2, "classes": 2, "teachingGroups": 0},
            "findings": findings or {},
            "connections": parts,
            "directory": {"users": 15, "groups": 0, "orgUnits": 5, "queries": 3},
        }
        self.runs += 1
        run = {"id": f"run-{self.runs}", "status": "done", "finished": when} | record
        data = msgspec.json.encode(report)
        self.store.save_run(RunRecord(tenant=TENANT, started=when, report=data, **run))

    def knows(self, when: float, students: int, classes: int, staff: int = 2) -> None:
        """Save what the run at that time knew: so many at the unit."""
        people = {f"s{n}": KnownPerson(((UNIT, 7),)) for n in range(students)}
        people |= {f"t{n}": KnownPerson((), (UNIT,)) for n in range(staff)}
        groups = {
            (UNIT, "orgUnit", f"c{n}"): KnownGroup("class", tuple(people)) for n in range(classes)
        }
        known = KnownDirectory(when, Placements(people, groups))
        save_known(self.store, TENANT, known, None)


def at(day: date, hour: int, minute: int = 0) -> float:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=LOCAL).timestamp()


def part(vendor: str = "all", status: str = "delivered", **values: Any) -> Any:
    return {"vendor": vendor, "mode": "live", "status": status} | values


def operations(create: int = 0, update: int = 0, delete: int = 0, classes: int = 0) -> Any:
    found = {"create": {"User": create}, "update": {"User": update}, "delete": {"User": delete}}
    found["create"]["StudentGroup"] = classes
    return found


def _told(office: Office, tenant: str, vendor: str | None) -> None:
    notify.notify(office.context, office.box, tenant, vendor)


def _unread(tenant: object) -> Any:
    raise AssertionError("a letter reads no directory")


@pytest.fixture
def office(tmp_path):
    office = Office(tmp_path)
    yield office
    office.store.close()


def test_three_weeks_of_hourly_tasks_send_three_letters_on_mondays(office):
    office.ran(at(date(2026, 11, 25), 7), part())
    sent = [
        (day, hour)
        for day in (date.fromordinal(MONDAY.toordinal() + n) for n in range(-1, 15))
        for hour in range(0, 24, 3)
        for _ in office.hour(day, hour)
    ]
    assert sent == [(MONDAY, 6), (date(2026, 12, 7), 6), (date(2026, 12, 14), 6)]


def test_nobody_gets_it_who_has_not_asked_for_it_and_other_notices_do_not_matter(office):
    office.save(weekly=None)
    assert office.hour(MONDAY) == []
    office.save(email=[])
    assert office.hour(MONDAY) == []
    office.save(about=[])
    assert office.letter().to == (TO,)


def test_it_tells_the_week_by_vendor_and_by_school_unit_in_numbers(office):
    office.save(weekly="vendors")
    office.ran(at(date(2026, 11, 18), 7), part(operations=operations(create=99)))
    office.knows(at(date(2026, 11, 18), 7), students=12, classes=2)
    office.letter(date(2026, 11, 23))
    office.ran(at(date(2026, 11, 25), 7), part(operations=operations(14, 3, 2, 1), people=26))
    office.ran(at(date(2026, 11, 26), 7), part(operations=operations(1, 0, 0)))
    office.ran(at(MONDAY, 2), part(operations=operations(create=500)))
    office.knows(at(MONDAY, 2), students=14, classes=3, staff=1)
    text = office.letter().text
    assert "vecka 48 (2026-11-23 till 2026-11-29)" in text
    assert "Norra skolan har 14 elever (+2), 1 i personalen (−1) och 3 klasser (+1)." in text
    assert "Norra skolan has 14 students (+2), 1 staff (−1) and 3 classes (+1)." in text
    assert (
        "Hos All finns 26 personer. Under veckan har 15 personer lagts till, 3 ändrats och 2 "
        "tagits bort. Av klasser och grupper har 1 lagts till, 0 ändrats och 0 tagits bort. "
        f"Läs mer: {URL}/leverantorer/all" in text
    )
    assert "Some. Inget ändrades under veckan." in text


def test_a_summary_has_a_line_for_each_vendor_that_changed(office):
    office.ran(at(date(2026, 11, 25), 7), part(operations=operations(14, 3, 2, 1)), part("some"))
    text = office.letter().text
    assert "Hos All har 14 personer lagts till, 3 ändrats och 2 tagits bort." in text
    assert "Hos Some" not in text


def test_what_waits_is_said_first_with_its_link_and_counted_in_the_subject(office):
    tenant = notify.load_tenant_with_licence(office.store, TENANT)[0]
    key = ledger_key(TENANT, tenant.connections[0])
    office.store.set_hold(key, Hold(people=tuple("abcde"), held=12, reason="many", operations={}))
    office.store.update_protected_set(
        TENANT, lambda _: ProtectedSet(ended={"x": 1.0}, pending=frozenset("yz"))
    )
    findings = {"no-class": 3, "name-unusable": 2}
    office.ran(
        at(date(2026, 11, 26), 7),
        part(status="held", hold={"people": 5, "reason": "many"}),
        part("some", "failed", refused=4, detail="No answer."),
        findings=findings,
    )
    who = {"who": "a@b.se", "clock": lambda: office.now}
    mark_known(office.store, TENANT, "no-class", ["k1"], **who)
    mark_known(office.store, TENANT, "gone-code", ["k2"], **who)
    message = office.letter()
    assert message.subject == "Skolsynk vecka 48: 6 saker väntar på er"
    for sentence in (
        "Spärr hos All: 5 personer tas bort där om ni godkänner det. Svara på spärren: "
        f"{URL}/sparrar",
        f"2 personer har blivit skyddade på en gång. Kontrollera om det stämmer: {URL}/skyddade",
        "Skyddet har upphört för 1 person. Inget skickas om personen förrän ni har svarat: "
        f"{URL}/skyddade",
        f"Den senaste leveransen till Some misslyckades: {URL}/korningar/run-1",
        f"Some tar inte emot 4 uppgifter: {URL}/leverantorer/some",
        f"4 anmärkningar i datakvaliteten, varav 2 hindrar att någon eller något skickas: {URL}",
    ):
        assert sentence in message.text
    assert message.text.index("väntar på er") < message.text.index("under veckan")


def test_a_hold_that_an_administrator_has_refused_does_not_wait(office):
    tenant = notify.load_tenant_with_licence(office.store, TENANT)[0]
    key = ledger_key(TENANT, tenant.connections[0])
    hold = Hold(people=("a",), held=12, reason="many", operations={}, refused=office.now)
    office.store.set_hold(key, hold)
    office.ran(at(date(2026, 11, 26), 7), part(status="held"))
    assert "Spärr" not in office.letter().text


def test_what_is_better_is_said_against_the_letter_before(office):
    before = date(2026, 11, 23)
    office.ran(
        at(date(2026, 11, 20), 7),
        part("some", "failed", detail="No answer.", refused=4),
        part(status="failed", refused=9, failures=[], detail="x"),
        findings={"no-class": 7},
    )
    office.letter(before)
    office.ran(at(date(2026, 11, 26), 7), part("some"), part(refused=1), findings={"no-class": 2})
    text = office.letter().text
    for sentence in (
        "Det här har blivit bättre sedan förra veckobrevet.",
        "Leveranserna till Some fungerar igen.",
        "Some tar emot allt igen.",
        "All nekar färre uppgifter: 1 i stället för 9.",
        "Anmärkningarna är färre: 2 i stället för 7.",
        "There are fewer findings: 2 instead of 7.",
    ):
        assert sentence in text
    office.ran(at(date(2026, 12, 2), 7), part("some"), part(refused=1), findings={"no-class": 2})
    assert "bättre" not in office.letter(date(2026, 12, 7)).text


def test_a_directory_that_could_not_be_read_waits_and_one_that_can_again_is_better(office):
    office.ran(at(date(2026, 11, 20), 7), status="unread")
    assert "Google Workspace gick inte att läsa" in office.letter(date(2026, 11, 23)).text
    office.ran(at(date(2026, 11, 26), 7), part())
    assert "Google Workspace går att läsa igen." in office.letter().text


def test_a_quiet_week_is_one_line(office):
    office.ran(at(date(2026, 11, 26), 7), part(status="unchanged"))
    message = office.letter()
    assert message.subject == "Skolsynk vecka 48: inget väntar på er"
    _about, line, _why = message.text.split("\n\n--------------------")[0].split("\n\n")
    assert line == "Inget ändrades under veckan, och inget väntar på er."


def test_a_tenant_that_has_never_run_is_told_so(office):
    message = office.letter()
    assert "Ingen körning gjordes under veckan, och inget väntar på er." in message.text
    assert "There were no runs during the week, and nothing is waiting for you." in message.text


def test_in_a_pause_there_is_no_letter(office):
    office.save(schedule={"pause": {"from": "2026-11-20", "until": str(MONDAY)}})
    assert office.hour(MONDAY) == []
    assert len(office.hour(date(2026, 12, 1))) == 1


def test_a_letter_names_nobody(office):
    office.save(weekly="vendors")
    office.ran(
        at(date(2026, 11, 25), 7),
        part(
            status="failed",
            operations=operations(create=1),
            detail="Torvald Äppelqvist is odd",
            refused=1,
        ),
    )
    message = office.letter()
    for given, family in [name for names in PUPILS.values() for name in names]:
        assert f"{given} {family}" not in message.text + message.subject + str(message.html)


def test_a_process_that_is_killed_before_it_has_sent_loses_nothing(office):
    def kill() -> None:
        raise Killed

    office.box.before = kill
    with pytest.raises(Killed):
        office.hour(MONDAY, 7)
    office.box.before = lambda: None
    assert office.hour(MONDAY, 7, int(CLAIMED // 60) - 1) == []
    assert len(office.hour(MONDAY, 8)) == 1
    assert office.hour(MONDAY, 9) == []


def test_one_that_is_killed_after_it_has_sent_repeats_the_same_message_id(office):
    def kill() -> None:
        raise Killed

    office.box.after = kill
    with pytest.raises(Killed):
        office.hour(MONDAY, 7)
    office.box.after = lambda: None
    (again,) = office.hour(MONDAY, 8)
    assert again.id is not None
    assert {message.id for message in office.box.messages} == {again.id}
    assert office.hour(MONDAY, 9) == []


def test_two_tasks_at_once_send_one_letter(office):
    tenant, _ = notify.load_tenant_with_licence(office.store, TENANT)
    second = []
    office.box.before = lambda: second.append(tell_of_week(office.context, Box(), tenant))
    assert len(office.hour(MONDAY)) == 1
    assert second == [0]


def test_a_letter_that_the_server_refuses_is_tried_again_until_tuesday_is_over(office):
    def refuse() -> None:
        raise MailError("unreachable", "the mail server does not answer")

    office.box.before = refuse
    assert office.hour(MONDAY, 7) == []
    assert office.hour(date(2026, 12, 1), 23) == []
    office.box.before = lambda: None
    assert len(office.hour(date(2026, 12, 1), 23, 5)) == 1
    assert office.hour(date(2026, 12, 2), 0) == []


@pytest.mark.parametrize(("sunday", "hours"), [(date(2027, 3, 28), 167), (date(2026, 10, 25), 169)])
def test_a_week_in_which_the_clocks_change_has_each_of_its_runs_once(office, sunday, hours):
    week = Week(date.fromordinal(sunday.toordinal() - 6))
    assert week.ends - week.begins == hours * HOUR
    assert week.ends == Week(date.fromordinal(sunday.toordinal() + 1)).begins
    monday = date.fromordinal(sunday.toordinal() + 1)
    for when in (week.begins - 1, week.begins, week.ends - 1, week.ends):
        office.ran(when, part(operations=operations(create=1)))
    assert "Hos All har 2 personer lagts till" in office.letter(monday).text
    found = [due_week(at(sunday, 0) + n * HOUR) for n in range(29)]
    assert [each for each in found if each] == []
    assert due_week(at(monday, SENT_FROM)) == week


def test_the_first_week_of_a_year_has_a_name_of_its_own():
    assert Week(date(2026, 12, 28)).name == "week.2026-53"
    assert Week(date(2027, 1, 4)).name == "week.2027-01"


def test_many_school_units_are_bounded_and_the_others_counted(office):
    units = [
        dict(DOCUMENT["schoolUnits"][0], code=f"{10000000 + n}", name=f"Skola {n}")
        for n in range(MOST_UNITS + 5)
    ]
    office.document["schoolUnits"] = units
    office.document["connections"] = []
    office.store.save_tenant(TENANT, msgspec.json.encode(office.document))

    def placed(units: Any, each: int) -> None:
        codes = [unit["code"] for unit in units for _ in range(each)]
        people = {f"s{n}": KnownPerson(((code, 7),)) for n, code in enumerate(codes)}
        save_known(office.store, TENANT, KnownDirectory(office.now, Placements(people)), None)

    office.now = at(date(2026, 11, 20), 7)
    office.ran(office.now)
    placed(units, 1)
    office.letter(date(2026, 11, 23))
    placed(units, 2)
    office.ran(at(date(2026, 11, 26), 7))
    text = office.letter().text
    assert text.count("har 2 elever (+1)") == MOST_UNITS
    assert f"Antalen ändrades också på 5 andra skolenheter: {URL}/skolenheter" in text


def test_more_runs_than_are_kept_are_said_to_be_the_latest_alone(office):
    for n in range(RUNS_KEPT):
        office.ran(at(date(2026, 11, 24), 0) + n * 60, part())
    office.ran(at(date(2026, 11, 26), 7), part(operations=operations(create=1)))
    assert "fler än de 1\N{NO-BREAK SPACE}000 som sparas" in office.letter().text


def test_the_letter_costs_a_bounded_number_of_reads_and_other_hours_none(office):
    for n in range(5):
        office.ran(at(date(2026, 11, 24), n), part())
    reads = office.store.cost()[0]
    assert office.hour(MONDAY, 5) == []
    quiet = office.store.cost()[0] - reads
    office.hour(MONDAY, 7)
    letter = office.store.cost()[0] - reads - quiet
    office.hour(MONDAY, 8)
    assert letter <= quiet + office.runs + 12
