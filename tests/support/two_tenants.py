"""Two tenants in one world, both with everything that a tenant can have.

with TwoTenants(folder) as both:
    ours, theirs = both.world.sign_in(), both.world.sign_in(STRANGER)
"""

import io
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from addon.bootstrap import read_directory
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.ss12000.ids import Ids
from addon.store.records import RunRecord
from addon.tenants.document import load_tenant
from addon.web.directory import snapshot_store
from tests.support.page_content import form_of
from tests.support.routes import walk
from tests.support.small_school import (
    DOMAIN,
    HIDDEN,
    OTHER_TENANT,
    PUPILS,
    STAFF,
    STRANGER,
    TENANT,
    leave,
    small_school_pages,
)

OURS = (
    "Storvik",
    DOMAIN,
    "Undangömda friskolan",
    *(family for names in PUPILS.values() for _, family in names if len(family) > 2),
    *(family for _, family in (*STAFF, HIDDEN)),
)
"""Words of ours, which nobody else may read. Our unit's name is none: the register has it."""
UPLOAD = (
    "Skolenhetskod;Skolenhetsnamn;Organisationsnummer\n22223333;Undangömda friskolan;2120009999\n"
)
THEIR_UNIT = "87654321"
THEIR_PUPIL = "Grannström"
THEIR_DOMAIN = "edu.annanstad.se"


def their_domain() -> Domain:
    """A school with one class."""
    users = [
        {
            "primaryEmail": f"elev{n}@{THEIR_DOMAIN}",
            "orgUnitPath": "/Elever/8C",
            "name": {"givenName": f"Elev{n}", "familyName": THEIR_PUPIL},
        }
        for n in range(6)
    ]
    return Domain.from_json(
        {
            "customer": {"id": OTHER_TENANT, "customerDomain": THEIR_DOMAIN},
            "domains": [{"domainName": THEIR_DOMAIN, "isPrimary": True}],
            "users": users,
        }
    )


def their_document() -> dict[str, Any]:
    """Theirs is with a vendor that we have too."""
    unit = {
        "code": THEIR_UNIT,
        "name": "Grannskolan",
        "students": {"orgUnits": ["/Elever"]},
        "classes": {"from": "orgUnit", "pattern": "^/Elever/(?P<name>[^/]+)$"},
    }
    return {
        "customerId": OTHER_TENANT,
        "primaryDomain": THEIR_DOMAIN,
        "delegatedAdmin": STRANGER,
        "organisation": {"name": "Annanstads kommun"},
        "schoolUnits": [unit],
        "connections": [{"vendor": "all", "mode": "live", "schoolUnits": [THEIR_UNIT]}],
    }


class TwoTenants:
    """A world with both, started by `with`; both have people at the vendor `all`."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.world = small_school_pages(folder, **environ)
        self._stack = ExitStack()

    def __enter__(self) -> "TwoTenants":
        self._stack.enter_context(self.world)
        self._their_directory = self._stack.enter_context(DirectoryServer(their_domain()))
        self._make_ours()
        self._make_theirs()
        self.world.forget_requests()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def ids(self) -> Mapping[str, str]:
        """Ids of ours that fill in routes."""
        held, done = self._runs()
        return {
            "code": "12345678",
            "datakvalitet code": "student-without-class",
            "vendor": "all",
            "mode": "live",
            "user_id": self.world.domain.find_user(f"bo.ek@{DOMAIN}")["id"],  # type: ignore[index]
            "run_id": done.id if done else held.id,
        }

    @property
    def external_ids(self) -> tuple[str, ...]:
        """What our pupils are called at vendors."""
        known = Ids(TENANT)
        return tuple(known.user(each) for each in self.world.domain.users)

    def walk(self, *methods: str) -> Iterator[tuple[str, str]]:
        """The addresses of all that is for administrators, with ids of ours, by these methods."""
        for method, path, _rule in walk(self.world.app, self.ids):
            if method in methods:
                yield method, path

    def pages(self, client: FlaskClient) -> Iterator[tuple[str, TestResponse]]:
        """Every page as whoever has signed in gets it, made ready."""
        for _, path in self.walk("GET"):
            yield path, self.world.ready(client, path)

    def rows(self, tenant: str = TENANT) -> Mapping[str, list[Any]]:
        """All that the store's file has of a tenant, by table."""
        file = self.world.folder / "skolsynk.db"
        with closing(sqlite3.connect(file)) as db:
            own = {"tenants": "id = ?"}
            for table in ("connections", "runs", "leases", "snapshots", "papers", "log"):
                own[table] = "tenant = ?"
            for table in ("entries", "refusals"):
                own[table] = "connection IN (SELECT id FROM connections WHERE tenant = ?)"
            return {
                table: sorted(
                    map(repr, db.execute(f"SELECT * FROM {table} WHERE {that}", (tenant,)))
                )
                for table, that in own.items()
            }

    def read_theirs(self) -> None:
        """Reads their directory; the pages have one directory for all, and that is ours."""
        settings = replace(
            self.world.services.settings, directory_endpoint=self._their_directory.url
        )
        stored = self.world.store.tenant(OTHER_TENANT)
        assert stored is not None
        tenant = load_tenant(stored)
        snapshot_store.read_and_store(
            lambda tenant, told: read_directory(settings, tenant, told),
            self.world.store,
            tenant,
            self.world.clock,
        )

    def _make_ours(self) -> None:
        """A delivery, a hold, a log, a survey and a register of their own."""
        world = self.world
        world.change_connection("all", mode="live")
        assert world.run("sync", TENANT).status == 0
        leave(world, *PUPILS["7B"][:5])
        assert world.run("sync", TENANT).status == 3
        client = world.sign_in()
        assert world.ready(client, "/personer").status_code == 200
        data = form_of(client.get("/skolenheter/sok"), "/skolenheter/fil")
        data["file"] = io.BytesIO(UPLOAD.encode()), "register.csv"
        client.post("/skolenheter/fil", data=data, content_type="multipart/form-data")
        page = client.get("/installningar")
        form = {"email": f"larm@{DOMAIN}", "about": ["held"]}
        assert world.send(client, page, "/installningar/aviseringar", **form).status_code == 302

    def _make_theirs(self) -> None:
        world = self.world
        path = world.folder / "theirs.json"
        path.write_text(json.dumps(their_document()))
        assert world.run("tenant", "import", str(path)).status == 0
        endpoint = {"SKOLSYNK_DIRECTORY_ENDPOINT": self._their_directory.url}
        assert world.run("sync", OTHER_TENANT, **endpoint).status == 0
        self.read_theirs()

    def _runs(self) -> tuple[RunRecord, RunRecord | None]:
        runs = self.world.store.runs(TENANT)
        return runs[0], next((run for run in runs if run.status == "done"), None)
