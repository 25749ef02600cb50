"""The settings, read from the environment. No other package reads it.

`addon.settings.variables.VARIABLES` is the table of all variables.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from addon.settings.names import (
    ADDON_CLIENT_ID,
    ADDON_SERVICE_ACCOUNT,
    AUDIT_WATCH,
    CONTACT,
    MAIL,
    MAIL_FROM,
    MAIL_PASSWORD,
    OIDC_CLIENT_ID,
    OIDC_CLIENT_SECRET,
    OIDC_DISCOVERY,
    OPERATOR,
    PUSH,
    SERVICE_ACCOUNT,
    STORE,
    TASKS,
    TASKS_URL,
    URL,
    VENDORS,
)
from addon.settings.parsers import ROOT, vendors_path
from addon.settings.values import (
    AddonCaller,
    CloudTasks,
    FirestoreAddress,
    LocalTasks,
    LogFormat,
    Mail,
    SignIn,
    Smtp,
    SqliteAddress,
    WebSettings,
)
from addon.settings.variables import (
    BY_NAME,
    FOR_TESTS,
    FOR_VENDORS,
    KNOWN,
    VARIABLES,
    Variable,
)
from addon.validation import did_you_mean
from addon.vendors.agreements import AgreementError, find_agreements
from addon.vendors.profiles import Vendor, VendorsError

__all__ = [
    "ROOT",
    "CloudTasks",
    "FirestoreAddress",
    "LocalTasks",
    "Mail",
    "Settings",
    "SettingsError",
    "SignIn",
    "Smtp",
    "SqliteAddress",
    "WebSettings",
]


class SettingsError(ValueError):
    """A setting is not valid; the message is one line that names the variable."""


@dataclass(frozen=True)
class Settings:
    """All settings.

    `directory_endpoint` is the address of a server that replaces Google, or None; neither it nor
    `tasks_url` has a trailing slash. `environ` resolves the vendors' `env:` references; it may
    contain secrets and is therefore left out of `repr`. `log_level` is a `logging` level number.
    `project` is the Cloud project that the program runs in, if known. `marketplace_app` is the
    project number whose licence tenants are asked for, or None; `farewell_days` is how long a
    tenant that has uninstalled it can come back. `push` is whether Google is asked for
    notifications of changes, `audit_watch` whether also for those of groups and OUs. `agreements`
    has the files beside the vendor profiles that anyone may read, by vendor id or `skolsynk`.
    """

    store: SqliteAddress | FirestoreAddress
    vendors: Mapping[str, Vendor]
    agreements: Mapping[str, Path] = field(default_factory=dict)
    directory_endpoint: str | None = None
    google_key_file: Path | None = None
    firestore_emulator: str | None = None
    service_account: str | None = None
    tasks: LocalTasks | CloudTasks = field(default_factory=LocalTasks)
    tasks_url: str | None = None
    tasks_emulator: str | None = None
    schedule_hours: int = 1
    on_app_engine: bool = False
    project: str | None = None
    log_level: int = logging.WARNING
    log_format: LogFormat = "text"
    marketplace_app: str | None = None
    farewell_days: int = 30
    push: bool = False
    audit_watch: bool = False
    web: WebSettings = field(default_factory=WebSettings)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def serves_https(self) -> bool:
        """Whether the web application is reached by https only."""
        return self.on_app_engine or (self.web.url or "").startswith("https://")

    @property
    def gaps(self) -> tuple[str, ...]:
        """What is not set and should be where others are served, a line each with what lacks then.

        The program starts all the same.
        """
        found = []
        if self.web.operator is None:
            found.append(f"{OPERATOR} is not set: the pages say the co-operative")
        if self.web.contact is None:
            found.append(f"{CONTACT} is not set: questions go to the co-operative")
        if self.marketplace_app is not None and self.web.contact is None:
            found.append(f"{CONTACT} is not set: the operator is not told when a customer leaves")
        if self.marketplace_app is not None and self.web.mail is None:
            found.append(f"{MAIL} is not set: nobody is told when a customer leaves")
        return tuple(found)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from `environ` (default: the process's own).

        Raises SettingsError.
        """
        environ = dict(os.environ if environ is None else environ)
        vendors: Mapping[str, Vendor] = _read(BY_NAME[VENDORS], environ)
        references = {name for vendor in vendors.values() for name in vendor.variables()}
        _refuse_unknown(environ, references)
        given = _read_all(environ)
        # https://cloud.google.com/appengine/docs/standard/python3/runtime#environment_variables
        on_app_engine = given["GAE_ENV"] == "standard" and bool(given["GAE_APPLICATION"])
        settings = cls(
            store=given[STORE],
            vendors=vendors,
            agreements=_agreements(environ, vendors),
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
            marketplace_app=given["SKOLSYNK_MARKETPLACE_APP"],
            farewell_days=given["SKOLSYNK_FAREWELL_DAYS"],
            push=_push(given),
            audit_watch=given[AUDIT_WATCH],
            web=_web_settings(given, environ),
            environ={name: environ[name] for name in references if name in environ},
        )
        _check_that_tasks_can_come_back(settings)
        return settings


def _agreements(environ: Mapping[str, str], vendors: Mapping[str, Vendor]) -> Mapping[str, Path]:
    beside = vendors_path(environ.get(VENDORS) or str(BY_NAME[VENDORS].default)).parent
    try:
        return find_agreements(beside, vendors)
    except AgreementError as error:
        raise SettingsError(str(error)) from None


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


def _push(given: Mapping[str, Any]) -> bool:
    """Whether Google notifies us: as given, else where there is an address to notify."""
    wanted: bool | None = given[PUSH]
    if wanted and given[URL] is None:
        raise SettingsError(f"{URL} is needed with {PUSH}=on: Google sends notifications to it")
    return given[URL] is not None if wanted is None else wanted


def _web_settings(given: Mapping[str, Any], environ: Mapping[str, str]) -> WebSettings:
    return WebSettings(
        sign_in=_sign_in(given, environ),
        session_secret=given["SKOLSYNK_SESSION_SECRET"],
        url=given[URL],
        register=given["SKOLSYNK_REGISTER"],
        mail=_whole_mail(given),
        google_certs=given["SKOLSYNK_GOOGLE_CERTS"],
        addon=_addon_caller(given),
        operator=given[OPERATOR],
        contact=given[CONTACT],
    )


def _addon_caller(given: Mapping[str, Any]) -> AddonCaller | None:
    account, client_id = given[ADDON_SERVICE_ACCOUNT], given[ADDON_CLIENT_ID]
    if account is None and client_id is None:
        return None
    if account is None or client_id is None:
        missing = ADDON_SERVICE_ACCOUNT if account is None else ADDON_CLIENT_ID
        raise SettingsError(f"{missing} is needed too, for the add-on to be called")
    if given[URL] is None:
        raise SettingsError(f"{URL} is needed with {ADDON_SERVICE_ACCOUNT}: tokens are for it")
    return AddonCaller(account, client_id)


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
    server: Smtp | None = given[MAIL]
    sender, password = given[MAIL_FROM], given[MAIL_PASSWORD]
    if server is None:
        for name in (MAIL_FROM, MAIL_PASSWORD):
            if given[name] is not None:
                raise SettingsError(f"{MAIL} is needed with {name}")
        return None
    if sender is None:
        raise SettingsError(f"{MAIL_FROM} must be the address that notices are sent from")
    if (server.user is None) != (password is None):
        raise SettingsError(f"{MAIL_PASSWORD} goes with a user name in {MAIL}, and the reverse")
    return Mail(replace(server, password=password), sender)
