"""Whom is told what, and when, by e-mail after a run."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from addon.notifications import notify
from addon.notifications.events import ConnectionNews, Notice
from addon.notifications.mailer import MailError, Message
from addon.planning.ledger import Ledger, LedgerEntry
from addon.planning.limit_exceeded import LimitExceeded
from addon.planning.limits import check_limits
from addon.planning.plan import make_plan
from addon.planning.protected_set import ProtectedSet, RemovalOutcome
from addon.planning.result import FailedOperation, VendorProblem
from addon.settings import Settings, SqliteAddress, WebSettings
from addon.store.base import Store
from addon.store.records import RunRecord
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import SyncContext
from addon.sync.report import ConnectionReport, HoldReport, RunReport, Status, nothing_done
from addon.tasks.base import TaskQueue, TaskQueueError
from addon.tasks.handlers import DELIVER, RUN, TaskHandler
from addon.tenants.document import load_tenant
from addon.vendors.profiles import load_vendors
from tests.support.small_school import DOCUMENT, PROFILES, TENANT

TO = "it@storvik.example"
HOUR = 3600.0
URL = "https://skolsynk.example"
NO_BREAK = "\N{NO-BREAK SPACE}"


class Box:
    """A mailer that keeps what it is given, or fails."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.trouble: Exception | None = None

    def send(self, message: Message) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.messages.append(message)


def part(status: Status, vendor: str = "all", **values: Any) -> ConnectionReport:
    values = {"mode": "live", "operations": nothing_done()} | values
    return ConnectionReport(vendor=vendor, status=status, **values)


def held(people: int = 12, limit: int = 3, **values: Any) -> ConnectionReport:
    beyond = LimitExceeded("removed", people, limit)
    return part("held", hold=HoldReport(people, str(beyond), (beyond,)), **values)


def refusal(number: int = 1, detail: str = "invalid email", kind: Any = "User") -> FailedOperation:
    return FailedOperation("create", kind, f"id-{number}", 400, detail, refused=True)


def refused(*failures: FailedOperation, **values: Any) -> ConnectionReport:
    return part("failed", failures=failures, **({"refused": len(failures)} | values))


FINE = part("delivered")
CONFIGURATION = part(
    "failed", configuration=True, detail="SKOLSYNK_ALL_LIVE_KEY is not set: set it"
)
STOPPED = part("failed", detail="the vendor does not answer (503 after 4 tries)", left=70)
STOPPED_SOME = part("failed", "some", detail="the vendor does not answer")


class Story:
    """A tenant whose runs are told of hour by hour."""

    def __init__(self, store: Store, folder: Path) -> None:
        profiles = folder / "vendors.toml"
        profiles.write_text(PROFILES)
        settings = Settings(
            store=SqliteAddress(folder / "none.db"),
            vendors=load_vendors(profiles),
            web=WebSettings(url=URL),
        )
        self.now = 1_700_000_000.0
        self.store = store
        self.box = Box()
        self.number = 0
        self.sync_context = SyncContext(
            settings=settings, store=store, read_directory=_unread, clock=lambda: self.now
        )
        self.document = dict(DOCUMENT)
        self.choose(email=[TO])

    def choose(self, **values: Any) -> None:
        """What is chosen about notices in the document."""
        self.document["notices"] = values
        self.store.save_tenant(TENANT, msgspec.json.encode(self.document))

    def run(
        self, *parts: ConnectionReport, hours: float = 1, read: bool = True, **findings: int
    ) -> str:
        """A run an hour later, with these parts; its id."""
        report = RunReport(TENANT, self._next(hours), None, None, (), parts)
        found = msgspec.json.decode(report.record())
        found["findings"] = {code.replace("_", "-"): n for code, n in findings.items()}
        if read:
            found["directory"] = {"users": 1, "groups": 0, "orgUnits": 0, "queries": 1}
        return self._keep("done", msgspec.json.encode(found))

    def unread(self, hours: float = 1, detail: str = "Google answered 503") -> str:
        """A run an hour later that could not read the directory; its id."""
        self._next(hours)
        return self._keep("unread", None, detail)

    def told(self, vendor: str | None = None) -> list[Message]:
        """The messages that are sent now."""
        before = len(self.box.messages)
        sent = notify.notify(self.sync_context, self.box, TENANT, vendor)
        found = self.box.messages[before:]
        assert sent == len(found)
        return found

    def one(self, vendor: str | None = None) -> Message:
        (message,) = self.told(vendor)
        return message

    def _next(self, hours: float) -> str:
        self.now += hours * HOUR
        self.number += 1
        return f"R{self.number:05}"

    def _keep(self, status: str, report: bytes | None, detail: str = "") -> str:
        run_id = f"R{self.number:05}"
        began = self.now - 60
        self.store.save_run(RunRecord(run_id, TENANT, began, status, self.now, report, detail))
        return run_id


def _unread(tenant: object) -> Any:
    raise AssertionError("notices read no directory")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    store = SQLiteStore(tmp_path / "skolsynk.db")
    yield Story(store, tmp_path)
    store.close()


def test_nothing_is_reported_a_run_in_which_all_went_well(story: Story) -> None:
    story.run(FINE, part("unchanged", "some"))
    assert story.told() == []


def test_a_hold_is_reported_with_its_number_and_the_way_to_it(story: Story) -> None:
    story.run(held(412, 3))
    message = story.one()
    assert message.to == (TO,)
    assert message.subject == "Spärr hos All väntar på ert besked"
    assert "Nästa körning skulle ta bort 412 personer hos All." in message.text
    assert "Det är fler än gränsen på 3, så borttagningen väntar på ert besked." in message.text
    assert "Storviks kommun" in message.text
    assert f"{URL}/sparrar" in message.text
    assert "The next run would remove 412 people at All." in message.text
    assert message.html is not None
    assert "Nästa körning skulle ta bort 412 personer hos All." in message.html
    assert f'<a href="{URL}/sparrar"' in message.html


def test_a_large_number_is_written_as_in_swedish(story: Story) -> None:
    story.run(held(11204, 3))
    assert f"ta bort 11{NO_BREAK}204 personer" in story.one().text


def test_a_hold_by_percentage_is_reported_with_the_percentage(story: Story) -> None:
    beyond = LimitExceeded("removed", 3, 50.0, percent=True, there=5)
    story.run(part("held", hold=HoldReport(3, str(beyond), (beyond,))))
    text = story.one().text
    assert "ta bort 3 av 5 personer hos All. Det är mer än gränsen på 50 procent" in text
    assert "more than the limit of 50 percent" in text


def test_a_hold_for_changes_is_told_by_what_changes(story: Story) -> None:
    beyond = LimitExceeded("fewer", 40, 2.5, percent=True, there=1200, type="StudentGroup")
    story.run(part("held", hold=HoldReport(0, str(beyond), (beyond,))))
    text = story.one().text
    assert (
        "Nästa körning skulle minska antalet klasser och grupper hos All med 40, från "
        f"1{NO_BREAK}200. Gränsen är 2,5 procent, så ändringen väntar på ert besked." in text
    )
    assert "reduce the number of classes and groups at All by 40, from 1,200." in text
    assert "ta bort" not in text


def test_a_hold_of_an_earlier_version_has_no_numbers_and_is_told_all_the_same(story: Story) -> None:
    story.run(part("held", hold=HoldReport(3, "3 people would be removed; the limit is 2")))
    assert (
        "är större än gränserna tillåter. Det som är spärrat väntar på ert besked."
        in story.one().text
    )


def test_the_reasons_that_the_guard_gives_are_the_ones_that_are_reported(story: Story) -> None:
    ledger = Ledger()
    for kind, count in (("User", 20), ("StudentGroup", 10)):
        ledger.entries[kind] = {str(n): LedgerEntry(f"v{n}", b"hash") for n in range(count)}
    tenant = load_tenant(
        msgspec.json.encode(
            DOCUMENT
            | {
                "connections": [
                    DOCUMENT["connections"][0]
                    | {"limits": {"deletions": 3, "changes": {"StudentGroup": {"number": 2}}}}
                ]
            }
        )
    )
    hold = check_limits(make_plan([], ledger, 0.0), ledger, tenant.connections[0].limits)
    assert hold is not None
    story.run(part("held", hold=HoldReport(len(hold.people), hold.reason, hold.exceeded)))
    text = story.one().text
    assert "ta bort 20 personer hos All" in text
    assert "minska antalet klasser och grupper hos All med 10, från 10." in text


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (
            LimitExceeded("removed", 8, 10, True, 20, earlier=4),
            "ta bort 4 personer hos All. "
            "Tillsammans med 4 personer som togs bort under det senaste dygnet blir det 8 av 20. "
            "Det är mer än gränsen på 10 procent",
        ),
        (
            LimitExceeded("removed", 12, 10, False, 20, "StudentGroup"),
            "ta bort 12 av 20 klasser och grupper hos All. Det är fler än gränsen på 10,",
        ),
        (LimitExceeded("removed", 4, 3, False, 20, earlier=3), "ta bort 1 person hos All."),
        (
            LimitExceeded("group-emptied", 5, 0, type="StudentGroup"),
            "avsluta 5 medlemskap i klasser och grupper hos All.",
        ),
        (
            LimitExceeded("removed", 4, 3, False, 20, "StudentGroup", earlier=1),
            "Tillsammans med 1 klass eller grupp som togs bort under det senaste dygnet",
        ),
        (
            LimitExceeded("removed", 1, 0, False, 1, "StudentGroup"),
            "ta bort 1 av 1 klass eller grupp hos All.",
        ),
    ],
)
def test_a_hold_by_day_or_of_classes_is_reported_in_words(story: Story, limit, said) -> None:
    story.run(part("held", hold=HoldReport(limit.number, str(limit), (limit,))))
    assert said in " ".join(story.one().text.split())


def test_a_hold_is_reported_once_however_long_it_stands(story: Story) -> None:
    story.run(held(12))
    assert len(story.told()) == 1
    for people in (12, 13, 11) * 12:
        story.run(held(people))
        assert story.told() == []


def test_a_new_hold_is_always_told(story: Story) -> None:
    for _ in range(3):
        story.run(held())
        assert len(story.told()) == 1
        story.run(FINE)
        assert story.told() == []


def test_a_failure_is_reported_when_it_begins_and_not_while_it_stands(story: Story) -> None:
    story.run(STOPPED)
    message = story.one()
    assert message.subject == "Leveransen till All avbröts"
    assert "70 ändringar återstår" in message.text
    assert "the vendor does not answer (503 after 4 tries)" in message.text
    for tries in range(50):
        story.run(part("failed", detail=f"the vendor does not answer (503 after {tries} tries)"))
        assert story.told() == []


def test_a_failure_is_the_same_by_its_code_whatever_its_text(story: Story) -> None:
    for status, text in ((503, "the vendor answered 503"), (502, "no answer, again and again")):
        problem = VendorProblem("status", status)
        story.run(part("failed", detail=text, problem=problem))
        assert len(story.told()) == (1 if status == 503 else 0)
    story.run(part("failed", detail="elsewhere", problem=VendorProblem("redirect", 301)))
    assert len(story.told()) == 1


def test_a_notice_stored_by_an_earlier_version_is_not_sent_again() -> None:
    news = Notice("stopped", "r", "stopped status 5xx", "stopped the vendor answered #")
    before = {"stopped the vendor answered #": notify.Notification(0.0, stands=True)}
    after = {"stopped status 5xx": notify.Notification(0.0, stands=True)}
    assert notify.decide(ConnectionNews(news, refused=False), before, 9e9) == (None, after)


def test_a_failure_that_comes_and_goes_is_reported_once_a_day(story: Story) -> None:
    told = []
    for hour in range(60):
        story.run(STOPPED if hour % 2 == 0 else FINE)
        told += [hour] * len(story.told())
    assert told == [0, 24, 48]


def test_another_failure_is_told_by_itself(story: Story) -> None:
    story.run(STOPPED)
    story.one()
    story.run(CONFIGURATION)
    message = story.one()
    assert message.subject == "Anslutningen till All är inte klar"
    assert "SKOLSYNK_ALL_LIVE_KEY is not set" in message.text
    assert "inget har skickats dit. Skolsynks support behöver rätta det." in message.text


def test_a_message_says_whom_to_write_to_where_there_is_an_address(story: Story) -> None:
    settings = story.sync_context.settings
    settings = replace(settings, web=replace(settings.web, contact="hjalp@skolsynk.example"))
    story.sync_context = structs.replace(story.sync_context, settings=settings)
    story.run(CONFIGURATION)
    text = story.one().text
    assert "Skolsynks support (hjalp@skolsynk.example) behöver rätta det." in text
    assert "Har ni frågor? Skriv till Skolsynks support: hjalp@skolsynk.example" in text
    assert "Questions? Write to Skolsynk support: hjalp@skolsynk.example" in text


def test_a_link_leads_to_the_run(story: Story) -> None:
    run_id = story.run(STOPPED)
    assert f"{URL}/korningar/{run_id}" in story.one().text


def test_without_an_address_of_ours_the_page_is_named(story: Story) -> None:
    settings = replace(story.sync_context.settings, web=WebSettings(url=None))
    story.sync_context = structs.replace(story.sync_context, settings=settings)
    story.run(held(), STOPPED_SOME)
    text = story.one().text
    assert "välj Spärrar" in text
    assert "välj Körningar" in text
    assert "http" not in text


def test_what_a_vendor_refuses_is_reported_in_numbers_and_its_own_words(story: Story) -> None:
    failures = [refusal(n, "invalid email […]") for n in range(3)]
    story.run(refused(*failures, refusal(9, "unknown school unit", "StudentGroup")))
    message = story.one()
    assert message.subject == "All tog inte emot allt"
    assert "All tog inte emot 3 personer och 1 annan uppgift." in message.text
    assert "Svar från All: invalid email […]; unknown school unit." in message.text
    assert "id-" not in message.text


def test_what_is_refused_may_be_other_than_people(story: Story) -> None:
    story.run(refused(refusal(1, "", "StudentGroup"), refusal(2, "", "Activity")))
    text = story.one().text
    assert "All tog inte emot 2 uppgifter." in text
    assert "Svar från" not in text


def test_refused_people_who_are_left_alone_and_tried_again_are_not_told_again(
    story: Story,
) -> None:
    for day in range(5):
        story.run(refused(refusal(1), refusal(2)))
        assert len(story.told()) == (1 if day == 0 else 0)
        for _ in range(23):
            story.run(part("unchanged", refused=2))
            assert story.told() == []


def test_more_refused_people_are_reported_once_a_day(story: Story) -> None:
    story.run(refused(refusal(1)))
    story.one()
    story.run(refused(refusal(2), refused=2))
    assert story.told() == []
    story.run(refused(refusal(3), refused=3), hours=24)
    assert "tog inte emot 1 person." in story.one().text


def test_all_that_is_new_is_in_one_message(story: Story) -> None:
    story.run(held(), refused(refusal(), vendor="some"))
    message = story.one()
    assert message.subject == ("Spärr hos All väntar på ert besked. Some tog inte emot allt")
    assert "hos All" in message.text
    assert "Some tog inte emot 1 person." in message.text


def test_after_a_delivery_only_that_vendor_is_reported(story: Story) -> None:
    story.run(held(), STOPPED_SOME)
    assert story.one("some").subject == "Leveransen till Some avbröts"
    assert story.one("all").subject.startswith("Spärr hos All")
    assert story.told() == []


def test_a_delivery_in_a_run_of_its_own_is_reported(story: Story) -> None:
    story.run(part("unchanged", "some"))
    assert story.told() == []
    story.run(STOPPED, hours=0.1, read=False)
    assert story.one("all").subject == "Leveransen till All avbröts"


def test_in_test_mode_it_is_said_that_it_is(story: Story) -> None:
    story.document["connections"] = [
        connection | {"mode": "test"} for connection in DOCUMENT["connections"]
    ]
    story.choose(email=[TO])
    story.run(held(mode="test"))
    assert "hos All i testläge" in story.one().text


def test_what_was_wrong_in_another_mode_is_of_the_past(story: Story) -> None:
    story.run(held(mode="test"))
    assert story.told() == []


def test_a_directory_that_is_unread_once_is_not_told(story: Story) -> None:
    story.run(FINE)
    story.unread()
    assert story.told() == []
    story.run(FINE)
    story.unread()
    assert story.told() == []


def test_a_directory_that_is_unread_twice_in_a_row_is_reported(story: Story) -> None:
    story.run(FINE)
    story.unread()
    run_id = story.unread(detail="Google refused kim.ek@edu.storvik.se: 403")
    message = story.one()
    assert message.subject == "Google Workspace gick inte att läsa"
    assert "inget har skickats till någon leverantör" in message.text
    assert f"{URL}/korningar/{run_id}" in message.text
    assert "kim" not in message.text
    for _ in range(30):
        story.unread()
        assert story.told() == []


def test_tries_of_one_run_are_not_two_in_a_row(story: Story) -> None:
    story.unread()
    for _ in range(6):
        story.unread(hours=0.05)
        assert story.told() == []


def test_deliveries_of_what_was_read_before_do_not_break_the_row(story: Story) -> None:
    story.unread()
    story.run(FINE, hours=0.5, read=False)
    story.unread()
    assert len(story.told()) == 1


def test_a_directory_that_is_read_again_and_fails_again_is_reported_once_a_day(
    story: Story,
) -> None:
    told = []
    for hour in range(60):
        if hour % 5 == 4:
            story.run(FINE)
        else:
            story.unread()
        told += [hour] * len(story.told())
    assert told == [1, 26, 51]


@pytest.mark.parametrize(
    ("about", "subjects"),
    [
        (["held"], ["Spärr hos All väntar på ert besked"]),
        (["failed"], ["Leveransen till Some avbröts"]),
        ([], []),
    ],
)
def test_only_what_was_asked_for_is_reported(
    story: Story, about: list[str], subjects: list[str]
) -> None:
    story.choose(email=[TO], about=about)
    story.run(held(), STOPPED_SOME)
    assert [message.subject for message in story.told()] == subjects


def test_who_asks_only_about_readings_is_reported_a_directory_that_is_unread(story: Story) -> None:
    story.choose(email=[TO], about=["unread"])
    story.run(held(), STOPPED_SOME)
    assert story.told() == []
    story.unread()
    story.unread()
    assert story.one().subject == "Google Workspace gick inte att läsa"


def test_nobody_is_reported_where_there_is_no_address(story: Story) -> None:
    story.choose(email=[])
    story.run(held(), STOPPED_SOME)
    assert story.told() == []


def test_everyone_who_is_named_is_reported(story: Story) -> None:
    story.choose(email=[TO, "rektor@storvik.example"])
    story.run(held())
    assert story.one().to == (TO, "rektor@storvik.example")


def test_what_could_not_be_sent_is_sent_with_the_next_run(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    story.box.trouble = MailError("unreachable", "the mail server m:25 cannot be reached")
    story.run(held())
    assert story.told() == []
    assert "m:25 cannot be reached" in caplog.text
    assert TO not in caplog.text
    story.box.trouble = None
    story.run(held())
    assert len(story.told()) == 1
    story.run(held())
    assert story.told() == []


def test_trouble_with_mail_never_disturbs_a_run(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    story.box.trouble = RuntimeError(f"{TO} is not among the addresses")
    story.run(held())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notify, "mailer", lambda mail, secrets: story.box)
        notify.after_run(lambda: story.sync_context, TENANT)
        notify.after_run(lambda: story.sync_context, "C0nobody")
    assert "RuntimeError" in caplog.text
    assert TO not in caplog.text
    story.box.trouble = None
    assert len(story.told()) == 1


def test_without_mail_nothing_is_looked_up(story: Story) -> None:
    class Unused:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    context = structs.replace(story.sync_context, store=Unused())  # type: ignore[arg-type]
    notify.after_run(lambda: context, TENANT)


def test_a_test_message_goes_to_the_addresses_that_are_set(story: Story) -> None:
    document = story.store.tenant(TENANT)
    assert document is not None
    notify.test_message(load_tenant(document), story.box)
    (message,) = story.box.messages
    assert message.to == (TO,)
    assert message.subject == "Provmeddelande från Skolsynk"
    assert "Storviks kommun" in message.text


@pytest.mark.parametrize(
    ("path", "payload", "vendor"),
    [
        (RUN, {"tenant": TENANT}, None),
        (DELIVER, {"tenant": TENANT, "vendor": "all", "run": "R1", "part": "0"}, "all"),
    ],
)
def test_after_each_task_administrators_are_notified(
    story: Story, path: str, payload: dict[str, str], vendor: str | None
) -> None:
    told: list[tuple[str, str | None]] = []

    def no_queue() -> TaskQueue:
        raise TaskQueueError("there is no queue")

    story.store.save_tenant(TENANT, msgspec.json.encode(DOCUMENT | {"connections": []}))
    TaskHandler(lambda: story.sync_context, no_queue, tell=lambda *whom: told.append(whom)).handle(
        path, payload
    )
    assert told == [(TENANT, vendor)]


def test_protected_people_who_are_unknown_are_reported_once_whatever_was_chosen(
    story: Story,
) -> None:
    story.choose(email=[TO], about=["unread"])
    story.run(FINE, protected_member_unknown=1)
    message = story.one()
    story.run(FINE, protected_member_unknown=1)
    again = story.told()

    assert message.subject == "Skyddade personer kan inte identifieras"
    assert "1 grupp eller organisationsenhet" in message.text
    assert f"{URL}/datakvalitet/protected-member-unknown" in message.text
    assert again == []


def test_that_protected_people_are_unknown_is_told_again_when_it_comes_back(story: Story) -> None:
    story.run(FINE, protected_member_unknown=1)
    story.one()
    story.run(FINE)
    story.run(read=False)
    assert story.told() == []
    story.run(FINE, protected_member_unknown=2, hours=30)

    assert "2 grupper eller organisationsenheter" in story.one().text


def protect(story: Story, **values: Any) -> None:
    """The tenant's protected set is this from now on."""
    story.store.update_protected_set(TENANT, lambda known: ProtectedSet(**values))


def test_protection_that_ends_is_reported_once_by_number_whatever_was_chosen(story: Story) -> None:
    story.choose(email=[TO], about=["unread"])
    protect(story, ended={"117": 1.0, "118": 1.0})
    story.run(FINE)
    message = story.one()
    assert message.subject == "Skyddet har upphört för någon: Skolsynk väntar på ert besked"
    assert "2 personer som var skyddade" in message.text
    assert f"{URL}/skyddade" in message.text
    assert "117" not in message.text
    story.run(FINE)
    assert story.told() == []
    protect(story, ended={"117": 1.0, "118": 1.0, "119": 2.0})
    story.run(FINE, hours=30)
    assert "3 personer" in story.one().text


def test_what_the_removal_of_protected_people_came_to_is_reported_once(story: Story) -> None:
    protect(story, removals={"all.live": RemovalOutcome(story.now, 0, 2, "503")})
    message = story.one()
    assert message.subject == "Skyddade personer finns kvar hos All"
    assert "2 personer med skyddade personuppgifter kunde inte tas bort" in message.text
    assert story.told() == []
    story.now += HOUR
    protect(story, removals={"all.live": RemovalOutcome(story.now, 2)})
    message = story.one()
    assert message.subject == "Skyddade personer har tagits bort hos All"
    assert "2 personer med skyddade personuppgifter har tagits bort" in message.text
    story.now += 48 * HOUR
    assert story.told() == []


def test_who_became_protected_at_once_is_reported_as_a_hold(story: Story) -> None:
    grown = LimitExceeded("protected", 500, 20)
    story.run(part("held", hold=HoldReport(0, str(grown), (grown,))))
    assert "500 personer har blivit skyddade på en gång" in story.one().text
