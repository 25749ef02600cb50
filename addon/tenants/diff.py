"""The differences between two versions of a tenant document, place by place. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, structs

from addon.tenants.model import Tenant

KEYS = {"schoolUnits": "code", "connections": "vendor"}
"""What identifies an entry of these lists, so that its place stays when others are added."""
WHOLE = frozenset(
    {
        "students",
        "staff",
        "classes",
        "teachingGroups",
        "schoolYear",
        "limits",
        "except",
        "agreement",
    }
)
"""Parts that are reported as a whole, since they are only understood together."""


class Changed(Struct, frozen=True):
    """One place in a tenant's document that was changed.

    `place` is for example `schoolUnits[12345678].students.orgUnits`; `before` and `after` are JSON
    text, None where there was or is nothing.
    """

    place: str
    before: str | None
    after: str | None


def changes(before: Tenant | None, after: Tenant) -> tuple[Changed, ...]:
    """The places that differ, in the document's order, with their values as JSON.

    An entry of a list is named by its key: `schoolUnits[12345678].name`.
    """
    old = {} if before is None else places_of(before)
    new = places_of(after)
    order = [*new, *(place for place in old if place not in new)]
    return tuple(
        Changed(place, old.get(place), new.get(place))
        for place in order
        if old.get(place) != new.get(place)
    )


def places_of(tenant: Tenant) -> dict[str, str]:
    """Return the document's values as JSON by place, as `changes` names them."""
    return dict(_places(_whole(tenant)))


def _whole(value: object) -> object:
    """The value in JSON form with defaults filled in: writing a default out is not a change."""
    match value:
        case Struct():
            named = ((f.encode_name, getattr(value, f.name)) for f in structs.fields(value))
            return {name: _whole(part) for name, part in named if not _empty(part)}
        case dict():
            return {name: _whole(part) for name, part in value.items()}
        case tuple() | list():
            return [_whole(part) for part in value]
        case float() if value.is_integer():
            return int(value)
    return value


def _places(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """The places of a value down to the parts that are reported as a whole, each as JSON."""
    name = place.rpartition(".")[2]
    if isinstance(value, dict) and name not in WHOLE:
        for key, part in value.items():
            yield from _places(part, f"{place}.{key}" if place else key)
    elif isinstance(value, list | tuple) and place in KEYS:
        keys = [entry[KEYS[place]] for entry in value]
        if keys:
            yield place, msgspec.json.encode(keys).decode()  # their order matters too
        for key, entry in zip(keys, value, strict=True):
            yield from _places(entry, f"{place}[{key}]")
    elif not _empty(value):
        yield place, msgspec.json.encode(value).decode()


def _empty(value: Any) -> bool:
    return value is None or value in ((), [], {})
