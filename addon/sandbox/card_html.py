"""Draws the cards of a Workspace add-on as HTML, as Google's side panel does.

https://developers.google.com/workspace/add-ons/reference/rpc/google.apps.card.v1
"""

import json
from collections.abc import Callable, Iterable
from html import escape
from html.parser import HTMLParser

from addon.sandbox.google_objects import JSON

ICONS = {"check_circle": "✓", "warning": "▲", "error": "!", "power_settings_new": "–"}
"""A sign for each icon that is drawn; others are a dot."""
TAGS = frozenset({"b", "i", "u", "s", "br"})
"""The tags that are drawn of the HTML in a text."""

ClickForm = Callable[[str, str, str], str]
"""The HTML of a form: of the button in it (an HTML text), its class, and the action as JSON."""


def draw_card(card: JSON, form: ClickForm) -> str:
    """Return the HTML of a card; `form` makes the form of each button that calls the add-on."""
    header, footer = card.get("header", {}), card.get("fixedFooter", {})
    subtitle = f"<p>{escape(header['subtitle'])}</p>" if header.get("subtitle") else ""
    sections = "".join(_section(each, form) for each in card.get("sections", ()))
    buttons = [footer[key] for key in ("secondaryButton", "primaryButton") if key in footer]
    fixed = f'<div class="fixed">{_buttons(buttons, form)}</div>' if buttons else ""
    return (
        f'<header class="card-header"><h2>{escape(header.get("title", ""))}</h2>{subtitle}</header>'
        f'<div class="sections" tabindex="0" role="region" aria-label="Kort">{sections}</div>'
        f"{fixed}"
    )


def _section(section: JSON, form: ClickForm) -> str:
    widgets = [_widget(each, form) for each in section.get("widgets", ())]
    heading = f"<h3>{_markup(section['header'])}</h3>" if section.get("header") else ""
    if section.get("collapsible"):
        shown = section.get("uncollapsibleWidgetsCount", 0)
        rest = f"<details><summary>Visa mer</summary>{''.join(widgets[shown:])}</details>"
        widgets = [*widgets[:shown], rest]
    return f"<section>{heading}{''.join(widgets)}</section>"


def _widget(widget: JSON, form: ClickForm) -> str:
    (kind, content), *_ = widget.items()
    match kind:
        case "textParagraph":
            return f"<p>{_markup(content['text'])}</p>"
        case "decoratedText":
            return _decorated(content)
        case "buttonList":
            return f'<div class="buttons">{_buttons(content["buttons"], form)}</div>'
        case "divider":
            return "<hr>"
    return f"<p>({escape(kind)})</p>"


def _decorated(content: JSON) -> str:
    icon, below = content.get("startIcon"), content.get("bottomLabel")
    sign = ""
    if icon is not None:
        name = icon["materialIcon"]["name"]
        said = escape(icon.get("altText", ""))
        shape = escape(ICONS.get(name, "•"))
        sign = f'<span class="icon {escape(name)}" role="img" aria-label="{said}">{shape}</span>'
    text = f"<span>{_markup(content['text'])}</span>"
    if below:
        text += f'<span class="below">{escape(below)}</span>'
    link = content.get("onClick", {}).get("openLink")
    whole = f'{sign}<span class="texts">{text}</span>'
    if link is None:
        return f'<div class="decorated">{whole}</div>'
    return f'<a class="decorated" target="_blank" href="{_link(link)}">{whole}</a>'


def _buttons(buttons: Iterable[JSON], form: ClickForm) -> str:
    return "".join(_button(each, form) for each in buttons)


def _button(button: JSON, form: ClickForm) -> str:
    text, style = escape(button["text"]), button.get("type", "OUTLINED").lower()
    click = button["onClick"]
    if "openLink" in click:
        link = _link(click["openLink"])
        return f'<a class="button {style}" target="_blank" href="{link}">{text}</a>'
    return form(text, f"button {style}", json.dumps(click["action"]))


def _link(link: JSON) -> str:
    url = str(link["url"])
    return escape(url) if url.startswith(("http://", "https://")) else "#"


def _markup(text: str) -> str:
    return "".join(_Allowed(text).pieces)


class _Allowed(HTMLParser):
    """The text with the tags that a card may have; everything else is escaped."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.pieces.append(f"<{tag}>" if tag in TAGS else escape(self.get_starttag_text() or ""))

    def handle_endtag(self, tag: str) -> None:
        self.pieces.append(f"</{tag}>" if tag in TAGS else escape(f"</{tag}>"))

    def handle_data(self, data: str) -> None:
        self.pieces.append(escape(data))
