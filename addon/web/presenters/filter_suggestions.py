"""The values that an attribute has in the directory, as suggestions for building a filter."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from addon.roster.filters import values_of
from addon.roster.index import DirectoryIndex
from addon.text import sort_key


class Suggestion(Struct, frozen=True):
    """A value and how many people have it."""

    value: str
    people: int


class AttributeUse(Struct, frozen=True):
    """An attribute that is not built in: how many people have it, and how many values it has."""

    attribute: str
    people: int
    values: int


def suggested_values(
    index: DirectoryIndex, attribute: str, ids: Iterable[str], limit: int = 20
) -> tuple[Suggestion, ...]:
    """Return the most common values of `attribute` among the active users `ids`, in that order."""
    values = values_of(attribute, index)
    count: Counter[str] = Counter()
    for id in ids:
        user = index.users.get(id)
        if user is not None:
            count.update({value for value in values(user) if value})
    first = sorted(count.items(), key=lambda each: (-each[1], sort_key(each[0])))[:limit]
    return tuple(Suggestion(value, people) for value, people in first)


def attributes_in_use(
    index: DirectoryIndex, ids: Iterable[str] | None = None
) -> tuple[AttributeUse, ...]:
    """Return the attributes for which active users (or `ids` of them) have values, by name."""
    chosen = index.users.keys() if ids is None else ids
    people: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    for id in chosen:
        user = index.users.get(id)
        for name, found in user.attributes.items() if user else ():
            people[name] += 1
            values.setdefault(name, set()).update(found)
    return tuple(AttributeUse(name, people[name], len(values[name])) for name in sorted(people))
