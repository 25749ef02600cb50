"""How many of a hold's people, or memberships, are at each school unit."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from addon.planning.limits import Hold


class UnitCount(Struct, frozen=True):
    """How many of a hold's people or memberships are at a unit; no name where it is unknown."""

    name: str
    number: int


def units_of(hold: Hold, names: Mapping[str, str]) -> tuple[UnitCount, ...]:
    """Return the units of the hold's people, most first and unknown ones last.

    If it holds nobody's removal, the units of its memberships. `names` are the units' names by
    code. Empty if no unit is known.
    """
    if hold.emptied and not hold.people:
        ending = Counter[str]()
        for group in hold.emptied:
            ending[names.get(group.unit, group.unit)] += len(group.members)
        return tuple(UnitCount(name, number) for name, number in ending.most_common())
    counts = Counter(names.get(unit, unit) for _person, unit in hold.units())
    found = [UnitCount(name, number) for name, number in counts.most_common()]
    unknown = len(hold.people) - counts.total()
    return (*found, UnitCount("", unknown)) if found and unknown else tuple(found)
