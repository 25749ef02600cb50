"""Output that is lost rather than stops a command: odd encodings, full disks, closed pipes.

A command's exit status says what the command did. What becomes of its output must not change it.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

_UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Characters that control a terminal or the direction of text, or are no characters at all."""
_NOT_ASCII = re.compile(r"[^\x20-\x7e]")
STANDARD = (0, 1, 2)
"""The file descriptors of standard input, output and error."""


def printable(text: str) -> str:
    """Return text in which every control character but the line feed is escaped."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def printable_json(data: bytes, encoding: str | None) -> str:
    r"""Return a JSON text in which control characters are written as `\u` escapes.

    So is everything but ASCII where `encoding` is not UTF-8: any terminal can show it, and it is
    the same JSON.
    """
    is_utf8 = (encoding or "").lower().replace("-", "").replace("_", "") == "utf8"
    pattern = _UNSAFE if is_utf8 else _NOT_ASCII
    return pattern.sub(lambda found: _json_escape(found[0]), data.decode("utf-8").strip("\n"))


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))


class SafeStream:
    """A text stream that never raises: what cannot be encoded is escaped, a failed write is lost.

    `failure` is why a write failed; after that nothing more is written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text. Raises nothing."""
        with self._keeping_failure():
            if self.failure is None:
                try:
                    self._stream.write(text)
                except UnicodeEncodeError:
                    encoding = self._stream.encoding
                    self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write several texts. Raises nothing."""
        for line in lines:
            self.write(line)

    def write_bytes(self, data: bytes) -> None:
        """Write bytes as they are. Raises nothing."""
        self.flush()
        with self._keeping_failure():
            if self.failure is None:
                self._stream.buffer.write(data)
                self._stream.buffer.flush()

    def flush(self) -> None:
        """Write what is buffered. Raises nothing."""
        with self._keeping_failure():
            if self.failure is None:
                self._stream.flush()

    @contextmanager
    def _keeping_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.failure = error
            self._discard_rest()
        except ValueError as error:  # the stream is closed
            self.failure = OSError(str(error))

    def _discard_rest(self) -> None:
        """Let the buffer go nowhere, which Python would try to write again at exit."""
        with suppress(OSError, ValueError):
            number = self._stream.fileno()
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, number)
            os.close(null)


@contextmanager
def safe_output() -> Iterator[None]:
    """Make `sys.stdout` and `sys.stderr` safe for this block; say if the output was lost."""
    _fill_closed_descriptors()
    streams = sys.stdout, sys.stderr
    opened = [stream or open(os.devnull, "w", encoding="utf-8") for stream in streams]  # noqa: SIM115
    out, err = (SafeStream(stream) for stream in opened)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield
    finally:
        out.flush()
        if out.failure is not None and not isinstance(out.failure, BrokenPipeError):
            reason = out.failure.strerror or str(out.failure)
            err.write(f"skolsynk: the output could not be written: {reason}\n")
        err.flush()
        sys.stdout, sys.stderr = streams


def _fill_closed_descriptors() -> None:
    """Open those of STANDARD that are closed, so that no file of the store gets their number."""
    for number in STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
