"""The similarity of the name of a place in Workspace to that of a unit in the register."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from math import sqrt

from msgspec import Struct

from addon.proposals.vocabulary import (
    GUEST_WORDS,
    PROGRAMMES,
    Role,
    plain_words,
    role_of,
    spelled_out,
    stage_of,
)

ALIKE = 0.4
"""Two names with a lower similarity are unrelated."""

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("gymnasium", "gymnasiet", "gymnasieskola", "gymnasieskolan"), "gymnasium"),
    **dict.fromkeys(("gy", "gym", "gymn", "gymnasie"), "gymnasium"),
    **dict.fromkeys(("grundskola", "grundskolan", "grund", "gr"), "grundskola"),
    **dict.fromkeys(("anpassad", "anpassade", "sarskola", "sarskolan", "grundsarskola"), "adapted"),
    **dict.fromkeys(("grundsarskolan", "sarskole", "traningsskolan", "traning"), "adapted"),
    **dict.fromkeys(("gran", "grsar", "anp", "anpassat", "sar", "agr", "agrs"), "adapted"),
    **dict.fromkeys(
        ("gymnasiesarskola", "gymnasiesarskolan", "gysar", "gyan", "agy", "agys"),
        "adapted gymnasium",
    ),
    **dict.fromkeys(("vuxenutbildningen", "vuxenutbildning", "komvux", "vux", "vuxna"), "adult"),
    **dict.fromkeys(("vuxen", "larvux", "vuxenskola", "vuxenskolan"), "adult"),
    "sfi": "sfi",
    **dict.fromkeys(("forskola", "forskolan", "forskolor", "fsk"), "preschool"),
    **dict.fromkeys(("fritids", "fritidshem", "fritidshemmet", "fth"), "leisure"),
}
_ENDINGS: tuple[tuple[str, str], ...] = (
    ("gymnasiesarskolan", "adapted gymnasium"),
    ("gymnasiesarskola", "adapted gymnasium"),
    ("gymnasieskolan", "gymnasium"),
    ("gymnasieskola", "gymnasium"),
    ("gymnasiet", "gymnasium"),
    ("gymnasium", "gymnasium"),
    ("grundsarskola", "adapted"),
    ("sarskolan", "adapted"),
    ("sarskola", "adapted"),
    ("grundskolan", "grundskola"),
    ("grundskola", "grundskola"),
    ("forskolan", "preschool"),
    ("forskola", "preschool"),
    ("friskolan", ""),
    ("friskola", ""),
    ("friskolor", ""),
    ("skolans", ""),
    ("skolan", ""),
    ("gymnasiets", "gymnasium"),
    ("skolas", ""),
    ("skola", ""),
)
_OF_TYPE: Mapping[str, str] = {
    "GR": "grundskola",
    "FKLASS": "grundskola",
    "SP": "grundskola",
    "SAM": "grundskola",
    "GY": "gymnasium",
    "GRAN": "adapted",
    "GRS": "adapted",
    "GYAN": "adapted gymnasium",
    "GYS": "adapted gymnasium",
    "VUX": "adult",
    "SFI": "adult",
    "SARVUX": "adult",
    "FTH": "leisure",
    "FS": "preschool",
}
ADAPTED_UPPER = "adapted gymnasium"
ADAPTED = frozenset({"adapted", ADAPTED_UPPER})
BESIDE = frozenset({"leisure", "preschool"})
"""Kinds that a school has beside its own."""
_USUAL = frozenset({"grundskola", "gymnasium"})
_SFI, _ADULT = "sfi", "adult"
_SHORT_FORMS = frozenset({("st", "sankt"), ("sta", "sankta")})
_SHORT_ADAPTED = frozenset({"ag", "ags"})
"""These say the adapted form beside another word: Lindskolan AG."""
_EMPTY_WORDS = frozenset(
    "skola skolan skolor skolorna enhet enheten enheter rektorsomrade omrade kommun kommunala"
    " kommunal och i pa for av den det de ab alla all konto konton anvandare users skolenhet"
    " skolenheter group grupp grp google edu klass f fri friskola friskolan school the of".split()
)


_ONLY_ONE = 0.92
"""The similarity of an OU that says only "Gymnasium" to the only unit of that kind."""
_ONE_OF_SEVERAL = 0.5
_SAME_WORD = 0.9
_SAME_STEM = 0.94
_SHORTEST_STEM = 5
_INITIALS = 0.7
_ACRONYM = re.compile(r"[a-z]{3,4}")


class SchoolName(Struct, frozen=True):
    """A parsed name. `core` is what distinguishes one school from another.

    `kinds` are the kinds of school it names, `years` the school years ("F-6"), `initials` the
    first letters of its parts ("ns" for Norra skolan). `school` is true when it says "skola"
    without a more specific kind. `programmes` are those that an upper secondary school names.
    """

    core: tuple[str, ...]
    kinds: frozenset[str] = frozenset()
    years: frozenset[int] = frozenset()
    initials: str = ""
    role: Role | None = None
    guests: bool = False
    school: bool = False
    programmes: frozenset[str] = frozenset()

    @property
    def tells(self) -> bool:
        """Whether it can be the name of a school."""
        return bool(self.core or self.kinds or self.years)


def ignored_words(organisation: str) -> frozenset[str]:
    """The words of the organiser's name that schools carry as a prefix: Storköping(s)."""
    words = {word for word in plain_words(organisation) if word not in _EMPTY_WORDS}
    return frozenset(words | {word.removesuffix("s") for word in words} | {w + "s" for w in words})


def shared_prefixes(texts: Iterable[str], units: Sequence[SchoolName]) -> frozenset[str]:
    """The first words that several schools' groups or OUs share: `bou` of "BoU Norra skolan".

    `units` are the names in the register; a word that is a part of one of them is none.
    """
    pairs = {(words[0], word) for each in texts for words in [plain_words(each)] for word in words}
    own = {word for unit in units for word in (*unit.core, unit.initials) if word}
    found: dict[str, set[str]] = {}
    for first, word in pairs:
        for known in own:
            if word != first and word_similarity(word, known) >= _SAME_WORD:
                found.setdefault(first, set()).add(known)
    return frozenset(
        first
        for first, known in found.items()
        if len(known) > 1
        and not any(word_similarity(first, word) or word.startswith(first) for word in own)
    )


def read_name(text: str, ignored: Collection[str] = (), types: Iterable[str] = ()) -> SchoolName:
    """Parse `text`; `ignored` are words to ignore, `types` the school types of a unit."""
    years, rest = stage_of(spelled_out(text))
    role, words = role_of(plain_words(rest))
    kinds: set[str] = set()
    core: list[str] = []
    initials = ""
    guests = school = False
    for word in words:
        if word in GUEST_WORDS:
            guests = True
            continue
        left, kind, letters = _part(word)
        if word in _SHORT_ADAPTED and len(words) > 1:
            left, kind = "", "adapted"
        initials += letters
        if kind:
            kinds.add(kind)
        school = school or (not kind and word != left)
        if left and left not in ignored and left not in _EMPTY_WORDS:
            core.append(left)
    by_type = {_OF_TYPE[each] for each in types if each in _OF_TYPE}
    said = _adult_forms(one_form(kinds) | (by_type - BESIDE or by_type), kinds, bool(by_type))
    programmes: frozenset[str] = frozenset()
    plain_core = [word for word in core if word not in PROGRAMMES]
    if "gymnasium" in said and plain_core:
        programmes = frozenset(code for word in core for code in PROGRAMMES.get(word, ()))
        core = plain_core
    return SchoolName(tuple(core), said, years, initials, role, guests, school, programmes)


def one_form(kinds: Collection[str]) -> frozenset[str]:
    """The kinds without those that only say what an adapted form is a form of."""
    if "adapted" not in kinds and ADAPTED_UPPER not in kinds:
        return frozenset(kinds)
    upper = "gymnasium" in kinds or ADAPTED_UPPER in kinds
    return frozenset({ADAPTED_UPPER if upper else "adapted"})


def _adult_forms(said: frozenset[str], named: Collection[str], is_unit: bool) -> frozenset[str]:
    """The kinds, where sfi is a form of adult education.

    A place named for sfi can be that of a unit for adults; a unit for sfi has no other place.
    """
    if _SFI not in named:
        return said
    if not is_unit:
        return said | {_ADULT}
    return said if _ADULT in named else said - {_ADULT}


@lru_cache(maxsize=16384)
def _part(word: str) -> tuple[str, str, str]:
    """The word without its ending, the kind that the ending means, and initials."""
    if word in _KINDS:
        return "", _KINDS[word], word[0]
    for ending, kind in _ENDINGS:
        if word.endswith(ending):
            left = word.removesuffix(ending)
            return left, kind, (left[:1] + ending[0])
    return word, "", word[0]


class NameSimilarity:
    """The similarity of places to units; rare words count more than words that many units have."""

    def __init__(self, units: Iterable[SchoolName]) -> None:
        self._uses: dict[str, int] = {}
        self._of_kind: dict[str, int] = {}
        self._bare: dict[str, int] = {}
        self._of_years: dict[frozenset[int], int] = {}
        self._units = list(units)
        for unit in self._units:
            for word in set(unit.core):
                self._uses[word] = self._uses.get(word, 0) + 1
            self._of_years[unit.years] = self._of_years.get(unit.years, 0) + 1
            for kind in unit.kinds:
                self._of_kind[kind] = self._of_kind.get(kind, 0) + 1
                self._bare[kind] = self._bare.get(kind, 0) + (not unit.core)

    def of(self, unit: SchoolName, place: SchoolName) -> float:
        """The similarity from 0 (nothing in common) to 1 (the same name)."""
        core = self._core(unit, place)
        if core == 0:
            return 0.0
        return core * _kinds(unit, place) * _years(unit.years, place.years)

    def _core(self, unit: SchoolName, place: SchoolName) -> float:
        if not place.core:
            kinds = unit.kinds & place.kinds
            if kinds and min(self._of_kind.get(kind, 0) for kind in kinds) == 1:
                return 0.95 if not unit.core else _ONLY_ONE
            if kinds and not unit.core and min(self._bare.get(kind, 0) for kind in kinds) == 1:
                return _ONLY_ONE
            if place.years and place.years == unit.years and self._of_years[unit.years] == 1:
                return _ONLY_ONE
            return _ONE_OF_SEVERAL if kinds and not unit.core else 0.0
        if not unit.core:
            return 0.0
        if unit.core == place.core:
            return 1.0
        common = self._common(unit.core, _without_initials(place.core, unit.initials))
        if not common and _are_initials(unit, place):
            return _INITIALS
        if (
            common < _INITIALS
            and len(place.core) == 1
            and self._is_only_acronym(unit, place.core[0])
        ):
            return _INITIALS
        return common

    def _is_only_acronym(self, unit: SchoolName, word: str) -> bool:
        """Whether a word is letters of this unit's name and of no other's: BJS for Björkskolan."""
        if _ACRONYM.fullmatch(word) is None or not _is_short_for(unit, word):
            return False
        return sum(_is_short_for(other, word) for other in self._units) == 1

    def _common(self, ours: tuple[str, ...], theirs: tuple[str, ...]) -> float:
        left, matched = list(theirs), 0.0
        for word in ours:
            best = max(left, key=lambda other: word_similarity(word, other), default="")
            similarity = word_similarity(word, best) if best else 0.0
            if similarity:
                left.remove(best)
                matched += similarity * (self._weight(word) + self._weight(best))
        whole = sum(map(self._weight, ours)) + sum(map(self._weight, theirs))
        joined = (
            word_similarity("".join(ours), "".join(theirs)) if len(ours) != len(theirs) else 0.0
        )
        return max(matched / whole, joined)

    def _weight(self, word: str) -> float:
        return 1.0 / sqrt(max(1, self._uses.get(word, 1)))


def _without_initials(words: tuple[str, ...], initials: str) -> tuple[str, ...]:
    """A place's words without one that is the initials of the unit's first words: YG Malmö."""
    rest = tuple(w for w in words if not (len(w) > 1 and initials.startswith(w)))
    return rest or words


def _are_initials(unit: SchoolName, place: SchoolName) -> bool:
    return len(place.core) == 1 and len(unit.initials) > 1 and place.core[0] == unit.initials


def _is_acronym(unit: SchoolName, word: str) -> bool:
    """Whether a word is letters of a unit's name in their order, and the first of its last part."""
    name = iter("".join(unit.core))
    if not unit.core or word[0] != unit.core[0][0] or word[-1] != unit.initials[-1:]:
        return False
    return all(letter in name for letter in word[:-1])


def _is_short_for(unit: SchoolName, word: str) -> bool:
    """Whether a word is an acronym of a unit's name, or how a later word of it begins."""
    return _is_acronym(unit, word) or any(each.startswith(word) for each in unit.core[1:])


def _stem(word: str) -> str:
    """The word without the ending of the definite form or the genitive: skogsang of skogsangen."""
    for ending in ("ens", "ets", "ans", "en", "et", "an", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


def same_stem(one: str, other: str) -> bool:
    """Whether two words are the same but for the definite form or the genitive."""
    return _stem(one) == _stem(other)


@lru_cache(maxsize=262144)
def word_similarity(one: str, other: str) -> float:
    """The similarity of two plain words: equal, genitive, abbreviation, spelling mistake."""
    if one == other:
        return 1.0
    if not one or not other or one[0] != other[0]:
        return 0.0
    if one.isdigit() or other.isdigit():
        return 0.0
    if one.rstrip("s") == other.rstrip("s") or (one, other) in _SHORT_FORMS:
        return 0.97
    if (other, one) in _SHORT_FORMS:
        return 0.97
    if same_stem(one, other):
        return _SAME_STEM
    short, long = sorted((one, other), key=len)
    if long.startswith(short):
        return 0.55 + 0.35 * len(short) / len(long) if len(short) > 1 else 0.45
    if len(short) < 4:
        return 0.0
    ratio = SequenceMatcher(None, one, other).ratio()
    return 0.9 * ratio if ratio >= 0.85 else 0.0


def _kinds(unit: SchoolName, place: SchoolName) -> float:
    if place.kinds & ADAPTED and not unit.kinds & place.kinds:
        return 0.3 if unit.kinds else 0.6
    if place.kinds and unit.kinds:
        return 1.0 if unit.kinds & place.kinds else 0.45
    if place.kinds:
        return 0.95
    if place.school and unit.kinds and "grundskola" not in unit.kinds and not unit.school:
        return 0.85
    return 1.0 if not unit.kinds or unit.kinds & _USUAL else 0.85


def _years(ours: frozenset[int], theirs: frozenset[int]) -> float:
    if ours == theirs:
        return 1.0
    if ours and theirs:
        return 0.8 * len(ours & theirs) / len(ours | theirs) + 0.15
    return 0.9
