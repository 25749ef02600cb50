"""Restore what a change of a tenant document replaced, as the audit log has it. Pure.

Only the places of that change are restored, and only those that nobody has changed since. Some
are never restored here, because they are changed on pages of their own, with rules of their own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from addon.tenants.diff import KEYS, Changed, places_of
from addon.tenants.model import Tenant

NEVER = re.compile(
    r"(protected|administrators|customerId|primaryDomain|delegatedAdmin)(\..*)?"
    r"|connections\[.+\]\.(vendor|mode|agreement)"
)
"""Who is protected, who may sign in and how the directory is read, and what turns a vendor on."""
NAMED = re.compile(r"(schoolUnits|connections)\[(.+?)\]\.(\w+)")
"""A place within an entry of a list, by what identifies it."""
PAUSE = "schedule.pause."


class Restoration(Struct, frozen=True):
    """What restoring a change would give.

    `document` is JSON data of the whole document. `places` are restored, `conflicts` were changed
    by somebody since, and `withheld` are never restored here. A place that has its former value
    already is in none of them.
    """

    document: dict[str, Any]
    places: tuple[Changed, ...]
    conflicts: tuple[Changed, ...]
    withheld: tuple[Changed, ...]

    @property
    def tenant(self) -> Tenant:
        """The document, in which what has its default value is left out.

        Raises msgspec.ValidationError.
        """
        written = msgspec.json.encode(msgspec.convert(self.document, Tenant))
        return msgspec.convert(_without_empty(msgspec.json.decode(written)), Tenant)


def is_restorable(changes: Iterable[Changed]) -> bool:
    """Whether anything of the changes can be restored, if nobody has changed it since.

    The first version of a document replaced nothing.
    """
    places = [each.place for each in changes]
    return "customerId" not in places and any(not NEVER.fullmatch(place) for place in places)


def restoration(tenant: Tenant, changes: Iterable[Changed]) -> Restoration:
    """Return the document with the values that the `changes` replaced."""
    now, found = places_of(tenant), tuple(changes)
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(tenant))
    restored, conflicts, withheld = list[Changed](), list[Changed](), list[Changed]()
    added = _added_units(found)
    together = _changed_together(now, found)
    for change in sorted(found, key=lambda each: each.place not in KEYS):  # entries come first
        if change.place in KEYS:
            entries = _former_entries(document, now, change, found)
            if entries is None:
                conflicts.append(change)
            elif entries != document.get(change.place, []):
                document[change.place] = entries
                restored.append(change)
        elif _is_of(change.place, added) or now.get(change.place) == change.before:
            continue
        elif NEVER.fullmatch(change.place):
            withheld.extend([] if change.place.endswith(".vendor") else [change])
        elif now.get(change.place) != change.after or change.place in together:
            conflicts.append(change)
        elif _set(document, change):
            restored.append(change)
        else:
            conflicts.append(change)
    return Restoration(document, tuple(restored), tuple(conflicts), tuple(withheld))


def _added_units(changes: Iterable[Changed]) -> frozenset[tuple[str, str]]:
    """Return the school units that the change added: restoring removes them whole."""
    return frozenset(
        (change.place, key)
        for change in changes
        if change.place == "schoolUnits"
        for key in _keys(change.after)
        if key not in _keys(change.before)
    )


def _is_of(place: str, entries: frozenset[tuple[str, str]]) -> bool:
    named = NAMED.fullmatch(place)
    return named is not None and (named[1], named[2]) in entries


def _changed_together(now: Mapping[str, str], changes: Iterable[Changed]) -> frozenset[str]:
    """Return the places of a pause if others have changed any of it: it is one whole."""
    pause = [each for each in changes if each.place.startswith(PAUSE)]
    if all(now.get(each.place) in (each.before, each.after) for each in pause):
        return frozenset()
    return frozenset(each.place for each in pause)


def _former_entries(
    document: dict[str, Any], now: Mapping[str, str], change: Changed, changes: tuple[Changed, ...]
) -> list[dict[str, Any]] | None:
    """Return the entries that a list would have again; None if others have changed them.

    Entries that others have added since stay. A connection is never removed: what it has sent
    would be forgotten.
    """
    name, key = change.place, KEYS[change.place]
    before, after = _keys(change.before), _keys(change.after)
    entries: list[dict[str, Any]] = document.get(name, [])
    there = [entry[key] for entry in entries]
    added = [each for each in after if each not in before and name == "schoolUnits"]
    removed = [each for each in before if each not in after]
    if any(_is_changed(now, each, document, changes) for each in added if each in there):
        return None
    if any(each in there for each in removed):
        return None
    left = [entry for entry in entries if entry[key] not in added]
    for each in removed:
        earlier = before[: before.index(each)]
        place = max((n + 1 for n, entry in enumerate(left) if entry[key] in earlier), default=0)
        left.insert(place, {key: each})
    if sorted(before) == sorted(after):  # only their order was changed
        if there not in (before, after):
            return None
        left.sort(key=lambda entry: before.index(entry[key]))
    return left


def _is_changed(
    now: Mapping[str, str], code: str, document: dict[str, Any], changes: tuple[Changed, ...]
) -> bool:
    """Whether a school unit that the change added has been changed, or chosen, since."""
    entry = f"schoolUnits[{code}]."
    then = {each.place: each.after for each in changes}
    if any(then.get(place) != value for place, value in now.items() if place.startswith(entry)):
        return True
    return any(
        code in connection.get("schoolUnits", ())
        and code not in _keys(then.get(f"connections[{connection['vendor']}].schoolUnits"))
        for connection in document.get("connections", ())
    )


def _set(document: dict[str, Any], change: Changed) -> bool:
    """Set a place to its former value; return whether what it is in is there."""
    at: Any = document
    above: list[tuple[dict[str, Any], str]] = []
    *way, last = list(_way(change.place))
    for step in way:
        if isinstance(step, tuple):
            key, value = step
            at = next((entry for entry in at if entry.get(key) == value), None)
        else:
            above.append((at, step))
            at = at.get(step) if change.before is None else at.setdefault(step, {})
        if at is None:
            return False
    if change.before is not None:
        at[last] = msgspec.json.decode(change.before)
        return True
    at.pop(last, None)
    for parent, step in reversed(above):
        if not parent[step]:
            del parent[step]
    return True


def _way(place: str) -> Iterator[Any]:
    """Yield the keys on the way to a place; a pair of key and value for an entry of a list."""
    named = NAMED.fullmatch(place)
    if named is None:
        yield from place.split(".")
    else:
        yield named[1]
        yield KEYS[named[1]], named[2]
        yield named[3]


def _keys(value: str | None) -> list[str]:
    return [] if value is None else msgspec.json.decode(value, type=list[str])


def _without_empty(value: Any) -> Any:
    """Return a JSON value without the empty objects in it, which stand for defaults."""
    if isinstance(value, dict):
        parts = ((key, _without_empty(part)) for key, part in value.items())
        return {key: part for key, part in parts if part != {}}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value
