"""Notices by App Engine's mail service: what is called, and what its answers mean."""

import socket

import pytest
from flask import Flask

from addon.notifications.app_engine import AppEngineMailer
from addon.notifications.mailer import MailError, Message, mailer
from addon.settings import AppEngineMail, Mail
from tests.support.api_proxy import ApiProxy, application_error, rpc_error

SENDER = "notices@skolsynk-test.appspotmail.com"
TICKET = "a-ticket/1"
MESSAGE = Message(
    ("gunnel.parlbat@storvik.example", "it@storvik.example"),
    "Spärr hos Läromedel Åäö: 412 personer",
    "Nästa körning skulle ta bort 412 personer. " * 100,
    "<p>Nästa körning</p>",
)


def send(proxy: ApiProxy, message: Message = MESSAGE) -> None:
    service = AppEngineMail("127.0.0.1", proxy.port)
    AppEngineMailer(service, SENDER, ticket=lambda: TICKET).send(message)


def test_the_message_is_what_googles_own_types_read() -> None:
    with ApiProxy() as proxy:
        send(proxy)
    (mail,) = proxy.mails
    assert mail.Sender == f"Skolsynk <{SENDER}>"
    assert tuple(mail.To) == MESSAGE.to
    assert mail.Subject == MESSAGE.subject
    assert mail.TextBody == MESSAGE.text
    assert mail.HtmlBody == MESSAGE.html
    assert [(h.name, h.value) for h in mail.Header] == [("Auto-Submitted", "auto-generated")]


def test_a_message_without_html_has_none() -> None:
    with ApiProxy() as proxy:
        send(proxy, Message(("it@storvik.example",), "Prov", "Hej"))
    assert not proxy.mails[0].HasField("HtmlBody")


def test_the_call_is_the_one_that_the_sdk_makes() -> None:
    with ApiProxy() as proxy:
        send(proxy)
    (call,) = proxy.calls
    assert (call.service_name, call.method, call.request_id) == ("mail", "Send", TICKET)
    (headers,) = proxy.headers
    assert headers["X-Google-RPC-Service-Endpoint"] == "app-engine-apis"
    assert headers["X-Google-RPC-Service-Method"] == "/VMRemoteAPI.CallRemoteAPI"
    assert headers["X-Google-RPC-Service-Deadline"] == "30"
    assert headers["Content-Type"] == "application/octet-stream"
    assert proxy.paths == ["/rpc_http"]


def test_the_ticket_is_that_of_the_request_that_is_answered() -> None:
    with ApiProxy() as proxy:
        chosen = mailer(Mail(AppEngineMail("127.0.0.1", proxy.port), SENDER), lambda name: "")
        assert chosen is not None
        with Flask(__name__).test_request_context(headers={"X-Appengine-Api-Ticket": "request-7"}):
            chosen.send(MESSAGE)
    assert proxy.calls[0].request_id == "request-7"


def test_elsewhere_than_on_app_engine_it_says_what_to_set_up() -> None:
    with pytest.raises(MailError, match="app_engine_apis: true") as raised:
        AppEngineMailer(AppEngineMail(), SENDER).send(MESSAGE)
    assert raised.value.kind == "set-up"


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (application_error(1, "x"), "refused", "code 1"),
        (application_error(2, "bad gunnel.parlbat@storvik.example"), "recipients", "code 2"),
        (application_error(3, "x"), "sender", "Authorized Senders"),
        (application_error(0), "refused", "code 0"),
        (rpc_error(0), "unreachable", "code 0"),
        (rpc_error(4, "over quota"), "refused", "quota"),
        (rpc_error(6), "set-up", "app_engine_apis"),
        (rpc_error(7, "not enabled"), "set-up", "app_engine_apis"),
        (rpc_error(12), "unreachable", "code 12"),
        (b"\x12\x03abc", "unreachable", "code 0"),
        (b"<html>not protobuf</html>", "unreachable", "is none"),
        (b"\xff" * 12, "unreachable", "is none"),
    ],
)
def test_what_the_service_answers_is_told_with_what_to_do(
    answer: bytes, kind: str, said: str
) -> None:
    with ApiProxy(answer) as proxy, pytest.raises(MailError, match=said) as raised:
        send(proxy)
    assert raised.value.kind == kind
    assert "gunnel" not in str(raised.value)


def test_a_proxy_that_does_not_know_the_call_is_told() -> None:
    with ApiProxy(b"", status=404) as proxy, pytest.raises(MailError, match="404") as raised:
        send(proxy)
    assert raised.value.kind == "unreachable"


def test_a_proxy_that_is_not_there_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        service = AppEngineMail("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(MailError, match="cannot be reached") as raised:
            AppEngineMailer(service, SENDER, ticket=lambda: TICKET).send(MESSAGE)
    assert raised.value.kind == "unreachable"
