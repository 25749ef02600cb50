"""The table of all variables: docs/settings.md is tested against it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from addon.settings import parsers
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
from addon.settings.values import SKOLVERKET

GOOGLE = "https://accounts.google.com/.well-known/openid-configuration"


class Variable(NamedTuple):
    """A variable of the environment: its parser, its default as text, and its meaning.

    For variables set `by_others` (Google's libraries, App Engine) an empty value counts as unset.
    """

    name: str
    parse: Callable[[str], Any]
    default: str | None
    meaning: str
    by_others: bool = False


VARIABLES = (
    Variable(STORE, parsers.store, "sqlite:///var/skolsynk.db", "where everything is kept"),
    Variable(
        "SKOLSYNK_DIRECTORY_ENDPOINT", parsers.directory_endpoint, None, "stands in for Google"
    ),
    Variable(VENDORS, parsers.vendors, parsers.VENDORS_FILE, "path of the vendor profiles"),
    Variable(
        "SKOLSYNK_GOOGLE_KEY_FILE", parsers.existing_file, None, "a service account's key file"
    ),
    Variable(
        SERVICE_ACCOUNT, parsers.service_account, None, "the account that signs without a key"
    ),
    Variable(TASKS, parsers.tasks, "local", "in the process, or cloudtasks://PROJECT/LOCATION"),
    Variable(TASKS_URL, parsers.tasks_url, None, "base address that Cloud Tasks calls back on"),
    Variable(
        "SKOLSYNK_SCHEDULE_HOURS", parsers.hours, "1", "hours between a tenant's runs, 1 to 24"
    ),
    Variable(URL, parsers.address, None, "the address that people use"),
    Variable(PUSH, parsers.switch, None, "whether Google notifies us of changes"),
    Variable(AUDIT_WATCH, parsers.switch, "off", "whether groups and OUs are heard of too"),
    Variable(OIDC_CLIENT_ID, parsers.text, None, "who we are to the OpenID provider"),
    Variable(OIDC_CLIENT_SECRET, parsers.secret, None, "its secret, or a secretmanager: reference"),
    Variable(OIDC_DISCOVERY, parsers.address, GOOGLE, "discovery address of the OpenID provider"),
    Variable(
        "SKOLSYNK_SESSION_SECRET", parsers.session_secret, None, "what sessions are signed with"
    ),
    Variable(
        "SKOLSYNK_REGISTER", parsers.address_or_off, SKOLVERKET, "the school unit register, or off"
    ),
    Variable(MAIL, parsers.mail, None, "smtp://[USER@]HOST[:PORT] or smtps://…"),
    Variable(MAIL_FROM, parsers.mail_address, None, "sender of notices"),
    Variable(MAIL_PASSWORD, parsers.secret, None, "the mail user's password, or a reference"),
    Variable("SKOLSYNK_GOOGLE_CERTS", parsers.address, None, "certificates of Google's tokens"),
    Variable(ADDON_SERVICE_ACCOUNT, parsers.service_account, None, "calls the add-on's endpoints"),
    Variable(ADDON_CLIENT_ID, parsers.text, None, "the audience of the add-on's users' tokens"),
    Variable(
        "SKOLSYNK_MARKETPLACE_APP", parsers.project_number, None, "whose licence is asked for"
    ),
    Variable("SKOLSYNK_FAREWELL_DAYS", parsers.days, "30", "days in which one can come back"),
    Variable(OPERATOR, parsers.name, None, "who operates this installation"),
    Variable(CONTACT, parsers.mail_address, None, "their address for questions"),
    Variable("SKOLSYNK_LOG_LEVEL", parsers.log_level, "WARNING", ", ".join(parsers.LOG_LEVELS)),
    Variable(
        "SKOLSYNK_LOG_FORMAT", parsers.log_format, None, "text, or json in Cloud Logging's form"
    ),
    Variable(
        "FIRESTORE_EMULATOR_HOST", parsers.host_and_port, None, "host:port of a stand-in", True
    ),
    Variable(
        "CLOUD_TASKS_EMULATOR_HOST", parsers.host_and_port, None, "host:port of a stand-in", True
    ),
    Variable("GOOGLE_APPLICATION_CREDENTIALS", Path, None, "a key file", True),
    Variable("GOOGLE_CLOUD_PROJECT", str, None, "the Cloud project, set by App Engine", True),
    Variable("GAE_ENV", str, None, "set by App Engine", True),
    Variable("GAE_APPLICATION", str, None, "set by App Engine", True),
)
BY_NAME = {variable.name: variable for variable in VARIABLES}
KNOWN = tuple(v.name for v in VARIABLES if not v.by_others)
FOR_TESTS = ("SKOLSYNK_REQUIRE_EMULATOR", "SKOLSYNK_REQUIRE_BROWSER")
FOR_VENDORS = re.compile(r"SKOLSYNK_\w+_(URL|KEY)")
"""Always allowed, whether a profile refers to it or not: vendors are added and removed."""
