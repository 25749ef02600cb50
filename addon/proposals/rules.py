"""The rules for classes, teaching groups and school years that are proposed for a unit."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, structs

from addon.directory.snapshot import Group
from addon.proposals.confidence import Confidence
from addon.proposals.patterns import PatternChoice, classes_near, teaching_near
from addon.proposals.plausibility import WITHOUT_YEARS
from addon.proposals.reasons import Reason, reason
from addon.proposals.rule_outcome import outcome
from addon.proposals.school_years import contradiction, years_near
from addon.proposals.scope import around
from addon.proposals.selectors import SelectorDraft
from addon.proposals.vocabulary import (
    is_class,
    is_language_support,
    is_left,
    is_no_lesson,
    is_programme_class,
    is_year,
    plain,
    plain_words,
)
from addon.proposals.year_candidates import introductory
from addon.roster.index import DirectoryIndex
from addon.tenants.model import GroupRule, GroupRules, SchoolUnit, YearRule
from addon.text import fold

_CLASSES = 0.35
_TEACHING = 0.5
_FEWEST_TEACHING = 2
_YEARS = 0.5
_FEW = 0.01
_SOME = 0.03
_A_FEW = 3
_LARGEST_CLASS = 60
_MOST_NAMED = 5
_HAVE_YEARS = frozenset({"GR", "GY", "FKLASS"})
_BEFORE_DIPLOMA = re.compile(r"(?i)pre[ -]?(?:dp|ib)")
_UPPER = frozenset({"GY", "GYAN", "GYS"})


class ProposedRules(Struct, frozen=True):
    """The rules for one unit, the names of its classes, and why.

    `at_most` is how sure the unit can be with these rules.
    """

    classes: GroupRules | None = None
    teaching_groups: GroupRule | None = None
    school_year: YearRule | None = None
    class_names: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    at_most: Confidence = "sure"


class RuleProposer:
    """Finds the rules of units from their selector drafts, given by code."""

    def __init__(self, index: DirectoryIndex, drafts: Mapping[str, SelectorDraft]) -> None:
        self._index, self._drafts = index, drafts
        self._near = _groups_near(index, drafts)

    def of_all(self, units: Sequence[SchoolUnit]) -> dict[str, ProposedRules]:
        """The best rules for each unit; those in the same OUs read classes in one attribute."""
        found = {unit.code: self.rules(unit) for unit in units}
        together: dict[tuple[str, ...], list[SchoolUnit]] = {}
        for unit in units:
            if unit.students.org_units and unit.students.filters:
                together.setdefault(unit.students.org_units, []).append(unit)
        for same in together.values():
            count = Counter(rule for unit in same if (rule := found[unit.code].classes))
            usual, times = next(iter(count.most_common(1)), (None, 0))
            if not isinstance(usual, GroupRule) or usual.source != "attribute" or times < 2:
                continue
            for unit in same:
                if found[unit.code].classes not in (usual, None):
                    found[unit.code] = self.rules(unit, usual)
        return found

    def rules(self, unit: SchoolUnit, usual: GroupRule | None = None) -> ProposedRules:
        """The best rules for a unit with selectors; None where no rule is good enough.

        `usual` is the rule for classes of other units, which is the unit's if it is good enough.
        """
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
        tried = classes_near(near, pupils, unit, adults)
        alike = [choice for choice in tried if usual is not None and choice.rule == usual]
        classes = _good(alike, _CLASSES) or _good(tried, _CLASSES)
        left_out: tuple[str, ...] = ()
        if classes is not None and isinstance(classes.rule, GroupRule):
            left_out = tuple(filter(_is_no_class, classes.outcome.names))
            if left_out:
                rule = structs.replace(classes.rule, exceptions=left_out)
                result = outcome(near, pupils, adults, rule, unit, brief=True)
                classes = structs.replace(
                    classes, rule=rule, outcome=result, examples=result.names[:_MOST_NAMED]
                )
            unit = structs.replace(unit, classes=classes.rule)
        teaching = _good(teaching_near(near, pupils, unit, adults), _TEACHING)
        if teaching is not None and len(teaching.outcome.found) < _FEWEST_TEACHING:
            teaching = None
        choices = years_near(near, pupils, unit)
        years = None if _is_diploma(unit, classes) else _good(choices, _YEARS)
        doubts = list(_doubts(near, unit, classes, years))
        if left_out:
            named = ", ".join(left_out[:_MOST_NAMED])
            doubts.append(reason("classes-left-out", names=named, count=str(len(left_out))))
        if years is not None:
            other = contradiction(near, pupils, unit, choices)
            if other is not None:
                said = ", ".join(other.outcome.names)
                doubts.append(
                    reason("years-contradict", years=", ".join(years.outcome.names), other=said)
                )
        names = classes.outcome.names if classes else ()
        return ProposedRules(
            classes=unit.classes,
            teaching_groups=_group_rule(teaching),
            school_year=years.rule if years and isinstance(years.rule, YearRule) else None,
            class_names=names,
            reasons=(*_why(classes, teaching, years), *doubts),
            at_most="unsure"
            if _spelled_in_two_ways(names) or _is_diploma(unit, classes)
            else _at_most(doubts),
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


def _doubts(
    near: DirectoryIndex,
    unit: SchoolUnit,
    classes: PatternChoice | None,
    years: PatternChoice | None,
) -> Iterator[Reason]:
    """What is odd about the rules' outcome, so that the unit is not sure."""
    if classes is not None:
        found = classes.outcome
        like = [name for name in found.names if is_class(name) or is_year(name)]
        types = set(unit.school_types)
        if _UPPER & types or not _HAVE_YEARS & types:
            like += [n for n in found.names if is_programme_class(n) and not is_class(n)]
        if _UPPER & types:
            like += [name for name in found.names if introductory([name])]
        if found.names and not like:
            names = ", ".join(found.names[:_MOST_NAMED])
            yield reason("odd-classes", names=names, count=str(len(found.names)))
        years_only = all(name.isdigit() or is_year(name) for name in found.names)
        if years_only and classes.rule.source == "attribute":
            yield reason("classes-are-years", names=", ".join(found.names[:_MOST_NAMED]))
        odd = [name for name in found.names if name not in like]
        if odd and like and not _is_adult(unit):
            yield reason("odd-classes", names=", ".join(odd[:_MOST_NAMED]), count=str(len(odd)))
        twice = _spelled_in_two_ways(found.names)
        if twice:
            yield reason("odd-classes", names=", ".join(twice[:_MOST_NAMED]), count=str(len(twice)))
        if len(found.several) > _FEW * found.students:
            yield reason("several-classes", count=str(len(found.several)))
        if len(found.without) > max(_SOME * found.students, _A_FEW):
            yield reason("many-without-class", count=str(len(found.without)))
        if found.found and max(part.students for part in found.found) > _LARGEST_CLASS:
            yield reason("large-class", count=str(max(part.students for part in found.found)))
        if years is None and _HAVE_YEARS & set(unit.school_types):
            yield reason("no-school-years")
    elif _is_divided(near, unit) and not _is_adult(unit):
        yield reason("classes-not-understood")


def _is_diploma(unit: SchoolUnit, classes: PatternChoice | None) -> bool:
    """Whether an upper secondary unit has classes of the IB, whose DP1 follows a first year."""
    names = classes.outcome.names if classes else ()
    return bool(_UPPER & set(unit.school_types)) and any(map(_BEFORE_DIPLOMA.match, names))


def _spelled_in_two_ways(names: Sequence[str]) -> list[str]:
    """The names of classes that differ in case and spaces only: 7B, 7 b."""
    same: dict[str, list[str]] = {}
    for name in names:
        same.setdefault("".join(plain(name).split()), []).append(name)
    return [name for each in same.values() if len(each) > 1 for name in each]


def _is_no_class(name: str) -> bool:
    """Whether a group that a class rule finds is for something else: fritids, mentor, Slutat."""
    words = plain_words(name)
    others = (is_no_lesson, is_left, is_language_support)
    return not is_class(name) and any(says(words) for says in others)


def _is_adult(unit: SchoolUnit) -> bool:
    return bool(unit.school_types) and WITHOUT_YEARS.issuperset(unit.school_types)


def _at_most(doubts: Sequence[Reason]) -> Confidence:
    """How sure a unit can be with these doubts."""
    if any(each.code == "classes-not-understood" for each in doubts):
        return "unsure"
    return "likely" if doubts else "sure"


def _is_divided(near: DirectoryIndex, unit: SchoolUnit) -> bool:
    """Whether groups or OUs below divide the students, though no rule finds classes in them."""
    own = set(unit.students.groups)
    parts = [
        group
        for group in near.groups
        if group.email not in own
        and not is_no_lesson((*plain_words(group.email), *plain_words(group.name)))
        and 2 * len(near.members[group.id]) < len(near.users)
    ]
    tops = {fold(path).rstrip("/") for path in unit.students.org_units}
    below = [path for path in near.org_units if path not in tops]
    return len(parts) > 1 or len(below) > 1


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
