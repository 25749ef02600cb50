"""Patterns that may find classes and groups, derived from the names of a unit's places."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from addon.directory.snapshot import Group
from addon.proposals.scope import places_of
from addon.proposals.vocabulary import (
    GUEST_WORDS,
    NO_LESSON_WORDS,
    is_adapted_class,
    is_class,
    is_left,
    is_no_lesson,
    is_protected,
    is_stage,
    is_year,
    plain,
    plain_words,
    role_of,
    term_in,
)
from addon.roster.index import DirectoryIndex
from addon.tenants.model import GroupRule, SchoolUnit
from addon.text import fold

_DEEPEST = 4
_MOST_TEMPLATES = 6
_LARGEST_CLASS = 80
_MOST_SHAPES = 12
_LONGEST = 5
SEPARATORS = re.compile(
    r"([-_.+]|(?<=klass)(?=[\df])|(?<=class)(?=[\df])|(?<=[a-zåäö]{3})(?=\d[a-zåäö]{1,2}$))"
)
"""What divides an address: also the end of a word just before a class, as in norra7a."""
_CLASS_INSIDE = r"(?P<name>\d{1,2}\s?[A-ZÅÄÖ]{1,2})\s*$"
_YEAR_TOKEN = r"f[a-e]?|fk[a-e]?|f-?klass[a-e]?|\d{1,2}[a-zåäö]{0,3}\d?"
_PROGRAMME_TOKEN = r"[a-zåäö]{1,5}\d{2}[a-zåäö]{0,4}|\d{2}[a-zåäö]{2,6}"
CLASS_TOKEN = f"{_YEAR_TOKEN}|{_PROGRAMME_TOKEN}"
"""The name of a class as addresses have it: fa, 7a, na24a, 24na."""
_PROGRAMME = re.compile(_PROGRAMME_TOKEN)
_NOT_LISTS = r"(?!(?:elever|personal|larare|alla|all|staff|students|klass)(?:[-_.@]|$))"
_CLASS_FIRST = r"^(?P<name>\d{1,2}\s?[A-ZÅÄÖ]{1,2})(?![A-ZÅÄÖa-zåäö0-9])"
_LAST_WORD = re.compile(r"(.*\D[ _-]+)(\S+)$")
_FIRST_WORD = re.compile(r"(\S+?)([ _-]+\D.*)$")
_CLASS_BEFORE = re.compile(r"(?P<before>(?:.*[-_.])?(?:klass|class)[-_.])(?P<name>[^\W\d]+)$")
_INTRODUCTION_TOKEN = r"im[a-z]?(?:[-_.]?(?:[a-e]|\d{1,2}[a-e]?))?"
_INTRODUCTION = re.compile(_INTRODUCTION_TOKEN)
_OF_INTRODUCTION = f"^(?P<NAME>{_INTRODUCTION_TOKEN})@"
"""The addresses of class groups of introductory programmes: ima@, ims-a@."""
_DATED = re.compile(r"(.+?)[-_.]?(20\d\d)")
_WORD_BEFORE = re.compile(r"(klass|class)\s+(?=\S)", re.IGNORECASE)

Template = tuple[str, str]
"""The text before and after the name in the local part of a group's address."""


def class_rules(
    near: DirectoryIndex, students: Sequence[str], unit: SchoolUnit
) -> Iterator[GroupRule]:
    """Rules worth trying for classes; `near` is the index of the unit's surroundings."""
    yield from _org_unit_rules(near, students, unit)
    past = past_groups(near.groups, near.autumn)
    own = {g for g in unit.students.groups if role_of(plain_words(g.partition("@")[0]))[0]}
    current = [g for g in near.groups if g.id not in past and g.email not in own]
    yield from _class_group_rules(current)
    yield from _named_as_classes(current)
    if sum(re.match(_OF_INTRODUCTION, group.email) is not None for group in current) > 1:
        yield _from_group(_OF_INTRODUCTION)
    yield from _freely_named_classes(current)
    for attribute, values in values_in(near, students).items():
        if len(values) == 1 and len(students) > _LARGEST_CLASS:
            continue
        yield GroupRule(source="attribute", attribute=attribute, pattern="^(?P<name>.+)$")
        inside = re.compile(_CLASS_INSIDE)
        if not any(map(is_class, values)) and any(map(inside.search, values)):
            yield GroupRule(source="attribute", attribute=attribute, pattern=_CLASS_INSIDE)
        if not any(map(is_class, values)) and any(map(re.compile(_CLASS_FIRST).search, values)):
            yield GroupRule(source="attribute", attribute=attribute, pattern=_CLASS_FIRST)


def teaching_rules(
    near: DirectoryIndex, students: Sequence[str], claimed: frozenset[str]
) -> list[GroupRule]:
    """Rules worth trying for teaching groups; groups with ids in `claimed` are classes.

    People read the group's own name, so rules that give it come before those that give a part of
    the address.
    """
    whole_school = max(30, 0.6 * len(students))
    ids = frozenset(students)
    past = past_groups(near.groups, near.autumn)
    fit: list[Group] = []
    unfit: list[Group] = []
    for group in near.groups:
        if group.id in claimed or group.id in past:
            continue
        is_for_all = len(near.members[group.id] & ids) > whole_school
        (unfit if is_for_all or _is_no_lesson(group) else fit).append(group)
    rules: list[GroupRule] = []
    templates = _templates(fit, longest=3)
    for before, after in [*(each for each in templates if any(each)), ("", "")]:
        stop = _excluding(before, after, unfit)
        stop += _excluding_terms(past.values())
        if not any((before, after)):
            stop = f"{_NOT_LISTS}{stop}"
        begin, end = f"^{literal(before)}{stop}", f"{literal(after)}@"
        found = [each for each in fit if _fits(each, before, after)]
        if _have_names(found):
            whole = begin if not after else f"{begin}[^@]+{end}"
            rules.append(_from_group(whole))
        rules.append(_from_group(f"{begin}(?P<name>[^@]+){end}"))
    if sum(group.email[:1].isdigit() for group in fit) > 2:
        rules.append(_from_group(r"^(?P<name>\d[^@]*)@"))
    return rules


def past_groups(groups: Sequence[Group], autumn: int | None) -> Mapping[str, str]:
    """The ids of groups that are named for a school year before the newest, and what says so.

    School years that begin after `autumn` count for nothing. A year after the address of another
    group, as in `7a-2024` beside `7a`, says that it is past too.
    """
    addresses = {local_part(group) for group in groups}
    named = [(g.id, said) for g in groups if (said := _term_of(g)) is not None]
    undated = {
        _without(g, said[0]): said[1]
        for g in groups
        if (said := _term_of(g)) is not None and _without(g, said[0]) in addresses
    }
    newest = max((y for _, (_, y) in named if autumn is None or y <= autumn), default=0)
    if autumn is not None and any(year < autumn for year in undated.values()):
        newest = autumn
    found = {id: term for id, (term, year) in named if year < newest}
    for group in groups:
        dated = _DATED.fullmatch(local_part(group))
        if dated and autumn is not None and int(dated[2]) < autumn and dated[1] in addresses:
            found.setdefault(group.id, dated[2])
    return found


def _without(group: Group, term: str) -> str:
    """The address of a group without the school year or term, such as 7a of 7a.2425."""
    return plain(local_part(group)).replace(term, "").strip("-_.")


def literal(text: str) -> str:
    """Escape `text` as a regular expression, without needless escapes."""
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


def local_part(group: Group) -> str:
    """The part of a group's address before the @."""
    return group.email.rpartition("@")[0]


def _from_group(pattern: str) -> GroupRule:
    return GroupRule(source="group", pattern=pattern)


def _org_unit_rules(
    near: DirectoryIndex, students: Sequence[str], unit: SchoolUnit
) -> Iterator[GroupRule]:
    bases, below = _bases(near, students, unit)
    yield from _beside(unit)
    if not below:
        return
    start = f"^{bases}/"
    deepest = min(_DEEPEST, max(map(len, below)))
    for depth in range(1, deepest + 1):
        names = [segments[depth - 1] for segments in below if len(segments) >= depth]
        skip = "[^/]+/" * (depth - 1)
        word = _word_before(names)
        if word:
            if not all(name.startswith(word) for name in names):
                yield _at_org_unit(f"{start}{skip}(?:{literal(word)})?(?P<name>[^/]+)$")
            yield _at_org_unit(f"{start}{skip}{literal(word)}(?P<name>[^/]+)$")
        around = _around_class(names)
        if around is not None:
            before, after = map(literal, around)
            yield _at_org_unit(f"{start}{skip}{before}(?P<name>[^/]+?){after}$")
        yield _at_org_unit(f"{start}{skip}(?P<name>[^/]+)$")
        if depth < deepest and any(is_class(name) and not is_stage(name) for name in names):
            yield _at_org_unit(f"{start}{skip}(?P<name>[^/]+)")
    if deepest > 1:
        yield _at_org_unit(f"{start}(?:[^/]+/)*(?P<name>[^/]+)$")
        yield from _but_years(start, {segments[0] for segments in below if len(segments)})


def _beside(unit: SchoolUnit) -> Iterator[GroupRule]:
    """Rules for a unit whose OUs are themselves its classes or school years."""
    paths = unit.students.org_units
    above = sorted({path.rpartition("/")[0] for path in paths})
    if len(paths) < 2 or not above[0]:
        return
    either = literal(above[0]) if len(above) == 1 else f"(?:{'|'.join(map(literal, above))})"
    yield _at_org_unit(f"^{either}/(?P<name>[^/]+)$")
    yield _at_org_unit(f"^{either}/[^/]+/(?P<name>[^/]+)$")
    yield from _but_years(f"^{either}/", {path.rpartition("/")[2] for path in paths})


def _but_years(start: str, names: Collection[str]) -> Iterator[GroupRule]:
    """A rule for classes in OUs for school years and beside them, if there are both."""
    years = sorted(name for name in names if is_year(name))
    if years and len(years) < len(names):
        not_years = f"(?!(?:{'|'.join(map(literal, years))})$)"
        yield _at_org_unit(f"{start}(?:[^/]+/)?(?P<name>{not_years}[^/]+)$")


def _at_org_unit(pattern: str) -> GroupRule:
    return GroupRule(source="orgUnit", pattern=pattern)


def _bases(
    near: DirectoryIndex, students: Sequence[str], unit: SchoolUnit
) -> tuple[str, list[tuple[str, ...]]]:
    """The unit's student OUs as a pattern, and the path segments of each place below them."""
    tops = sorted({fold(path).rstrip("/") for path in unit.students.org_units}, key=len)
    found: dict[str, None] = {}
    below: list[tuple[str, ...]] = []
    for path in places_of(near, students):
        folded = fold(path)
        for top in tops or [""]:
            if folded.startswith(top + "/"):
                height = top.count("/")
                segments = path.split("/")
                found["/".join(segments[: height + 1])] = None
                below.append(tuple(segments[height + 1 :]))
                break
    spelled = [literal(base) for base in found]
    return (spelled[0] if len(spelled) == 1 else f"(?:{'|'.join(spelled)})"), below


def _word_before(names: Sequence[str]) -> str:
    words = Counter(found[0] for name in names if (found := _WORD_BEFORE.match(name)))
    word, count = next(iter(words.most_common(1)), ("", 0))
    return word if 2 * count > len(names) else ""


def _around_class(names: Sequence[str]) -> tuple[str, str] | None:
    """What most names have before or after the class, such as the school's name."""
    found = Counter(parts for name in names if (parts := _parts_of(name)) is not None)
    parts, count = next(iter(found.most_common(1)), (None, 0))
    return parts if 2 * count > len(names) else None


def _parts_of(name: str) -> tuple[str, str] | None:
    if is_class(name) or is_adapted_class(name):
        return None
    if (last := _LAST_WORD.match(name)) and _is_class_alone(last[2]):
        return last[1], ""
    if (first := _FIRST_WORD.match(name)) and _is_class_alone(first[1]):
        return "", first[2]
    return None


def _is_class_alone(word: str) -> bool:
    return is_class(word) and not word.isdigit() and not word.isalpha()


def _class_group_rules(groups: Sequence[Group]) -> Iterator[GroupRule]:
    for before, after in _templates(groups, longest=_LONGEST, only_classes=True):
        begin, end = f"^{literal(before)}", f"{literal(after)}@"
        if before and not after and _are_classes(g for g in groups if _fits(g, before, after)):
            yield _from_group(begin)
        names = [local_part(g).removeprefix(before).removesuffix(after) for g in groups]
        upper = any(_PROGRAMME.fullmatch(name) for name in names)
        token = CLASS_TOKEN if upper else _YEAR_TOKEN
        yield _from_group(f"{begin}(?P<NAME>{token}){end}")
        if any(_INTRODUCTION.fullmatch(name) for name in names):
            yield _from_group(f"{begin}(?P<NAME>{token}|{_INTRODUCTION_TOKEN}){end}")
        if not before and not after:
            continue
        yield _from_group(f"{begin}(?P<NAME>[^@]+){end}")
        yield _from_group(f"{begin}(?P<NAME>[^@._-]+){end}")


def _named_as_classes(groups: Sequence[Group]) -> Iterator[GroupRule]:
    """A rule for groups whose own names are those of classes, whatever their addresses are."""
    named = [group for group in groups if _is_class_alone(group.name.strip())]
    shapes = {re.sub(r"\d+", r"\\d+", literal(local_part(group))) for group in named}
    if len(named) > 1 and len(shapes) <= _MOST_SHAPES:
        yield _from_group(f"^(?:{'|'.join(sorted(shapes))})@")


def _freely_named_classes(groups: Sequence[Group]) -> Iterator[GroupRule]:
    """Rules for groups whose addresses say class before a name of its own: klass-solen@."""
    found: dict[str, list[Group]] = {}
    unfit: list[Group] = []
    for group in groups:
        match = _CLASS_BEFORE.match(local_part(group))
        if match and _is_no_lesson(group):
            unfit.append(group)
        elif match and not is_class(match["name"]):
            found.setdefault(match["before"], []).append(group)
    for before, named in sorted(found.items()):
        if len(named) > 1:
            begin = f"^{literal(before)}{_excluding(before, '', unfit)}"
            yield _from_group(begin if _have_names(named) else f"{begin}(?P<name>[^@]+)@")


def _templates(groups: Sequence[Group], longest: int, only_classes: bool = False) -> list[Template]:
    """What addresses have in common before and after a name, most common first."""
    count: Counter[Template] = Counter()
    for group in groups:
        parts = SEPARATORS.split(local_part(group))
        words = (len(parts) + 1) // 2
        for before, after in product(range(min(longest, words)), range(3 if only_classes else 2)):
            if before + after >= words:
                continue
            start, end = 2 * before, len(parts) - 2 * after
            name = "".join(parts[start:end])
            if only_classes and not is_class(name) and not is_adapted_class(name):
                continue
            count["".join(parts[:start]), "".join(parts[end:])] += 1
    ends = Counter(
        "".join(parts[-n:])
        for parts in (SEPARATORS.split(local_part(group)) for group in groups)
        for n in (1, 3)
    )
    fewest = 1 if sum(count.values()) < 20 else 2
    usual = [
        (before, after)
        for (before, after), times in count.most_common()
        if times >= fewest and (not after or _is_place(after, ends, len(groups)))
    ]
    return usual[:_MOST_TEMPLATES]


def _is_place(after: str, ends: Mapping[str, int], groups: int) -> bool:
    """Whether the end of an address can be the school or means "class", and is not a subject."""
    return 2 * ends.get(after[1:], 0) > groups or "klas" in after or "class" in after


def _is_no_lesson(group: Group) -> bool:
    """Whether the group is of all students, all staff, guests, leavers or protected people."""
    words = (*plain_words(local_part(group)), *plain_words(group.name))
    return (
        role_of(words)[0] is not None
        or is_left(words)
        or is_protected(words)
        or is_no_lesson(words)
        or not GUEST_WORDS.isdisjoint(words)
    )


def _excluding(before: str, after: str, unfit: Iterable[Group]) -> str:
    """A negative lookahead that excludes the unsuitable groups that a template would match."""
    names = [
        local_part(group).removeprefix(before) for group in unfit if _fits(group, before, after)
    ]
    words = {word for word in NO_LESSON_WORDS if len(word) > 4}
    starts = {next((w for w in words if plain(name).startswith(w)), "") for name in names} - {""}
    alone = sorted(name for name in names if not plain(name).startswith(tuple(starts) or ("@",)))
    parts = [*sorted(starts), *(f"{literal(name)}@" for name in alone)]
    if not parts:
        return ""
    if not starts:
        return f"(?!(?:{'|'.join(map(literal, alone))})@)"
    return f"(?!{'|'.join(parts)})"


def _excluding_terms(terms: Iterable[str]) -> str:
    either = "|".join(map(literal, sorted(set(terms))))
    return f"(?![^@]*(?:{either}))" if either else ""


def _term_of(group: Group) -> tuple[str, int] | None:
    return term_in(local_part(group)) or term_in(group.name)


def _fits(group: Group, before: str, after: str) -> bool:
    local = local_part(group)
    return local.startswith(before) and local.endswith(after)


def _are_classes(groups: Iterable[Group]) -> bool:
    """Whether the groups' own names are those of classes, without a prefix."""
    names = [group.name for group in groups]
    return bool(names) and all(is_class(n) and not _WORD_BEFORE.match(n) for n in names)


def _have_names(groups: Sequence[Group]) -> bool:
    """Whether the groups have names of their own that distinguish them."""
    names = [group.name.strip() for group in groups]
    told = {name for name in names if name and len(name) <= 60}
    return bool(names) and len(told) >= 0.9 * len(names)


def values_in(near: DirectoryIndex, students: Iterable[str]) -> dict[str, set[str]]:
    """The students' attributes with the values that occur."""
    found: dict[str, set[str]] = {}
    for id in students:
        for attribute, values in near.users[id].attributes.items() if id in near.users else ():
            found.setdefault(attribute, set()).update(values)
    return dict(sorted(found.items()))
