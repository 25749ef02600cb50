"""The home card: whether all is well, what waits for a decision, and a line a vendor."""

from collections.abc import Iterator
from itertools import chain

from markupsafe import Markup, escape

from addon.web.addon_card.card_model import (
    Card,
    CardHeader,
    CardSection,
    DecoratedText,
    FixedFooter,
    Widget,
    buttons,
    icon,
    paragraph,
    plain,
)
from addon.web.addon_card.hold_card import hold_section
from addon.web.addon_card.home_view import HomeView, VendorView
from addon.web.addon_card.links import CardLinks
from addon.web.addon_card.texts import said
from addon.web.translation import gettext_str as _

ICONS = {"ok": "check_circle", "wait": "warning", "stop": "error", "off": "power_settings_new"}
"""Names of icons by the kind of a state."""
NAME = "Skolsynk"
MOST_HOLDS, MOST_VENDORS = 5, 25
"""How many are shown; Google shows 100 widgets of a card, and the rest is on the pages."""
VENDORS_AT_ONCE = 6
"""Vendors that are shown before one asks for more."""


def home_card(view: HomeView, links: CardLinks, notice: str = "") -> Card:
    """Return the card; `notice` is what is told above it after a click."""
    sections = [CardSection((_sentence(view, notice),))]
    sections += [hold_section(hold, links) for hold in view.holds[:MOST_HOLDS]]
    if (more := len(view.holds) - MOST_HOLDS) > 0:
        said_more = paragraph(said("addon_card/texts", "more_holds", more))
        show_all = buttons(links.link_button(_("Visa alla"), "holds.page"))
        sections.append(CardSection((said_more, show_all)))
    if notices := tuple(_notices(view, links)):
        sections.append(CardSection(notices))
    if view.vendors:
        sections.append(_vendors(view, links))
    run = links.action_button(_("Kör nu"), {"do": "run"}) if view.can_run else None
    return Card(
        CardHeader(NAME, plain(view.organisation)),
        tuple(sections),
        FixedFooter(links.link_button(_("Öppna Skolsynk"), "overview.page", "FILLED"), run),
    )


def _sentence(view: HomeView, notice: str) -> Widget:
    names = {
        "ok": _("I ordning"),
        "wait": _("Väntar"),
        "stop": _("Något är fel"),
        "off": _("Av"),
    }
    return Widget(
        decorated_text=DecoratedText(
            text=Markup("<b>{}</b><br>{}").format(notice, view.sentence)
            if notice
            else view.sentence,
            start_icon=icon(ICONS[view.kind], names[view.kind]),
            wrap_text=True,
        )
    )


def _notices(view: HomeView, links: CardLinks) -> Iterator[Widget]:
    if view.next_endpoint:
        yield buttons(links.link_button(_("Fortsätt"), view.next_endpoint))
    if view.paused:
        yield buttons(links.link_button(_("Ändra eller avsluta pausen"), "settings.page"))
    if view.unread:
        yield paragraph(said("parts/refusal_texts", "withdrawn"))
        yield buttons(links.link_button(_("Se vad som hände"), "runs.page"))
    if view.errors:
        if not view.errors_told:
            yield paragraph(said("addon_card/texts", "errors", view.errors))
        yield buttons(
            links.link_button(_("Se vad som är fel och hur du rättar det"), "data_quality.page")
        )
    if view.ended:
        yield paragraph(said("addon_card/texts", "ended", view.ended))
        yield buttons(links.link_button(_("Granska och bestäm"), "protected.page"))
    if view.unconfirmed:
        yield paragraph(said("addon_card/texts", "unconfirmed", view.unconfirmed))
        yield buttons(
            links.link_button(
                _("Se vilka skolor det gäller"), "data_quality.kind", code="removal-unconfirmed"
            )
        )


def _vendors(view: HomeView, links: CardLinks) -> CardSection:
    lines = [tuple(_vendor(each, links)) for each in view.vendors[:MOST_VENDORS]]
    first = sum(map(len, lines[:VENDORS_AT_ONCE]))
    folds = len(lines) > VENDORS_AT_ONCE
    return CardSection(
        tuple(chain.from_iterable(lines)),
        header=escape(_("Leverantörer")),
        collapsible=folds,
        uncollapsible_widgets_count=first if folds else 0,
    )


def _vendor(vendor: VendorView, links: CardLinks) -> Iterator[Widget]:
    yield Widget(
        decorated_text=DecoratedText(
            text=Markup("<b>{}</b> – {}").format(vendor.name, vendor.state),
            bottom_label=plain(vendor.facts),
            start_icon=icon(ICONS[vendor.kind], vendor.state),
            wrap_text=True,
            on_click=links.open("vendor.page", vendor=vendor.vendor),
        )
    )
    if vendor.advice:
        yield paragraph(vendor.advice)
