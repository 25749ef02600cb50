"""Search of OUs and groups by the likeness of names: genitives, abbreviations, definite forms."""

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from addon.proposals.names import NameSimilarity, SchoolName, read_name, word_similarity
from addon.roster.org_unit_tree import OrgUnitNode
from addon.text import fold, path_key
from addon.web.directory.cache import TenantDirectory
from addon.web.directory.results import DirectoryResult
from addon.web.presenters.org_unit_tree import tree

PLAIN = str.maketrans("åäáàöøéèü", "aaaaooeeu")
"""Translates letters to those used in addresses, which have no Å, Ä and Ö."""
SAME, SAME_IN_OTHER_FORM = 1.0, 0.95
ENOUGH = 0.6
"""The least likeness of a name that is found."""
SHORT = 3
"""Letters of a word that is too short to be a genitive."""
MOST = 30
"""How many OUs are found at most."""


class SearchedName(Struct, frozen=True):
    """The names of a group or OU: as plain text, where it is, and as names of schools."""

    text: str
    where: str
    names: tuple[SchoolName, ...]


Likeness = Callable[[SearchedName], float]


def plain(text: str) -> str:
    """Return a text as an address would have it."""
    return fold(text).translate(PLAIN)


def searched_name(texts: Iterable[str], where: str = "") -> SearchedName:
    """Return the names `texts` as they are searched; `where` is an OU's path."""
    found = tuple(texts)
    return SearchedName(plain(" ".join(found)), plain(where), tuple(map(read_name, found)))


def likeness_to(search: str) -> Likeness:
    """Return what tells how like a name is to what is searched for, from 0 to 1.

    All words of the search in the name are as good as the same name, and all that tell names
    apart, in the genitive or not, nearly as good; of an OU all but one may be in the path above it.
    """
    words = [plain(word) for word in search.split()]
    telling = [_finder(word) for word in (list(filter(_tells, words)) or words)]
    name = read_name(search)
    similarity = NameSimilarity([name])

    def likeness(other: SearchedName) -> float:
        here = f"{other.text} {other.where}"
        if all(word in here for word in words) and any(word in other.text for word in words):
            return SAME
        if all(find(here) for find in telling) and any(find(other.text) for find in telling):
            return SAME_IN_OTHER_FORM
        alike = (each for each in other.names if _has_all(name, each))
        return max((similarity.of(name, each) for each in alike), default=0.0)

    return likeness


def _tells(word: str) -> bool:
    """Whether a word tells names apart: neither "skolans" nor "klass" does."""
    name = read_name(word)
    return bool(name.tells or name.role or name.guests)


def _finder(word: str) -> Callable[[str], object]:
    """Return what searches a text for a word in any of its forms; 4a is not a part of 14a."""
    forms = {word, *read_name(word).core, *([word.removesuffix("s")] if len(word) > SHORT else [])}
    either = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.compile(rf"(?<!\d)(?:{either})" if word[:1].isdigit() else either).search


def _has_all(searched: SchoolName, other: SchoolName) -> bool:
    """Whether each word that is searched for is like a word of a name."""
    return all(any(word_similarity(a, b) for b in other.core) for a in searched.core)


def org_units_alike(directory: TenantDirectory, search: str) -> tuple[str, ...]:
    """Return the paths of the OUs whose name is like what is searched for, the most alike first.

    Raises StillComputing.
    """
    top = tree(directory)
    names = directory.get_or_compute(
        DirectoryResult.ORG_UNIT_NAMES,
        lambda: [(node.path, searched_name((node.name,), node.path)) for node in _below(top)],
    )
    likeness = likeness_to(search)
    found = ((likeness(name), path) for path, name in names) if search.strip() else ()
    ranked = sorted((-n, path_key(path), path) for n, path in found if n >= ENOUGH)
    return tuple(path for _likeness, _key, path in ranked[:MOST])


def _below(node: OrgUnitNode) -> Iterable[OrgUnitNode]:
    for child in node.children:
        yield child
        yield from _below(child)
