"""The page with the side panel: a mailbox that is only hinted at, and the card beside it."""

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlencode

from msgspec import Struct

from addon.sandbox.card_html import draw_card
from addon.sandbox.google_objects import JSON
from addon.sandbox.page_style import NO_ICON
from addon.sandbox.side_panel_style import STYLE

CURRENT = ' aria-current="true"'
LANGUAGES = {"sv": "Svenska", "en": "English"}


class PanelView(Struct, frozen=True):
    """What the panel shows to a person: a card, or why there is none, and what is told beside."""

    card: JSON | None = None
    problem: str = ""
    notification: str = ""


class PanelUser(Struct, frozen=True):
    """Who looks at the panel, by the account's id, and in which language."""

    id: str
    language: str

    @property
    def query(self) -> str:
        """The query of the page for this person."""
        return urlencode({"person": self.id, "lang": self.language})


def panel_page(view: PanelView, user: PanelUser, people: Sequence[JSON], installed: bool) -> str:
    """Return the page in HTML; `people` are the accounts that may look at it."""
    rows = "".join(map(_mail, range(13)))
    told = (
        f'<p class="told" role="status">{escape(view.notification)}</p>'
        if view.notification
        else ""
    )
    return (
        f'<!doctype html><html lang="{user.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{NO_ICON}"
        f"<title>Sidopanelen – Skolsynks sandlåda</title><style>{STYLE}</style></head><body>"
        f"<header><h1>Gmail, på låtsas</h1>{_people(user, people)}{_languages(user)}"
        f"{_installation(user, installed)}</header>"
        f'<div class="window"><div class="mail" aria-hidden="true">{rows}</div>'
        f'<main class="panel" aria-label="Sidopanel">{_content(view, user)}{told}</main></div>'
        "</body></html>"
    )


def _content(view: PanelView, user: PanelUser) -> str:
    if view.card is None:
        return f'<p class="nothing">{escape(view.problem)}</p>'

    def form(text: str, css: str, action: str) -> str:
        return _form("/click", user, f'<button class="{css}">{text}</button>', action=action)

    return draw_card(view.card, form)


def _mail(n: int) -> str:
    """Return a line of the mailbox, which shows only where text would be."""
    sender, subject = 90 + n * 37 % 60, 180 + n * 83 % 220
    return f'<div><i style="width:{sender}px"></i><i style="width:{subject}px"></i></div>'


def _people(user: PanelUser, people: Sequence[JSON]) -> str:
    return _choice(
        "Vem som tittar",
        user,
        {PanelUser(each["id"], user.language): each["primaryEmail"] for each in people},
    )


def _languages(user: PanelUser) -> str:
    return _choice("Språk", user, {PanelUser(user.id, k): name for k, name in LANGUAGES.items()})


def _choice(label: str, chosen: PanelUser, names: Mapping[PanelUser, str]) -> str:
    links = "".join(
        f'<a href="/?{user.query}"{CURRENT if user == chosen else ""}>{escape(name)}</a>'
        for user, name in names.items()
    )
    return f'<nav aria-label="{label}">{links}</nav>'


def _installation(user: PanelUser, installed: bool) -> str:
    again = _form("/open", user, "<button>Uppdatera</button>") if installed else ""
    what = "Avinstallera Skolsynk" if installed else "Installera Skolsynk"
    change = _form(
        "/installation", user, f"<button>{what}</button>", installed="no" if installed else "yes"
    )
    return f'<nav aria-label="Tillägget">{again}{change}</nav>'


def _form(path: str, user: PanelUser, button: str, **values: str) -> str:
    given = {"person": user.id, "lang": user.language, **values}
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in given.items()
    )
    return f'<form method="post" action="{path}">{fields}{button}</form>'
