"""The differences between two resources, as lines of text. Pure."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

IGNORED = frozenset({"schemas", "meta", "id", "$ref"})
"""Keys that carry no information about the person."""


class DiffRow(Struct, frozen=True):
    """One value of a resource: its dotted name, and its value before and after.

    An empty text means no value.
    """

    name: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether the two values differ."""
        return self.before != self.after


def differences(
    before: object, after: object, known: Mapping[str, str] | None = None
) -> tuple[DiffRow, ...]:
    """Return the values of both, in the order of `after`; those only in `before` come last.

    Values that are ids in `known` are replaced by the names there.
    """
    old, new, said = dict(_values(before)), dict(_values(after)), known or {}
    names = [*new, *(name for name in old if name not in new)]
    return tuple(_line(name, old.get(name, ""), new.get(name, ""), said) for name in names)


def _line(name: str, before: str, after: str, known: Mapping[str, str]) -> DiffRow:
    if name.endswith("externalId"):
        return DiffRow(name, before, after)  # its own id is shown as an id
    return DiffRow(name, known.get(before, before), known.get(after, after))


def _values(node: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in IGNORED:
                short = key.rpartition(":")[2] if key.startswith("urn:") else key
                yield from _values(value, f"{name}.{short}" if name else short)
    elif isinstance(node, list):
        for number, value in enumerate(node, 1):
            yield from _values(value, name if len(node) == 1 else f"{name} {number}")
    elif isinstance(node, bool):
        yield name, "ja" if node else "nej"
    elif node is not None:
        yield name, str(node)
