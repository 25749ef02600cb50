"""The configuration pages on a small domain: real sign-in, real store, real sandbox servers.

with Site(folder) as site:
    client = site.sign_in()
    assert "Allt är i ordning" in site.read(client.get("/"))
"""

import html
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests
from flask import Flask, session
from flask.testing import FlaskClient
from msgspec import structs
from werkzeug.test import TestResponse

from addon import EXTENSION_KEY, create_app
from addon.sandbox.identity import IdentityProvider, add_administrators
from addon.sandbox.register_server import RegisterServer
from addon.school_register.model import RegisterUnit
from addon.settings import Settings
from addon.store.base import Store
from addon.tasks.local import LocalTaskQueue
from addon.web import services
from addon.web.security import auth
from addon.web.services import Services
from tests.support.installation import DOMAIN, QUICK, TENANT, Installation

ADMIN = f"it.admin@{DOMAIN}"
DELEGATED = f"it.support@{DOMAIN}"
TEACHER = f"gunnel.parlbat@{DOMAIN}"
STRANGER = "chef@edu.annanstad.se"
OTHER_TENANT = "C0annanstad"
UNITS = (
    RegisterUnit("12345678", "Norra skolan", "AKTIV", "9999", ("GR",), "2120009999"),
    RegisterUnit("12345679", "Gamla skolan", "UPPHORT", "9999", ("GR",), "2120009999"),
)


class Clock:
    """A clock that is set by hand, and otherwise goes."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Queue(LocalTaskQueue):
    """The queue of one process, of which one can wait for the end."""

    def all_done(self, within: float) -> bool:
        """Waits until nothing is left; whether that was so within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._tasks, within)

    def _finish(self, name: str) -> None:
        super()._finish(name)
        with self._changed:
            self._changed.notify_all()


@cache
def shared_provider(accounts: str) -> IdentityProvider:
    """A provider that knows these accounts (JSON), until the tests end."""
    return IdentityProvider(json.loads(accounts)).__enter__()


class Site:
    """An installation with its pages; `environ` is put on top of its settings.

    The identity provider is shared by all sites unless `own_provider`: for tests that change it.
    """

    def __init__(self, folder: Path, own_provider: bool = False, **environ: str) -> None:
        self.installation = Installation(folder)
        self._own_provider = own_provider
        self.more = environ
        self.clock = Clock()
        self._stack = ExitStack()

    def __enter__(self) -> "Site":
        self.installation.document["connections"][0]["mode"] = "off"
        self.installation.document["connections"][1]["mode"] = "off"
        here = self._stack.enter_context(self.installation)
        add_administrators(here.domain)
        here.domain.add_user(
            {
                "primaryEmail": STRANGER,
                "name": {"givenName": "Annan", "familyName": "Stad"},
                "isAdmin": True,
                "customerId": OTHER_TENANT,
            }
        )
        addresses = (ADMIN, DELEGATED, TEACHER, STRANGER)
        accounts = [user for a in addresses if (user := here.domain.find_user(a)) is not None]
        self.accounts = {user["primaryEmail"]: user["id"] for user in accounts}
        self.provider = (
            self._stack.enter_context(IdentityProvider(accounts))
            if self._own_provider
            else shared_provider(json.dumps(accounts, sort_keys=True))
        )
        self.register = self._stack.enter_context(RegisterServer(UNITS))
        here.environ |= self.provider.environ | {"SKOLSYNK_REGISTER": self.register.url}
        here.environ |= self.more
        # Vendors that do not answer are tried again, as always, but without waiting for long.
        made = services.sync_context
        quick = lambda *given: structs.replace(made(*given), retry_policy=QUICK)  # noqa: E731
        self._stack.enter_context(mock.patch.object(services, "sync_context", quick))
        self.start()
        self._stack.callback(self.stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Makes the application, as a process does that begins."""
        settings = Settings.from_environ(self.installation.environ)
        queue = Queue(lambda: self.services.store(), self.clock)
        self.app: Flask = create_app(settings, queue=queue, clock=self.clock)
        self.app.testing = False
        queue.start(lambda path, payload: self.services.task_handler.handle(path, payload).done)

    def restart(self) -> None:
        """Ends the application and makes it anew, after which one must make clients anew."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Ends the application."""
        queue = self.services.queue()
        assert isinstance(queue, LocalTaskQueue)
        queue.stop()
        self.services.store().close()

    @property
    def services(self) -> Services:
        found: Services = self.app.extensions[EXTENSION_KEY]
        return found

    @property
    def store(self) -> Store:
        return self.services.store()

    def tasks(self, within: float = 30.0) -> None:
        """Waits until all tasks are done."""
        queue = self.services.queue()
        assert isinstance(queue, Queue)
        assert queue.all_done(within), "tasks are not done"

    # Going about on the pages

    def sign_in(self, email: str = ADMIN) -> FlaskClient:
        """A client with the session of somebody who has signed in and was let in."""
        client = self.app.test_client()
        with self.app.test_request_context():
            auth.remember(auth.authenticate(self.services, self.accounts[email], email))
            kept = dict(session)
        with client.session_transaction() as begun:
            begun.permanent = True
            begun.update(kept)
        return client

    def sign_in_by_provider(self, email: str = ADMIN, way_back: str = "/") -> FlaskClient:
        """A client that has signed in, the whole way by the provider."""
        client = self.app.test_client()
        assert self.try_to_sign_in(client, email, way_back).status_code == 302
        return client

    def try_to_sign_in(
        self, client: FlaskClient, email: str = ADMIN, way_back: str = "/"
    ) -> TestResponse:
        """What the last step of signing in answers."""
        location = self.begin(client, way_back)
        return client.get(self.at_provider(location, email))

    def begin(self, client: FlaskClient, way_back: str = "/") -> str:
        """Where the sign-in page sends the person."""
        page = client.get("/logga-in", query_string={"vidare": way_back})
        begun = client.post("/logga-in", data=form_of(page, "/logga-in"))
        assert begun.status_code == 302, begun.text
        return str(begun.location)

    def at_provider(self, location: str, email: str) -> str:
        """The way back that the provider gives who chooses an account there."""
        account = self.accounts.get(email, email)
        with requests.Session() as browser:
            answer = browser.post(location, data={"sub": account}, allow_redirects=False, timeout=9)
        parts = urlsplit(answer.headers["Location"])
        return f"{parts.path}?{parts.query}"

    def ready(self, client: FlaskClient, path: str, **more: Any) -> TestResponse:
        """A page once the directory is read and what it needs is made."""
        for _ in range(200):
            response = client.get(path, **more)
            if response.status_code != 202:
                return response
            self.tasks()  # what is made in threads, the page itself waits a moment for
        raise AssertionError(f"{path} never became ready")

    def send(
        self, client: FlaskClient, page: TestResponse, action: str, **values: Any
    ) -> TestResponse:
        """Sends a form of a page with some values changed; None leaves one out."""
        data: dict[str, Any] = {**form_of(page, action), **values}
        return client.post(action, data={k: v for k, v in data.items() if v is not None})

    @staticmethod
    def read(response: TestResponse) -> str:
        """The text that a person reads on a page."""
        return text_of(response.text)

    def document(self) -> dict[str, Any]:
        """The tenant's document as it is stored."""
        stored = self.store.tenant(TENANT)
        assert stored is not None
        found: dict[str, Any] = json.loads(stored)
        return found

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        """Has the clock be so many seconds ahead."""
        self.clock.ahead += seconds
        try:
            yield
        finally:
            self.clock.ahead -= seconds


def text_of(markup: str) -> str:
    """What a person reads of some markup, in one line."""
    body = markup[markup.find("<body") :] if "<body" in markup else markup
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", body, flags=re.S)
    plain = re.sub(r"<[^>]+>", " ", body)
    plain = html.unescape(plain)
    return re.sub(r"\s+", " ", plain.replace("\u00a0", " ")).strip()


def form_of(page: TestResponse, action: str) -> dict[str, Any]:
    """What the form with this action would send as it stands; names with several values, lists."""
    forms = all_forms_of(page)
    for found, fields in forms:
        if found == action:
            return fields
    raise AssertionError(f"no form to {action}; there are {[a for a, _ in forms]}")


def all_forms_of(page: TestResponse) -> list[tuple[str, dict[str, Any]]]:
    """The path of each form of a page, and what it would send as it stands."""
    reader = _Forms()
    reader.feed(page.text)
    return [
        (urlsplit(action).path, {k: v if len(v) > 1 else v[0] for k, v in fields.items()})
        for action, fields in reader.forms
    ]


class _Forms(HTMLParser):
    """Reads the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, list[str]]]] = []
        self._fields: dict[str, list[str]] | None = None
        self._select: str | None = None
        self._text: tuple[str, list[str]] | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: Mapping[str, str] = {k: v or "" for k, v in attrs}
        if tag == "form":
            self._fields = {}
            self.forms.append((given.get("action", ""), self._fields))
        if self._fields is None:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            kind = given.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in given:
                return
            if kind not in ("submit", "file", "button"):
                self._fields.setdefault(name, []).append(given.get("value", "on"))
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select is not None:
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag == "textarea":
            self._text = name, []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._fields is None:
            return
        if tag == "form":
            self._fields = None
        elif tag == "select" and self._select is not None:
            chosen = [v for v, on in self._options if on] or [v for v, _ in self._options[:1]]
            if self._select:
                self._fields.setdefault(self._select, []).extend(chosen)
            self._select = None
        elif tag == "textarea" and self._text is not None:
            self._fields.setdefault(self._text[0], []).append("".join(self._text[1]))
            self._text = None
