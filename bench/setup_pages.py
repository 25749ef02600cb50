"""`python -m bench.setup_pages`: the pages of a set-up on the large structure of `bench.proposals`.

60 units and 29,000 people, requested from the application itself, through WSGI. Prints one JSON
object: of each page the seconds until it was made, and the milliseconds of a response after that.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from addon.web.directory import snapshot_store
from bench.pages import spread, timed
from bench.proposals import large_structure
from tests.proposals.library import Structure
from tests.support.page_content import form_of
from tests.support.small_school import TENANT, small_school_pages
from tests.support.world import World

TIMES = 20
ACCEPTED = 202


def main() -> None:
    made = large_structure()
    with tempfile.TemporaryDirectory() as folder, world_of(made, Path(folder)) as world:
        store_directory(world, made)
        client = world.sign_in()
        first = world.stored_document()["schoolUnits"][0]["code"]
        selection = f"/skolenheter/{first}/urval"
        unfolded = f"/forslag?enhet={first}"
        figures = {path: page(client, path) for path in ("/forslag", unfolded, selection)}
        fields = form_of(client.get(selection), selection)
        shown = {**fields, "do": "show"}
        part = {"HX-Request": "true"}
        figures["POST urval do=show"] = spread(
            [timed(lambda: client.post(selection, data=shown, headers=part)) for _ in range(TIMES)]
        )
        accepted = {**form_of(client.get("/forslag"), "/forslag"), "do": "sure"}
        figures["POST forslag do=sure"] = {
            "ms": round(timed(lambda: client.post("/forslag", data=accepted)))
        }
        figures["/forslag, all set up"] = page(client, "/forslag")
        print(json.dumps(figures, indent=2))


def world_of(made: Structure, folder: Path) -> World:
    """The small school's application, with the document of a structure."""
    world = small_school_pages(folder)
    units = [{"code": u.code, "name": u.name, "schoolTypes": ["GR"]} for u in made.units]
    empty = {"connections": [], "protected": {}}
    world.document = {**(world.document or {}), **empty, "schoolUnits": units}
    return world


def store_directory(world: World, made: Structure) -> None:
    """Store the directory of a structure as if it had been read for the pages."""
    now = world.clock()
    stored = snapshot_store.without_identifying_fields(made.snapshot, now, ())
    packed, until = snapshot_store.pack(stored), now + snapshot_store.KEPT
    world.store.put(snapshot_store.namespace_of(TENANT), "directory", packed, now, until)
    done = snapshot_store.ReadingState("done", stored.read)
    snapshot_store.save_reading_state(world.store, TENANT, done)


def page(client: FlaskClient, path: str) -> dict[str, Any]:
    """The seconds until a page is made, and the milliseconds of a response then."""
    began = time.perf_counter()
    while client.get(path).status_code == ACCEPTED:
        time.sleep(0.05)
    made = round(time.perf_counter() - began, 1)
    assert client.get(path).status_code == 200, path
    answers = [timed(lambda: client.get(path)) for _ in range(TIMES)]
    return {"made_after_seconds": made, **spread(answers)}


if __name__ == "__main__":
    main()
