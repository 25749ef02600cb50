"""Send messages by SMTP, with TLS and a verified certificate except to this machine.

RFC 5321, RFC 3207 (STARTTLS), RFC 8314 (TLS from the first byte).
"""

import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid
from ipaddress import ip_address

from addon.notifications.mailer import HEADERS, NAME, Mailer, MailError, Message
from addon.settings import Mail, Smtp
from addon.settings.names import MAIL, MAIL_FROM, MAIL_PASSWORD
from addon.vendors.profiles import SECRET_MANAGER, NotConfigured

log = logging.getLogger(__name__)

TIMEOUT = 20.0
"""The timeout for the server's responses, in seconds."""


def mailer(mail: Mail | None, secrets: Callable[[str], str]) -> Mailer | None:
    """Return the mailer of the settings, or None if no notices are sent.

    `secrets` returns a password that is in Secret Manager; it is called when a message is sent.
    """
    return None if mail is None else SmtpMailer(mail.server, mail.sender, secrets)


class SmtpMailer:
    """Sends messages from the address `sender` through `server`.

    `secrets` returns the password if it is a `secretmanager:` reference. `context` determines
    which certificates are trusted; None: the system's. `plain` allows sending without TLS; None:
    only to this machine.
    """

    def __init__(
        self,
        server: Smtp,
        sender: str,
        secrets: Callable[[str], str],
        context: ssl.SSLContext | None = None,
        plain: bool | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._server = server
        self._sender = sender
        self._domain = sender.rpartition("@")[2]
        self._secrets = secrets
        self._context = context or ssl.create_default_context()
        self._plain = _is_loopback(server.host) if plain is None else plain
        self._timeout = timeout

    def send(self, message: Message) -> None:
        """Submit the message to the server. Raises MailError."""
        written = self.written(message)
        with self._troubles(), self._connected() as smtp:
            self._log_in(smtp)
            refused = smtp.send_message(written, self._sender, message.to)
        if refused:
            log.warning(
                "the mail server took a notice for %d of %d addresses",
                len(message.to) - len(refused),
                len(message.to),
            )

    def written(self, message: Message) -> EmailMessage:
        """Return the message as it is sent: 7-bit, because not every server accepts 8-bit."""
        written = EmailMessage()
        written["From"] = formataddr((NAME, self._sender))
        written["To"] = ", ".join(message.to)
        written["Subject"] = message.subject
        written["Date"] = format_datetime(datetime.now(UTC))
        unique = message.id is None
        written["Message-ID"] = (
            make_msgid(domain=self._domain) if unique else f"<{message.id}@{self._domain}>"
        )
        for name, value in HEADERS.items():
            written[name] = value
        written.set_content(message.text, cte="quoted-printable")
        if message.html is not None:
            written.add_alternative(message.html, subtype="html", cte="quoted-printable")
        return written

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """Open a connection that is secure enough to send a password."""
        server, timeout = self._server, self._timeout
        smtp: smtplib.SMTP
        if server.tls:
            smtp = smtplib.SMTP_SSL(
                server.host,
                server.port,
                self._domain,
                timeout=timeout,
                context=self._context,
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, self._domain, timeout=timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            if not server.tls and not self._plain:
                self._start_tls(smtp)
            yield smtp
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()  # the server has already accepted the message
        finally:
            smtp.close()

    def _start_tls(self, smtp: smtplib.SMTP) -> None:
        if not smtp.has_extn("starttls"):
            raise MailError(
                "encryption",
                f"the mail server {self._place} offers no encryption (STARTTLS), so nothing was "
                f"sent: use smtps:// in {MAIL}, or a server that offers it",
            )
        smtp.starttls(context=self._context)
        smtp.ehlo()

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if self._server.user is None:
            return
        password = self._server.password or ""
        reference = SECRET_MANAGER.fullmatch(password)
        if reference:
            try:
                password = self._secrets(password.removeprefix("secretmanager:"))
            except NotConfigured as error:
                raise MailError("password", f"{MAIL_PASSWORD}: {error}") from None
        try:
            smtp.login(self._server.user, password)
        except UnicodeEncodeError:
            raise self._password_refused("the password has letters that it cannot take") from None

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        """Turn errors into MailError, without the server's messages, which may name people."""
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise self._password_refused(str(error.smtp_code)) from None
        except smtplib.SMTPSenderRefused as error:
            raise MailError(
                "sender",
                f"the mail server {self._place} does not let us send from the address in "
                f"{MAIL_FROM} ({error.smtp_code}): use one that belongs to the user in {MAIL}",
            ) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = ", ".join(sorted({str(code) for code, _ in error.recipients.values()}))
            raise MailError(
                "recipients",
                f"the mail server {self._place} takes no messages for any of the addresses "
                f"({codes}): fix them under Inställningar, or let Skolsynk relay through it",
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise MailError(
                "refused",
                f"the mail server {self._place} cannot do what was asked: it takes no passwords "
                "over this connection, or no addresses with letters such as å",
            ) from None
        except smtplib.SMTPServerDisconnected:
            raise self._unreachable("it hung up") from None
        except smtplib.SMTPResponseException as error:
            raise MailError(
                "refused",
                f"the mail server {self._place} refused the message ({error.smtp_code}); "
                "the server's log says why",
            ) from None
        except ssl.SSLCertVerificationError as error:
            raise MailError(
                "certificate",
                f"the certificate of the mail server {self._place} is not valid "
                f"({error.verify_message}): name the server in {MAIL} as its certificate does",
            ) from None
        except ssl.SSLError as error:
            raise MailError(
                "encryption",
                f"the mail server {self._place} and we agree on no encryption ({error.reason}): "
                f"smtps:// in {MAIL} is TLS from the first byte, smtp:// is STARTTLS",
            ) from None
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise self._unreachable(type(error).__name__) from None

    @property
    def _place(self) -> str:
        return f"{self._server.host}:{self._server.port}"

    def _unreachable(self, why: str) -> MailError:
        return MailError(
            "unreachable",
            f"the mail server {self._place} cannot be reached ({why}): see that the address in "
            f"{MAIL} is right and that a firewall lets Skolsynk through",
        )

    def _password_refused(self, why: str) -> MailError:
        return MailError(
            "password",
            f"the mail server {self._place} does not accept the user name and the password "
            f"({why}): fix {MAIL} and {MAIL_PASSWORD}",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
