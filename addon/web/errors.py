"""Error handlers: a page that says what went wrong, or JSON for programs."""

import logging

from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from addon.store.base import StoreError
from addon.tenants.conditions import SlowPatternError
from addon.tenants.document import DocumentError
from addon.validation import Fault
from addon.web.htmx import asks_for_part
from addon.web.security.headers import FOR_PROGRAMS
from addon.web.waiting import TooManyWaitingError

log = logging.getLogger(__name__)

RETRY_AFTER = "10"
"""Seconds."""


def init_app(app: Flask) -> None:
    """Answer errors with pages that people can read, and with JSON where programs ask."""

    @app.errorhandler(HTTPException)
    def in_words(error: HTTPException) -> Response | HTTPException:
        if error.response is not None:
            return error
        first = request.path.split("/")[1]
        if first == "static":
            return error  # nobody reads a page there, and there is no session to render one with
        answer = {"error": error.name} if first in FOR_PROGRAMS else _page(error)
        response = make_response(answer, error.code or 500)
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(StoreError)
    def store_away(error: StoreError) -> tuple[str, int]:
        log.error("a page could not be made: %s", error)
        _without_frame()
        heading = _("Det går inte just nu")
        text = _(
            "Skolsynk når inte sina sparade uppgifter. Inget har gått förlorat. Försök "
            "igen om en stund."
        )
        return render_template("errors/error.html", heading=heading, text=text, back="/"), 503

    @app.errorhandler(TooManyWaitingError)
    def busy(error: TooManyWaitingError) -> Response:
        if request.path.split("/")[1] in FOR_PROGRAMS:
            response = make_response({"error": "busy"}, 503)
        elif asks_for_part():
            response = make_response(render_template("errors/busy_part.html"))
        else:
            page = render_template(
                "errors/error.html", heading=_("Det går inte just nu"), text=_busy(), back="/"
            )
            response = make_response(page, 503)
        response.headers["Retry-After"] = RETRY_AFTER
        return response

    app.jinja_env.globals["busy_text"] = _busy

    @app.errorhandler(SlowPatternError)
    def too_slow(error: SlowPatternError) -> Response | tuple[str, int]:
        if asks_for_part():
            where = {"HX-Retarget": "#utfall", "HX-Reswap": "outerHTML"}
            return make_response(render_template("errors/too_slow_part.html"), where)
        return render_template("errors/too_slow.html", place=error.place), 400

    @app.errorhandler(DocumentError)
    def not_right(error: DocumentError) -> tuple[str, int]:
        return render_template("errors/faults.html", faults=_faults(error)), 400


def _busy() -> str:
    return str(
        _(
            "Många frågor väntar redan på svar från andra system. Inget har ändrats. Försök "
            "igen om en stund."
        )
    )


def _faults(error: DocumentError) -> list[Fault]:
    return error.faults[:50]


def _page(error: HTTPException) -> str:
    code = error.code or 500
    if code >= 500:
        _without_frame()
        return render_template("errors/broken.html")
    heading, text = _words(error, code)
    return render_template("errors/error.html", heading=heading, text=text, back="/")


def _without_frame() -> None:
    """Keep the layout from loading what every page shows: that may be what failed."""
    g.ctx = None


def _words(error: HTTPException, code: int) -> tuple[str, str]:
    if isinstance(error, CSRFError):
        return (
            _("Sidan hade varit öppen för länge"),
            _("Inget har sparats. Gå tillbaka, ladda om sidan och gör om det."),
        )
    if code == 404:
        return _("Sidan finns inte"), _(
            "Adressen är fel, eller så har det som fanns här tagits bort."
        )
    if code == 413:
        return _("Filen är för stor"), _("Inget har sparats. En fil får vara högst 5 MB.")
    if code == 405:
        return _("Sidan kan inte användas så här"), _("Gå tillbaka och använd knapparna på sidan.")
    return _("Det gick inte"), _("Inget har ändrats. Gå tillbaka och försök igen.")
