"""The form for filters: rows of attribute, operator and value, some still incomplete."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import cast, get_args

from msgspec import Struct, structs

from addon.tenants.attributes import attribute_fault
from addon.tenants.conditions import PatternError, compiled
from addon.tenants.model import Clause, Operator
from addon.web.formats import number
from addon.web.translation import gettext_str as _

OPERATORS: tuple[Operator, ...] = get_args(Operator)
WITHOUT_VALUE = frozenset({"isEmpty", "isNotEmpty"})
LISTS = frozenset({"in", "notIn"})
PATTERNS = frozenset({"matches", "notMatches"})
FIELD = re.compile(r"f(\d{1,3})-c(\d{1,3})-(attribute|operator|value)")
LONGEST = 10_000
"""The highest number of characters in a regular expression."""


class ClauseForm(Struct, frozen=True):
    """The values of a clause's three fields; for a list, one value a line."""

    attribute: str = "orgUnitPath"
    operator: str = "notContains"
    value: str = ""

    @property
    def takes_value(self) -> bool:
        """Whether the operator compares with a value."""
        return self.operator not in WITHOUT_VALUE

    @property
    def takes_list(self) -> bool:
        """Whether the operator compares with a list of values."""
        return self.operator in LISTS

    @property
    def lines(self) -> tuple[str, ...]:
        """The values of a list, without duplicates."""
        found = (line.strip() for line in self.value.splitlines())
        return tuple(dict.fromkeys(line for line in found if line))

    @property
    def padded(self) -> bool:
        """Whether the value starts or ends with white space, which is part of the comparison."""
        return self.takes_value and not self.takes_list and self.value != self.value.strip()

    def fault(self) -> str | None:
        """Return what is wrong with the clause as text; None if nothing is."""
        if self.operator not in OPERATORS:
            return _("Välj hur det ska jämföras.")
        if attribute_fault(self.attribute) is not None:
            return _("Välj en uppgift i listan.")
        if self.takes_list and not self.lines:
            return _("Skriv minst ett värde, ett på varje rad.")
        if self.takes_value and not self.value.strip():
            return _("Skriv ett värde att jämföra med.")
        if self.operator in PATTERNS:
            return pattern_fault(self.value)
        return None

    def clause(self) -> Clause:
        """Return the clause. Only for a form without a fault."""
        value: str | tuple[str, ...] | None = self.value
        if self.takes_list:
            value = self.lines
        elif not self.takes_value:
            value = None
        return Clause(attribute=self.attribute, operator=cast(Operator, self.operator), value=value)


FilterForms = tuple[tuple[ClauseForm, ...], ...]


def pattern_fault(pattern: str) -> str | None:
    """Return what is wrong with a regular expression as text; None if nothing is."""
    if len(pattern) > LONGEST:
        return _("Det reguljära uttrycket får vara högst %(n)s tecken.", n=number(LONGEST))
    try:
        compiled(pattern)
    except PatternError as error:
        if error.pos is None:
            return _("Det reguljära uttrycket går inte att läsa.")
        return _("Det reguljära uttrycket går inte att läsa vid tecken %(n)s.", n=error.pos + 1)
    except (OverflowError, RecursionError):
        return _("Det reguljära uttrycket är för stort.")
    return None


def forms_of(filters: tuple[tuple[Clause, ...], ...]) -> FilterForms:
    """Return the form of these filters."""
    return tuple(tuple(_form_of(clause) for clause in clauses) for clauses in filters)


def read_filters(form: Mapping[str, str], role: str) -> FilterForms:
    """Read the fields `ROLE-fN-cM-attribute`, `-operator` and `-value`, in the order of N and M."""
    found: dict[int, dict[int, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for name, value in form.items():
        match = FIELD.fullmatch(name.removeprefix(f"{role}-"))
        if match is not None and name.startswith(f"{role}-"):
            n, clause, part = match.groups()
            found[int(n)][int(clause)][part] = value
    return tuple(
        tuple(
            ClauseForm(
                fields.get("attribute", ""), fields.get("operator", ""), fields.get("value", "")
            )
            for _number, fields in sorted(clauses.items())
        )
        for _number, clauses in sorted(found.items())
    )


def faults_of(forms: FilterForms, role: str) -> dict[str, str]:
    """Return the faults by the name of the field at fault."""
    faults = {}
    for n, clauses in enumerate(forms):
        for m, clause in enumerate(clauses):
            fault = clause.fault()
            if fault is not None:
                part = "value" if clause.operator in OPERATORS else "operator"
                part = part if attribute_fault(clause.attribute) is None else "attribute"
                faults[f"{role}-f{n}-c{m}-{part}"] = fault
    return faults


def filters_of(forms: FilterForms) -> tuple[tuple[Clause, ...], ...]:
    """Return the filters so far, without clauses that have faults."""
    found = (tuple(c.clause() for c in clauses if c.fault() is None) for clauses in forms)
    return tuple(clauses for clauses in found if clauses)


def changed(forms: FilterForms, action: str) -> FilterForms:
    """Return the form after `filter`, `add:N` (one more clause) or `drop:N:M` (one less)."""
    what, *rest = action.split(":")
    numbers = [int(text) for text in rest if text.isdecimal() and len(text) < 4]
    if what == "filter":
        return (*forms, (ClauseForm(),))
    if what == "add" and len(numbers) == 1:
        return tuple(
            (*clauses, ClauseForm()) if n == numbers[0] else clauses
            for n, clauses in enumerate(forms)
        )
    if what == "drop" and len(numbers) == 2:
        kept = tuple(
            tuple(c for m, c in enumerate(clauses) if [n, m] != numbers)
            for n, clauses in enumerate(forms)
        )
        return tuple(clauses for clauses in kept if clauses)
    return forms


def _form_of(clause: Clause) -> ClauseForm:
    form = ClauseForm(clause.attribute, clause.operator)
    if isinstance(clause.value, tuple):
        return structs.replace(form, value="\n".join(clause.value))
    return structs.replace(form, value=clause.value or "")
