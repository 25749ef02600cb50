"""What every test may count on."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from jinja2 import FileSystemBytecodeCache
from werkzeug.routing import Rule

from addon.web.directory import background
from tests.support.short_waits import short_waits

# Where the tests are started in the background, Ctrl-C is ignored by them and by all that they
# start; but what an interruption does is among the things that are tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Most tests write a database, whose commits would wait for a disk. A small memory (64 MB in many
# containers) is not enough for the files that large tests write.
MEMORY = Path("/dev/shm")
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 2**31:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# Each test makes an application, and an application compiles its templates: once is enough.
COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "templates"
COMPILED.mkdir(parents=True, exist_ok=True)
Flask.jinja_options = {
    **Flask.jinja_options,
    "bytecode_cache": FileSystemBytecodeCache(str(COMPILED)),
}

# Likewise the functions that build addresses, of which Werkzeug compiles two for each route.
_compile_builder = Rule._compile_builder
_builders: dict[object, Callable[..., tuple[str, str]]] = {}


def _builder(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    if rule.defaults:
        return _compile_builder(rule, append_unknown)
    key = rule.rule, tuple(rule._trace), append_unknown
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


Rule._compile_builder = _builder

# `quick` is what `make test` runs: few examples, the same each time. `long` explores: thousands,
# others each time, with more kills (`make test-long`, or --hypothesis-profile=long).
settings.register_profile("quick", deadline=None)
settings.register_profile(
    "long",
    deadline=None,
    max_examples=2000,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
settings.load_profile("quick")


@pytest.fixture(scope="session", autouse=True)
def _short_waits() -> Iterator[None]:
    with short_waits():
        yield


@pytest.fixture(scope="session", autouse=True)
def _patient_pages() -> Iterator[None]:
    """Pages in this process wait for what is computed, so that a busy machine changes no answer."""
    with mock.patch.object(background, "WAIT_SECONDS", 20.0):
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More than the processors: of what a browser or a process does, much is waiting."""
    return (os.cpu_count() or 1) + 2


SLOW = ("tests/browser/", "tests/sandbox/test_demo.py", "tests/tasks/test_kill.py", "tests/trust/")
"""Where tests take seconds, since they start browsers and processes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow modules first: one that began last would keep one processor busy alone."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))
