"""What is wrong in a document, in the language of the page.

Faults are English where they arise, for the command line; here they are told in Swedish by
their form. What has no Swedish is told as it is.
"""

import re
from collections.abc import Mapping

from flask_babel import get_locale

HINT = re.compile(r"; did you mean (?P<name>.+)\?$")
KINDS: Mapping[str, str] = {
    "text": "text",
    "a date": "ett datum",
    "true or false": "true eller false",
    "a whole number": "ett heltal",
    "a number": "ett tal",
    "null": "null",
    "an object": "ett objekt",
    "a list": "en lista",
    "a list of text": "en lista med text",
    "true": "true",
    "false": "false",
}
FORMS = tuple(
    (re.compile(english), swedish)
    for english, swedish in (
        (r"line (\d+), column (\d+): not JSON: .*", r"rad \1, tecken \2: filen är inte JSON"),
        (r"line (\d+), column (\d+): not UTF-8.*", r"rad \1, tecken \2: spara filen som UTF-8"),
        (r"not JSON: .*", "filen är inte JSON"),
        (r"not a document: nested too deep", "filen är inget dokument: för många nivåer"),
        (r"holds half of a surrogate pair.*", "har ett halvt tecken"),
        (r"unknown key", "okänt namn"),
        (r"missing", "saknas"),
        (r"missing: from is attribute", "saknas: from är attribute"),
        (r"given more than once", "finns mer än en gång"),
        (r"is too large a number", "är ett för stort tal"),
        (
            r"cannot be read as a regular expression: .*",
            "går inte att läsa som ett reguljärt uttryck",
        ),
        (r"is too large a regular expression", "är ett för stort reguljärt uttryck"),
        (r"must be a date such as (\S+)", r"ska vara ett datum som \1"),
        (r"must be one of (.+)", r"ska vara något av \1"),
        (r"must be the customer's id, such as (\S+)", r"ska vara kundens id, till exempel \1"),
        (r"must not be empty", "får inte vara tomt"),
        (r"must not be before from", "får inte vara före from"),
        (r"must not be below (\d+)", r"får inte vara under \1"),
        (r"must be from (\d+) to (\d+)", r"ska vara från \1 till \2"),
        (r"must be eight digits", "ska vara åtta siffror"),
        (r"must be four digits", "ska vara fyra siffror"),
        (r"must be an e-mail address", "ska vara en e-postadress"),
        (r"must be a group's e-mail address", "ska vara en grupps e-postadress"),
        (
            r"must be an OU's whole path, which begins with /",
            "ska vara organisationsenhetens hela sökväg, som börjar med /",
        ),
        (r"must not be the whole organisation", "får inte vara hela organisationen"),
        (r"must be left out: (\w+) takes none", r"ska inte finnas: \1 har inget värde"),
        (r"must be left out: from is (\w+)", r"ska inte finnas: from är \1"),
        (
            r"must be a list of text with at least one in it: (\w+) takes that",
            r"ska vara en lista med minst en text: det är så \1 har det",
        ),
        (r"must be one text: (\w+) takes that", r"ska vara en text: det är så \1 har det"),
        (r"must have the named part (.+)", r"ska ha den namngivna delen \1"),
        (
            r"(?:is empty|holds an empty text); use isEmpty or isNotEmpty",
            "är tom text; använd isEmpty eller isNotEmpty",
        ),
        (
            r"selects nobody: filters only narrow, so name an OU or a group too",
            "väljer ingen: filter tar bara bort, så ange en organisationsenhet eller grupp också",
        ),
        (r"lets everybody through: it has no clause", "släpper igenom alla: det har inga villkor"),
        (
            r"is not the code of a school unit in the document",
            "är inte koden för någon skolenhet i filen",
        ),
        (r"is the code of (\S+) too", r"är koden för \1 också"),
        (r"is the vendor of (\S+) too", r"är leverantören i \1 också"),
        (r"is the same unit as (\S+)", r"är samma skolenhet som \1"),
        (r"(.+) cannot use it; it can use no optional field", r"\1 kan inte ta emot det"),
        (r"(.+) cannot use it; it can use (.+)", r"\1 kan inte ta emot det, men \2"),
        (
            r"names no limit; give it a number, a percent or both",
            "har ingen gräns; ange number, percent eller båda",
        ),
        (
            r"is not an attribute of the Directory API's users",
            "är inget fält som konton har i Workspace",
        ),
        (r"must be (\S+)\.KEY, where KEY is one of (.+)", r"ska vara \1 och något av \2"),
        (r"must be (\S+), such as (\S+)", r"ska vara \1, till exempel \2"),
        (r"must be (customSchemas\S+)", r"ska vara \1"),
    )
)
MISMATCH = re.compile(r"must be (.+), not (.+)")


def fault_words(message: str) -> str:
    """A fault's message in the language of the page."""
    if str(get_locale()) == "en":
        return message
    hint = HINT.search(message)
    said = _said(message[: hint.start()] if hint else message)
    return f"{said}; menade du {hint['name']}?" if hint else said


def _said(message: str) -> str:
    for form, swedish in FORMS:
        match = form.fullmatch(message)
        if match is not None:
            return match.expand(swedish)
    mismatch = MISMATCH.fullmatch(message)
    if mismatch is not None:
        wanted = " eller ".join(KINDS.get(each, each) for each in mismatch[1].split(" or "))
        return f"ska vara {KINDS.get(mismatch[1], wanted)}, inte {KINDS.get(mismatch[2], '')}"
    return message
