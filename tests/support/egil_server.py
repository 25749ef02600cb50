"""An EGIL SCIM server on loopback for tests, with the habits and failures of real ones.

    with EgilServer(ids="ours", listing="whole") as server:
        server.fail(503, times=2, retry_after=1, endpoint="Users")
        ... deliver to server.url with server.key in X-API-Key ...
        assert server.held("User") == ...

In a process of its own: `python -m tests.support.egil_server --port 0 --ids own`. It prints its
URL; GET {url}/_state is what it holds, GET {url}/_requests what it got, and POST {url}/_fail takes
the arguments of `fail` as JSON.
"""

import argparse
import asyncio
import json
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import web

from tests.support.egil_faults import GARBAGE, HALF, Decide, Fault, Incoming, Rule, fault_of
from tests.support.egil_state import TYPES, Allowance, Answer, Knobs, Resource, State, error


@dataclass
class Recorded:
    """One request; `path` is under the base address and has the query, `time` is monotonic.

    `status` is what was answered, None where the connection was cut instead.
    """

    method: str
    path: str
    body: Resource | None
    status: int | None
    time: float


class EgilServer:
    """A server in a thread of its own, from `with` until its end; all methods thread-safe.

    `knobs` are those of `Knobs`, also to be turned later at `.knobs`. `base_path` comes
    before /Users. With `tls`, `.ca_file` is the authority to trust. `faults` is the plan: a
    list of callables (or one) that get an `Incoming`; the first `Fault` happens.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        base_path: str = "",
        tls: bool | dict[str, Any] = False,
        **knobs: Any,
    ) -> None:
        self.knobs = Knobs(**knobs)
        self.faults: list[Decide] | Decide = []
        self.base_path = base_path
        self._port = port
        self._certificate = tls if isinstance(tls, dict) else {}
        self._folder = tempfile.TemporaryDirectory(prefix="egil-") if tls is not False else None
        self._lock = threading.RLock()
        self._state = State(self.knobs)
        self._requests: list[Recorded] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._n = self._running = self._peak = 0
        self._allowance = Allowance(self.knobs.burst)
        self._stop: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="egil", daemon=True)
        self._ready = threading.Event()
        self._trouble: BaseException | None = None

    @property
    def url(self) -> str:
        """The base address, without a slash at the end."""
        return f"{'https' if self._folder else 'http'}://127.0.0.1:{self._port}{self.base_path}"

    @property
    def key(self) -> str:
        """The API key to give."""
        return self.knobs.key

    @property
    def ca_file(self) -> str:
        """The PEM file of the authority that signed the certificate (with `tls`)."""
        assert self._folder is not None, "EgilServer(tls=True) has a certificate"
        return str(Path(self._folder.name) / "ca.pem")

    @property
    def requests(self) -> list[Recorded]:
        """The requests so far, in the order they came."""
        with self._lock:
            return list(self._requests)

    @property
    def writes(self) -> list[Recorded]:
        """The requests so far that were no questions."""
        return [each for each in self.requests if each.method != "GET"]

    @property
    def peak(self) -> int:
        """The most requests that were under way at once; says something with `latency` only."""
        return self._peak

    def held(self, kind: str) -> dict[str, Resource]:
        """The resources of a type ("User" or "Users") by id, as they were sent."""
        endpoint = next(e for e, name in TYPES.items() if kind in (e, name))
        with self._lock:
            return dict(self._state.held[endpoint])

    def externalIds(self, kind: str | None = None) -> list[str]:
        """The externalId of each resource (of a type), sorted; a duplicate is there twice."""
        kinds = list(TYPES) if kind is None else [kind]
        return sorted(body["externalId"] for each in kinds for body in self.held(each).values())

    def fail(
        self,
        status: int | None = None,
        *,
        times: int | None = 1,
        skip: int = 0,
        method: str | None = None,
        endpoint: str | None = None,
        external_id: str | None = None,
        where: Callable[[Incoming], bool] | None = None,
        **fault: Any,
    ) -> None:
        """Adds a `Rule`; a plain 503 if nothing else is said.

        `fault`: `when` ("before" the effect or "after" it), `hang` (seconds), `drop`,
        `truncate`, `garbage`, `retry_after` (seconds or datetime), `redirect`, `headers`,
        `body` (bytes), `megabytes`.
        """
        rule = Rule(
            fault=fault_of(status, **fault),
            times=times,
            skip=skip,
            method=method,
            endpoint=endpoint,
            external_id=external_id,
            where=where,
        )
        with self._lock:
            self.faults = [*([self.faults] if callable(self.faults) else self.faults), rule]

    def show(self, shown: Callable[[str, list[Resource]], list[Resource]]) -> None:
        """Has lists and filters show `shown(endpoint, resources)` in place of the resources."""
        with self._lock:
            self._state.shown = shown

    def put(self, kind: str, body: Resource) -> str:
        """Adds a resource as if made by hand, without a check; returns its id."""
        endpoint = next(e for e, name in TYPES.items() if kind in (e, name))
        with self._lock:
            return self._state.put(endpoint, body)

    def change_ids(self) -> None:
        """Gives everything a new id, as after a migration of the vendor's."""
        with self._lock:
            self._state.change_ids()

    def empty(self) -> None:
        """Loses everything that it holds."""
        with self._lock:
            shown, self._state = self._state.shown, State(self.knobs, self.url)
            self._state.shown = shown

    def clear(self) -> None:
        """Forgets faults and requests; keeps what it holds."""
        with self._lock:
            self.faults, self._requests, self._n, self._peak = [], [], 0, 0
            self._counts.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._trouble is not None:
            raise self._trouble
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._thread.join()
        if self._folder is not None:
            self._folder.cleanup()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as trouble:
            self._trouble = trouble
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        server = web.Server(self._handle, access_log=None)
        listener = await loop.create_server(server, "127.0.0.1", self._port, ssl=self._tls())
        self._port = listener.sockets[0].getsockname()[1]
        self._state.base_url = self.url
        self._ready.set()
        await stopped.wait()
        listener.close()
        await server.shutdown(timeout=0.05)  # 0 would wait for ever

    def _tls(self) -> ssl.SSLContext | None:
        if self._folder is None:
            return None
        from tests.support.egil_tls import server_context

        return server_context(Path(self._folder.name), **self._certificate)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        path = request.raw_path.removeprefix(self.base_path)
        parts = [unquote(each) for each in path.partition("?")[0].strip("/").split("/")]
        if parts[0].startswith("_"):
            return self._about_itself(parts[0], body)
        with self._lock:
            recorded = Recorded(request.method, path, body, None, time.monotonic())
            self._requests.append(recorded)
            self._running += 1
            self._peak = max(self._peak, self._running)
            fault = self._fault(self._incoming(recorded, parts))
        try:
            return await self._answer(request, recorded, parts, fault)
        finally:
            with self._lock:
                self._running -= 1

    async def _answer(
        self, request: web.BaseRequest, recorded: Recorded, parts: list[str], fault: Fault | None
    ) -> web.StreamResponse:
        if self.knobs.latency:
            await asyncio.sleep(self.knobs.latency)
        answer = None
        if fault is None or fault.when == "after":
            answer = self._effect(request, recorded, parts)
        if fault is not None:
            await asyncio.sleep(fault.hang)
            if fault.drop or fault.truncate or fault.garbage:
                return self._cut(request, fault, answer)
            if fault.status is not None:
                body = fault.body or b"x" * (fault.megabytes << 20)
                answer = Answer(fault.status, body, fault.headers)
        if answer is None:
            answer = self._effect(request, recorded, parts)
        recorded.status = answer.status
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    def _effect(self, request: web.BaseRequest, recorded: Recorded, parts: list[str]) -> Answer:
        knobs = self.knobs
        if request.headers.get(knobs.header) != knobs.prefix + knobs.key:
            return error(401, "The API key is missing or wrong")
        if recorded.method in ("POST", "PUT") and not request.content_type.endswith("json"):
            return error(415, "The body must be application/scim+json")
        with self._lock:
            if not self._allowance.take(knobs):
                refusal = error(429, "Too many requests")
                return refusal._replace(headers={**refusal.headers, "Retry-After": "1"})
            resource_id = parts[1] if len(parts) > 1 else None
            query = request.query if "?" in recorded.path else {}
            return self._state.answer(recorded.method, parts[0], resource_id, query, recorded.body)

    def _incoming(self, recorded: Recorded, parts: list[str]) -> Incoming:
        body = recorded.body
        external_id = body.get("externalId") if isinstance(body, dict) else None
        if external_id is None and len(parts) > 1:
            external_id = self._state.external_id(parts[0], parts[1])
        self._n += 1
        about = (recorded.method, external_id or recorded.path)
        self._counts[about] += 1
        return Incoming(
            recorded.method, parts[0], recorded.path, external_id, self._n, self._counts[about]
        )

    def _fault(self, incoming: Incoming) -> Fault | None:
        plan = [self.faults] if callable(self.faults) else self.faults
        return next((fault for decide in plan if (fault := decide(incoming))), None)

    @staticmethod
    def _cut(request: web.BaseRequest, fault: Fault, answer: Answer | None) -> web.StreamResponse:
        transport = request.transport
        if transport is not None and fault.drop:
            transport.abort()
        elif transport is not None:
            transport.write(GARBAGE if fault.garbage else HALF % (answer.status if answer else 200))
            transport.close()
        return web.Response()

    def _about_itself(self, what: str, body: Any) -> web.Response:
        if what == "_fail":
            self.fail(**body)
            return web.json_response({})
        with self._lock:
            if what == "_state":
                return web.json_response({name: self.held(name) for name in TYPES.values()})
            return web.json_response([asdict(each) for each in self._requests])


def main() -> None:
    """Serves until interrupted or ended; prints the URL first."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.egil_server", description=__doc__
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--base-path", default="")
    for knob in fields(Knobs):
        default = knob.default
        kind = json.loads if default is None or isinstance(default, bool) else type(default)
        parser.add_argument(f"--{knob.name.replace('_', '-')}", type=kind, default=default)
    with EgilServer(**vars(parser.parse_args())) as server:
        print(server.url, flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
