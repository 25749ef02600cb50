"""The findings school by school, and a letter to each school about what it can correct."""

from collections.abc import Mapping, Sequence

from flask_babel import lazy_gettext
from msgspec import Struct

from addon.sync.known_findings import Known
from addon.web.finding_texts import finding_label
from addon.web.presenters.findings import FindingKind, FindingRow
from addon.web.translation import gettext_str as _

QUESTIONS: Mapping[str, object] = {
    "missing-family-name": lazy_gettext(
        "Efternamnet saknas, så personen får inget konto i läromedlen. Vilket är efternamnet?"
    ),
    "missing-given-name": lazy_gettext(
        "Förnamnet saknas, så personen får inget konto i läromedlen. Vilket är förnamnet?"
    ),
    "name-unusable": lazy_gettext(
        "Namnet går inte att läsa, så personen får inget konto i läromedlen. Hur ska det skrivas?"
    ),
    "address-invalid": lazy_gettext(
        "E-postadressen är inte fullständig, så personen får inget konto i läromedlen. Vilken "
        "adress ska personen ha?"
    ),
    "staff-in-student-selector": lazy_gettext(
        "Personen finns både bland personalen och bland eleverna. Vilket är rätt?"
    ),
    "student-in-several-units": lazy_gettext(
        "Eleven finns på flera skolenheter. Vilken går eleven på? Är det flera, skriv det."
    ),
    "student-without-class": lazy_gettext(
        "Eleven finns inte i någon klass, och får därför inte klassens läromedel. Vilken klass "
        "går eleven i?"
    ),
    "student-in-several-classes": lazy_gettext("Eleven finns i flera klasser. Vilken är rätt?"),
    "student-without-school-year": lazy_gettext("Årskursen saknas. Vilken årskurs går eleven i?"),
    "school-year-out-of-range": lazy_gettext(
        "Årskursen går inte att tolka. Vilken årskurs går eleven i?"
    ),
    "duplicate-class-name": lazy_gettext(
        "Flera klasser har samma namn och går inte att skilja åt. Vad ska de heta?"
    ),
    "teaching-group-named-as-class": lazy_gettext(
        "En undervisningsgrupp heter likadant som en klass. Vad ska gruppen heta?"
    ),
    "group-without-students": lazy_gettext(
        "Gruppen har inga elever. Används den, och vilka ska i så fall vara med?"
    ),
}
"""What a school is asked about each finding that it knows the answer to, by code."""


class SchoolFindings(Struct, frozen=True):
    """How many findings a unit has: `errors`, `others` and, apart from them, `known`.

    `asked` is how many of those that are not known the letter asks about.
    """

    code: str
    name: str
    errors: int
    others: int
    known: int
    asked: int


class LetterPart(Struct, frozen=True):
    """What the letter asks about one kind of finding, and for whom or what."""

    title: str
    question: str
    about: tuple[str, ...]


def by_school(
    kinds: Sequence[FindingKind], known: Known, names: Mapping[str, str]
) -> tuple[SchoolFindings, ...]:
    """Return the units that have findings, in the order of `names`: names by code."""
    counts = {code: [0, 0, 0, 0] for code in names}
    for kind in kinds:
        column = 0 if kind.severity == "error" else 1
        open_ones, known_ones = kind.told_apart(known)
        for about in open_ones:
            for code in set(about.units) & counts.keys():
                counts[code][column] += 1
                counts[code][3] += kind.code in QUESTIONS
        for about in known_ones:
            for code in set(about.units) & counts.keys():
                counts[code][2] += 1
    return tuple(
        SchoolFindings(code, names[code], *found) for code, found in counts.items() if any(found)
    )


def letter(kinds: Sequence[FindingKind], known: Known, unit: str) -> tuple[LetterPart, ...]:
    """Return what to ask a unit, in the order of `kinds`, without what is known."""
    parts = []
    for kind in kinds:
        about = [each for each in kind.told_apart(known)[0] if unit in each.units]
        if about and kind.code in QUESTIONS:
            title = finding_label(about[0].finding).title
            parts.append(LetterPart(title, str(QUESTIONS[kind.code]), tuple(map(_subject, about))))
    return tuple(parts)


def letter_text(parts: Sequence[LetterPart], unit: str, organisation: str) -> str:
    """Return the letter as plain text; `unit` and `organisation` are names."""
    paragraphs = [
        _("Hej,"),
        _(
            "Uppgifterna om elever och personal på %(unit)s hämtas från Google Workspace och "
            "skickas till era digitala läromedel. Det som står här nedanför behöver rättas. Svara "
            "på det här meddelandet med det som är rätt. Kommer uppgifterna från ert elevregister "
            "behöver de rättas där också.",
            unit=unit,
        ),
    ]
    for part in parts:
        heading = f"{part.title} ({len(part.about)})" if len(part.about) > 1 else part.title
        paragraphs.append("\n".join((heading, part.question, *(f"- {who}" for who in part.about))))
    paragraphs.append(
        _("Stämmer något redan som det är? Skriv det, så frågar vi inte om det igen.")
    )
    paragraphs.append(_("Hälsningar") + "\n" + organisation)
    return "\n\n".join(paragraphs) + "\n"


def _subject(about: FindingRow) -> str:
    if about.user is not None:
        units = about.values.get("units", "")
        named = f"{about.name} ({about.user.primary_email})"
        return f"{named}: {units}" if units else named
    if about.finding.code == "group-without-students":
        return about.name
    return finding_label(about.finding).meaning
