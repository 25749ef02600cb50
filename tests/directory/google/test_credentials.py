"""Google's own sign-in, with a key file and without, against endpoints on this machine."""

import json
import time
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Barrier, Event
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from google.oauth2.credentials import Credentials

from addon.directory.errors import AccessRefused, DirectoryError
from addon.directory.google import credentials as module
from addon.directory.google.client import DirectoryClient
from addon.directory.google.credentials import SCOPES, from_key_file, keyless
from addon.directory.google.quota import Quota
from addon.directory.google.reader import DirectorySource, read
from addon.directory.google.retry import RetryingCaller
from addon.sandbox.loopback import LoopbackServer
from tests.directory.school import QUICK, tenant
from tests.test_bounded_http import HEAD, Trickling

ADMIN = "skolsynk@edu.storkoping.se"
ACCOUNT = "skolsynk@project.iam.gserviceaccount.com"
CLIENT_ID = "115700000000000000001"
SIGNATURE = b"signed by Google"
TOKEN = {"access_token": "t0ken", "expires_in": 3600, "token_type": "Bearer"}


class Google:
    """A token endpoint, IAM Credentials and a Directory API that wants its token, on one address.

    `refusal` is what the token endpoint answers instead of a token, `signs` the statuses of
    signBlob, one by one and the last for ever, `identity` whether identity tokens are given.
    """

    def __init__(self) -> None:
        self.grants: list[dict[str, Any]] = []
        self.signatures: list[bytes] = []
        self.authorizations: list[str | None] = []
        self.asked: list[tuple[str, str | None]] = []
        self.signed: list[dict[str, Any]] = []
        self.refusal: Any = None
        self.refuses_with = 401
        self.signs = [200]
        self.identity = True
        google = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if self.path != "/token":
                    self.answer(*google.iam(self.path, self.headers["Authorization"], body))
                    return
                assertion = parse_qs(body)["assertion"][0]
                google.grants.append(claims(assertion))
                google.signatures.append(unpadded(assertion.split(".")[2]))
                if google.refusal is None:
                    self.answer(200, TOKEN)
                else:
                    self.answer(google.refuses_with, google.refusal)

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
        self.server.start()

    def iam(self, path: str, authorization: str | None, body: str) -> tuple[int, object]:
        self.asked.append((path, authorization))
        if path.endswith(":generateIdToken"):
            token = ".".join(["e30", coded({"azp": CLIENT_ID, "sub": CLIENT_ID}), "c2ln"])
            return (200, {"token": token}) if self.identity else (403, {"error": {"code": 403}})
        self.signed.append(claims(b64decode(json.loads(body)["payload"]).decode()))
        status = self.signs.pop(0) if len(self.signs) > 1 else self.signs[0]
        if status != 200:
            return status, {"error": {"code": status, "message": f"Permission, {ADMIN}"}}
        return 200, {"keyId": "1", "signedBlob": b64encode(SIGNATURE).decode()}


def claims(assertion: str) -> dict[str, Any]:
    return json.loads(unpadded(assertion.split(".")[1]))


def unpadded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def coded(payload: object) -> str:
    return urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")


@pytest.fixture
def google() -> Iterator[Google]:
    google = Google()
    yield google
    google.server.close()


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def key_file(tmp_path: Path, google: Google, private_key: str) -> Path:
    path = tmp_path / "key.json"
    key = {
        "type": "service_account",
        "client_email": ACCOUNT,
        "private_key_id": "1",
        "private_key": private_key,
        "token_uri": google.url + "/token",
    }
    path.write_text(json.dumps(key))
    return path


def ask(google: Google, credentials: Any, threads: int = 1) -> list[Any]:
    """Asks Google's stand-in from threads; a `DirectorySource` shows an endpoint no credentials."""
    service = DirectoryClient(credentials, None, timeout=5)
    calls = RetryingCaller(QUICK, Quota(), Event())
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
    source = DirectorySource(credentials=from_key_file(key_file, ADMIN), retry_policy=QUICK)

    with pytest.raises(AccessRefused, match=remedy) as raised:
        read(tenant(delegatedAdmin=ADMIN), source)
    assert error in str(raised.value)
    assert "Nothing was sent to anyone" in str(raised.value)
    assert "@" not in str(raised.value)


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize(
    "odd",
    [
        *([], [1], 7, True, "no", {}, {"error": []}, {"error": None}),
        {"error": {"error": 1}, "error_description": ["x"]},
        {"access_token": "t", "expires_in": []},
    ],
    ids=str,
)
def test_any_answer_in_a_tokens_place_is_a_failed_reading(
    google: Google, key_file: Path, odd: Any, status: int
):
    google.refusal, google.refuses_with = odd, status

    for credentials in (from_key_file(key_file, ADMIN), without_key(google)):
        with pytest.raises(DirectoryError, match="Nothing was sent to anyone"):
            ask(google, credentials)


def test_credentials_are_not_shown_to_an_endpoint_in_googles_place(google: Google, key_file: Path):
    service = DirectoryClient(from_key_file(key_file, ADMIN), google.url, timeout=5)
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


# Without a key


def without_key(google: Google, runtime: Any = None) -> Any:
    return keyless(
        ACCOUNT,
        ADMIN,
        runtime=runtime or Credentials("runtime-t0ken"),
        iam_credentials=google.url,
        token_uri=google.url + "/token",
    )


def test_without_a_key_the_service_account_signs_and_acts_as_the_administrator(google: Google):
    assert ask(google, without_key(google)) == [{"domains": []}]

    where = f"/v1/projects/-/serviceAccounts/{ACCOUNT}:signBlob"
    assert google.asked == [(where, "Bearer runtime-t0ken")]
    assert google.grants == google.signed
    assert google.signatures == [SIGNATURE]
    assert google.authorizations == ["Bearer t0ken"]
    grant = google.grants[0]
    assert grant["iss"] == ACCOUNT
    assert grant["sub"] == ADMIN
    assert grant["aud"] == "https://oauth2.googleapis.com/token"
    assert grant["scope"].split() == list(SCOPES)
    assert grant["exp"] - grant["iat"] <= 3600


def test_one_signature_serves_all_threads(google: Google):
    ask(google, without_key(google), threads=8)

    assert len(google.asked) == 1
    assert google.authorizations == ["Bearer t0ken"] * 8


@pytest.mark.parametrize("error", ["unauthorized_client", "access_denied"])
def test_a_missing_grant_is_reported_with_what_to_grant_and_to_whom(google: Google, error: str):
    google.refusal = {"error": error, "error_description": f"Client is unauthorized, {ADMIN}"}

    with pytest.raises(AccessRefused) as raised:
        ask(google, without_key(google))
    told = str(raised.value)
    assert error in told
    assert f"client ID {CLIENT_ID}" in told
    assert all(scope in told for scope in SCOPES)
    assert "Domain-wide delegation" in told
    assert "Nothing was sent to anyone" in told
    assert ADMIN not in told


def test_without_an_identity_token_the_service_account_is_named(google: Google):
    google.refusal = {"error": "unauthorized_client"}
    google.identity = False

    with pytest.raises(AccessRefused, match=rf"client ID of {ACCOUNT}"):
        ask(google, without_key(google))


def test_an_administrator_who_is_gone_is_reported_without_the_address(google: Google):
    google.refusal = {"error": "invalid_grant", "error_description": f"Invalid email: {ADMIN}"}

    with pytest.raises(AccessRefused, match=r"delegatedAdmin.*not suspended") as raised:
        ask(google, without_key(google))
    assert "@" not in str(raised.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_who_may_not_sign_is_told_which_role_is_missing(google: Google, status: int):
    google.signs = [status]

    with pytest.raises(AccessRefused, match=r"roles/iam\.serviceAccountTokenCreator") as raised:
        ask(google, without_key(google))
    assert ACCOUNT in str(raised.value)
    assert ADMIN not in str(raised.value)
    assert google.grants == []


def test_a_signature_that_is_refused_for_being_one_too_many_is_asked_for_again(google: Google):
    google.signs = [429, 200]

    assert ask(google, without_key(google)) == [{"domains": []}]
    assert len(google.asked) == 2


@pytest.mark.parametrize(
    ("at_once", "drip"),
    [
        (b"", b"H"),
        (HEAD + b"Content-Length: 99999\r\n\r\n", b" "),
        (HEAD + b"\r\n" + b" " * 200_000, b""),
    ],
    ids=["head", "body", "too large"],
)
def test_the_answer_with_a_signature_has_a_time_and_a_size(
    google: Google, monkeypatch: pytest.MonkeyPatch, at_once: bytes, drip: bytes
):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    hostile = Trickling()
    hostile.at_once, hostile.drip = at_once, drip
    credentials = keyless(
        ACCOUNT,
        ADMIN,
        runtime=Credentials("runtime-t0ken"),
        iam_credentials=hostile.url,
        token_uri=google.url + "/token",
    )
    began = time.monotonic()
    try:
        with pytest.raises(DirectoryError):
            ask(google, credentials)
        assert time.monotonic() - began < 4
        assert google.grants == []
    finally:
        hostile.close()


def test_a_runtime_without_a_token_is_reported(google: Google):
    class Broken(Credentials):
        def refresh(self, request: object) -> None:
            raise RefreshError(f"no token for {ADMIN}")

    with pytest.raises(AccessRefused, match=r"gave no token to sign with") as raised:
        ask(google, without_key(google, Broken(None)))
    assert "@" not in str(raised.value)


def test_no_credentials_at_all_are_reported(monkeypatch: pytest.MonkeyPatch):
    def default(scopes: list[str]) -> None:
        raise DefaultCredentialsError("none")

    monkeypatch.setattr("google.auth.default", default)
    module._runtime.cache_clear()
    credentials = keyless(ACCOUNT, ADMIN)

    with pytest.raises(AccessRefused, match="gcloud auth application-default login"):
        read(
            tenant(delegatedAdmin=ADMIN),
            DirectorySource(credentials=credentials, retry_policy=QUICK),
        )


def test_the_runtimes_own_credentials_are_asked_for_with_the_scope_to_sign(
    google: Google, monkeypatch: pytest.MonkeyPatch
):
    asked = []

    def default(scopes: list[str]) -> tuple[Credentials, str]:
        asked.append(scopes)
        return Credentials("default-t0ken"), "project"

    monkeypatch.setattr("google.auth.default", default)
    module._runtime.cache_clear()
    try:
        for _ in range(2):
            options = {"iam_credentials": google.url, "token_uri": google.url + "/token"}
            ask(google, keyless(ACCOUNT, ADMIN, **options))
    finally:
        module._runtime.cache_clear()
    assert asked == [["https://www.googleapis.com/auth/iam"]]
    assert [authorization for _, authorization in google.asked] == ["Bearer default-t0ken"] * 2
