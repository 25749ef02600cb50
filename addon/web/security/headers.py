"""Response headers, request sizes and the trace of each request."""

from flask import Flask, Response, request

from addon import logs

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Default response headers; an endpoint may set others.
https://owasp.org/www-project-secure-headers/

Images in `data:` are the style sheet's own arrows and check marks.
"""
HSTS = "max-age=31536000; includeSubDomains"
FOR_PROGRAMS = ("addon", "cron", "push", "tasks", "healthz", "readyz")
"""First parts of the paths that are for programs, not people."""
PUBLIC = frozenset(
    {"/hjalp", "/integritet", "/villkor", "/tillganglighet", "/.well-known/security.txt"}
)
"""Addresses that anyone may read: without a session or a tenant, and kept by caches."""
AGREEMENTS = "/avtal/"
"""How the addresses of agreements begin, which are public too."""
LOGO = "/static/logo-128.png"
"""The add-on's logo, which Google's pages show beside the side panel."""
STATIC_KEPT = "public, max-age=600"
LARGEST = 6_000_000
"""Bytes of a request: a register or a document of 5 MB and the form around it."""


def is_public(method: str, path: str) -> bool:
    """Whether a request is for what anyone may read; no session is opened for it."""
    return method in ("GET", "HEAD") and (
        path in PUBLIC or (path.startswith(AGREEMENTS) and path != AGREEMENTS)
    )


def init_app(app: Flask, https_only: bool) -> None:
    """Limit the size of requests, bind their traces to the log, set headers on every response."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST  # a document is sent back as text to be confirmed

    @app.before_request
    def bind_trace() -> None:
        logs.bind_trace(request.headers)

    @app.after_request
    def set_headers(response: Response) -> Response:
        if request.endpoint == "static":
            response.headers["Cache-Control"] = STATIC_KEPT
        if request.path == LOGO:
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if https_only:
            response.headers.setdefault("Strict-Transport-Security", HSTS)
        return response
