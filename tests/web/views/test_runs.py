"""Körningar: what happened, when and to whom; one run's story as it happens; run now."""

import re
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from addon.store.records import Namespace, RunRecord
from addon.sync.progress import KEPT_EVERY, StoredProgress
from addon.sync.run_records import end_run, start_run
from addon.tasks.base import TaskQueueError
from addon.tasks.page_requests import SAME_WITHIN
from tests.support.page_actions import location, turn_on
from tests.support.page_content import text_of, unfolded
from tests.support.small_school import (
    HELD,
    PUPILS,
    TENANT,
    UNREAD,
    address,
    cause_hold,
    deliver,
    leave,
    person,
    set_live,
)

PAGE, NOW = "/korningar", "/korningar/nu"


@pytest.fixture
def world(world):
    set_live(world, "all")
    return world


def newest(world):
    return world.store.runs(TENANT, 1)[0]


def story(world, client, run=None):
    return client.get(f"{PAGE}/{(run or newest(world)).id}")


def rows(page):
    """The cells of the table of runs."""
    body = page.text[page.text.find("Klasser och annat</th>") :]
    return [
        [
            " ".join(re.sub("<[^>]+>", " ", cell).split())
            for cell in re.findall("<t[hd].*?</t[hd]>", r)
        ]
        for r in re.findall("<tr>.*?</tr>", body, re.S)
    ]


def begun(world):
    """A run of another process that is going on."""
    with world.open_store() as store:
        return start_run(store, TENANT, world.clock())


def test_before_the_first_run_the_page_says_when_there_will_be_one(world, client):
    said = world.text(client.get(PAGE))
    assert "Ingen körning har gjorts ännu." in said
    assert "körs allt automatiskt enligt schemat" in said
    assert "Kör nu" in said


def test_the_first_sentence_says_when_and_what_the_last_run_did(world, client):
    deliver(world)
    said = world.text(client.get(PAGE))
    assert "Den senaste körningen var klar för mindre än en minut sedan." in said
    assert "Den skapade 16, ändrade 0 och tog bort 0 personer hos leverantörerna." in said
    deliver(world)
    assert "Inget hade ändrats." in world.text(client.get(PAGE))


def test_each_run_has_its_numbers(world, client):
    deliver(world)
    world.domain.rename_user(address("Li", "Xu"), given_name="Lì")
    leave(world, PUPILS["7A"][0])
    deliver(world)
    second, first = rows(client.get(PAGE))
    assert second[1:6] == ["● Klar", "0", "1", "1", "1"]
    assert first[1:5] == ["● Klar", "16", "0", "0"]
    assert first[6] == "0"


def test_runs_without_changes_can_be_hidden_and_then_the_pages_go_on(world, client):
    deliver(world)
    for _ in range(26):
        with world.open_store() as store:
            run = start_run(store, TENANT, world.clock())
            end_run(store, run, world.clock(), "done", b"{}")
    page = client.get(PAGE)
    assert "Sida 1 av 2" in world.text(page)
    assert len(rows(page)) == 25
    assert "/korningar?sida=2" in page.text
    assert len(rows(client.get(PAGE, query_string={"sida": "2"}))) == 2
    changed = client.get(PAGE, query_string={"visa": "andringar"})
    assert len(rows(changed)) == 1


def test_when_nothing_has_happened_in_any_run_that_is_said(world, client):
    run = begun(world)
    with world.open_store() as store:
        end_run(store, run, world.clock(), "done", b"{}")
    said = world.text(client.get(PAGE, query_string={"visa": "andringar"}))
    assert "Inget har hänt i någon körning. Visa alla körningar" in said


@pytest.fixture
def put_off(world, monkeypatch):
    """What is given to the queue waits until it is let go of by calling this."""
    queue, waiting = world.services.queue(), []
    enqueue = queue.enqueue
    monkeypatch.setattr(queue, "enqueue", lambda task: waiting.append(task) is None)

    def let_go():
        monkeypatch.undo()
        for task in waiting:
            enqueue(task)
        world.wait_for_tasks()

    return let_go


def test_a_run_that_is_asked_for_is_waited_for_and_then_shown(world, client, put_off):
    path = location(world.send(client, client.get(PAGE), NOW))
    waiting = client.get(path)
    assert "Körningen är beställd och börjar strax." in world.text(waiting)
    assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in waiting.text
    assert 'hx-select="#pagar"' in waiting.text
    put_off()
    shown = location(client.get(path))
    assert re.fullmatch(r"/korningar/\d{8}T\d{6}Z-[0-9a-f]{6}", shown)
    part = client.get(path, headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == shown
    assert "16 personer skapades" in world.text(client.get(shown))
    assert "run.asked" in [entry.what for entry in world.store.audit_entries(TENANT, 9)]


def test_a_second_request_within_seconds_leads_to_the_run_of_the_first(world, client):
    page = client.get(PAGE)
    world.clock.ahead += SAME_WITHIN - world.clock() % SAME_WITHIN
    world.send(client, page, NOW)
    world.wait_for_tasks()
    world.clock.ahead += 1
    path = location(world.send(client, page, NOW))
    world.wait_for_tasks()
    assert location(client.get(path)).startswith(f"{PAGE}/2")


def test_a_run_that_never_begins_is_not_waited_for_for_ever(world, client, put_off):
    path = location(world.send(client, client.get(PAGE), NOW))
    with world.later(600):
        page = client.get(path)
        assert 'http-equiv="refresh"' not in page.text
        assert "Kör nu" in page.text


@pytest.mark.parametrize("given", ["x", "-1", "9" * 30, "99999999999"])
def test_a_nonsensical_time_is_waited_for_by_nobody(world, client, given):
    page = client.get(PAGE, query_string={"begard": given})
    assert page.status_code == 200
    assert "beställd" not in page.text


def test_another_run_that_begins_meanwhile_is_not_the_one_that_was_asked_for(world, client):
    world.services.queue().stop()
    path = location(world.send(client, client.get(PAGE), NOW))
    begun(world)
    waiting = client.get(path)
    assert waiting.status_code == 200
    assert 'hx-select="#pagar"' in waiting.text
    request = parse_qs(urlsplit(path).query)["begard"][0]
    with world.open_store() as store:
        asked_for = start_run(store, TENANT, world.clock(), request=request)
    begun(world)
    assert location(client.get(path)).endswith(asked_for.id)


def test_the_reading_and_its_deliveries_are_one_run(world, client):
    set_live(world, "some")
    world.send(client, client.get(PAGE), NOW)
    world.wait_for_tasks()
    records = world.store.runs(TENANT, 9)
    assert len(records) == 3
    (row,) = rows(client.get(PAGE))
    assert row[1:3] == ["● Klar", "32"]
    pages = [world.text(story(world, client, record)) for record in records]
    assert len(set(pages)) == 1
    assert "Katalogen lästes: 17 personer" in pages[0]
    assert "All : skickat. Skapade: 16 personer" in pages[0]
    assert "Some : skickat. Skapade: 16 personer" in pages[0]


def test_a_story_tells_what_was_read_made_and_done(world, client):
    deliver(world)
    said = world.text(story(world, client))
    assert "16 personer skapades, 0 ändrades och 0 togs bort hos leverantörerna." in said
    assert "Katalogen lästes: 17 personer" in said
    assert "Underlaget: 12 elever, 4 i personalen, 2 klasser, 0 undervisningsgrupper." in said
    assert "Skapade: 16 personer, 1 organisation, 1 skolenhet" in said
    assert "Körningen var klar. Den tog" in said


def test_a_story_of_nothing_says_so(world, client):
    deliver(world)
    deliver(world)
    assert "Inget hade ändrats, så inget behövde skickas." in world.text(story(world, client))


def test_a_run_that_is_held_tells_what_it_would_have_done(world, client):
    cause_hold(world)
    said = world.text(story(world, client))
    assert "Inget skickades: det som skulle göras är spärrat." in said
    assert "Det här väntar på ert beslut:" in said
    assert "Tas bort: 4 personer" in said
    assert "Se spärren och bestäm" in said
    (held, _first) = rows(client.get(PAGE))
    assert held[1:5] == ["▲ Spärrad", "0", "0", "0"]
    assert "Den stoppades av en spärr." in world.text(client.get(PAGE))


def test_what_the_vendor_did_not_take_is_told_by_name_where_the_directory_is_read(world, client):
    world.vendor("all").fail(400, times=1, method="POST", endpoint="Users")
    deliver(world, 1)
    said = world.text(story(world, client))
    assert "All tog inte emot 1 uppgift" in said
    unknown = "En person som inte längre finns i katalogen: kunde inte skapas."
    assert f"{unknown} Leverantören svarade med felkoden 400." in said
    world.ready(client, "/personer")
    page = story(world, client)
    assert re.search(r'<a href="/personer/\d+">[^<]+</a>: kunde inte skapas', page.text)
    assert rows(client.get(PAGE))[0][6] == "1"
    assert "1 uppgift gick inte att skicka." in world.text(client.get(PAGE))


def test_what_failed_for_now_is_told_apart(world, client):
    world.vendor("all").fail(503, times=None, method="POST", endpoint="Users")
    deliver(world, 1)
    page = story(world, client)
    said = text_of(unfolded(page))
    assert "nästa körning försöker igen" in said
    assert "■ Delvis misslyckad" in said
    assert "felkoden 503. Felet är leverantörens och går oftast över av sig självt." in said
    assert said.count("felkoden 503") == 1
    assert "the vendor answered" not in said
    assert "the vendor answered" in world.text(page)


def test_one_person_is_said_as_one(world, client):
    deliver(world)
    world.domain.add_user(person("Ny", "Elev", "/Elever/7B"))
    deliver(world)
    assert "1 person skapades, 0 ändrades" in world.text(story(world, client))
    leave(world, PUPILS["7A"][0])
    deliver(world)
    assert "tog bort 1 person hos leverantörerna" in world.text(client.get(PAGE))


def test_a_directory_that_was_not_read_is_reported(world, client):
    world.document["protected"]["orgUnits"] = ["/Finns inte"]
    world.import_document()
    deliver(world, UNREAD)
    said = world.text(story(world, client))
    assert "Katalogen i Google Workspace kunde inte läsas, så inget skickades." in said
    assert "Tekniska uppgifter" in said
    assert "Katalogen kunde inte läsas" in world.text(client.get(PAGE))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("superseded", "En annan körning var redan igång, så den här gjorde inget."),
        ("cut off", "Körningen avbröts. Nästa körning fortsätter där den slutade."),
        ("failed", "Något gick fel i Skolsynk, så inget skickades."),
    ],
)
def test_a_run_that_ended_otherwise_is_reported_in_words(world, client, status, words):
    run = begun(world)
    with world.open_store() as store:
        end_run(store, run, world.clock(), status, detail="why")
    said = world.text(story(world, client, run))
    assert words in said
    assert "why" in said
    assert client.get(PAGE).status_code == 200


def test_a_run_that_is_going_on_is_followed_with_its_progress(world, client):
    run = begun(world)
    page = story(world, client, run)
    said = world.text(page)
    assert "Körningen pågår sedan" in said
    assert "Katalogen läses och underlaget räknas fram." in said
    assert f'hx-get="/korningar/{run.id}/lage"' in page.text
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page.text
    world.store.put(
        Namespace("progress", TENANT),
        "all",
        msgspec.json.encode({"done": 40, "planned": 1600}),
        world.clock(),
        world.clock() + 60,
    )
    part = client.get(f"{PAGE}/{run.id}/lage", headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "All: 40 av 1 600 klart" in world.text(part)
    assert '<progress id="p-all" max="1600" value="40">' in part.text
    listed = client.get(PAGE)
    assert "En körning pågår. Följ den" in world.text(listed)
    assert "Kör nu" not in listed.text


def test_the_progress_of_a_delivery_is_what_the_page_reads(world, client):
    run = begun(world)
    kept = StoredProgress(world.store, TENANT, world.clock)
    with world.later(KEPT_EVERY + 1):
        kept("all", 1, 16)
        pages = (world.text(story(world, client, run)) for _ in range(200))
        assert any("All: 1 av 16 klart" in said for said in pages)
        kept.end()
        assert "av 16 klart" not in world.text(story(world, client, run))


def test_a_page_that_follows_a_run_ends_when_it_does(world, client):
    run = begun(world)
    with world.open_store() as store:
        end_run(store, run, world.clock(), "done", b"{}")
    part = client.get(f"{PAGE}/{run.id}/lage", headers={"HX-Request": "true"})
    assert "hx-get" not in part.text
    listed = client.get(PAGE, headers={"HX-Request": "true"})
    assert "Körningen är klar. Se vad som hände" in world.text(listed)


def test_without_javascript_the_progress_is_the_page_itself(world, client):
    run = begun(world)
    assert location(client.get(f"{PAGE}/{run.id}/lage")) == f"{PAGE}/{run.id}"


def test_a_run_that_there_is_none_of_is_not_found(world, client):
    deliver(world)
    assert client.get(f"{PAGE}/20260101T000000Z-000000").status_code == 404
    assert client.get(f"{PAGE}/x/lage", headers={"HX-Request": "true"}).status_code == 404


def test_an_old_run_is_found_too(world, client):
    deliver(world)
    old = newest(world)
    with world.open_store() as store:
        for n in range(70):
            at = world.clock() + n
            store.save_run(RunRecord(f"29990101T0000{n:02}Z-000000", TENANT, at, "done", at, b"{}"))
    assert "16 personer skapades" in world.text(story(world, client, old))


def test_during_a_pause_nothing_can_be_run(world, client):
    page = client.get(PAGE)
    world.document["schedule"] = {"pause": {"from": "2020-01-01", "until": "2099-12-31"}}
    world.import_document()
    paused = client.get(PAGE)
    assert "Det är paus, så inget kan köras nu." in world.text(paused)
    assert "Kör nu" not in paused.text
    sent = client.get(location(world.send(client, page, NOW)))
    assert "Avsluta pausen under Inställningar först." in world.text(sent)
    world.wait_for_tasks()
    assert world.store.runs(TENANT, 9) == []


def test_with_every_vendor_off_there_is_nothing_to_run(world, client):
    page = client.get(PAGE)
    set_live(world, "all", mode="off")
    sent = world.send(client, page, NOW)
    assert location(sent) == "/leverantorer"
    assert "Ingen leverantör är på" in world.text(client.get("/leverantorer"))


def test_when_the_queue_is_away_the_page_says_so(world, client, monkeypatch):
    page = client.get(PAGE)

    def refuse(task):
        raise TaskQueueError("away")

    monkeypatch.setattr(world.services.queue(), "enqueue", refuse)
    said = world.text(client.get(location(world.send(client, page, NOW))))
    assert "Körningen kunde inte startas just nu." in said


def test_protected_people_are_in_no_story(world, client):
    world.vendor("all").fail(400, times=1, method="POST", endpoint="Users")
    deliver(world, 1)
    (failure,) = msgspec.json.decode(newest(world).report)["connections"][0]["failures"]
    users = world.domain.to_json()["users"]
    world.ready(client, "/personer")
    name = re.search(r'/personer/(\d+)">([^<]+)</a>: kunde', story(world, client).text)
    (email,) = [user["primaryEmail"] for user in users if user.get("id") == name[1]]
    world.domain.move_user(email, "/Skyddade")
    world.send(client, client.get(PAGE), "/katalog/las")
    world.wait_for_tasks()
    world.ready(client, "/personer")
    page = story(world, client)
    assert name[2] not in page.text
    assert failure["externalId"] not in page.text


def test_a_held_run_and_a_new_pupil(world, client):
    cause_hold(world)
    world.domain.add_user(person("Ny", "Elev", "/Elever/7B"))
    deliver(world, HELD)
    said = world.text(story(world, client))
    assert "Det här skickades: Skapade: 1 person" in said
    assert "Det här väntar på ert beslut:" in said
    assert "Tas bort: 4 personer" in said
    assert "Resten är spärrat och väntar på ert beslut." in said
    assert rows(client.get(PAGE))[0][1:5] == ["▲ Spärrad", "1", "0", "0"]
    assert "En del skickades, resten är spärrat." in world.text(client.get(PAGE))


def test_emptying_the_test_environment_is_told_apart_from_what_was_removed_at_vendors(
    world, client
):
    """What a run removed in a test environment is never counted as removed at the vendors."""
    world.change_connection("all", mode="off")
    turn_on(world, client, "all", "test")
    said = world.text(client.get(PAGE))
    assert "I testmiljön skapades 16, ändrades 0 och togs 0 konton bort." in said
    assert "hos leverantörerna." not in said
    turn_on(world, client, "all")
    page = client.get(PAGE)
    said = world.text(page)
    assert "tog bort 16 personer" not in said
    assert "I testmiljön togs 16 konton bort. Skarpt läge påverkades inte." in said
    removed = [row[4] for row in rows(page)]
    assert "0 testmiljön: 16" in removed
    assert "16" not in removed
    runs = [run for run in world.store.runs(TENANT) if run.report and b'"test"' in run.report]
    stories = [world.text(story(world, client, run)) for run in runs]
    assert any("I testmiljön togs 16 konton bort. Skarpt läge" in each for each in stories)
    assert not any("16 togs bort hos leverantörerna" in each for each in stories)
