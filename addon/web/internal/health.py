"""Health checks: whether the process is alive, and whether it can reach its store."""

import logging
import threading
import time
from collections.abc import Callable

from flask import Blueprint, Flask, current_app

from addon.store.base import Store, StoreError

log = logging.getLogger(__name__)

ANSWERS_WITHIN = 5.0
"""Seconds that the store may take to answer."""
KEPT = 5.0
"""Seconds for which an answer is cached, so that frequent checks do not cost us reads."""
PROBE = "skolsynk.store_probe"
"""The key of the application's `StoreProbe` in `app.extensions`."""
NOBODY = "readyz"
"""An id that no tenant has."""


bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer 200 while the process runs."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """Answer 200 when the store can be reached, else 503."""
    probe: StoreProbe = current_app.extensions[PROBE]
    if probe.ok():
        return {"status": "ok", "store": "ok"}, 200
    return {"status": "unavailable", "store": "unavailable"}, 503


def init_app(app: Flask, store: Callable[[], Store]) -> None:
    """Give the health endpoints a probe of the store, which is opened at the first check."""
    app.extensions[PROBE] = StoreProbe(store)


class StoreProbe:
    """Checks whether the store answers within ANSWERS_WITHIN, one check at a time."""

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
