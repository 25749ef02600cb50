"""In whose name a directory is read: an administrator of this very customer, and nobody else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from addon import bootstrap
from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.google.administrators import is_administrator_of
from addon.directory.google.reader import DirectorySource
from addon.settings import Settings, SqliteAddress
from addon.tenants.model import Organisation, Tenant
from tests.support.small_school import ADMIN, DELEGATED, DOMAIN, TEACHER, TENANT, small_school_pages
from tests.support.world import World

PAGE = "/installningar/dokument"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


def imported(world: World, reader: str) -> tuple[int, str]:
    path = world.folder / "other.json"
    path.write_text(json.dumps({**world.document, "delegatedAdmin": reader}), "utf-8")
    result = world.run("tenant", "import", str(path))
    return result.status, result.err


def test_who_is_no_administrator_is_not_taken_by_the_command_line(world: World) -> None:
    status, said = imported(world, TEACHER)
    assert status == 2
    assert "delegatedAdmin: must be an administrator of this customer" in said
    for own in (ADMIN, DELEGATED):
        assert imported(world, own)[0] == 0


def test_nor_by_the_pages(world: World) -> None:
    client = world.sign_in()
    document = {**world.stored_document(), "delegatedAdmin": TEACHER}
    page = client.get(PAGE)
    answer = world.send(client, page, PAGE, text=json.dumps(document), do="import")
    assert answer.status_code == 400
    assert "ska vara en administratör i er Google Workspace" in world.text(answer)


def test_an_administrator_of_another_customer_is_not_this_customers(world: World) -> None:
    source = DirectorySource(None, world.directory.url)
    assert is_administrator_of(source, ADMIN, TENANT) is True
    assert is_administrator_of(source, ADMIN, "C0annanstad") is False
    assert is_administrator_of(source, f"nobody@{DOMAIN}", TENANT) is None


READER = Tenant(
    customer_id="C0abc", organisation=Organisation(name="A"), delegated_admin="it@example.se"
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What Google is asked about delegatedAdmin; the test sets what it answers."""
    asked: list[tuple[str, str]] = []
    bootstrap._verified.clear()
    source = DirectorySource(credentials=object())
    monkeypatch.setattr(bootstrap, "_source", lambda *_: source)
    monkeypatch.setattr(
        bootstrap,
        "is_administrator_of",
        lambda _source, address, customer: asked.append((address, customer)) or True,
    )
    return asked


def test_it_is_asked_before_anything_is_read_and_once_an_hour(asked: list[tuple[str, str]]) -> None:
    settings = Settings(SqliteAddress(Path("x")), {})
    for _ in range(2):
        bootstrap.directory_source(settings, READER)
    assert asked == [("it@example.se", "C0abc")]
    bootstrap.directory_source(settings, structs.replace(READER, customer_id="C0other"))
    assert asked[1:] == [("it@example.se", "C0other")]


@pytest.mark.parametrize("answer", [False, DirectoryError("away")])
def test_without_googles_word_nothing_is_read(
    asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    def answers(*_: object) -> bool:
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    monkeypatch.setattr(bootstrap, "is_administrator_of", answers)
    settings = Settings(SqliteAddress(Path("x")), {})
    read: list[object] = []
    monkeypatch.setattr(bootstrap, "read", lambda *given: read.append(given))
    expected = DirectoryError if answer else AccessRefused
    with pytest.raises(expected):
        bootstrap.read_directory(settings, READER, lambda *_: None)
    assert read == []
    assert bootstrap.watch_changes(settings, READER, []) == {}
