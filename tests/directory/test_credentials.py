"""Google's own sign-in with a key file, against a token endpoint on this machine."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from addon.directory.calls import Calls
from addon.directory.credentials import SCOPES, from_key_file
from addon.directory.errors import AccessRefused
from addon.directory.google import Source, read
from addon.directory.quota import Quota
from addon.directory.service import Service
from addon.sandbox.loopback import LoopbackServer
from tests.directory.school import QUICK, tenant

ADMIN = "skolsynk@edu.storkoping.se"
TOKEN = {"access_token": "t0ken", "expires_in": 3600, "token_type": "Bearer"}


class Google:
    """A token endpoint and a Directory API that wants its token, on one address."""

    def __init__(self) -> None:
        self.grants: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []
        self.refusal: dict[str, str] | None = None
        google = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                google.grants.append(claims(parse_qs(body)["assertion"][0]))
                if google.refusal is None:
                    self.answer(200, TOKEN)
                else:
                    self.answer(401, google.refusal)

            def do_GET(self) -> None:
                google.authorizations.append(self.headers["Authorization"])
                self.answer(200, {"domains": []})

            def answer(self, status: int, what: object) -> None:
                body = json.dumps(what).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = LoopbackServer(0, Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()


def claims(assertion: str) -> dict[str, Any]:
    payload = assertion.split(".")[1]
    return json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.fixture
def google() -> Iterator[Google]:
    google = Google()
    yield google
    google.server.close()
    google.thread.join()


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def key_file(tmp_path: Path, google: Google, private_key: str) -> Path:
    path = tmp_path / "key.json"
    key = {
        "type": "service_account",
        "client_email": "skolsynk@project.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": private_key,
        "token_uri": google.url + "/token",
    }
    path.write_text(json.dumps(key))
    return path


def ask(google: Google, credentials: Any, threads: int = 1) -> list[Any]:
    """Asks Google's stand-in from threads; `Source` never shows an endpoint credentials."""
    service = Service(credentials, None, timeout=5)
    calls = Calls(QUICK, Quota(), Event())
    together = Barrier(threads, timeout=60)

    def query() -> Any:
        request = service.api.domains().list(customer="C01")
        request.uri = google.url + "/admin/directory/v1/customer/C01/domains"
        together.wait()
        return calls.execute("domains.list", lambda: service.send(request))

    try:
        with ThreadPoolExecutor(threads) as pool:
            return [each.result() for each in [pool.submit(query) for _ in range(threads)]]
    finally:
        service.close()


def test_a_key_file_signs_in_as_the_administrator_with_read_only_scopes(
    google: Google, key_file: Path
):
    assert ask(google, from_key_file(key_file, ADMIN)) == [{"domains": []}]
    assert google.authorizations == ["Bearer t0ken"]
    assert google.grants[0]["sub"] == ADMIN
    assert google.grants[0]["scope"].split() == list(SCOPES)
    assert all(scope.endswith(".readonly") for scope in SCOPES)


def test_one_token_serves_all_threads(google: Google, key_file: Path):
    ask(google, from_key_file(key_file, ADMIN), threads=8)

    assert len(google.grants) == 1
    assert google.authorizations == ["Bearer t0ken"] * 8


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("unauthorized_client", "Domain-wide delegation"),
        ("access_denied", "Domain-wide delegation"),
        ("invalid_grant", "clock"),
    ],
)
def test_a_refusal_ends_the_reading_with_what_to_do(
    google: Google, key_file: Path, error: str, remedy: str
):
    google.refusal = {"error": error, "error_description": f"Invalid email: {ADMIN}"}
    source = Source(credentials=from_key_file(key_file, ADMIN), patience=QUICK)

    with pytest.raises(AccessRefused, match=remedy) as raised:
        read(tenant(delegatedAdmin=ADMIN), source)
    assert error in str(raised.value)
    assert "Nothing was sent to anyone" in str(raised.value)
    assert "@" not in str(raised.value)


def test_credentials_are_not_shown_to_an_endpoint_in_googles_place(google: Google, key_file: Path):
    service = Service(from_key_file(key_file, ADMIN), google.url, timeout=5)
    service.send(service.api.domains().list(customer="C01"))
    service.close()

    assert google.grants == []
    assert google.authorizations == [None]


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"type": "service_account"}', "é"])
def test_a_file_that_is_no_key_is_refused_with_its_name(tmp_path: Path, content: str):
    path = tmp_path / "key.json"
    path.write_bytes(content.encode("latin-1"))

    with pytest.raises(AccessRefused, match=r"key\.json cannot be used.*SKOLSYNK_GOOGLE_KEY_FILE"):
        from_key_file(path, ADMIN)


def test_a_key_that_is_broken_is_refused(tmp_path: Path, key_file: Path):
    broken = json.loads(key_file.read_text()) | {"private_key": "-----BEGIN PRIVATE KEY-----"}
    key_file.write_text(json.dumps(broken))

    with pytest.raises(AccessRefused, match="cannot be used"):
        from_key_file(key_file, ADMIN)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(AccessRefused, match="FileNotFoundError"):
        from_key_file(tmp_path / "none.json", ADMIN)
