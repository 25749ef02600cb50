"""Vendor profiles: what each vendor accepts, and where and how it is reached.

A vendor is added by a profile in `vendors.toml`, without code.

Profiles are TOML (docs/vendor-profiles.md). They never contain secrets, only references:
`env:NAME` or `secretmanager:projects/P/secrets/S/versions/V`.
"""

import ipaddress
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from addon import validation as reading
from addon.validation import Fault, Faults, below

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9_-]*")
ENVIRONMENT = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
SECRET_MANAGER = re.compile(r"secretmanager:(projects/[^/\s]+/secrets/[^/\s]+/versions/[^/\s]+)")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
MOST_CONCURRENCY = 100

OptionalField = Literal["email", "schoolYear", "cloudId", "schoolType"]

Secrets = Callable[[str], str]
"""Returns the secret of a Secret Manager resource name, `projects/P/secrets/S/versions/V`."""


class VendorsError(ValueError):
    """The profiles are not valid; `faults` has the details, `str()` one fault per line."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class NotConfigured(Exception):
    """A vendor cannot be reached because a setting is missing; the message says which."""


@dataclass(frozen=True)
class Target:
    """The URL to send to and the headers that authenticate Skolsynk; `repr` omits the headers.

    `url` is the base address without a trailing slash; `ca_bundle` is a path or None.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    ca_bundle: str | None = None


class Profile(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """Base of all parts of a profile: immutable, strict, camelCase."""


class Endpoint(Profile, frozen=True):
    """One of a vendor's endpoints, with references in place of values that are not public."""

    url: str
    secret: str
    header: str = "X-API-Key"
    prefix: str = ""
    ca_bundle: str | None = None

    def variables(self) -> tuple[str, ...]:
        """The environment variables that the endpoint refers to."""
        found = (ENVIRONMENT.fullmatch(reference) for reference in (self.url, self.secret))
        return tuple(match[1] for match in found if match)

    def resolve(self, environ: Mapping[str, str], secrets: Secrets | None = None) -> Target:
        """Return the endpoint with its references resolved. Raises NotConfigured."""
        missing = [name for name in self.variables() if not environ.get(name, "").strip()]
        if missing:
            raise NotConfigured(f"set {' and '.join(missing)}: not in the environment, or empty")
        url = _followed(self.url, environ).rstrip("/")
        if problem := address_problem(url):
            raise NotConfigured(f"{self.url.removeprefix('env:')} {problem}")
        secret = self._secret(environ, secrets)
        if not HEADER_VALUE.fullmatch(secret):
            raise NotConfigured(
                f"{self.secret.removeprefix('env:')} holds characters that cannot be in a header"
            )
        return Target(url, {self.header: self.prefix + secret}, self.ca_bundle)

    def _secret(self, environ: Mapping[str, str], secrets: Secrets | None) -> str:
        managed = SECRET_MANAGER.fullmatch(self.secret)
        if not managed:
            return _followed(self.secret, environ)
        if secrets is None:
            raise NotConfigured(f"{managed[1]} is in Secret Manager: it needs Google Cloud for now")
        return secrets(managed[1]).strip()


class Abilities(Profile, frozen=True):
    """What a profile says of a vendor; `Vendor` adds its id.

    `groups` is which classes and teaching groups it accepts, `placements` whether a person may be
    at many school units and classes or at one, `fields` the optional fields it uses, of which it
    recommends `recommended`. With `agreement`, the pages ask for the data processing agreement with
    it before the first live delivery.
    """

    name: str
    support: str = ""
    groups: Literal["all", "classes"] = "all"
    placements: Literal["many", "one"] = "many"
    fields: tuple[OptionalField, ...] = ()
    recommended: tuple[OptionalField, ...] = ()
    agreement: bool = False
    requests_per_second: float = 10
    concurrency: int = 4
    live: Endpoint | None = None
    test: Endpoint | None = None


class Vendor(Abilities, frozen=True, kw_only=True):
    """A vendor, which receives the resources, by its id in the profiles."""

    id: str

    def endpoint(self, mode: Literal["test", "live"]) -> Endpoint:
        """The endpoint of `mode`. Raises NotConfigured when the profile has none."""
        endpoint = self.live if mode == "live" else self.test
        if endpoint is None:
            raise NotConfigured(f"the profile has no [vendors.{self.id}.{mode}]")
        return endpoint

    def variables(self) -> tuple[str, ...]:
        """The environment variables that the profile refers to."""
        endpoints = (e for e in (self.live, self.test) if e is not None)
        return tuple(name for e in endpoints for name in e.variables())


class _File(Profile, frozen=True):
    vendors: dict[str, Abilities]


def load_vendors(path: Path) -> dict[str, Vendor]:
    """Load the profiles in the file at `path`, by vendor id, in the file's order.

    Raises VendorsError with every fault found, also when the file cannot be read.
    """
    faults = Faults()
    file = reading.read(_toml(path, faults), _File, faults)
    for key, abilities in file.vendors.items():
        _check(key, abilities, below("vendors", key), faults)
    if found := faults.found():
        raise VendorsError(found)
    return {
        key: Vendor(id=key, **msgspec.structs.asdict(abilities))
        for key, abilities in file.vendors.items()
    }


def vendor_name(vendors: Mapping[str, Vendor], vendor: str) -> str:
    """Return the vendor's name; its id when there is no such vendor."""
    profile = vendors.get(vendor)
    return vendor if profile is None else profile.name


def address_problem(address: str) -> str | None:
    """Why `address` cannot be an endpoint's, as the end of a sentence; None if it can.

    It must be https, or http on loopback, since the data sent is about children.
    """
    if not re.fullmatch(r"[\x21-\x7e]+", address) or "\\" in address:
        return "must be an address without spaces and other odd characters"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    if "@" in parts.netloc:
        return "must not hold a user name or a password"
    if "?" in address or "#" in address:
        return "must not hold a query or a fragment"
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        return "must be https, or http on loopback"
    return None


def _is_loopback(host: str) -> bool:
    if host in ("localhost", "::1"):
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def _followed(reference: str, environ: Mapping[str, str]) -> str:
    match = ENVIRONMENT.fullmatch(reference)
    return environ[match[1]].strip() if match else reference


def _toml(path: Path, faults: Faults) -> object:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        faults.stand_in("", f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        faults.stand_in("", "not UTF-8")
    except tomllib.TOMLDecodeError as error:
        faults.stand_in("", f"not TOML: {error}")
    return None


def _check(key: str, vendor: Abilities, place: str, faults: Faults) -> None:
    if not IDENTIFIER.fullmatch(key):
        faults.add(place, "an id is lower-case letters a-z, digits, - and _")
    if not vendor.name.strip():
        faults.add(below(place, "name"), "must not be empty")
    for n, name in enumerate(vendor.recommended):
        if name not in vendor.fields:
            faults.add(f"{place}.recommended[{n}]", "must be one of fields")
    if not 0 < vendor.requests_per_second < math.inf:
        faults.add(below(place, "requestsPerSecond"), "must be above 0")
    if not 1 <= vendor.concurrency <= MOST_CONCURRENCY:
        faults.add(
            below(place, "concurrency"),
            "must be from {least} to {most}",
            least=1,
            most=MOST_CONCURRENCY,
        )
    if vendor.live:
        _check_endpoint(vendor.live, below(place, "live"), faults)
    if vendor.test:
        _check_endpoint(vendor.test, below(place, "test"), faults)


def _check_endpoint(endpoint: Endpoint, place: str, faults: Faults) -> None:
    if not ENVIRONMENT.fullmatch(endpoint.url) and (problem := address_problem(endpoint.url)):
        faults.add(below(place, "url"), problem)
    if not ENVIRONMENT.fullmatch(endpoint.secret) and not SECRET_MANAGER.fullmatch(endpoint.secret):
        faults.add(
            below(place, "secret"),
            "must be env:NAME or secretmanager:projects/P/secrets/S/versions/V, never the secret",
        )
    if not HEADER_NAME.fullmatch(endpoint.header):
        faults.add(below(place, "header"), "must be the name of an HTTP header")
    if not HEADER_VALUE.fullmatch(endpoint.prefix):
        faults.add(below(place, "prefix"), "must be what an HTTP header can hold")
    if endpoint.ca_bundle is not None and not endpoint.ca_bundle.strip():
        faults.add(below(place, "caBundle"), "must be the path of a file, or left out")
