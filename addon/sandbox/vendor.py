"""A sandbox vendor on loopback: scim2-server with the schemas of SS 12000.

An independent SCIM implementation checks what Skolsynk sends, with the stricter requirements of
the EGIL profile added. To run it alone:
`python -m addon.sandbox.vendor --name Binogi --key K --port 0`.
"""

import argparse
import hmac
import json
import threading
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import parse_qsl

from addon.sandbox.vendor_http import AnsweringServer, HttpAnswer, HttpRequest
from addon.sandbox.vendor_page import page
from addon.sandbox.vendor_rules import objections

try:
    from scim2_models import (
        Bulk,
        InvalidValueException,
        Patch,
        ResourceType,
        Schema,
        ScimProvider,
        UnauthorizedException,
    )
    from scim2_server.applications.wsgi import WSGIApplication
    from scim2_server.memory import InMemoryStorage
    from scim2_server.requests import ScimRequest
    from scim2_server.responses import ScimResponse
    from scim2_server.utils import load_default_schemas, load_default_service_provider_config
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "The sandbox vendor is built on scim2-server, which is not installed: "
        "install requirements-dev.txt (pip install -r requirements-dev.txt).",
        name=missing.name,
    ) from missing

KeyHeader = Literal["X-API-Key", "Authorization"]

SCHEMAS = Path(__file__).parent / "schemas"
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"


class VendorRequest(NamedTuple):
    """One SCIM request that a vendor received, and its response; `path` includes the query."""

    method: str
    path: str
    status: int


class SandboxVendor:
    """A vendor on loopback, with SCIM at {url}/Users and so on; a context manager.

    The key is sent in `X-API-Key`, or as `Bearer KEY` in `Authorization`. Port 0 chooses a free
    one. GET {url}/ is a page in Swedish of what it has. All methods are thread-safe.
    """

    def __init__(
        self, name: str, key: str, port: int = 0, *, header: KeyHeader = "X-API-Key"
    ) -> None:
        self.name = name
        self.key = key
        self._port = port
        self._application = _Application(key, header)
        self._lock = threading.Lock()
        self._requests: list[VendorRequest] = []
        self._faults: list[_Fault] = []
        self._server: AnsweringServer | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[VendorRequest]:
        """The SCIM requests so far, in the order in which they were answered."""
        with self._lock:
            return list(self._requests)

    def resources(self) -> dict[str, list[dict[str, Any]]]:
        """Return what it has, by resource type ("User", "SchoolUnit" ...), as on the wire."""
        held: dict[str, list[dict[str, Any]]] = {
            str(each.name): [] for each in self._application.provider.resource_types
        }
        with self._application.memory.lock:
            for resource in self._application.memory.resources:
                kind = resource.meta.resource_type if resource.meta else None
                held[str(kind)].append(resource.model_dump())
        return held

    def fail(
        self,
        status: int = 503,
        times: int = 3,
        path_contains: str = "",
        retry_after: int | None = None,
        method: str = "",
    ) -> None:
        """Answer the next `times` requests whose path contains `path_contains` with an error.

        With `method`, only requests by that.
        """
        with self._lock:
            self._faults.append(_Fault(status, times, path_contains, retry_after, method))

    def clear_failures(self) -> None:
        """Remove all failures."""
        with self._lock:
            self._faults.clear()

    def __enter__(self) -> Self:
        self._server = AnsweringServer(self._port, self._serve)
        self._port = self._server.server_port
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _serve(self, request: HttpRequest) -> HttpAnswer:
        if (request.method, request.path) == ("GET", "/"):
            html = page(self.name, self.resources()).encode()
            return HttpAnswer(200, {"Content-Type": "text/html; charset=utf-8"}, html)
        fault = self._next_fault(request)
        if fault is not None:
            scim = fault.response()
        else:
            scim = self._application.serve(self._scim_request(request))
        body = b"" if scim.body is None else json.dumps(scim.body).encode()
        path = f"{request.path}?{request.query}" if request.query else request.path
        with self._lock:
            self._requests.append(VendorRequest(request.method, path, scim.status.value))
        return HttpAnswer(scim.status.value, scim.headers, body)

    def _scim_request(self, request: HttpRequest) -> ScimRequest:
        return ScimRequest(
            method=request.method,
            base_url=self.url,
            path=request.path,
            query=dict(parse_qsl(request.query, keep_blank_values=True)),
            headers=request.headers,
            body=request.body,
        )

    def _next_fault(self, request: HttpRequest) -> "_Fault | None":
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and fault.is_for(request):
                    fault.times -= 1
                    return fault
        return None


class _Fault:
    def __init__(
        self,
        status: int,
        times: int,
        path_contains: str,
        retry_after: int | None,
        method: str,
    ) -> None:
        self.status = HTTPStatus(status)
        self.times = times
        self.path_contains = path_contains
        self.retry_after = retry_after
        self.method = method

    def is_for(self, request: HttpRequest) -> bool:
        """Whether the request is answered with the error."""
        return self.path_contains in request.path and self.method in ("", request.method)

    def response(self) -> ScimResponse:
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": str(self.status.value),
            "detail": "The sandbox vendor was told to fail",
        }
        headers = {"Content-Type": "application/scim+json"}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return ScimResponse(self.status, body, headers)


class _Application(WSGIApplication):
    """scim2-server with an API key and the requirements of the profile."""

    def __init__(self, key: str, header: KeyHeader) -> None:
        self.memory = InMemoryStorage()
        super().__init__(self.memory, _provider())
        self.log.setLevel("ERROR")
        self.key_header = header
        self.accepted = f"Bearer {key}" if header == "Authorization" else key

    def check_auth(self, request: ScimRequest) -> None:
        given = request.header(self.key_header) or ""
        if not hmac.compare_digest(given.encode(), self.accepted.encode()):
            raise UnauthorizedException(detail=f"The key in {self.key_header} is missing or wrong")

    def dispatch_request(self, request: ScimRequest) -> ScimResponse:
        if self.needs_auth(request):
            self.check_auth(request)
        if request.method in ("POST", "PUT"):
            _check_profile(request)
        return self.handler.handle(request)


def _check_profile(request: ScimRequest) -> None:
    try:
        resource = json.loads(request.body)
    except ValueError:
        return  # scim2-server reports what is wrong with it
    if isinstance(resource, dict):
        endpoint = request.path.strip("/").split("/")[0]
        for objection in objections(endpoint, resource):
            raise InvalidValueException(detail=objection)


@cache
def _provider() -> ScimProvider:
    schemas = json.loads((SCHEMAS / "ss12000-2018.schemas.json").read_bytes())
    types = json.loads((SCHEMAS / "ss12000-2018.resource-types.json").read_bytes())
    config = load_default_service_provider_config()
    # PATCH and bulk would bypass the profile's requirements, and EGIL does not use them.
    config.patch = Patch(supported=False)
    config.bulk = Bulk(supported=False, max_operations=0, max_payload_size=0)
    return ScimProvider.from_discovery(
        [load_default_schemas()[CORE_USER], *(Schema.model_validate(each) for each in schemas)],
        [ResourceType.model_validate(each) for each in types],
        config=config,
    )


def main() -> None:
    """Serve one vendor until interrupted, and print its address first."""
    parser = argparse.ArgumentParser(prog="python -m addon.sandbox.vendor", description=__doc__)
    parser.add_argument("--name", default="Sandlådan")
    parser.add_argument("--key", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--header", choices=["X-API-Key", "Authorization"], default="X-API-Key")
    given = parser.parse_args()
    with SandboxVendor(given.name, given.key, given.port, header=given.header) as vendor:
        print(vendor.url, flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
