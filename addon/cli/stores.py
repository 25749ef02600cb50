"""The store that a command works on, and what commands have in common with their parsers."""

import argparse
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from addon.bootstrap import open_store
from addon.settings import Settings
from addon.store.base import Store

T = TypeVar("T")
Command = Callable[[argparse.Namespace, Settings], int]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class UsageError(Exception):
    """A command cannot be carried out with the given arguments; the message says why."""


def with_store(settings: Settings, work: Callable[[Store], T]) -> T:
    """Return the result of `work` with the store that the settings name. Raises StoreError."""
    store = open_store(settings)
    try:
        return work(store)
    finally:
        store.close()
