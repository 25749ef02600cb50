"""The answers to Google's add-on service: a first card, and a card in place of the one shown."""

from typing import Any

from addon.web.addon_card.card_model import Card, card_json, plain

AddonAnswer = dict[str, Any]
"""The JSON of an answer."""


def first_card(card: Card) -> AddonAnswer:
    """Return the answer that shows a card when the panel is opened."""
    return {"action": {"navigations": [{"pushCard": card_json(card)}]}}


def next_card(card: Card, notification: str = "") -> AddonAnswer:
    """Return the answer to a click: a card in place of the one shown, and what is told beside."""
    action: AddonAnswer = {"navigations": [{"updateCard": card_json(card)}]}
    if notification:
        action["notification"] = {"text": plain(notification)}
    return {"renderActions": {"action": action}}
