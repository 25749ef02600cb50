"""The sandbox's OpenID provider: signs in the accounts of a domain, without passwords.

A real provider (oidc-provider-mock) on loopback, so that nothing of signing in is gone around.
"""

from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Any

import oidc_provider_mock
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from addon.sandbox.domain import Domain
from addon.sandbox.google_shapes import JSON
from addon.settings import ROOT

TEMPLATES = ROOT / "templates" / "sandbox"
CLIENT_ID, CLIENT_SECRET = "skolsynk-sandbox", "sandbox-secret"
OFFICE = "/Personal/IT"


def add_administrators(domain: Domain) -> Sequence[JSON]:
    """Adds a super administrator and a delegated one to the domain; both accounts."""
    primary = domain.customer["customerDomain"]
    if domain.find_org_unit(OFFICE) is None:
        domain.add_org_unit(OFFICE)
    made = []
    for local, given, family, super_admin in (
        ("it.admin", "Ingrid", "Tapper", True),
        ("it.support", "Sven", "Orre", False),
    ):
        address = f"{local}@{primary}"
        account = {
            "primaryEmail": address,
            "name": {"givenName": given, "familyName": family},
            "orgUnitPath": OFFICE,
            "isAdmin": super_admin,
            "isDelegatedAdmin": not super_admin,
        }
        made.append(domain.find_user(address) or domain.add_user(account))
    return made


class IdentityProvider:
    """A provider that knows these accounts, as long as the `with` lasts. `url` is its address."""

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
        names = {account["id"]: _said(account) for account in self._accounts}
        app.context_processor(lambda: {"names": names})
        own: Any = app.jinja_loader
        app.jinja_loader = ChoiceLoader([FileSystemLoader(TEMPLATES), own])
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._server, self.url = server, f"http://127.0.0.1:{server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def discovery(self) -> str:
        """Where it says what it can do."""
        return f"{self.url}/.well-known/openid-configuration"

    @property
    def environ(self) -> dict[str, str]:
        """The settings with which Skolsynk uses it."""
        return {
            "SKOLSYNK_OIDC_DISCOVERY": self.discovery,
            "SKOLSYNK_OIDC_CLIENT_ID": CLIENT_ID,
            "SKOLSYNK_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        }


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


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: who signs in on the sandbox is nobody's business."""
