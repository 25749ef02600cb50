"""What each finding means and how to correct it in Workspace, in words for an administrator.

The texts are Swedish; their English, the language of a finding's own message, is in the
translations.
"""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _
from msgspec import Struct

from addon.roster.model import Finding

ADMIN = _("Öppna Google Admin-konsolen, Katalog och sedan Användare, och sök upp kontot.")
GROUPS = _("Öppna Google Admin-konsolen, Katalog och sedan Grupper, och sök upp gruppen.")
NEXT_RUN = _("Klart: ändringen kommer med automatiskt vid nästa körning.")


class FindingLabel(Struct, frozen=True):
    """A finding in words: `summary` describes its kind, `meaning` this finding."""

    title: str
    summary: str
    meaning: str
    steps: tuple[str, ...]


class _Text(Struct, frozen=True):
    title: object
    summary: object
    meaning: object
    steps: tuple[object, ...]


TEXTS: Mapping[str, _Text] = {
    "protection-ended": _Text(
        _("Skyddet har upphört"),
        _("Personer som var skyddade och inte längre ligger i någon skyddad grupp eller enhet."),
        _("Personen var skyddad, men finns inte längre i någon skyddad grupp eller enhet."),
        (
            _("Ska personen vara skyddad: lägg tillbaka kontot i gruppen eller enheten."),
            _(
                "Annars: öppna Skyddade här och släpp personen. Till dess skickas inget om "
                "personen."
            ),
        ),
    ),
    "missing-family-name": _Text(
        _("Efternamn saknas"),
        _("Konton utan efternamn skickas inte till någon leverantör."),
        _("Kontot saknar efternamn."),
        (ADMIN, _("Fyll i efternamnet."), NEXT_RUN),
    ),
    "missing-given-name": _Text(
        _("Förnamn saknas"),
        _("Konton utan förnamn skickas inte till någon leverantör."),
        _("Kontot saknar förnamn."),
        (ADMIN, _("Fyll i förnamnet."), NEXT_RUN),
    ),
    "name-unusable": _Text(
        _("Namnet går inte att använda"),
        _("Konton vars namn bara har osynliga eller oläsliga tecken skickas inte."),
        _("Förnamnet eller efternamnet har bara osynliga eller oläsliga tecken."),
        (ADMIN, _("Skriv namnet på nytt."), NEXT_RUN),
    ),
    "address-invalid": _Text(
        _("Ofullständig e-postadress"),
        _("Konton vars primära e-postadress inte är en hel adress skickas inte."),
        _("Den primära e-postadressen är inte en hel adress."),
        (ADMIN, _("Rätta den primära e-postadressen."), NEXT_RUN),
    ),
    "address-outside-domains": _Text(
        _("E-postadress utanför era domäner"),
        _("Adressen hör inte till någon av era verifierade domäner. Personen skickas ändå."),
        _("Den primära e-postadressen hör inte till någon av era verifierade domäner."),
        (
            _("Kontrollera att kontot verkligen hör till er organisation."),
            _("Om domänen är er: verifiera den under Konto och sedan Domäner i Admin-konsolen."),
        ),
    ),
    "org-unit-missing": _Text(
        _("Organisationsenhet finns inte"),
        _("Ett urval pekar på en organisationsenhet som inte finns i Workspace."),
        _("%(subject)s finns inte. Den kan ha bytt namn, flyttats eller tagits bort."),
        (
            _("Har den bytt namn: svara under Spärrar, eller kryssa i den nya i urvalet."),
            _("Har den flyttats av misstag: flytta tillbaka den i Admin-konsolen."),
        ),
    ),
    "org-unit-renamed": _Text(
        _("Organisationsenhet har bytt namn eller flyttats"),
        _("Urvalet följer med enheten, så ingen tas bort på grund av bytet."),
        _("%(subject)s heter nu %(path)s. Urvalet följer med, och ingen tas bort."),
        (_("Svara ja under Spärrar, så får alla regler som använder enheten dess nya namn."),),
    ),
    "unit-elsewhere": _Text(
        _("Skolenheten finns redan hos en annan huvudman"),
        _("En skolenhet som finns hos två huvudmän skickas bara för den som hade den först."),
        _(
            "En annan huvudman hade skolenheten %(subject)s i Skolsynk först. Därför skickas "
            "ingenting om den härifrån, varken elever, personal eller klasser."
        ),
        (
            _("Kontrollera skolenhetskoden. Är den fel: ta bort skolenheten och lägg till rätt."),
            _("Är skolenheten er: kontakta oss, så reder vi ut det med den andra huvudmannen."),
        ),
    ),
    "not-compared": _Text(
        _("Ingen tidigare läsning att jämföra med"),
        _(
            "Det nya skickas, men inget tas bort eller ändras förrän katalogen har lästs en gång "
            "till."
        ),
        _(
            "Skolsynk har inget kvar av tidigare läsningar av katalogen, men leverantörerna har "
            "det som skickades då. Tills katalogen har lästs en gång till, minst tio minuter "
            "senare, skickas bara det som är nytt."
        ),
        (
            _("Du behöver inte göra något: nästa körning tar bort och ändrar som vanligt."),
            _("Står det kvar i flera timmar är Googles listor ofullständiga."),
        ),
    ),
    "removal-unconfirmed": _Text(
        _("Saknas i katalogen, men tas inte bort än"),
        _("Att någon saknas i ett svar från Google räcker inte för att personen ska tas bort."),
        _(
            "Personer, klasser eller medlemskap på %(unitName)s saknas i katalogen utan att "
            "Google har bekräftat att de är borta: %(count)s. Inget av det tas bort hos "
            "leverantörerna så länge."
        ),
        (
            _("Har de slutat behöver du inte göra något: nästa läsning av katalogen avgör."),
            _("Står anmärkningen kvar: se över skolenhetens organisationsenheter och grupper."),
        ),
    ),
    "group-missing": _Text(
        _("Grupp finns inte"),
        _("Ett urval pekar på en grupp som inte finns i Workspace."),
        _("%(subject)s finns inte. Den kan ha bytt adress eller tagits bort."),
        (_("Öppna skolenheten här och välj gruppen på nytt, eller ta bort den ur urvalet."),),
    ),
    "exception-unknown": _Text(
        _("Undantag som inte går att läsa"),
        _(
            "Ett urval har ett undantag för en organisationsenhet eller grupp som inte finns i "
            "Workspace eller inte gick att läsa helt."
        ),
        _(
            "%(subject)s är undantagen på %(unitName)s men finns inte eller gick inte att läsa "
            "helt. Därför skickas ingen ny därifrån: %(count)s personer väntar."
        ),
        (_("Öppna urvalet på skolenheten, och välj undantaget på nytt eller ta bort det."),),
    ),
    "protected-org-unit-missing": _Text(
        _("Organisationsenhet för skyddade personer finns inte"),
        _("Den skyddar alltså ingen, och inget skickas förrän det är rättat."),
        _("%(subject)s finns inte, så den skyddar ingen."),
        (_("Öppna Skyddade personuppgifter här och välj rätt organisationsenhet."),),
    ),
    "protected-group-missing": _Text(
        _("Grupp för skyddade personer finns inte"),
        _("Den skyddar alltså ingen, och inget skickas förrän det är rättat."),
        _("%(subject)s finns inte, så den skyddar ingen."),
        (_("Öppna Skyddade personuppgifter här och välj rätt grupp."),),
    ),
    "protected-member-unknown": _Text(
        _("Skyddade personer som inte kan identifieras"),
        _("Medlemmar som inte går att knyta till ett konto skyddas inte."),
        _("Medlemmar i %(subject)s som inte går att knyta till ett konto: %(count)s."),
        (
            GROUPS,
            _("Ta bort adresser som inte hör till något konto."),
            _("Lägg till personernas konton på nytt, med deras primära e-postadresser."),
        ),
    ),
    "staff-in-student-selector": _Text(
        _("Både personal och elev"),
        _("Personer som valts både som personal och som elev skickas som personal."),
        _("Personen är vald både som personal och som elev, och skickas som personal."),
        (
            ADMIN,
            _("Flytta kontot till rätt organisationsenhet, eller ändra skolenhetens urval."),
            NEXT_RUN,
        ),
    ),
    "student-in-several-units": _Text(
        _("Elev på flera skolenheter"),
        _("Det kan stämma, till exempel vid delad skolgång. Annars är ett urval för brett."),
        _("Eleven är vald för flera skolenheter: %(units)s."),
        (_("Om det inte är meningen: ändra urvalen så att bara ett av dem omfattar eleven."),),
    ),
    "student-without-class": _Text(
        _("Elev utan klass"),
        _("Eleverna skickas, men hamnar inte i någon klass hos leverantören."),
        _("Eleven har ingen klass på %(unitName)s."),
        (
            ADMIN,
            _("Lägg eleven i klassens organisationsenhet eller grupp, eller fyll i klassen."),
            _("Gäller det många: se över regeln för klasser på skolenheten här."),
        ),
    ),
    "student-class-excepted": _Text(
        _("Elevens klass är undantagen"),
        _("Eleverna skickas utan klass, eftersom deras klass är undantagen på skolenheten."),
        _("Undantagen på %(unitName)s: %(names)s. Eleven har ingen annan klass."),
        (_("Om det inte är meningen: ta bort undantaget på skolenhetens sida för klasser."),),
    ),
    "student-in-several-classes": _Text(
        _("Elev i flera klasser"),
        _("Det kan stämma. Annars ligger eleven kvar i en gammal klass."),
        _("Eleven är med i %(count)s klasser på %(unitName)s."),
        (_("Om det inte är meningen: ta bort eleven ur alla utom en."), NEXT_RUN),
    ),
    "student-without-school-year": _Text(
        _("Elev utan årskurs"),
        _("Eleverna skickas, men utan årskurs."),
        _("Ingen årskurs hittas för eleven på %(unitName)s."),
        (
            _("Rätta klassens namn eller uppgiften på kontot."),
            _("Gäller det många: se över regeln för årskurs på skolenheten här."),
            _("Har klassen ingen årskurs, som introduktionsprogrammen: skriv det i regeln."),
        ),
    ),
    "school-year-out-of-range": _Text(
        _("Årskursen går inte att tolka"),
        _("Eleverna skickas, men utan årskurs."),
        _("Årskursen på %(unitName)s är inte ett helt tal från 0 till 13."),
        (_("Rätta uppgiften på kontot, eller regeln för årskurs på skolenheten här."),),
    ),
    "selector-without-match": _Text(
        _("Ett urval omfattar ingen"),
        _("En skolenhets urval ger inga personer."),
        _("Ett urval på %(unitName)s omfattar ingen."),
        (_("Öppna skolenheten här och se över organisationsenheter, grupper och filter."),),
    ),
    "class-pattern-without-match": _Text(
        _("Inga klasser hittas"),
        _("Regeln för klasser hittar ingen klass."),
        _("Regeln för klasser på %(unitName)s hittar ingen."),
        (_("Öppna skolenheten här och välj ett annat sätt att hitta klasserna."),),
    ),
    "teaching-group-pattern-without-match": _Text(
        _("Inga undervisningsgrupper hittas"),
        _("Regeln för undervisningsgrupper hittar ingen grupp."),
        _("Regeln för undervisningsgrupper på %(unitName)s hittar ingen."),
        (_("Öppna skolenheten här och välj ett annat sätt, eller stäng av regeln."),),
    ),
    "placement-reduced": _Text(
        _("Leverantören tar bara emot en placering"),
        _("Den första skolenheten och den första klassen där skickas."),
        _("%(vendor)s tar emot en skolenhet och en klass per person, och personen har flera."),
        (_("Ändra skolenheternas ordning under Skolenheter om en annan ska komma först."),),
    ),
    "duplicate-class-name": _Text(
        _("Klasser med samma namn"),
        _("De går inte att skilja åt hos leverantören."),
        _("%(count)s klasser på %(unitName)s heter %(name)s."),
        (_("Ge klasserna olika namn i Workspace, eller ta bort dem som inte används."),),
    ),
    "teaching-group-named-as-class": _Text(
        _("Undervisningsgrupp med klassens namn"),
        _("Bara klassen skickas."),
        _("På %(unitName)s har en undervisningsgrupp samma namn som klassen %(name)s."),
        (GROUPS, _("Ge undervisningsgruppen ett annat namn."), NEXT_RUN),
    ),
    "group-without-students": _Text(
        _("Grupp utan elever"),
        _("Gruppen hittas av en regel men har ingen vald elev, så den skickas inte."),
        _("%(subject)s har ingen vald elev."),
        (GROUPS, _("Lägg till eleverna i gruppen, eller ta bort gruppen om den är gammal.")),
    ),
    "member-not-selected": _Text(
        _("Gruppmedlemmar som inte är valda"),
        _("De är med i en grupp som skickas men hör inte till någon skolenhets urval."),
        _("%(count)s av medlemmarna i %(subject)s är inte med i något urval och skickas inte."),
        (_("Ska de skickas: utöka skolenhetens urval så att det omfattar dem."),),
    ),
}


def finding_label(finding: Finding | None, code: str | None = None) -> FindingLabel:
    """Return the label of a finding, or of a kind of finding when only its `code` is given."""
    code = code or (finding.code if finding is not None else "")
    text = TEXTS.get(code)
    if text is None:
        said = finding.message if finding is not None else code
        return FindingLabel(code, said, said, ())
    values = {} if finding is None else {**dict(finding.values), "subject": finding.subject}
    meaning = str(text.meaning) % _Known(values) if values else str(text.summary)
    steps = tuple(str(step) for step in text.steps)
    return FindingLabel(str(text.title), str(text.summary), meaning, steps)


class _Known(dict[str, str]):
    """Values by name; an unknown name gives a dash instead of an error."""

    def __missing__(self, key: str) -> str:
        return "–"
