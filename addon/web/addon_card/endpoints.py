"""`POST /addon/home` and `/addon/action`: the calls of Google's add-on service.

A call that is not right is answered by a status alone; everything else by a card.
"""

import logging
from collections.abc import Callable

from flask import Blueprint, Flask, Response, abort, current_app, g, request
from flask_babel import force_locale
from msgspec import Struct

from addon.store.base import StoreError
from addon.tenants.document import DocumentError
from addon.web.addon_card.actions import act, home_of
from addon.web.addon_card.answers import AddonAnswer, first_card, next_card
from addon.web.addon_card.caller import (
    AddonEvent,
    AdministratorChecks,
    CallRefusedError,
    CallVerifier,
)
from addon.web.addon_card.card_model import Card
from addon.web.addon_card.links import CardLinks
from addon.web.addon_card.message_cards import refused_card, unavailable_card
from addon.web.i18n import LANGUAGES
from addon.web.request_context import RequestContext
from addon.web.security.admission import SignInRefused
from addon.web.security.auth import CHECKED_FOR_CHANGES, CHECKED_FOR_READING
from addon.web.security.google_tokens import GoogleTokenVerifier
from addon.web.services import Services

log = logging.getLogger(__name__)

LARGEST_EVENT = 256_000
"""Bytes of a call's body."""
KEY = "skolsynk.addon_card"
"""The key of the application's `AddonService` in `app.extensions`."""

bp = Blueprint("addon_card", __name__, url_prefix="/addon")


class AddonService(Struct, frozen=True):
    """What the endpoints need, where the settings name the add-on's caller."""

    services: Services
    verifier: CallVerifier
    checks: AdministratorChecks
    links: CardLinks


def init_app(app: Flask, services: Services, tokens: GoogleTokenVerifier) -> None:
    """Serve the endpoints if the settings name the add-on's caller; otherwise answer 404."""
    web = services.settings.web
    if web.addon is not None and web.url is not None:
        app.extensions[KEY] = AddonService(
            services,
            CallVerifier(web.addon, tokens),
            AdministratorChecks(services),
            CardLinks(web.url),
        )

    @app.before_request
    def absent() -> None:
        if request.path.split("/")[1] == "addon" and KEY not in app.extensions:
            abort(404)


@bp.post("/home")
def home() -> AddonAnswer | Response:
    """Return the card that the panel opens with."""
    return _answered(_home, first_card, CHECKED_FOR_READING)


@bp.post("/action")
def action() -> AddonAnswer | Response:
    """Do what was clicked, and return the card that is shown then."""
    return _answered(act, next_card, CHECKED_FOR_CHANGES)


Work = Callable[[RequestContext, AddonEvent, CardLinks], AddonAnswer]


def _answered(
    work: Work, wrapped: Callable[[Card], AddonAnswer], trusted_for: float
) -> AddonAnswer | Response:
    """Return what `work` answers an administrator; others get a card that says why not.

    Google's answer that somebody is an administrator is trusted for so many seconds.
    """
    service: AddonService = current_app.extensions[KEY]
    links = service.links
    request.max_content_length = LARGEST_EVENT
    url = links.page(request.endpoint or "")
    try:
        event, user = service.verifier.user_of(url, request.headers, request.get_data(cache=False))
        with force_locale(_language(event)):
            try:
                admin = service.checks.administrator(user, trusted_for)
                g.admin, g.ctx = admin, RequestContext(admin, service.services)
                return work(g.ctx, event, links)
            except SignInRefused as refused:
                return wrapped(refused_card(refused, links))
            except (StoreError, DocumentError) as error:
                log.error("a card could not be made: %s", error)
                return wrapped(unavailable_card(links))
    except CallRefusedError as refused:
        log.warning("refused a call of %s: %s", request.path, refused)
        return Response(status=refused.status)


def _home(ctx: RequestContext, event: AddonEvent, links: CardLinks) -> AddonAnswer:
    return first_card(home_of(ctx, links))


def _language(event: AddonEvent) -> str:
    """Return the language of the user's Google account, where the pages have it; or Swedish."""
    wanted = (
        (event.common_event_object.user_locale or "").replace("_", "-").partition("-")[0].lower()
    )
    return wanted if wanted in LANGUAGES else "sv"
