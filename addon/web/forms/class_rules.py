"""The form for the rule by which classes, teaching groups or school years are found."""

from collections.abc import Mapping
from typing import Literal, cast

import msgspec
from msgspec import Struct

from addon.tenants.attributes import attribute_fault
from addon.tenants.conditions import compiled
from addon.tenants.model import GroupRule, SchoolUnit, YearRule
from addon.web.forms.filters import pattern_fault
from addon.web.translation import gettext_str as _

Kind = Literal["classes", "teaching_groups", "school_year"]
Rule = GroupRule | YearRule
NONE, OWN = "", "own"
SOURCES: Mapping[Kind, tuple[str, ...]] = {
    "classes": ("orgUnit", "group", "attribute"),
    "teaching_groups": ("orgUnit", "group", "attribute"),
    "school_year": ("class", "orgUnit", "attribute"),
}
BEGINNINGS: Mapping[Kind, str] = {
    "classes": "(?P<name>[^/]+)$",
    "teaching_groups": "^(?P<name>[^@]+)@",
    "school_year": r"^(?P<year>\d+)",
}
"""Patterns to start from when writing a rule of one's own."""


class RuleForm(Struct, frozen=True):
    """The choice: `NONE`, a rule as JSON, or `OWN` with the fields below it.

    `rule` is the resulting rule; None if nothing is to be found, or if there are faults.
    """

    choice: str
    source: str
    attribute: str
    pattern: str
    rule: Rule | None = None
    faults: dict[str, str] = {}


def rule_form(unit: SchoolUnit, kind: Kind) -> RuleForm:
    """Return the form with the unit's saved rule."""
    rule = rule_of(unit, kind)
    if rule is None:
        return RuleForm(NONE, SOURCES[kind][0], "", BEGINNINGS[kind])
    return RuleForm(choice_of(rule), rule.source, rule.attribute or "", rule.pattern, rule)


def read_rule(form: Mapping[str, str], kind: Kind) -> RuleForm:
    """Return the form as submitted, with its rule or faults."""
    choice = form.get("rule", NONE)
    source = form.get("source", SOURCES[kind][0])
    attribute = form.get("attribute", "").strip()
    pattern = form.get("pattern", "").strip()
    if choice == NONE:
        return RuleForm(choice, source, attribute, pattern)
    if choice != OWN:
        rule, faults = _chosen(choice, kind)
        return RuleForm(choice, source, attribute, pattern, rule, faults)
    faults = _faults(kind, source, attribute, pattern)
    own = None if faults else _rule(kind, source, pattern, attribute)
    return RuleForm(OWN, source, attribute, pattern, own, faults)


def choice_of(rule: Rule) -> str:
    """Return the value that identifies a rule in a form."""
    return msgspec.json.encode(rule).decode()


def rule_of(unit: SchoolUnit, kind: Kind) -> Rule | None:
    """Return the unit's rule of a kind."""
    return cast("Rule | None", getattr(unit, kind))


def _chosen(choice: str, kind: Kind) -> tuple[Rule | None, dict[str, str]]:
    """Return the proposed rule that was chosen, or faults if it is not as it was sent."""
    try:
        rule: Rule = (
            msgspec.json.decode(choice, type=YearRule)
            if kind == "school_year"
            else msgspec.json.decode(choice, type=GroupRule)
        )
    except msgspec.MsgspecError:
        return None, {"rule": _("Välj ett av förslagen.")}
    faults = _faults(kind, rule.source, rule.attribute or "", rule.pattern)
    return (None, {"rule": _("Välj ett av förslagen.")}) if faults else (rule, {})


def _rule(kind: Kind, source: str, pattern: str, attribute: str) -> Rule:
    made = {"from": source, "pattern": pattern}
    if source == "attribute":
        made["attribute"] = attribute
    if kind == "school_year":
        return msgspec.convert(made, YearRule)
    return msgspec.convert(made, GroupRule)


def _faults(kind: Kind, source: str, attribute: str, pattern: str) -> dict[str, str]:
    faults = {}
    if source not in SOURCES[kind]:
        faults["source"] = _("Välj var det ska hämtas.")
    if source == "attribute" and attribute_fault(attribute) is not None:
        faults["attribute"] = _("Välj en uppgift i listan.")
    wrong = _pattern_fault(kind, source, pattern)
    if wrong is not None:
        faults["pattern"] = wrong
    return faults


def _pattern_fault(kind: Kind, source: str, pattern: str) -> str | None:
    if not pattern:
        return _("Skriv ett reguljärt uttryck.")
    fault = pattern_fault(pattern)
    if fault is not None:
        return fault
    part = "year" if kind == "school_year" else "name"
    named = compiled(pattern).groupindex
    if source != "group" and part not in named:
        return _("Uttrycket behöver en del med namnet %(part)s: (?P<%(part)s>…).", part=part)
    return None
