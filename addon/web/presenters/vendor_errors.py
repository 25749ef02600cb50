"""What a vendor's refusal or trouble means, and who can mend it, as a colleague would say it."""

import re
from collections.abc import Callable, Mapping

from addon.sync.report import ConnectionReport
from addon.web.i18n import gettext_str as _

ADDRESS = re.compile(r"mail|adress|address", re.IGNORECASE)
ANSWERED = re.compile(r"the vendor answered ([0-9]{3})\b")
NAME = re.compile(r"\bname\b|givenName|familyName|\bnamn", re.IGNORECASE)
TROUBLE: Mapping[str, Callable[[], str]] = {
    "the vendor could not be reached": lambda: _("Leverantören gick inte att nå."),
    "the vendor did not answer in time": lambda: _("Leverantören svarade inte i tid."),
    "the connection broke": lambda: _("Förbindelsen med leverantören bröts."),
    "the vendor does not accept our key": lambda: _("Leverantören godtog inte Skolsynks nyckel."),
    "the vendor redirects": lambda: _("Leverantörens adress hänvisar någon annanstans."),
    "the vendor asks to be left alone": lambda: _("Leverantören bad Skolsynk att vänta."),
    "its address is not one": lambda: _("Leverantörens adress går inte att använda."),
    "its certificate is not trusted": lambda: _("Leverantörens certifikat godtas inte."),
    "another run has taken over": lambda: _("En annan körning tog över."),
}
"""How what `addon.delivery` says of a delivery that met trouble begins."""


def refusal_remedy(resource_type: str, status: int, detail: str) -> str:
    """What to do about something that the vendor does not take."""
    if status == 409:
        return _(
            "Hos leverantören finns redan något med samma uppgifter, ofta ett konto som lagts "
            "upp för hand. Be leverantörens support att ta bort eller koppla det."
        )
    if resource_type not in ("User", "Employment"):
        return _(
            "Se efter att klassens eller gruppens namn är riktigt i Google Workspace. Hjälper "
            "inte det, skicka svaret till leverantörens support."
        )
    if ADDRESS.search(detail):
        return _("Rätta e-postadressen i Google Workspace, så skickas den vid nästa körning.")
    if NAME.search(detail):
        return _("Rätta namnet i Google Workspace, så skickas det vid nästa körning.")
    return _(
        "Rätta det som svaret nämner i Google Workspace, så skickas personen vid nästa "
        "körning. Säger svaret inget som går att rätta, skicka det till leverantörens support."
    )


def trouble_remedy(part: ConnectionReport) -> str:
    """What a failed delivery means, and what to do about it."""
    statuses = {failure.http_status for failure in part.trouble}
    known = {int(s) for s in statuses if s} | _said(part.detail or "")
    if part.configuration:
        return _("Den som driver Skolsynk behöver ställa in leverantören färdigt.")
    if known & {401, 403}:
        return _(
            "Leverantören godtar inte Skolsynks nyckel. Den som driver Skolsynk behöver be "
            "leverantören om en ny."
        )
    if any(300 <= status < 400 for status in known) or known & {404, 405}:
        return _("Leverantörens adress stämmer inte. Den som driver Skolsynk behöver rätta den.")
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


def trouble_said(detail: str | None) -> str:
    """What happened, where Skolsynk itself has said it; nothing where the words are others'."""
    answered = ANSWERED.match(detail or "")
    if answered:
        return _("Leverantören svarade med felkoden %(status)s.", status=answered[1])
    told = (say() for begins, say in TROUBLE.items() if (detail or "").startswith(begins))
    return next(told, "")


def _said(detail: str) -> set[int]:
    """Statuses that a message names."""
    return {int(status) for status in re.findall(r"\b[345]\d\d\b", detail)}
