"""What a vendor's refusal or trouble means, and who can mend it, as a colleague would say it."""

import re

from addon.web.language import said as _
from addon.web.views.standing import Part

ADDRESS = re.compile(r"mail|adress|address", re.IGNORECASE)
NAME = re.compile(r"\bname\b|givenName|familyName|\bnamn", re.IGNORECASE)


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


def trouble_remedy(part: Part) -> str:
    """What a failed delivery means, and what to do about it."""
    statuses = {failure.get("httpStatus") for failure in part.trouble}
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


def _said(detail: str) -> set[int]:
    """Statuses that a message names."""
    return {int(status) for status in re.findall(r"\b[345]\d\d\b", detail)}
