"""Explanations of a vendor's refusals and failures: what they mean, and who can fix them."""

import re
from collections.abc import Callable, Mapping

from msgspec import UnsetType

from addon.planning.result import FailedOperation, ProblemCode, VendorProblem
from addon.sync.report import ConnectionReport
from addon.web.translation import gettext_str as _

ADDRESS = re.compile(r"mail|adress|address", re.IGNORECASE)
NAME = re.compile(r"\bname\b|givenName|familyName|\bnamn", re.IGNORECASE)
PROBLEMS: Mapping[ProblemCode, Callable[[VendorProblem], str]] = {
    "unreachable": lambda _p: _("Leverantören gick inte att nå."),
    "timeout": lambda _p: _("Leverantören svarade inte i tid."),
    "connection-broken": lambda _p: _("Förbindelsen med leverantören bröts."),
    "status": lambda p: _("Leverantören svarade med felkoden %(status)s.", status=str(p.status)),
    "key-refused": lambda _p: _("Leverantören godtog inte Skolsynks nyckel."),
    "redirect": lambda _p: _("Leverantörens adress hänvisar någon annanstans."),
    "left-alone": lambda _p: _("Leverantören bad Skolsynk att vänta."),
    "address": lambda _p: _("Leverantörens adress går inte att använda."),
    "certificate": lambda _p: _("Leverantörens certifikat godtas inte."),
    "certificate-expired": lambda _p: _("Leverantörens certifikat har gått ut."),
    "certificate-name": lambda _p: _("Leverantörens certifikat gäller en annan adress."),
    "certificate-authority": lambda _p: _(
        "Leverantörens certifikat är utfärdat av någon som Skolsynk inte känner till."
    ),
    "own-resources": lambda _p: _(
        "Skolsynk hade för många öppna filer och förbindelser. Felet är vårt, inte leverantörens."
    ),
    "not-scim": lambda _p: _(
        "Leverantören svarade med en webbsida eller ett fel i stället för ett besked."
    ),
    "cannot-tell": lambda _p: _(
        "Leverantören kan inte svara på vad som finns där, så det går inte att veta om något "
        "finns kvar eller finns dubbelt."
    ),
    "looks-later": lambda _p: _(
        "Allt är borttaget, men ett svar från leverantören uteblev strax innan, så något kan dyka "
        "upp där i efterhand. Skolsynk letar efter det om några minuter."
    ),
    "absence-unproven": lambda _p: _(
        "Leverantören hittar inte det vi har skickat, men inget visar att det verkligen är borta. "
        "Därför är inget ändrat."
    ),
    "taken-over": lambda _p: _("En annan körning tog över."),
    "time-spent": lambda _p: _("Tiden för körningen tog slut."),
    "protection": lambda _p: _(
        "Någon fick skyddade personuppgifter medan leveransen pågick. Resten skickas vid nästa "
        "körning, utan den personen."
    ),
    "turned-off": lambda _p: _(
        "Leverantören slogs av eller bytte läge under tiden, så resten skickades inte."
    ),
    "paused": lambda _p: _("En paus började under tiden, så resten skickades inte."),
}
"""Names of problems; those with other codes are described by the text for support."""


def refusal_remedy(resource_type: str, status: int, detail: str) -> str:
    """Return what to do about a resource that the vendor refuses."""
    if status == 409:
        return _(
            "Hos leverantören finns redan något med samma uppgifter, ofta ett konto som lagts "
            "upp för hand. Be leverantörens support att ta bort eller koppla det."
        )
    if resource_type not in ("User", "Employment"):
        return _(
            "Kontrollera att klassens eller gruppens namn är rätt i Google Workspace. Hjälper "
            "inte det kan du skicka svaret till leverantörens support."
        )
    if ADDRESS.search(detail):
        return _("Rätta e-postadressen i Google Workspace, så skickas den vid nästa körning.")
    if NAME.search(detail):
        return _("Rätta namnet i Google Workspace, så skickas det vid nästa körning.")
    return _(
        "Rätta det som svaret nämner i Google Workspace, så skickas personen vid nästa "
        "körning. Säger svaret inget som går att rätta, skicka det till leverantörens support."
    )


def trouble_remedy(part: ConnectionReport, support: str) -> str:
    """Return what a failed delivery means, and what to do about it.

    `support` is whom the school writes to about Skolsynk, as a sentence names them.
    """
    problems = [part.problem, *(failure.problem for failure in part.trouble)]
    known = {failure.http_status or 0 for failure in part.trouble}
    known |= {0 if isinstance(p, UnsetType) else p.status for p in problems}
    if part.configuration:
        return _("%(support)s behöver göra klart anslutningen till leverantören.", support=support)
    if known & {401, 403}:
        return _(
            "Leverantören godtar inte Skolsynks nyckel. %(support)s behöver be leverantören om "
            "en ny.",
            support=support,
        )
    if any(300 <= status < 400 for status in known) or known & {404, 405}:
        return _(
            "Leverantörens adress stämmer inte. %(support)s behöver rätta den.", support=support
        )
    if 429 in known:
        return _("Leverantören ber Skolsynk att vänta. Nästa körning fortsätter.")
    if any(status >= 500 for status in known):
        return _(
            "Felet är leverantörens och går oftast över av sig självt. Nästa körning försöker "
            "igen. Håller det i sig en dag, hör av dig till leverantörens support."
        )
    return _(
        "Leverantören svarade inte som den ska. Nästa körning försöker igen. Håller det i sig "
        "en dag, hör av dig till leverantörens support."
    )


def problem_text(of: ConnectionReport | FailedOperation) -> str:
    """Return the text of a problem that Skolsynk itself detected; otherwise an empty text."""
    problem = of.problem
    if isinstance(problem, UnsetType) or problem.code not in PROBLEMS:
        return ""
    return PROBLEMS[problem.code](problem)
