"""What the environment says of the web application: signing in, mail, the school unit register.

Only `addon.settings` calls this; it is a file of its own so that each fits on a few screens.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from addon.vendors.profiles import SECRET_MANAGER, address_problem

OIDC_DISCOVERY = "SKOLSYNK_OIDC_DISCOVERY"
OIDC_CLIENT_ID = "SKOLSYNK_OIDC_CLIENT_ID"
OIDC_CLIENT_SECRET = "SKOLSYNK_OIDC_CLIENT_SECRET"
SESSION_SECRET = "SKOLSYNK_SESSION_SECRET"
URL = "SKOLSYNK_URL"
REGISTER = "SKOLSYNK_REGISTER"
MAIL = "SKOLSYNK_MAIL"
MAIL_FROM = "SKOLSYNK_MAIL_FROM"
MAIL_PASSWORD = "SKOLSYNK_MAIL_PASSWORD"
API_HOST, API_PORT = "API_HOST", "API_PORT"
"""Set by App Engine, if at all."""
KNOWN = (
    OIDC_DISCOVERY,
    OIDC_CLIENT_ID,
    OIDC_CLIENT_SECRET,
    SESSION_SECRET,
    URL,
    REGISTER,
    MAIL,
    MAIL_FROM,
    MAIL_PASSWORD,
)

GOOGLE = "https://accounts.google.com/.well-known/openid-configuration"
SKOLVERKET = "https://api.skolverket.se/skolenhetsregistret"
SHORTEST_SECRET = 32
"""Characters of a session secret."""
ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)*")
"""An address by itself, without a name or brackets."""
PORTS = {"smtp": 587, "smtps": 465}


class WebSettingsError(ValueError):
    """The environment is not right; the message is one line that says which variable."""


@dataclass(frozen=True)
class SignIn:
    """The OpenID provider and who we are to it.

    `client_secret` is the secret or `secretmanager:projects/P/secrets/S/versions/V`.
    """

    discovery: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Smtp:
    """An SMTP server. `tls` from the first byte, or by STARTTLS unless it is on loopback."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AppEngineMail:
    """App Engine's own mail service: where its API proxy answers within an instance."""

    host: str = "appengine.googleapis.internal"
    port: int = 10001


@dataclass(frozen=True)
class Mail:
    """How notices are sent, and from which address."""

    by: Smtp | AppEngineMail
    sender: str


@dataclass(frozen=True)
class WebSettings:
    """What only the web application needs.

    `sign_in` is None where nobody can sign in; `url` is the address that people use, without
    a slash at its end, or None: as each request has it. `register` is None where there is no
    way to Skolverket. `session_secret` is the secret, a `secretmanager:` reference, or None:
    one is made at random and kept in the store.
    """

    sign_in: SignIn | None = None
    session_secret: str | None = field(default=None, repr=False)
    url: str | None = None
    register: str | None = SKOLVERKET
    mail: Mail | None = None


def web_settings(environ: Mapping[str, str]) -> WebSettings:
    """The settings that `environ` says. Raises WebSettingsError."""
    return WebSettings(
        sign_in=_sign_in(environ),
        session_secret=_session_secret(environ),
        url=_address(environ, URL),
        register=_register(environ),
        mail=_mail(environ),
    )


def _value(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name)
    if value is not None and not value.strip():
        raise WebSettingsError(f"{name} is empty: give it a value, or unset it")
    return None if value is None else value.strip()


def _address(environ: Mapping[str, str], name: str) -> str | None:
    value = _value(environ, name)
    if value is not None and (problem := address_problem(value)):
        raise WebSettingsError(f"{name} {problem}")
    return None if value is None else value.rstrip("/")


def _sign_in(environ: Mapping[str, str]) -> SignIn | None:
    client_id, secret = _value(environ, OIDC_CLIENT_ID), _value(environ, OIDC_CLIENT_SECRET)
    discovery = _address(environ, OIDC_DISCOVERY)
    if client_id is None and secret is None:
        if discovery is not None:
            raise WebSettingsError(f"{OIDC_CLIENT_ID} is needed with {OIDC_DISCOVERY}")
        return None
    if client_id is None or secret is None:
        missing = OIDC_CLIENT_ID if client_id is None else OIDC_CLIENT_SECRET
        raise WebSettingsError(f"{missing} is needed too, for people to sign in")
    _see_secret(OIDC_CLIENT_SECRET, secret)
    return SignIn(discovery or GOOGLE, client_id, secret)


def _session_secret(environ: Mapping[str, str]) -> str | None:
    secret = _value(environ, SESSION_SECRET)
    if secret is not None:
        _see_secret(SESSION_SECRET, secret)
        if len(secret) < SHORTEST_SECRET:
            raise WebSettingsError(f"{SESSION_SECRET} must be {SHORTEST_SECRET} characters or more")
    return secret


def _see_secret(name: str, value: str) -> None:
    if value.startswith("secretmanager:") and not SECRET_MANAGER.fullmatch(value):
        raise WebSettingsError(
            f"{name} must be the secret, or secretmanager:projects/P/secrets/S/versions/V"
        )


def _register(environ: Mapping[str, str]) -> str | None:
    if _value(environ, REGISTER) == "off":
        return None
    return _address(environ, REGISTER) or SKOLVERKET


def _mail(environ: Mapping[str, str]) -> Mail | None:
    value, sender = _value(environ, MAIL), _value(environ, MAIL_FROM)
    password = _value(environ, MAIL_PASSWORD)
    if value is None:
        for name, given in ((MAIL_FROM, sender), (MAIL_PASSWORD, password)):
            if given is not None:
                raise WebSettingsError(f"{MAIL} is needed with {name}")
        return None
    if sender is None or not ADDRESS.fullmatch(sender):
        raise WebSettingsError(f"{MAIL_FROM} must be the address that notices are sent from")
    if value == "appengine":
        if password is not None:
            raise WebSettingsError(f"{MAIL_PASSWORD} is not for {MAIL}=appengine: unset it")
        return Mail(_app_engine(environ), sender)
    return Mail(_smtp(value, password), sender)


def _app_engine(environ: Mapping[str, str]) -> AppEngineMail:
    """The instance's API proxy, which App Engine may name in its own variables."""
    usual = AppEngineMail()
    port = environ.get(API_PORT) or str(usual.port)
    if not re.fullmatch(r"[0-9]{1,5}", port):
        raise WebSettingsError(f"{API_PORT} must be a port, as App Engine sets it: unset it")
    return AppEngineMail(environ.get(API_HOST) or usual.host, int(port))


def _smtp(value: str, password: str | None) -> Smtp:
    form = f"{MAIL} must be smtp://[USER@]HOST[:PORT], smtps://[USER@]HOST[:PORT] or appengine"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise WebSettingsError(form) from None
    if parts.scheme not in PORTS or not host or parts.path or parts.query or parts.fragment:
        raise WebSettingsError(form)
    if parts.password is not None:
        raise WebSettingsError(f"{MAIL} must not hold a password: put it in {MAIL_PASSWORD}")
    user: str | None = unquote(parts.username) if parts.username else None
    if (user is None) != (password is None):
        raise WebSettingsError(f"{MAIL_PASSWORD} goes with a user name in {MAIL}, and the reverse")
    if password is not None:
        _see_secret(MAIL_PASSWORD, password)
    kind: Literal["smtp", "smtps"] = "smtps" if parts.scheme == "smtps" else "smtp"
    return Smtp(host, port or PORTS[kind], kind == "smtps", user, password)
