"""Authentication: the pages are for administrators of the customer who have a session in the store.

Every endpoint that is not listed in OPEN is closed. The tenant is the customer that Google says
the person belongs to; nothing in a request can change it. A session is read together with the
tenant's document, and Google is asked again before a change and hourly.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from hashlib import sha256
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
from msgspec import Struct, structs
from werkzeug.wrappers import Response as AnyResponse

from addon.age import age
from addon.store.base import SESSION_KEPT
from addon.store.records import AuthenticationRecord, SessionRecord
from addon.web.access_log import record_sign_in
from addon.web.htmx import asks_for_part
from addon.web.security.admission import (
    AccessLevel,
    Administrator,
    SignInRefused,
    admit,
    find_administrator,
)
from addon.web.security.headers import FOR_PROGRAMS
from addon.web.services import Services, current_services

log = logging.getLogger(__name__)

CHECKED_FOR_READING = 3600.0
"""Seconds for which Google's answer that somebody is an administrator is trusted for looking."""
CHECKED_FOR_CHANGES = 600.0
"""The same for whatever can change something."""
LONGEST = SESSION_KEPT
"""Seconds from sign-in after which one must sign in again in any case."""
OPEN = frozenset(
    {
        "static",
        *("sign_in.page", "sign_in.begin", "sign_in.done", "language.choose"),
        *("sign_in.leave", "sign_in.leave_everywhere"),
        *("public.help_page", "public.privacy", "public.terms", "public.accessibility"),
        *("public.security_txt", "public.agreement"),
        *("farewell.page", "farewell.save"),  # the link itself is the proof
    }
)
"""Endpoints open to anyone; for those that programs call see `task_auth`."""
OF_THE_LIST = frozenset({"settings.page", "settings.administrators"})
"""Endpoints for a super administrator who is not in the tenant's list of administrators."""
SESSION = "admin"
Role = Literal["anyone", "administrator", "addon", "cron", "tasks"]


class SessionCookie(Struct, frozen=True):
    """What the cookie has of a session: whose tenant it is in, and its secret id."""

    tenant: str
    id: str

    @property
    def stored_id(self) -> str:
        """The id by which the store has the session."""
        return sha256(self.id.encode()).hexdigest()


class LiveSession(Struct, frozen=True):
    """A session that has not ended, and what was read with it."""

    cookie: SessionCookie
    admin: Administrator
    known: AuthenticationRecord


def init_app(
    app: Flask,
    services: Services,
    context_of: Callable[[Administrator, Services, AuthenticationRecord], Any],
) -> None:
    """Require an administrator for every page, whether the page exists or not."""

    @app.before_request
    def require_administrator() -> AnyResponse | None:
        if request.path.split("/")[1] in FOR_PROGRAMS:
            return None
        if request.endpoint in OPEN:
            return None
        found = live_session(services)
        if found is None:
            session.pop(SESSION, None)
            return _to_sign_in()
        try:
            admin = _checked_again(services, found)
            if admin is None:  # it was ended meanwhile
                session.pop(SESSION, None)
                return _to_sign_in()
            _raise_unless_open_to(admit(services, admin, found.known), admin)
        except SignInRefused as refused:
            if refused.why not in ("unknown", "unlisted"):  # in these cases the session stays
                session.clear()
                services.store().end_sessions(found.cookie.tenant, found.admin.sub)
                told = found.cookie.tenant, found.admin.sub
                record_sign_in(services, *told, "sign-in.refused")
            return refusal_text(refused)
        g.admin = admin
        g.ctx = context_of(admin, services, found.known)
        return None


def live_session(services: Services) -> LiveSession | None:
    """Return the session that the cookie names; None when there is none or it has ended.

    Raises StoreError.
    """
    cookie = _cookie()
    if cookie is None:
        return None
    known = services.store().authentication(cookie.tenant, cookie.stored_id)
    kept = known.session
    if kept is None or age(kept.signed_in, services.clock()) >= LONGEST:
        return None
    admin = Administrator(
        sub=kept.sub,
        email=kept.email,
        name=kept.name,
        tenant=cookie.tenant,
        super_admin=kept.super_admin,
        checked=kept.checked,
        signed_in=kept.signed_in,
    )
    return LiveSession(cookie, admin, known)


def authenticate(services: Services, sub: str, email: str) -> Administrator:
    """Return the person that the identity provider named, an administrator whom the tenant admits.

    If only to its list of administrators. Raises SignInRefused.
    """
    admin = find_administrator(services, sub, email)
    admit(services, admin, services.store().authentication(admin.tenant))
    return admin


def is_trusted(checked: float, now: float, seconds: float) -> bool:
    """Whether an answer of Google's is as new as that; one from the future is not."""
    return 0 <= now - checked < seconds


def start_session(admin: Administrator) -> None:
    """Start a new session; of an earlier one only the language is kept. Raises StoreError."""
    language = session.get("language")
    cookie = SessionCookie(admin.tenant, secrets.token_urlsafe(32))
    current_services().store().save_session(admin.tenant, _record(cookie, admin))
    session.clear()
    session.permanent = True
    session[SESSION] = {"tenant": cookie.tenant, "id": cookie.id}
    if language:
        session["language"] = language


def end_session(found: LiveSession, everywhere: bool = False) -> None:
    """End a session or, with `everywhere`, all of the account's. Raises StoreError."""
    store = current_services().store()
    if everywhere:
        store.end_sessions(found.cookie.tenant, found.admin.sub)
    else:
        store.end_session(found.cookie.tenant, found.cookie.stored_id)


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


def _cookie() -> SessionCookie | None:
    kept = session.get(SESSION)
    if not isinstance(kept, dict):
        return None
    tenant, session_id = kept.get("tenant"), kept.get("id")
    if not (isinstance(tenant, str) and isinstance(session_id, str) and tenant and session_id):
        return None  # the session is of another version of the program
    return SessionCookie(tenant, session_id)


def _record(cookie: SessionCookie, admin: Administrator) -> SessionRecord:
    return SessionRecord(
        id=cookie.stored_id,
        sub=admin.sub,
        email=admin.email,
        name=admin.name,
        super_admin=admin.super_admin,
        checked=admin.checked,
        signed_in=admin.signed_in,
    )


def _checked_again(services: Services, found: LiveSession) -> Administrator | None:
    """Return the administrator, whom Google is asked about when its last answer is too old.

    Return None if the session has been ended meanwhile. Raises SignInRefused.
    """
    admin = found.admin
    reads = request.method in ("GET", "HEAD", "OPTIONS")
    trusted_for = CHECKED_FOR_READING if reads else CHECKED_FOR_CHANGES
    if is_trusted(admin.checked, services.clock(), trusted_for):
        return admin
    again = find_administrator(services, admin.sub, admin.email)
    if again.tenant != admin.tenant:
        raise SignInRefused("administrator", tenant=admin.tenant)
    kept = structs.replace(again, signed_in=admin.signed_in)
    stays = services.store().update_session(admin.tenant, _record(found.cookie, kept))
    return kept if stays else None


def _raise_unless_open_to(admission: AccessLevel, admin: Administrator) -> None:
    if admission != "full" and request.endpoint not in OF_THE_LIST:
        raise SignInRefused("unlisted", tenant=admin.tenant)


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
