"""The addresses that cards lead to: pages, and the add-on's own endpoints."""

from collections.abc import Mapping

from flask import url_for
from msgspec import Struct

from addon.web.addon_card.card_model import (
    ActionParameter,
    ButtonType,
    CardAction,
    CardButton,
    OnClick,
    OpenLink,
    plain,
)


class CardLinks(Struct, frozen=True):
    """Makes links under `base`, the application's public address without a trailing slash."""

    base: str

    def page(self, endpoint: str, **values: str) -> str:
        """Return the URL of a page."""
        return self.base + url_for(endpoint, **values)  # type: ignore[arg-type]

    def open(self, endpoint: str, **values: str) -> OnClick:
        """Return the click that opens a page."""
        return OnClick(open_link=OpenLink(self.page(endpoint, **values)))

    def link_button(
        self, text: str, endpoint: str, type: ButtonType | None = None, **values: str
    ) -> CardButton:
        """Return a button that opens a page."""
        return CardButton(plain(text), self.open(endpoint, **values), type)

    def action_button(
        self, text: str, parameters: Mapping[str, str], type: ButtonType | None = None
    ) -> CardButton:
        """Return a button whose click is sent with these parameters."""
        action = CardAction(
            self.page("addon_card.action"),
            tuple(ActionParameter(key, value) for key, value in parameters.items()),
        )
        return CardButton(plain(text), OnClick(action=action), type)
