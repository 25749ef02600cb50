import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextvars import copy_context
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon import logs
from addon.directory.errors import DirectoryError
from addon.logs import (
    MASK,
    JsonFormatter,
    TextFormatter,
    Trace,
    bind_trace,
    log_context,
    masked,
    trace_of,
)

ROOT = Path(__file__).resolve().parent.parent
log = logging.getLogger("addon.tests")
foreign = logging.getLogger("somebody.else")
W3C = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is told in JSON; everything is as it was afterwards."""
    root, own = logging.getLogger(), logging.getLogger("addon")
    levels = root.level, own.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    for name in ("excepthook", "unraisablehook"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    stream = io.StringIO()
    logs.configure(logging.INFO, "json", "skolsynk", stream=stream)
    yield stream
    logging.captureWarnings(False)
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def events(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_has_the_fields_of_cloud_logging(told: io.StringIO):
    log.info("%d sent", 3, extra={"tenant": "C01", "vendor": "ne", "seconds": 1.5})

    (event,) = events(told)
    when = datetime.fromisoformat(event.pop("time"))
    assert abs(when - datetime.now(UTC)) < timedelta(minutes=1)
    assert event == {
        "severity": "INFO",
        "message": "3 sent",
        "logger": "addon.tests",
        "tenant": "C01",
        "vendor": "ne",
        "seconds": 1.5,
        "logging.googleapis.com/labels": {"tenant": "C01", "vendor": "ne"},
    }


@pytest.mark.parametrize(
    ("level", "severity"),
    [(10, "DEBUG"), (20, "INFO"), (25, "INFO"), (30, "WARNING"), (40, "ERROR"), (50, "CRITICAL")],
)
def test_severities_are_cloud_loggings(told: io.StringIO, level: int, severity: str):
    logging.getLogger("addon").setLevel(1)
    log.log(level, "said")
    assert events(told)[0]["severity"] == severity


def test_what_is_said_of_a_block_is_in_all_its_events(told: io.StringIO):
    with log_context(tenant="C01", run="r1"), log_context(vendor="ne"):
        log.info("within", extra={"operations": {"create": {"User": 3}}})
    log.info("after")

    within, after = events(told)
    ids = {"tenant": "C01", "run": "r1", "vendor": "ne"}
    assert within["logging.googleapis.com/labels"] == ids
    assert ids.items() <= within.items()
    assert within["operations"] == {"create": {"User": 3}}
    assert "tenant" not in after


@pytest.mark.parametrize(
    ("name", "value", "trace"),
    [
        ("traceparent", W3C, Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)),
        (
            "X-Cloud-Trace-Context",
            "105445aa7843bc8bf206b12000100000/255;o=1",
            Trace("105445aa7843bc8bf206b12000100000", "00000000000000ff", True),
        ),
        (
            "X-Cloud-Trace-Context",
            "105445AA7843bc8bf206b12000100000",
            Trace("105445aa7843bc8bf206b12000100000"),
        ),
        ("X-Cloud-Trace-Context", "nonsense", None),
        ("traceparent", "00-short-00f067aa0ba902b7-01", None),
        ("Other", "1", None),
    ],
)
def test_a_requests_trace_is_read_from_its_headers(name: str, value: str, trace: Trace | None):
    assert trace_of({name: value}) == trace


def test_events_belong_to_their_requests_trace(told: io.StringIO):
    def request() -> None:
        bind_trace({"traceparent": W3C})
        log.info("within")

    copy_context().run(request)
    log.info("elsewhere")

    within, elsewhere = events(told)
    trace = "projects/skolsynk/traces/4bf92f3577b34da6a3ce929d0e0e4736"
    assert within["logging.googleapis.com/trace"] == trace
    assert within["logging.googleapis.com/spanId"] == "00f067aa0ba902b7"
    assert within["logging.googleapis.com/trace_sampled"] is True
    assert "logging.googleapis.com/trace" not in elsewhere


def test_an_error_is_an_event_of_error_reporting(told: io.StringIO):
    log.error("no plan")

    (event,) = events(told)
    assert event["@type"] == (
        "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
    )
    assert event["serviceContext"] == {"service": "skolsynk"}
    place = event["context"]["reportLocation"]
    assert place["filePath"] == __file__
    assert place["functionName"] == "test_an_error_is_an_event_of_error_reporting"
    assert "stack_trace" not in event


def test_of_a_foreign_exception_the_kind_and_place_are_reported_and_not_the_text(told: io.StringIO):
    try:
        {}["Anna Andersson"]
    except KeyError:
        log.exception("the run ended")

    (event,) = events(told)
    assert event["message"] == "the run ended"
    lines = event["stack_trace"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert f'File "{__file__}", line ' in lines[1]
    assert lines[-1] == "KeyError"


def test_of_our_own_exceptions_the_text_is_reported(told: io.StringIO):
    try:
        try:
            raise ValueError("Anna")
        except ValueError as error:
            raise DirectoryError("orgunits.list: the answer was 503, anna@skola.se") from error
    except DirectoryError:
        log.exception("the run ended")

    trace = events(told)[0]["stack_trace"]
    assert "\nValueError\n\nThe above exception was the direct cause" in trace
    assert trace.splitlines()[-1] == (
        f"addon.directory.errors.DirectoryError: orgunits.list: the answer was 503, {MASK}"
    )
    assert "Anna" not in trace.replace('ValueError("Anna")', "")


def test_a_warning_with_a_traceback_is_no_error_event(told: io.StringIO):
    try:
        raise RuntimeError
    except RuntimeError:
        log.warning("went on", exc_info=True)

    (event,) = events(told)
    assert event["traceback"].endswith("RuntimeError\n")
    assert not {"@type", "stack_trace", "exception"} & event.keys()


def test_of_a_group_of_errors_the_place_of_the_first_is_said():
    def fail():
        raise KeyError("kim.kask@skola.example")

    try:
        try:
            fail()
        except KeyError as error:
            raise ExceptionGroup("unhandled", [ExceptionGroup("in a task", [error])]) from None
    except ExceptionGroup as error:
        said = logs.error_place(error)
    line = fail.__code__.co_firstlineno + 1
    assert said == f"KeyError at {__file__}:{line}"


def test_exceptions_in_a_circle_come_to_an_end():
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert logs.format_exception(one).count("Traceback") == 2


def test_uncaught_exceptions_are_reported_in_the_same_way(told: io.StringIO):
    def fail() -> None:
        raise ValueError("Anna Andersson")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

    (event,) = events(told)
    assert event["severity"] == "CRITICAL"
    assert event["stack_trace"].splitlines()[-1] == "ValueError"
    assert "Anna" not in event["message"]


def test_of_other_packages_only_the_words_are_reported_and_what_are_numbers(told: io.StringIO):
    foreign.warning("pool is full, discarding %s", "/users/anna")
    foreign.warning("Task was destroyed\nfuture: <Anna>", extra={"httpRequest": "Anna"})
    foreign.warning("worker %s gone after %.1f s", 12, 1.5)
    foreign.info("not told at all")

    messages = [event.pop("message") for event in events(told)]
    assert messages == [
        "pool is full, discarding %s",
        "Task was destroyed",
        "worker 12 gone after 1.5 s",
    ]


def test_google_libraries_do_not_tell_of_payloads_when_we_are_debugged(told: io.StringIO):
    logs.configure(logging.DEBUG, "json", stream=told)

    assert log.isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("google.cloud.secretmanager_v1").isEnabledFor(logging.DEBUG)


@pytest.mark.filterwarnings("default:of somebody")
def test_warnings_are_reported_too(told: io.StringIO):
    warnings.warn("of somebody", DeprecationWarning, stacklevel=1)
    assert "DeprecationWarning: of somebody" in events(told)[0]["message"]


def test_other_handlers_and_hooks_are_left_alone(told: io.StringIO):
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    threading.excepthook = print
    for _ in range(2):
        logs.configure(logging.INFO, "json", stream=told)
    log.info("said")

    assert len(events(told)) == 1
    assert other in logging.getLogger().handlers
    assert threading.excepthook is print


def test_adopted_loggers_tell_here(told: io.StringIO):
    logger = logging.getLogger("gunicorn.error")
    elsewhere = io.StringIO()
    logger.addHandler(logging.StreamHandler(elsewhere))
    logger.propagate = False
    logs.take_over_loggers("gunicorn.error")
    logger.error("Worker (pid:%s) was sent SIGKILL! Perhaps out of memory?", 7)

    assert events(told)[0]["message"] == "Worker (pid:7) was sent SIGKILL! Perhaps out of memory?"
    assert elsewhere.getvalue() == ""


@pytest.mark.parametrize(
    "text",
    [
        "anna.andersson@edu.storkoping.se",
        "<anna@skola.se>",
        "GET /users/anna%40skola.se?x=1",
        'name="anna@skola.se",',
        "åsa.öberg@skola.se",
        '"asa oberg"@skola.se',
        "anna+7a@skola.xn--p1ai",
        "ANNA%40SKOLA.SE",
    ],
)
def test_addresses_are_masked(text: str):
    left = masked(f"of {text} it is")
    assert MASK in left
    assert not {"anna", "skola", "åsa", "asa", "andersson"} & set(
        left.lower().replace("%40", " ").replace("@", " ").replace(".", " ").split()
    )
    assert left.startswith("of ")


@given(st.text(max_size=30), st.emails(), st.text(max_size=30))
def test_no_address_is_left_in_a_message(before: str, address: str, after: str):
    told = masked(f"{before} {address} {after}")
    assert address not in told


def test_a_long_text_is_cut_and_does_not_take_long():
    told = masked("@" + "a" * 3_000_000)
    assert len(told) <= logs.LONGEST + 1
    assert "anna" not in masked("x " * (logs.LONGEST // 2 - 2) + "anna@skola.se")


class Odd:
    def __str__(self) -> str:
        raise RuntimeError("Anna")

    __repr__ = __str__


class OddError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("Anna")


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.dates()
    | st.timedeltas()
    | st.builds(lambda: 10**5000)
    | st.builds(Odd)
    | st.builds(SimpleNamespace),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)
NAMES = st.text(max_size=20).filter(lambda name: name not in logs._STANDARD)
ERRORS = st.sampled_from([None, ValueError("Anna"), OddError(), DirectoryError("\ud800\n")])


@settings(deadline=None)
@given(
    name=st.sampled_from(["addon.sync.run", "other"]),
    level=st.integers(0, 60),
    message=st.text(st.characters()) | ANY,
    args=st.lists(ANY, max_size=3).map(tuple),
    extra=st.dictionaries(NAMES | st.sampled_from(sorted(logs._OURS - {"message"})), ANY),
    error=ERRORS,
)
def test_each_event_is_one_json_object_on_one_line(
    name: str, level: int, message: object, args: tuple, extra: dict, error: Exception | None
):
    given = (type(error), error, None) if error else None
    record = logging.LogRecord(name, level, __file__, 1, message, args, given)
    vars(record).update(extra)

    line = JsonFormatter("skolsynk").format(record)
    assert line.isascii()
    assert "\n" not in line
    event = json.loads(line, parse_constant=pytest.fail)
    assert isinstance(event["message"], str)
    assert event["severity"] in ("DEFAULT", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    assert "could not be told" not in event["message"]
    assert isinstance(TextFormatter().format(record), str)


def test_values_without_a_form_in_json_are_told_by_their_kind(told: io.StringIO):
    extra = {"what": Odd(), "day": date(2026, 8, 17), "took": timedelta(seconds=2), "nan": 1e999}
    log.info("said", extra=extra)

    (event,) = events(told)
    assert event["what"] == f"{__name__}.Odd"
    assert (event["day"], event["took"], event["nan"]) == ("2026-08-17", 2.0, "not finite")


def test_text_is_for_a_terminal():
    record = log.makeRecord(
        log.name, 30, __file__, 1, "%s\nFAKE", ("anna@skola.se",), None, extra={"vendor": "ne"}
    )
    line = TextFormatter().format(record)

    assert line.endswith(f" WARNING addon.tests: {MASK} FAKE vendor=ne")
    assert "\n" not in line


def test_an_event_that_cannot_be_written_does_not_show_itself(
    told: io.StringIO, capsys: pytest.CaptureFixture[str]
):
    told.close()
    log.info("Anna")

    assert capsys.readouterr().err == "a log event was lost\n"


@pytest.mark.parametrize(("form", "where"), [("json", "stdout"), ("text", "stderr")])
def test_each_form_has_its_stream(form: str, where: str):
    code = (
        "import logging, sys; from addon import logs\n"
        f"logs.configure(logging.INFO, {form!r})\n"
        "logging.getLogger('addon.x').info('said')\n"
        "raise ValueError(sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "Anna"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said, silent = (done.stdout, done.stderr) if where == "stdout" else (done.stderr, done.stdout)
    assert silent == ""
    assert "said" in said
    assert "ValueError" in said
    assert "Anna" not in said
    assert done.returncode == 1
