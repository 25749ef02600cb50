"""A hold on the home card, and the card that asks once more before it is approved."""

from collections.abc import Iterator

from markupsafe import Markup, escape

from addon.web.addon_card.card_model import (
    Card,
    CardHeader,
    CardSection,
    Widget,
    buttons,
    paragraph,
    plain,
)
from addon.web.addon_card.home_view import HoldView
from addon.web.addon_card.links import CardLinks
from addon.web.addon_card.texts import said
from addon.web.formats import number
from addon.web.translation import gettext_str as _

TEXTS = "parts/hold_texts"
MOST_UNITS = 5
"""Units that are named one by one."""


def hold_section(view: HoldView, links: CardLinks) -> CardSection:
    """Return the part of the home card about a hold."""
    return CardSection(
        (*_about(view), *_answers(view, links)),
        header=escape(_title(view)),
    )


def confirmation_card(view: HoldView, links: CardLinks) -> Card:
    """Return the card that repeats vendor and number, and asks whether to go on."""
    yes = links.action_button(
        said(TEXTS, "yes", view.hold, view.name), {"do": "approve", **_named(view)}, "FILLED"
    )
    no = links.action_button(_("Avbryt"), {"do": "home"})
    show_all = links.link_button(_("Visa alla"), "holds.page", _anchor=f"sparr-{view.vendor}")
    return Card(
        CardHeader(plain(_("Ska det som är spärrat godkännas?")), plain(_title(view))),
        (CardSection((*_about(view), _consequence(view), buttons(yes), buttons(no, show_all))),),
    )


def _title(view: HoldView) -> str:
    title = _("Spärr hos %(vendor)s", vendor=view.name)
    return f"{title} ({_('testläge')})" if view.mode == "test" else title


def _about(view: HoldView) -> Iterator[Widget]:
    sentence = said(TEXTS, "sentence", view.hold, view.name)
    if view.approval is None:
        sentence += " " + said(TEXTS, "reason", view.hold, view.limits)
    yield paragraph(sentence)
    if view.hold.emptied:
        yield paragraph(said(TEXTS, "emptied", view.hold))
    if lines := _unit_lines(view):
        yield paragraph(Markup("<br>").join(lines))
    if view.approval is None:
        if also := said(TEXTS, "also", view.hold):
            yield paragraph(also)
        yield from _cause(view)


def _cause(view: HoldView) -> Iterator[Widget]:
    """Yield what most of the people have in common, or where that can be seen."""
    if view.judged is None:
        if view.hold.people and not view.hold.withdrawal:
            yield paragraph(_("Vilka det är och varför visas under Visa alla."))
        return
    cause = view.judged.cause
    if cause is not None:
        total = len(view.hold.people)
        asked = said(TEXTS, "cause", cause, total) + " " + said(TEXTS, "cause_remedy", cause)
        yield paragraph(asked)


def _unit_lines(view: HoldView) -> list[Markup]:
    known = [each for each in view.units if each.name]
    unknown = sum(each.number for each in view.units if not each.name)
    shown = known if len(known) <= MOST_UNITS + 1 else known[:MOST_UNITS]
    lines = [escape(f"{each.name}: {number(each.number)}") for each in shown]
    if len(shown) < len(known):
        lines.append(said("addon_card/texts", "more_units", len(known) - len(shown)))
    if unknown:
        lines.append(escape(_("Okänd skolenhet: %(number)s", number=number(unknown))))
    return lines


def _consequence(view: HoldView) -> Widget:
    return paragraph(
        _("Vad som händer med deras arbete hos leverantören avgör leverantören.")
        if view.hold.people or view.hold.memberships
        else _("Ändringen skickas så snart du svarar ja.")
    )


def _answers(view: HoldView, links: CardLinks) -> Iterator[Widget]:
    show_all = links.link_button(_("Visa alla"), "holds.page", _anchor=f"sparr-{view.vendor}")
    if view.approval is not None:
        yield paragraph(said(TEXTS, "approved", view.name, view.sending, view.hold.withdrawal))
        yield buttons(show_all)
        return
    if view.hold.refused:
        yield paragraph(
            _(
                "Spärren hos %(vendors)s står kvar eftersom ni har sagt nej. "
                "Det som är spärrat skickas inte.",
                vendors=view.name,
            )
        )
    if not view.approvable:
        yield paragraph(_("Under pausen kan ni säga nej, men inte godkänna."))
    found = []
    if view.approvable:
        found.append(links.action_button(_("Godkänn"), {"do": "ask", **_named(view)}))
    if not view.hold.refused:
        found.append(links.action_button(_("Neka"), {"do": "refuse", **_named(view)}))
    yield buttons(*found, show_all)


def _named(view: HoldView) -> dict[str, str]:
    """Return the parameters that say which hold, and what it would remove."""
    return {"hold": view.id, "content": view.content}
