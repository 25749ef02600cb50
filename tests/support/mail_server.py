"""A mail server on loopback that keeps what it is given; real SMTP, by aiosmtpd."""

import email.message
import email.policy
import ssl
from email import message_from_bytes
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class _AtAnyPort(Controller):
    """Takes a free port; the controller asks its own server for a sign of life there."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailServer:
    """`with MailServer() as server:` then `server.port`, and `server.messages` as they came.

    `context` makes STARTTLS possible, or with `from_the_first_byte` TLS without it. With `login`,
    a user name and a password, nothing is taken from others. `answers` are what is said instead of
    yes to `MAIL`, `RCPT` (by address) or `DATA`.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        from_the_first_byte: bool = False,
        login: tuple[str, str] | None = None,
        answers: dict[str, str] | None = None,
    ) -> None:
        self.messages: list[email.message.EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.logins = 0
        self._login = login
        self._answers = answers or {}
        knobs: dict[str, Any] = {"auth_require_tls": False}
        if context is not None and from_the_first_byte:
            knobs["ssl_context"] = context
        elif context is not None:
            knobs["tls_context"] = context
        if login is not None:
            knobs |= {"authenticator": self._authenticate, "auth_required": True}
        self._controller = _AtAnyPort(self, hostname="127.0.0.1", port=0, **knobs)

    def __enter__(self) -> "MailServer":
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        port: int = self._controller.port
        return port

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins += 1
        given = (data.login.decode(), data.password.decode())
        known = isinstance(data, LoginPassword) and given == self._login
        return AuthResult(success=known, handled=False)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answers.get("MAIL", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._answers.get(address, self._answers.get("RCPT", "250 OK"))
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        parsed = message_from_bytes(envelope.content, policy=email.policy.default)
        self.messages.append(parsed)
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None or server.transport.get_extra_info("cipher"))
        return self._answers.get("DATA", "250 OK")
