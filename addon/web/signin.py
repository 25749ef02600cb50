"""Signing in by OpenID Connect: code flow with PKCE, state and nonce, by Authlib.

https://developers.google.com/identity/openid-connect/openid-connect
"""

import logging
import threading
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import (
    Blueprint,
    Flask,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from requests import RequestException
from werkzeug.wrappers import Response as AnyResponse

from addon.parts import secret_manager
from addon.settings import Settings
from addon.web.answers import HEADERS
from addon.web.gate import Refused, enter, refusal, remember, signed_in
from addon.web.house import House
from addon.web_settings import SignIn

log = logging.getLogger(__name__)

WITHIN = 10.0
"""Seconds that the provider may take for an answer."""
BACK = "way_back"


class Provider:
    """The OpenID provider that the settings name, known when it is first asked for."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self.settings = settings.web.sign_in
        self._lock = threading.Lock()
        self._client: Any = None

    @property
    def origin(self) -> str:
        """Where its pages are, for the content security policy."""
        parts = urlsplit(self.settings.discovery if self.settings else "")
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def client(self) -> Any:
        """Authlib's client of it."""
        assert self.settings is not None
        with self._lock:
            if self._client is None:
                self._client = _client(self._app, self.settings)
            return self._client


def blueprint(app: Flask, house: House) -> Blueprint:
    """Signing in and out."""
    signin = Blueprint("signin", __name__)
    provider = Provider(app, house.settings)

    @signin.get("/logga-in")
    def page() -> AnyResponse | tuple[str, int]:
        """One button; a link alone begins nothing."""
        way_back = local(request.args.get("vidare", ""))
        if provider.settings is None:
            return render_template("signin/not_set_up.html"), 503
        if signed_in(house.clock()) is not None:
            return redirect(way_back)
        response = make_response(render_template("signin/page.html", way_back=way_back))
        policy = HEADERS["Content-Security-Policy"].replace(
            "form-action 'self'", f"form-action 'self' {provider.origin}"
        )
        response.headers["Content-Security-Policy"] = policy
        return response

    @signin.post("/logga-in")
    def begin() -> AnyResponse | tuple[str, int]:
        """Send the person to the provider."""
        if provider.settings is None:
            return render_template("signin/not_set_up.html"), 503
        session[BACK] = local(request.form.get("vidare", ""))
        base = house.settings.web.url
        done = url_for("signin.done")
        callback = f"{base}{done}" if base else url_for("signin.done", _external=True)
        try:
            answer: AnyResponse = provider.client.authorize_redirect(callback)
        except (RequestException, OAuthError, RuntimeError, ValueError, KeyError) as error:
            log.error("the OpenID provider cannot be used: %s", type(error).__name__)
            return render_template("signin/trouble.html", why="provider"), 503
        return answer

    @signin.get("/logga-in/klar")
    def done() -> AnyResponse | tuple[str, int]:
        """The provider has sent the person back."""
        if provider.settings is None:
            return render_template("signin/not_set_up.html"), 503
        try:
            token = provider.client.authorize_access_token()
            claims = token["userinfo"]
            sub, email = str(claims["sub"]), str(claims["email"])
            verified = claims.get("email_verified") is True
        except OAuthError as error:
            log.warning("nobody was signed in: %s", _word(error.error))
            why = "denied" if error.error == "access_denied" else "again"
            return render_template("signin/trouble.html", why=why), 400
        except RequestException as error:
            log.error("the OpenID provider cannot be used: %s", type(error).__name__)
            return render_template("signin/trouble.html", why="provider"), 503
        except Exception as error:  # a token that is not as it must be, whatever the library says
            log.warning("nobody was signed in: %s", type(error).__name__)
            return render_template("signin/trouble.html", why="again"), 400
        way_back = local(session.get(BACK, "/"))
        if not verified:
            return refusal("administrator")
        try:
            remember(enter(house, sub, email))
        except Refused as refused:
            session.clear()
            return refusal(refused.why)
        return redirect(way_back)

    @signin.post("/logga-ut")
    def leave() -> AnyResponse:
        """End the session."""
        session.clear()
        return redirect(url_for("signin.page"))

    return signin


def local(path: str) -> str:
    """A path of this application to go back to, or its first page."""
    if not path.startswith("/") or path.startswith(("//", "/\\", "/logga-")) or "\\" in path:
        return "/"
    return path if all(character >= " " for character in path) else "/"


def _client(app: Flask, settings: SignIn) -> Any:
    secret = settings.client_secret
    name = secret.removeprefix("secretmanager:")
    oauth = OAuth(app)
    return oauth.register(
        "provider",
        server_metadata_url=settings.discovery,
        client_id=settings.client_id,
        client_secret=secret if name == secret else secret_manager()(name),
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "timeout": WITHIN,
        },
    )


def _word(error: object) -> str:
    text = str(error)
    return text if text.isascii() and text.replace("_", "").isalnum() else "an odd error"
