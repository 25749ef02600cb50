"""Which setting of a unit decides each kind of finding, so that a page can link to it."""

from collections.abc import Mapping
from typing import Literal

FindingRule = Literal["selection", "exceptions", "classes", "groups", "years", "order", "protected"]

RULES: Mapping[str, FindingRule] = {
    "protection-ended": "protected",
    "protected-org-unit-missing": "protected",
    "protected-group-missing": "protected",
    "protected-member-unknown": "protected",
    "unit-elsewhere": "selection",
    "org-unit-missing": "selection",
    "org-unit-renamed": "selection",
    "group-missing": "selection",
    "removal-unconfirmed": "selection",
    "selector-without-match": "selection",
    "staff-in-student-selector": "selection",
    "student-in-several-units": "selection",
    "member-not-selected": "selection",
    "exception-unknown": "exceptions",
    "student-without-class": "classes",
    "student-class-excepted": "classes",
    "student-in-several-classes": "classes",
    "class-pattern-without-match": "classes",
    "duplicate-class-name": "classes",
    "teaching-group-pattern-without-match": "groups",
    "teaching-group-named-as-class": "groups",
    "group-without-students": "groups",
    "student-without-school-year": "years",
    "school-year-out-of-range": "years",
    "placement-reduced": "order",
}
"""The others are about the account itself, or about the reading."""
IN_ORG_UNITS = frozenset(
    {"org-unit-missing", "org-unit-renamed", "exception-unknown", "removal-unconfirmed"}
)
"""Findings that are mended among the OUs of Google's Admin console."""
