"""Pupils who are in class groups of past school years only, so that they seem to have left."""

from collections.abc import Set

from addon.proposals.class_groups import names_class
from addon.proposals.exclusions import Exclusion
from addon.proposals.pattern_candidates import past_groups
from addon.proposals.reasons import reason
from addon.proposals.vocabulary import plain_words, role_of
from addon.roster.index import DirectoryIndex

_MOST = 0.8
_AT_MOST = 0.25
_MOST_NAMED = 3


class PastClasses:
    """The class groups of a domain, of this school year and of past ones."""

    def __init__(self, index: DirectoryIndex) -> None:
        self._index = index
        past = past_groups(index.groups, index.autumn)
        classes = [group for group in index.groups if not group.everyone and names_class(group)]
        self._past = [group for group in classes if group.id in past]
        self._now = {
            id for group in classes if group.id not in past for id in index.members[group.id]
        }
        self._all = [
            group
            for group in (index.groups if self._past else ())
            if group.id not in past
            and role_of(plain_words(group.email.partition("@")[0]))[0] == "students"
        ]

    def left(self, pupils: Set[str]) -> Exclusion:
        """Exceptions for those of `pupils` who have left, if class groups have most of the rest."""
        was = {group.email: self._index.members[group.id] & pupils for group in self._past}
        gone = frozenset().union(*was.values()) - self._now
        if not gone:
            return Exclusion()
        for group in self._all:
            members = self._index.members[group.id]
            if len(members & pupils) >= _MOST * len(pupils - gone):
                gone -= members
        rest = pupils - gone
        if len(gone) > _AT_MOST * len(pupils) or len(self._now & rest) < _MOST * len(rest):
            return Exclusion()
        named = [address for address, members in was.items() if members & gone]
        said = reason("left-ou", path=", ".join(named[:_MOST_NAMED]), count=str(len(gone)))
        return Exclusion(users=tuple(sorted(gone)), reasons=(said,) if gone else ())
