"""While the directory is read a page says so, shows itself when it is done, and why it is not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from addon.tasks.base import TaskQueueError
from addon.web import request_context
from addon.web.directory import cache, snapshot_store
from addon.web.directory.snapshot_store import LOST, ReadingState
from tests.support.page_actions import read_again, run, turn_on
from tests.support.page_content import form_of
from tests.support.small_school import TENANT, small_school_pages
from tests.support.world import World

PAGE = "/personer"
HTMX = {"HX-Request": "true"}
UNIT = "/skolenheter/12345678"
SELECTION = f"{UNIT}/urval"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(tmp_path) as world:
        yield world


@contextmanager
def slow_reading(world: World) -> Iterator[threading.Event]:
    """The directory's reading goes on until the event is set."""
    go_on = threading.Event()
    real = world.services.read_directory

    def read(tenant: str) -> None:
        go_on.wait(30)
        real(tenant)

    with mock.patch.object(world.services.task_handler, "_read", read):
        yield go_on
        go_on.set()
        world.wait_for_tasks()


def test_the_first_who_needs_the_directory_has_it_read_and_waits(world: World) -> None:
    client = world.sign_in()
    with slow_reading(world) as go_on:
        page = client.get(PAGE)
        assert page.status_code == 202
        assert "Katalogen i Google Workspace läses." in world.text(page)
        assert '<meta http-equiv="refresh" content="2">' in page.text
        assert "Äppelqvist" not in page.text
        go_on.set()
        world.wait_for_tasks()
        assert "Äppelqvist" in world.ready(client, PAGE).text


def test_a_confirmation_stays_until_the_page_that_waited_for_the_directory_has_shown_it(
    world: World,
) -> None:
    client, saved = world.sign_in(), "Ordningen är ändrad."
    with client.session_transaction() as session:
        session["_flashes"] = [("message", saved)]
    with slow_reading(world) as go_on:
        assert saved in world.text(client.get(PAGE))
        assert saved in world.text(client.get(PAGE))
        go_on.set()
        world.wait_for_tasks()
    # The waiting page's script asks whether the page is ready, and then loads it.
    assert world.ready(client, PAGE, headers={"Sec-Fetch-Dest": "empty"}).status_code == 200
    assert saved in world.text(world.ready(client, PAGE))
    assert saved not in world.text(world.ready(client, PAGE))


def test_it_says_how_far_it_has_come(world: World) -> None:
    client = world.sign_in()
    with slow_reading(world):
        client.get(PAGE)
        at = world.clock()
        snapshot_store.save_reading_state(
            world.store, TENANT, ReadingState("reading", at, users=1234, groups=56)
        )
        assert "Hittills 1 234 personer och 56 grupper." in world.text(client.get(PAGE))


def test_many_who_wait_have_it_read_once(world: World) -> None:
    client = world.sign_in()
    for _ in range(5):
        client.get(PAGE)
        client.get("/skolenheter")
    world.wait_for_tasks()
    world.ready(client, PAGE)
    readings = [r for r in world.directory.requests if r.path.endswith("/orgunits")]
    assert len(readings) == 1


def test_a_part_of_a_page_waits_as_a_part(world: World) -> None:
    client = world.sign_in()
    with slow_reading(world):
        part = client.get(f"{PAGE}?roll=student", headers=HTMX)
        assert part.status_code == 202
        assert "<html" not in part.text
        assert f'hx-get="{PAGE}?roll=student"' in part.text


def test_why_it_could_not_be_read_is_reported_with_a_way_to_try_again(world: World) -> None:
    world.directory.fail("/orgunits", status=403, reason="forbidden", times=None)
    client = world.sign_in()
    client.get(PAGE)
    world.wait_for_tasks()
    page = client.get(PAGE)
    assert "Katalogen i Google Workspace kunde inte läsas" in world.text(page)
    assert "http-equiv" not in page.text
    world.directory.clear_failures()
    with world.later(60):
        answer = world.send(client, page, "/katalog/las")
        assert answer.location == PAGE
        world.wait_for_tasks()
        assert "Äppelqvist" in world.ready(client, PAGE).text


def test_a_reading_that_was_cut_off_is_begun_again(world: World) -> None:
    client = world.sign_in()
    snapshot_store.save_reading_state(world.store, TENANT, ReadingState("reading", world.clock()))
    with world.later(LOST + 60):
        assert client.get(PAGE).status_code == 202
        world.wait_for_tasks()
        assert "Äppelqvist" in world.ready(client, PAGE).text


def test_after_a_day_the_directory_is_gone_and_is_read_again(world: World) -> None:
    client = world.sign_in()
    world.ready(client, PAGE)
    with world.later(24 * 3600 + 60):
        assert client.get(PAGE).status_code == 202
        world.wait_for_tasks()
        assert world.ready(client, PAGE).status_code == 200


def test_when_it_cannot_be_asked_for_the_page_says_so(world: World) -> None:
    client = world.sign_in()
    away = mock.Mock(side_effect=TaskQueueError("the queue does not answer"))
    with mock.patch.object(type(world.services.queue()), "enqueue", away):
        page = client.get(PAGE)
        assert "kunde inte läsas" in world.text(page)
        assert form_of(page, "/katalog/las")["back"] == PAGE


def test_who_reads_again_comes_back_to_the_same_page(world: World) -> None:
    client = world.sign_in()
    page = world.ready(client, f"{PAGE}?roll=student")
    answer = world.send(client, page, "/katalog/las")
    assert answer.location == f"{PAGE}?roll=student"


@contextmanager
def slow_placing(seconds: float) -> Iterator[None]:
    """People are placed as slowly as in a large municipality."""
    real = cache.confirm

    def place(*given: object) -> object:
        threading.Event().wait(seconds)
        return real(*given)

    with mock.patch.object(cache, "confirm", place):
        yield


def test_a_form_waits_for_what_is_being_made_and_is_saved(world: World) -> None:
    one, other = world.sign_in(), world.sign_in()
    page = world.ready(one, SELECTION)
    with slow_placing(0.5):
        answer = world.send(other, world.ready(other, UNIT), UNIT, name="Nya norra skolan")
        assert answer.status_code == 302
        answer = world.send(one, page, SELECTION, **{"students-ou": "/Elever/7A"})
    assert answer.status_code == 302
    unit = world.stored_document()["schoolUnits"][0]
    assert unit["students"] == {"orgUnits": ["/Elever/7A"]}
    assert unit["name"] == "Nya norra skolan"


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (SELECTION, {"students-ou": "/Elever/7A"}),
        (f"{UNIT}/klasser", {"rule": "own", "source": "orgUnit", "pattern": "(?P<name>[^/]+)$"}),
        ("/skyddade", {"protected-ou": ["/Skyddade", "/Elever/7A"]}),
    ],
)
def test_a_form_that_waits_in_vain_keeps_all_that_was_filled_in(
    world: World, path: str, values: dict[str, object]
) -> None:
    client = world.sign_in()
    page = world.ready(client, path)
    before = world.stored_document()
    world.services.directories.forget(TENANT)
    snapshot_store.forget(world.store, TENANT)
    with slow_reading(world):
        answer = world.send(client, page, path, **values)
        assert answer.status_code == 409
        assert "Inget har sparats än. Det du har fyllt i finns kvar här." in world.text(answer)
        assert world.stored_document() == before
    world.ready(client, path)
    assert world.send(client, answer, path).status_code == 302
    assert world.stored_document() != before


def test_a_form_that_waits_too_long_for_what_is_made_is_kept_too(world: World) -> None:
    one, other = world.sign_in(), world.sign_in()
    page = world.ready(one, SELECTION)
    with slow_placing(0.5), mock.patch.object(request_context, "SAVING", 0.01):
        world.send(other, world.ready(other, UNIT), UNIT, name="Nya norra skolan")
        answer = world.send(one, page, SELECTION, **{"students-ou": "/Elever/7A"})
        assert answer.status_code == 409
        assert "Underlaget räknas om." in world.text(answer)
    assert world.send(one, answer, SELECTION).status_code == 302


def test_what_a_form_shows_as_it_is_filled_in_stays_until_there_is_more(world: World) -> None:
    one, other = world.sign_in(), world.sign_in()
    page = world.ready(one, SELECTION)
    asked = {**form_of(page, SELECTION), "do": "show"}
    with slow_placing(0.5), mock.patch.object(request_context, "LOOKING", 0.01):
        world.send(other, world.ready(other, UNIT), UNIT, name="Nya norra skolan")
        answer = one.post(SELECTION, data=asked, headers=HTMX)
        assert (answer.status_code, answer.data) == (204, b"")
        assert answer.headers["HX-Trigger"] == "again"
    answer = one.post(SELECTION, data=asked, headers=HTMX)
    assert 'id="utfall"' in answer.text


def test_a_form_says_why_the_directory_cannot_be_read_and_has_it_read_again(world: World) -> None:
    client = world.sign_in()
    page = world.ready(client, SELECTION)
    world.services.directories.forget(TENANT)
    snapshot_store.save_reading_state(
        world.store, TENANT, ReadingState("failed", world.clock(), detail="ingen rättighet")
    )
    asked = {**form_of(page, SELECTION), "do": "show"}
    part = client.post(SELECTION, data=asked, headers=HTMX)
    assert part.headers["HX-Retarget"] == "#utfall"
    assert "ingen rättighet" in part.text
    answer = world.send(client, page, SELECTION, **{"students-ou": "/Elever/7A"})
    assert answer.status_code == 409
    assert "ingen rättighet" in world.text(answer)
    again = world.send(client, answer, SELECTION, read="again")
    assert "Katalogen i Google Workspace läses." in world.text(again)
    world.wait_for_tasks()
    assert world.send(client, again, SELECTION).status_code == 302
    assert world.stored_document()["schoolUnits"][0]["students"] == {"orgUnits": ["/Elever/7A"]}


def test_a_withdrawn_access_is_told_in_swedish_with_the_way_back_on_every_page(
    world: World,
) -> None:
    """After an uninstall pages say that access is gone and how to return, before any run too."""
    client = world.sign_in()
    turn_on(world, client, "all")
    world.directory.fail("/users", status=401, reason="authError", times=None)
    world.directory.fail("/orgunits", status=401, reason="authError", times=None)
    read_again(world, client)
    gone, install = "inte tillgång till ert Google Workspace", "installera Skolsynk från"
    for path in (PAGE, "/forhandsgranska", "/"):
        page = client.get(path)
        text = world.text(page)
        assert gone in text, path
        assert install in text, path
        assert 'href="https://admin.google.com/ac/apps/gmail/marketplace/apps"' in page.text
    assert "Leveranserna fungerar" not in text
    assert "Allt är i ordning" not in text
    run(world, client)
    page = client.get("/korningar")
    assert "inte tillgång till ert Google Workspace" in world.text(page)
    assert install in world.text(page)
    newest = world.store.runs(TENANT)[0]
    assert newest.refused
    assert install in world.text(client.get(f"/korningar/{newest.id}"))


def test_the_english_of_a_failed_reading_is_folded_under_technical_details(world: World) -> None:
    world.directory.fail("/orgunits", status=400, reason="badRequest", times=None)
    client = world.sign_in()
    client.get(PAGE)
    world.wait_for_tasks()
    page = client.get(PAGE)
    said = world.text(page)
    assert "Google svarade något som Skolsynk inte kan tolka. Nästa körning försöker igen." in said
    assert "Håller det i sig en dag, hör av dig till Skolsynks support" in said
    assert (
        '<details class="technical"><summary>Tekniska uppgifter</summary><p class="mb-0" lang="en">'
        in page.text
    )
    assert "inte tillgång" not in world.text(page)


def test_a_reading_that_succeeds_ends_the_word_that_access_is_gone(world: World) -> None:
    client = world.sign_in()
    turn_on(world, client, "all")
    world.directory.fail("/orgunits", status=403, reason="forbidden", times=None)
    run(world, client)
    assert "inte tillgång" in world.text(client.get("/"))
    world.directory.clear_failures()
    with world.later(60):
        read_again(world, client)
        assert "inte tillgång" not in world.text(client.get("/"))
