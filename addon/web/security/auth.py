"""Authentication: the pages are for administrators of the customer, checked with Google daily.

Every endpoint that is not listed in OPEN is closed. The tenant is the customer that Google says
the person belongs to; nothing in a request can change it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from msgspec import Struct
from werkzeug.wrappers import Response as AnyResponse

from addon.bootstrap import refused_scopes, source_as
from addon.directory.errors import OUR_OWN, AccessRefused, DirectoryError
from addon.directory.google.administrators import AdministratorAccount, find_account
from addon.settings import Settings
from addon.tenants.document import load_tenant
from addon.web.htmx import asks_for_part
from addon.web.security.headers import FOR_PROGRAMS
from addon.web.security.sessions import LONGEST
from addon.web.services import Services

log = logging.getLogger(__name__)

CHECKED_FOR = 24 * 3600.0
"""Seconds for which Google's answer that somebody is an administrator is trusted."""
OPEN = frozenset(
    {
        "static",
        *("sign_in.page", "sign_in.begin", "sign_in.done", "sign_in.leave", "language.choose"),
        *("public.help_page", "public.privacy", "public.terms", "public.accessibility"),
        *("public.security_txt", "public.agreement"),
        *("farewell.page", "farewell.save"),  # the link itself is the proof
    }
)
"""Endpoints open to anyone; for those that programs call see `task_auth`."""
SESSION = "admin"
Role = Literal["anyone", "administrator", "addon", "cron", "tasks"]
Refusal = Literal["nobody", "administrator", "delegated", "listed", "access", "unknown"]


class Administrator(Struct, frozen=True):
    """A signed-in administrator. `sub` is Google's id, `tenant` the customer they administer.

    Times are seconds since 1970 UTC; `checked` is when Google last confirmed it.
    """

    sub: str
    email: str
    name: str
    tenant: str
    super_admin: bool
    checked: float
    signed_in: float


class SignInRefused(Exception):
    """The person may not sign in; `why` selects the text that explains it.

    `scopes` are those that Google refuses to Skolsynk, as far as it says so.
    """

    def __init__(self, why: Refusal, scopes: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.why: Refusal = why
        self.scopes = scopes


def init_app(
    app: Flask, services: Services, context_of: Callable[[Administrator, Services], Any]
) -> None:
    """Require an administrator for every page, whether the page exists or not."""

    @app.before_request
    def require_administrator() -> AnyResponse | None:
        if request.path.split("/")[1] in FOR_PROGRAMS:
            return None
        if request.endpoint in OPEN:
            return None
        admin = signed_in(services.clock())
        if admin is None:
            return _to_sign_in()
        try:
            admin = reauthenticate(services, admin)
        except SignInRefused as refused:
            if refused.why != "unknown":  # when Google could not be asked, the session stays
                session.clear()
            return refusal_text(refused)
        g.admin = admin
        g.ctx = context_of(admin, services)
        return None


def signed_in(now: float) -> Administrator | None:
    """Return the session's administrator; None when nobody has signed in within LONGEST."""
    kept = session.get(SESSION)
    if not isinstance(kept, dict):
        return None
    try:
        admin = Administrator(**kept)
    except TypeError:
        return None  # the session is of another version of the program
    return admin if now - admin.signed_in < LONGEST else None


def authenticate(services: Services, sub: str, email: str) -> Administrator:
    """Return the person that the identity provider named, an administrator whom the tenant admits.

    Raises SignInRefused.
    """
    admin = find_administrator(services, sub, email)
    raise_unless_listed(services, admin)
    return admin


def find_administrator(services: Services, sub: str, email: str) -> Administrator:
    """Return the person that the identity provider named, as Google says, as an administrator.

    Raises SignInRefused.
    """
    now = services.clock()
    found = _asked(services.settings, sub, email)
    return Administrator(
        sub=sub,
        email=found.address,
        name=found.name,
        tenant=found.customer,
        super_admin=found.super_admin,
        checked=now,
        signed_in=now,
    )


def reauthenticate(services: Services, admin: Administrator) -> Administrator:
    """Return the administrator, checked with Google again when the last check is a day old.

    Raises SignInRefused.
    """
    if services.clock() - admin.checked < CHECKED_FOR:
        raise_unless_listed(services, admin)
        return admin
    again = authenticate(services, admin.sub, admin.email)
    if again.tenant != admin.tenant:
        raise SignInRefused("administrator")
    kept = Administrator(**{**_plain(again), "signed_in": admin.signed_in})
    session[SESSION] = _plain(kept)
    return kept


def start_session(admin: Administrator) -> None:
    """Start a new session; of an earlier one only the language is kept."""
    language = session.get("language")
    session.clear()
    session.permanent = True
    session[SESSION] = _plain(admin)
    if language:
        session["language"] = language


def is_allowed(admin: Administrator, listed: Sequence[str]) -> bool:
    """Whether a tenant that lists these administrators admits this one.

    Without a list all super administrators are admitted; delegated ones only when listed.
    """
    named = admin.email.casefold() in map(str.casefold, listed)
    return named or (admin.super_admin and not listed)


def refusal_text(refused: SignInRefused) -> Response:
    """Return the page that says why somebody is refused, and what they can do about it."""
    status = 503 if refused.why == "unknown" else 403
    page = render_template("sign_in/refused.html", why=refused.why, scopes=refused.scopes)
    return make_response(page, status)


def roles(app: Flask) -> Mapping[str, Role]:
    """Return the role that each method and rule requires; the tests keep a snapshot of it."""
    found: dict[str, Role] = {}
    for rule in app.url_map.iter_rules():
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        first = rule.rule.split("/")[1]
        role: Role = "administrator"
        if first == "addon":
            role = "addon"
        elif first == "cron":
            role = "cron"
        elif first == "tasks":
            role = "tasks"
        elif rule.endpoint in OPEN or first in FOR_PROGRAMS:
            role = "anyone"
        found[f"{methods} {rule.rule}"] = role
    return dict(sorted(found.items()))


def _plain(admin: Administrator) -> dict[str, Any]:
    return {name: getattr(admin, name) for name in admin.__struct_fields__}


def _asked(settings: Settings, sub: str, email: str) -> AdministratorAccount:
    """Look up the person's account with Google. Raises SignInRefused."""
    try:
        found = find_account(source_as(settings, email), sub, email)
    except AccessRefused as error:
        log.error("an administrator could not be checked: %s", error)
        if error.why in OUR_OWN:
            raise SignInRefused("unknown") from None
        raise SignInRefused("access", refused_scopes(settings, email)) from None
    except DirectoryError as error:
        log.warning("an administrator could not be checked: %s", error)
        raise SignInRefused("unknown") from None
    if found is None or not (found.super_admin or found.delegated):
        raise SignInRefused("administrator")
    return found


def raise_unless_listed(services: Services, admin: Administrator) -> None:
    """Raise SignInRefused unless the tenant admits the administrator; see `is_allowed`."""
    stored = services.store().tenant(admin.tenant)
    listed = () if stored is None else load_tenant(stored).administrators
    if not is_allowed(admin, listed):
        raise SignInRefused("listed" if listed else "delegated")


def _to_sign_in() -> AnyResponse:
    """Send the person to the sign-in page, the same way whether the page exists or not."""
    if asks_for_part():  # redirect the whole page, not the part of it
        to = _sign_in_page(_path_of(request.headers.get("HX-Current-URL", "")))
        return Response(status=401, headers={"HX-Redirect": to})
    if request.method in ("GET", "HEAD"):
        return redirect(_sign_in_page(request.full_path.rstrip("?")))
    return make_response(render_template("sign_in/refused.html", why="nobody"), 401)


def _path_of(address: str) -> str:
    """Return the path and query of a URL; an empty string when it is not a URL."""
    try:
        return urlsplit(address)._replace(scheme="", netloc="", fragment="").geturl()
    except ValueError:
        return ""


def _sign_in_page(way_back: str) -> str:
    return url_for("sign_in.page", vidare=None if way_back in ("", "/") else way_back)
