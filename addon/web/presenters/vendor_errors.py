"""Explanations of a vendor's refusals and failures: what they mean, and who can fix them."""

import re
from collections.abc import Callable, Mapping
from typing import Literal

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
    "endpoint-missing": lambda _p: _("Leverantören har inget på den adress som Skolsynk använder."),
    "left-alone": lambda _p: _("Leverantören bad Skolsynk att vänta."),
    "address": lambda _p: _("Leverantörens adress går inte att använda."),
    "certificate": lambda _p: _("Leverantörens certifikat godtas inte."),
    "certificate-expired": lambda _p: _("Leverantörens certifikat har gått ut."),
    "certificate-name": lambda _p: _("Leverantörens certifikat gäller en annan adress."),
    "certificate-authority": lambda _p: _(
        "Leverantörens certifikat är utfärdat av någon som Skolsynk inte känner till."
    ),
    "tls": lambda _p: _("Leverantören och Skolsynk kom inte överens om en krypterad förbindelse."),
    "own-resources": lambda _p: _(
        "Skolsynk hade för många öppna filer och förbindelser. Felet är vårt, inte leverantörens."
    ),
    "list": lambda _p: _("Leverantörens lista över vad som finns där går inte att läsa helt."),
    "contradiction": lambda _p: _(
        "Leverantören säger att något redan finns, men hittar det inte. Det skapas inte en gång "
        "till."
    ),
    "ledger": lambda _p: _(
        "Skolsynk kunde inte spara vad som skickades, och slutade därför skicka. Felet är vårt."
    ),
    "program": lambda _p: _("Skolsynk råkade ut för ett fel. Felet är vårt, inte leverantörens."),
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
"""What each problem is."""

Step = Literal["next-run", "vendor", "operator", "address", "key", "later", "person", "passing"]
STEPS: Mapping[ProblemCode, Step] = {
    "unreachable": "vendor",
    "timeout": "vendor",
    "connection-broken": "vendor",
    "status": "vendor",
    "key-refused": "key",
    "redirect": "address",
    "endpoint-missing": "address",
    "left-alone": "later",
    "address": "address",
    "certificate": "vendor",
    "certificate-expired": "vendor",
    "certificate-name": "vendor",
    "certificate-authority": "operator",
    "own-resources": "operator",
    "tls": "operator",
    "list": "vendor",
    "contradiction": "vendor",
    "not-scim": "vendor",
    "absence-unproven": "vendor",
    "cannot-tell": "vendor",
    "looks-later": "later",
    "taken-over": "next-run",
    "ledger": "operator",
    "program": "operator",
    "time-spent": "next-run",
    "turned-off": "person",
    "paused": "person",
    "protection": "next-run",
}
"""Who takes the next step about each problem."""


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
    """Return why a delivery failed, and the next step.

    `support` is whom the school writes to about Skolsynk, as a sentence names them.
    """
    if part.configuration:
        return _("%(support)s behöver göra klart anslutningen till leverantören.", support=support)
    cause = _cause(part)
    if cause is None:
        what, step = _("Leverantören svarade inte som den ska."), _step("vendor", support)
    else:
        passes = cause.code == "status" and cause.status >= 500
        what = PROBLEMS[cause.code](cause)
        step = _step("passing" if passes else STEPS[cause.code], support)
    return f"{what} {step}"


def _cause(part: ConnectionReport) -> VendorProblem | None:
    """Return what stopped the delivery, or what most explains its failures; None if unknown."""
    problem = None if isinstance(part.problem, UnsetType) else part.problem
    if problem is not None and problem.code != "status":
        return problem
    known = [] if problem is None else [problem]
    known += [f.problem for f in part.trouble if not isinstance(f.problem, UnsetType)]
    statuses = [p.status for p in known] + [f.http_status or 0 for f in part.trouble]
    for status in statuses:
        if status in (401, 403):
            return VendorProblem("key-refused", status)
        if 300 <= status < 400:
            return VendorProblem("redirect", status)
        if status in (404, 405):
            return VendorProblem("endpoint-missing", status)
        if status == 429:
            return VendorProblem("left-alone", status)
    if known:
        return known[0]
    failed = [status for status in statuses if status]
    return VendorProblem("status", failed[0]) if failed else None


def _step(step: Step, support: str) -> str:
    match step:
        case "key":
            return _("%(support)s behöver be leverantören om en ny nyckel.", support=support)
        case "address":
            return _("%(support)s behöver rätta adressen.", support=support)
        case "operator":
            return _(
                "Nästa körning försöker igen. Står felet kvar i morgon, hör av dig till "
                "%(support)s.",
                support=support,
            )
        case "later":
            return _("Skolsynk fortsätter om en stund. Du behöver inte göra något.")
        case "next-run":
            return _("Nästa körning fortsätter. Du behöver inte göra något.")
        case "person":
            return _("Det som är kvar skickas när leverantören är på och ingen paus pågår.")
        case "passing":
            return _(
                "Felet är leverantörens och går oftast över av sig självt. Nästa körning försöker "
                "igen. Håller det i sig en dag, hör av dig till leverantörens support."
            )
        case "vendor":
            return _(
                "Nästa körning försöker igen. Håller det i sig en dag, hör av dig till "
                "leverantörens support."
            )


def problem_text(of: ConnectionReport | FailedOperation) -> str:
    """Return the text of a problem that Skolsynk itself detected; empty if there is none."""
    problem = of.problem
    return "" if isinstance(problem, UnsetType) else PROBLEMS[problem.code](problem)
