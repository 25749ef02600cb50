"""The Directory API's answers, validated and converted to values.

Source: the discovery document admin, directory_v1. Fields without a value are absent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from sys import intern
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from addon.directory.errors import UNSENT, DirectoryError
from addon.directory.snapshot import Group, OrgUnit, User, unit_codes_in
from addon.text import cleaned, is_visible

T = TypeVar("T")

Filled = Annotated[str, Meta(min_length=1)]
Identity = Annotated[str, Meta(pattern=r"^[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+\Z")]
UNUSABLE = "\ufffd"
"""A name that has nothing to see: some letter that cannot be read stands for it."""

FALSE_WHEN_ABSENT = frozenset(
    "isAdmin isDelegatedAdmin isMailboxSetup isEnrolledIn2Sv isEnforcedIn2Sv isGuestUser "
    "agreedToTerms changePasswordAtNextLogin ipWhitelisted".split()
)
"""Booleans of a user; some servers leave out those that are false."""

ALL_SCHEMAS = "customSchemas.*"
"""Requests every field of every custom schema."""


class NameAnswer(Struct, rename="camel"):
    """A user's name; either part may be missing."""

    given_name: str | None = None
    family_name: str | None = None


class UserAnswer(Struct, rename="camel"):
    """A user; `values` reads further attributes from the raw answer."""

    id: Identity
    primary_email: str | None = None
    name: NameAnswer | None = None
    org_unit_path: str | None = None
    suspended: bool | None = None
    archived: bool | None = None
    deletion_time: str | None = None


class GroupAnswer(Struct, rename="camel"):
    """A group."""

    id: Identity
    email: Filled
    name: str | None = None
    aliases: tuple[str, ...] | None = None
    direct_members_count: Any = None
    description: Any = None


class MemberAnswer(Struct, rename="camel"):
    """A member of a group: USER, GROUP, CUSTOMER or EXTERNAL."""

    id: Identity | None = None
    email: str | None = None
    type: str | None = None


class OrgUnitAnswer(Struct, rename="camel"):
    """An organisational unit."""

    org_unit_id: Identity
    org_unit_path: Filled
    name: str | None = None
    description: Any = None


class DomainAnswer(Struct, rename="camel"):
    """A domain of the customer."""

    domain_name: str
    verified: bool | None = None


class OddEntry(Struct, frozen=True):
    """An entry of a list that is not what the API promises, and what it still tells.

    `key` is its id, or its address where it has no id, or empty; `org_unit` the OU that it is in.
    """

    error: str
    key: str = ""
    org_unit: str = ""


Entry = tuple[Any, dict[str, Any]]


def items(what: str, answer: object, key: str, kind: type[Any]) -> list[Entry | OddEntry]:
    """The entries of a list answer, each with its raw form; none when `key` is absent.

    One entry of another shape is an OddEntry, so that it stops no other. Raises DirectoryError,
    which names the place but no value, when the answer is not what the API promises.
    """
    raw = json_object(what, answer).get(key)
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise unlike_the_api(what, f"{key} is not a list")
    return [_entry(f"{what}: {key}[{n}]", entry, kind) for n, entry in enumerate(raw)]


def _entry(what: str, entry: object, kind: type[Any]) -> Entry | OddEntry:
    try:
        return msgspec.convert(entry, kind), cast(dict[str, Any], entry)
    except msgspec.ValidationError as error:
        told = entry if isinstance(entry, dict) else {}
        keys = (told.get(name) for name in ("id", "orgUnitId", "primaryEmail", "email"))
        return OddEntry(
            str(unlike_the_api(what, str(error))),
            next((cleaned(str(key)) for key in keys if key and type(key) in (str, int)), ""),
            path if isinstance(path := told.get("orgUnitPath"), str) else "",
        )


def single(what: str, answer: object, kind: type[T]) -> T:
    """Return one entry as a value. Raises DirectoryError as `items` does."""
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise unlike_the_api(what, str(error)) from None


def next_page(what: str, answer: object) -> str | None:
    """The token of the next page, or None. Raises DirectoryError as `items` does."""
    token = json_object(what, answer).get("nextPageToken")
    if token is not None and not isinstance(token, str):
        raise unlike_the_api(what, "nextPageToken is not a text")
    return token or None


def json_object(what: str, answer: object) -> dict[str, Any]:
    """Return an answer that is a JSON object and not an error. Raises DirectoryError otherwise."""
    if not isinstance(answer, dict):
        raise unlike_the_api(what, "the answer is not a JSON object")
    if "error" in answer:
        raise unlike_the_api(what, "the answer is an error that is not marked as one")
    return answer


def unlike_the_api(what: str, how: str) -> DirectoryError:
    """The error that an answer does not follow the Directory API."""
    return DirectoryError(
        f"{what}: not what the Directory API promises: {how}. {UNSENT} If "
        "SKOLSYNK_DIRECTORY_ENDPOINT is set, see that it is right."
    )


def user(
    answer: UserAnswer, raw: Mapping[str, Any], attributes: Sequence[str], org_unit: str = "/"
) -> User:
    """A user with the values of the dotted `attributes`; text is cleaned.

    `org_unit` is used as the user's OU when the answer does not name it.
    """
    name = answer.name or NameAnswer()
    if ALL_SCHEMAS in attributes:
        attributes = [*attributes, *_schema_fields(raw)]
    found = ((attribute, values(raw, attribute)) for attribute in attributes)
    return User(
        id=intern(answer.id),
        primary_email=_text(answer.primary_email),
        given_name=_name(name.given_name),
        family_name=_name(name.family_name),
        org_unit_path=_text(answer.org_unit_path) or cleaned(org_unit),
        suspended=bool(answer.suspended),
        archived=bool(answer.archived),
        deleted=bool(answer.deletion_time),
        attributes={attribute: value for attribute, value in found if value},
    )


def group(answer: GroupAnswer) -> Group:
    """A group whose members have not been read."""
    count = str(answer.direct_members_count)
    return Group(
        id=answer.id,
        email=_text(answer.email),
        name=_text(answer.name),
        aliases=tuple(map(_text, answer.aliases or ())),
        direct_members=int(count) if count.isdecimal() and len(count) < 10 else None,
        described_codes=_codes(answer.description),
    )


def org_unit(answer: OrgUnitAnswer) -> OrgUnit:
    """An organisational unit; text is cleaned."""
    path = _text(answer.org_unit_path)
    return OrgUnit(
        id=answer.org_unit_id,
        path=path,
        name=_text(answer.name),
        described_codes=_codes(answer.description),
    )


def _codes(description: object) -> tuple[str, ...]:
    """The numbers in a description that may be codes of school units; the rest is not kept."""
    return unit_codes_in(description) if isinstance(description, str) else ()


def values(raw: Mapping[str, Any], attribute: str) -> tuple[str, ...]:
    """The values of a dotted attribute, as non-empty text: the primary first, then in the
    answer's order.

    `organizations.department` is a key of each entry in a list; `externalIds.organization`
    is the value of the entries of that type. Booleans are `true` and `false`.
    """
    if attribute in FALSE_WHEN_ABSENT and raw.get(attribute) is None:
        return ("false",)
    reached: list[object] = [raw]
    try:
        for part in attribute.split("."):
            reached = [below for node in reached for below in _step(node, part)]
        return tuple(text for node in reached for text in _texts(node) if text)
    except RecursionError:  # lists nested so deep that nobody wrote them
        return ()


def _schema_fields(raw: Mapping[str, Any]) -> Iterator[str]:
    """The dotted names of the fields of the user's custom schemas."""
    schemas = raw.get("customSchemas")
    if isinstance(schemas, dict):
        for schema, fields in schemas.items():
            if isinstance(fields, dict):
                names = (f"customSchemas.{schema}.{field}" for field in fields)
                yield from (intern(name) for name in names if name.isprintable())


def _step(node: object, part: str) -> Iterable[object]:
    if isinstance(node, list):
        for entry in sorted(node, key=_is_secondary):
            yield from _step(entry, part)
    elif isinstance(node, dict):
        if part in node:
            yield node[part]
        elif part in (node.get("type"), node.get("customType")):
            yield node


def _is_secondary(entry: object) -> bool:
    return not (isinstance(entry, dict) and entry.get("primary") is True)


def _texts(node: object) -> Iterable[str]:
    """The leaf texts of a value; for an entry of a typed list, its `value`."""
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


def _name(value: str | None) -> str:
    """A name; UNUSABLE where the directory has one, but none that can be seen."""
    found = _text(value)
    return found if not value or value.isspace() or is_visible(found) else UNUSABLE


def _text(value: str | None) -> str:
    """Text of the directory as the program has it: every text comes in here."""
    return cleaned(value) if value else ""
