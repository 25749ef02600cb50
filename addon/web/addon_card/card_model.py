"""Cards of Google Workspace add-ons as values, and their JSON.

https://developers.google.com/workspace/add-ons/reference/rpc/google.apps.card.v1

Fields of type Markup are shown as HTML of a few tags; all others are shown as they are.
"""

from typing import Any, Literal

import msgspec
from markupsafe import Markup, escape
from msgspec import Struct

ButtonType = Literal["FILLED", "OUTLINED", "BORDERLESS"]


class MaterialIcon(Struct, frozen=True):
    """An icon by its name at https://fonts.google.com/icons."""

    name: str


class CardIcon(Struct, frozen=True, rename="camel"):
    """An icon, and the text that a screen reader says in its place."""

    material_icon: MaterialIcon
    alt_text: str


class ActionParameter(Struct, frozen=True):
    """A value that an action sends with its request."""

    key: str
    value: str


class CardAction(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A request to the URL `function`; meanwhile the panel shows that it works."""

    function: str
    parameters: tuple[ActionParameter, ...] = ()


class OpenLink(Struct, frozen=True):
    """A page that opens in a window of its own."""

    url: str


class OnClick(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a click does: one of the two."""

    action: CardAction | None = None
    open_link: OpenLink | None = None


class CardButton(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A button."""

    text: str
    on_click: OnClick
    type: ButtonType | None = None


class ButtonList(Struct, frozen=True):
    """Buttons beside each other."""

    buttons: tuple[CardButton, ...]


class TextParagraph(Struct, frozen=True):
    """A paragraph of text."""

    text: Markup


class DecoratedText(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A text with an icon before it and a line of quiet text below."""

    text: Markup
    bottom_label: str = ""
    start_icon: CardIcon | None = None
    wrap_text: bool = False
    on_click: OnClick | None = None


class Widget(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One row of a card: one of the three."""

    text_paragraph: TextParagraph | None = None
    decorated_text: DecoratedText | None = None
    button_list: ButtonList | None = None


class CardSection(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Widgets under a header. Of a collapsible one the first few are always shown."""

    widgets: tuple[Widget, ...]
    header: Markup = Markup("")
    collapsible: bool = False
    uncollapsible_widgets_count: int = 0


class CardHeader(Struct, frozen=True, omit_defaults=True):
    """The title of a card."""

    title: str
    subtitle: str = ""


class FixedFooter(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Buttons that stay at the bottom of the panel."""

    primary_button: CardButton
    secondary_button: CardButton | None = None


class Card(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A card."""

    header: CardHeader
    sections: tuple[CardSection, ...]
    fixed_footer: FixedFooter | None = None


def paragraph(text: str | Markup) -> Widget:
    """Return a paragraph; text that is not Markup is escaped."""
    return Widget(text_paragraph=TextParagraph(escape(text)))


def buttons(*some: CardButton) -> Widget:
    """Return a row of buttons."""
    return Widget(button_list=ButtonList(some))


def icon(name: str, alt_text: str) -> CardIcon:
    """Return an icon with the text for those who do not see it."""
    return CardIcon(MaterialIcon(name), plain(alt_text))


def plain(text: str | Markup) -> str:
    """Return text for a place that shows no HTML: without entities, tags and their signs."""
    said = text.unescape() if isinstance(text, Markup) else text
    return said.replace("<", "").replace(">", "")


def card_json(card: Card) -> dict[str, Any]:
    """Return the card in the form of its JSON."""
    found: dict[str, Any] = msgspec.to_builtins(card, enc_hook=str)
    return found
