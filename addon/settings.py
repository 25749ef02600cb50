"""What the environment says. Nothing else in the program reads it."""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from addon.faults import did_you_mean, one_of
from addon.vendors import Vendor, VendorsError, load_vendors

ROOT = Path(__file__).resolve().parent.parent
STORE = "SKOLSYNK_STORE"
DIRECTORY_ENDPOINT = "SKOLSYNK_DIRECTORY_ENDPOINT"
VENDORS = "SKOLSYNK_VENDORS"
GOOGLE_KEY_FILE = "SKOLSYNK_GOOGLE_KEY_FILE"
LOG_LEVEL = "SKOLSYNK_LOG_LEVEL"
FIRESTORE_EMULATOR_HOST = "FIRESTORE_EMULATOR_HOST"

KNOWN = (STORE, DIRECTORY_ENDPOINT, VENDORS, GOOGLE_KEY_FILE, LOG_LEVEL)
FOR_TESTS = "SKOLSYNK_REQUIRE_EMULATOR"
FOR_VENDORS = re.compile(r"SKOLSYNK_\w+_(URL|KEY)")
"""Always welcome, named by a profile or not: vendors come and go."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class SettingsError(ValueError):
    """The environment is not right; the message is one line that says which variable."""


@dataclass(frozen=True)
class SqliteStore:
    """The embedded store; a relative `path` is from the current directory."""

    path: Path


@dataclass(frozen=True)
class FirestoreStore:
    """The production store."""

    project: str
    database: str = "(default)"


@dataclass(frozen=True)
class Settings:
    """All that is set from outside.

    `directory_endpoint` answers in Google's place when it is not None; it has no slash at
    its end. `environ` is what the vendors' `env:` references are looked up in; it may hold
    secrets and is therefore not shown. `log_level` is one of `logging`'s numbers.
    """

    store: SqliteStore | FirestoreStore
    vendors: Mapping[str, Vendor]
    directory_endpoint: str | None = None
    google_key_file: Path | None = None
    firestore_emulator: str | None = None
    log_level: int = logging.WARNING
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings that `environ` (default: the process's own) says.

        Raises SettingsError.
        """
        environ = dict(os.environ if environ is None else environ)
        vendors = _vendors(environ)
        references = {name for vendor in vendors.values() for name in vendor.variables()}
        _refuse_unknown(environ, references)
        endpoint = _directory_endpoint(environ)
        return cls(
            store=_store(environ),
            vendors=vendors,
            directory_endpoint=endpoint,
            google_key_file=_google_key_file(environ),
            firestore_emulator=_firestore_emulator(environ),
            log_level=_log_level(environ),
            environ={name: environ[name] for name in references if name in environ},
        )


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
        and name not in (*KNOWN, FOR_TESTS)
        and name not in references
        and not FOR_VENDORS.fullmatch(name)
    )
    if unknown:
        told = ", ".join(name + did_you_mean(name, KNOWN).replace(";", ",") for name in unknown)
        raise SettingsError(f"unknown environment variable {told}")


def _store(environ: Mapping[str, str]) -> SqliteStore | FirestoreStore:
    value = _value(environ, STORE) or "sqlite:///var/skolsynk.db"
    if match := re.fullmatch(r"sqlite:///(/*[^/\0\n].*[^/\n]|[^/\0\n])", value):
        if match[1] != ":memory:":
            return SqliteStore(Path(match[1]))
    elif match := re.fullmatch(r"firestore://([\w.:-]+)(?:/(\(default\)|[\w-]+))?", value):
        return FirestoreStore(match[1], match[2] or "(default)")
    raise SettingsError(f"{STORE} must be sqlite:///PATH or firestore://PROJECT[/DATABASE]")


def _directory_endpoint(environ: Mapping[str, str]) -> str | None:
    value = _value(environ, DIRECTORY_ENDPOINT)
    if value is None:
        return None
    endpoint = value.strip().rstrip("/").removesuffix("/admin/directory/v1").rstrip("/")
    try:
        parts = urlsplit(endpoint)
        whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        whole = None
    if not whole or re.search(r"[?#@\s]", endpoint):
        raise SettingsError(
            f"{DIRECTORY_ENDPOINT} must be an address such as http://127.0.0.1:8090"
        )
    return endpoint


def _google_key_file(environ: Mapping[str, str]) -> Path | None:
    given = _value(environ, GOOGLE_KEY_FILE)
    if given is not None and not Path(given).is_file():
        raise SettingsError(f"{GOOGLE_KEY_FILE}: there is no file {given}")
    path = given or environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    return Path(path) if path else None


def _firestore_emulator(environ: Mapping[str, str]) -> str | None:
    value = environ.get(FIRESTORE_EMULATOR_HOST)
    if value and not re.fullmatch(r"[^\s/]+:\d{1,5}", value):
        raise SettingsError(f"{FIRESTORE_EMULATOR_HOST} must be HOST:PORT")
    return value or None


def _log_level(environ: Mapping[str, str]) -> int:
    level = (_value(environ, LOG_LEVEL) or "WARNING").strip().upper()
    if level not in LOG_LEVELS:
        raise SettingsError(f"{LOG_LEVEL} must be {one_of(LOG_LEVELS)}")
    return logging.getLevelNamesMapping()[level]
