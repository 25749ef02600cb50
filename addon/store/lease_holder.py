"""Who holds a lease: this process, told so that its death can be seen on the same machine."""

import os
import socket
from functools import cache
from pathlib import Path

PROC = Path("/proc")


@cache
def _machine() -> str:
    """This machine since its last start, as far as process numbers have a meaning in it."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        numbers = os.readlink(PROC / "self/ns/pid")
    except OSError:
        boot = numbers = "?"
    return f"{socket.gethostname()} {boot} {numbers}"


def holder(run: str) -> str:
    """A name for `run` in this process: machine, process number, its start, run."""
    return "|".join((_machine(), str(os.getpid()), _started(os.getpid()), run))


def is_dead(name: str) -> bool:
    """Whether the process in a holder's name is certainly no more."""
    machine, number, started, *_ = [*name.split("|"), "", "", ""]
    if machine != _machine() or "?" in machine or not number.isdigit():
        return False
    if _started(int(number)) == started:
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # alive, and another user's: its start may be hidden from us
    return _started(int(number)) not in ("", started)


def _started(process: int) -> str:
    """When a process started, in ticks since the machine did; empty when there is none, `Z` when it
    has died and nobody has taken note.
    """
    try:
        stat = (PROC / str(process) / "stat").read_text()
    except OSError:
        return ""
    after_name = stat.rpartition(")")[2].split()
    return "Z" if after_name[0] == "Z" else after_name[19]
