"""Principal organisers by name, and the one that a Workspace domain belongs to."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import structs

from addon.school_register.model import Organiser
from addon.text import domain_label, fold

MUNICIPAL = "KOMMUN"
_ENDINGS = re.compile(
    r" (kommun|stad|kommunalförbund|ab|aktiebolag|ekonomisk förening|ideell förening)$"
)
_BEGINNINGS = re.compile(r"^(region|ab|aktiebolaget|stiftelsen|föreningen) ")
_USUAL = frozenset(
    "edu skola skolan skolor elev elever student larare personal utb utbildning kommun stad "
    "kommunen mail www google workspace ga gsuite online info".split()
)
"""Parts of domains that do not identify an organiser."""
_STUCK = re.compile(r"^edu|(skolor|skolan|skola|edu|kommun|stad|utbildning)$")
SHORTEST = 2
"""Minimum letters of a part of a domain that can be an organiser's name."""


def tidy(organiser: Organiser) -> Organiser:
    """The organiser with its name in usual capitals: the register has `EKERÖ KOMMUN`.

    Only municipalities' names are changed: how a company writes its own is unknown.
    """
    name = " ".join(organiser.name.split())
    if organiser.kind == MUNICIPAL and name.isupper():
        name = re.sub(r"\b(Kommun|Stad)$", lambda found: found[0].lower(), name.title())
    return structs.replace(organiser, name=name)


class Organisers:
    """Principal organisers, searchable by name."""

    def __init__(self, listed: Sequence[Organiser] = ()) -> None:
        self.listed = listed

    def with_words(self, words: Sequence[str]) -> list[Organiser]:
        """Those whose names have all of the folded `words`; none without words."""
        if not words:
            return []
        return [o for o in self.listed if all(word in fold(o.name) for word in words)]

    def named(self, name: str) -> Organiser | None:
        """The one with this name, with or without `kommun`, `AB` and the like."""
        return _only(_fitting(self._by_name, _names(name)))

    def plausible(self, domain: str, name: str) -> Organiser | None:
        """The one most likely meant by a domain or a name; None if it is not clear.

        A name is more precise than a domain, in which Habo and Håbo are spelled alike.
        """
        found = self.named(name)
        if found is not None:
            return found
        for spelled in [{domain_label(each) for each in _names(name)}, *_spelled(domain)]:
            fitting = _fitting(self._by_plain_name, spelled)
            if fitting:
                return _only(fitting)
        return None

    @cached_property
    def _by_name(self) -> dict[str, list[Organiser]]:
        return _by_form(self.listed, _names)

    @cached_property
    def _by_plain_name(self) -> dict[str, list[Organiser]]:
        return _by_form(self.listed, lambda name: {domain_label(each) for each in _names(name)})


def _by_form(
    listed: Iterable[Organiser], forms: Callable[[str], set[str]]
) -> dict[str, list[Organiser]]:
    found = defaultdict(list)
    for organiser in listed:
        for form in forms(organiser.name):
            found[form].append(organiser)
    return dict(found)


def _fitting(by_form: Mapping[str, Sequence[Organiser]], forms: Iterable[str]) -> list[Organiser]:
    return list({o.number: o for form in forms for o in by_form.get(form, ())}.values())


def _only(fitting: Sequence[Organiser]) -> Organiser | None:
    """The only one, or the only municipality: others use its name as part of theirs."""
    municipal = [o for o in fitting if o.kind == MUNICIPAL]
    chosen = municipal or fitting
    return chosen[0] if len(chosen) == 1 else None


def _names(name: str) -> set[str]:
    """The forms of a name: `lunds kommun` is also `lunds` and `lund`, `borås kommun` `borås`."""
    whole = " ".join(fold(name).split())
    short = _BEGINNINGS.sub("", _ENDINGS.sub("", whole))
    forms = {whole, short}
    if whole.endswith((" kommun", " stad")):
        forms.add(short.removesuffix("s"))
    return forms - {""}


def _spelled(domain: str) -> list[set[str]]:
    """The names that each part of a domain can spell, the registered part first."""
    parts = domain.lower().strip(".").split(".")[:-1]
    found = []
    for part in reversed(parts):
        telling = [token for token in part.split("-") if token not in _USUAL]
        spelled = {
            domain_label(part),
            "".join(telling),
            *map(domain_label, telling),
            _STUCK.sub("", domain_label(part)),
        }
        usable = {each for each in spelled if len(each) >= SHORTEST and each not in _USUAL}
        if usable:
            found.append(usable)
    return found
