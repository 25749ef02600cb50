"""Ids of run records and audit entries, which sort by time."""

import secrets
from datetime import UTC, datetime


def new_run_id(now: float) -> str:
    """Return an id for a run; `now` is in seconds since 1970 UTC."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def time_of_run(run_id: str) -> float | None:
    """Return the second that a run's id names, or None if it is no such id."""
    try:
        begun = datetime.strptime(run_id[:16], "%Y%m%dT%H%M%SZ")
    except ValueError:
        return None
    return begun.replace(tzinfo=UTC).timestamp()


def new_entry_id(now: float) -> str:
    """Return an id for an audit entry; these sort by time even within a second."""
    return f"{new_run_id(now)[:-6]}{int(now % 1 * 4096):03x}{secrets.randbelow(4096):03x}"
