"""Runs one measurement in separate processes and gives its median and its noise."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any


def repeat(job: str, arguments: Sequence[str] = (), times: int = 5) -> dict[str, Any]:
    """Medians of the figures that `python -m bench.JOB` prints, each time in a new process.

    `noise` is, for each figure, the distance from its lowest to its highest value, relative to
    its median.
    """
    taken = [_once(job, arguments) for _ in range(times)]
    names = [name for name, value in taken[0].items() if isinstance(value, int | float)]
    medians = {name: _rounded(statistics.median_low([t[name] for t in taken])) for name in names}
    noise = {
        name: round((max(t[name] for t in taken) - min(t[name] for t in taken)) / medians[name], 2)
        for name in names
        if medians[name]
    }
    return {"runs": times, "median": medians, "noise": noise}


def _once(job: str, arguments: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{job}", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def report(figures: Mapping[str, float]) -> None:
    """Print a job's figures, with its CPU time and peak memory; call it at the job's end."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    whole = {
        **figures,
        "process_cpu_seconds": used.ru_utime + used.ru_stime,
        "process_peak_mb": used.ru_maxrss / 1024,
    }
    print(json.dumps(whole))


def machine() -> dict[str, Any]:
    """The machine's present speed: seconds for a fixed loop, and how that varies."""

    def loop() -> float:
        start = time.perf_counter()
        sum(i * i for i in range(2_000_000))
        return time.perf_counter() - start

    taken = [loop() for _ in range(7)]
    return {
        "loop_seconds": _rounded(statistics.median(taken)),
        "loop_noise": round((max(taken) - min(taken)) / statistics.median(taken), 2),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") if isinstance(value, float) else value
