"""Notices by SMTP: what arrives, over what, and what is said when it does not."""

import logging
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from addon.notifications.mailer import MailError, Message
from addon.notifications.smtp import SmtpMailer, mailer
from addon.settings import Mail, Smtp
from addon.vendors.profiles import NotConfigured
from tests.support.egil_tls import server_context
from tests.support.mail_server import MailServer

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
"""Passwords without TLS are fine between a test and its server."""

SENDER = "skolsynk@storvik.example"
TO = ("gunnel.parlbat@storvik.example", "it@storvik.example")
MESSAGE = Message(
    TO,
    "Spärr hos Läromedel Åäö: 412 personer",
    "Nästa körning skulle ta bort 412 personer.\n\nÖppna https://skolsynk.example/sparrar\n",
    '<p lang="sv">Nästa körning skulle ta bort 412 personer.</p>',
)


def no_secrets(name: str) -> str:
    raise AssertionError(f"nobody asked for {name}")


def smtp(mail_server: MailServer, **values: Any) -> Smtp:
    return Smtp(**{"host": "127.0.0.1", "port": mail_server.port, "tls": False} | values)


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "ca.pem"))


def test_a_message_arrives_as_it_was_written() -> None:
    with MailServer() as mail_server:
        SmtpMailer(smtp(mail_server), SENDER, no_secrets).send(MESSAGE)
    (arrived,) = mail_server.messages
    assert arrived["Subject"] == MESSAGE.subject
    assert arrived["From"] == f"Skolsynk <{SENDER}>"
    assert arrived["To"] == ", ".join(TO)
    text, html = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert html.get_content().strip() == MESSAGE.html
    (envelope,) = mail_server.envelopes
    assert envelope.mail_from == SENDER
    assert tuple(envelope.rcpt_tos) == TO


def test_a_message_can_be_told_from_one_that_a_person_wrote() -> None:
    with MailServer() as mail_server:
        SmtpMailer(smtp(mail_server), SENDER, no_secrets).send(MESSAGE)
        SmtpMailer(smtp(mail_server), SENDER, no_secrets).send(MESSAGE)
    first, second = mail_server.messages
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"].endswith("@storvik.example>")
    assert first["Message-ID"] != second["Message-ID"]
    with MailServer() as mail_server:
        for _ in range(2):
            message = structs.replace(MESSAGE, id="pause.begins.2027-06-11.C1")
            SmtpMailer(smtp(mail_server), SENDER, no_secrets).send(message)
    ids = {message["Message-ID"] for message in mail_server.messages}
    assert ids == {"<pause.begins.2027-06-11.C1@storvik.example>"}
    age = datetime.now(UTC) - parsedate_to_datetime(first["Date"])
    assert abs(age) < timedelta(minutes=1)


def test_every_server_can_take_it_since_it_is_seven_bits() -> None:
    with MailServer() as mail_server:
        SmtpMailer(smtp(mail_server), SENDER, no_secrets).send(MESSAGE)
    (envelope,) = mail_server.envelopes
    assert isinstance(envelope.content, bytes)
    assert envelope.content.isascii()


def test_a_message_without_html_is_text_only() -> None:
    with MailServer() as mail_server:
        SmtpMailer(smtp(mail_server), SENDER, no_secrets).send(Message(TO, "Prov", "Hej på dig"))
    assert mail_server.messages[0].get_content_type() == "text/plain"


def test_tls_begins_by_starttls(tmp_path: Path) -> None:
    with MailServer(server_context(tmp_path), login=("skolsynk", "hemligt")) as mail_server:
        server = smtp(mail_server, user="skolsynk", password="hemligt")
        SmtpMailer(server, SENDER, no_secrets, trusting(tmp_path), plain=False).send(MESSAGE)
    assert len(mail_server.messages) == 1
    assert mail_server.encrypted[0]


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    with MailServer(server_context(tmp_path), from_the_first_byte=True) as mail_server:
        server = smtp(mail_server, tls=True, host="localhost")
        SmtpMailer(server, SENDER, no_secrets, trusting(tmp_path)).send(MESSAGE)
    assert len(mail_server.messages) == 1
    assert mail_server.encrypted[0]


def test_nothing_goes_in_plain_text_to_another_machine() -> None:
    with MailServer(login=("skolsynk", "hemligt")) as mail_server:
        server = smtp(mail_server, user="skolsynk", password="hemligt")
        with pytest.raises(MailError, match="STARTTLS") as raised:
            SmtpMailer(server, SENDER, no_secrets, plain=False).send(MESSAGE)
    assert raised.value.kind == "encryption"
    assert mail_server.logins == 0
    assert not mail_server.messages


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_only_this_machine_is_spoken_to_without_tls(host: str) -> None:
    assert SmtpMailer(Smtp(host, 25, False), SENDER, no_secrets)._plain
    assert not SmtpMailer(Smtp("mail.storvik.example", 25, False), SENDER, no_secrets)._plain
    assert not SmtpMailer(Smtp("127.example", 25, False), SENDER, no_secrets)._plain


@pytest.mark.parametrize("tls", [True, False])
def test_a_server_with_a_certificate_of_nobodys_is_not_trusted(tmp_path: Path, tls: bool) -> None:
    with MailServer(server_context(tmp_path), tls, login=("skolsynk", "hemligt")) as mail_server:
        server = smtp(mail_server, tls=tls, user="skolsynk", password="hemligt")
        with pytest.raises(MailError) as raised:
            SmtpMailer(server, SENDER, no_secrets, plain=False).send(MESSAGE)
    assert raised.value.kind == "certificate"
    assert mail_server.logins == 0


def test_the_user_logs_in_with_the_password() -> None:
    with MailServer(login=("skolsynk@storvik.example", "hemligt")) as mail_server:
        server = smtp(mail_server, user="skolsynk@storvik.example", password="hemligt")
        SmtpMailer(server, SENDER, no_secrets).send(MESSAGE)
    assert len(mail_server.messages) == 1


def test_the_password_may_be_in_secret_manager() -> None:
    name = "projects/p/secrets/mail/versions/latest"
    with MailServer(login=("skolsynk", "ur valvet")) as mail_server:
        server = smtp(mail_server, user="skolsynk", password=f"secretmanager:{name}")
        SmtpMailer(server, SENDER, {name: "ur valvet"}.__getitem__).send(MESSAGE)
    assert len(mail_server.messages) == 1


def test_a_secret_that_is_not_there_is_reported_with_what_to_do() -> None:
    def missing(name: str) -> str:
        raise NotConfigured(f"{name} is not in Secret Manager: add it")

    with MailServer(login=("skolsynk", "x")) as mail_server:
        server = smtp(
            mail_server, user="skolsynk", password="secretmanager:projects/p/secrets/s/versions/1"
        )
        with pytest.raises(MailError, match=r"SKOLSYNK_MAIL_PASSWORD: .* add it") as raised:
            SmtpMailer(server, SENDER, missing).send(MESSAGE)
    assert raised.value.kind == "password"


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        ({"MAIL": "553 not yours, gunnel.parlbat@storvik.example"}, "sender", "553"),
        ({"RCPT": "550 no gunnel.parlbat@storvik.example here"}, "recipients", "550"),
        ({"DATA": "554 spam from gunnel.parlbat@storvik.example"}, "refused", "554"),
        ({"DATA": "421 gunnel.parlbat@storvik.example has a full box"}, "refused", "421"),
    ],
)
def test_a_refusal_is_reported_without_the_servers_words(
    answers: dict[str, str], kind: str, said: str
) -> None:
    with MailServer(answers=answers) as mail_server, pytest.raises(MailError, match=said) as raised:
        SmtpMailer(smtp(mail_server), SENDER, no_secrets).send(MESSAGE)
    assert raised.value.kind == kind
    assert "@" not in str(raised.value)
    assert "gunnel" not in str(raised.value)


def test_a_wrong_password_is_reported_with_the_variables_to_correct() -> None:
    with MailServer(login=("skolsynk", "rätt")) as mail_server:
        server = smtp(mail_server, user="skolsynk", password="fel")
        with pytest.raises(MailError, match="SKOLSYNK_MAIL_PASSWORD") as raised:
            SmtpMailer(server, SENDER, no_secrets).send(MESSAGE)
    assert raised.value.kind == "password"
    assert "fel" not in str(raised.value)


def test_one_address_that_is_refused_does_not_keep_the_others_from_theirs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    with MailServer(answers={TO[0]: "550 no such user"}) as mail_server:
        SmtpMailer(smtp(mail_server), SENDER, no_secrets).send(MESSAGE)
    assert mail_server.envelopes[0].rcpt_tos == [TO[1]]
    assert "1 of 2" in caplog.text
    assert "@" not in caplog.text


def test_a_server_that_is_not_there_is_reported_with_its_place() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        with pytest.raises(MailError, match=f"127.0.0.1:{port}") as raised:
            SmtpMailer(Smtp("127.0.0.1", port, False), SENDER, no_secrets).send(MESSAGE)
    assert raised.value.kind == "unreachable"


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        server = Smtp("127.0.0.1", silent.getsockname()[1], False)
        with pytest.raises(MailError) as raised:
            SmtpMailer(server, SENDER, no_secrets, timeout=0.05).send(MESSAGE)
    assert raised.value.kind == "unreachable"


def test_a_server_that_speaks_plain_text_where_tls_is_expected_is_reported() -> None:
    with MailServer() as mail_server, pytest.raises(MailError) as raised:
        SmtpMailer(smtp(mail_server, tls=True), SENDER, no_secrets).send(MESSAGE)
    assert raised.value.kind == "encryption"


def test_the_settings_choose_the_mailer() -> None:
    assert mailer(None, no_secrets) is None
    with MailServer() as mail_server:
        chosen = mailer(Mail(smtp(mail_server), SENDER), no_secrets)
        assert chosen is not None
        chosen.send(MESSAGE)
    assert len(mail_server.messages) == 1
