"""Validation faults of a tenant document, in the language of the page.

A fault carries its kind (an English template) and its values; `SWEDISH` translates the
templates. A fault without a translation is shown in English.
"""

from collections.abc import Mapping

from flask_babel import get_locale

from addon.validation import Fault, Words

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
SWEDISH: Mapping[str, str] = {
    "line {line}, column {column}: not JSON: {why}": "rad {line}, tecken {column}: filen är inte "
    "JSON",
    "line {line}, column {column}: not UTF-8{guess}; save the file as UTF-8": "rad {line}, tecken "
    "{column}: spara filen som UTF-8",
    "not JSON: {why}": "filen är inte JSON",
    "not a document: nested too deep": "filen har för många nivåer",
    "holds half of a surrogate pair, which is no character": "innehåller ett trasigt tecken",
    "unknown key": "okänt namn",
    "has more than {most} values": "har mer än {most} värden",
    "has more than {most} different regular expressions": "har mer än {most} olika reguljära "
    "uttryck",
    "is longer than {most} characters": "är längre än {most} tecken",
    "missing": "saknas",
    "missing: from is attribute": "saknas: from är attribute",
    "given more than once": "finns mer än en gång",
    "is too large a number": "är ett för stort tal",
    "cannot be read as a regular expression: {why}": "går inte att läsa som ett reguljärt uttryck",
    "is too large a regular expression": "är ett för stort reguljärt uttryck",
    "must be {wanted}, not {given}": "ska vara {wanted}, inte {given}",
    "must be a date such as {example}": "ska vara ett datum som {example}",
    "must be one of {names}": "ska vara något av {names}",
    "must be the customer's id, such as {example}": "ska vara kundens id, till exempel {example}",
    "must be an administrator of this customer, as Google answers": "ska vara en administratör i "
    "er Google Workspace, och det svarar Google att kontot inte är",
    "is another organiser's school unit in the register": "är en annan huvudmans skolenhet i "
    "Skolverkets register. Stämmer det inte, eller sköter ni skolan åt den andra huvudmannen, så "
    "kan den som driver Skolsynk lägga till den",
    "is the school unit of another organisation that uses Skolsynk": "finns redan hos en annan "
    "organisation som använder Skolsynk, och skickas bara därifrån. Kontakta den som driver "
    "Skolsynk om den är er",
    "must not be empty": "får inte vara tomt",
    "must not be before from": "får inte vara före from",
    "must not be below {least}": "får inte vara under {least}",
    "must be from {least} to {most}": "ska vara från {least} till {most}",
    "has no rule; leave it out, or give it at least one": "har ingen regel; ta bort namnet, eller "
    "ange minst en",
    "must be the account's id in Workspace, not an address; the first column of `preview --csv` "
    "has it": "ska vara kontots id i Workspace, inte en adress; det står i den första kolumnen i "
    "filen från `preview --csv`",
    "must be the externalId that the class has at the vendor, such as {example}; the unit's page "
    "leaves it out without it": "ska vara det externalId som klassen har hos leverantören, till "
    "exempel {example}; på skolenhetens sida undantas klassen utan det",
    "must be eight digits": "ska vara åtta siffror",
    "must be four digits": "ska vara fyra siffror",
    "must be an e-mail address": "ska vara en e-postadress",
    "must be a group's e-mail address": "ska vara en grupps e-postadress",
    "must be an OU's whole path, which begins with /": "ska vara organisationsenhetens hela "
    "sökväg, som börjar med /",
    "must not be the whole organisation": "får inte vara hela organisationen",
    "must be left out: {operator} takes none": "ska utelämnas: {operator} tar inget värde",
    "must be left out: from is {source}": "ska utelämnas: from är {source}",
    "must be left out: as is {form}": "ska utelämnas: as är {form}",
    "must be a list of text with at least one in it: {operator} takes that": "ska vara en lista "
    "med minst en text: {operator} kräver det",
    "must be one text: {operator} takes that": "ska vara en text: {operator} kräver det",
    "must have the named part {part}": "ska ha den namngivna delen {part}",
    "is empty; use isEmpty or isNotEmpty": "är tom text; använd isEmpty eller isNotEmpty",
    "holds an empty text; use isEmpty or isNotEmpty": "innehåller en tom text; använd isEmpty "
    "eller isNotEmpty",
    "selects nobody: filters only narrow, so name an OU or a group too": "väljer ingen: filter "
    "begränsar bara, så ange en organisationsenhet eller grupp också",
    "lets everybody through: it has no clause": "släpper igenom alla: det har inga villkor",
    "is not the code of a school unit in the document": "är inte koden för någon skolenhet i filen",
    "is the code of {other} too": "är koden för {other} också",
    "is the vendor of {other} too": "är leverantören i {other} också",
    "is the same unit as {other}": "är samma skolenhet som {other}",
    "{vendor} cannot use it; it can use no optional field": "{vendor} kan inte ta emot det",
    "{vendor} cannot use it; it can use {fields}": "{vendor} kan inte ta emot det, bara {fields}",
    "names no limit; give it a number, a percent or both": "har ingen gräns; ange number, percent "
    "eller båda",
    "is not an attribute of the Directory API's users": "är inget fält som konton har i Workspace",
    "must be {first}.KEY, where KEY is one of {keys}": "ska vara {first}.KEY, där KEY är något av "
    "{keys}",
    "must be {first}.TYPE, such as {first}.work": "ska vara {first}.TYPE, till exempel "
    "{first}.work",
    "must be customSchemas.SCHEMA.FIELD": "ska vara customSchemas.SCHEMA.FIELD",
}


def fault_text(fault: Fault) -> str:
    """Return the text of the fault without its place, in the language of the page."""
    swedish = SWEDISH.get(fault.template)
    if swedish is None or str(get_locale()) == "en":
        return fault.message
    said = swedish.format_map({name: _in_swedish(value) for name, value in fault.values})
    return f"{said}; menade du {fault.hint}?" if fault.hint else said


def _in_swedish(value: str | int | Words) -> str | int:
    if not isinstance(value, tuple):
        return value
    words = (
        KINDS.get(word, word) if isinstance(word, str) else "något av " + ", ".join(map(str, word))
        for word in value
    )
    return " eller ".join(words)
