"""A document whose rules name an OU by the path that it has now. Pure."""

import re
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct, structs

from addon.proposals.pattern_candidates import literal
from addon.tenants.model import (
    Clause,
    GroupRule,
    GroupRules,
    SchoolUnit,
    Selector,
    Tenant,
    YearRule,
)
from addon.text import fold

_Rule = TypeVar("_Rule", GroupRule, YearRule)
_NAME_ENDS = r"(?![\w \\-])"
_PREFIXED = frozenset({"equals", "notEquals", "in", "notIn", "startsWith"})
_PATTERNS = frozenset({"matches", "notMatches"})
ORG_UNIT_PATH = "orgUnitPath"


def with_renamed_org_unit(
    tenant: Tenant, old: str, new: str, is_there: Callable[[str], bool]
) -> Tenant:
    """Return the document with `new` in place of the OU `old`, and of what is named below it.

    `is_there` is whether the directory has an OU at a path: what would name one that is not there
    stays as it is. So does a protected OU that is still there: the one at the new path is
    protected too.
    """
    rename = _Renaming(old.rstrip("/"), new.rstrip("/"), is_there)
    protected = structs.replace(
        tenant.protected, org_units=rename.protected(tenant.protected.org_units)
    )
    units = tuple(map(rename.unit, tenant.school_units))
    return structs.replace(tenant, protected=protected, school_units=units)


class _Renaming(Struct, frozen=True):
    """Paths, and what names paths, with one OU at another place."""

    old: str
    new: str
    is_there: Callable[[str], bool]

    def text(self, path: str) -> str:
        """Return the path with the new one in place of the old one, if it is at or below that."""
        is_below = fold(path.rstrip("/") + "/").startswith(fold(self.old + "/"))
        return self.new + path[len(self.old) :] if is_below else path

    def path(self, path: str) -> str:
        """Return the path as `text` does, if the directory has an OU there."""
        found = self.text(path)
        return found if self.is_there(found) else path

    def paths(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Return the paths, each once."""
        return tuple(dict.fromkeys(map(self.path, paths)))

    def protected(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Return the protected paths; one that is still there stays beside the new one."""
        left = (path for path in paths if self.is_there(path) or self.path(path) == path)
        return tuple(dict.fromkeys((*left, *map(self.path, paths))))

    def pattern(self, pattern: str) -> str:
        """Return the regular expression with the new path where it names the old one."""
        written = "".join(rf"\\?{re.escape(sign)}" for sign in self.old)  # escaped or not
        return re.sub(written + _NAME_ENDS, lambda _match: literal(self.new), pattern)

    def clause(self, clause: Clause) -> Clause:
        if clause.attribute != ORG_UNIT_PATH or clause.value is None:
            return clause
        if clause.operator in _PATTERNS and isinstance(clause.value, str):
            return structs.replace(clause, value=self.pattern(clause.value))
        if clause.operator not in _PREFIXED:
            return clause
        value = clause.value
        renamed = self.text(value) if isinstance(value, str) else tuple(map(self.text, value))
        return structs.replace(clause, value=renamed)

    def selector(self, selector: Selector) -> Selector:
        excepted = selector.exceptions
        renamed = structs.replace(
            selector,
            org_units=self.paths(selector.org_units),
            filters=tuple(tuple(map(self.clause, clauses)) for clauses in selector.filters),
        )
        if not excepted.org_units:
            return renamed
        return renamed.excepting(
            structs.replace(excepted, org_units=self.paths(excepted.org_units))
        )

    def rule(self, rule: _Rule) -> _Rule:
        if rule.source != "orgUnit" and rule.attribute != ORG_UNIT_PATH:
            return rule
        return structs.replace(rule, pattern=self.pattern(rule.pattern))

    def rules(self, rules: GroupRules | None) -> GroupRules | None:
        if isinstance(rules, tuple):
            return tuple(map(self.rule, rules))
        return rules and self.rule(rules)

    def unit(self, unit: SchoolUnit) -> SchoolUnit:
        return structs.replace(
            unit,
            students=self.selector(unit.students),
            staff=self.selector(unit.staff),
            classes=self.rules(unit.classes),
            teaching_groups=self.rules(unit.teaching_groups),
            school_year=unit.school_year and self.rule(unit.school_year),
        )
