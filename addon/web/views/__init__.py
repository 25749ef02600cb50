"""One module a page: its endpoints and nothing else."""

from flask import Blueprint

from addon.web.views import (
    audit_log,
    class_rules,
    data_quality,
    holds,
    overview,
    people,
    person,
    preview,
    proposals,
    protected,
    runs,
    school_register,
    school_unit,
    school_units,
    selection,
    settings,
    setup,
    tenant_document,
    vendor,
    vendors,
)

PAGES = (
    overview,
    setup,
    school_units,
    school_unit,
    selection,
    class_rules,
    protected,
    school_register,
    proposals,
    vendors,
    vendor,
    holds,
    preview,
    people,
    person,
    data_quality,
    runs,
    settings,
    audit_log,
    tenant_document,
)


def blueprints() -> list[Blueprint]:
    """All pages, in the menu's order."""
    return [page.blueprint() for page in PAGES]
