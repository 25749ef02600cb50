"""What is made in a thread of its own, and how the process that serves gets ready."""

import gc
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from addon.web.directory.background import NotReady, Patience, Workshop, prefer_pages


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    made = Workshop(threading.Semaphore(1))
    yield made
    made.close()


def test_a_thing_is_made_once(workshop: Workshop) -> None:
    done = []
    for _ in range(3):
        assert workshop.make("bread", lambda: done.append(1) or "bread", Patience(9)) == "bread"
    assert done == [1]


def test_who_asks_too_early_is_told_and_gets_it_later(workshop: Workshop) -> None:
    ready = threading.Event()
    with pytest.raises(NotReady):
        workshop.make("bread", lambda: ready.wait(9) and "bread", Patience(0.01))
    ready.set()
    assert workshop.make("bread", lambda: "another", Patience(9)) == "bread"


def test_what_failed_is_tried_anew(workshop: Workshop) -> None:
    with pytest.raises(ZeroDivisionError):
        workshop.make("bread", lambda: 1 / 0, Patience(9))
    assert workshop.make("bread", lambda: "bread", Patience(9)) == "bread"


def test_what_is_asked_for_while_making_is_made_in_the_same_thread(workshop: Workshop) -> None:
    def bread() -> str:
        return workshop.make("dough", lambda: "dough", Patience(0)) + " baked"

    assert workshop.make("bread", bread, Patience(9)) == "dough baked"


def test_the_process_that_serves_has_its_templates_compiled(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ 1 + 1 }}")
    (tmp_path / "letter.txt").write_text("{{ 1 | unknown }}")
    templates = Environment(loader=FileSystemLoader(tmp_path), autoescape=True)
    was = sys.getswitchinterval()
    try:
        prefer_pages(templates).join(9)
        assert sys.getswitchinterval() < was
    finally:
        sys.setswitchinterval(was)
        gc.unfreeze()
    (tmp_path / "page.html").unlink()
    templates.auto_reload = False
    assert templates.get_template("page.html").render() == "2"
