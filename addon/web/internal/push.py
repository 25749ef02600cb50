"""`POST /push/google`: Google's notices of changes.

The channel's token is the only proof, and is checked before anything is read. A notice says which
account to ask Google about; nothing else in it is believed, logged or kept.
"""

import logging
import re
from collections.abc import Callable
from threading import Event, Lock
from typing import Any

import msgspec
from flask import Blueprint, Flask, abort, current_app, request
from msgspec import Struct

from addon.directory.push_state import AUDIT_APPLICATIONS, ChangeMark
from addon.store.base import Store, StoreError
from addon.sync.change_marks import mark_changes
from addon.tasks.base import TaskQueue, TaskQueueError
from addon.tasks.changes import changes_of_notice
from addon.vendors.profiles import NotConfigured
from addon.web.services import Services

log = logging.getLogger(__name__)

LARGEST = 65_536
"""Bytes of a notice that is read; of a larger one nothing is known but that something changed."""
ACCOUNT_ID = re.compile(r"[0-9A-Za-z]{1,64}")
KEY = "skolsynk.notices"
"""The key of the application's `NoticeTaker` in `app.extensions`."""

bp = Blueprint("push", __name__, url_prefix="/push")


class NoticeBody(Struct):
    """What is read of a notice."""

    id: Any = None


class NoticeTaker:
    """Takes notices in one process. Thread-safe."""

    def __init__(
        self,
        store: Callable[[], Store],
        queue: Callable[[], TaskQueue],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._marks = MarkWriter(store)
        self._enqueued: dict[str, str] = {}

    def take(self, tenant: str, channel_id: str, mark: ChangeMark | None) -> bool:
        """Mark what a notice of the channel has named; None for a message without a change.

        Return False if there is no such channel any more. Raises StoreError and TaskQueueError.
        """
        state, now = self._store().push_state(tenant), self._clock()
        channel = None if state is None else state.channel(channel_id, now)
        if state is None or channel is None:
            return False
        if mark is None:
            return True
        if channel.kind in AUDIT_APPLICATIONS:
            mark = ChangeMark(groups=True, last=mark.last)
        due = self._enqueue(tenant, now)
        if not state.marked.covers(mark):
            self._marks.write(tenant, mark)
            if self._clock() >= due:  # the run may have begun before the mark was written
                self._enqueue(tenant, self._clock())
        return True

    def _enqueue(self, tenant: str, now: float) -> float:
        """Enqueue the run, unless this process has already; return when it is due."""
        task = changes_of_notice(tenant, now)
        if self._enqueued.get(tenant) != task.name:
            self._queue().enqueue(task)
            self._enqueued[tenant] = task.name
        return task.due


class _Batch:
    """Marks that are written together."""

    def __init__(self) -> None:
        self.mark = ChangeMark()
        self.written = Event()
        self.error: StoreError | None = None


class MarkWriter:
    """Writes the marks of notices that come together at once: one write for all that wait."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._lock = Lock()
        self._waiting: dict[str, _Batch] = {}
        self._writing: dict[str, Lock] = {}

    def write(self, tenant: str, mark: ChangeMark) -> None:
        """Write a mark; return when it is written. Raises StoreError."""
        with self._lock:
            batch = self._waiting.get(tenant)
            first = batch is None
            if batch is None:
                batch = self._waiting[tenant] = _Batch()
            batch.mark = batch.mark.joined(mark)
            writing = self._writing.setdefault(tenant, Lock())
        if first:
            self._write(tenant, batch, writing)
        batch.written.wait()
        if batch.error is not None:
            raise batch.error

    def _write(self, tenant: str, batch: _Batch, writing: Lock) -> None:
        with writing:  # meanwhile others join
            with self._lock:
                del self._waiting[tenant]
            try:
                mark_changes(self._store(), tenant, batch.mark)
            except StoreError as error:
                batch.error = error
            except BaseException:
                batch.error = StoreError("a mark could not be written")
                raise
            finally:
                batch.written.set()


def init_app(app: Flask, services: Services) -> None:
    """Take notices where Google is asked for them."""
    app.extensions[KEY] = (
        NoticeTaker(services.store, services.queue, services.clock)
        if services.settings.push
        else None
    )
    app.extensions[f"{KEY}.tokens"] = services.channel_tokens


@bp.post("/google")
def google() -> tuple[str, int]:
    """Take a notice: 200 at once, 404 if it is not of a channel, 503 to have it sent again."""
    taker: NoticeTaker | None = current_app.extensions[KEY]
    if taker is None:
        abort(404)
    channel_id = request.headers.get("X-Goog-Channel-ID", "")
    token = request.headers.get("X-Goog-Channel-Token", "")
    try:
        tenant = current_app.extensions[f"{KEY}.tokens"]().tenant_of(token, channel_id)
        if tenant is None or not taker.take(tenant, channel_id, _mark()):
            abort(404)
    except (StoreError, TaskQueueError, NotConfigured) as error:
        log.error("a notice was not taken: %s", error)
        return "", 503
    return "", 200


def _mark() -> ChangeMark | None:
    """Return what the request names; None for the message with which a channel begins."""
    if request.headers.get("X-Goog-Resource-State") == "sync":
        return None
    now = current_app.extensions["skolsynk"].clock()
    whole = ChangeMark(whole=True, last=now)
    if request.content_length is None or request.content_length > LARGEST:
        return whole
    try:
        named = msgspec.json.decode(request.get_data(cache=False), type=NoticeBody).id
    except (msgspec.DecodeError, ValueError):
        return whole
    if not isinstance(named, str) or not ACCOUNT_ID.fullmatch(named):
        return whole
    return ChangeMark(frozenset({named}), last=now)
