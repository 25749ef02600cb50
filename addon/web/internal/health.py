"""Whether the process is alive, and whether it can do its work."""

import logging
import threading
import time
from collections.abc import Callable

from flask import Blueprint, Flask, current_app

from addon.store.base import Store, StoreError

log = logging.getLogger(__name__)

ANSWERS_WITHIN = 5.0
"""Seconds that the store may take."""
KEPT = 5.0
"""Seconds for which an answer holds: who asks often must not cost us reads."""
PROBE = "skolsynk.store_probe"
"""Where `app.extensions` has the application's `StoreProbe`."""
NOBODY = "readyz"
"""An id that no tenant has."""


bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """Whether the store can be reached."""
    probe: StoreProbe = current_app.extensions[PROBE]
    if probe.ok():
        return {"status": "ok", "store": "ok"}, 200
    return {"status": "unavailable", "store": "unavailable"}, 503


def init_app(app: Flask, store: Callable[[], Store]) -> None:
    """Let the health endpoints ask the store, which is opened at the first question."""
    app.extensions[PROBE] = StoreProbe(store)


class StoreProbe:
    """Whether the store answers; it is asked by one at a time, and in time."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._answer = (0.0, False)

    def ok(self) -> bool:
        with self._lock:
            when, ok = self._answer
            if when and time.monotonic() - when < KEPT:
                return ok
            if self._asking is None or not self._asking.is_alive():
                self._asking = threading.Thread(target=self._ask, daemon=True)
                self._asking.start()
            asking = self._asking
        asking.join(ANSWERS_WITHIN)
        return not asking.is_alive() and self._answer[1]

    def _ask(self) -> None:
        try:
            self._store().tenant(NOBODY)
            ok = True
        except StoreError as error:
            log.error("the store cannot be reached: %s", error)
            ok = False
        except Exception as error:
            log.error("the store cannot be reached: %s", type(error).__name__)
            ok = False
        self._answer = time.monotonic(), ok
