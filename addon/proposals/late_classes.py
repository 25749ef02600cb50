"""Classes whose start year is too long ago for the school form: NA22 in the autumn of 2025."""

from collections.abc import Collection
from statistics import fmean

from msgspec import Struct, structs

from addon.proposals.plausibility import WITHOUT_YEARS, possible_years
from addon.proposals.reasons import Reason, reason
from addon.proposals.rule_outcome import groups_of
from addon.proposals.school_years import years_by
from addon.proposals.scope import around
from addon.proposals.selectors import SelectorDraft
from addon.roster.index import DirectoryIndex
from addon.roster.placement import UnitPeople
from addon.tenants.model import SchoolUnit, SelectorExceptions, YearRule
from addon.text import fold, path_key

_WHOLE_CLASS = 0.5
_MOST_NAMED = 5


class LateClasses(Struct, frozen=True):
    """The students (ids) whose school year is after the form's last.

    `left` is whether they are whole classes, and so have left; a few of a class go on.
    """

    students: frozenset[str]
    left: bool


def late_classes(
    index: DirectoryIndex, unit: SchoolUnit, pupils: Collection[str]
) -> LateClasses | None:
    """The students of a unit with rules who began too long ago; None if there are none."""
    rule, types = unit.school_year, unit.school_types
    dated = isinstance(rule, YearRule) and rule.form in ("startYear", "birthYear")
    if rule is None or not dated or not types or not WITHOUT_YEARS.isdisjoint(types):
        return None
    last = max(possible_years(types))
    years = years_by(around(index, pupils), pupils, unit, rule)
    late = frozenset(id for id, year in years.items() if year > last)
    if not late:
        return None
    near = around(index, pupils)
    made = groups_of(near, UnitPeople(unit, frozenset(pupils), frozenset()))
    sizes = {
        of_late: [
            len(group.students)
            for group in made
            if group.kind == "class" and ids.issuperset(group.students)
        ]
        for of_late, ids in (
            (True, late),
            (False, frozenset(id for id, year in years.items() if year == last)),
        )
    }
    left = all(sizes.values()) and fmean(sizes[True]) >= _WHOLE_CLASS * fmean(sizes[False])
    return LateClasses(late, left)


def without_late(
    index: DirectoryIndex, draft: SelectorDraft, late: LateClasses
) -> tuple[SelectorDraft, tuple[Reason, ...]]:
    """The draft without those who have left, by their OUs or else by name, and the reasons."""
    if not late.left:
        places = {index.users[id].org_unit_path.rpartition("/")[2] for id in late.students}
        names = ", ".join(sorted(places)[:_MOST_NAMED])
        return draft, (reason("odd-classes", names=names, count=str(len(places))),)
    paths = _whole_places(index, draft, late.students)
    held = frozenset().union(*map(index.in_org_unit, paths)) & late.students
    rest = tuple(sorted(late.students - held))
    before = draft.students.exceptions
    exceptions = SelectorExceptions(
        users=tuple(dict.fromkeys((*before.users, *rest))),
        org_units=tuple(dict.fromkeys((*before.org_units, *paths))),
        groups=before.groups,
    )
    said = [
        reason("left-ou", path=path, count=str(len(index.in_org_unit(path) & late.students)))
        for path in paths
    ]
    if rest:
        above = sorted({index.users[id].org_unit_path for id in rest}, key=path_key)
        at = ", ".join(above[:_MOST_NAMED])
        said.append(reason("left-ou", path=at, count=str(len(rest))))
    made = structs.replace(
        draft,
        students=draft.students.excepting(exceptions),
        pupils=draft.pupils - late.students,
        reasons=(*draft.reasons, *said),
    )
    return made, ()


def _whole_places(
    index: DirectoryIndex, draft: SelectorDraft, late: frozenset[str]
) -> tuple[str, ...]:
    """The topmost OUs below the students' OUs of which all the unit's pupils are late."""
    tops = tuple(fold(path).rstrip("/") + "/" for path in draft.students.org_units)
    found: list[str] = []
    for folded, unit in sorted(index.org_units.items(), key=lambda item: len(item[0])):
        if not folded.startswith(tops) or folded.startswith(tuple(fold(p) + "/" for p in found)):
            continue
        here = index.in_org_unit(unit.path) & draft.pupils
        if here and here <= late:
            found.append(unit.path)
    return tuple(sorted(found, key=path_key))
