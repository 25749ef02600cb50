"""The pages that administrators see, one module each."""

from flask import Blueprint

from addon.web.pages import (
    changelog,
    document,
    guide,
    holds,
    overview,
    people,
    person,
    preview,
    proposals,
    protected,
    quality,
    register,
    rules,
    runs,
    selection,
    settings,
    unit,
    units,
    vendor,
    vendors,
)

PAGES = (
    overview,
    guide,
    units,
    unit,
    selection,
    rules,
    protected,
    register,
    proposals,
    vendors,
    vendor,
    holds,
    preview,
    people,
    person,
    quality,
    runs,
    settings,
    changelog,
    document,
)


def blueprints() -> list[Blueprint]:
    """All pages, in the menu's order."""
    return [page.blueprint() for page in PAGES]
