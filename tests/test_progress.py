"""Progress is one line on a terminal, and nothing anywhere else."""

import io

import pytest

from addon.progress import WIDTH, Progress


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
    with Progress(stream) as progress:
        progress.reading(1, 2)
        progress.delivering("all", 1, 1)
    assert stream.getvalue() == ""


def test_the_line_is_written_over_and_taken_away_at_the_end():
    terminal = Terminal()
    with Progress(terminal) as progress:
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
    with pytest.raises(KeyError), Progress(terminal) as progress:
        progress.reading(1, 1)
        raise KeyError
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_every_vendor_is_in_it():
    terminal = Terminal()
    with Progress(terminal) as progress:
        progress.delivering("all", 1, 9)
        progress.delivering("some", 5, 5)
        assert lines(terminal)[-1] == "Delivering: all 1/9, some 5/5"


def test_it_is_not_written_more_often_than_one_can_see():
    terminal = Terminal()
    with Progress(terminal) as progress:
        for n in range(1000):
            progress.delivering("all", n, 2000)
    assert len(lines(terminal)) < 100


def test_it_never_takes_two_lines():
    terminal = Terminal()
    with Progress(terminal) as progress:
        for n in range(20):
            progress.delivering(f"a-vendor-with-a-name-{n}", 1, 1)
    assert max(map(len, lines(terminal))) < WIDTH


def test_a_terminal_that_goes_away_does_not_end_the_run():
    with Progress(Gone()) as progress:
        progress.reading(1, 1)
        progress.delivering("all", 1, 1)
