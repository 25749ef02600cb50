"""Waits between attempts that do not make a test slow, for commands and pages in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from msgspec import structs

import addon.bootstrap
import addon.cli.commands
from addon.delivery.throttle import RetryPolicy
from addon.directory.google.retry import ReadRetryPolicy

QUICK = RetryPolicy(first_wait=0.001, longest_wait=0.004, longest_pause=0.5, late_effect=0.0)
QUICK_READING = ReadRetryPolicy(first_wait=0.001, longest_wait=0.004)
QUICK_COMMANDS = structs.replace(QUICK, longest_pause=RetryPolicy().longest_pause)
"""As QUICK, but a vendor that asks for a wait gets it."""


@contextmanager
def short_waits() -> Iterator[None]:
    """Let readings, and deliveries of commands, wait for milliseconds between their attempts."""
    source, context = addon.bootstrap.directory_source, addon.cli.commands.sync_context

    def quick_source(*arguments: Any) -> Any:
        return structs.replace(source(*arguments), retry_policy=QUICK_READING)

    def quick_context(*arguments: Any, **named: Any) -> Any:
        return structs.replace(context(*arguments, **named), retry_policy=QUICK_COMMANDS)

    with (
        mock.patch.object(addon.bootstrap, "directory_source", quick_source),
        mock.patch.object(addon.cli.commands, "sync_context", quick_context),
    ):
        yield
