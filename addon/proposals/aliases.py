"""Words by which groups call a unit although its name has them not, learned from its pupils."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from addon.directory.snapshot import Group
from addon.proposals.names import ADAPTED, SchoolName, read_name
from addon.proposals.vocabulary import is_class, plain_words, role_of
from addon.roster.index import DirectoryIndex

_PURE = 0.95
_MOST = 0.6
_TEAMS = frozenset("arbetslag lag team larlag amneslag".split())


def learned_words(index: DirectoryIndex, pupils: Mapping[str, Set[str]]) -> dict[str, str]:
    """The unit (code) of each word of groups' addresses that only its `pupils`, and most, have."""
    owners: dict[str, str] = {id: code for code, ids in pupils.items() for id in ids}
    found: dict[str, set[str]] = {}
    for group in index.groups:
        members = index.members[group.id] & owners.keys()
        for word in _words(group) if members and not group.everyone else ():
            found.setdefault(word, set()).update(members)
    learned: dict[str, str] = {}
    for word, ids in found.items():
        ((code, own),) = Counter(owners[id] for id in ids).most_common(1)
        if own >= _PURE * len(ids) and own >= _MOST * len(pupils[code]):
            learned[word] = code
    return learned


def groups_of_staff(
    index: DirectoryIndex,
    learned: Mapping[str, str],
    names: Mapping[str, SchoolName],
    pupils: Set[str],
) -> dict[str, list[Group]]:
    """The groups of staff that have a learned word, by the unit whose staff they are.

    One that also names an adapted form is that form's only unit's.
    """
    found: dict[str, list[Group]] = {}
    for group in index.groups:
        words = plain_words(group.email.partition("@")[0])
        codes = {learned[word] for word in words if word in learned}
        members = index.members[group.id] & index.users.keys()
        if group.everyone or len(codes) != 1 or role_of(words)[0] != "staff" or not members:
            continue
        if members.isdisjoint(pupils):
            found.setdefault(_owner(group, codes.pop(), learned, names), []).append(group)
    return found


def _owner(
    group: Group, code: str, learned: Mapping[str, str], names: Mapping[str, SchoolName]
) -> str:
    text = f"{group.name} {group.email.partition('@')[0]}"
    rest = [word for word in plain_words(text) if word not in learned and word not in _TEAMS]
    kinds = read_name(" ".join(rest)).kinds & ADAPTED
    owners = [other for other, name in names.items() if name.kinds & kinds]
    return owners[0] if len(owners) == 1 else code


def _words(group: Group) -> Sequence[str]:
    words = dict.fromkeys(plain_words(group.email.partition("@")[0]))
    return [word for word in words if len(word) > 1 and word.isalpha() and not _says(word)]


def _says(word: str) -> bool:
    """Whether a word says a role, a class or a kind of school."""
    return role_of([word])[0] is not None or is_class(word) or bool(read_name(word).kinds)
