"""A vendor that is never the bottleneck: nginx over TLS, in another process.

It checks a key, reads the body and answers 201, at once or after a delay. Needs Debian's
nginx-light and libnginx-mod-http-echo.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from tests.support.egil_tls import server_context

KEY = "bench-key"
ECHO = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
CONFIGURATION = """
load_module {echo};
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
daemon off;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path {folder}/body;
  client_body_buffer_size 64k;
  default_type application/scim+json;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.pem;
    location / {{
      if ($http_x_api_key != "{key}") {{ return 401; }}
      echo_read_request_body;
      {wait}
      echo_status 201;
      echo -n "{{}}";
    }}
  }}
}}
"""


class Server(Struct, frozen=True):
    """The server's address, and the certificate authority that issued its certificate."""

    url: str
    ca_bundle: str


def missing() -> str | None:
    """What must be installed before this can run, or None."""
    if shutil.which("nginx") and ECHO.exists():
        return None
    return "nginx is not installed: apt-get install nginx-light libnginx-mod-http-echo"


@contextmanager
def serve(delay: float = 0.0) -> Iterator[Server]:
    """Run the server, answering after `delay` seconds, until the block ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server_context(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        wait = f"echo_sleep {delay};" if delay else ""
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(echo=ECHO, folder=folder, port=port, key=KEY, wait=wait)
        )
        process = subprocess.Popen(["nginx", "-p", name, "-c", str(folder / "nginx.conf")])
        try:
            _await(port)
            yield Server(f"https://127.0.0.1:{port}", str(folder / "ca.pem"))
        finally:
            process.terminate()
            process.wait()


def alone(server: Server) -> dict[str, object]:
    """The server's own throughput: POSTs per second, by wrk if it is installed."""
    if shutil.which("wrk") is None:
        return {"skipped": "wrk is not installed: apt-get install wrk"}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f'wrk.method = "POST"; wrk.headers["X-API-Key"] = "{KEY}"; '
            'wrk.headers["Content-Type"] = "application/scim+json"; '
            f"wrk.body = '{'x' * 500}'"
        )
        script.flush()
        command = ["wrk", "-t1", "-c16", "-d3s", "-s", script.name, f"{server.url}/Users"]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    line = next(line for line in said.splitlines() if line.startswith("Requests/sec"))
    return {"posts_per_second": round(float(line.split()[1]))}


def _await(port: int) -> None:
    for _ in range(200):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("nginx did not start")
