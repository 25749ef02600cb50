"""Google's add-on service in the tests: calls the endpoints with signed tokens, clicks on cards.

with addon_world(folder) as (world, panel):
    card = panel.home()
    panel.click(card, "Kör nu")
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify
from google.apps import card_v1
from google.protobuf import json_format
from werkzeug.test import TestResponse

from addon.sandbox.google_signer import GoogleSigner
from tests.support.served import Served
from tests.support.small_school import ADMIN, small_school_pages
from tests.support.world import JSON, World

URL = "https://skolsynk.example.se"
ACCOUNT = "gsuiteaddons@p.iam.gserviceaccount.com"
CLIENT = "1234-addon.apps.googleusercontent.com"
HOME, ACTION = "/addon/home", "/addon/action"


class Certificates:
    """Publishes a signer's keys on loopback; `down` while it answers nothing good."""

    def __init__(self) -> None:
        self.now = [0.0]
        self.signer = GoogleSigner(lambda: self.now[0])
        self.down = False
        app = Flask(__name__)

        @app.get("/certs")
        def certs() -> Response:
            return Response(status=500) if self.down else jsonify(self.signer.published())

        self._served = Served(app)
        self._served.__enter__()
        self.url = f"{self._served.url}/certs"


@cache
def certificates() -> Certificates:
    """The certificates that all tests use."""
    return Certificates()


def addon_settings() -> dict[str, str]:
    """The settings of the add-on's caller."""
    return {
        "SKOLSYNK_URL": URL,
        "SKOLSYNK_GOOGLE_CERTS": certificates().url,
        "SKOLSYNK_ADDON_SERVICE_ACCOUNT": ACCOUNT,
        "SKOLSYNK_ADDON_CLIENT_ID": CLIENT,
    }


@contextmanager
def addon_world(folder: Path) -> Iterator[tuple[World, "Panel"]]:
    """The small school with the application, and the panel of its users."""
    certificates().down = False
    with small_school_pages(folder, **addon_settings()) as world:
        yield world, Panel(world)


class Panel:
    """The side panel of a user; judges every card that it gets."""

    def __init__(self, world: World, language: str = "sv") -> None:
        self.world = world
        self.language = language
        self.client = world.app.test_client()

    @property
    def signer(self) -> GoogleSigner:
        """Signs at the time that it is in the world."""
        certificates().now[0] = self.world.clock()
        return certificates().signer

    def system_token(self, path: str, **claims: Any) -> str:
        """The token of Google's add-on service for an endpoint."""
        return self.signer.service_token(**{"audience": URL + path, "address": ACCOUNT, **claims})

    def user_token(self, email: str = ADMIN, /, **claims: Any) -> str:
        """The token of a user of the domain."""
        account = {"primaryEmail": email, "id": self.world.accounts[email]}
        return self.signer.account_token(CLIENT, account, **claims)

    def event(self, path: str, email: str = ADMIN, **parameters: str) -> JSON:
        """The body of a call."""
        common: JSON = {"hostApp": "GMAIL", "platform": "WEB", "userLocale": self.language}
        if parameters:
            common["parameters"] = parameters
        tokens = {
            "userOAuthToken": "ya29.secret",
            "userIdToken": self.user_token(email),
            "systemIdToken": self.system_token(path),
        }
        return {"commonEventObject": common, "authorizationEventObject": tokens, "gmail": {}}

    def post(self, path: str, event: JSON, **options: Any) -> TestResponse:
        """The answer to a call; its token is in the header too unless `headers` are given."""
        token = event.get("authorizationEventObject", {}).get("systemIdToken")
        options = {"headers": {"Authorization": f"Bearer {token}"}, **options}
        return self.client.post(path, json=event, **options)

    def home(self, email: str = ADMIN) -> JSON:
        """The card that the panel opens with."""
        answer = self.post(HOME, self.event(HOME, email))
        assert answer.status_code == 200, answer.status
        assert list(answer.json) == ["action"]
        return self._card(answer.json["action"]["navigations"], "pushCard")

    def act(self, email: str = ADMIN, **parameters: str) -> tuple[JSON, str]:
        """The card after an action with these parameters, and the notification."""
        answer = self.post(ACTION, self.event(ACTION, email, **parameters))
        assert answer.status_code == 200, answer.status
        assert list(answer.json) == ["renderActions"]
        action = answer.json["renderActions"]["action"]
        card = self._card(action["navigations"], "updateCard")
        return card, action.get("notification", {}).get("text", "")

    def click(self, card: JSON, text: str, email: str = ADMIN, which: int = 0) -> tuple[JSON, str]:
        """The card after a click on a button, and the notification."""
        button = [each for each in buttons(card) if each["text"] == text][which]
        action = button["onClick"]["action"]
        assert action["function"] == URL + ACTION
        return self.act(email, **parameters(button))

    @staticmethod
    def _card(navigations: list[JSON], kind: str) -> JSON:
        assert [list(each) for each in navigations] == [[kind]]
        card: JSON = navigations[0][kind]
        judge(card)
        return card


def judge(card: JSON) -> None:
    """Raise if the card is not one by Google's description, or leads somewhere else than to us."""
    json_format.ParseDict(card, card_v1.Card()._pb)
    for value, key in walk(card):
        if key in ("url", "function"):
            assert value.startswith(f"{URL}/"), value
        if key == "startIcon":
            assert value["altText"]
        if key == "text":
            assert value


def walk(value: Any, key: str = "") -> Iterator[tuple[Any, str]]:
    """Every value in a card, with the name that it has."""
    yield value, key
    if isinstance(value, dict):
        for name, each in value.items():
            yield from walk(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from walk(each, key)


def buttons(card: JSON) -> list[JSON]:
    """The buttons of a card."""
    found = [b for each, key in walk(card) if key == "buttonList" for b in each["buttons"]]
    return found + [each for each, key in walk(card) if key in ("primaryButton", "secondaryButton")]


def parameters(button: JSON) -> dict[str, str]:
    """The parameters of a button."""
    listed = button["onClick"]["action"]["parameters"]
    return {each["key"]: each["value"] for each in listed}


def button_texts(card: JSON) -> list[str]:
    """What is on the buttons of a card."""
    return [each["text"] for each in buttons(card)]


def text_on(card: JSON) -> str:
    """What a person reads on a card, buttons too."""
    shown = ("text", "bottomLabel", "header", "title", "subtitle")
    found = [each for each, key in walk(card) if key in shown and isinstance(each, str)]
    lines = (unescape(re.sub(r"<br>", " ", each)) for each in found)
    return " ".join(" ".join(re.sub(r"</?b>", "", line).split()) for line in lines)
