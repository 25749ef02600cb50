"""What notices, and the runs that they ask for, cost in Firestore, counted at its client's API.

Google's own emulator is the database. Planning and delivering are in processes of their own, as on
App Engine: each has its own store, which has cached nothing.
"""

import os
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch
from uuid import uuid4

from addon.bootstrap import open_store
from addon.store.firestore import ledgers
from addon.store.firestore.store import FirestoreStore
from bench.firestore_count import Count, Counted
from tests.support.emulator import HOST
from tests.support.push_world import PushWorld, push_world
from tests.support.small_school import DOCUMENT, TENANT, address, person, small_domain


class NoticeCosts:
    """A school with one connection whose notices and tasks are counted."""

    def __init__(self, world: PushWorld) -> None:
        self._world = world
        self._counted = self._another_process()

    def notices(self) -> Count:
        """Count the notices that are due."""
        self._counted.take()
        self._world.delivery.send_due()
        return self._counted.take()

    def tasks(self) -> tuple[Count, Count]:
        """Count the run that the notices have asked for: its planning, and its delivery."""
        world, found = self._world, []
        world.clock.advance(20)
        for path in ("/tasks/changes", "/tasks/deliver"):
            due = [t for t in world.queue.waiting if t.due <= world.clock() and t.path == path]
            self._counted = self._another_process()
            for task in due:
                assert world.services.task_handler.handle(task.path, task.payload).done
                world.queue.waiting.remove(task)
            found.append(self._counted.take())
        return found[0], found[1]

    def rest(self) -> None:
        """Let time pass until nothing is left to be read."""
        self._world.advance(400, step=20)
        self._world.forget()

    def _another_process(self) -> Counted:
        world = self._world
        world.store = open_store(world.settings)
        world.start()
        assert isinstance(world.store, FirestoreStore)
        return Counted(world.store)


def counted(host: str) -> dict[str, Count]:
    """Return the costs by what happened; `planned` and `delivered` are parts of one run."""
    environ = {"SKOLSYNK_STORE": f"firestore://bench-{uuid4().hex[:12]}", HOST: host}
    document = DOCUMENT | {"connections": DOCUMENT["connections"][:1]}
    pupil, other = address("Bo", "Ek"), address("Li", "Xu")
    found: dict[str, Count] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ, {HOST: host}),
        push_world(Path(folder), small_domain(), document, **environ) as world,
        patch.object(ledgers, "time", SimpleNamespace(time=world.clock, sleep=time.sleep)),
    ):
        world.first_run()
        world.run_tasks()
        place = NoticeCosts(world)
        place.rest()
        world.domain.rename_user(pupil, "Bo", "Ekman")
        found["notice"] = place.notices()
        world.domain.rename_user(pupil, "Bo", "Ekqvist")
        found["notice of what is marked"] = place.notices()
        world.domain.rename_user(other, "Li", "Xi")
        world.domain.move_people("/Elever/7A", "/Elever/7B")
        found["notices of eight people"] = place.notices()
        headers = {"X-Goog-Channel-ID": "c", "X-Goog-Channel-Token": f"{TENANT}.wrong"}
        world.post(headers, {"id": "1"})
        found["wrong token"] = place.notices()
        place.rest()
        world.domain.rename_user(pupil, "Bo", "Ek")
        place.notices()
        found["renamed: planned"], found["renamed: delivered"] = place.tasks()
        place.rest()
        world.domain.add_user(person("Ny", "Elev", "/Elever/7A"))
        place.notices()
        found["joined: planned"], found["joined: delivered"] = place.tasks()
        place.rest()
        world.domain.move_user(pupil, "/Elever/7A")
        place.notices()
        found["another class: planned"], found["another class: delivered"] = place.tasks()
        place.rest()
        world.domain.update_user(pupil, {"lastLoginTime": "2026-01-01T00:00:00.000Z"})
        place.notices()
        found["nothing of ours: planned"], found["nothing of ours: delivered"] = place.tasks()
    return found
