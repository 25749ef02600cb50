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
from tests.support.installation import TENANT
from tests.support.site import Site, form_of

PAGE = "/personer"
HTMX = {"HX-Request": "true"}
UNIT = "/skolenheter/12345678"
SELECTION = f"{UNIT}/urval"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as site:
        yield site


@contextmanager
def slow_reading(site: Site) -> Iterator[threading.Event]:
    """The directory's reading goes on until the event is set."""
    go_on = threading.Event()
    real = site.services.read_directory

    def read(tenant: str) -> None:
        go_on.wait(30)
        real(tenant)

    with mock.patch.object(site.services.task_handler, "_read", read):
        yield go_on
        go_on.set()
        site.tasks()


def test_the_first_who_needs_the_directory_has_it_read_and_waits(site: Site) -> None:
    client = site.sign_in()
    with slow_reading(site) as go_on:
        page = client.get(PAGE)
        assert page.status_code == 202
        assert "Katalogen i Google Workspace läses." in site.read(page)
        assert '<meta http-equiv="refresh" content="2">' in page.text
        assert "Äppelqvist" not in page.text
        go_on.set()
        site.tasks()
        assert "Äppelqvist" in site.ready(client, PAGE).text


def test_it_says_how_far_it_has_come(site: Site) -> None:
    client = site.sign_in()
    with slow_reading(site):
        client.get(PAGE)
        at = site.clock()
        snapshot_store.save_state(
            site.store, TENANT, ReadingState("reading", at, users=1234, groups=56)
        )
        assert "Hittills 1 234 personer och 56 grupper." in site.read(client.get(PAGE))


def test_many_who_wait_have_it_read_once(site: Site) -> None:
    client = site.sign_in()
    for _ in range(5):
        client.get(PAGE)
        client.get("/skolenheter")
    site.tasks()
    site.ready(client, PAGE)
    readings = [r for r in site.installation.directory.requests if r.path.endswith("/orgunits")]
    assert len(readings) == 1


def test_a_part_of_a_page_waits_as_a_part(site: Site) -> None:
    client = site.sign_in()
    with slow_reading(site):
        part = client.get(f"{PAGE}?roll=student", headers=HTMX)
        assert part.status_code == 202
        assert "<html" not in part.text
        assert f'hx-get="{PAGE}?roll=student"' in part.text


def test_why_it_could_not_be_read_is_told_with_a_way_to_try_again(site: Site) -> None:
    site.installation.directory.fail("/orgunits", status=403, reason="forbidden", times=None)
    client = site.sign_in()
    client.get(PAGE)
    site.tasks()
    page = client.get(PAGE)
    assert "Katalogen i Google Workspace kunde inte läsas" in site.read(page)
    assert "http-equiv" not in page.text
    site.installation.directory.heal()
    with site.later(60):
        answer = site.send(client, page, "/katalog/las")
        assert answer.location == PAGE
        site.tasks()
        assert "Äppelqvist" in site.ready(client, PAGE).text


def test_a_reading_that_was_cut_off_is_begun_again(site: Site) -> None:
    client = site.sign_in()
    snapshot_store.save_state(site.store, TENANT, ReadingState("reading", site.clock()))
    with site.later(LOST + 60):
        assert client.get(PAGE).status_code == 202
        site.tasks()
        assert "Äppelqvist" in site.ready(client, PAGE).text


def test_after_a_day_the_directory_is_gone_and_is_read_anew(site: Site) -> None:
    client = site.sign_in()
    site.ready(client, PAGE)
    with site.later(24 * 3600 + 60):
        assert client.get(PAGE).status_code == 202
        site.tasks()
        assert site.ready(client, PAGE).status_code == 200


def test_when_it_cannot_be_asked_for_the_page_says_so(site: Site) -> None:
    client = site.sign_in()
    away = mock.Mock(side_effect=TaskQueueError("the queue does not answer"))
    with mock.patch.object(type(site.services.queue()), "enqueue", away):
        page = client.get(PAGE)
        assert "kunde inte läsas" in site.read(page)
        assert form_of(page, "/katalog/las")["back"] == PAGE


def test_who_reads_anew_comes_back_to_the_same_page(site: Site) -> None:
    client = site.sign_in()
    page = site.ready(client, f"{PAGE}?roll=student")
    answer = site.send(client, page, "/katalog/las")
    assert answer.location == f"{PAGE}?roll=student"


@contextmanager
def slow_placing(seconds: float) -> Iterator[None]:
    """People are placed as slowly as in a large municipality."""
    real = cache.prepare_from_snapshot

    def place(*given: object) -> object:
        threading.Event().wait(seconds)
        return real(*given)

    with mock.patch.object(cache, "prepare_from_snapshot", place):
        yield


def test_a_form_waits_for_what_is_being_made_and_is_saved(site: Site) -> None:
    one, other = site.sign_in(), site.sign_in()
    page = site.ready(one, SELECTION)
    with slow_placing(0.5):
        answer = site.send(other, site.ready(other, UNIT), UNIT, name="Nya norra skolan")
        assert answer.status_code == 302
        answer = site.send(one, page, SELECTION, **{"students-ou": "/Elever/7A"})
    assert answer.status_code == 302
    unit = site.document()["schoolUnits"][0]
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
    site: Site, path: str, values: dict[str, object]
) -> None:
    client = site.sign_in()
    page = site.ready(client, path)
    before = site.document()
    site.services.directories.forget(TENANT)
    snapshot_store.forget(site.store, TENANT)
    with slow_reading(site):
        answer = site.send(client, page, path, **values)
        assert answer.status_code == 409
        assert "Inget har sparats än. Det du har fyllt i finns kvar här." in site.read(answer)
        assert site.document() == before
    site.ready(client, path)
    assert site.send(client, answer, path).status_code == 302
    assert site.document() != before


def test_a_form_that_waits_too_long_for_what_is_made_is_kept_too(site: Site) -> None:
    one, other = site.sign_in(), site.sign_in()
    page = site.ready(one, SELECTION)
    with slow_placing(0.5), mock.patch.object(request_context, "SAVING", 0.01):
        site.send(other, site.ready(other, UNIT), UNIT, name="Nya norra skolan")
        answer = site.send(one, page, SELECTION, **{"students-ou": "/Elever/7A"})
        assert answer.status_code == 409
        assert "Underlaget räknas om." in site.read(answer)
    assert site.send(one, answer, SELECTION).status_code == 302


def test_what_a_form_shows_as_it_is_filled_in_stays_until_there_is_more(site: Site) -> None:
    one, other = site.sign_in(), site.sign_in()
    page = site.ready(one, SELECTION)
    asked = {**form_of(page, SELECTION), "do": "show"}
    with slow_placing(0.5), mock.patch.object(request_context, "LOOKING", 0.01):
        site.send(other, site.ready(other, UNIT), UNIT, name="Nya norra skolan")
        answer = one.post(SELECTION, data=asked, headers=HTMX)
        assert (answer.status_code, answer.data) == (204, b"")
        assert answer.headers["HX-Trigger"] == "again"
    answer = one.post(SELECTION, data=asked, headers=HTMX)
    assert 'id="utfall"' in answer.text


def test_a_form_says_why_the_directory_cannot_be_read_and_has_it_read_again(site: Site) -> None:
    client = site.sign_in()
    page = site.ready(client, SELECTION)
    site.services.directories.forget(TENANT)
    snapshot_store.save_state(
        site.store, TENANT, ReadingState("failed", site.clock(), detail="ingen rättighet")
    )
    asked = {**form_of(page, SELECTION), "do": "show"}
    part = client.post(SELECTION, data=asked, headers=HTMX)
    assert part.headers["HX-Retarget"] == "#utfall"
    assert "ingen rättighet" in part.text
    answer = site.send(client, page, SELECTION, **{"students-ou": "/Elever/7A"})
    assert answer.status_code == 409
    assert "ingen rättighet" in site.read(answer)
    again = site.send(client, answer, SELECTION, read="again")
    assert "Katalogen i Google Workspace läses." in site.read(again)
    site.tasks()
    assert site.send(client, again, SELECTION).status_code == 302
    assert site.document()["schoolUnits"][0]["students"] == {"orgUnits": ["/Elever/7A"]}
