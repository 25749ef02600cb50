"""The language of the pages: Swedish by default, English as the alternative."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, redirect, request, session, url_for
from flask_babel import Babel, get_locale
from jinja2 import pass_context
from jinja2.runtime import Context
from werkzeug.wrappers import Response as AnyResponse

from addon.web.formats import number
from addon.web.security.headers import is_public
from addon.web.security.safe_redirect import safe_path

LANGUAGES = ("sv", "en")


def init_app(app: Flask) -> None:
    """Show the pages in the language that the person chose, or else the one of their browser."""
    app.config["BABEL_DEFAULT_LOCALE"] = "sv"
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Europe/Stockholm"
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "translations"
    Babel(app, locale_selector=language)
    words = app.jinja_env.globals
    words["get_locale"] = get_locale
    words["public_page"] = public_page
    words["ngettext"] = _with_numbers_written(words["ngettext"])


def language() -> str:
    """Return the language of this request; Swedish outside a request."""
    if not request:
        return "sv"
    if is_public(request.method, request.path):
        chosen = request.args.get("sprak")
    else:
        chosen = session.get("language")
    return str(chosen) if chosen in LANGUAGES else _of_the_browser()


def public_page(endpoint: str) -> str:
    """Return the address of a public page in the language of this page.

    The language is in it only when the browser would ask for another one.
    """
    now = language()
    return url_for(endpoint, sprak=None if now == _of_the_browser() else now)


def _of_the_browser() -> str:
    return request.accept_languages.best_match(LANGUAGES, "sv") or "sv"


def _with_numbers_written(ngettext: Any) -> Callable[..., Any]:
    """Return a template `ngettext` that formats its number for the language: 11 204 personer."""

    @pass_context
    def counted(context: Context, singular: str, plural: str, num: int, **values: object) -> Any:
        return ngettext(context, singular, plural, num, **{"num": number(num), **values})

    return counted


bp = Blueprint("language", __name__)


@bp.post("/sprak")
def choose() -> AnyResponse:
    """Save the chosen language in the session and go back to the page."""
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        session["language"] = wanted
    return redirect(safe_path(request.form.get("back", "")))
