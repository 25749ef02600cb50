"""Google's token endpoint and its IAM Credentials API, on loopback."""

import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Set
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from google.oauth2.credentials import Credentials

from addon.sandbox.loopback import LoopbackServer

ADMIN = "skolsynk@edu.storvik.se"
ACCOUNT = "skolsynk@project.iam.gserviceaccount.com"


class TokenServer:
    """A server that gives every token until it is told to refuse; `grants` are what was asked."""

    def __init__(self) -> None:
        self.grants: list[dict[str, Any]] = []
        self.runtime = Credentials("runtime")
        self._error = ""
        self._but: Set[str] = frozenset()
        self._open = True
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, answer = server.answer(self.path, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self._server = LoopbackServer(0, Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._server.start()

    def refuse(self, error: str, but: Set[str] = frozenset()) -> None:
        """Refuse tokens with this error, except for the scopes in `but`."""
        self._error, self._but = error, but

    def answer(self, path: str, body: str) -> tuple[int, object]:
        if path != "/token":
            assert json.loads(body)
            signed = b64encode(b"signed").decode()
            token = "e30.eyJhenAiOiAiMTE1NzAwMDAwMDAwMDAwMDAwMDAxIn0.c2ln"
            return 200, {"keyId": "1", "signedBlob": signed, "token": token}
        claims = parse_qs(body)["assertion"][0].split(".")[1]
        grant = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        self.grants.append(grant)
        if self._error and grant["scope"] not in self._but:
            return 401, {"error": self._error, "error_description": ADMIN}
        return 200, {"access_token": "t0ken", "expires_in": 3600, "token_type": "Bearer"}

    def close(self) -> None:
        if self._open:
            self._open = False
            self._server.close()

    def __enter__(self) -> "TokenServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def key_file_for(folder: Path, server: TokenServer, private_key: str) -> Path:
    """A service account's key file whose tokens the server gives."""
    path = folder / "key.json"
    key = {
        "type": "service_account",
        "client_email": ACCOUNT,
        "private_key_id": "1",
        "private_key": private_key,
        "token_uri": f"{server.url}/token",
    }
    path.write_text(json.dumps(key))
    return path
