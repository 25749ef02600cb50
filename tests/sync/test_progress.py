"""Progress is one line on a terminal, and nothing anywhere else."""

import io
import json

import pytest

from addon.cli.progress import WIDTH, ProgressLine
from addon.store.base import StoreError
from addon.store.records import Namespace
from addon.store.sqlite.store import SQLiteStore
from addon.sync.progress import StoredProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


class Gone(Terminal):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def lines(terminal: io.StringIO) -> list[str]:
    return terminal.getvalue().split("\r\x1b[K")[1:]


def test_nothing_is_written_where_there_is_no_terminal():
    stream = io.StringIO()
    with ProgressLine(stream) as progress:
        progress.reading(1, 2)
        progress.delivering("all", 1, 1)
    assert stream.getvalue() == ""


def test_the_line_is_written_over_and_taken_away_at_the_end():
    terminal = Terminal()
    with ProgressLine(terminal) as progress:
        progress.reading(500, 3)
        progress.delivering("all", 7, 7)
    assert lines(terminal) == [
        "Reading the directory: 500 people, 3 groups",
        "Delivering: all 7/7",
        "",
    ]
    assert "\n" not in terminal.getvalue()


def test_it_is_taken_away_when_the_run_fails():
    terminal = Terminal()
    with pytest.raises(KeyError), ProgressLine(terminal) as progress:
        progress.reading(1, 1)
        raise KeyError
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_every_vendor_is_in_it():
    terminal = Terminal()
    with ProgressLine(terminal) as progress:
        progress.delivering("all", 1, 9)
        progress.delivering("some", 5, 5)
        assert lines(terminal)[-1] == "Delivering: all 1/9, some 5/5"


def test_it_is_not_written_more_often_than_one_can_see():
    terminal = Terminal()
    with ProgressLine(terminal) as progress:
        for n in range(1000):
            progress.delivering("all", n, 2000)
    assert len(lines(terminal)) < 100


def test_it_never_takes_two_lines():
    terminal = Terminal()
    with ProgressLine(terminal) as progress:
        for n in range(20):
            progress.delivering(f"a-vendor-with-a-name-{n}", 1, 1)
    assert max(map(len, lines(terminal))) < WIDTH


def test_a_terminal_that_goes_away_does_not_end_the_run():
    with ProgressLine(Gone()) as progress:
        progress.reading(1, 1)
        progress.delivering("all", 1, 1)


# Kept for the pages


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def kept(store: SQLiteStore, now: float) -> dict[str, dict[str, int]]:
    namespace = Namespace("progress", "C1")
    items = {name: store.get(namespace, name, now) for name in store.list_names(namespace, now)}
    return {name: json.loads(item.data) for name, item in items.items() if item is not None}


@pytest.fixture
def store(tmp_path):
    store = SQLiteStore(tmp_path / "skolsynk.db")
    yield store
    store.close()


def settled(progress: StoredProgress) -> None:
    """Once what was told has been kept."""
    if progress._last is not None:
        progress._last.result()


def test_a_delivery_that_is_soon_over_keeps_nothing(store):
    clock = Clock()
    before = store.cost()
    progress = StoredProgress(store, "C1", clock)
    for n in range(1000):
        progress("ne", n, 1000)
        clock.now += 0.001
    progress.end()
    assert store.cost() == before


def test_a_longer_one_is_kept_now_and_then_and_gone_at_its_end(store):
    clock = Clock()
    progress = StoredProgress(store, "C1", clock)
    writes = store.cost()[1]
    for n in range(100):
        clock.now += 0.1
        progress("ne", n, 100)
        settled(progress)
    (told,) = kept(store, clock.now).values()
    assert told["planned"] == 100
    assert told["done"] >= 75
    assert store.cost()[1] - writes <= 6
    assert kept(store, clock.now + 3700) == {}
    progress.end()
    assert kept(store, clock.now) == {}


def test_a_store_that_fails_does_not_disturb_the_delivery(caplog):
    class Broken:
        def put(self, *_: object) -> None:
            raise StoreError("the disk is full")

    clock = Clock()
    progress = StoredProgress(Broken(), "C1", clock)  # type: ignore[arg-type]
    clock.now += 3
    progress("ne", 1, 2)
    progress.end()
    assert "could not be kept" in caplog.text
