"""HTTP to one vendor: persistent connections, verified TLS, bounded response bodies.

Every request goes through `Transport.send`, which limits the rate, distinguishes failures from
responses and retries requests that may be retried.
"""

import errno
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from msgspec import Struct, structs
from yarl import URL

from addon.delivery.answer_evidence import is_success
from addon.delivery.certificates import certificate_problem
from addon.delivery.response import VendorResponse, answered, retry_after
from addon.delivery.throttle import DeliveryStopped, RetryPolicy, Throttle
from addon.planning.result import ProblemCode, VendorProblem
from addon.ss12000.resources import ENDPOINTS, MEDIA_TYPE, ResourceType
from addon.vendors.profiles import Target

ANSWER_BYTES = 256 * 1024
"""The number of bytes read of the response to a write; the rest is not needed."""

CLOSED_SILENTLY = 2
"""After how many connections that the vendor closed in place of an answer none is used again.

Some vendors close each connection after its answer without saying so; a POST that meets that is
not repeated before the vendor has been asked about it.
"""
LATE_STATUSES = (408, 504)
"""The statuses of a proxy that has waited too long: the request may still be on its way."""
OWN_LIMITS = (errno.EMFILE, errno.ENFILE)
TOO_MANY_FILES = "Skolsynk has too many open files and connections; the vendor is not at fault"
NOT_SCIM = "the vendor answered with a web page or an error in place of a success"


class RetriesExhausted(Exception):
    """A request failed too often; the next run tries it again.

    `uncertain` is whether the vendor may have carried it out nevertheless, and `late` for how many
    seconds from now a create may still have its effect, None if that is over.
    """

    def __init__(
        self, message: str, problem: VendorProblem, uncertain: bool, late: float | None = None
    ) -> None:
        super().__init__(message)
        self.problem = problem
        self.uncertain = uncertain
        self.late = late

    @property
    def status(self) -> int | None:
        """The HTTP status of the last response, if there was one."""
        return self.problem.status or None


class _Request(Struct, frozen=True):
    """One request; `bound` is how many bytes of the response body are read."""

    method: str
    url: URL
    body: bytes | None
    bound: int

    @property
    def subject(self) -> int:
        """What tells the resource that it is about from others."""
        return hash((self.method, self.url, self.body))

    @property
    def asks(self) -> bool:
        """Whether it only reads and changes nothing."""
        return self.method == "GET"


class _Attempt(Struct, frozen=True):
    """The outcome of one request.

    `weight` is how much a failure counts for the circuit breaker. `uncertain` is whether the
    vendor may have carried out the request, `late` whether it may still be processing it.
    """

    answer: VendorResponse | None
    said: str
    problem: VendorProblem
    uncertain: bool = False
    weight: int = 1
    late: bool = False

    @property
    def status(self) -> int | None:
        return None if self.answer is None else self.answer.status

    @property
    def passing(self) -> bool:
        """Whether it is about the vendor's present state and not about the request."""
        return self.problem.code != "status" or _passing(self.problem.status)

    @property
    def asked_to_wait(self) -> bool:
        """Whether the vendor asked the client to wait (429 or 503)."""
        return self.status in (429, 503)


class _Tries:
    """Counts the attempts of one request; `BUSY` waits (429, 503) are allowed for each failure."""

    BUSY = 5

    def __init__(self, retry_policy: RetryPolicy) -> None:
        self._most = retry_policy.tries
        self.count = 0
        self._busy = 0
        self.uncertain = False
        self._said = ""
        self._problem = VendorProblem("status")

    def failed(self, attempt: _Attempt) -> None:
        if attempt.asked_to_wait:
            self._busy += 1
        else:
            self.count += 1
        self.uncertain = self.uncertain or attempt.uncertain
        self._said, self._problem = attempt.said, attempt.problem

    @property
    def spent(self) -> bool:
        return self.count >= self._most or self._busy >= self._most * self.BUSY

    def given_up(self, late: float | None = None) -> RetriesExhausted:
        return RetriesExhausted(self._said, self._problem, self.uncertain, late)


class Transport:
    """The connection to a vendor's endpoint. An asynchronous context manager."""

    def __init__(
        self, target: Target, concurrency: int, throttle: Throttle, retry_policy: RetryPolicy
    ) -> None:
        self._base = target.url
        self._headers = {
            **target.headers,
            "Accept": f"{MEDIA_TYPE}, application/json;q=0.9, */*;q=0.1",
            "Accept-Encoding": "identity",
            "User-Agent": "Skolsynk",
        }
        self._target = target
        self._concurrency = concurrency
        self._throttle = throttle
        self._retry_policy = retry_policy
        self._session: aiohttp.ClientSession | None = None
        self._once: aiohttp.ClientSession | None = None
        self._disconnected = 0

    async def __aenter__(self) -> "Transport":
        context = self._tls()
        self._session, self._once = self._open(context, False), self._open(context, True)
        return self

    def _open(self, context: ssl.SSLContext | bool, force_close: bool) -> aiohttp.ClientSession:
        """Return a session, which uses each connection once if `force_close`."""
        retry_policy = self._retry_policy
        return aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(
                limit=self._concurrency,
                ssl=context,
                force_close=force_close,
                keepalive_timeout=None if force_close else 60,
            ),
            timeout=aiohttp.ClientTimeout(
                total=retry_policy.whole,
                sock_connect=retry_policy.connect,
                sock_read=retry_policy.read,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy(self._base),
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for session in (self._session, self._once):
            assert session is not None
            await session.close()

    async def send(
        self,
        method: str,
        resource_type: ResourceType,
        resource_id: str | None = None,
        body: bytes | None = None,
        query: str = "",
        bound: int = ANSWER_BYTES,
        before_repeat: Callable[[], Awaitable[None]] | None = None,
    ) -> VendorResponse:
        """Return the vendor's response, after waiting and retrying as needed.

        `bound` is how many bytes of the body are read. `before_repeat` is called before a request
        that the vendor may have carried out is repeated; a request with `before_repeat` is not
        repeated while the vendor may still be processing it: then the `late` of the exception is
        set. Raises RetriesExhausted, or DeliveryStopped when the whole delivery must end.
        """
        path = ENDPOINTS[resource_type] + (f"/{quote(resource_id, safe='')}" if resource_id else "")
        url = URL(f"{self._base}/{path}{query}", encoded=True)
        request = _Request(method, url, body, bound)
        tries = _Tries(self._retry_policy)
        late: float | None = None
        try:
            while True:
                if tries.uncertain and before_repeat is not None:
                    await before_repeat()
                turn = await self._throttle.acquire()
                attempt = await self._attempt(request)
                answer = attempt.answer
                if answer is not None and not attempt.passing:
                    self._throttle.record_success(request.asks)
                    self._stop_on_fatal_status(answer)
                    return structs.replace(answer, unsure=tries.uncertain)
                if attempt.late and before_repeat is not None:
                    late = turn
                await self._handle_failure(tries, request, attempt, turn)
                if late is not None:
                    raise tries.given_up()
        except RetriesExhausted:
            raise tries.given_up(self._late_effect(late)) from None
        except DeliveryStopped as stopped:
            if not tries.uncertain:
                raise
            raise stopped.unsure(self._late_effect(late)) from None

    def _late_effect(self, turn: float | None) -> float | None:
        return None if turn is None else self._throttle.late_effect(turn)

    def stop(self, reason: str, code: ProblemCode, status: int = 0) -> DeliveryStopped:
        """End the whole delivery and return the exception to raise."""
        stopped = DeliveryStopped(reason, VendorProblem(code, status))
        self._throttle.stop(stopped)
        return stopped

    async def _handle_failure(
        self, tries: _Tries, request: _Request, attempt: _Attempt, turn: float
    ) -> None:
        """Record a failure and wait before the next attempt.

        Raises RetriesExhausted after the last attempt, and DeliveryStopped when the delivery has
        ended. A 500 to a GET does not count for the circuit breaker: it only shows that the vendor
        cannot answer that query.
        """
        tries.failed(attempt)
        if not (request.asks and attempt.status == 500):
            self._throttle.record_failure(
                turn,
                attempt.said,
                attempt.problem,
                attempt.weight,
                request.asks,
                None if attempt.asked_to_wait else request.subject,
            )
        if attempt.asked_to_wait and attempt.answer is not None:
            self._throttle.pause(retry_after(attempt.answer), turn, attempt.status)
        self._throttle.check()
        if tries.spent or (self._throttle.group_given_up and not attempt.asked_to_wait):
            raise tries.given_up()
        if not attempt.asked_to_wait:
            await self._throttle.rest(self._throttle.backoff(tries.count))

    async def _attempt(self, request: _Request) -> _Attempt:
        session = self._once if self._disconnected >= CLOSED_SILENTLY else self._session
        assert session is not None
        headers = {"Content-Type": MEDIA_TYPE} if request.body is not None else None
        try:
            async with session.request(
                request.method,
                request.url,
                data=request.body,
                headers=headers,
                allow_redirects=False,
            ) as response:
                answer = await _read(response, request.bound)
        except aiohttp.InvalidURL:
            raise self.stop("its address is not one that can be reached", "address") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise self.stop(*certificate_problem(error.certificate_error)) from None
        except aiohttp.ClientSSLError:
            raise self.stop("TLS could not be agreed on", "tls") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            if isinstance(error, OSError) and error.errno in OWN_LIMITS:
                raise self.stop(TOO_MANY_FILES, "own-resources") from None
            return _Attempt(None, "the vendor could not be reached", VendorProblem("unreachable"))
        except TimeoutError:
            said = "the vendor did not answer in time"
            problem = VendorProblem("timeout")
            return _Attempt(None, said, problem, uncertain=True, weight=2, late=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, (aiohttp.ServerDisconnectedError, ConnectionError)):
                self._disconnected += 1
            problem = VendorProblem("connection-broken")
            return _Attempt(None, "the connection broke", problem, uncertain=True)
        if answer.done and not is_success(answer):
            problem = VendorProblem("not-scim", answer.status)
            return _Attempt(answer, NOT_SCIM, problem, uncertain=True)
        put_off = answer.status == 503 and answer.retry_after is not None
        uncertain = (answer.status >= 500 and not put_off) or answer.status == 408
        problem = VendorProblem("status", answer.status)
        late = answer.status in LATE_STATUSES
        return _Attempt(answer, answered(answer.status), problem, uncertain, late=late)

    def stop_for_key(self, status: int) -> DeliveryStopped:
        """End the whole delivery because the vendor accepts nothing with our key."""
        reason = f"the vendor does not accept our key ({status}); ask it for a new one"
        return self.stop(reason, "key-refused", status)

    def _stop_on_fatal_status(self, answer: VendorResponse) -> None:
        """Raise DeliveryStopped for a response that every other request would get too.

        A 403 is not one: it may be about one resource or type.
        """
        status = answer.status
        if status == 401:
            raise self.stop_for_key(status)
        if 300 <= status < 400:
            reason = f"the vendor redirects ({status}); its address in vendors.toml is not right"
            raise self.stop(reason, "redirect", status)

    def _tls(self) -> ssl.SSLContext | bool:
        """Return the TLS context: the system's roots and the profile's CA bundle, if it has one.

        Certificates are always verified.
        """
        if urlsplit(self._base).scheme != "https":
            return True
        context = ssl.create_default_context()
        bundle = self._target.ca_bundle
        try:
            if bundle:
                context.load_verify_locations(cafile=bundle)
        except (OSError, ValueError):
            self.stop(
                f"its caBundle {bundle} cannot be read as certificates in PEM form", "certificate"
            )
        return context


def _proxy(url: str) -> str | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for an address."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _passing(status: int) -> bool:
    """Whether a status is about the vendor's present state and not about the request."""
    return status in (408, 425, 429) or (status >= 500 and status != 501)


async def _read(response: aiohttp.ClientResponse, bound: int) -> VendorResponse:
    """Return the response with at most `bound` bytes of its body.

    If the connection breaks while the body is read, the status is still valid.
    """
    if not 200 <= response.status < 300:
        bound = min(bound, ANSWER_BYTES)
    chunks: list[bytes] = []
    size, cut = 0, False
    try:
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > bound:
                cut = True
                response.close()
                break
    except (aiohttp.ClientError, TimeoutError, OSError):
        cut = True
        response.close()
    return VendorResponse(
        status=response.status,
        body=b"".join(chunks)[:bound],
        location=response.headers.get("Location"),
        media_type=response.content_type.lower() if "Content-Type" in response.headers else "",
        date=response.headers.get("Date"),
        retry_after=response.headers.get("Retry-After"),
        cut=cut,
    )
