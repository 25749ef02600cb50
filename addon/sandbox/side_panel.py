"""Gmail's side panel for the sandbox: calls the add-on as Google does, and draws its cards.

with SidePanel(administrators, directory.marketplace) as panel:
...  # serve Skolsynk at `url` with panel.environ(url)

GET  /               the page with the panel
GET  /certs          the keys of the tokens that it signs, in place of Google's
POST /open, /click   open the panel again; a click on a button of a card
POST /installation   install the app, or uninstall it
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from types import TracebackType
from typing import Protocol
from urllib.parse import parse_qsl

import requests

from addon.sandbox.google_objects import JSON
from addon.sandbox.google_signer import GoogleSigner
from addon.sandbox.side_panel_page import LANGUAGES, PanelUser, PanelView, panel_page
from addon.sandbox.vendor_http import AnsweringServer, HttpAnswer, HttpRequest

SERVICE_ACCOUNT = "gsuiteaddons@skolsynk-sandbox.iam.gserviceaccount.com"
CLIENT_ID = "skolsynk-addon-sandbox.apps.googleusercontent.com"
ANSWERS_WITHIN = 30.0
"""Seconds that Google gives an add-on to answer."""
NOT_INSTALLED = "Skolsynk är inte installerat i det här Google Workspace."
NOT_OPEN = "Skolsynk är inte igång ännu."


class Installation(Protocol):
    """Whether the app is installed in the domain."""

    @property
    def installed(self) -> bool: ...
    def install(self) -> None: ...
    def uninstall(self) -> None: ...


class SidePanel:
    """The panel of a domain's `people` (accounts of the Directory API); a context manager.

    `app_url` is the address of Skolsynk, set by `environ`.
    """

    def __init__(
        self,
        people: Sequence[JSON],
        installation: Installation,
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.signer = GoogleSigner(clock)
        self.app_url = ""
        self._people = people
        self._installation = installation
        self._lock = Lock()
        self._views: dict[PanelUser, PanelView] = {}
        self._http = AnsweringServer(port, self._answer)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "SidePanel":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def environ(self, app_url: str) -> dict[str, str]:
        """Return the settings with which Skolsynk, at `app_url`, is called by this panel."""
        self.app_url = app_url.rstrip("/")
        return {
            "SKOLSYNK_URL": self.app_url,
            "SKOLSYNK_GOOGLE_CERTS": f"{self.url}/certs",
            "SKOLSYNK_ADDON_SERVICE_ACCOUNT": SERVICE_ACCOUNT,
            "SKOLSYNK_ADDON_CLIENT_ID": CLIENT_ID,
        }

    # Requests to the panel

    def _answer(self, request: HttpRequest) -> HttpAnswer:
        if (request.method, request.path) == ("GET", "/certs"):
            body = json.dumps(self.signer.published()).encode()
            return HttpAnswer(200, {"Content-Type": "application/json"}, body)
        if (request.method, request.path) == ("GET", "/"):
            return self._page(self._user(dict(parse_qsl(request.query))))
        given = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        user = self._user(given)
        match (request.method, request.path):
            case ("POST", "/open"):
                self._open(user)
            case ("POST", "/click"):
                self._click(user, json.loads(given.get("action", "{}")))
            case ("POST", "/installation"):
                self._install(given.get("installed") == "yes")
            case _:
                return HttpAnswer(404, {}, b"")
        return HttpAnswer(303, {"Location": f"/?{user.query}"}, b"")

    def _user(self, given: Mapping[str, str]) -> PanelUser:
        known = [str(each["id"]) for each in self._people]
        language = given.get("lang", "sv")
        return PanelUser(
            given["person"] if given.get("person") in known else known[0],
            language if language in LANGUAGES else "sv",
        )

    def _page(self, user: PanelUser) -> HttpAnswer:
        with self._lock:
            view = self._views.get(user)
        if view is None:
            view = self._open(user)
        if view.notification:  # it is told once
            self._show(user, PanelView(view.card, view.problem))
        page = panel_page(view, user, self._people, self._installation.installed)
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
        return HttpAnswer(200, headers, page.encode())

    def _install(self, installed: bool) -> None:
        if installed:
            self._installation.install()
        else:
            self._installation.uninstall()
        with self._lock:
            self._views.clear()

    # Calls of the add-on

    def _open(self, user: PanelUser) -> PanelView:
        if not self._installation.installed:
            return self._show(user, PanelView(problem=NOT_INSTALLED))
        if not self.app_url:
            return self._show(user, PanelView(problem=NOT_OPEN))
        return self._show(user, self._called(user, f"{self.app_url}/addon/home", {}))

    def _click(self, user: PanelUser, action: JSON) -> None:
        url = str(action.get("function", ""))
        if not self._installation.installed or not url.startswith(f"{self.app_url}/"):
            self._open(user)
            return
        given = {each["key"]: each["value"] for each in action.get("parameters", ())}
        self._show(user, self._called(user, url, given))

    def _show(self, user: PanelUser, view: PanelView) -> PanelView:
        with self._lock:
            self._views[user] = view
        return view

    def _called(self, user: PanelUser, url: str, parameters: Mapping[str, str]) -> PanelView:
        """Call a function of the add-on as Google does, and return what it shows."""
        account = next(each for each in self._people if each["id"] == user.id)
        token = self.signer.service_token(url, SERVICE_ACCOUNT)
        event: JSON = {
            "commonEventObject": {
                "hostApp": "GMAIL",
                "platform": "WEB",
                "userLocale": user.language,
                "timeZone": {"id": "Europe/Stockholm", "offset": 3_600_000},
                **({"parameters": dict(parameters)} if parameters else {}),
            },
            "authorizationEventObject": {
                "systemIdToken": token,
                "userIdToken": self.signer.account_token(CLIENT_ID, account),
            },
            "gmail": {},
        }
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    url,
                    json=event,
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=ANSWERS_WITHIN,
                    allow_redirects=False,
                )
            if answer.status_code != 200:
                return PanelView(problem=f"Tillägget svarade {answer.status_code}.")
            return _shown(answer.json())
        except (requests.RequestException, LookupError, TypeError, ValueError) as error:
            return PanelView(problem=f"Tillägget svarade inte rätt ({type(error).__name__}).")


def _shown(answer: JSON) -> PanelView:
    """Return what an answer shows. Raises LookupError for one of another shape."""
    action = answer.get("renderActions", answer)["action"]
    navigation = action["navigations"][-1]
    card = navigation["pushCard"] if "pushCard" in navigation else navigation["updateCard"]
    return PanelView(card, notification=action.get("notification", {}).get("text", ""))
