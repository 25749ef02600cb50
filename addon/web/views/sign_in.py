"""Sign-in by OpenID Connect: code flow with PKCE, state and nonce, with Authlib.

https://developers.google.com/identity/openid-connect/openid-connect
"""

import logging
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from authlib.integrations.requests_client import OAuth2Session
from flask import (
    Blueprint,
    Flask,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from requests import RequestException
from werkzeug.wrappers import Response as AnyResponse

from addon.bootstrap import secret_manager
from addon.bounded_http import bind
from addon.settings import Settings, SignIn
from addon.vendors.profiles import NotConfigured
from addon.web.access_log import SignInAccess, record_sign_in
from addon.web.security.admission import SignInRefused, raise_unless_admitted
from addon.web.security.auth import (
    authenticate,
    end_session,
    live_session,
    refusal_text,
    start_session,
)
from addon.web.security.headers import HEADERS
from addon.web.security.safe_redirect import safe_path_after_sign_in
from addon.web.services import current_services
from addon.web.waiting import TooManyWaitingError

log = logging.getLogger(__name__)

WITHIN = 10.0
"""Seconds that the provider may take to answer."""
AGAIN = 30.0
"""Seconds for which the sign-in page does not ask a provider that did not answer."""
ASK_WHICH = "select_account"
"""The prompt that lets a person who was refused choose another account."""
PROVIDER = "skolsynk.provider"
"""The key of the application's `Provider` in `app.extensions`."""
BACK = "way_back"
NAME = "provider"
BEGUN = f"_state_{NAME}_"
"""The prefix of Authlib's session keys, one for each sign-in that is under way."""
SCOPES = ("openid", "email", "profile")
"""What signing in asks of each person; marketplace/scopes.json has them too."""
SIGN_IN = "sign-in"
"""Those who wait for the provider, whose tenant is not known yet."""
MOST_BEGUN = 3
"""Maximum number of sign-ins under way that fit in the cookie, one per window."""
UNUSABLE = (RequestException, OAuthError, NotConfigured, RuntimeError, ValueError, KeyError)
"""Exceptions that mean that the provider, or our registration with it, does not work."""


class _Session(OAuth2Session):  # type: ignore[misc]
    """Requests to the provider, whose answers are bounded in time and size."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bind(self)


class _OAuthApp(FlaskOAuth2App):  # type: ignore[misc]
    client_cls = _Session


class Provider:
    """The OpenID provider that the settings name; its metadata is loaded on first use."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self.settings = settings.web.sign_in
        self._lock = threading.Lock()
        self._client: Any = None
        self._again = 0.0

    def origins(self) -> str:
        """Return the origins of its pages, for the content security policy."""
        assert self.settings is not None
        addresses = [self.settings.discovery]
        if time.monotonic() >= self._again:
            try:
                addresses.append(self.client.load_server_metadata()["authorization_endpoint"])
            except UNUSABLE:  # signing in shows an error then
                self._again = time.monotonic() + AGAIN
        parts = map(urlsplit, addresses)
        return " ".join(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))

    def demands(self) -> dict[str, Any]:
        """Return the claims that its tokens must have beside the nonce and the time."""
        assert self.settings is not None
        issuer = self.client.load_server_metadata()["issuer"]
        return {
            "iss": {"essential": True, "values": [issuer]},
            "aud": {"essential": True, "value": self.settings.client_id},
        }

    @property
    def client(self) -> Any:
        """Authlib's client of the provider. Raises NotConfigured."""
        assert self.settings is not None
        with self._lock:
            if self._client is None:
                self._client = _client(self._app, self.settings)
            return self._client


bp = Blueprint("sign_in", __name__)


def init_app(app: Flask, settings: Settings) -> None:
    """Register the provider that the settings name, if any, for sign-in to the application."""
    app.extensions[PROVIDER] = Provider(app, settings)


def current_provider() -> Provider:
    """Return the provider of the application that answers this request."""
    found: Provider = current_app.extensions[PROVIDER]
    return found


@bp.get("/logga-in")
def page() -> AnyResponse | tuple[str, int]:
    """Show the sign-in button; following a link does not begin a sign-in."""
    services, provider = current_services(), current_provider()
    way_back = safe_path_after_sign_in(request.args.get("vidare", ""))
    if provider.settings is None:
        return render_template("sign_in/not_set_up.html"), 503
    if live_session(services) is not None:
        return redirect(way_back)
    response = make_response(render_template("sign_in/page.html", way_back=way_back))
    with services.waiting.place_for(SIGN_IN):
        origins = provider.origins()
    policy = HEADERS["Content-Security-Policy"].replace(
        "form-action 'self'", f"form-action 'self' {origins}"
    )
    response.headers["Content-Security-Policy"] = policy
    return response


@bp.post("/logga-in")
def begin() -> AnyResponse | tuple[str, int]:
    """Send the person to the provider."""
    services, provider = current_services(), current_provider()
    if provider.settings is None:
        return render_template("sign_in/not_set_up.html"), 503
    session[BACK] = safe_path_after_sign_in(request.form.get("vidare", ""))
    _forget_all_but(MOST_BEGUN - 1)
    try:
        with services.waiting.place_for(SIGN_IN):
            answer: AnyResponse = provider.client.authorize_redirect(
                _callback(services.settings), prompt=ASK_WHICH
            )
    except UNUSABLE as error:
        log.error("the OpenID provider cannot be used: %s", type(error).__name__)
        return render_template("sign_in/error.html", why="provider"), 503
    return answer


@bp.get("/logga-in/klar")
def done() -> AnyResponse | tuple[str, int]:
    """Complete the sign-in when the provider has sent the person back."""
    services, provider = current_services(), current_provider()
    if provider.settings is None:
        return render_template("sign_in/not_set_up.html"), 503
    _forget_expired(services.clock())
    try:
        with services.waiting.place_for(SIGN_IN):
            token = provider.client.authorize_access_token(claims_options=provider.demands())
        claims = token["userinfo"]
        sub, email = str(claims["sub"]), claims["email"]
        verified = isinstance(email, str) and claims.get("email_verified") is True
    except OAuthError as error:
        log.warning("nobody was signed in: %s", _word(error.error))
        if live_session(services) is not None:  # in another window in the meantime
            return redirect(safe_path_after_sign_in("/"))
        why = "denied" if error.error == "access_denied" else "again"
        return render_template("sign_in/error.html", why=why), 400
    except (RequestException, NotConfigured) as error:
        log.error("the OpenID provider cannot be used: %s", type(error).__name__)
        return render_template("sign_in/error.html", why="provider"), 503
    except TooManyWaitingError:
        raise
    except Exception as error:  # an invalid token, whatever the library raises
        log.warning("nobody was signed in: %s", type(error).__name__)
        return render_template("sign_in/error.html", why="again"), 400
    way_back = safe_path_after_sign_in(session.get(BACK, "/"))
    if not verified:
        return refusal_text(SignInRefused("administrator"))
    try:
        admin = authenticate(services, sub, email)
        start_session(admin)
        raise_unless_admitted(services, admin)
    except SignInRefused as refused:
        if refused.why == "unlisted":  # who may change the list has a session for that
            record_sign_in(services, refused.tenant, sub, "sign-in.limited")
            return refusal_text(refused)
        session.clear()
        if refused.why != "unknown":
            tenant = refused.tenant or services.tenant_domains.customer_of_refused(sub, email)
            if tenant:
                record_sign_in(services, tenant, sub, "sign-in.refused")
        return refusal_text(refused)
    record_sign_in(services, admin.tenant, sub, "sign-in")
    return redirect(way_back)


@bp.post("/logga-ut")
def leave() -> AnyResponse:
    """End the session."""
    return _leave()


@bp.post("/logga-ut/overallt")
def leave_everywhere() -> AnyResponse:
    """End all sessions of the account, in whatever browser."""
    return _leave(everywhere=True)


def _leave(everywhere: bool = False) -> AnyResponse:
    services = current_services()
    found = live_session(services)
    if found is not None:
        end_session(found, everywhere)
        what: SignInAccess = "sign-out.everywhere" if everywhere else "sign-out"
        record_sign_in(services, found.admin.tenant, found.admin.sub, what)
    session.clear()
    return redirect(url_for("sign_in.page"))


def _callback(settings: Settings) -> str:
    """Return the URL that the provider redirects to, as registered with the provider."""
    if settings.web.url is not None:
        return settings.web.url + url_for("sign_in.done")
    scheme = "https" if settings.serves_https else None
    return url_for("sign_in.done", _external=True, _scheme=scheme)


def _begun() -> list[tuple[float, str]]:
    """Return the expiry and session key of each sign-in that has begun and not ended."""
    return sorted((session[name]["exp"], name) for name in session if name.startswith(BEGUN))


def _forget_all_but(newest: int) -> None:
    """Drop the oldest sign-ins under way, since browsers drop a cookie that is too large."""
    begun = _begun()
    for _, name in begun[: max(0, len(begun) - newest)]:
        del session[name]


def _forget_expired(now: float) -> None:
    """Drop expired sign-ins, which Authlib itself accepts as long as the cookie lasts."""
    for expires, name in _begun():
        if expires < now:
            del session[name]


def _client(app: Flask, settings: SignIn) -> Any:
    secret = settings.client_secret
    name = secret.removeprefix("secretmanager:")
    logging.getLogger("authlib").setLevel(logging.INFO)  # at DEBUG it logs the PKCE verifiers
    oauth = OAuth(app)
    return oauth.register(
        NAME,
        client_cls=_OAuthApp,
        server_metadata_url=settings.discovery,
        client_id=settings.client_id,
        client_secret=secret if name == secret else secret_manager()(name),
        client_kwargs={
            "scope": " ".join(SCOPES),
            "code_challenge_method": "S256",
            "default_timeout": WITHIN,
        },
    )


def _word(error: object) -> str:
    text = str(error)
    return text if text.isascii() and text.replace("_", "").isalnum() else "an odd error"
