"""The values that settings have: addresses, and who signs in, sends mail or calls."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SKOLVERKET = "https://api.skolverket.se/skolenhetsregistret"

LogFormat = Literal["text", "json"]


@dataclass(frozen=True)
class SqliteAddress:
    """The embedded store; a relative `path` is from the current directory."""

    path: Path


@dataclass(frozen=True)
class FirestoreAddress:
    """The production store."""

    project: str
    database: str = "(default)"


@dataclass(frozen=True)
class LocalTasks:
    """Tasks are queued and run in the process that serves."""


@dataclass(frozen=True)
class CloudTasks:
    """Tasks are queued in Cloud Tasks, which calls the application back."""

    project: str
    location: str


@dataclass(frozen=True)
class SignIn:
    """The OpenID provider, and the application's client id and secret at it.

    `client_secret` is the secret or `secretmanager:projects/P/secrets/S/versions/V`.
    """

    discovery: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Smtp:
    """An SMTP server. `tls` is TLS from the start; otherwise STARTTLS, unless it is on loopback."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Mail:
    """The server that notices are sent through, and the address that they are sent from."""

    server: Smtp
    sender: str


@dataclass(frozen=True)
class AddonCaller:
    """Who calls the add-on's endpoints, and the audience of the tokens of its users.

    Both are what `gcloud workspace-add-ons get-authorization` prints.
    """

    service_account: str
    client_id: str


@dataclass(frozen=True)
class WebSettings:
    """Settings of the web application only.

    `sign_in` is None if nobody can sign in; `url` is the application's public address without a
    trailing slash, or None: taken from each request. `register` is None if Skolverket's register is
    not used. `session_secret` is the secret or a `secretmanager:` reference, or several of these,
    of which the first signs; None: a random one is generated and kept in the store. `google_certs`
    is where the certificates of tokens that Google signs are, in place of Google's own addresses.
    `addon` is None if the add-on's endpoints are not served. `operator` is who operates the
    installation, `contact` their mail address; None if the pages name the co-operative and its
    address.
    """

    sign_in: SignIn | None = None
    session_secret: str | None = field(default=None, repr=False)
    url: str | None = None
    register: str | None = SKOLVERKET
    mail: Mail | None = None
    google_certs: str | None = None
    addon: AddonCaller | None = None
    operator: str | None = None
    contact: str | None = None
