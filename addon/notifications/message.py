"""Render a notice: Swedish first, English below, as text and as simple HTML.

The texts are in templates/notifications/, one file per language; the HTML is made from the text.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from addon.notifications.mailer import Message

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates" / "notifications"
NO_BREAK = "\N{NO-BREAK SPACE}"
RULE = "-" * 20


def render_message(
    to: Sequence[str], subject: str, name: str, *, id: str | None = None, **values: object
) -> Message:
    """Return the message of the templates `name`.sv.txt and `name`.en.txt with these values."""
    swedish, english = (_paragraphs(name, language, values) for language in ("sv", "en"))
    html = (
        _templates()
        .get_template("message.html")
        .render(subject=subject, swedish=swedish, english=english)
    )
    text = "\n\n".join([*swedish, RULE, *english]) + "\n"
    return Message(tuple(to), " ".join(subject.split()), text, html, id)


def swedish_number(value: float) -> str:
    """Return a number in Swedish format: 11 204, 2,5."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", NO_BREAK)
    return f"{value:g}".replace(".", ",")


def english_number(value: float) -> str:
    """Return a number in English format: 11,204, 2.5."""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _paragraphs(name: str, language: str, values: dict[str, object]) -> list[str]:
    text = _templates().get_template(f"{name}.{language}.txt").render(values)
    blocks = (" ".join(block.split("\n")).strip() for block in text.split("\n\n"))
    return [block for block in blocks if block]


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["sv"] = swedish_number
    templates.filters["en"] = english_number
    return templates
