"""The sandbox's OpenID provider, which signs in the accounts of a domain without passwords.

It is a real provider (oidc-provider-mock) on loopback, so that no part of sign-in is bypassed.
"""

import hashlib
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from importlib import import_module
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask, Response, jsonify, request
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import JSON
from addon.sandbox.loopback import stop
from addon.settings import ROOT

with warnings.catch_warnings():
    import_module("authlib.deprecate")  # its import turns on its own warnings

    warnings.simplefilter("ignore")  # about the provider's use of authlib, not ours
    import oidc_provider_mock

TEMPLATES = ROOT / "templates" / "sandbox"
CLIENT_ID, CLIENT_SECRET = "skolsynk-sandbox", "sandbox-secret"
IT_ORG_UNIT = "/Personal/IT"
AUTHORIZE, TOKEN = "/oauth2/authorize", "/oauth2/token"


def add_administrators(domain: Domain) -> Sequence[JSON]:
    """Add a super administrator and a delegated one to the domain; return both accounts."""
    primary = domain.customer["customerDomain"]
    if domain.find_org_unit(IT_ORG_UNIT) is None:
        domain.add_org_unit(IT_ORG_UNIT)
    made = []
    for local, given, family, super_admin in (
        ("it.admin", "Ingrid", "Tapper", True),
        ("it.support", "Sven", "Orre", False),
    ):
        address = f"{local}@{primary}"
        account = {
            "primaryEmail": address,
            "name": {"givenName": given, "familyName": family},
            "orgUnitPath": IT_ORG_UNIT,
            "isAdmin": super_admin,
            "isDelegatedAdmin": not super_admin,
        }
        made.append(domain.find_user(address) or domain.add_user(account))
    return made


class IdentityProvider:
    """A provider with these accounts; a context manager. `url` is its base URL.

    Tests change the claims of an account by a PUT of them to `/users/ID`.
    """

    def __init__(self, accounts: Sequence[Mapping[str, Any]]) -> None:
        self._accounts = accounts
        self._server: BaseWSGIServer | None = None
        self.url = ""

    def __enter__(self) -> "IdentityProvider":
        users = [
            oidc_provider_mock.User(sub=account["id"], claims=_claims(account))
            for account in self._accounts
        ]
        app = oidc_provider_mock.app(require_nonce=True, user_claims=users)
        app.debug = False
        _add_checks(app)
        names = {account["id"]: _said(account) for account in self._accounts}
        app.context_processor(lambda: {"names": names})
        own: Any = app.jinja_loader
        app.jinja_loader = ChoiceLoader([FileSystemLoader(TEMPLATES), own])
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_SilentHandler)
        Thread(target=server.serve_forever, daemon=True).start()
        self._server, self.url = server, f"http://127.0.0.1:{server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            stop(self._server)

    @property
    def discovery(self) -> str:
        """The URL of its discovery document."""
        return f"{self.url}/.well-known/openid-configuration"

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that make Skolsynk use it."""
        return {
            "SKOLSYNK_OIDC_DISCOVERY": self.discovery,
            "SKOLSYNK_OIDC_CLIENT_ID": CLIENT_ID,
            "SKOLSYNK_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        }


def _add_checks(app: Flask) -> None:
    """Make the provider check PKCE and the client, as Google does and the package does not.

    https://www.rfc-editor.org/rfc/rfc7636#section-4.6
    """
    challenges: dict[str, str] = {}

    @app.after_request
    def remember(response: Response) -> Response:
        code = parse_qs(urlsplit(response.headers.get("Location", "")).query).get("code")
        if request.path == AUTHORIZE and code:
            challenges[code[0]] = request.args.get("code_challenge", "")
        return response

    @app.before_request
    def check() -> tuple[Response, int] | None:
        if request.path == AUTHORIZE and request.args.get("code_challenge_method") != "S256":
            return jsonify({"error": "invalid_request"}), 400
        if request.path != TOKEN:
            return None
        who = request.authorization
        if who is None or (who.username, who.password) != (CLIENT_ID, CLIENT_SECRET):
            return jsonify({"error": "invalid_client"}), 401
        digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        said = urlsafe_b64encode(digest).decode().rstrip("=")
        if challenges.pop(request.form.get("code", ""), None) != said:
            return jsonify({"error": "invalid_grant"}), 400
        return None


def _claims(account: Mapping[str, Any]) -> dict[str, object]:
    name = account.get("name", {})
    address = account["primaryEmail"]
    return {
        "email": address,
        "email_verified": True,
        "name": name.get("fullName", ""),
        "hd": address.rpartition("@")[2],
    }


def _said(account: Mapping[str, Any]) -> str:
    if account.get("isAdmin"):
        kind = "avancerad administratör"
    elif account.get("isDelegatedAdmin"):
        kind = "delegerad administratör"
    else:
        kind = "ingen administratör"
    return f"{account['primaryEmail']} ({kind})"


class _SilentHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing, so that the output has no personal data."""
