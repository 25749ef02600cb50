"""The interface to send notices by e-mail; `addon.notifications.smtp` implements it."""

from typing import Literal, Protocol

from msgspec import Struct

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
]


class MailError(Exception):
    """A message could not be sent. The text says why and what to do, without e-mail addresses.

    `kind` is for the pages, which translate it: `addon.notifications.advice`.
    """

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind: Kind = kind


class Message(Struct, frozen=True):
    """A message to one or more addresses; `html` has the same content as `text`.

    Messages with the same `id` have the same Message-ID, by which mail systems recognise a message
    that was sent twice; None gives each its own.
    """

    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    id: str | None = None


class Mailer(Protocol):
    """The interface to send messages."""

    def send(self, message: Message) -> None:
        """Submit the message for delivery. Raises MailError."""
