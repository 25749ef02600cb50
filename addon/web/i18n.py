"""Which language the pages speak: Swedish first, English second."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, redirect, request, session
from flask_babel import Babel, get_locale, gettext
from jinja2 import pass_context
from jinja2.runtime import Context
from werkzeug.wrappers import Response as AnyResponse

from addon.web.formats import number
from addon.web.security.safe_redirect import safe_path

LANGUAGES = ("sv", "en")


def init_app(app: Flask) -> None:
    """Have the application's pages in the language that the person chose, or their browser."""
    app.config["BABEL_DEFAULT_LOCALE"] = "sv"
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Europe/Stockholm"
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "translations"
    Babel(app, locale_selector=language)
    words = app.jinja_env.globals
    words["get_locale"] = get_locale
    words["ngettext"] = _with_numbers_written(words["ngettext"])


def language() -> str:
    """The language of this request."""
    if not request:
        return "sv"
    language = session.get("language")
    if language in LANGUAGES:
        return str(language)
    return request.accept_languages.best_match(LANGUAGES, "sv") or "sv"


def gettext_str(text: str, **values: object) -> str:
    """A text in the language of this request; import it as `_`, so that it is translated."""
    return str(gettext(text, **values))


def _with_numbers_written(ngettext: Any) -> Callable[..., Any]:
    """The templates' `ngettext`, with its number as the language writes it: 11 204 personer."""

    @pass_context
    def counted(context: Context, singular: str, plural: str, num: int, **values: object) -> Any:
        return ngettext(context, singular, plural, num, **{"num": number(num), **values})

    return counted


bp = Blueprint("language", __name__)


@bp.post("/sprak")
def choose() -> AnyResponse:
    """Speak the language that was chosen from now on."""
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        session["language"] = wanted
    return redirect(safe_path(request.form.get("back", "")))
