"""Rules for school years that the names of classes, OUs and attributes suggest."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import structs

from addon.proposals.pattern_candidates import literal, values_in
from addon.proposals.scope import places_of
from addon.proposals.vocabulary import PROGRAMMES, is_year
from addon.roster.index import DirectoryIndex
from addon.tenants.model import YearRule

_UPPER = frozenset({"GY"})
_ZERO = r"(?:förskoleklass|f[ -]?klass|fkl|fk[a-e]?|f[a-e]?|0[a-e]?)(?![0-9a-zåäö])"
_WORD = r"(?:klass|class|åk|ak|årskurs|år|year|grade)"
_YEAR = rf"(?P<year>{_ZERO}|1[0-3]|[1-9])"
_NOT_SEVERAL = r"(?!\d|\s?[-/]\s?[f\d])"
BARE_YEAR = r"^(?P<year>\d{1,2})$"
WORDED_YEAR = r"^(?:Åk|åk|Årskurs|årskurs|År|år)\.?\s*(?P<year>\d{1,2})$"
_CLASS_STARTS = r"^(?P<year>\d+)"
_CLASS_SAID = rf"(?i)^(?:{_WORD}[ ._-]*)?{_YEAR}{_NOT_SEVERAL}"
_VALUE_SAID = rf"(?i)^(?:{_WORD}[ ._-]*)?{_YEAR}$"
_VALUE_ENDS = r"(?i)\s(?:åk|ak|årskurs|år|year|grade)[ ._-]*(?P<year>f|1[0-3]|[0-9])$"
_SEGMENT_SAID = rf"(?i)/(?:{_WORD}[ ._-]*)?{_YEAR}(?:/|$)"
_GROUP_SAID = (
    r"(?i)^(?:[^@]*[-_.])?(?:åk|ak|arskurs|year|grade)[-_.]?(?P<year>\d{1,2}|f)"
    r"(?:[-_.][^@]*)?@"
)
_PROGRAMME = r"^[A-Za-zÅÄÖåäö]{1,6}[ -]?(?P<year>\d{2})(?!\d)"
_PROGRAMME_YEAR = r"^[A-Za-zÅÄÖåäö]{2,5}[ -]?(?P<year>[1-4])(?!\d)"
_YEAR_FIRST = r"^(?P<year>\d{2})[ -]?[A-Za-zÅÄÖåäö]"
_PROGRAMME_SEGMENT = r"/[A-Za-zÅÄÖåäö]{1,6}[ -]?(?P<year>\d{2})(?!\d)[^/]*(?:/|$)"
_CALENDAR = r"(?<!\d)(?P<year>(?:19|20)\d{2})(?!\d)"
_CALENDAR_SEGMENT = r"/[^/\d]*(?P<year>(?:19|20)\d{2})(?!\d)[^/]*(?:/|$)"
_SEVERAL_YEARS = re.compile(r"(?:\d|[Ff])\s?[-/]\s?\d")
_NUMBER_AND_WORD = re.compile(r"\d{1,2}[ -]?([A-Za-zÅÄÖåäö]{2,})")
_TWO_DIGITS = re.compile(r"[1-9][1-9]")
_FIRST_OF_TWO = r"^(?P<year>\d)\d$"
_YEAR_SEGMENT = re.compile(r"(\D*?)(\d{1,2})\D*")
_INTRODUCTORY = re.compile(
    r"(?i)(IM|SPRINT|SPR|Språkintro\w*|Intro\w*)[A-ZÅÄÖa-zåäö]?"
    r"(?:\d{0,2}|[ -]?(?:[A-E]|\d{1,2}[A-E]?))"
)


def year_rules(
    near: DirectoryIndex,
    students: Sequence[str],
    class_names: Iterable[str],
    school_types: Collection[str] = (),
) -> Iterator[YearRule]:
    """Rules worth trying for the school years of students in classes with these names."""
    for attribute, values in values_in(near, students).items():
        for pattern in (BARE_YEAR, WORDED_YEAR, _VALUE_SAID, _VALUE_ENDS):
            if any(map(re.compile(pattern).search, values)):
                yield YearRule(source="attribute", attribute=attribute, pattern=pattern)
        if any(map(re.compile(_CALENDAR).search, values)):
            dated = YearRule(source="attribute", attribute=attribute, pattern=_CALENDAR)
            yield from _in_calendar(dated, near.autumn)
    addresses = {a for id in students for a in near.addresses_of.get(id, ())}
    if any(map(re.compile(_GROUP_SAID).search, addresses)):
        yield YearRule(source="attribute", attribute="groups", pattern=_GROUP_SAID)
    places = list(places_of(near, students))
    words = Counter(
        found[1]
        for path in places
        for segment in path.split("/")
        if is_year(segment) and (found := _YEAR_SEGMENT.fullmatch(segment))
    )
    for word, _ in words.most_common(3):
        pattern = rf"/{literal(word)}(?P<year>\d{{1,2}})(/|$)"
        yield YearRule(source="orgUnit", pattern=pattern)
    names = list(class_names)
    if set(school_types) == _UPPER and _are_programmes(names):
        none = introductory(names)
        yield YearRule(source="class", pattern=_PROGRAMME_YEAR, none=none)
    yield from _of_classes(near, names)
    if any(map(re.compile(_SEGMENT_SAID).search, places)):
        yield YearRule(source="orgUnit", pattern=_SEGMENT_SAID)
    if any(map(re.compile(_CALENDAR_SEGMENT).search, places)):
        dated = YearRule(source="orgUnit", pattern=_CALENDAR_SEGMENT)
        yield from _in_calendar(dated, near.autumn)
    if near.autumn is not None and any(map(re.compile(_PROGRAMME_SEGMENT).search, places)):
        yield YearRule(source="orgUnit", pattern=_PROGRAMME_SEGMENT, form="startYear")


def _are_programmes(names: Sequence[str]) -> bool:
    """Whether most names are a programme's code and a year: EK1A, NA2B."""
    found = [hit for name in names if (hit := re.match(_PROGRAMME_YEAR, name))]
    codes = {code for codes in PROGRAMMES.values() for code in codes}
    known = [hit for hit in found if hit[0][:2].upper() in codes]
    return bool(known) and 2 * len(known) >= len(names)


def introductory(class_names: Iterable[str]) -> tuple[str, ...]:
    """What the names of classes without a school year begin with: IM, SPRINT."""
    found = (_INTRODUCTORY.fullmatch(name.strip()) for name in class_names)
    return tuple(sorted({hit[1].upper() if len(hit[1]) < 4 else hit[1] for hit in found if hit}))


def _of_classes(near: DirectoryIndex, names: list[str]) -> Iterator[YearRule]:
    if not names:
        return
    if any(name[:1].isdigit() for name in names):
        several = any(map(_SEVERAL_YEARS.match, names))
        stop = r"(?!\d|\s?-\s?\d)" if several else ""
        yield YearRule(source="class", pattern=_CLASS_STARTS + stop)
    ends = sorted({hit[1] for name in names if (hit := _NUMBER_AND_WORD.fullmatch(name))})
    if any(name[:1] in "Ff" and name[1:].strip(" -") in ends for name in names):
        either = "|".join(map(literal, ends))
        yield YearRule(source="class", pattern=rf"^(?P<year>[Ff]|\d{{1,2}})[ -]?(?:{either})$")
    if all(map(_TWO_DIGITS.fullmatch, names)):
        yield YearRule(source="class", pattern=_FIRST_OF_TWO)
    yield YearRule(source="class", pattern=_CLASS_SAID)
    if near.autumn is None:
        return
    none = introductory(names)
    for pattern in (_PROGRAMME, _YEAR_FIRST):
        if any(map(re.compile(pattern).search, names)):
            yield YearRule(source="class", pattern=pattern, form="startYear", none=none)
    if any(map(re.compile(_CALENDAR).search, names)):
        dated = YearRule(source="class", pattern=_CALENDAR, none=none)
        yield from _in_calendar(dated, near.autumn)


def _in_calendar(rule: YearRule, autumn: int | None) -> Iterator[YearRule]:
    """What a calendar year may mean: when they were born, began, or leave."""
    if autumn is None:
        return
    yield structs.replace(rule, form="birthYear")
    yield structs.replace(rule, form="startYear")
    yield structs.replace(rule, form="startYear", first=0)
    yield structs.replace(rule, form="leavingYear")
    for last in (3, 12, 6):
        yield structs.replace(rule, form="leavingYear", last=last)
