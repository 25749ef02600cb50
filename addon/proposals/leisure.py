"""The staff of a school's fritidshem who lie apart: in an OU beside the schools', or a group."""

from collections.abc import Iterator, Mapping, Set

from addon.proposals.names import SchoolName, read_name, same_stem
from addon.proposals.places import Place
from addon.proposals.vocabulary import plain_words, role_of
from addon.roster.index import DirectoryIndex

_LEISURE = frozenset({"leisure"})
_NEARLY_ALL = 0.9


def leisure_places(
    index: DirectoryIndex, names: Mapping[str, SchoolName], placed: Set[str]
) -> Iterator[tuple[str, Place]]:
    """The unit (code) of each OU and group of such staff, with it as a place.

    An OU that names no school is the only unit's that can have a fritidshem. Those who are
    `placed` (ids) in units are nobody's here.
    """
    schools = [code for code, name in names.items() if "grundskola" in name.kinds]
    for _, unit in sorted(index.org_units.items()):
        name = read_name(unit.name)
        if name.kinds != _LEISURE or name.core or not _is_of_staff(unit.path):
            continue
        people = index.in_org_unit(unit.path)
        if len(schools) == 1 and people and placed.isdisjoint(people):
            yield schools[0], Place("staff", (), (unit.path,), people=len(people))
    for group in index.groups:
        name = read_name(group.name or group.email.partition("@")[0])
        members = index.members[group.id] & index.users.keys()
        if group.everyone or name.kinds != _LEISURE or not members:
            continue
        adults = sum(_is_of_staff(index.users[id].org_unit_path) for id in members)
        owners = [c for c, each in names.items() if c in schools and _is_named(name, each)]
        if len(owners) == 1 and adults >= _NEARLY_ALL * len(members) and members - placed:
            yield owners[0], Place("staff", (), groups=(group.email,), people=len(members))


def _is_of_staff(path: str) -> bool:
    """Whether an OU, or one above it, says that its people are staff."""
    above = path.split("/")[1:]
    return any(role_of(plain_words(name))[0] == "staff" for name in above)


def _is_named(name: SchoolName, unit: SchoolName) -> bool:
    """Whether a name is that of a unit but for the form of its words."""
    return len(name.core) == len(unit.core) > 0 and all(map(same_stem, name.core, unit.core))
