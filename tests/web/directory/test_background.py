"""Results computed in a background thread, and the preparation of a serving process."""

import gc
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from addon.web.directory.background import (
    BackgroundCache,
    StillComputing,
    WaitBudget,
    tune_for_latency,
)


@pytest.fixture
def cache() -> Iterator[BackgroundCache]:
    made = BackgroundCache(threading.Semaphore(1))
    yield made
    made.close()


def test_a_value_is_computed_once(cache: BackgroundCache) -> None:
    done = []
    for _ in range(3):
        assert (
            cache.get_or_compute("bread", lambda: done.append(1) or "bread", WaitBudget(9))
            == "bread"
        )
    assert done == [1]


def test_who_asks_too_early_gets_it_later(cache: BackgroundCache) -> None:
    ready = threading.Event()
    with pytest.raises(StillComputing):
        cache.get_or_compute("bread", lambda: ready.wait(9) and "bread", WaitBudget(0.01))
    ready.set()
    assert cache.get_or_compute("bread", lambda: "another", WaitBudget(9)) == "bread"


def test_what_failed_is_tried_again(cache: BackgroundCache) -> None:
    with pytest.raises(ZeroDivisionError):
        cache.get_or_compute("bread", lambda: 1 / 0, WaitBudget(9))
    assert cache.get_or_compute("bread", lambda: "bread", WaitBudget(9)) == "bread"


def test_what_is_requested_while_computing_is_computed_in_the_same_thread(
    cache: BackgroundCache,
) -> None:
    def bread() -> str:
        return cache.get_or_compute("dough", lambda: "dough", WaitBudget(0)) + " baked"

    assert cache.get_or_compute("bread", bread, WaitBudget(9)) == "dough baked"


def test_the_process_that_serves_has_its_templates_compiled(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ 1 + 1 }}")
    (tmp_path / "letter.txt").write_text("{{ 1 | unknown }}")
    templates = Environment(loader=FileSystemLoader(tmp_path), autoescape=True)
    was = sys.getswitchinterval()
    try:
        tune_for_latency(templates).join(9)
        assert sys.getswitchinterval() < was
    finally:
        sys.setswitchinterval(was)
        gc.unfreeze()
    (tmp_path / "page.html").unlink()
    templates.auto_reload = False
    assert templates.get_template("page.html").render() == "2"
