"""Notices by e-mail, through an SMTP server or App Engine's mail service."""

from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

from addon.settings import Mail, Smtp

NAME = "Skolsynk"
"""The display name of the sender's address."""
HEADERS = {"Auto-Submitted": "auto-generated"}
"""Prevents automatic out-of-office replies. RFC 3834."""

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
    """A message could not be sent. The text says why and what to do, without e-mail addresses.

    `kind` is for the pages, which translate it: `addon.notifications.advice`.
    """

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind: Kind = kind


class Message(Struct, frozen=True):
    """A message to one or more addresses; `html` has the same content as `text`."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None


class Mailer(Protocol):
    """The interface to send messages."""

    def send(self, message: Message) -> None:
        """Submit the message for delivery. Raises MailError."""


def mailer(mail: Mail | None, secrets: Callable[[str], str]) -> Mailer | None:
    """Return the mailer of the settings, or None if no notices are sent.

    `secrets` returns a password that is in Secret Manager; it is called when a message is sent.
    """
    if mail is None:
        return None
    if isinstance(mail.by, Smtp):
        from addon.notifications.smtp import SmtpMailer

        return SmtpMailer(mail.by, mail.sender, secrets)
    from addon.notifications.app_engine import AppEngineMailer

    return AppEngineMailer(mail.by, mail.sender)
