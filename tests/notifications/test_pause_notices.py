"""A message the day before a pause begins and the day before it ends, once each.

It can break where a process is killed, where two tasks run at once, and where the mail server
refuses.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from addon.notifications import notify
from addon.notifications.mailer import MailError, Message
from addon.notifications.pause_notices import CLAIMED, due_pause_notice, tell_of_pause
from addon.settings import Settings, SqliteAddress, WebSettings
from addon.store.records import Namespace
from addon.store.sqlite.store import SQLiteStore
from addon.sync.context import SyncContext
from addon.tasks.handlers import PROTECT, TaskHandler
from addon.tenants.model import Pause
from addon.tenants.pause import LOCAL
from addon.vendors.profiles import load_vendors
from tests.support.small_school import DOCUMENT, PROFILES, TENANT

TO, URL = "it@storvik.example", "https://skolsynk.example"
START, UNTIL = date(2027, 6, 11), date(2027, 8, 2)
DAY = timedelta(days=1)


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


class Summer:
    """A tenant with a pause; `hour` tells what is due on a day."""

    def __init__(self, folder: Path) -> None:
        profiles = folder / "vendors.toml"
        profiles.write_text(PROFILES)
        self.store = SQLiteStore(folder / "skolsynk.db")
        self.now = 0.0
        self.box = Box()
        settings = Settings(
            store=SqliteAddress(folder / "none.db"),
            vendors=load_vendors(profiles),
            web=WebSettings(url=URL),
        )
        self.context = SyncContext(
            settings=settings, store=self.store, read_directory=_unread, clock=lambda: self.now
        )
        self.save()

    def save(self, start: date = START, until: date = UNTIL, **notices: Any) -> None:
        document = dict(DOCUMENT)
        document["notices"] = {"email": [TO]} | notices
        document["schedule"] = {"hours": 24, "pause": {"from": str(start), "until": str(until)}}
        self.store.save_tenant(TENANT, msgspec.json.encode(document))

    def hour(self, day: date, hour: int = 9, minute: int = 0) -> list[Message]:
        """What is sent then by the hourly task."""
        at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=LOCAL)
        self.now = at.timestamp()
        before = len(self.box.messages)
        tasks = TaskHandler(
            lambda: self.context,
            lambda: None,  # type: ignore[arg-type,return-value]
            tell=lambda tenant, vendor: _told(self, tenant, vendor),
        )
        assert tasks.handle(PROTECT, {"tenant": TENANT}).done
        return self.box.messages[before:]


def _told(summer: Summer, tenant: str, vendor: str | None) -> None:
    notify.notify(summer.context, summer.box, tenant, vendor)


def _unread(tenant: object) -> Any:
    raise AssertionError("notices read no directory")


@pytest.fixture
def summer(tmp_path):
    summer = Summer(tmp_path)
    yield summer
    summer.store.close()


@pytest.mark.parametrize(
    ("day", "event"),
    [
        (START - 2 * DAY, None),
        (START - DAY, "begins"),
        (START, "begins"),
        (START + DAY, None),
        (UNTIL - 2 * DAY, None),
        (UNTIL - DAY, "ends"),
        (UNTIL, "ends"),
        (UNTIL + DAY, None),
    ],
)
def test_each_is_due_the_day_before_and_until_the_day_is_over(day, event):
    found = due_pause_notice(Pause(start=START, until=UNTIL), day)
    assert (found and found.event) == event


@pytest.mark.parametrize("days", [0, 1, 2, 3])
def test_a_short_pause_never_has_both_on_one_day(days):
    pause = Pause(start=START, until=START + days * DAY)
    found = [due_pause_notice(pause, START + n * DAY) for n in range(-3, 8)]
    assert len({each for each in found if each}) == (2 if days > 1 else 1)


def test_a_whole_summer_of_hourly_tasks_sends_two_messages(summer):
    sent = []
    for day in range(60):
        for hour in (0, 9, 23):
            now = START - 4 * DAY + day * DAY
            sent += [(now, message) for message in summer.hour(now, hour)]
    assert [now for now, _ in sent] == [START - DAY, UNTIL - DAY]
    begins, ends = (message for _, message in sent)
    assert begins.subject == "Pausen i Skolsynk börjar 2027-06-11"
    assert "Till och med 2027-08-02 läser Skolsynk inte av" in begins.text
    assert f"{URL}/installningar#paus" in begins.text
    assert ends.subject == "Pausen i Skolsynk slutar 2027-08-02"
    assert "Från 2027-08-03 skickas ändringarna" in ends.text
    assert f"{URL}/terminsstart" in ends.text
    assert "terminsstart" not in begins.text
    assert "From 2027-08-03 changes in Google Workspace are sent" in ends.text
    assert begins.to == ends.to == (TO,)


def test_a_process_that_is_killed_before_it_has_sent_loses_nothing(summer):
    def kill() -> None:
        raise Killed

    summer.box.before = kill
    with pytest.raises(Killed):
        summer.hour(START - DAY, 9)
    summer.box.before = lambda: None
    assert summer.hour(START - DAY, 9, int(CLAIMED // 60) - 1) == []
    assert len(summer.hour(START - DAY, 10)) == 1
    assert summer.hour(START - DAY, 11) == []


def test_one_that_is_killed_after_it_has_sent_repeats_the_same_message_id(summer):
    def kill() -> None:
        raise Killed

    summer.box.after = kill
    with pytest.raises(Killed):
        summer.hour(START - DAY, 9)
    summer.box.after = lambda: None
    (again,) = summer.hour(START - DAY, 10)
    assert again.id is not None
    assert {message.id for message in summer.box.messages} == {again.id}
    assert summer.hour(START - DAY, 11) == []


def test_two_tasks_at_once_send_one_message(summer):
    tenant_of = notify.load_tenant_with_licence
    tenant, _ = tenant_of(summer.store, TENANT)
    second = []
    summer.box.before = lambda: second.append(tell_of_pause(summer.context, Box(), tenant))
    assert len(summer.hour(START - DAY)) == 1
    assert second == [0]


def test_a_message_that_the_server_refuses_is_tried_again_within_the_hour(summer):
    def refuse() -> None:
        raise MailError("unreachable", "the mail server does not answer")

    summer.box.before = refuse
    assert summer.hour(START - DAY, 9) == []
    summer.box.before = lambda: None
    assert len(summer.hour(START - DAY, 9, 5)) == 1


def test_other_dates_are_told_of_again(summer):
    assert len(summer.hour(START - DAY)) == 1
    summer.save(start=START + 3 * DAY)
    assert summer.hour(START) == []
    (message,) = summer.hour(START + 2 * DAY)
    assert message.subject == "Pausen i Skolsynk börjar 2027-06-14"


def test_it_is_told_whatever_else_was_chosen_and_to_nobody_without_an_address(summer):
    summer.save(about=["unread"])
    assert len(summer.hour(START - DAY)) == 1
    summer.save(email=[])
    assert summer.hour(UNTIL - DAY) == []
    names = summer.store.list_names(Namespace("notices", TENANT), summer.now)
    assert [name for name in names if name.startswith("pause.")] == ["pause.begins.2027-06-11"]
