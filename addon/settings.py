"""What the environment says. Nothing else in the program reads it.

| variable | meaning | default |
|---|---|---|
| SKOLSYNK_STORE | sqlite:///PATH or firestore://PROJECT[/DATABASE] | sqlite:///var/skolsynk.db |
| SKOLSYNK_DIRECTORY_ENDPOINT | address that answers in Google's place | Google |
| SKOLSYNK_VENDORS | path of the vendor profiles | vendors.toml |
| SKOLSYNK_GOOGLE_KEY_FILE | a service account's key file | GOOGLE_APPLICATION_CREDENTIALS |
| SKOLSYNK_SERVICE_ACCOUNT | e-mail address of the service account that signs without a key, and \
whose tokens tasks carry and /cron and /tasks accept | none |
| SKOLSYNK_TASKS | local (in the process) or cloudtasks://PROJECT/LOCATION | local |
| SKOLSYNK_TASKS_URL | base address that Cloud Tasks calls back on; not on App Engine, needed \
with cloudtasks elsewhere | none |
| SKOLSYNK_SCHEDULE_HOURS | hours between a tenant's runs, 1 to 24 | 1 |
| SKOLSYNK_OIDC_DISCOVERY | discovery address of the OpenID provider | Google's |
| SKOLSYNK_OIDC_CLIENT_ID, SKOLSYNK_OIDC_CLIENT_SECRET | who we are to it; the secret may be a \
secretmanager: reference | nobody can sign in |
| SKOLSYNK_SESSION_SECRET | what sessions are signed with, or a secretmanager: reference | made at \
random, kept in the store |
| SKOLSYNK_URL | the address that people use | as requests have it |
| SKOLSYNK_REGISTER | base address of the school unit register, or off | Skolverket's |
| SKOLSYNK_MAIL | smtp://[USER@]HOST[:PORT], smtps://… or appengine | no notices are sent |
| SKOLSYNK_MAIL_FROM, SKOLSYNK_MAIL_PASSWORD | sender of notices; the user's password | none |
| SKOLSYNK_LOG_LEVEL | DEBUG, INFO, WARNING, ERROR or CRITICAL | WARNING |
| SKOLSYNK_LOG_FORMAT | text or json (Cloud Logging's form) | text; json on App Engine |
| SKOLSYNK_REQUIRE_EMULATOR | for tests: a missing emulator is a failure | none |
| SKOLSYNK_REQUIRE_BROWSER | for tests: a missing Chromium is a failure | none |
| FIRESTORE_EMULATOR_HOST, CLOUD_TASKS_EMULATOR_HOST | host:port of a stand-in | Google |
| GAE_ENV, GAE_APPLICATION, GOOGLE_CLOUD_PROJECT | set by App Engine | none |
"""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from addon.validation import did_you_mean, one_of
from addon.vendors.profiles import Vendor, VendorsError, load_vendors
from addon.web_settings import KNOWN as KNOWN_TO_WEB
from addon.web_settings import WebSettings, WebSettingsError, web_settings

ROOT = Path(__file__).resolve().parent.parent
STORE = "SKOLSYNK_STORE"
DIRECTORY_ENDPOINT = "SKOLSYNK_DIRECTORY_ENDPOINT"
VENDORS = "SKOLSYNK_VENDORS"
GOOGLE_KEY_FILE = "SKOLSYNK_GOOGLE_KEY_FILE"
SERVICE_ACCOUNT = "SKOLSYNK_SERVICE_ACCOUNT"
TASKS = "SKOLSYNK_TASKS"
TASKS_URL = "SKOLSYNK_TASKS_URL"
SCHEDULE_HOURS = "SKOLSYNK_SCHEDULE_HOURS"
LOG_LEVEL = "SKOLSYNK_LOG_LEVEL"
LOG_FORMAT = "SKOLSYNK_LOG_FORMAT"
FIRESTORE_EMULATOR_HOST = "FIRESTORE_EMULATOR_HOST"
CLOUD_TASKS_EMULATOR_HOST = "CLOUD_TASKS_EMULATOR_HOST"

KNOWN = (
    STORE,
    DIRECTORY_ENDPOINT,
    VENDORS,
    GOOGLE_KEY_FILE,
    SERVICE_ACCOUNT,
    TASKS,
    TASKS_URL,
    SCHEDULE_HOURS,
    LOG_LEVEL,
    LOG_FORMAT,
    *KNOWN_TO_WEB,
)
FOR_TESTS = ("SKOLSYNK_REQUIRE_EMULATOR", "SKOLSYNK_REQUIRE_BROWSER")
FOR_VENDORS = re.compile(r"SKOLSYNK_\w+_(URL|KEY)")
"""Always welcome, named by a profile or not: vendors come and go."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LogFormat = Literal["text", "json"]
LONGEST_SCHEDULE = 24


class SettingsError(ValueError):
    """The environment is not right; the message is one line that says which variable."""


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
    """Tasks wait and are done in the process that serves."""


@dataclass(frozen=True)
class CloudTasks:
    """Tasks wait in Cloud Tasks, which calls back."""

    project: str
    location: str


@dataclass(frozen=True)
class Settings:
    """All that is set from outside.

    `directory_endpoint` answers in Google's place when it is not None; it has no slash at
    its end, and `tasks_url` neither. `environ` is what the vendors' `env:` references are
    looked up in; it may hold secrets and is therefore not shown. `log_level` is one of
    `logging`'s numbers. `project` is the Cloud project that the program runs in, if it says.
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
        """Whether people reach the web application by https only."""
        return self.on_app_engine or (self.web.url or "").startswith("https://")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings that `environ` (default: the process's own) says.

        Raises SettingsError.
        """
        environ = dict(os.environ if environ is None else environ)
        vendors = _vendors(environ)
        references = {name for vendor in vendors.values() for name in vendor.variables()}
        _refuse_unknown(environ, references)
        settings = cls(
            store=_store(environ),
            vendors=vendors,
            directory_endpoint=_directory_endpoint(environ),
            google_key_file=_google_key_file(environ),
            firestore_emulator=_emulator(environ, FIRESTORE_EMULATOR_HOST),
            service_account=_service_account(environ),
            tasks=_tasks(environ),
            tasks_url=_tasks_url(environ),
            tasks_emulator=_emulator(environ, CLOUD_TASKS_EMULATOR_HOST),
            schedule_hours=_schedule_hours(environ),
            on_app_engine=_on_app_engine(environ),
            project=environ.get("GOOGLE_CLOUD_PROJECT") or None,
            log_level=_log_level(environ),
            log_format=_log_format(environ),
            web=_web(environ),
            environ={name: environ[name] for name in references if name in environ},
        )
        _see_that_tasks_can_come_back(settings)
        return settings


def _value(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name)
    if value is not None and not value.strip():
        raise SettingsError(f"{name} is empty: give it a value, or unset it")
    return value


def _vendors(environ: Mapping[str, str]) -> Mapping[str, Vendor]:
    given = _value(environ, VENDORS)
    path = Path(given or "vendors.toml")
    if not path.exists():
        path = ROOT / path
    if not path.is_file():
        hint = f"; set {VENDORS} to its path" if given is None else ""
        raise SettingsError(f"{VENDORS}: there is no file {given or 'vendors.toml'}{hint}")
    try:
        return load_vendors(path)
    except VendorsError as error:
        raise SettingsError(f"{path}: {'; '.join(map(str, error.faults))}") from None


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


def _store(environ: Mapping[str, str]) -> SqliteAddress | FirestoreAddress:
    value = _value(environ, STORE) or "sqlite:///var/skolsynk.db"
    if match := re.fullmatch(r"sqlite:///(/*[^/\0\n].*[^/\n]|[^/\0\n])", value):
        if match[1] != ":memory:":
            return SqliteAddress(Path(match[1]))
    elif match := re.fullmatch(r"firestore://([\w.:-]+)(?:/(\(default\)|[\w-]+))?", value):
        return FirestoreAddress(match[1], match[2] or "(default)")
    raise SettingsError(f"{STORE} must be sqlite:///PATH or firestore://PROJECT[/DATABASE]")


def _directory_endpoint(environ: Mapping[str, str]) -> str | None:
    value = _value(environ, DIRECTORY_ENDPOINT)
    if value is None:
        return None
    endpoint = value.strip().rstrip("/").removesuffix("/admin/directory/v1").rstrip("/")
    if not _is_address(endpoint):
        raise SettingsError(
            f"{DIRECTORY_ENDPOINT} must be an address such as http://127.0.0.1:8090"
        )
    return endpoint


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        return False
    return bool(whole) and not re.search(r"[?#@\s]", text)


def _google_key_file(environ: Mapping[str, str]) -> Path | None:
    given = _value(environ, GOOGLE_KEY_FILE)
    if given is not None and not Path(given).is_file():
        raise SettingsError(f"{GOOGLE_KEY_FILE}: there is no file {given}")
    path = given or environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    return Path(path) if path else None


def _emulator(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name)
    if value and not re.fullmatch(r"[^\s/]+:\d{1,5}", value):
        raise SettingsError(f"{name} must be HOST:PORT")
    return value or None


def _service_account(environ: Mapping[str, str]) -> str | None:
    value = _value(environ, SERVICE_ACCOUNT)
    if value is not None and not re.fullmatch(r"[\w.-]+@[\w-]+(\.[\w-]+)+", value):
        raise SettingsError(
            f"{SERVICE_ACCOUNT} must be an e-mail address such as "
            "skolsynk@PROJECT.iam.gserviceaccount.com"
        )
    return value


def _tasks(environ: Mapping[str, str]) -> LocalTasks | CloudTasks:
    value = _value(environ, TASKS) or "local"
    if value == "local":
        return LocalTasks()
    if match := re.fullmatch(r"cloudtasks://([\w.:-]+)/([a-z][a-z0-9-]*)", value):
        return CloudTasks(match[1], match[2])
    raise SettingsError(f"{TASKS} must be local or cloudtasks://PROJECT/LOCATION")


def _tasks_url(environ: Mapping[str, str]) -> str | None:
    value = _value(environ, TASKS_URL)
    if value is None:
        return None
    url = value.strip().rstrip("/")
    local = re.match(r"http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)", url)
    if not _is_address(url) or not (url.startswith("https://") or local):
        raise SettingsError(f"{TASKS_URL} must be an address such as https://skolsynk.example.se")
    return url


def _schedule_hours(environ: Mapping[str, str]) -> int:
    value = _value(environ, SCHEDULE_HOURS) or "1"
    if not re.fullmatch(r"[0-9]{1,2}", value) or not 1 <= int(value) <= LONGEST_SCHEDULE:
        raise SettingsError(f"{SCHEDULE_HOURS} must be a whole number from 1 to {LONGEST_SCHEDULE}")
    return int(value)


def _on_app_engine(environ: Mapping[str, str]) -> bool:
    """Whether App Engine runs the program.

    https://cloud.google.com/appengine/docs/standard/python3/runtime#environment_variables
    """
    return environ.get("GAE_ENV") == "standard" and bool(environ.get("GAE_APPLICATION"))


def _see_that_tasks_can_come_back(settings: Settings) -> None:
    """Tasks that nobody could deliver are better found out about now than in an hour."""
    if settings.on_app_engine:
        if isinstance(settings.tasks, LocalTasks):
            raise SettingsError(
                f"{TASKS} must be cloudtasks://PROJECT/LOCATION on App Engine, where instances "
                "come and go"
            )
        if settings.tasks_url is not None:
            raise SettingsError(f"{TASKS_URL} is not for App Engine: unset it")
    elif isinstance(settings.tasks, CloudTasks):
        for name, value in (
            (TASKS_URL, settings.tasks_url),
            (SERVICE_ACCOUNT, settings.service_account),
        ):
            if value is None:
                raise SettingsError(f"{name} is needed with {TASKS}=cloudtasks://…")


def _web(environ: Mapping[str, str]) -> WebSettings:
    try:
        return web_settings(environ)
    except WebSettingsError as error:
        raise SettingsError(str(error)) from None


def _log_level(environ: Mapping[str, str]) -> int:
    level = (_value(environ, LOG_LEVEL) or "WARNING").strip().upper()
    if level not in LOG_LEVELS:
        raise SettingsError(f"{LOG_LEVEL} must be {one_of(LOG_LEVELS)}")
    return logging.getLevelNamesMapping()[level]


def _log_format(environ: Mapping[str, str]) -> LogFormat:
    value = _value(environ, LOG_FORMAT)
    if value is None:
        return "json" if _on_app_engine(environ) else "text"
    if value == "json":
        return "json"
    if value == "text":
        return "text"
    raise SettingsError(f"{LOG_FORMAT} must be {one_of(('text', 'json'))}")
