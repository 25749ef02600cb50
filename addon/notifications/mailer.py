"""Notices by e-mail, through an SMTP server or App Engine's mail service."""

from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

from addon.settings import Mail, Smtp

NAME = "Skolsynk"
"""What stands before the sender's address."""
HEADERS = {"Auto-Submitted": "auto-generated"}
"""So that nobody's out-of-office reply comes back. RFC 3834."""

Kind = Literal[
    "unreachable",
    "encryption",
    "certificate",
    "password",
    "sender",
    "recipients",
    "refused",
    "set-up",
]


class MailError(Exception):
    """A message did not go. The text says why and what to do, without anybody's address.

    `kind` is for the pages, which say it in the reader's language: `addon.notifications.advice`.
    """

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind: Kind = kind


class Message(Struct, frozen=True):
    """A message to one or more addresses; `html` says the same as `text`."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None


class Mailer(Protocol):
    """A way to send messages."""

    def send(self, message: Message) -> None:
        """Hand the message over to be delivered. Raises MailError."""


def mailer(mail: Mail | None, secrets: Callable[[str], str]) -> Mailer | None:
    """The mailer that the settings name, or None where no notices are sent.

    `secrets` gives the password where it is in Secret Manager; it is asked when a message is sent.
    """
    if mail is None:
        return None
    if isinstance(mail.by, Smtp):
        from addon.notifications.smtp import SmtpMailer

        return SmtpMailer(mail.by, mail.sender, secrets)
    from addon.notifications.app_engine import AppEngineMailer

    return AppEngineMailer(mail.by, mail.sender)
