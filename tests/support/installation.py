"""Skolsynk installed for a test: a small domain, two vendors, and the real command line.

with Installation(folder) as here:
    assert here.run("sync", TENANT).status == 0
    assert here.all.held("User")
"""

import copy
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from msgspec import structs

from addon.bootstrap import directory_source, open_store, sync_context
from addon.cli.commands import main
from addon.delivery.throttle import RetryPolicy
from addon.directory.google.reader import read
from addon.directory.google.retry import ReadRetryPolicy
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.settings import Settings
from addon.store.base import Store
from addon.sync.context import SyncContext
from tests.support.egil_server import EgilServer

JSON = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
TENANT = "C0storvik"
DOMAIN = "edu.storvik.se"
QUICK = RetryPolicy(first_wait=0.001, longest_wait=0.004, longest_pause=0.5)
QUICK_READING = ReadRetryPolicy(first_wait=0.001, longest_wait=0.004)

PUPILS = {
    "7A": [
        ("Torvald", "Äppelqvist"),
        ("Sigbritt", "Nguyễn"),
        ("Zoë", "af Klercker"),
        ("Ottar", "Groß-Lindahl"),
        ("Ylva", "O'Leary"),
        ("Bo", "Ek"),
    ],
    "7B": [
        ("Hjördis", "Vängbo"),
        ("Abdirahman", "Warsame"),
        ("Ragnvald", "Kvist"),
        ("Åsa-Märta", "Fjäll"),
        ("Øyvind", "Brandt"),
        ("Li", "Xu"),
    ],
}
STAFF = [("Gunnel", "Pärlbåt"), ("Rickard", "Ödesjö")]
HIDDEN = ("Hemliga", "Skyddsson")

PROFILES = """\
[vendors.all]
name = "All"
fields = ["email", "schoolYear", "cloudId"]
requestsPerSecond = 5000
concurrency = 4

[vendors.all.live]
url = "env:SKOLSYNK_ALL_LIVE_URL"
secret = "env:SKOLSYNK_ALL_LIVE_KEY"

[vendors.all.test]
url = "env:SKOLSYNK_ALL_TEST_URL"
secret = "env:SKOLSYNK_ALL_TEST_KEY"

[vendors.some]
name = "Some"
groups = "classes"
placements = "one"
fields = ["email", "schoolYear"]
requestsPerSecond = 5000
concurrency = 4

[vendors.some.live]
url = "env:SKOLSYNK_SOME_LIVE_URL"
secret = "env:SKOLSYNK_SOME_LIVE_KEY"
"""

DOCUMENT: JSON = {
    "customerId": TENANT,
    "primaryDomain": DOMAIN,
    "delegatedAdmin": f"skolsynk@{DOMAIN}",
    "organisation": {"name": "Storviks kommun", "organisationNumber": "2120009999"},
    "protected": {"orgUnits": ["/Skyddade"]},
    "schoolUnits": [
        {
            "code": "12345678",
            "name": "Norra skolan",
            "schoolTypes": ["GR"],
            "students": {"orgUnits": ["/Elever"]},
            "staff": {"orgUnits": ["/Personal"]},
            "classes": {"from": "orgUnit", "pattern": "^/Elever/(?P<name>[^/]+)$"},
            "schoolYear": {"from": "class", "pattern": "^(?P<year>\\d+)"},
        }
    ],
    "connections": [
        {
            "vendor": vendor,
            "mode": "live",
            "schoolUnits": ["12345678"],
            "fields": ["email", "schoolYear"],
            "limits": {"deletions": 3, "deletionsPercent": 50},
        }
        for vendor in ("all", "some")
    ],
}


def address(given: str, family: str) -> str:
    """The address of a person: their name, in the letters that an address can have."""
    plain = f"{given}.{family}".lower().translate(str.maketrans("äåöëøễß' ", "aaoeoes--"))
    return f"{plain}@{DOMAIN}"


def person(given: str, family: str, org_unit: str) -> JSON:
    return {
        "primaryEmail": address(given, family),
        "orgUnitPath": org_unit,
        "name": {"givenName": given, "familyName": family},
    }


def small_domain() -> Domain:
    """A school with two classes, two teachers, and a pupil with protected identity."""
    users = [person(*name, f"/Elever/{group}") for group, names in PUPILS.items() for name in names]
    users += [person(*name, "/Personal") for name in STAFF]
    users.append(person(*HIDDEN, "/Skyddade"))
    return Domain.from_json(
        {
            "customer": {"id": TENANT, "customerDomain": DOMAIN},
            "domains": [{"domainName": DOMAIN, "isPrimary": True}],
            "orgUnits": ["/Skyddade", "/Elever/Slutat"],
            "users": users,
        }
    )


@dataclass(frozen=True)
class Ran:
    """What a command gave: its exit status and what it wrote."""

    status: int
    out: str
    err: str
    raw: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        return json.loads(self.out)

    def part(self, vendor: str) -> JSON:
        """The part of a run's report that is about one vendor."""
        found: list[JSON] = [c for c in self.json["connections"] if c["vendor"] == vendor]
        (one,) = found
        return one


class Installation:
    """A folder with a store and profiles, a directory and two vendors, `all` and `some`."""

    def __init__(self, folder: Path, **knobs: Any) -> None:
        self.folder = folder
        self.document = copy.deepcopy(DOCUMENT)
        self.all = EgilServer(key="all-key", **knobs)
        self.some = EgilServer(key="some-key", **knobs)
        self.test = EgilServer(key="test-key", **knobs)
        self._stack = ExitStack()

    def __enter__(self) -> "Installation":
        self.directory = self._stack.enter_context(DirectoryServer(small_domain()))
        for server in self.vendors:
            self._stack.enter_context(server)
        (self.folder / "vendors.toml").write_text(PROFILES)
        self.environ = {
            "SKOLSYNK_STORE": f"sqlite:///{self.folder}/skolsynk.db",
            "SKOLSYNK_DIRECTORY_ENDPOINT": self.directory.url,
            "SKOLSYNK_VENDORS": str(self.folder / "vendors.toml"),
            "SKOLSYNK_ALL_LIVE_URL": self.all.url,
            "SKOLSYNK_ALL_LIVE_KEY": self.all.key,
            "SKOLSYNK_ALL_TEST_URL": self.test.url,
            "SKOLSYNK_ALL_TEST_KEY": self.test.key,
            "SKOLSYNK_SOME_LIVE_URL": self.some.url,
            "SKOLSYNK_SOME_LIVE_KEY": self.some.key,
        }
        self.import_document()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def domain(self) -> Domain:
        """The domain, for its story methods."""
        return self.directory.domain

    @property
    def vendors(self) -> tuple[EgilServer, ...]:
        """All vendors' servers."""
        return self.all, self.some, self.test

    @property
    def requests(self) -> list[tuple[str, str]]:
        """What all vendors were asked, as (method, path)."""
        return [(r.method, r.path) for server in self.vendors for r in server.requests]

    def forget_requests(self) -> None:
        """Forgets the vendors' requests and faults."""
        for server in self.vendors:
            server.clear()

    def import_document(self) -> None:
        """Imports `document` as it is now."""
        path = self.folder / "tenant.json"
        path.write_text(json.dumps(self.document, ensure_ascii=False), "utf-8")
        ran = self.run("tenant", "import", str(path))
        assert ran.status == 0, ran

    def connection(self, vendor: str, **values: Any) -> None:
        """Changes a connection in the document, and imports it."""
        next(c for c in self.document["connections"] if c["vendor"] == vendor).update(values)
        self.import_document()

    def run(self, *arguments: str, stdin: bytes = b"", **environ: str | None) -> Ran:
        """A command, in this process; a variable given as None is unset."""
        out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        err = io.StringIO()
        given = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
        with (
            mock.patch.dict(os.environ, self._environ(environ), clear=True),
            mock.patch.object(sys, "stdin", given),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                status = main(arguments)
            except SystemExit as end:  # argparse
                status = end.code if isinstance(end.code, int) else 1
        raw = out.buffer.getvalue()  # type: ignore[attr-defined]
        return Ran(status, raw.decode(), err.getvalue(), raw)

    def spawn(
        self, *arguments: str, stderr: int = subprocess.PIPE, **environ: str | None
    ) -> "subprocess.Popen[bytes]":
        """A command, in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "addon", *arguments],
            cwd=ROOT,
            env=self._environ(environ),
            stdout=subprocess.PIPE,
            stderr=stderr,
        )

    @contextmanager
    def sync_context(self, patience: RetryPolicy = QUICK) -> Iterator[SyncContext]:
        """What a run needs, as the command line puts it together, but in a hurry."""
        settings = Settings.from_environ(self._environ({}))
        with closing(open_store(settings)) as store:

            def hurried(tenant: Any) -> Any:
                source = directory_source(settings, tenant)
                return read(tenant, structs.replace(source, patience=QUICK_READING))

            found = sync_context(settings, store)
            yield structs.replace(found, read_directory=hurried, retry_policy=patience)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store."""
        with closing(open_store(Settings.from_environ(self._environ({})))) as store:
            yield store

    def leave(self, *names: tuple[str, str]) -> None:
        """People leave: their accounts are deleted."""
        for name in names:
            self.domain.remove_user(address(*name))

    def _environ(self, more: dict[str, str | None]) -> dict[str, str]:
        base = {k: v for k, v in os.environ.items() if not k.startswith("SKOLSYNK_")}
        whole = {**base, **getattr(self, "environ", {}), **more}
        return {name: value for name, value in whole.items() if value is not None}
