"""What every request and answer has in common: its trace, careful headers, errors in JSON."""

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from addon import logs

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "Cache-Control": "no-store",
}
"""Where an endpoint says nothing else. https://owasp.org/www-project-secure-headers/"""
HSTS = "max-age=31536000"
FOR_PROGRAMS = ("cron", "tasks", "healthz", "readyz")
"""First parts of the paths that programs ask, not people."""


def common(app: Flask, https_only: bool) -> None:
    """Give the application's requests and answers what they have in common."""

    @app.before_request
    def with_its_trace() -> None:
        logs.follow(request.headers)

    @app.after_request
    def with_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if https_only:
            response.headers.setdefault("Strict-Transport-Security", HSTS)
        return response

    @app.errorhandler(HTTPException)
    def as_json(error: HTTPException) -> Response | HTTPException:
        if request.path.split("/")[1] not in FOR_PROGRAMS or error.response is not None:
            return error
        response = jsonify({"error": error.name})
        response.status_code = error.code or 500
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response
