"""Names of lease holders, by which the death of their process is detected on the same machine."""

import os
import socket
from functools import cache
from pathlib import Path

PROC = Path("/proc")


@cache
def _machine() -> str:
    """Return the host name, boot id and PID namespace, within which a PID identifies a process."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        numbers = os.readlink(PROC / "self/ns/pid")
    except OSError:
        boot = numbers = "?"
    return f"{socket.gethostname()} {boot} {numbers}"


def process_holder(run: str) -> str:
    """Return the holder name of `run` in this process: machine, PID, start time and run."""
    return "|".join((_machine(), str(os.getpid()), _started(os.getpid()), run))


def is_dead(name: str) -> bool:
    """Whether the process in a holder's name has certainly ended."""
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
        pass  # alive, but of another user: we may not be able to read its start time
    return _started(int(number)) not in ("", started)


def _started(process: int) -> str:
    """Return when a process started, in clock ticks since boot.

    Empty if there is no such process, `Z` if it is a zombie.
    """
    try:
        stat = (PROC / str(process) / "stat").read_text()
    except OSError:
        return ""
    after_name = stat.rpartition(")")[2].split()
    return "Z" if after_name[0] == "Z" else after_name[19]
