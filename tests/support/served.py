"""The real application on loopback, and a signer in Google's place."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flask import Flask
from google.auth import crypt, jwt
from werkzeug.serving import make_server

from addon.sandbox.loopback import LoopbackServer, stop


class Served:
    """An application on a free port of loopback, from `with` until its end."""

    def __init__(self, app: Flask | None = None) -> None:
        self.app = app
        self._server = make_server("127.0.0.1", 0, self._wsgi, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _wsgi(self, environ: Any, start_response: Any) -> Any:
        assert self.app is not None, "no application yet"
        return self.app(environ, start_response)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._server)


class Google:
    """Signs tokens with keys made at test time, and publishes their certificates."""

    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.time
        self.fetched = 0
        self.status = 200
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self.rotate("key-1")
        google = self

        class Certificates(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                google.fetched += 1
                body = json.dumps(google.certificates()).encode()
                self.send_response(google.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = LoopbackServer(0, Certificates)
        self.certs_url = f"http://127.0.0.1:{self._http.server_address[1]}/certs"

    def __enter__(self) -> Self:
        self._http.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def rotate(self, key_id: str) -> None:
        """Sign with a new key from now on."""
        self._keys[key_id] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = key_id

    def certificates(self) -> dict[str, str]:
        """What is published: key ids and X.509 certificates."""
        return {key_id: _certificate(key) for key_id, key in self._keys.items()}

    def token(self, email: str, audience: str, /, **claims: Any) -> str:
        """A token as Google gives one to Cloud Tasks; a claim that is None is left out."""
        now = int(self.clock())
        whole = {
            "iss": "https://accounts.google.com",
            "aud": audience,
            "sub": "1234567890",
            "azp": "1234567890",
            "email": email,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
        } | claims
        pem = self._keys[self._key_id].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        signer = crypt.RSASigner.from_string(pem, self._key_id)
        told = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(signer, told).decode()


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
