"""The rules of a unit in the form of its selection: one choice for each kind of rule."""

from collections.abc import Mapping

import msgspec
from werkzeug.datastructures import MultiDict

from addon.tenants.model import SchoolUnit
from addon.web.forms.class_rules import NONE, Kind, Rule, chosen_rule, rule_of

KINDS: tuple[Kind, ...] = ("classes", "teaching_groups", "school_year")
Rules = Mapping[Kind, Rule | None]


def rules_of_unit(unit: SchoolUnit) -> Rules:
    """Return the rules that a unit has."""
    return {kind: rule_of(unit, kind) for kind in KINDS}


def by_field(rules: Rules) -> dict[str, object]:
    """Return rules by the name of the unit's field."""
    return {str(kind): rule for kind, rule in rules.items()}


def value_of(rule: Rule | None) -> str:
    """Return the value that identifies a rule in the form, with the names that it leaves out."""
    return NONE if rule is None else msgspec.json.encode(rule).decode()


def read_rules(form: MultiDict[str, str], unit: SchoolUnit) -> tuple[Rules, dict[str, str]]:
    """Return the chosen rules, and faults by field; a rule that the form lacks stays as it is."""
    rules: dict[Kind, Rule | None] = {}
    faults: dict[str, str] = {}
    for kind in KINDS:
        choice = form.get(f"rule-{kind}")
        if choice is None:
            rules[kind] = rule_of(unit, kind)
        elif choice == NONE:
            rules[kind] = None
        else:
            rules[kind], wrong = chosen_rule(choice, kind)
            faults |= {f"rule-{kind}": text for text in wrong.values()}
    return rules, faults
