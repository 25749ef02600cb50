"""Whatever becomes of a command's output: no traceback, and the exit status that it would have."""

import errno
import io
import json
import os
import sys
from collections.abc import Callable

import pytest

from addon.cli.commands import main
from addon.cli.progress import ProgressLine
from addon.cli.terminal import SafeStream, printable, printable_json, safe_output
from tests.support.small_school import DOCUMENT, PUPILS, TENANT, leave, small_school

ODD = "Åsa \u1ec5 \U0001f393"
EVIL = "\x1b]0;owned\x07\x9b2J\r\u202e\u2028"

COMMANDS = {
    "help": (0, ["--help"]),
    "list": (0, ["tenant", "list"]),
    "export": (0, ["tenant", "export", TENANT]),
    "import": (0, ["tenant", "import", "{document}"]),
    "status": (0, ["status", TENANT]),
    "status for programs": (0, ["status", TENANT, "--json"]),
    "preview": (0, ["preview", TENANT]),
    "preview for programs": (0, ["preview", TENANT, "--json"]),
    "held": (3, ["sync", TENANT, "--vendor", "all"]),
    "held for programs": (3, ["sync", TENANT, "--vendor", "some", "--json"]),
    "no such tenant": (2, ["status", f"C0{ODD}"]),
    "no such option": (2, ["status", "--nothing", EVIL]),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A school with odd letters everywhere they may be, and a plan that is held."""
    with small_school(tmp_path_factory.mktemp("school")) as world:
        unit = {**DOCUMENT["schoolUnits"][0], "name": f"Norra skolan {ODD}"}
        odd = {"orgUnits": [f"/Elever/{ODD}"]}
        other = {**unit, "code": "12345679", "students": odd}
        world.document["schoolUnits"] = [unit, other]
        world.import_document()
        assert world.run("sync", TENANT).status == 0
        leave(world, *PUPILS["7A"][:4])
        assert world.run("sync", TENANT).status == 3
        yield world


class Lost(io.TextIOWrapper):
    """Standard output to a full disk or a closed pipe, found out when it is flushed."""

    def __init__(self, error: OSError) -> None:
        super().__init__(io.BytesIO(), "utf-8")
        self.error = error

    def flush(self) -> None:
        raise self.error


FULL = OSError(errno.ENOSPC, "No space left on device")
CLOSED = BrokenPipeError(errno.EPIPE, "Broken pipe")
STREAMS: dict[str, Callable[[], io.TextIOWrapper | None]] = {
    "utf-8": lambda: io.TextIOWrapper(io.BytesIO(), "utf-8"),
    "ascii": lambda: io.TextIOWrapper(io.BytesIO(), "ascii"),
    "cp1252": lambda: io.TextIOWrapper(io.BytesIO(), "cp1252"),
    "full disk": lambda: Lost(FULL),
    "closed pipe": lambda: Lost(CLOSED),
    "nothing": lambda: None,
}


@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_output_changes_an_exit_status(world, tmp_path, monkeypatch, command, streams):
    document = tmp_path / "tenant.json"
    document.write_bytes(json.dumps(world.document).encode())
    status, arguments = COMMANDS[command]
    out, err = STREAMS[streams](), STREAMS[streams]()
    with monkeypatch.context() as patched:
        patched.setattr("os.environ", world.environ_of_commands())
        patched.setattr("sys.stdout", out)
        patched.setattr("sys.stderr", err)
        try:
            ended = main([part.format(document=document) for part in arguments])
        except SystemExit as end:  # argparse
            ended = end.code
    assert ended == status
    if out is not None and not isinstance(out, Lost):
        written = out.buffer.getvalue() + err.buffer.getvalue()
        assert b"Traceback" not in written
        assert b"\x1b" not in written
        if command.endswith("programs"):
            assert json.loads(out.buffer.getvalue())["tenant"] == TENANT
        if command == "export":
            assert json.loads(out.buffer.getvalue()) == world.document


def a_closed_pipe() -> int:
    read, write = os.pipe()
    os.close(read)
    return write


def a_full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


PROCESSES: dict[str, Callable[[], dict]] = {
    "C": lambda: {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "full disk": lambda: {"stdout": a_full_disk()},
    "full disk, unbuffered": lambda: {"stdout": a_full_disk(), "PYTHONUNBUFFERED": "1"},
    "closed pipes": lambda: {"stdout": a_closed_pipe(), "stderr": a_closed_pipe()},
    "nothing open": lambda: {"closed": (0, 1, 2)},
}


@pytest.mark.parametrize("form", PROCESSES)
def test_no_process_ends_otherwise_for_its_output(world, form):
    """What Python itself writes at exit is not to be seen in this process."""
    for command in ("status", "held for programs"):
        status, arguments = COMMANDS[command]
        given = PROCESSES[form]()
        process = world.spawn(*arguments, **given)
        out, err = process.communicate()
        for name in ("stdout", "stderr"):
            if name in given:
                os.close(given[name])
        assert process.returncode == status, (out, err)
        assert b"Traceback" not in (out or b"") + (err or b"")
        assert b"Exception ignored" not in (err or b"")
        if form.startswith("full disk"):
            assert err == b"skolsynk: the output could not be written: No space left on device\n"


@pytest.mark.parametrize(
    "arguments", [["status", "C0\udcff"], ["sync", TENANT, "--vendor", "\udcff"]]
)
def test_an_argument_that_is_not_text_is_bad_usage(world, arguments):
    ran = world.run(*arguments)
    assert ran.status == 2
    assert "is not text" in ran.err


def test_a_document_from_a_closed_standard_input_is_bad_usage(world, monkeypatch):
    monkeypatch.setattr("os.environ", world.environ_of_commands())
    monkeypatch.setattr("sys.stdin", None)
    assert main(["tenant", "import", "-"]) == 2


# The writer


class Failing(io.StringIO):
    """A stream whose writes fail."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        ValueError("I/O operation on closed file"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_stream_never_raises(error):
    stream = SafeStream(Failing(error))
    stream.write("text")
    stream.writelines(["more", "text"])
    stream.flush()
    stream.write_bytes(b"bytes")
    assert isinstance(stream.failure, OSError)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8", "utf-16"])
@pytest.mark.parametrize("text", [ODD, EVIL, "\udcff\ud800", "Åsa"])
def test_what_a_terminal_cannot_show_is_escaped(encoding, text):
    kept = io.BytesIO()
    stream = SafeStream(io.TextIOWrapper(kept, encoding))
    stream.write(text)
    stream.flush()
    assert stream.failure is None
    assert kept.getvalue()
    assert (ascii(text)[1:3] in kept.getvalue().decode(encoding)) or encoding != "ascii"


def test_output_is_safe_for_a_block_and_as_it_was_after_it(monkeypatch):
    lost, told = Failing(OSError(errno.ENOSPC, "No space left on device")), io.StringIO()
    monkeypatch.setattr("sys.stdout", lost)
    monkeypatch.setattr("sys.stderr", told)
    with safe_output():
        print("text")
    assert (sys.stdout, sys.stderr) == (lost, told)
    assert told.getvalue() == (
        "skolsynk: the output could not be written: No space left on device\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (ODD, ODD),
        ("two\nlines", "two\nlines"),
        ("a\x1b[31mb\x07\x7f\x9b1m", r"a\x1b[31mb\x07\x7f\x9b1m"),
        ("a\r\tb", r"a\r\tb"),
        ("a\u202eb\u2066c\u2028d", r"a\u202eb\u2066c\u2028d"),
        ("a\ud800b", r"a\ud800b"),
    ],
)
def test_control_characters_are_shown_and_not_obeyed(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "UTF8", None])
@pytest.mark.parametrize("text", [ODD, EVIL, '"\\', "\x7f"])
def test_json_means_the_same_on_every_terminal(encoding, text):
    written = printable_json(json.dumps({"a": text}, ensure_ascii=False).encode(), encoding)
    assert json.loads(written.encode(encoding or "ascii")) == {"a": text}
    assert printable(written) == written
    assert "Å" not in text or ("Å" in written) == (encoding in ("utf-8", "UTF8"))


def test_the_progress_line_obeys_no_vendor(monkeypatch):
    class Shown(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Shown()
    with ProgressLine(stream) as progress:
        progress.delivering(EVIL, 1, 1)
    assert "\x1b]" not in stream.getvalue()
    assert r"\x1b]0;owned\x07" in stream.getvalue()
