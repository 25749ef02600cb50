"""The Directory API's answers as values: what is expected of them, and what is taken.

Source: the discovery document admin, directory_v1. Fields without a value are absent.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from addon.directory.errors import DirectoryError
from addon.directory.snapshot import User

T = TypeVar("T")


class Name(Struct, rename="camel"):
    given_name: str | None = None
    family_name: str | None = None


class UserAnswer(Struct, rename="camel"):
    id: str
    primary_email: str | None = None
    name: Name | None = None
    org_unit_path: str | None = None
    suspended: bool | None = None
    archived: bool | None = None
    deletion_time: str | None = None


class GroupAnswer(Struct, rename="camel"):
    id: str
    email: str
    name: str | None = None
    aliases: tuple[str, ...] | None = None


class MemberAnswer(Struct, rename="camel"):
    id: str | None = None
    email: str | None = None
    type: str | None = None


class OrgUnitAnswer(Struct, rename="camel"):
    org_unit_id: str
    org_unit_path: str
    name: str | None = None


class DomainAnswer(Struct, rename="camel"):
    domain_name: str
    verified: bool | None = None


def items(
    what: str, answer: object, key: str, kind: type[T]
) -> list[tuple[T, dict[str, Any]]]:
    """The entries of a list answer, each with its raw form; none when `key` is absent.

    Raises DirectoryError that names the place, never a value, when the answer is not what
    the API promises: then the reading is not whole.
    """
    if not isinstance(answer, dict):
        raise DirectoryError(f"{what}: the answer is not a JSON object")
    raw = answer.get(key)
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise DirectoryError(f"{what}: {key} is not a list")
    return [(single(f"{what}: {key}[{i}]", entry, kind), entry) for i, entry in enumerate(raw)]


def single(what: str, answer: object, kind: type[T]) -> T:
    """One entry as a value. Raises DirectoryError as `items` does."""
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise DirectoryError(
            f"{what}: not what the Directory API promises ({error}). Nothing was sent to anyone."
        ) from None


def user(answer: UserAnswer, raw: Mapping[str, Any], attributes: Sequence[str]) -> User:
    """A user with the values of the dotted `attributes`; text is in Unicode form NFC."""
    name = answer.name or Name()
    found = ((attribute, values(raw, attribute)) for attribute in attributes)
    return User(
        id=answer.id,
        primary_email=_text(answer.primary_email),
        given_name=_text(name.given_name),
        family_name=_text(name.family_name),
        org_unit_path=_text(answer.org_unit_path) or "/",
        suspended=bool(answer.suspended),
        archived=bool(answer.archived),
        deleted=answer.deletion_time is not None,
        attributes={attribute: value for attribute, value in found if value},
    )


def values(raw: Mapping[str, Any], attribute: str) -> tuple[str, ...]:
    """The values of a dotted attribute, as text, in the answer's order.

    `organizations.department` is a key of each entry in a list; `externalIds.organization`
    is the value of the entries of that type. Booleans are `true` and `false`.
    """
    reached: list[object] = [raw]
    for part in attribute.split("."):
        reached = [below for node in reached for below in _step(node, part)]
    return tuple(text for node in reached for text in _texts(node))


def _step(node: object, part: str) -> Iterable[object]:
    if isinstance(node, list):
        for entry in node:
            yield from _step(entry, part)
    elif isinstance(node, dict):
        if part in node:
            yield node[part]
        elif part in (node.get("type"), node.get("customType")):
            yield node


def _texts(node: object) -> Iterable[str]:
    """The leaf texts of a value; an entry of a typed list stands for its `value`."""
    if isinstance(node, bool):
        yield "true" if node else "false"
    elif isinstance(node, str):
        yield _text(node)
    elif isinstance(node, int | float):
        yield str(node)
    elif isinstance(node, list):
        for entry in node:
            yield from _texts(entry)
    elif isinstance(node, dict):
        yield from _texts(node.get("value", node.get("address", node.get("name"))))


def _text(value: str | None) -> str:
    return unicodedata.normalize("NFC", value) if value else ""
