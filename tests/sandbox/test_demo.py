"""The demo tells its whole story, holds itself to it, and puts everything away."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from addon.sandbox import demo as the_demo
from addon.sandbox.demo import STEPS, demo
from addon.sandbox.demo_environment import StoryError
from addon.sandbox.municipality.irregularities import PROTECTED_GROUP, PROTECTED_ORG_UNIT
from addon.sandbox.story import StoryStep
from addon.sandbox.terminal import Terminal
from addon.settings import ROOT

LONGEST = 120.0
"""Seconds after which a demo that has not come to its end is killed."""


def get(url: str) -> str:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=LONGEST) as answer:
        return str(answer.read().decode())


@contextmanager
def running(*arguments: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The demo in a process of its own, whose temporary files and home are in `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "addon", "demo", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder), "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    watchdog = threading.Timer(LONGEST, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


LAST = "move_people"
"""What the last line of the demo has."""


def read_until(process: "subprocess.Popen[str]", last: str) -> str:
    """What the process prints, up to the line with this text."""
    assert process.stdout is not None
    told: list[str] = []
    for line in process.stdout:
        told.append(line)
        if last in line:
            return "".join(told)
    raise AssertionError(f"the demo ended before {last!r}: {''.join(told)}")


def address(told: str, name: str) -> str:
    """The last address that is given for something."""
    return re.findall(rf"^ *{name} +(http://\S+)", told, re.MULTILINE)[-1]


def test_the_story_is_told_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo(port=0, once=True) == 0
    told, complaints = capsys.readouterr()
    assert complaints == ""
    for number, step in enumerate(STEPS, 1):
        assert f"\n{number:>2} {step.title}\n" in told
    for name in ("Directory", "Binogi", "Gleerups"):
        assert address(told, name).startswith("http://127.0.0.1:")
    assert "\x1b" not in told
    assert max(map(len, told.splitlines())) <= 92


def test_everything_is_served_until_it_is_interrupted_and_then_put_away(tmp_path: Path) -> None:
    with running("--port", "0", folder=tmp_path) as process:
        told = read_until(process, LAST)
        web = address(told, "Web application")
        assert json.loads(get(f"{web}healthz")) == {"status": "ok"}
        assert "Det här har Binogi" in get(address(told, "Binogi"))
        panel = get(address(told, "Side panel"))
        assert "Storköpings kommun" in panel
        assert "Öppna Skolsynk" in panel
        assert "4 Björk" in get(address(told, "Gleerups"))
        domain = json.loads(get(f"{address(told, 'Directory')}sandbox/domain"))

        complaints = ended_by(signal.SIGINT, process, web, tmp_path)

    protected = [
        user
        for user in domain["users"]
        if user["orgUnitPath"] == PROTECTED_ORG_UNIT
        or user["id"] in [each["id"] for each in domain["members"][PROTECTED_GROUP]]
    ]
    assert len(protected) == 6
    for user in protected:
        assert user["primaryEmail"] not in told + complaints
        assert user["name"]["fullName"] not in told + complaints


def test_a_newcomer_begins_with_nothing_set_up(tmp_path: Path) -> None:
    with running("--port", "0", "--fresh", folder=tmp_path) as process:
        told = read_until(process, LAST)
        web = address(told, "Web application")
        assert json.loads(get(f"{web}healthz")) == {"status": "ok"}
        assert STEPS[0].title not in told
        assert "Sign in as" in told
        complaints = ended_by(signal.SIGTERM, process, web, tmp_path)
    assert "INFO" not in complaints


def ended_by(
    number: signal.Signals, process: "subprocess.Popen[str]", web: str, folder: Path
) -> str:
    """End the demo by a signal, see that nothing is left of it, and return its complaints."""
    process.send_signal(number)
    rest, complaints = process.communicate(timeout=LONGEST)
    assert process.returncode == 0
    assert rest == ""
    assert "Traceback" not in complaints
    assert not list(folder.glob("skolsynk-demo-*"))
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(web.rstrip("/").rpartition(":")[2]))) != 0
    return complaints


def test_a_port_that_is_taken_is_said_before_the_story(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert demo(port, once=False) == 2
    told, complaints = capsys.readouterr()
    assert told == ""
    assert complaints == f"skolsynk: port {port} is taken; choose another with --port\n"


def test_a_port_that_cannot_be_is_said_before_the_story(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert demo(65536, once=False) == 2
    assert "port 65536 is not between 0 and 65535" in capsys.readouterr().err


def test_a_story_that_goes_another_way_fails_and_says_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_wrong(demo: object, terminal: object) -> None:
        raise StoryError("nobody is sent twice")

    monkeypatch.setattr(the_demo, "STEPS", (StoryStep("A step", "Its reason.", go_wrong),))
    assert demo(port=0, once=True) == 1
    assert "step 1, A step: nobody is sent twice" in capsys.readouterr().err


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_a_terminal_that_wants_it_gets_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen, file = Screen(), io.StringIO()
    for stream in (screen, file):
        Terminal(stream).heading(1, "The domain")
    assert "\x1b[1m" in screen.getvalue()
    assert "\x1b" not in file.getvalue()

    monkeypatch.setenv("NO_COLOR", "1")
    plain = Screen()
    Terminal(plain).heading(1, "The domain")
    assert "\x1b" not in plain.getvalue()


def test_a_long_last_column_goes_on_under_itself() -> None:
    stream = io.StringIO()
    Terminal(stream).rows([("a", "word " * 40), ("long", "x")])
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("     a     word")
    assert lines[1].startswith("           word")
    assert all(len(line) <= 92 for line in lines)
