"""Parsers of variables: text to a value.

Each raises ValueError with the text that follows the variable's name in the message.
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from addon.settings.names import MAIL_PASSWORD, VENDORS
from addon.settings.values import (
    CloudTasks,
    FirestoreAddress,
    LocalTasks,
    LogFormat,
    Smtp,
    SqliteAddress,
)
from addon.validation import one_of
from addon.vendors.profiles import SECRET_MANAGER, Vendor, address_problem, load_vendors

ROOT = Path(__file__).resolve().parent.parent.parent
"""The top level of the project."""
VENDORS_FILE = "vendors.toml"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LONGEST_SCHEDULE = 24
LONGEST_FAREWELL = 365
LONGEST_NAME = 100
SHORTEST_SECRET = 32
"""Minimum length of a session secret in characters."""
PORTS = {"smtp": 587, "smtps": 465}
MAIL_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)*")
"""An address only, without a name or brackets."""


def store(value: str) -> SqliteAddress | FirestoreAddress:
    """Parse the address of a store."""
    if match := re.fullmatch(r"sqlite:///(/*[^/\0\n].*[^/\n]|[^/\0\n])", value):
        if match[1] != ":memory:":
            return SqliteAddress(Path(match[1]))
    elif match := re.fullmatch(r"firestore://([\w.:-]+)(?:/(\(default\)|[\w-]+))?", value):
        return FirestoreAddress(match[1], match[2] or "(default)")
    raise ValueError(" must be sqlite:///PATH or firestore://PROJECT[/DATABASE]")


def directory_endpoint(value: str) -> str:
    """Parse a base address that answers in Google's place."""
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


def vendors(value: str) -> Mapping[str, Vendor]:
    """Load the vendor profiles of a path, from here or from the top level."""
    path = vendors_path(value)
    if not path.is_file():
        hint = f"; set {VENDORS} to its path" if value == VENDORS_FILE else ""
        raise ValueError(f": there is no file {value}{hint}")
    return load_vendors(path)


def vendors_path(value: str) -> Path:
    """Return the path of the vendor profiles, from here or from the top level."""
    return Path(value) if Path(value).exists() else ROOT / value


def existing_file(value: str) -> Path:
    """Parse the path of a file that must exist."""
    if not Path(value).is_file():
        raise ValueError(f": there is no file {value}")
    return Path(value)


def service_account(value: str) -> str:
    """Parse the e-mail address of a service account."""
    if not re.fullmatch(r"[\w.-]+@[\w-]+(\.[\w-]+)+", value):
        example = "skolsynk@PROJECT.iam.gserviceaccount.com"
        raise ValueError(f" must be an e-mail address such as {example}")
    return value


def tasks(value: str) -> LocalTasks | CloudTasks:
    """Parse where tasks are queued."""
    if value == "local":
        return LocalTasks()
    if match := re.fullmatch(r"cloudtasks://([\w.:-]+)/([a-z][a-z0-9-]*)", value):
        return CloudTasks(match[1], match[2])
    raise ValueError(" must be local or cloudtasks://PROJECT/LOCATION")


def tasks_url(value: str) -> str:
    """Parse the address that Cloud Tasks calls back on: https, or http on loopback."""
    url = value.strip().rstrip("/")
    local = re.match(r"http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)", url)
    if not _is_address(url) or not (url.startswith("https://") or local):
        raise ValueError(" must be an address such as https://skolsynk.example.se")
    return url


def hours(value: str) -> int:
    """Parse the hours between runs."""
    if not re.fullmatch(r"[0-9]{1,2}", value) or not 1 <= int(value) <= LONGEST_SCHEDULE:
        raise ValueError(f" must be a whole number from 1 to {LONGEST_SCHEDULE}")
    return int(value)


def log_level(value: str) -> int:
    """Parse a level's name; return its number."""
    if value.strip().upper() not in LOG_LEVELS:
        raise ValueError(f" must be {one_of(LOG_LEVELS)}")
    return logging.getLevelNamesMapping()[value.strip().upper()]


def log_format(value: str) -> LogFormat:
    """Parse the format of log lines."""
    if value not in ("text", "json"):
        raise ValueError(f" must be {one_of(('text', 'json'))}")
    return "json" if value == "json" else "text"


def text(value: str) -> str:
    """Return the text without space around it."""
    return value.strip()


def address(value: str) -> str:
    """Parse an address: https, or http on loopback."""
    if problem := address_problem(value.strip()):
        raise ValueError(f" {problem}")
    return value.strip().rstrip("/")


def address_or_off(value: str) -> str | None:
    """Parse an address; None for `off`."""
    return None if value.strip() == "off" else address(value)


def secret(value: str) -> str:
    """Return a secret, or a reference to one in Secret Manager."""
    given = value.strip()
    if given.startswith("secretmanager:") and not SECRET_MANAGER.fullmatch(given):
        raise ValueError(" must be the secret, or secretmanager:projects/P/secrets/S/versions/V")
    return given


def session_secret(value: str) -> str:
    """Return one or more secrets that are long enough to sign sessions with."""
    given = [secret(each) for each in value.split()]
    if any(len(each) < SHORTEST_SECRET for each in given):
        raise ValueError(f" must be {SHORTEST_SECRET} characters or more, each of several too")
    return " ".join(given)


def mail(value: str) -> Smtp:
    """Parse the address of a mail server; its password is added later."""
    if value.strip() == "appengine":
        raise ValueError(
            "=appengine was Google's own mail service, which is no longer used: set "
            f"smtp://USER@HOST and {MAIL_PASSWORD}, see docs/deploy.md"
        )
    form = " must be smtp://[USER@]HOST[:PORT] or smtps://[USER@]HOST[:PORT]"
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


def mail_address(value: str) -> str:
    """Parse an e-mail address."""
    if not MAIL_ADDRESS.fullmatch(value.strip()):
        raise ValueError(" must be an e-mail address, without a name or brackets")
    return value.strip()


def host_and_port(value: str) -> str:
    """Parse HOST:PORT."""
    if not re.fullmatch(r"[^\s/]+:\d{1,5}", value):
        raise ValueError(" must be HOST:PORT")
    return value


def switch(value: str) -> bool:
    """Parse `on` or `off`."""
    if value not in ("on", "off"):
        raise ValueError(" must be on or off")
    return value == "on"


def days(value: str) -> int:
    """Parse a number of days."""
    if not re.fullmatch(r"[0-9]{1,3}", value) or not 1 <= int(value) <= LONGEST_FAREWELL:
        raise ValueError(f" must be a whole number from 1 to {LONGEST_FAREWELL}")
    return int(value)


def project_number(value: str) -> str:
    """Parse the number of a Cloud project."""
    if not re.fullmatch(r"[0-9]{1,30}", value.strip()):
        raise ValueError(" must be a Cloud project's number, such as 123456789012")
    return value.strip()


def name(value: str) -> str:
    """Parse a name that pages show."""
    if len(value.strip()) > LONGEST_NAME or not value.strip().isprintable():
        raise ValueError(f" must be a name of at most {LONGEST_NAME} characters, on one line")
    return value.strip()
