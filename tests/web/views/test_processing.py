"""The tenant's own register of processing: what its configuration says, and nothing of anybody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.small_school import PUPILS, set_live, small_school_pages
from tests.support.world import World

PAGE = "/installningar/behandling"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_school_pages(
        tmp_path, SKOLSYNK_OPERATOR="Exempelföreningen", SKOLSYNK_CONTACT="support@example.se"
    ) as world:
        yield world


def test_it_follows_the_configuration(world: World) -> None:
    set_live(world, "all")
    client = world.sign_in()
    said = world.text(client.get(PAGE))
    assert "Personuppgiftsansvarig Storviks kommun, 2120009999" in said
    assert "Personuppgiftsbiträde Exempelföreningen, support@example.se" in said
    assert "De som är valda vid Norra skolan." in said
    assert "All Skarpt läge Norra skolan Namn, inloggningsnamn" in said
    assert "E-postadress som kontaktuppgift; Årskurs" in said
    assert "Some Skarpt" not in said
    assert PUPILS["7A"][0][1] not in said
    set_live(world, mode="off")
    assert "Ingen leverantör är påslagen" in world.text(client.get(PAGE))


def test_it_is_found_under_settings_and_kept_for_as_long_as_privacy_says(world: World) -> None:
    client = world.sign_in()
    assert f'href="{PAGE}"' in client.get("/installningar").text
    kept = client.get("/integritet").text.partition('id="tid"')[2].partition("<dl")[2]
    assert kept.partition("</dl>")[0] in client.get(PAGE).text
