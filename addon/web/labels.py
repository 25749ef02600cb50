"""The domain's codes as words in the pages, in Swedish or English."""

import re
from collections.abc import Mapping

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from addon.tenants.model import Tenant
from addon.vendors.profiles import Vendor
from addon.web.finding_texts import TEXTS, finding_label
from addon.web.formats import number

Words = Mapping[str, object]

MODES: Words = {"off": _("Av"), "test": _("Testläge"), "live": _("Skarpt läge")}
RUN_STATUSES: Words = {
    "running": _("Pågår"),
    "done": _("Klar"),
    "failed": _("Delvis misslyckad"),
    "held": _("Spärrad"),
    "unread": _("Katalogen lästes inte"),
    "cut off": _("Avbruten"),
    "superseded": _("Ersatt av en annan körning"),
    "paused": _("Paus"),
}
RUN_KINDS = {"running": "info", "done": "ok", "held": "wait", "failed": "stop", "unread": "stop"}
CONNECTION_STATUSES: Words = {
    "delivered": _("Skickat"),
    "unchanged": _("Inget hade ändrats"),
    "failed": _("Misslyckades"),
    "held": _("Spärrat"),
    "off": _("Av"),
}
RESOURCE_TYPES: Words = {
    "User": _("personer"),
    "StudentGroup": _("klasser och grupper"),
    "SchoolUnit": _("skolenheter"),
    "Employment": _("anställningar"),
    "Activity": _("aktiviteter"),
    "Organisation": _("organisationer"),
}
FIELDS: Words = {
    "email": _("E-postadress som kontaktuppgift"),
    "schoolYear": _("Årskurs"),
    "cloudId": _("Kontots id i Google, för inloggning med Google"),
    "schoolType": _("Skolform"),
}
SEVERITIES: Words = {
    "error": _("Skickas inte"),
    "warning": _("Se över"),
    "info": _("Bra att veta"),
}
REASONS: Words = {
    "suspended": _("Kontot är avstängt i Workspace"),
    "archived": _("Kontot är arkiverat i Workspace"),
    "deleted": _("Kontot är borttaget i Workspace"),
    "gone": _("Kontot finns inte kvar i Workspace"),
    "excepted": _("Undantagen"),
    "filtered": _("Bortvald av ett filter"),
    "not selected": _("Inte med i något urval"),
    "no chosen school unit": _("Skolenheten går inte till någon leverantör"),
    "vendor off": _("Leverantören är av"),
    "protected": _("Skyddade personuppgifter"),
}
ATTRIBUTES: Words = {
    "id": _("Kontots id"),
    "primaryEmail": _("E-postadress"),
    "name.givenName": _("Förnamn"),
    "name.familyName": _("Efternamn"),
    "orgUnitPath": _("Organisationsenhet"),
    "groups": _("Grupper"),
    "organizations.department": _("Avdelning"),
    "organizations.title": _("Titel"),
    "organizations.costCenter": _("Kostnadsställe"),
    "organizations.description": _("Typ av anställning"),
    "externalIds.organization": _("Anställnings- eller elevnummer"),
}
OPERATORS: Words = {
    "equals": _("är"),
    "notEquals": _("är inte"),
    "in": _("är någon av"),
    "notIn": _("är ingen av"),
    "startsWith": _("börjar med"),
    "endsWith": _("slutar med"),
    "contains": _("innehåller"),
    "notContains": _("innehåller inte"),
    "matches": _("stämmer med reguljärt uttryck"),
    "notMatches": _("stämmer inte med reguljärt uttryck"),
    "isEmpty": _("är tomt"),
    "isNotEmpty": _("är ifyllt"),
}
SCOPES: Words = {
    "user": _("Personer"),
    "orgunit": _("Organisationsenheter"),
    "group": _("Grupper"),
    "group.member": _("Gruppernas medlemmar"),
    "domain": _("Domäner"),
    "customer": _("Uppgifter om organisationen"),
}
"""What the scopes of the Directory API are for, by the part of their names that differs."""
REGISTER_STATUSES: Words = {
    "AKTIV": _("Aktiv"),
    "VILANDE": _("Vilande"),
    "UPPHORT": _("Upphörd"),
    "PLANERAD": _("Planerad"),
}
SCHOOL_TYPES: Words = {
    "FKLASS": _("förskoleklass"),
    "FTH": _("fritidshem"),
    "OPPFTH": _("öppen fritidsverksamhet"),
    "GR": _("grundskola"),
    "GRAN": _("anpassad grundskola"),
    "GRS": _("anpassad grundskola"),
    "SP": _("specialskola"),
    "SAM": _("sameskola"),
    "GY": _("gymnasieskola"),
    "GYAN": _("anpassad gymnasieskola"),
    "GYS": _("anpassad gymnasieskola"),
    "VUX": _("vuxenutbildning"),
}
ACTIONS: Words = {
    "organisation.saved": _("Organisationen sparad"),
    "organisation.reader": _("Kontot som katalogen läses med ändrat"),
    "register.uploaded": _("Eget skolregister uppladdat"),
    "register.removed": _("Eget skolregister borttaget"),
    "unit.added": _("Skolenheter tillagda"),
    "unit.saved": _("Skolenhet sparad"),
    "unit.removed": _("Skolenhet borttagen"),
    "units.ordered": _("Skolenheternas ordning ändrad"),
    "protected.saved": _("Skyddade personuppgifter ändrade"),
    "protection.released": _("Personer vars skydd har upphört släppta"),
    "proposals.accepted": _("Förslag godtagna"),
    "proposals.declined": _("Förslag avböjt"),
    "proposals.offered": _("Avböjt förslag får göras igen"),
    "unit.without-students": _("Skolenhet markerad: inga elever här"),
    "unit.with-students": _("Skolenhet inte längre markerad: inga elever här"),
    "finding.known": _("Anmärkningar markerade ”det är så”"),
    "finding.unknown": _("Anmärkningar inte längre markerade ”det är så”"),
    "person.included": _("Undantag för en person ändrade"),
    "person.sent": _("En person skickad på begäran"),
    "group.included": _("Undantag för en klass eller grupp ändrade"),
    "vendors.saved": _("Skolenheter valda för leverantörer"),
    "vendor.saved": _("Uppgifter och gränser sparade"),
    "vendor.exceptions": _("Undantag hos en leverantör ändrade"),
    "vendor.agreement": _("Avtal antecknat"),
    "vendor.mode": _("Läget ändrat"),
    "vendor.withdrawn": _("Avveckling begärd"),
    "vendor.emptied": _("Testmiljön töms"),
    "vendor.reconciled": _("Avstämning begärd"),
    "connection.mode": _("Läget ändrat"),
    "hold.approved": _("Spärr godkänd"),
    "hold.refused": _("Spärr nekad"),
    "removal.approved": _("Borttagning utan Googles bekräftelse godkänd"),
    "run.asked": _("Körning begärd"),
    "start.approved": _("Terminsstart godkänd i förväg"),
    "start.taken-back": _("Godkännande av terminsstart tillbakataget"),
    "schedule.saved": _("Schemat ändrat"),
    "pause.saved": _("Pausen ändrad"),
    "notices.saved": _("Aviseringar ändrade"),
    "administrators.saved": _("Administratörer ändrade"),
    "document.imported": _("Inställningar importerade"),
    "org-unit.renamed": _("Organisationsenhetens nya namn infört"),
    "change.restored": _("Tidigare inställningar återställda"),
    "tenant.left": _("Skolsynk avinstallerat"),
    "tenant.returned": _("Skolsynk installerat igen"),
    "tenant.ending": _("Avslut begärt"),
    "tenant.ending-cancelled": _("Avslut avbrutet"),
    "farewell.wanted": _("Borttagning hos alla leverantörer begärd"),
}
ACCESSES: Words = {
    "sign-in": _("Loggade in"),
    "sign-in.limited": _("Loggade in, bara för att ändra administratörerna"),
    "sign-in.refused": _("Nekades tillträde"),
    "sign-out": _("Loggade ut"),
    "sign-out.everywhere": _("Loggade ut överallt"),
    "sessions.ended": _("Avslutade inloggningar"),
    "person.page": _("Öppnade sidan om en person"),
    "person.excerpt": _("Gjorde ett registerutdrag"),
    "person.preview": _("Öppnade en person i förhandsgranskningen"),
    "person.exceptions": _("Öppnade undantagen för en person"),
    "person.sent": _("Skickade en person på begäran"),
    "vendor.asked": _("Frågade leverantören om en person"),
    "people.csv": _("Hämtade filen med personer"),
    "data-quality.csv": _("Hämtade filen med anmärkningar"),
    "data-quality.letter": _("Öppnade ett brev till en skola"),
    "access.csv": _("Hämtade åtkomstloggen"),
    "document.json": _("Exporterade inställningarna"),
    "protected.page": _("Öppnade skyddade personuppgifter"),
}
"""What somebody did, by the codes of `addon.web.access_log`."""
LIST_FAULTS: Words = {
    "oneself": _("Ta med din egen adress, annars kommer du inte in igen."),
    "super": _(
        "Ta med alla avancerade administratörer som står i listan. Bara en avancerad administratör "
        "kan ta bort en annan."
    ),
    "unknown": _(
        "Google svarar inte på frågan om någon som tas bort är avancerad administratör, så listan "
        "är oförändrad. Försök igen om en stund."
    ),
}
"""Why a list of administrators is not saved; see `addon.web.security.admission.ListFault`."""
WIRE: Words = {
    "externalId": _("Id hos leverantören"),
    "userName": _("Användarnamn"),
    "displayName": _("Visat namn"),
    "name.familyName": _("Efternamn"),
    "name.givenName": _("Förnamn"),
    "emails.value": _("E-postadress"),
    "emails.type": _("Typ av adress"),
    "User.enrolments.value": _("Skolenhet"),
    "User.enrolments.schoolYear": _("Årskurs"),
    "User.enrolments.schoolType": _("Skolform"),
    "User.provider": _("Molntjänst"),
    "User.providerUserId": _("Kontots id i molntjänsten"),
    "employmentRole": _("Roll"),
    "employedAt.value": _("Anställd vid"),
    "user.value": _("Person"),
}


def counted_people(students: int, staff: int) -> str:
    """Format the numbers of students and staff: `12 elever och 4 i personalen`."""
    said = ngettext(
        "%(n)s elev och %(staff)s i personalen",
        "%(n)s elever och %(staff)s i personalen",
        students,
        n=number(students),
        staff=number(staff),
    )
    return str(said)


def counted_type(resource_type: str, count: int) -> str:
    """Format a number of resources of a type: `1 klass eller grupp`, `12 klasser och grupper`."""
    match resource_type:
        case "User":
            said = ngettext("%(n)s person", "%(n)s personer", count, n=number(count))
        case "StudentGroup":
            said = ngettext(
                "%(n)s klass eller grupp", "%(n)s klasser och grupper", count, n=number(count)
            )
        case "SchoolUnit":
            said = ngettext("%(n)s skolenhet", "%(n)s skolenheter", count, n=number(count))
        case "Employment":
            said = ngettext("%(n)s anställning", "%(n)s anställningar", count, n=number(count))
        case "Activity":
            said = ngettext("%(n)s aktivitet", "%(n)s aktiviteter", count, n=number(count))
        case "Organisation":
            said = ngettext("%(n)s organisation", "%(n)s organisationer", count, n=number(count))
        case _:
            said = f"{number(count)} {resource_type}"
    return str(said)


def attribute_name(attribute: str) -> str:
    """Return an attribute's name in plain words; a field of a custom schema has its own name."""
    if attribute in ATTRIBUTES:
        return str(ATTRIBUTES[attribute])
    parts = attribute.split(".")
    if parts[0] == "customSchemas" and len(parts) == 3:
        own = gettext("Eget fält: %(schema)s, %(field)s", schema=parts[1], field=parts[2])
        return str(own)
    return attribute


def reason_name(reason: str) -> str:
    """Return the text of the reason why a person is not sent."""
    return str(REASONS[reason]) if reason in REASONS else finding_label(None, reason).title


def scope_name(scope: str) -> str:
    """Return what a scope of the Directory API lets Skolsynk read."""
    name = scope.rpartition("/")[2].removeprefix("admin.directory.").removesuffix(".readonly")
    return str(SCOPES.get(name, name))


def severity_name(severity: str) -> str:
    """Return the text of a finding's severity."""
    return str(SEVERITIES.get(severity, severity))


def wire_name(name: str) -> str:
    """Return the name of a value of a resource; one of several values keeps its number."""
    plain = re.sub(r" (\d+)", "", name)
    which = re.findall(r" (\d+)", name)
    return " ".join([str(WIRE.get(plain, plain)), *which])


def access_name(what: str) -> str:
    """Return the name of an access; its code when it has none."""
    return str(ACCESSES.get(what, what))


def who_name(who: str) -> str:
    """Return the name of an actor as the audit log shows it."""
    if who == "link":
        return str(gettext("Länken i meddelandet"))
    return str(gettext("Skolsynks support")) if who == "command line" else who


def subject_name(subject: str, tenant: Tenant, vendors: Mapping[str, Vendor]) -> str:
    """Return the name of a school unit or a kind of finding by its code, or of a vendor by its id.

    What has none is returned as it is.
    """
    if subject in vendors:
        return vendors[subject].name
    if subject in TEXTS:
        return finding_label(None, subject).title
    return next((unit.name for unit in tenant.school_units if unit.code == subject), subject)
