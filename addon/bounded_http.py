"""HTTP answers with a time for the whole of them and a size, as a transport of `requests`.

`requests` limits the time of each part only: an answer in drips never ends. Here connecting,
headers and body together have the time that `timeout` says (of a pair, the second), and what asks
within `page_deadline` has no more than is left of that.
"""

import asyncio
import io
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import aiohttp
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_encoding_from_headers
from yarl import URL

PAGE_SECONDS = 20.0
"""Seconds that a page waits for all that it asks others."""
LARGEST = 4_000_000
"""Bytes of an answer."""
DEFAULT_SECONDS = 10.0

_page_until: ContextVar[float | None] = ContextVar("page_until", default=None)


class AnswerTooLargeError(requests.RequestException):
    """An answer is larger than it may be."""


@contextmanager
def page_deadline(seconds: float = PAGE_SECONDS) -> Iterator[None]:
    """Give everything that is asked in this context, together, so many seconds."""
    mine, outer = time.monotonic() + seconds, _page_until.get()
    token = _page_until.set(mine if outer is None else min(mine, outer))
    try:
        yield
    finally:
        _page_until.reset(token)


def seconds_left(most: float) -> float:
    """Return `most`, or what is left of the page's time."""
    until = _page_until.get()
    return most if until is None else min(most, until - time.monotonic())


def bounded_session(largest: int = LARGEST) -> requests.Session:
    """Return a session whose answers are bounded."""
    session = requests.Session()
    bind(session, largest)
    return session


def bind(session: requests.Session, largest: int = LARGEST) -> None:
    """Bound the answers of a session."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(largest))


class BoundedAdapter(BaseAdapter):
    """Sends requests with aiohttp; redirects are for `requests` to follow."""

    def __init__(self, largest: int) -> None:
        super().__init__()
        self._largest = largest

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the whole answer. Raises requests.RequestException."""
        asked = timeout[1] if isinstance(timeout, tuple) else timeout
        left = seconds_left(asked or DEFAULT_SECONDS)
        if left <= 0:
            raise requests.Timeout("the page's time is out", request=request)
        try:
            return asyncio.run(self._send(request, left, verify, proxies or {}))
        except requests.RequestException:
            raise
        except TimeoutError:
            raise requests.Timeout("no whole answer in time", request=request) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise requests.ConnectionError(type(error).__name__, request=request) from None

    async def _send(
        self,
        request: requests.PreparedRequest,
        seconds: float,
        verify: bool | str,
        proxies: Mapping[str, str],
    ) -> requests.Response:
        assert request.url is not None
        url = URL(request.url, encoded=True)
        # Compressed, a small answer could be a large one.
        given = {name: _text(value) for name, value in request.headers.items()}
        headers = {**given, "Accept-Encoding": "identity"}
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=seconds),
                connector=aiohttp.TCPConnector(ssl=_tls(verify), limit=1, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            ) as session,
            session.request(
                request.method or "GET",
                url,
                headers=headers,
                data=request.body,
                allow_redirects=False,
                proxy=proxies.get(url.scheme),
            ) as answer,
        ):
            body = bytearray()
            async for part in answer.content.iter_any():
                body += part
                if len(body) > self._largest:
                    raise AnswerTooLargeError(f"more than {self._largest} bytes", request=request)
            return _response(request, answer, bytes(body))

    def close(self) -> None:
        """Nothing is kept between requests."""


def _response(
    request: requests.PreparedRequest, answer: aiohttp.ClientResponse, body: bytes
) -> requests.Response:
    made = requests.Response()
    made.status_code = answer.status
    made.reason = answer.reason or ""
    made.headers = CaseInsensitiveDict(answer.headers)
    made.url = request.url or ""
    made.request = request
    made.encoding = get_encoding_from_headers(made.headers)
    made.raw = io.BytesIO(body)
    made._content = body
    made._content_consumed = True
    return made


def _text(header: str | bytes) -> str:
    return header if isinstance(header, str) else header.decode("latin-1")


@cache
def _tls(verify: bool | str) -> ssl.SSLContext | bool:
    """Return the context that trusts what `requests` trusts."""
    if verify is False:
        return False
    place = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
    return ssl.create_default_context(cafile=place)
