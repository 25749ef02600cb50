"""Who looked: each access is in the tenant's log, by account id, and costs no read."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from addon.store.base import StoreError
from addon.store.ids import new_entry_id
from addon.store.records import AccessEntry
from tests.support.small_school import (
    ADMIN,
    DELEGATED,
    OTHER_TENANT,
    PUPILS,
    STRANGER,
    TEACHER,
    TENANT,
    deliver,
    set_live,
    small_school_pages,
    user_id,
)
from tests.support.world import World

PUPIL = PUPILS["7A"][0]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


def seen(world: World, tenant: str = TENANT) -> list[tuple[str, str, str, str]]:
    """The accesses that are logged, the first one first."""
    found = world.store.access_entries(tenant, 500)
    return [(e.who, e.what, e.subject, e.vendor) for e in reversed(found)]


def test_signing_in_and_out_and_being_refused_is_logged_by_account(world: World) -> None:
    client = world.sign_in_by_provider()
    world.send(client, client.get("/"), "/logga-ut")
    client = world.sign_in_by_provider()
    world.send(client, client.get("/installningar"), "/logga-ut/overallt")
    for who in (TEACHER, DELEGATED):
        assert world.try_to_sign_in(world.app.test_client(), who).status_code == 403
    admin = world.accounts[ADMIN]
    assert seen(world) == [
        (admin, "sign-in", "", ""),
        (admin, "sign-out", "", ""),
        (admin, "sign-in", "", ""),
        (admin, "sign-out.everywhere", "", ""),
        (world.accounts[TEACHER], "sign-in.refused", "", ""),
        (world.accounts[DELEGATED], "sign-in.refused", "", ""),
    ]
    world.sign_in_by_provider(STRANGER)
    assert seen(world, OTHER_TENANT) == [(world.accounts[STRANGER], "sign-in", "", "")]


def test_a_refusal_is_logged_where_google_says_that_the_account_belongs(world: World) -> None:
    def refused() -> None:
        world.directory.fail("/users/", status=403, reason="forbidden")  # as to no administrator
        assert world.try_to_sign_in(world.app.test_client(), TEACHER).status_code == 403

    refused()
    entry = (world.accounts[TEACHER], "sign-in.refused", "", "")
    assert seen(world) == [entry]
    world.domain.update_user(TEACHER, {"customerId": OTHER_TENANT})  # in a domain of ours
    refused()
    assert (seen(world), seen(world, OTHER_TENANT)) == ([entry], [])


def test_losing_the_right_and_having_sessions_ended_is_logged(world: World) -> None:
    client = world.sign_in()
    world.run("revoke", TENANT, "--user", world.accounts[ADMIN])
    world.run("revoke", TENANT, "--all")  # nothing is left to end
    client = world.sign_in()
    world.domain.suspend(ADMIN)
    with world.later(2 * 3600.0):
        assert client.get("/").status_code == 403
    admin = world.accounts[ADMIN]
    assert seen(world) == [
        ("command line", "sessions.ended", admin, ""),
        (admin, "sign-in.refused", "", ""),
    ]


def test_looking_at_a_person_and_taking_out_files_is_logged_and_lists_are_not(
    world: World,
) -> None:
    set_live(world)
    deliver(world)
    client, pupil, admin = world.sign_in(), user_id(world, *PUPIL), world.accounts[ADMIN]
    for path in ("/", "/personer", "/datakvalitet", "/skolenheter", "/installningar"):
        assert world.ready(client, path).status_code == 200
    assert client.get("/personer/finns-inte").status_code == 404
    assert seen(world) == []
    looked = {
        f"/personer/{pupil}": [("person.page", pupil, "")],
        f"/personer/{pupil}?utdrag=1": [
            ("person.excerpt", pupil, ""),
            ("vendor.asked", pupil, "all"),
            ("vendor.asked", pupil, "some"),
        ],
        f"/personer/{pupil}/hos/all": [("vendor.asked", pupil, "all")],
        f"/personer/{pupil}/undantag": [("person.exceptions", pupil, "")],
        f"/forhandsgranska/all/{pupil}": [
            ("person.preview", pupil, "all"),
        ],
        "/personer.csv": [("people.csv", "", "")],
        "/datakvalitet.csv": [("data-quality.csv", "", "")],
        "/installningar/atkomst.csv": [("access.csv", "", "")],
        "/installningar/dokument.json": [("document.json", "", "")],
        "/skyddade": [("protected.page", "", "")],
    }
    expected: list[Any] = []
    for path, entries in looked.items():
        assert world.ready(client, path).status_code == 200, path
        expected += [(admin, *entry) for entry in entries]
        assert sorted(seen(world)) == sorted(expected), path


def test_nothing_is_shown_that_cannot_be_logged(world: World) -> None:
    client = world.sign_in()
    pupil = user_id(world, *PUPIL)
    assert world.ready(client, "/personer").status_code == 200
    away = mock.Mock(side_effect=StoreError("away"))
    with mock.patch.object(type(world.store), "append_access", away):
        for path in (f"/personer/{pupil}", "/personer.csv", "/skyddade"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert PUPIL[1] not in answer.text


def test_the_page_and_the_file_name_nobody_who_was_looked_at(world: World) -> None:
    client, pupil, admin = world.sign_in(), user_id(world, *PUPIL), world.accounts[ADMIN]
    assert "Ingen har loggat in" in world.text(client.get("/installningar/atkomst"))
    assert world.ready(client, f"/personer/{pupil}").status_code == 200
    page = client.get("/installningar/atkomst")
    said = world.text(page)
    assert f"{admin} {ADMIN} Öppnade sidan om en person {pupil}" in said
    assert f'href="/personer/{pupil}"' in page.text
    file = client.get("/installningar/atkomst.csv")
    lines = file.text.removeprefix("\ufeff").splitlines()
    assert lines[0] == "tid;konto;vad;gällde konto;leverantör"
    assert lines[1].endswith(f";'{admin};Hämtade åtkomstloggen;;")
    assert lines[2].endswith(f";'{admin};Öppnade sidan om en person;'{pupil};")
    for text in (page.text, file.text):
        assert PUPIL[1] not in text
    assert 'href="/installningar/atkomst"' in client.get("/installningar").text


def test_the_log_is_read_in_pages_and_taken_out_whole(world: World) -> None:
    client = world.sign_in()
    now = world.clock() - 10_000
    for n in range(120):
        at = now + n
        world.store.append_access(TENANT, AccessEntry(new_entry_id(at), at, "1", "people.csv"))
    world.store.append_access(OTHER_TENANT, AccessEntry(new_entry_id(now), now, "2", "people.csv"))
    path, pages = "/installningar/atkomst", 0
    while path:
        page = client.get(path).text
        pages += 1
        found = re.search(r'<a href="(/installningar/atkomst\?fore=[^"]+)"', page)
        path = found[1] if found and pages < 9 else ""
    assert pages == 3
    with mock.patch("addon.web.views.access_log.AT_ONCE", 50):
        lines = client.get("/installningar/atkomst.csv").text.splitlines()
    assert len(lines) == 1 + 1 + 120  # with the heading, and the taking out of the file itself
