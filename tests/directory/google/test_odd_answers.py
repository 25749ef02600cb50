"""Error answers with any body: a failed reading with a clear reason, never another error."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from addon.directory.errors import AccessRefused, DirectoryError
from addon.sandbox.directory_server import DirectoryServer
from tests.directory.school import reading, school, tenant

LISTS = ["/orgunits", "/users", "/groups", "/members", "/domains"]
BODIES = [
    *(b"", b"[]", b"[1]", b"[null]", b"{}", b"null", b"true", b"7", b'"no"', b"\xff\xfe"),
    *(b"[" * 100_000, b"9" * 9_999, b"<!doctype html><title>502</title>", b"Bad gateway"),
    *(
        json.dumps(each).encode()
        for each in (
            {"error": None},
            {"error": []},
            {"error": "invalid_grant"},
            {"error": {"message": ["no"], "errors": [{"reason": ["x"]}]}},
            {"error": {"message": None, "errors": None, "details": 3}},
            {"error": {"errors": [[], None, "x"], "details": [{"reason": {}}]}},
            [{"error": {"message": 3, "errors": "x"}}],
        )
    ),
]
STATUSES = [300, 304, 400, 401, 403, 404, 405, 409, 410, 412, 418, 429, 500, 501, 502, 503, 504]
GROUPS = {"teachingGroups": {"from": "group", "pattern": "7a-(?P<name>.*)"}}


@pytest.fixture
def server() -> Iterator[DirectoryServer]:
    with DirectoryServer(school()) as server:
        yield server


def document() -> Any:
    return tenant(
        {"students": {"orgUnits": ["/Elever"], "groups": ["larare@edu.storkoping.se"]}, **GROUPS},
        protected={"groups": ["kör@edu.storkoping.se"]},
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/users", status) for status in STATUSES),
        *((path, status) for path in ("/orgunits", "/groups") for status in (304, 403, 404, 503)),
    ],
)
def test_an_error_with_any_body_is_a_failed_reading(
    server: DirectoryServer, path: str, status: int
):
    for body in BODIES:
        server.clear_failures()
        server.fail(path, status=status, times=None, body=body)
        with pytest.raises(DirectoryError) as failed:
            reading(server, document())
        assert "Nothing was sent to anyone" in str(failed.value)


def test_an_error_of_random_shape_is_a_failed_reading(server: DirectoryServer):
    chance = random.Random(11)
    for _ in range(150):
        server.clear_failures()
        body = json.dumps(_any_json(chance, 4)).encode()
        server.fail(chance.choice(LISTS[:3]), chance.choice(STATUSES), times=None, body=body)
        with pytest.raises(DirectoryError):
            reading(server, document())


def _any_json(chance: random.Random, depth: int) -> Any:
    leaves: list[Any] = [None, True, 7, 1e400, "", "forbidden", "\ud800", [], {}]
    if depth == 0 or chance.random() < 0.2:
        return chance.choice(leaves)
    if chance.random() < 0.3:
        return [_any_json(chance, depth - 1) for _ in range(chance.randrange(3))]
    keys = ["error", "errors", "reason", "message", "details", "code", "status"]
    return {key: _any_json(chance, depth - 1) for key in chance.sample(keys, chance.randrange(5))}


@pytest.mark.parametrize("body", BODIES)
def test_a_good_answer_that_is_no_object_is_a_failed_reading(server: DirectoryServer, body: bytes):
    if body in (b"{}", b"[null]"):
        pytest.skip("an empty object is an answer without results")
    server.fail("/users", status=200, times=None, body=body)

    if body.startswith(b"{"):
        with pytest.raises(DirectoryError, match="not what the Directory API promises"):
            reading(server, document())
    else:
        with pytest.raises(DirectoryError):
            reading(server, document())


@pytest.mark.parametrize("status", [403, 429])
def test_the_quota_of_the_day_ends_the_reading_at_once(server: DirectoryServer, status: int):
    server.fail("/orgunits", status=status, reason="dailyLimitExceeded", times=None)

    with pytest.raises(DirectoryError, match="quota of the whole day") as failed:
        reading(server, tenant(), threads=1)

    assert not isinstance(failed.value, AccessRefused)
    assert len([each for each in server.requests if each.path.endswith("/orgunits")]) == 1
