"""The proxy of docs/deploy.md: nginx takes it, and hands on whole requests only."""

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple

import pytest

from addon.sandbox.loopback import LoopbackServer
from tests.support.egil_tls import server_context
from tests.support.served_by_gunicorn import ROOT, free_port

FRAME = """
user root;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {example}
}}
"""
HOST = "skolsynk.example.se"


class Behind(NamedTuple):
    """The port of the proxy, its authority's certificate, and what has reached the other side."""

    port: int
    ca: Path
    came: list[tuple[str, str, int]]


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    came: list[tuple[str, str, int]] = []

    class Skolsynk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            came.append((self.command, self.headers["Host"], length))
            self.rfile.read(length)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = LoopbackServer(0, Skolsynk)
    server.start()
    server_context(folder)
    port = free_port()
    (example,) = re.findall(
        r"^```nginx\n(.*?)^```", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE | re.DOTALL
    )
    for old, new in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl/skolsynk.pem": f"{folder}/server.pem",
        "/etc/ssl/skolsynk.key": f"{folder}/server.pem",
        "127.0.0.1:8080": f"127.0.0.1:{server.server_port}",
    }.items():
        assert old in example
        example = example.replace(old, new)
    configuration = folder / "nginx.conf"
    configuration.write_text(FRAME.format(folder=folder, example=example))
    command = ["nginx", "-p", str(folder), "-c", str(configuration)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        last = time.monotonic() + 20
        while time.monotonic() < last and process.poll() is None:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield Behind(port, folder / "ca.pem", came)
    finally:
        process.terminate()
        process.wait()
        server.close()


def connect(behind: Behind) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=behind.ca)
    context.check_hostname = False
    plain = socket.create_connection(("127.0.0.1", behind.port), timeout=10)
    return context.wrap_socket(plain)


def head(length: int) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n".encode()


def test_a_request_is_handed_on_when_its_last_byte_has_come(behind: Behind):
    with connect(behind) as client:
        client.sendall(head(100_000) + b"a" * 99_999)
        with connect(behind) as other:  # another is answered meanwhile
            other.sendall(head(1) + b"a")
            assert other.recv(12) == b"HTTP/1.1 200"
        assert behind.came == [("POST", HOST, 1)]
        client.sendall(b"a")
        assert client.recv(12) == b"HTTP/1.1 200"
    assert behind.came[1:] == [("POST", HOST, 100_000)]


def test_a_body_as_large_as_a_page_sends_is_taken_and_a_larger_one_is_not(behind: Behind):
    for length, status in ((6_000_000, b"200"), (6_500_000, b"413")):
        with connect(behind) as client:
            client.sendall(head(length))
            if status == b"200":
                client.sendall(b"a" * length)
            assert client.recv(12)[9:] == status
