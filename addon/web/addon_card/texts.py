"""Sentences of the pages' templates, for cards."""

import re

from flask import get_template_attribute, render_template
from markupsafe import Markup


def said(template: str, macro: str, *values: object) -> Markup:
    """Return what a macro of a template says, on one line; values are escaped."""
    return _one_line(get_template_attribute(f"{template}.html", macro)(*values))


def rendered(template: str, **values: object) -> Markup:
    """Return what a template says, on one line; values are escaped."""
    return _one_line(render_template(f"{template}.html", **values))


def _one_line(text: str) -> Markup:
    """Return the text without line breaks and indents; no-break spaces stay."""
    return Markup(re.sub(r"[ \n]+", " ", text).strip(" \n"))
