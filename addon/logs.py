"""The program's log: JSON for Cloud Logging, or text for a terminal.

No line contains anything about people. Code that writes a message must leave such data out; this
module is the last line of defence: it masks e-mail addresses everywhere, logs foreign exceptions
with kind and place but without their text, and logs of other packages' messages only the first
line, without its arguments.

https://cloud.google.com/logging/docs/structured-logging
https://cloud.google.com/error-reporting/docs/formatting-error-messages
"""

import json
import logging
import math
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePath
from types import TracebackType
from typing import Any, Literal, Protocol, TextIO

from msgspec import Struct

ERROR_EVENT = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
SERVICE = "skolsynk"
LABELS = ("tenant", "run", "vendor", "mode")
"""Fields that are also labels, which Cloud Logging indexes."""

MASK = "[e-mail]"
ADDRESS = re.compile(
    r"""(?:"[^"\n]{1,64}"|[^\s@<>"(),:;\\\[\]]{1,320})(?:@|%40)[^\s@<>"'(),;\\{}\[\]]+""",
    re.IGNORECASE,
)
"""The characters that RFC 5322 allows in an address; `%40` as in the paths of requests."""

LONGEST = 16_000
FRAMES = 30
CHAIN = 5
DEPTH = 4
ITEMS = 50
"""Limits: characters of a text, frames and exceptions of a traceback, nesting and length of a
field. Cloud Logging does not accept entries above 256 KiB."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OURS = frozenset(
    "severity message time timestamp logger httpRequest serviceContext context stack_trace "
    "exception traceback".split()
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_about: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)
_trace: ContextVar["Trace | None"] = ContextVar("trace", default=None)


class Headers(Protocol):
    """A request's headers, of any library."""

    def get(self, name: str, default: str, /) -> str: ...


class Trace(Struct, frozen=True):
    """The request that an event belongs to, in Cloud Trace's terms; ids in hexadecimal."""

    id: str
    span: str = ""
    sampled: bool = False


def configure(
    level: int,
    format: Literal["text", "json"] = "text",
    project: str | None = None,
    *,
    version: str = "",
    stream: TextIO | None = None,
) -> None:
    """Log everything in one format, uncaught exceptions included. May be called again.

    `level` applies to Skolsynk's own events; other packages' are logged from WARNING on.
    `project` is the Cloud project that traces are in. `stream` is by default stdout for JSON,
    stderr for text.
    """
    if format == "json":
        handler = _Handler(lambda: stream or sys.stdout)
        handler.setFormatter(JsonFormatter(project, version))
    else:
        handler = _Handler(lambda: stream or sys.stderr)
        handler.setFormatter(TextFormatter())
    root = logging.getLogger()
    root.handlers = [*(h for h in root.handlers if not isinstance(h, _Handler)), handler]
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("addon").setLevel(level)
    logging.getLogger("googleapiclient").setLevel(logging.ERROR)  # Skolsynk logs these itself
    logging.captureWarnings(True)
    _hook()


def take_over_loggers(*names: str) -> None:
    """Make loggers that have their own handlers, such as gunicorn's, log through this module."""
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


@contextmanager
def log_context(**ids: str) -> Iterator[None]:
    """Add `tenant`, `run`, `vendor` or `mode` to the events logged within the block."""
    token = _about.set({**(_about.get() or {}), **ids})
    try:
        yield
    finally:
        _about.reset(token)


def bind_trace(headers: Headers) -> None:
    """Make the following events belong to the request with these headers.

    Call it when a request begins; the setting applies to the current thread or task only.
    """
    _trace.set(trace_of(headers))


def trace_of(headers: Headers) -> Trace | None:
    """The trace that a request's headers name, W3C's `traceparent` first, or None."""
    told = headers.get("traceparent", "")
    if w3c := re.fullmatch(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2}).*", told):
        return Trace(w3c[1], w3c[2], bool(int(w3c[3], 16) & 1))
    told = headers.get("X-Cloud-Trace-Context", "")
    if own := re.fullmatch(r"([0-9a-fA-F]{32})(?:/([0-9]{1,20}))?(?:;o=([0-9]))?", told):
        span = f"{int(own[2]) % 2**64:016x}" if own[2] else ""
        return Trace(own[1].lower(), span, own[3] == "1")
    return None


def masked(text: str) -> str:
    """The text with e-mail addresses masked, cut to `LONGEST` characters."""
    if len(text) > LONGEST:
        text = text[:LONGEST].rpartition(" ")[0] + "…"  # half an address would not be masked
    return ADDRESS.sub(MASK, text) if "@" in text or "%40" in text else text


class JsonFormatter(logging.Formatter):
    """One JSON object per line, with the fields that Cloud Logging and Error Reporting know."""

    def __init__(self, project: str | None = None, version: str = "") -> None:
        super().__init__()
        self._project = project
        self._service = {"service": SERVICE} | ({"version": version} if version else {})

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as one line; ASCII, so that it contains no line separators."""
        try:
            return json.dumps(self._entry(record), allow_nan=False)
        except Exception as error:
            told = f"an event of {masked(record.name)} could not be told: {type(error).__name__}"
            return json.dumps({"severity": "ERROR", "message": told})

    def _entry(self, record: logging.LogRecord) -> dict[str, Any]:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        fields = _fields(record)
        event: dict[str, Any] = {
            "severity": _severity(record.levelno),
            "message": _message(record),
            "time": when.replace("+00:00", "Z"),
            "logger": masked(record.name),
            **fields,
        }
        labels = {name: str(fields[name]) for name in LABELS if fields.get(name)}
        if labels:
            event["logging.googleapis.com/labels"] = labels
        trace = _trace.get()
        if trace is not None and self._project:
            event["logging.googleapis.com/trace"] = f"projects/{self._project}/traces/{trace.id}"
            event["logging.googleapis.com/trace_sampled"] = trace.sampled
            if trace.span:
                event["logging.googleapis.com/spanId"] = trace.span
        error = _error(record)
        if record.levelno >= logging.ERROR:
            event |= self._report(record)
            if error is not None:
                event["stack_trace"] = format_exception(error)
        elif error is not None:
            event["traceback"] = format_exception(error)
        return event

    def _report(self, record: logging.LogRecord) -> dict[str, Any]:
        """The fields that make it an event for Error Reporting, with or without a stack trace."""
        place = {
            "filePath": record.pathname,
            "lineNumber": record.lineno,
            "functionName": record.funcName or "?",
        }
        return {
            "@type": ERROR_EVENT,
            "serviceContext": self._service,
            "context": {"reportLocation": place},
        }


class TextFormatter(logging.Formatter):
    """A line for a terminal, followed by a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as text."""
        when = self.formatTime(record, "%Y-%m-%d %H:%M:%S")
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        line = f"{when} {record.levelname} {record.name}: {_message(record)} {fields}".rstrip()
        line = _CONTROL.sub(" ", line)
        error = _error(record)
        return line if error is None else f"{line}\n{format_exception(error)}"


class _Handler(logging.Handler):
    """Writes to the stream that is current when an event is logged."""

    def __init__(self, stream: Callable[[], TextIO]) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write the event, or report that it is lost; `logging` itself would print its content."""
        try:
            stream = self._stream()
            stream.write(self.format(record) + "\n")
            stream.flush()
        except Exception:
            with suppress(OSError, ValueError, AttributeError):
                sys.stderr.write("a log event was lost\n")


def format_exception(error: BaseException) -> str:
    """Format the error like `traceback.format_exc`, with the text of Skolsynk's errors only."""
    parts: list[str] = []
    seen: set[int] = set()
    link = ""
    following: BaseException | None = error
    while following is not None and id(following) not in seen and len(seen) < CHAIN:
        seen.add(id(following))
        frames = traceback.format_tb(following.__traceback__, limit=-FRAMES)
        whole = ["Traceback (most recent call last):\n", *frames, _last_line(following) + "\n"]
        parts[:0] = [*map(masked, whole), link]
        if following.__cause__ is not None:
            link = "\nThe above exception was the direct cause of the following exception:\n\n"
            following = following.__cause__
        else:
            link = "\nDuring handling of the above exception, another exception occurred:\n\n"
            following = None if following.__suppress_context__ else following.__context__
    return "".join(parts)


def error_place(error: BaseException) -> str:
    """Return an error's type and place, without its message, which may have personal data.

    Of a group of errors, which says nothing itself, those of the first in it.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {place.filename}:{place.lineno}"


def _last_line(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else _name(kind)
    if not _is_ours(kind.__module__):
        return name
    try:
        return f"{name}: {error}"
    except Exception:
        return name


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_ours(module: str) -> bool:
    return module == "addon" or module.startswith("addon.")


def _message(record: logging.LogRecord) -> str:
    """The message; of another package's the first line, with only numbers as arguments."""
    try:
        if _is_ours(record.name) or _are_numbers(record.args):
            told = record.getMessage()
        else:
            told = str(record.msg)
    except Exception as error:
        return f"a message that could not be put together ({type(error).__name__})"
    return masked(told if _is_ours(record.name) else told.partition("\n")[0])


def _are_numbers(args: object) -> bool:
    return isinstance(args, tuple) and all(isinstance(a, int | float) for a in args)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """The fields set by Skolsynk's code with `log_context` and `extra=`, in JSON's types."""
    fields: dict[str, object] = dict(_about.get() or {})
    if _is_ours(record.name):
        fields |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {
        masked(name): _plain(value)
        for name, value in fields.items()
        if name not in _OURS and re.fullmatch(r"[A-Za-z]\w{0,60}", name, re.ASCII)
    }


def _plain(value: object, depth: int = DEPTH) -> Any:
    """The value in JSON's types, limited in size; for other objects, the name of their type."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else "very large"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else "not finite"
    if isinstance(value, str | PurePath):
        return masked(str(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if depth and isinstance(value, Mapping):
        items = list(value.items())[:ITEMS]
        return {masked(str(_plain(k, 0))): _plain(v, depth - 1) for k, v in items}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_plain(v, depth - 1) for v in list(value)[:ITEMS]]
    return _name(type(value))


def _severity(level: int) -> str:
    """Cloud Logging's name for a level; the nearest lower one for levels in between."""
    steps = {50: "CRITICAL", 40: "ERROR", 30: "WARNING", 20: "INFO", 10: "DEBUG"}
    return next((word for step, word in steps.items() if level >= step), "DEFAULT")


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if isinstance(record.exc_info, tuple) else None


def _hook() -> None:
    """Log uncaught exceptions, unless another hook is installed."""

    def unraisable(args: Any) -> None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = unraisable
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = unraisable


def _uncaught(
    kind: type[BaseException], error: BaseException | None, frames: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error or kind(), frames)
    elif not issubclass(kind, SystemExit):
        error = error or kind()
        logging.getLogger(__name__).critical("not caught", exc_info=(kind, error, frames))
