"""The template filters: labels of codes, and formats of numbers and times; whom to write to."""

from flask import Flask
from markupsafe import Markup

from addon.web import admin_console
from addon.web.finding_rules import IN_ORG_UNITS, RULES
from addon.web.finding_texts import finding_label
from addon.web.formats import ago, duration, listed, moment, number
from addon.web.labels import (
    ACTIONS,
    CONNECTION_STATUSES,
    FIELDS,
    MODES,
    OPERATORS,
    REGISTER_STATUSES,
    RESOURCE_TYPES,
    RUN_KINDS,
    RUN_STATUSES,
    SCHOOL_TYPES,
    Words,
    access_name,
    attribute_name,
    counted_people,
    counted_type,
    reason_name,
    scope_name,
    severity_name,
    subject_name,
    who_name,
    wire_name,
)
from addon.web.presenters.directory_problems import directory_words
from addon.web.request_context import request_context
from addon.web.support_contact import support_contact


def init_app(app: Flask) -> None:
    """Register the labels and formats as template filters, with `support` and `console`."""
    app.jinja_env.globals.update(support=support_contact, console=admin_console)
    app.jinja_env.filters.update(
        number=number,
        listed=listed,
        capitalize_first=lambda text: text[:1].upper() + text[1:],
        lower_first=lambda text: text[:1].lower() + text[1:],
        moment=moment,
        ago=ago,
        duration=duration,
        mode_name=_said(MODES),
        run_status=_said(RUN_STATUSES),
        run_kind=lambda status: RUN_KINDS.get(status, "off"),
        connection_status=_said(CONNECTION_STATUSES),
        resource_type_name=_said(RESOURCE_TYPES),
        counted_people=counted_people,
        counted_type=counted_type,
        field_name=_said(FIELDS),
        scope_name=scope_name,
        severity_name=severity_name,
        reason_name=reason_name,
        attribute_name=attribute_name,
        operator_name=_said(OPERATORS),
        register_status=_said(REGISTER_STATUSES),
        school_type_name=_said(SCHOOL_TYPES),
        action_name=_said(ACTIONS),
        wire_name=wire_name,
        access_name=access_name,
        who_name=who_name,
        breakable=breakable,
        subject_name=subject_name,
        directory_words=directory_words,
        finding_words=finding_label,
        finding_rule=lambda code: RULES.get(code, ""),
        mended_in_org_units=lambda code: code in IN_ORG_UNITS,
        vendor_name=lambda vendor: request_context().vendor_name(vendor),
        unit_name=lambda code: request_context().tenant.unit_names.get(code, code),
    )


def breakable(text: str) -> Markup:
    """Return text with places in it, which lines may break after each slash of."""
    return Markup("/<wbr>").join(text.split("/"))


def _said(words: Words) -> object:
    return lambda code: str(words.get(code, code))
