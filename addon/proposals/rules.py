"""The rules for classes, teaching groups and school years that are proposed for a unit."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, structs

from addon.directory.snapshot import Group
from addon.proposals.patterns import PatternChoice, classes_near, teaching_near, years_near
from addon.proposals.reasons import Reason, reason
from addon.proposals.scope import around
from addon.proposals.selectors import SelectorDraft
from addon.roster.index import DirectoryIndex
from addon.tenants.model import GroupRule, GroupRules, SchoolUnit, YearRule
from addon.text import fold

_CLASSES = 0.35
_TEACHING = 0.5
_FEWEST_TEACHING = 2
_YEARS = 0.5


class ProposedRules(Struct, frozen=True):
    """The rules for one unit, the names of its classes, and why."""

    classes: GroupRules | None = None
    teaching_groups: GroupRule | None = None
    school_year: YearRule | None = None
    class_names: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


class RuleProposer:
    """Finds the rules of units from their selector drafts, given by code."""

    def __init__(self, index: DirectoryIndex, drafts: Mapping[str, SelectorDraft]) -> None:
        self._index, self._drafts = index, drafts
        self._near = _groups_near(index, drafts)

    def rules(self, unit: SchoolUnit) -> ProposedRules:
        """The best rules for a unit with selectors; None where no rule is good enough."""
        draft = self._drafts[unit.code]
        if not draft.pupils:
            return ProposedRules()
        near = around(
            self._index,
            draft.pupils,
            draft.adults,
            self._near.get(unit.code, ()),
            (self._index.org_units[path] for path in self._below(draft.students.org_units)),
        )
        pupils, adults = sorted(draft.pupils), sorted(draft.adults)
        classes = _good(classes_near(near, pupils, unit, adults), _CLASSES)
        if classes is not None and isinstance(classes.rule, GroupRule):
            unit = structs.replace(unit, classes=classes.rule)
        teaching = _good(teaching_near(near, pupils, unit, adults), _TEACHING)
        if teaching is not None and len(teaching.outcome.found) < _FEWEST_TEACHING:
            teaching = None
        years = _good(years_near(near, pupils, unit), _YEARS)
        return ProposedRules(
            classes=unit.classes,
            teaching_groups=_group_rule(teaching),
            school_year=years.rule if years and isinstance(years.rule, YearRule) else None,
            class_names=classes.outcome.names if classes else (),
            reasons=tuple(_why(classes, teaching, years)),
        )

    def _below(self, org_units: Sequence[str]) -> Iterator[str]:
        """The folded paths of the OUs at and below `org_units`; all OUs if it is empty."""
        tops = tuple(fold(path).rstrip("/") + "/" for path in org_units) or ("/",)
        return (path for path in self._index.org_units if (path + "/").startswith(tops))


def _groups_near(
    index: DirectoryIndex, drafts: Mapping[str, SelectorDraft]
) -> Mapping[str, list[Group]]:
    """For each unit, the groups that have any of its students."""
    units_of: dict[str, list[str]] = {}
    for code, draft in drafts.items():
        for id in draft.pupils:
            units_of.setdefault(id, []).append(code)
    near: dict[str, list[Group]] = {}
    for group in index.groups:
        if group.everyone:
            continue
        codes = {code for id in index.members[group.id] for code in units_of.get(id, ())}
        for code in codes:
            near.setdefault(code, []).append(group)
    return near


def _good(choices: Sequence[PatternChoice], least: float) -> PatternChoice | None:
    return choices[0] if choices and choices[0].score >= least else None


def _group_rule(choice: PatternChoice | None) -> GroupRule | None:
    return choice.rule if choice and isinstance(choice.rule, GroupRule) else None


def _why(
    classes: PatternChoice | None, teaching: PatternChoice | None, years: PatternChoice | None
) -> Iterator[Reason]:
    if classes is None:
        yield reason("no-classes")
    else:
        yield reason(
            "classes",
            count=str(len(classes.outcome.found)),
            examples=", ".join(classes.examples),
            without=str(len(classes.outcome.without)),
        )
    if teaching is not None:
        yield reason(
            "teaching-groups",
            count=str(len(teaching.outcome.found)),
            examples=", ".join(teaching.examples),
        )
    if years is not None:
        yield reason(
            "school-years",
            years=", ".join(years.outcome.names),
            without=str(len(years.outcome.without)),
        )
