"""A request as far as it has been received: whether it is whole, and whether it is too large.

It only finds where a request ends. Whether it is well-formed is for gunicorn's parser to say,
which gets whatever looks odd here.
"""

import re
from typing import Literal

Stage = Literal["head", "body", "whole", "head-too-large", "body-too-large"]

MOST_HEAD = 65_536
"""Bytes of a request line with its headers."""
LONGEST_CHUNK_LINE = 1024
HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;|$)")


class ReceivedRequest:
    """The bytes of a request, and what is still to come of it.

    `most_body` is how many bytes a body may have.
    """

    def __init__(self, most_body: int) -> None:
        self.data = bytearray()
        self.stage: Stage = "head"
        self.expects_continue = False
        self._most_body = most_body
        self._searched = 0
        self._end: int | None = None
        self._chunk = 0

    def add(self, part: bytes) -> Stage:
        """Add what was received; return the stage that the request is in now."""
        self.data += part
        if self.stage == "head":
            if self.data[:2] == b"\r\n":  # RFC 9112, section 2.2
                self.data = self.data.lstrip(b"\r\n")
            self._read_head()
        if self.stage == "body":
            self._read_body()
        return self.stage

    def _read_head(self) -> None:
        found = self.data.find(HEAD_END, self._searched)
        if found < 0:
            self._searched = max(0, len(self.data) - len(HEAD_END) + 1)
            if len(self.data) > MOST_HEAD:
                self.stage = "head-too-large"
            return
        body = found + len(HEAD_END)
        head = bytes(self.data[: body - 2])
        if len(head) > MOST_HEAD:
            self.stage = "head-too-large"
            return
        self.expects_continue = EXPECT.search(head) is not None
        if CHUNKED.search(head):
            self._chunk, self.stage = body, "body"
        else:
            length = LENGTH.search(head)
            self._end = body + (int(length[1]) if length else 0)
            self.stage = "body-too-large" if self._end - body > self._most_body else "body"
        self._searched = body

    def _read_body(self) -> None:
        if self._end is None:
            self._read_chunks()
        elif len(self.data) >= self._end:
            self.stage = "whole"
        if self.stage == "body" and len(self.data) - self._searched > 2 * self._most_body:
            self.stage = "body-too-large"

    def _read_chunks(self) -> None:
        """Go on to the chunk that is not whole yet; what is malformed counts as whole."""
        while True:
            line = self.data.find(b"\r\n", self._chunk, self._chunk + LONGEST_CHUNK_LINE)
            if line < 0:
                if len(self.data) - self._chunk >= LONGEST_CHUNK_LINE:
                    self.stage = "whole"
                return
            size = CHUNK_SIZE.match(self.data, self._chunk, line)
            if size is None:
                self.stage = "whole"
                return
            if int(size[1], 16) == 0:
                if self.data.find(HEAD_END, line) >= 0 or len(self.data) - line > MOST_HEAD:
                    self.stage = "whole"
                return
            after = line + 2 + int(size[1], 16) + 2
            if after > len(self.data):
                return
            self._chunk = after
