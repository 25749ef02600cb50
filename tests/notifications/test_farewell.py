"""Who is written to when a customer has left, once each."""

import json
from dataclasses import replace

import pytest
from msgspec import structs

from addon.cli import output
from addon.notifications.mailer import MailError, Message
from addon.notifications.notify import after_run, notify
from addon.settings import Mail, Smtp
from addon.sync.farewell import continue_farewell
from addon.sync.status import status
from addon.tenants.licence import DAY
from tests.support.small_school import PUPILS, TENANT, small_school

URL = "https://skolsynk.example"
OPERATOR = "drift@skolsynk.example"
TO = "it@storvik.example"
MAIL = Mail(Smtp("127.0.0.1", 25, tls=False), "skolsynk@skolsynk.example")


class Box:
    """A mailer that keeps what it is given, or fails."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.trouble = False

    def send(self, message: Message) -> None:
        if self.trouble:
            raise MailError("server", "it does not answer")
        self.messages.append(message)

    def taken(self) -> dict[str, Message]:
        """The messages since the last time, by whom they are to."""
        found = {to: message for message in self.messages for to in message.to}
        assert len(found) == len(self.messages)
        self.messages.clear()
        return found


@pytest.fixture
def box():
    return Box()


@pytest.fixture
def left(tmp_path):
    """A context of a school that has left today."""
    with small_school(tmp_path) as world:
        world.document["notices"] = {"email": [TO]}
        world.import_document()
        assert world.run("sync", TENANT).status == 0
        world.environ |= {"SKOLSYNK_URL": URL, "SKOLSYNK_CONTACT": OPERATOR}
        with world.sync_context() as context:
            now = context.clock()
            clock = [now]
            context = structs.replace(context, clock=lambda: clock[0])
            context.store.update_licence(
                TENANT, lambda known: structs.replace(known, farewell=now, token="tOken")
            )
            yield context, clock


def test_the_administrators_and_the_operator_are_written_to_once(left, box):
    context, clock = left
    assert notify(context, box, TENANT) == 2
    messages = box.taken()
    assert messages.keys() == {TO, OPERATOR}
    assert all("Storviks kommun har avinstallerat" in m.subject for m in messages.values())
    for days in (0, 1, 20):
        clock[0] += days * DAY
        assert notify(context, box, TENANT) == 0


def test_administrators_get_the_link_and_the_last_day_and_the_operator_gets_no_link(left, box):
    context, _ = left
    notify(context, box, TENANT)
    messages = box.taken()
    assert f"{URL}/avsked/{TENANT}.tOken" in messages[TO].text
    assert "Installera Skolsynk igen" in messages[TO].text
    assert "Install Skolsynk again" in messages[TO].text
    assert "All (14 personer), Some (14 personer)" in messages[TO].text
    assert "tOken" not in messages[OPERATOR].text
    assert TENANT in messages[OPERATOR].text


def test_no_message_names_anybody(left, box):
    context, clock = left
    notify(context, box, TENANT)
    clock[0] += 31 * DAY
    notify(context, box, TENANT)
    text = " ".join(message.text for message in box.messages)
    assert not any(family in text for names in PUPILS.values() for _, family in names[:5])


def test_the_operator_is_told_when_the_removal_waits(left, box):
    context, clock = left
    notify(context, box, TENANT)
    box.taken()
    clock[0] += 30 * DAY
    continue_farewell(context, TENANT, context.store.licence(TENANT))
    assert notify(context, box, TENANT) == 1
    message = box.taken()[OPERATOR]
    assert "väntar på er" in message.subject
    assert f"python -m addon approve {TENANT} --vendor all" in message.text
    assert f"python -m addon approve {TENANT} --vendor some" in message.text
    assert notify(context, box, TENANT) == 0


def test_a_message_that_did_not_go_is_tried_again(left, box):
    context, _ = left
    box.trouble = True
    assert notify(context, box, TENANT) == 0
    box.trouble = False
    assert notify(context, box, TENANT) == 2


def test_another_farewell_is_told_again(left, box):
    context, clock = left
    notify(context, box, TENANT)
    box.taken()
    clock[0] += 3 * DAY
    context.store.update_licence(
        TENANT, lambda known: structs.replace(known, farewell=clock[0], token="other")
    )
    assert notify(context, box, TENANT) == 2


def test_without_an_address_of_notices_the_tenants_administrators_are_written_to(left, box):
    context, _ = left
    document = context.store.tenant(TENANT).decode()
    context.store.save_tenant(TENANT, document.replace(TO, "").replace('[""]', "[]").encode())
    notify(context, box, TENANT)
    assert box.taken().keys() == {"skolsynk@edu.storvik.se", OPERATOR}


def with_settings(context, **web):
    settings = replace(context.settings, web=replace(context.settings.web, **web))
    return structs.replace(context, settings=settings)


def unwritten(context, clock):
    found = status(context.settings, context.store, TENANT, now=clock[0]).licence
    return {each.reader: each.why for each in found.unwritten}


def test_without_a_contact_the_log_and_status_say_that_the_operator_was_not_written_to(
    left, box, caplog
):
    context, clock = left
    context = with_settings(context, contact=None, mail=MAIL)
    assert notify(context, box, TENANT) == 1
    assert box.taken().keys() == {TO}
    why = "nobody has written to the operator: SKOLSYNK_CONTACT is not set"
    assert caplog.messages == [f"a customer has left, and {why}"]
    assert unwritten(context, clock) == {"operator": "no-contact"}
    found = status(context.settings, context.store, TENANT, now=clock[0])
    assert f"licence: {why}" in output.status(found).splitlines()


def test_once_there_is_a_contact_the_operator_is_written_to(left, box):
    context, clock = left
    notify(with_settings(context, contact=None, mail=MAIL), box, TENANT)
    box.taken()
    context = with_settings(context, mail=MAIL)
    assert unwritten(context, clock) == {"operator": "not-yet"}
    assert notify(context, box, TENANT) == 1
    assert box.taken().keys() == {OPERATOR}
    assert unwritten(context, clock) == {}
    clock[0] += 30 * DAY
    assert unwritten(context, clock) == {"operator": "not-yet"}, "of what waits now"


def test_without_a_mail_server_nobody_is_written_to_and_the_log_and_status_say_so(left, caplog):
    context, clock = left
    settings = replace(context.settings, marketplace_app="123")
    context = structs.replace(context, settings=settings)
    after_run(lambda: context, TENANT)
    assert [each.rpartition(": ")[2] for each in caplog.messages] == [
        "SKOLSYNK_MAIL is not set",
        "SKOLSYNK_MAIL is not set",
    ]
    assert unwritten(context, clock) == {"administrators": "no-mail", "operator": "no-mail"}


def test_a_document_that_names_nobody_is_said_too(left, box):
    context, clock = left
    document = json.loads(context.store.tenant(TENANT))
    document["notices"], document["delegatedAdmin"] = {}, ""
    context.store.save_tenant(TENANT, json.dumps(document).encode())
    notify(with_settings(context, mail=MAIL), box, TENANT)
    assert unwritten(context, clock) == {"administrators": "nobody-named"}
