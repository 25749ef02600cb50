"""The `query` parameter: search clauses, all of which must match.

Field, operator and value are as in "Search for users" and "Search for groups" of the Directory
API's guides; `=` is equality, `:` is containment, `:prefix*` a prefix, all case-insensitive. An
unsupported query is refused, never ignored.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from addon.sandbox.directory_api.errors import invalid
from addon.sandbox.google_objects import JSON, addresses_of

_CLAUSE = re.compile(
    r"\s*(?P<field>[A-Za-z_][\w.]*)(?P<operator>[=:])"
    r"(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<bare>[^\s'\"]+))(?=\s|$)"
)
_BOOLEANS = {
    "isSuspended": "suspended",
    "isArchived": "archived",
    "isAdmin": "isAdmin",
    "isDelegatedAdmin": "isDelegatedAdmin",
}
_ORGANISATION = {"orgName": "name", "orgTitle": "title", "orgDepartment": "department"}

Test = Callable[[JSON], bool]


class SearchClause(NamedTuple):
    """One clause of a query."""

    field: str
    operator: str
    value: str


def parse(query: str) -> list[SearchClause]:
    """Return the clauses of a query. Raises DirectoryApiError when it is malformed."""
    clauses, at = [], 0
    while query[at:].strip():
        found = _CLAUSE.match(query, at)
        if found is None:
            raise invalid("query")
        quoted = found["quoted"]
        value = found["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        clauses.append(SearchClause(found["field"], found["operator"], value))
        at = found.end()
    return clauses


def user_test(clause: SearchClause) -> Test:
    """Return a test of whether a user matches the clause."""
    field = clause.field
    if field in _BOOLEANS:
        return _boolean_test(clause, _BOOLEANS[field])
    if field == "email":
        return _text_test(clause, addresses_of)
    if field in {"givenName", "familyName"}:
        return _text_test(clause, lambda user: [user["name"].get(field, "")])
    if field == "name":
        return _text_test(clause, lambda user: [user["name"]["fullName"]])
    if field in _ORGANISATION:
        return _text_test(clause, _in_list("organizations", _ORGANISATION[field]))
    if field == "externalId":
        return _text_test(clause, _in_list("externalIds", "value"))
    schema, dot, name = field.partition(".")
    if dot:
        return _text_test(clause, _in_schema(schema, name))
    raise invalid("query")


def group_test(clause: SearchClause) -> Test:
    """Return a test of whether a group matches the clause."""
    if clause.field == "email":
        return _text_test(clause, addresses_of)
    if clause.field == "name":
        return _text_test(clause, lambda group: [group["name"]])
    raise invalid("query")


def _boolean_test(clause: SearchClause, key: str) -> Test:
    if clause.operator != "=" or clause.value.lower() not in {"true", "false"}:
        raise invalid("query")
    wanted = clause.value.lower() == "true"
    return lambda user: user[key] is wanted


def _text_test(clause: SearchClause, values: Callable[[JSON], Sequence[str]]) -> Test:
    wanted = clause.value.lower()
    if clause.operator == "=":
        return lambda thing: any(value.lower() == wanted for value in values(thing))
    if wanted.endswith("*"):
        start = wanted[:-1]
        return lambda thing: any(value.lower().startswith(start) for value in values(thing))
    return lambda thing: any(wanted in value.lower() for value in values(thing))


def _in_list(key: str, part: str) -> Callable[[JSON], Sequence[str]]:
    return lambda user: [str(each.get(part, "")) for each in user.get(key, ())]


def _in_schema(schema: str, name: str) -> Callable[[JSON], Sequence[str]]:
    def values(user: JSON) -> Sequence[str]:
        value = user.get("customSchemas", {}).get(schema, {}).get(name, [])
        if isinstance(value, list):
            return [str(each["value"]) for each in value]
        return [str(value)]

    return values
