"""The real command line in this process, and what a command writes."""

import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from addon.cli.commands import main

JSON = dict[str, Any]


@dataclass(frozen=True)
class CommandResult:
    """A command's exit status and what it wrote."""

    status: int
    out: str
    err: str
    raw: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        return json.loads(self.out)

    def part(self, vendor: str) -> JSON:
        """The part of a run's report that is about one vendor."""
        found: list[JSON] = [c for c in self.json["connections"] if c["vendor"] == vendor]
        (one,) = found
        return one


def run_command(
    arguments: Sequence[str], environ: Mapping[str, str], stdin: bytes = b""
) -> CommandResult:
    """Run a command in an environment."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    with (
        mock.patch.dict(os.environ, environ, clear=True),
        mock.patch.object(sys, "stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            status = main(arguments)
        except SystemExit as end:  # argparse
            status = end.code if isinstance(end.code, int) else 1
    raw = out.buffer.getvalue()  # type: ignore[attr-defined]
    return CommandResult(status, raw.decode(), err.getvalue(), raw)
