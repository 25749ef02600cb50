"""A small school domain, documents that select from it, and servers with ways of their own."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from addon.directory.google.credentials import anonymous
from addon.directory.google.reader import DirectorySource, read
from addon.directory.google.retry import ReadRetryPolicy
from addon.directory.snapshot import Snapshot
from addon.sandbox.directory_server import DirectoryServer, Request
from addon.sandbox.domain import Domain
from addon.sandbox.google_objects import user_id
from addon.tenants.model import Tenant

AT = "@edu.storkoping.se"
QUICK = ReadRetryPolicy(
    tries=3, quota_tries=4, first_wait=0.0001, longest_wait=0.0002, longest_told=0.0001
)
TEACHERS = f"larare{AT}"

Alter = Callable[[str, Mapping[str, str], Any], Any]


def person(name: str, org_unit: str, **more: Any) -> dict[str, Any]:
    names = {"givenName": name.capitalize(), "familyName": "Ek"}
    return {"primaryEmail": name + AT, "name": names, "orgUnitPath": org_unit, **more}


def id_of(name: str) -> str:
    return user_id(name + AT)


def school(**more: Any) -> Domain:
    """Ada and Bo in 7A, Cy in 8A, the teacher Di in Staff and the caretaker Ed outside."""
    given: dict[str, Any] = {
        "users": [
            person("ada", "/Elever/7A"),
            person("bo", "/Elever/7A"),
            person("cy", "/Elever/8A"),
            person("di", "/Personal"),
            person("ed", "/Övriga"),
        ],
        "groups": [
            {"email": f"7a-ma{AT}", "name": "7A Ma"},
            {"email": f"kör{AT}", "name": "Kören"},
            {"email": TEACHERS, "name": "Lärare"},
        ],
        "members": {f"7a-ma{AT}": [f"ada{AT}", f"di{AT}"], TEACHERS: [f"di{AT}"]},
    }
    return Domain.from_json({**given, **more})


def tenant(unit: Mapping[str, Any] | None = None, **more: Any) -> Tenant:
    """A document with one school unit; by default its students are those below /Elever."""
    chosen = {"students": {"orgUnits": ["/Elever"]}} if unit is None else unit
    document = {
        "customerId": "C0storkoping",
        "organisation": {"name": "Storköpings kommun"},
        "schoolUnits": [{"code": "99991000", "name": "Norra skolan", **chosen}],
        **more,
    }
    return msgspec.convert(document, Tenant)


def source(server: DirectoryServer, **more: Any) -> DirectorySource:
    return DirectorySource(
        **{"credentials": anonymous(), "endpoint": server.url, "retry_policy": QUICK, **more}
    )


def reading(server: DirectoryServer, document: Tenant | None = None, **more: Any) -> Snapshot:
    return read(tenant() if document is None else document, source(server, **more))


def names(snapshot: Snapshot) -> list[str]:
    return sorted(user.primary_email.removesuffix(AT) for user in snapshot.users)


def members(snapshot: Snapshot, group: str) -> frozenset[str] | None:
    return next(each.members for each in snapshot.groups if each.email == group + AT)


def asked(server: DirectoryServer, path_end: str) -> list[Request]:
    """The requests to paths that end so, e.g. `users` or `/members`."""
    return [request for request in server.requests if request.path.endswith(path_end)]


def members_asked(server: DirectoryServer) -> list[str]:
    paths = (request.path.split("/") for request in asked(server, "/members"))
    return sorted(path[-2].removesuffix(AT) for path in paths)


class OtherServer(DirectoryServer):
    """The sandbox server with answers changed: what somebody else's server may do.

    `alter` takes path, query and answer and gives the answer to send instead, which may be
    bytes as they are.
    """

    def __init__(self, domain: Domain, alter: Alter) -> None:
        self._alter = alter
        super().__init__(domain)

    def answer(self, path: str, query: Mapping[str, str]) -> bytes:
        altered = self._alter(path, query, json.loads(super().answer(path, query)))
        return altered if isinstance(altered, bytes) else json.dumps(altered).encode()


def other_server(alter: Alter, **more: Any) -> AbstractContextManager[DirectoryServer]:
    return OtherServer(school(**more), alter)
