"""The form for the rule by which classes, teaching groups or school years are found."""

from collections.abc import Mapping
from typing import Literal, cast, get_args

import msgspec
from msgspec import Struct, structs
from werkzeug.datastructures import MultiDict

from addon.tenants.attributes import attribute_fault
from addon.tenants.conditions import compiled
from addon.tenants.model import (
    LAST_YEAR,
    GroupRule,
    GroupRules,
    SchoolUnit,
    YearForm,
    YearRule,
    rules_of,
)
from addon.web.forms.filters import pattern_fault
from addon.web.translation import gettext_str as _

Kind = Literal["classes", "teaching_groups", "school_year"]
Rule = GroupRules | YearRule
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
YEAR_FORMS: tuple[YearForm, ...] = get_args(YearForm)
YEAR_NAMES = {"startYear": "first", "leavingYear": "last"}
"""The rule's name of the school year that a calendar year is counted from."""


class YearFields(Struct, frozen=True):
    """What the pattern's part says of the school year, as typed.

    `year` is the school year of those who begin (`startYear`) or leave (`leavingYear`) then,
    `none` the beginnings of the texts that have no school year, with commas between.
    """

    form: str = "number"
    year: str = ""
    none: str = ""


class RuleForm(Struct, frozen=True):
    """The choice: `NONE`, a rule as JSON, or `OWN` with the fields below it.

    `excepted` are the names that the rule leaves out. `rule` is the resulting rule; None if nothing
    is to be found, or if there are faults.
    """

    choice: str
    source: str
    attribute: str
    pattern: str
    years: YearFields = YearFields()
    excepted: tuple[str, ...] = ()
    rule: Rule | None = None
    faults: dict[str, str] = {}


def rule_form(unit: SchoolUnit, kind: Kind) -> RuleForm:
    """Return the form with the unit's saved rule."""
    rule = rule_of(unit, kind)
    if rule is None:
        return RuleForm(NONE, SOURCES[kind][0], "", BEGINNINGS[kind])
    years = _year_fields(rule) if isinstance(rule, YearRule) else YearFields()
    first = rules_in(rule)[0]
    return RuleForm(
        choice_of(rule),
        first.source,
        first.attribute or "",
        first.pattern,
        years,
        excepted_names(rule),
        rule,
    )


def read_rule(form: MultiDict[str, str], kind: Kind) -> RuleForm:
    """Return the form as submitted, with its rule or faults."""
    choice = form.get("rule", NONE)
    source = form.get("source", SOURCES[kind][0])
    attribute = form.get("attribute", "").strip()
    pattern = form.get("pattern", "").strip()
    years = YearFields(
        form.get("as", "number"), form.get("year", "").strip(), form.get("none", "").strip()
    )
    names = tuple(dict.fromkeys(n.strip() for n in form.getlist("except") if n.strip()))
    if choice == NONE:
        return RuleForm(choice, source, attribute, pattern, years, names)
    if choice != OWN:
        rule, faults = chosen_rule(choice, kind)
        rule = rule and leaving_out(rule, names)
        return RuleForm(choice, source, attribute, pattern, years, names, rule, faults)
    faults = _faults(kind, source, attribute, pattern)
    if kind == "school_year":
        faults |= _year_faults(years)
    own = None if faults else _rule(kind, source, pattern, attribute, years)
    own = own and leaving_out(own, names)
    return RuleForm(OWN, source, attribute, pattern, years, names, own, faults)


def choice_of(rule: Rule) -> str:
    """Return the value that identifies a rule in a form: the rule without exceptions."""
    return msgspec.json.encode(leaving_out(rule, ())).decode()


def rule_of(unit: SchoolUnit, kind: Kind) -> Rule | None:
    """Return the unit's rule of a kind."""
    return cast("Rule | None", getattr(unit, kind))


def rules_in(rule: Rule) -> tuple[GroupRule | YearRule, ...]:
    """Return the rules that a rule consists of, in the order in which they are tried."""
    return (rule,) if isinstance(rule, YearRule) else rules_of(rule)


def excepted_names(rule: Rule | None) -> tuple[str, ...]:
    """Return the names of groups that a rule leaves out, or any rule of a list."""
    if rule is None or isinstance(rule, YearRule):
        return ()
    return tuple(dict.fromkeys(name for each in rules_of(rule) for name in each.exceptions))


def leaving_out(rule: Rule, names: tuple[str, ...]) -> Rule:
    """Return the rule with these names left out, and no others; of a list, the first has them."""
    if isinstance(rule, YearRule):
        return rule
    if isinstance(rule, GroupRule):
        return structs.replace(rule, exceptions=names)
    return tuple(
        structs.replace(each, exceptions=() if n else names) for n, each in enumerate(rule)
    )


def chosen_rule(choice: str, kind: Kind) -> tuple[Rule | None, dict[str, str]]:
    """Return the proposed rule that was chosen, or faults if it is not as it was sent."""
    try:
        rule: Rule = (
            msgspec.json.decode(choice, type=YearRule)
            if kind == "school_year"
            else msgspec.json.decode(choice, type=GroupRules)
        )
    except msgspec.MsgspecError:
        return None, {"rule": _("Välj ett av förslagen.")}
    each = rules_in(rule)
    if not each or any(_faults(kind, r.source, r.attribute or "", r.pattern) for r in each):
        return None, {"rule": _("Välj ett av förslagen.")}
    return rule, {}


def _rule(kind: Kind, source: str, pattern: str, attribute: str, years: YearFields) -> Rule:
    made: dict[str, object] = {"from": source, "pattern": pattern}
    if source == "attribute":
        made["attribute"] = attribute
    if kind != "school_year":
        return msgspec.convert(made, GroupRule)
    made["as"] = years.form
    if years.form in YEAR_NAMES and years.year:
        made[YEAR_NAMES[years.form]] = int(years.year)
    made["none"] = [each.strip() for each in years.none.split(",") if each.strip()]
    return msgspec.convert(made, YearRule)


def _year_fields(rule: YearRule) -> YearFields:
    year = rule.first if rule.form == "startYear" else rule.last
    return YearFields(rule.form, "" if year is None else str(year), ", ".join(rule.none))


def _year_faults(years: YearFields) -> dict[str, str]:
    faults = {}
    if years.form not in YEAR_FORMS:
        faults["as"] = _("Välj vad texten säger.")
    if years.form in YEAR_NAMES and years.year:
        digits = years.year.isascii() and years.year.isdecimal() and len(years.year) <= 2
        if not digits or int(years.year) > LAST_YEAR:
            faults["year"] = _("Skriv en årskurs från 0 till %(last)s.", last=LAST_YEAR)
    return faults


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
