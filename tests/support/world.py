"""One world for all tests: a directory, vendors, and Skolsynk between them in a folder.

    with World(folder, domain, vendors, profiles, document) as world:
        assert world.run("sync", tenant).status == 0

`small_school` builds the one that most tests use.
"""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol
from unittest import mock
from urllib.parse import urlsplit

import requests
from flask import Flask, session
from flask.testing import FlaskClient
from msgspec import structs
from werkzeug.test import TestResponse

from addon.bootstrap import directory_source, open_store, sync_context
from addon.delivery.throttle import RetryPolicy
from addon.directory.google.evidence import ask
from addon.directory.google.reader import read
from addon.sandbox import environment
from addon.sandbox.directory_server import DirectoryServer
from addon.sandbox.domain import Domain
from addon.sandbox.environment import without_settings, write_environment
from addon.sandbox.identity import IdentityProvider
from addon.sandbox.register_server import ORGANISERS, RegisterServer
from addon.school_register.model import Organiser, RegisterUnit
from addon.settings import Settings
from addon.store.base import Store
from addon.sync.context import SyncContext
from addon.web import services
from addon.web.security import auth
from addon.web.services import Services
from tests.support.application import Application
from tests.support.clock import Clock
from tests.support.command_line import CommandResult, run_command
from tests.support.page_content import form_of, text_of
from tests.support.served import Served
from tests.support.short_waits import QUICK, QUICK_READING

JSON = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]


class VendorServer(environment.VendorServer, Protocol):
    """An EGIL server of the tests, or a vendor of the sandbox."""

    @property
    def requests(self) -> Any: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *_: object) -> None: ...


class Pages(NamedTuple):
    """What the application needs beside the rest: who can sign in, and the school register.

    Both servers are shared by all tests unless `own_servers`: for tests that change one.
    """

    accounts: Sequence[JSON]
    register: tuple[RegisterUnit, ...]
    own_servers: bool = False
    retry_policy: RetryPolicy | None = QUICK
    """What the application uses for vendors in place of its own."""
    organisers: tuple[Organiser, ...] = ORGANISERS


@cache
def shared_provider(accounts: str) -> IdentityProvider:
    """A provider that knows these accounts (JSON), until the tests end."""
    return IdentityProvider(json.loads(accounts)).__enter__()


@cache
def shared_register(
    units: tuple[RegisterUnit, ...], organisers: tuple[Organiser, ...] = ORGANISERS
) -> RegisterServer:
    """A register of these units, until the tests end."""
    return RegisterServer(units, organisers).__enter__()


class World:
    """The parts of a test, started by `with`; without `domain` there is no directory.

    `vendors` are servers by vendor and mode; profiles (TOML) name them by the environment:
    `SKOLSYNK_{VENDOR}_{MODE}_URL` and `_KEY`. With `pages` the application is started too.
    Settings in `environ` go on top of the world's own.
    """

    def __init__(
        self,
        folder: Path,
        domain: Domain | None,
        vendors: Mapping[tuple[str, str], VendorServer],
        profiles: str,
        document: JSON | None = None,
        *,
        pages: Pages | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.folder = folder
        self.document = copy.deepcopy(document)
        self.vendors = vendors
        self.clock = clock or Clock()
        self._domain = domain
        self._profiles = profiles
        self._pages = pages
        self._extra_environ = environ or {}
        self._stack = ExitStack()
        self._served: Served | None = None

    def __enter__(self) -> "World":
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        directory_url = None
        if self._domain is not None:
            self.directory = stack.enter_context(DirectoryServer(self._domain))
            directory_url = self.directory.url
        for server in self.vendors.values():
            stack.enter_context(server)
        self.environ = write_environment(self.folder, self._profiles, self.vendors, directory_url)
        if self.document is not None:
            self.import_document()
        if self._pages is not None:
            self._start_surroundings_of(self._pages, stack)
        self.environ |= self._extra_environ
        if self._pages is not None:
            self.start_application()
            stack.callback(self.stop_application)

    def _start_surroundings_of(self, pages: Pages, stack: ExitStack) -> None:
        accounts = list(pages.accounts)
        self.accounts = {user["primaryEmail"]: user["id"] for user in accounts}
        if pages.own_servers:
            self.provider = stack.enter_context(IdentityProvider(accounts))
            self.register = stack.enter_context(RegisterServer(pages.register, pages.organisers))
        else:
            self.provider = shared_provider(json.dumps(accounts, sort_keys=True))
            self.register = shared_register(pages.register, pages.organisers)
        self.environ |= self.provider.environ | {"SKOLSYNK_REGISTER": self.register.url}
        if (retry_policy := pages.retry_policy) is not None:
            original = services.sync_context
            quick = lambda *given: structs.replace(original(*given), retry_policy=retry_policy)  # noqa: E731
            stack.enter_context(mock.patch.object(services, "sync_context", quick))

    # The directory and the vendors

    @property
    def domain(self) -> Domain:
        """The domain, for changes to it."""
        return self.directory.domain

    def vendor(self, name: str, mode: str = "live") -> Any:
        """The server of one vendor's environment."""
        return self.vendors[name, mode]

    @property
    def requests(self) -> list[tuple[str, str]]:
        """What all vendors were asked, as (method, path)."""
        return [(r.method, r.path) for server in self.vendors.values() for r in server.requests]

    def forget_requests(self) -> None:
        """Forget the vendors' requests and faults."""
        for server in self.vendors.values():
            server.clear()  # type: ignore[attr-defined]

    # The tenant

    @property
    def tenant(self) -> str:
        """The id of the tenant, which is Google's for the customer."""
        return str(self.domain.customer["id"])

    def import_document(self) -> None:
        """Import `document` as it is now."""
        path = self.folder / "tenant.json"
        path.write_text(json.dumps(self.document, ensure_ascii=False), "utf-8")
        result = self.run("tenant", "import", str(path))
        assert result.status == 0, result

    def change_connection(self, vendor: str, **values: Any) -> None:
        """Change a connection in the document, and import it."""
        assert self.document is not None
        next(c for c in self.document["connections"] if c["vendor"] == vendor).update(values)
        self.import_document()

    def stored_document(self) -> JSON:
        """The tenant's document as the application has stored it."""
        stored = self.store.tenant(self.tenant)
        assert stored is not None
        found: JSON = json.loads(stored)
        return found

    # The command line

    def run(self, *arguments: str, stdin: bytes = b"", **environ: str | None) -> CommandResult:
        """Run a command in this process; a variable given as None is unset."""
        return run_command(arguments, self._environ(environ), stdin)

    def spawn(
        self,
        *arguments: str,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
        start_new_session: bool = False,
        closed: Collection[int] = (),
        **environ: str | None,
    ) -> "subprocess.Popen[bytes]":
        """Start a command in a process of its own; file descriptors in `closed` are closed."""

        def close() -> None:
            for number in closed:
                os.close(number)

        return subprocess.Popen(
            [sys.executable, "-m", "addon", *arguments],
            cwd=ROOT,
            env=self._environ(environ),
            stdout=stdout,
            stderr=stderr,
            start_new_session=start_new_session,
            preexec_fn=close if closed else None,
        )

    def environ_of_commands(self) -> dict[str, str]:
        """The environment variables of a command."""
        return self._environ({})

    def _environ(self, more: Mapping[str, str | None]) -> dict[str, str]:
        whole = {**without_settings(os.environ), **self.environ, **more}
        return {name: value for name, value in whole.items() if value is not None}

    # Runs in this process

    @property
    def settings(self) -> Settings:
        """The settings that `environ` gives."""
        return Settings.from_environ(self._environ({}))

    @contextmanager
    def sync_context(self, retry_policy: RetryPolicy = QUICK) -> Iterator[SyncContext]:
        """What a run needs, as the command line puts it together, with short waits."""
        settings = self.settings
        with closing(open_store(settings)) as store:
            yield self.sync_context_on(store, retry_policy, settings)

    def sync_context_on(
        self, store: Store, retry_policy: RetryPolicy, settings: Settings
    ) -> SyncContext:
        """The same on a store that is open already."""

        def quick_read(tenant: Any) -> Any:
            source = directory_source(settings, tenant)
            return read(tenant, structs.replace(source, retry_policy=QUICK_READING))

        def quick_ask(tenant: Any, questions: Any, budget: int) -> Any:
            source = directory_source(settings, tenant)
            return ask(
                tenant, structs.replace(source, retry_policy=QUICK_READING), questions, budget
            )

        return structs.replace(
            sync_context(settings, store),
            read_directory=quick_read,
            ask_directory=quick_ask,
            retry_policy=retry_policy,
        )

    @contextmanager
    def open_store(self) -> Iterator[Store]:
        """The store, opened for this block beside any that the application has."""
        with closing(open_store(self.settings)) as store:
            yield store

    # The application

    def start_application(self) -> None:
        """Make the application, as a process does at its start."""
        self.application = Application(Settings.from_environ(self.environ), self.clock)
        if self._served is not None:
            self._served.app = self.app

    def stop_application(self) -> None:
        """End the application."""
        self.application.stop()

    def restart_application(self) -> None:
        """End the application and make another, for which clients must be made again."""
        self.stop_application()
        self.start_application()

    @property
    def app(self) -> Flask:
        """The application as Flask knows it."""
        return self.application.app

    @property
    def services(self) -> Services:
        """The parts that the application's views use."""
        return self.application.services

    @property
    def store(self) -> Store:
        """The application's store."""
        return self.services.store()

    def serve(self) -> None:
        """Serve the application on loopback, at `url`, until the end."""
        self._served = self._stack.enter_context(Served(self.app))
        self.url = self._served.url

    def wait_for_tasks(self) -> None:
        """Wait until all tasks are done."""
        self.application.wait_for_tasks()

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        """Move the clock ahead by so many seconds for this block."""
        self.clock.ahead += seconds
        try:
            yield
        finally:
            self.clock.ahead -= seconds

    # Signing in; without an address, as the first account

    def sign_in(self, email: str = "") -> FlaskClient:
        """A client with the session of somebody who has signed in and was let in."""
        email = email or next(iter(self.accounts))
        client = self.app.test_client()
        with self.app.test_request_context():
            auth.start_session(auth.authenticate(self.services, self.accounts[email], email))
            kept = dict(session)
        with client.session_transaction() as begun:
            begun.permanent = True
            begun.update(kept)
        return client

    def sign_in_by_provider(self, email: str = "", return_to: str = "/") -> FlaskClient:
        """A client that has signed in through the identity provider."""
        client = self.app.test_client()
        assert self.try_to_sign_in(client, email, return_to).status_code == 302
        return client

    def try_to_sign_in(
        self, client: FlaskClient, email: str = "", return_to: str = "/"
    ) -> TestResponse:
        """The answer to the last step of signing in."""
        location = self.begin_sign_in(client, return_to)
        return client.get(self.choose_account(location, email))

    def begin_sign_in(self, client: FlaskClient, return_to: str = "/") -> str:
        """The provider's address that the sign-in page sends to."""
        page = client.get("/logga-in", query_string={"vidare": return_to})
        begun = client.post("/logga-in", data=form_of(page, "/logga-in"))
        assert begun.status_code == 302, begun.text
        return str(begun.location)

    def choose_account(self, location: str, email: str = "") -> str:
        """The address at the application that the provider sends to after the choice."""
        email = email or next(iter(self.accounts))
        account = self.accounts.get(email, email)
        with requests.Session() as browser:
            answer = browser.post(location, data={"sub": account}, allow_redirects=False, timeout=9)
        parts = urlsplit(answer.headers["Location"])
        return f"{parts.path}?{parts.query}"

    # Pages

    def ready(self, client: FlaskClient, path: str, **more: Any) -> TestResponse:
        """A page once the directory is read and what it needs is computed."""
        for _ in range(200):
            response = client.get(path, **more)
            if response.status_code != 202:
                return response
            self.wait_for_tasks()  # what is made in threads, the page itself waits a moment for
        raise AssertionError(f"{path} never became ready")

    def send(
        self, client: FlaskClient, page: TestResponse, action: str, **values: Any
    ) -> TestResponse:
        """Send a form of a page with some values changed; None leaves one out."""
        data: dict[str, Any] = {**form_of(page, action), **values}
        return client.post(action, data={k: v for k, v in data.items() if v is not None})

    @staticmethod
    def text(response: TestResponse) -> str:
        """The text that a person reads on a page."""
        return text_of(response.text)
