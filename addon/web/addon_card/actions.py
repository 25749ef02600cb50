"""What clicks on a card do: ask once more, approve, refuse, run now, or show the card again."""

from collections.abc import Mapping

from flask import g

from addon.web.addon_card.answers import AddonAnswer, next_card
from addon.web.addon_card.caller import AddonEvent
from addon.web.addon_card.card_model import Card
from addon.web.addon_card.hold_card import confirmation_card
from addon.web.addon_card.home_card import home_card
from addon.web.addon_card.home_view import hold_id, hold_view, home_view
from addon.web.addon_card.links import CardLinks
from addon.web.addon_card.message_cards import not_set_up_card
from addon.web.hold_decisions import (
    approve,
    changed_text,
    gone_text,
    refuse,
    removal_hash,
)
from addon.web.presenters.hold import approval_of
from addon.web.request_context import RequestContext, request_context
from addon.web.run_now import request_run_now
from addon.web.translation import gettext_str as _
from addon.web.waiting_holds import WaitingHold


def home_of(ctx: RequestContext, links: CardLinks, notice: str = "") -> Card:
    """Return the tenant's home card. Raises StoreError."""
    if ctx.is_new:
        return not_set_up_card(links)
    return home_card(home_view(ctx), links, notice)


def act(ctx: RequestContext, event: AddonEvent, links: CardLinks) -> AddonAnswer:
    """Do what the parameters of a click say; unknown ones do nothing. Raises StoreError.

    What is asked about a hold is done only if the hold is still the one that was shown.
    """
    parameters = event.common_event_object.parameters or {}
    wanted = parameters.get("do")
    if wanted == "run" and not ctx.is_new:
        refused = request_run_now(ctx)
        told = _("Körningen börjar strax.") if refused is None else refused.text
        return _home(ctx, links, told)
    if wanted not in ("ask", "approve", "refuse") or ctx.farewell:
        return next_card(home_of(ctx, links))
    held = _named(ctx, parameters)
    if held is None:
        return _changed(ctx, links, gone_text())
    if removal_hash(held, approval_of(ctx.store, held, ctx.now)) != parameters.get("content"):
        return _changed(ctx, links, changed_text(ctx, held))
    if wanted == "ask":
        return next_card(confirmation_card(hold_view(ctx, held), links))
    result = approve(ctx, held) if wanted == "approve" else refuse(ctx, held)
    if result.is_warning:
        return _changed(ctx, links, result.text)
    return _home(ctx, links, result.text)


def _named(ctx: RequestContext, parameters: Mapping[str, str]) -> WaitingHold | None:
    return next((held for held in ctx.holds if hold_id(held) == parameters.get("hold")), None)


def _home(ctx: RequestContext, links: CardLinks, notification: str) -> AddonAnswer:
    """Return the home card as it is after the click, with a notification."""
    return next_card(home_of(_again(ctx), links), notification)


def _changed(ctx: RequestContext, links: CardLinks, notice: str) -> AddonAnswer:
    """Return the home card with a notice that stays on it."""
    return next_card(home_of(_again(ctx), links, notice), notice)


def _again(ctx: RequestContext) -> RequestContext:
    """Return a context that reads what the click has changed."""
    g.ctx = RequestContext(ctx.admin, ctx.services)
    return request_context()
