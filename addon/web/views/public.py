"""Pages that anyone may read: help, privacy, terms, accessibility, agreements, security.txt.

They know of no session and no tenant, do not depend on the store, and may be cached.
"""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, make_response, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from addon.settings import CloudTasks, FirestoreAddress
from addon.store.base import AUDIT_KEPT, RUNS_KEPT, SESSION_KEPT
from addon.sync.evidence import GONE_KEPT
from addon.sync.run import SNAPSHOT_KEPT
from addon.tenants.model import Limits
from addon.vendors.agreements import OURS
from addon.vendors.profiles import vendor_name
from addon.web.directory import snapshot_store
from addon.web.formats import listed
from addon.web.i18n import language
from addon.web.operator import operator_of
from addon.web.presenters.saved_searches import LASTS as SEARCH_KEPT
from addon.web.scope_reasons import scopes_with_reasons
from addon.web.security.headers import STATIC_KEPT
from addon.web.security.sessions import IDLE
from addon.web.services import current_services

CHANGED = "2026-11-27"
"""The day on which the texts were last changed in what they say."""
ASSESSED = "2026-11-26"
"""The day of the newest assessment of accessibility."""
EXPIRES = timedelta(days=180)
"""How long security.txt is valid; RFC 9116 advises less than a year."""
HOUR, DAY = 3600, 86400

bp = Blueprint("public", __name__)


@bp.get("/hjalp")
def help_page() -> AnyResponse:
    """Show how to begin, the common questions, and whom to ask."""
    vendors = current_services().settings.vendors.values()
    classes_only = [vendor.name for vendor in vendors if vendor.groups == "classes"]
    one_place = [vendor.name for vendor in vendors if vendor.placements == "one"]
    names = listed(vendor.name for vendor in vendors)
    return _page(
        "help",
        vendors=list(vendors),
        names=names,
        classes_only=classes_only,
        one_place=one_place,
        limits=Limits(),
    )


@bp.get("/integritet")
def privacy() -> AnyResponse:
    """Show what personal data is processed, why, where, and for how long."""
    settings = current_services().settings
    on_google = isinstance(settings.store, FirestoreAddress) or settings.on_app_engine
    region = settings.tasks.location if isinstance(settings.tasks, CloudTasks) else None
    return _page(
        "privacy",
        scopes=scopes_with_reasons(),
        on_google=on_google,
        region=region,
        sends_mail=settings.web.mail is not None,
        uses_register=settings.web.register is not None,
        kept=retention(),
    )


def retention() -> dict[str, int]:
    """Return how long personal data is kept, in the units that the pages say."""
    return {
        "directory": int(snapshot_store.KEPT) // HOUR,
        "reading": int(SNAPSHOT_KEPT) // HOUR,
        "placements": int(GONE_KEPT) // DAY,
        "runs": RUNS_KEPT,
        "searches": int(SEARCH_KEPT) // HOUR,
        "log": int(AUDIT_KEPT) // (365 * DAY),
        "idle": IDLE // timedelta(hours=1),
        "session": int(SESSION_KEPT) // DAY,
    }


@bp.get("/villkor")
def terms() -> AnyResponse:
    """Show the terms of the service, with the agreements that there are."""
    settings = current_services().settings
    agreements = {
        name: vendor_name(settings.vendors, name) for name in settings.agreements if name != OURS
    }
    days = None if settings.marketplace_app is None else settings.farewell_days
    return _page("terms", ours=OURS in settings.agreements, agreements=agreements, days=days)


@bp.get("/tillganglighet")
def accessibility() -> AnyResponse:
    """Show the accessibility statement (the Act 2018:1937; Digg's regulations, MDFFS 2019:2)."""
    return _page("accessibility", idle=IDLE // timedelta(hours=1), assessed=ASSESSED)


@bp.get("/avtal/<path:file>")
def agreement(file: str) -> AnyResponse:
    """Give out an agreement, `ID.pdf`; only those that were found at start have an address."""
    name, _, suffix = file.rpartition(".")
    path = current_services().settings.agreements.get(name) if suffix == "pdf" else None
    if path is None:
        return Response("404\n", 404, mimetype="text/plain")
    return _cacheable(
        send_file(path.resolve(), "application/pdf", as_attachment=True, download_name=path.name)
    )


@bp.get("/.well-known/security.txt")
def security_txt() -> AnyResponse:
    """Say where weaknesses are reported. https://www.rfc-editor.org/rfc/rfc9116"""
    services = current_services()
    settings = services.settings
    scheme = "https" if settings.serves_https else request.scheme
    base = settings.web.url or f"{scheme}://{request.host}"
    expires = datetime.fromtimestamp(services.clock(), UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    fields = (
        ("Contact", operator_of(settings.web).mailto),
        ("Expires", f"{expires + EXPIRES:%Y-%m-%dT%H:%M:%SZ}"),
        ("Preferred-Languages", "sv, en"),
        ("Canonical", base + url_for("public.security_txt")),
    )
    body = "".join(f"{name}: {value}\n" for name, value in fields)
    return _cacheable(Response(body, mimetype="text/plain"))


def _page(name: str, **values: object) -> AnyResponse:
    """Render a public page, in a language that only the request decides."""
    other = "en" if language() == "sv" else "sv"
    response = make_response(
        render_template(
            f"public/{name}.html",
            operator=operator_of(current_services().settings.web),
            changed=CHANGED,
            other_language=(other, url_for(request.endpoint or "", sprak=other)),
            **values,
        )
    )
    response.vary.add("Accept-Language")
    return _cacheable(response)


def _cacheable(response: AnyResponse) -> AnyResponse:
    response.headers["Cache-Control"] = STATIC_KEPT
    response.add_etag()
    return response.make_conditional(request)
