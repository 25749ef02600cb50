"""The pages say whether Google notifies Skolsynk, and what to do where it does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from addon.directory.push_state import USER_EVENTS, PushChannel, PushState, WatchRefusal
from tests.support.page_content import form_of
from tests.support.small_school import TENANT, deliver, set_live, small_school_pages
from tests.support.world import World

URL = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("push")
    with small_school_pages(folder, SKOLSYNK_URL=URL) as world:
        set_live(world)
        deliver(world)
        yield world


def texts(world: World) -> str:
    client = world.sign_in()
    return world.text(client.get("/")) + world.text(client.get("/installningar"))


def keep(world: World, **values: object) -> None:
    world.store.update_push_state(TENANT, lambda known: structs.replace(PushState(), **values))


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("address-unverified", "eftersom Skolsynks adress inte är verifierad hos Google"),
        ("scope-missing", "eftersom Skolsynk saknar behörighet i ert Workspace"),
        ("not-allowed", "eftersom Skolsynk saknar behörighet i ert Workspace"),
        ("refused", "Google meddelar inte Skolsynk när något ändras."),
    ],
)
def test_a_refusal_is_said_with_its_remedy(world, problem, said):
    keep(world, problems=dict.fromkeys(USER_EVENTS, problem))
    found = texts(world)
    assert found.count(said) == 2
    assert found.count("Ändringar skickas ändå, enligt schemat.") == 2


def test_a_person_can_have_google_asked_again(world):
    refused = {kind: WatchRefusal(11, world.clock() + 9000) for kind in USER_EVENTS}
    due = world.clock() + 9000
    keep(world, problems=dict.fromkeys(USER_EVENTS, "refused"), refused=refused, due=due)
    client = world.sign_in()
    assert "Skolsynk frågar Google igen" in world.text(client.get("/"))
    assert "Försök igen" in world.text(client.get("/installningar"))
    token = form_of(client.get("/installningar"), "/installningar/meddelanden")["csrf_token"]
    client.post("/installningar/meddelanden", data={"csrf_token": token})
    assert "Skolsynk frågar Google igen inom en minut." in world.text(client.get("/installningar"))
    state = world.store.push_state(TENANT)
    assert (state.due, state.refused) == (0.0, {})


def test_changes_that_are_sent_within_minutes_are_not_said_to_wait_for_the_schedule(world):
    now = world.clock()
    channels = [PushChannel(k, k, URL, "k", now, now + 3600, "r") for k in USER_EVENTS]
    keep(world, channels=tuple(channels))
    found = texts(world)
    assert "Ändrade konton skickas inom några minuter" in found
    assert "meddelar inte" not in found
    assert "Ändringar skickas varje timme" not in found
