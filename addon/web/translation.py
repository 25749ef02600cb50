"""Translation of texts to the language of the request, for Python code that needs a `str`."""

from flask_babel import gettext


def gettext_str(text: str, **values: object) -> str:
    """Translate a text to the language of this request.

    Import it as `_`, so that the extraction of messages finds the text.
    """
    return str(gettext(text, **values))
