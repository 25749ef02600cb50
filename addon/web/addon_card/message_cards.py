"""The cards for those who are not shown a tenant: not set up, not let in, or nothing can be had."""

from flask_babel import get_locale
from markupsafe import escape

from addon.web.addon_card.caller import REFUSED_FOR
from addon.web.addon_card.card_model import (
    Card,
    CardButton,
    CardHeader,
    CardSection,
    buttons,
    paragraph,
)
from addon.web.addon_card.home_card import NAME
from addon.web.addon_card.links import CardLinks
from addon.web.addon_card.texts import said
from addon.web.labels import scope_name
from addon.web.security.admission import SignInRefused
from addon.web.translation import gettext_str as _

TEXTS = "parts/refusal_texts"


def refused_card(refused: SignInRefused, links: CardLinks) -> Card:
    """Return the card for somebody who is not let in; it has nothing of the tenant."""
    why = refused.why
    again = links.action_button(_("Försök igen"), {"do": "home"})
    texts: list[str] = [said(TEXTS, "lead", why), said(TEXTS, "advice", why)]
    if refused.scopes:
        names = ", ".join(map(scope_name, refused.scopes))
        texts.append(_("Det som saknas: %(names)s.", names=names))
    if why in ("administrator", "access"):
        minutes = round(REFUSED_FOR / 60)
        texts.append(
            _(
                "Har det ändrats nyss kan det dröja upp till %(minutes)s minuter innan det syns"
                " här.",
                minutes=minutes,
            )
        )
    return _message(
        said(TEXTS, "title", why).unescape(),
        tuple(texts),
        again if why == "unknown" else links.link_button(_("Öppna Skolsynk"), "overview.page"),
        links,
    )


def not_set_up_card(links: CardLinks) -> Card:
    """Return the card for an administrator of a tenant that has not begun."""
    return _message(
        _("Välkommen"),
        (
            _("Skolsynk är installerat men inte inställt ännu. Inget läses och inget skickas."),
            _("Att komma igång tar några timmar, och du kan avbryta när du vill."),
        ),
        links.link_button(_("Kom igång"), "overview.page", "FILLED"),
        links,
    )


def unavailable_card(links: CardLinks) -> Card:
    """Return the card for when the store does not answer."""
    return _message(
        _("Det går inte just nu"),
        (
            _(
                "Skolsynk når inte sina sparade uppgifter. Inget har gått förlorat. Försök igen om "
                "en stund."
            ),
        ),
        links.action_button(_("Försök igen"), {"do": "home"}),
        links,
    )


def _message(title: str, texts: tuple[str, ...], button: CardButton, links: CardLinks) -> Card:
    """Return a card with the button, and one that opens the help in the language of the card."""
    help_page = links.link_button(_("Hjälp"), "public.help_page", sprak=str(get_locale()))
    section = CardSection(
        (*map(paragraph, texts), buttons(button, help_page)), header=escape(title)
    )
    return Card(CardHeader(NAME), (section,))
