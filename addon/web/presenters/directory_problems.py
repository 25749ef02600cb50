"""Why Google Workspace could not be read, in words, and what to do about it."""

from collections.abc import Mapping
from typing import Literal

from flask_babel import lazy_gettext
from msgspec import Struct

from addon.directory.errors import DirectoryProblem
from addon.web.translation import gettext_str as _

Where = Literal["access", "reader", "protected", "runs", ""]


class DirectoryWords(Struct, frozen=True):
    """What is wrong, the next step, and which page has the remedy; `where` is empty if none."""

    what: str
    step: str
    where: Where


AGAIN = lazy_gettext("Nästa körning försöker igen.")
PROBLEMS: Mapping[DirectoryProblem, tuple[object, object, Where]] = {
    "access": (
        lazy_gettext("Skolsynk har inte tillgång till ert Google Workspace."),
        lazy_gettext("Bevilja åtkomsten i Admin-konsolen och läs katalogen igen."),
        "access",
    ),
    "reader": (
        lazy_gettext(
            "Google låter inte Skolsynk läsa med det konto som är valt. Det kan vara avstängt, "
            "borttaget eller inte längre administratör."
        ),
        lazy_gettext("Välj ett annat konto, eller rätta det i Admin-konsolen."),
        "reader",
    ),
    "set-up": (
        lazy_gettext("Skolsynks egen anslutning till Google fungerar inte. Felet är vårt."),
        "",
        "",
    ),
    "day-quota": (
        lazy_gettext("Google tar inte emot fler frågor i dag."),
        lazy_gettext(
            "Efter klockan nio nästa morgon går det att läsa igen. Du behöver inte göra något."
        ),
        "runs",
    ),
    "busy": (
        lazy_gettext("Google bad Skolsynk att vänta, eftersom frågorna kom för tätt."),
        AGAIN,
        "runs",
    ),
    "no-answer": (
        lazy_gettext("Google svarade inte som väntat, trots flera försök."),
        lazy_gettext("Det går oftast över av sig självt. Nästa körning försöker igen."),
        "runs",
    ),
    "protected-unknown": (
        lazy_gettext(
            "En grupp eller organisationsenhet som är angiven som skyddad finns inte, eller så är "
            "alla med i den. Skolsynk vet då inte vilka som är skyddade, och skickar inget till "
            "någon."
        ),
        "",
        "protected",
    ),
    "odd-answer": (
        lazy_gettext("Google svarade något som Skolsynk inte kan tolka."),
        AGAIN,
        "runs",
    ),
}
"""What is wrong, what to do and where."""
ASK = frozenset({"set-up", "odd-answer", "no-answer", "busy"})
"""Those that support helps with when they last."""


def directory_words(problem: str, support: str) -> DirectoryWords:
    """Return the words of a DirectoryProblem; those of one that is not known if it is another.

    `support` is whom the school writes to about Skolsynk, as a sentence names them.
    """
    found = next((words for code, words in PROBLEMS.items() if code == problem), None)
    if found is None:
        step = _(
            "Vänta en stund och läs den igen. Hör av dig till %(support)s om det inte hjälper.",
            support=support,
        )
        return DirectoryWords("", step, "")
    what, said, where = found
    steps = [str(said)]
    if problem == "set-up":
        steps.append(_("%(support)s behöver rätta det.", support=support))
    elif problem in ASK:
        steps.append(
            _(
                "Håller det i sig en dag, hör av dig till %(support)s.",
                support=support,
            )
        )
    return DirectoryWords(str(what), " ".join(filter(None, steps)), where)
