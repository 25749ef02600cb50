"""The demo: a story in the terminal on a sandbox, then the web application on the same data."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from addon.cli.port import PortError, usable
from addon.cli.progress import ProgressLine
from addon.directory.errors import DirectoryError
from addon.planning.ledger import LedgerWriteError
from addon.sandbox import story, story_changes, story_farewell
from addon.sandbox.demo_environment import DemoEnvironment, StoryError, start_environment
from addon.sandbox.environment import without_settings
from addon.sandbox.story import StoryStep
from addon.sandbox.terminal import Terminal
from addon.settings import ROOT
from addon.sync.report import DONE, FAILED, USAGE

HOST = "127.0.0.1"
STARTS_WITHIN, ENDS_WITHIN = 30.0, 10.0
LOOKS_EVERY = 0.1
"""Seconds."""
MISTAKE = json.dumps(
    {"method": "move_people", "path": story_changes.NORTH, "to": "/Borta"},
    ensure_ascii=False,
)
"""The change of the directory that takes a school's people out of its selection."""

STEPS = (
    StoryStep(
        "The domain",
        "Storköping has a Google Workspace domain, and here are two vendors of digital teaching "
        "material. All three are servers on this computer, and all people are invented.",
        story.the_domain,
    ),
    StoryStep(
        "The tenant document",
        "An administrator says once which people belong to which school unit and which units "
        "go to which vendor. A document is checked whole: one with faults is refused, with "
        "the place of each, and nothing changes.",
        story.the_import,
    ),
    StoryStep(
        "Preview",
        "Before anything is sent, the administrator sees what a run would do: who is sent "
        "where, who is not, and why.",
        story.the_preview,
    ),
    StoryStep(
        "First run",
        "Everyone who is selected goes to both vendors, over SCIM, in the order that lets "
        "nothing refer to what is not there yet.",
        story.the_first_sync,
    ),
    StoryStep(
        "Nothing has changed",
        "What a vendor has acknowledged is remembered, so a run with nothing new costs next "
        "to nothing.",
        story.nothing_changed,
    ),
    StoryStep(
        "Five things happen in the directory",
        "Only what changed is sent, and each vendor gets what it can take: Binogi classes, "
        "Gleerups teaching groups too.",
        story_changes.the_changes,
    ),
    StoryStep(
        "A school is moved by mistake",
        "Somebody who tidies up moves a school's pupils to an organisational unit that no "
        "selection reaches. Seen from here, they have all left. A plan that removes so many is "
        "held until a person decides.",
        story_changes.the_hold,
    ),
    StoryStep(
        "Protected identity",
        "A pupil gets protected identity. Whatever was sent earlier is removed at once, "
        "before anything else, at every vendor.",
        story_changes.protected_identity,
    ),
    StoryStep(
        "A vendor has trouble",
        "Binogi answers 503 Service Unavailable to everything. That stays Binogi's trouble: "
        "Gleerups is served in full, and the next run fixes the rest.",
        story_changes.the_trouble,
    ),
    StoryStep(
        "A customer leaves",
        "An administrator uninstalls the app. When the Marketplace has said so twice, a day "
        "apart, and Google refuses the access, what was read is erased; the rest can be "
        "taken up again for 30 days.",
        story_farewell.the_farewell,
    ),
)


def demo(port: int, once: bool, fresh: bool = False) -> int:
    """Run the story, then, unless `once`, serve the web application on `port` (0: a free one).

    With `fresh` there is no story: nothing is set up, so that the setup guide can be followed.
    Return the exit status: 0, 1 when the story failed or was stopped, 2 when the port is taken.
    """
    try:
        port = port if once else usable(HOST, port)
    except PortError as error:
        return _fail(str(error), USAGE)
    terminal = Terminal(sys.stdout)
    try:
        with (
            _ended_by_terminate(),
            TemporaryDirectory(prefix="skolsynk-demo-") as folder,
            ProgressLine(sys.stderr) as progress,
            start_environment(Path(folder), progress) as environment,
        ):
            if not fresh:
                _tell(environment, terminal)
            if once:
                _say_where(environment, terminal)
                return DONE
            return _serve(environment, terminal, port, fresh)
    except StoryError as error:
        return _fail(f"the demo did not go as it is told: {error}", FAILED)
    except (DirectoryError, LedgerWriteError) as error:
        return _fail(f"the demo ended early: {error}", FAILED)
    except KeyboardInterrupt:
        return _fail("the demo was stopped before its end; nothing of it is kept", FAILED)


def _tell(environment: DemoEnvironment, terminal: Terminal) -> None:
    terminal.title("Skolsynk, shown on a municipality that does not exist")
    for number, step in enumerate(STEPS, 1):
        terminal.heading(number, step.title)
        terminal.why(step.why)
        try:
            step.tell(environment, terminal)
        except StoryError as error:
            raise StoryError(f"step {number}, {step.title}: {error}") from None


def _say_where(
    environment: DemoEnvironment, terminal: Terminal, web: str | None = None, fresh: bool = False
) -> None:
    """Print the addresses of the pages of the sandbox and of the web application."""
    terminal.heading(1 if fresh else len(STEPS) + 1, "Where to look")
    pages = [
        ("Directory", f"{environment.directory.url}/", "the Workspace domain"),
        *((v.name, f"{v.url}/", "what this vendor holds") for v in environment.vendors.values()),
    ]
    if web is None:
        terminal.rows([*pages, ("Web application", "", "not served with --once")])
        terminal.why("These were up until now. Without --once they stay up to be looked at.")
        return
    terminal.why("Everything stays up until Ctrl-C; then nothing of it is kept.")
    terminal.rows(pages)
    terminal.label("Open the web application and sign in")
    chief, support = (each["primaryEmail"] for each in environment.administrators)
    second = ("or as", support, "delegated administrator: who saves first?")
    terminal.rows(
        [
            ("Web application", web, "the configuration pages"),
            ("Side panel", f"{environment.side_panel.url}/", "the card in Gmail; (un)install it"),
            ("Sign in as", chief, "administrator, without a password"),
            *(() if fresh else (second,)),
        ]
    )
    terminal.label("Something to try")
    mistake = (f"{web}korningar", "run again, after this mistake, and decide on the hold:")
    if fresh:
        terminal.rows([(web, "walk from nothing to the first delivery"), mistake])
    else:
        terminal.rows(
            [
                (f"{web}personer", "who is sent, who is not, and why"),
                (f"{web}forslag", "what Skolsynk would have set up by itself"),
                ("make demo FRESH=1", "begin with nothing set up, as a newcomer"),
                mistake,
            ]
        )
    terminal.shell(f"curl {environment.directory.url}/sandbox/change", f"-d '{MISTAKE}'")


# The web application


def _serve(environment: DemoEnvironment, terminal: Terminal, port: int, fresh: bool) -> int:
    """Serve the web application until this process is interrupted.

    It runs in a separate process, since gunicorn forks and the sandbox runs in threads, and in a
    separate process group, so that Ctrl-C reaches it only once, through this process.
    """
    where = ["--host", HOST, "--port", str(port), "--quiet"]
    command = [sys.executable, "-m", "addon", "serve", *where]
    around = without_settings(os.environ)
    web = f"http://{HOST}:{port}"
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**around, **environment.environ, **environment.side_panel.environ(web)},
        process_group=0,
    )
    try:
        if not _is_up(server, web):
            return _fail(f"the web application did not start on port {port}", FAILED)
        _say_where(environment, terminal, f"{web}/", fresh)
        return DONE if server.wait() == 0 else FAILED
    except KeyboardInterrupt:
        return DONE
    finally:
        _end(server)


def _is_up(server: "subprocess.Popen[bytes]", web: str) -> bool:
    """Whether the web application answers before it exits or its time to start has passed."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(round(STARTS_WITHIN / LOOKS_EVERY)):
        try:
            with direct.open(f"{web}/healthz", timeout=ENDS_WITHIN) as answer:
                return bool(answer.status == 200)
        except OSError:
            try:
                server.wait(LOOKS_EVERY)
                return False
            except subprocess.TimeoutExpired:
                continue
    return False


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


# Signals and exit


@contextmanager
def _ended_by_terminate() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does, with its cleanup."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(message: str, status: int) -> int:
    print(f"skolsynk: {message}", file=sys.stderr)
    return status
