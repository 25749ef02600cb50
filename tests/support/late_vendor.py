"""A vendor whose creates have their effect late, in time that passes only when all wait.

The vendor's state is that of `EgilServer`. Everything of ours is real but the sockets: the session
that aiohttp would open asks the state instead, and waits are those of a clock that jumps.
"""

import asyncio
import heapq
import json
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar
from unittest import mock

from yarl import URL

from addon.delivery.intents import intend_with
from addon.delivery.ledger_writer import LedgerWriter
from addon.delivery.scim_client import ScimClient
from addon.delivery.throttle import RetryPolicy, Throttle
from addon.delivery.transport import Transport
from addon.planning.plan import make_plan, plan_for
from addon.planning.result import DeliveryResult
from addon.ss12000.mapping import OutgoingResource
from addon.sync.session import ScimSession
from addon.vendors.profiles import Target
from tests.delivery.delivering import KEY, NOW, Kept
from tests.support.egil_state import Knobs, Resource, State

T = TypeVar("T")

POLICY = RetryPolicy()
URL_OF_VENDOR = "http://vendor.test"


class _JumpingSelector(selectors.DefaultSelector):
    """Moves time forward in place of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found and timeout is not None and timeout > 0:
            self.now += timeout
        return found


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time begins at 0 and jumps to the next timer."""

    def __init__(self, began: float = 0.0) -> None:
        self._jumping = _JumpingSelector()
        self._jumping.now = began
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class Oddity(NamedTuple):
    """What comes of one POST: its effect after `delay` seconds, twice if `doubled`, or never.

    `answer` is a status, or "timeout" or "reset". An answer of 201 comes with the effect.
    """

    answer: int | str = 201
    delay: float | None = 0.0
    doubled: bool = False


class LateVendor:
    """The vendor; `oddities` befall the next POSTs, and what is new is in no list for `lag` s."""

    def __init__(self, lag: float = 0.0, **knobs: Any) -> None:
        self.lag = lag
        self.oddities: list[Oddity] = []
        self.requests: list[str] = []
        self.state = State(Knobs(ids="own", refuse_duplicates=False, **knobs), shown=self._shown)
        self.now = 0.0
        self._coming: list[tuple[float, int, str, Resource]] = []
        self._created: dict[str, float] = {}
        self._n = 0

    def held(self) -> list[str]:
        """The externalId of each User, sorted; a copy is there twice."""
        return sorted(body["externalId"] for body in self.state.held["Users"].values())

    def _shown(self, endpoint: str, listed: list[Resource]) -> list[Resource]:
        return [one for one in listed if self._created.get(one["id"], 0) <= self.now - self.lag]

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`."""
        while self._coming and self._coming[0][0] <= now:
            self.now, _, endpoint, body = heapq.heappop(self._coming)
            self._apply(endpoint, body)
        self.now = now

    def _apply(self, endpoint: str, body: Resource) -> Any:
        before = set(self.state.held[endpoint])
        answer = self.state.answer("POST", endpoint, None, {}, body)
        for new in set(self.state.held[endpoint]) - before:
            self._created[new] = self.now
        return answer

    async def answer(self, method: str, url: URL, body: Resource | None) -> Any:
        """The answer of the state, or what is odd in its place."""
        loop = asyncio.get_running_loop()
        self.advance(loop.time())
        _, endpoint, *rest = url.path.split("/")
        self.requests.append(method)
        odd = self.oddities.pop(0) if method == "POST" and self.oddities else Oddity()
        if method != "POST" or odd == Oddity():
            if method == "POST":
                return self._apply(endpoint, body or {})
            resource_id = rest[0] if rest else None
            return self.state.answer(method, endpoint, resource_id, url.query, body)
        for _ in range(1 + odd.doubled if odd.delay is not None else 0):
            self._n += 1
            due = loop.time() + (odd.delay or 0.0)
            heapq.heappush(self._coming, (due, self._n, endpoint, body or {}))
        self.advance(loop.time())
        if odd.answer == "timeout":
            await asyncio.sleep(POLICY.read)
            raise TimeoutError
        if odd.answer == "reset":
            raise ConnectionResetError
        return mock.Mock(status=odd.answer, body=b"", headers={})


class _Session:
    """In place of an `aiohttp.ClientSession`."""

    def __init__(self, vendor: LateVendor) -> None:
        self._vendor = vendor

    @asynccontextmanager
    async def request(
        self, method: str, url: URL, data: bytes | None, **_: Any
    ) -> AsyncIterator[Any]:
        body = None if data is None else json.loads(data)
        answer = await self._vendor.answer(method, url, body)

        async def chunks() -> AsyncIterator[bytes]:
            yield answer.body

        yield mock.Mock(
            status=answer.status,
            headers=dict(answer.headers),
            content_type="application/scim+json",
            content=mock.Mock(iter_any=chunks),
        )

    async def close(self) -> None:
        """Nothing is open."""


async def _at_once(work: Callable[..., T], *given: Any) -> T:
    return work(*given)


class LateTime:
    """Runs one after the other against a vendor, in one time."""

    def __init__(self, of: LateVendor, concurrency: int = 2) -> None:
        self.vendor = of
        self.kept = Kept()
        self.now = 0.0
        self._concurrency = concurrency

    def run(
        self, wanted: Sequence[OutgoingResource], within: float | None = None
    ) -> DeliveryResult:
        """One run, which may take `within` seconds."""
        self.vendor.requests.clear()
        loop = JumpingLoop(self.now)
        try:
            with (
                mock.patch.object(asyncio, "to_thread", _at_once),
                mock.patch.object(Transport, "_open", return_value=_Session(self.vendor)),
            ):
                result = loop.run_until_complete(self._run(loop, wanted, within))
        finally:
            self.now = loop.time()
            loop.close()
        self.vendor.advance(self.now)
        return result

    def pass_time(self, seconds: float) -> None:
        """Let time pass between runs."""
        self.now += seconds
        self.vendor.advance(self.now)

    def _run(
        self, loop: JumpingLoop, wanted: Sequence[OutgoingResource], within: float | None
    ) -> Coroutine[Any, Any, DeliveryResult]:
        ledger = self.kept.read()
        deadline = None if within is None else loop.time() + within
        throttle = Throttle(20.0, POLICY, deadline, loop.time)

        async def run() -> DeliveryResult:
            target = Target(URL_OF_VENDOR, {})
            async with (
                LedgerWriter(self.kept, KEY, ledger, throttle) as writer,
                Transport(target, self._concurrency, throttle, POLICY) as transport,
            ):
                scim = ScimClient(transport, intend_with(writer), ledger.acknowledged)
                session = ScimSession(scim, writer, throttle, self._concurrency)
                now = NOW + loop.time()
                return await session.carry_out(
                    plan_for(lambda absent: wanted, ledger, now),
                    lambda absent: make_plan(wanted, ledger, now, absent=absent),
                    clock=lambda: NOW + loop.time(),
                )

        return run()
