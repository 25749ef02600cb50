"""The settings, read from the environment. No other module reads it.

`VARIABLES` is the table of all variables: docs/settings.md is tested against it.
"""

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from addon.validation import did_you_mean, one_of
from addon.vendors.profiles import (
    SECRET_MANAGER,
    Vendor,
    VendorsError,
    address_problem,
    load_vendors,
)

ROOT = Path(__file__).resolve().parent.parent
GOOGLE = "https://accounts.google.com/.well-known/openid-configuration"
SKOLVERKET = "https://api.skolverket.se/skolenhetsregistret"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LONGEST_SCHEDULE = 24
SHORTEST_SECRET = 32
"""Minimum length of a session secret in characters."""
PORTS = {"smtp": 587, "smtps": 465}
MAIL_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)*")
"""An address only, without a name or brackets."""

LogFormat = Literal["text", "json"]


class SettingsError(ValueError):
    """A setting is not valid; the message is one line that names the variable."""


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
class AppEngineMail:
    """App Engine's own mail service: the address of its API proxy within an instance."""

    host: str = "appengine.googleapis.internal"
    port: int = 10001


@dataclass(frozen=True)
class Mail:
    """How notices are sent, and from which address."""

    by: Smtp | AppEngineMail
    sender: str


@dataclass(frozen=True)
class WebSettings:
    """Settings of the web application only.

    `sign_in` is None if nobody can sign in; `url` is the application's public address without a
    trailing slash, or None: taken from each request. `register` is None if Skolverket's register
    is not used. `session_secret` is the secret, a `secretmanager:` reference, or None: a random one
    is generated and kept in the store.
    """

    sign_in: SignIn | None = None
    session_secret: str | None = field(default=None, repr=False)
    url: str | None = None
    register: str | None = SKOLVERKET
    mail: Mail | None = None


# Parsers: each returns a value, or raises ValueError with the text after the variable's name.


def _store(value: str) -> SqliteAddress | FirestoreAddress:
    if match := re.fullmatch(r"sqlite:///(/*[^/\0\n].*[^/\n]|[^/\0\n])", value):
        if match[1] != ":memory:":
            return SqliteAddress(Path(match[1]))
    elif match := re.fullmatch(r"firestore://([\w.:-]+)(?:/(\(default\)|[\w-]+))?", value):
        return FirestoreAddress(match[1], match[2] or "(default)")
    raise ValueError(" must be sqlite:///PATH or firestore://PROJECT[/DATABASE]")


def _directory_endpoint(value: str) -> str:
    endpoint = value.strip().rstrip("/").removesuffix("/admin/directory/v1").rstrip("/")
    if not _is_address(endpoint):
        raise ValueError(" must be an address such as http://127.0.0.1:8090")
    return endpoint


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        return False
    return bool(whole) and not re.search(r"[?#@\s]", text)


def _vendors(value: str) -> Mapping[str, Vendor]:
    path = Path(value) if Path(value).exists() else ROOT / value
    if not path.is_file():
        hint = f"; set {VENDORS} to its path" if value == _BY_NAME[VENDORS].default else ""
        raise ValueError(f": there is no file {value}{hint}")
    return load_vendors(path)


def _file(value: str) -> Path:
    if not Path(value).is_file():
        raise ValueError(f": there is no file {value}")
    return Path(value)


def _service_account(value: str) -> str:
    if not re.fullmatch(r"[\w.-]+@[\w-]+(\.[\w-]+)+", value):
        example = "skolsynk@PROJECT.iam.gserviceaccount.com"
        raise ValueError(f" must be an e-mail address such as {example}")
    return value


def _tasks(value: str) -> LocalTasks | CloudTasks:
    if value == "local":
        return LocalTasks()
    if match := re.fullmatch(r"cloudtasks://([\w.:-]+)/([a-z][a-z0-9-]*)", value):
        return CloudTasks(match[1], match[2])
    raise ValueError(" must be local or cloudtasks://PROJECT/LOCATION")


def _tasks_url(value: str) -> str:
    url = value.strip().rstrip("/")
    local = re.match(r"http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)", url)
    if not _is_address(url) or not (url.startswith("https://") or local):
        raise ValueError(" must be an address such as https://skolsynk.example.se")
    return url


def _hours(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", value) or not 1 <= int(value) <= LONGEST_SCHEDULE:
        raise ValueError(f" must be a whole number from 1 to {LONGEST_SCHEDULE}")
    return int(value)


def _log_level(value: str) -> int:
    if value.strip().upper() not in LOG_LEVELS:
        raise ValueError(f" must be {one_of(LOG_LEVELS)}")
    return logging.getLevelNamesMapping()[value.strip().upper()]


def _log_format(value: str) -> LogFormat:
    if value not in ("text", "json"):
        raise ValueError(f" must be {one_of(('text', 'json'))}")
    return "json" if value == "json" else "text"


def _text(value: str) -> str:
    return value.strip()


def _address(value: str) -> str:
    if problem := address_problem(value.strip()):
        raise ValueError(f" {problem}")
    return value.strip().rstrip("/")


def _address_or_off(value: str) -> str | None:
    return None if value.strip() == "off" else _address(value)


def _secret(value: str) -> str:
    secret = value.strip()
    if secret.startswith("secretmanager:") and not SECRET_MANAGER.fullmatch(secret):
        raise ValueError(" must be the secret, or secretmanager:projects/P/secrets/S/versions/V")
    return secret


def _session_secret(value: str) -> str:
    if len(_secret(value)) < SHORTEST_SECRET:
        raise ValueError(f" must be {SHORTEST_SECRET} characters or more")
    return _secret(value)


def _mail(value: str) -> Smtp | AppEngineMail:
    """A mail server; its password and App Engine's proxy address are added later."""
    if value.strip() == "appengine":
        return AppEngineMail()
    form = " must be smtp://[USER@]HOST[:PORT], smtps://[USER@]HOST[:PORT] or appengine"
    try:
        parts = urlsplit(value.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(form) from None
    if parts.scheme not in PORTS or not host or parts.path or parts.query or parts.fragment:
        raise ValueError(form)
    if parts.password is not None:
        raise ValueError(f" must not hold a password: put it in {MAIL_PASSWORD}")
    user = unquote(parts.username) if parts.username else None
    return Smtp(host, port or PORTS[parts.scheme], parts.scheme == "smtps", user)


def _mail_from(value: str) -> str:
    if not MAIL_ADDRESS.fullmatch(value.strip()):
        raise ValueError(" must be the address that notices are sent from")
    return value.strip()


def _host_and_port(value: str) -> str:
    if not re.fullmatch(r"[^\s/]+:\d{1,5}", value):
        raise ValueError(" must be HOST:PORT")
    return value


class Variable(NamedTuple):
    """A variable of the environment: its parser, its default as text, and its meaning.

    For variables set `by_others` (Google's libraries, App Engine) an empty value counts as unset.
    """

    name: str
    parse: Callable[[str], Any]
    default: str | None
    meaning: str
    by_others: bool = False


STORE = "SKOLSYNK_STORE"
VENDORS = "SKOLSYNK_VENDORS"
SERVICE_ACCOUNT = "SKOLSYNK_SERVICE_ACCOUNT"
TASKS = "SKOLSYNK_TASKS"
TASKS_URL = "SKOLSYNK_TASKS_URL"
OIDC_DISCOVERY = "SKOLSYNK_OIDC_DISCOVERY"
OIDC_CLIENT_ID = "SKOLSYNK_OIDC_CLIENT_ID"
OIDC_CLIENT_SECRET = "SKOLSYNK_OIDC_CLIENT_SECRET"
MAIL = "SKOLSYNK_MAIL"
MAIL_FROM = "SKOLSYNK_MAIL_FROM"
MAIL_PASSWORD = "SKOLSYNK_MAIL_PASSWORD"
# fmt: off
VARIABLES = (
    Variable(STORE, _store, "sqlite:///var/skolsynk.db", "where everything is kept"),
    Variable("SKOLSYNK_DIRECTORY_ENDPOINT", _directory_endpoint, None, "stands in for Google"),
    Variable(VENDORS, _vendors, "vendors.toml", "path of the vendor profiles"),
    Variable("SKOLSYNK_GOOGLE_KEY_FILE", _file, None, "a service account's key file"),
    Variable(SERVICE_ACCOUNT, _service_account, None, "the account that signs without a key"),
    Variable(TASKS, _tasks, "local", "in the process, or cloudtasks://PROJECT/LOCATION"),
    Variable(TASKS_URL, _tasks_url, None, "base address that Cloud Tasks calls back on"),
    Variable("SKOLSYNK_SCHEDULE_HOURS", _hours, "1", "hours between a tenant's runs, 1 to 24"),
    Variable("SKOLSYNK_URL", _address, None, "the address that people use"),
    Variable(OIDC_CLIENT_ID, _text, None, "who we are to the OpenID provider"),
    Variable(OIDC_CLIENT_SECRET, _secret, None, "its secret, or a secretmanager: reference"),
    Variable(OIDC_DISCOVERY, _address, GOOGLE, "discovery address of the OpenID provider"),
    Variable("SKOLSYNK_SESSION_SECRET", _session_secret, None, "what sessions are signed with"),
    Variable("SKOLSYNK_REGISTER", _address_or_off, SKOLVERKET, "the school unit register, or off"),
    Variable(MAIL, _mail, None, "smtp://[USER@]HOST[:PORT], smtps://… or appengine"),
    Variable(MAIL_FROM, _mail_from, None, "sender of notices"),
    Variable(MAIL_PASSWORD, _secret, None, "the mail user's password, or a reference"),
    Variable("SKOLSYNK_LOG_LEVEL", _log_level, "WARNING", ", ".join(LOG_LEVELS)),
    Variable("SKOLSYNK_LOG_FORMAT", _log_format, None, "text, or json in Cloud Logging's form"),
    Variable("FIRESTORE_EMULATOR_HOST", _host_and_port, None, "host:port of a stand-in", True),
    Variable("CLOUD_TASKS_EMULATOR_HOST", _host_and_port, None, "host:port of a stand-in", True),
    Variable("GOOGLE_APPLICATION_CREDENTIALS", Path, None, "a key file", True),
    Variable("GOOGLE_CLOUD_PROJECT", str, None, "the Cloud project, set by App Engine", True),
    Variable("GAE_ENV", str, None, "set by App Engine", True),
    Variable("GAE_APPLICATION", str, None, "set by App Engine", True),
    Variable("API_HOST", str, None, "App Engine's API proxy", True),
    Variable("API_PORT", str, None, "App Engine's API proxy", True),
)
# fmt: on
_BY_NAME = {variable.name: variable for variable in VARIABLES}
KNOWN = tuple(v.name for v in VARIABLES if not v.by_others)
FOR_TESTS = ("SKOLSYNK_REQUIRE_EMULATOR", "SKOLSYNK_REQUIRE_BROWSER")
FOR_VENDORS = re.compile(r"SKOLSYNK_\w+_(URL|KEY)")
"""Always allowed, whether a profile refers to it or not: vendors are added and removed."""


@dataclass(frozen=True)
class Settings:
    """All settings.

    `directory_endpoint` is the address of a server that replaces Google, or None; neither it nor
    `tasks_url` has a trailing slash. `environ` resolves the vendors' `env:` references; it may
    contain secrets and is therefore left out of `repr`. `log_level` is a `logging` level number.
    `project` is the Cloud project that the program runs in, if known.
    """

    store: SqliteAddress | FirestoreAddress
    vendors: Mapping[str, Vendor]
    directory_endpoint: str | None = None
    google_key_file: Path | None = None
    firestore_emulator: str | None = None
    service_account: str | None = None
    tasks: LocalTasks | CloudTasks = LocalTasks()
    tasks_url: str | None = None
    tasks_emulator: str | None = None
    schedule_hours: int = 1
    on_app_engine: bool = False
    project: str | None = None
    log_level: int = logging.WARNING
    log_format: LogFormat = "text"
    web: WebSettings = field(default_factory=WebSettings)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def serves_https(self) -> bool:
        """Whether the web application is reached by https only."""
        return self.on_app_engine or (self.web.url or "").startswith("https://")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from `environ` (default: the process's own).

        Raises SettingsError.
        """
        environ = dict(os.environ if environ is None else environ)
        vendors: Mapping[str, Vendor] = _read(_BY_NAME[VENDORS], environ)
        references = {name for vendor in vendors.values() for name in vendor.variables()}
        _refuse_unknown(environ, references)
        given = _read_all(environ)
        # https://cloud.google.com/appengine/docs/standard/python3/runtime#environment_variables
        on_app_engine = given["GAE_ENV"] == "standard" and bool(given["GAE_APPLICATION"])
        settings = cls(
            store=given[STORE],
            vendors=vendors,
            directory_endpoint=given["SKOLSYNK_DIRECTORY_ENDPOINT"],
            google_key_file=given["SKOLSYNK_GOOGLE_KEY_FILE"]
            or given["GOOGLE_APPLICATION_CREDENTIALS"],
            firestore_emulator=given["FIRESTORE_EMULATOR_HOST"],
            service_account=given[SERVICE_ACCOUNT],
            tasks=given[TASKS],
            tasks_url=given[TASKS_URL],
            tasks_emulator=given["CLOUD_TASKS_EMULATOR_HOST"],
            schedule_hours=given["SKOLSYNK_SCHEDULE_HOURS"],
            on_app_engine=on_app_engine,
            project=given["GOOGLE_CLOUD_PROJECT"],
            log_level=given["SKOLSYNK_LOG_LEVEL"],
            log_format=given["SKOLSYNK_LOG_FORMAT"] or ("json" if on_app_engine else "text"),
            web=_web_settings(given, environ),
            environ={name: environ[name] for name in references if name in environ},
        )
        _check_that_tasks_can_come_back(settings)
        return settings


def _read_all(environ: Mapping[str, str]) -> dict[str, Any]:
    """Parse every variable of the table except the vendors'; those not set get their defaults."""
    return {v.name: _read(v, environ) for v in VARIABLES if v.name != VENDORS}


def _read(variable: Variable, environ: Mapping[str, str]) -> Any:
    value = environ.get(variable.name)
    if value is not None and not value.strip() and not variable.by_others:
        raise SettingsError(f"{variable.name} is empty: give it a value, or unset it")
    value = value or variable.default
    if value is None:
        return None
    try:
        return variable.parse(value)
    except VendorsError as error:
        raise SettingsError(f"{value}: {'; '.join(map(str, error.faults))}") from None
    except ValueError as error:
        raise SettingsError(f"{variable.name}{error}") from None


def _refuse_unknown(environ: Mapping[str, str], references: set[str]) -> None:
    unknown = sorted(
        name
        for name in environ
        if name.startswith("SKOLSYNK_")
        and name not in (*KNOWN, *FOR_TESTS)
        and name not in references
        and not FOR_VENDORS.fullmatch(name)
    )
    if unknown:
        told = ", ".join(name + did_you_mean(name, KNOWN).replace(";", ",") for name in unknown)
        raise SettingsError(f"unknown environment variable {told}")


def _check_that_tasks_can_come_back(settings: Settings) -> None:
    """Refuse settings with which tasks could never be delivered to the application."""
    if settings.on_app_engine:
        if isinstance(settings.tasks, LocalTasks):
            raise SettingsError(
                f"{TASKS} must be cloudtasks://PROJECT/LOCATION on App Engine, where instances "
                "come and go"
            )
        if settings.tasks_url is not None:
            raise SettingsError(f"{TASKS_URL} is not for App Engine: unset it")
    elif isinstance(settings.tasks, CloudTasks):
        needed = {TASKS_URL: settings.tasks_url, SERVICE_ACCOUNT: settings.service_account}
        for name, value in needed.items():
            if value is None:
                raise SettingsError(f"{name} is needed with {TASKS}=cloudtasks://…")


# Rules about several variables


def _web_settings(given: Mapping[str, Any], environ: Mapping[str, str]) -> WebSettings:
    return WebSettings(
        sign_in=_sign_in(given, environ),
        session_secret=given["SKOLSYNK_SESSION_SECRET"],
        url=given["SKOLSYNK_URL"],
        register=given["SKOLSYNK_REGISTER"],
        mail=_whole_mail(given),
    )


def _sign_in(given: Mapping[str, Any], environ: Mapping[str, str]) -> SignIn | None:
    client_id, secret = given[OIDC_CLIENT_ID], given[OIDC_CLIENT_SECRET]
    if client_id is None and secret is None:
        if OIDC_DISCOVERY in environ:
            raise SettingsError(f"{OIDC_CLIENT_ID} is needed with {OIDC_DISCOVERY}")
        return None
    if client_id is None or secret is None:
        missing = OIDC_CLIENT_ID if client_id is None else OIDC_CLIENT_SECRET
        raise SettingsError(f"{missing} is needed too, for people to sign in")
    return SignIn(given[OIDC_DISCOVERY], client_id, secret)


def _whole_mail(given: Mapping[str, Any]) -> Mail | None:
    by: Smtp | AppEngineMail | None = given[MAIL]
    sender, password = given[MAIL_FROM], given[MAIL_PASSWORD]
    if by is None:
        for name in (MAIL_FROM, MAIL_PASSWORD):
            if given[name] is not None:
                raise SettingsError(f"{MAIL} is needed with {name}")
        return None
    if sender is None:
        raise SettingsError(f"{MAIL_FROM} must be the address that notices are sent from")
    if isinstance(by, AppEngineMail):
        if password is not None:
            raise SettingsError(f"{MAIL_PASSWORD} is not for {MAIL}=appengine: unset it")
        port = given["API_PORT"] or str(by.port)
        if not re.fullmatch(r"[0-9]{1,5}", port):
            raise SettingsError("API_PORT must be a port, as App Engine sets it: unset it")
        return Mail(AppEngineMail(given["API_HOST"] or by.host, int(port)), sender)
    if (by.user is None) != (password is None):
        raise SettingsError(f"{MAIL_PASSWORD} goes with a user name in {MAIL}, and the reverse")
    return Mail(replace(by, password=password), sender)
