"""Why each permission in Google Workspace is asked for, in words for those who give it."""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from addon.directory.google.credentials import SCOPES

_BY_NAME: Mapping[str, LazyString] = {
    "user": _(
        "Läsa konton: vilka elever och vilken personal som finns, vad de heter och var de finns. "
        "Med den här behörigheten kontrolleras också att den som loggar in är administratör."
    ),
    "orgunit": _(
        "Läsa organisationsenheter: de används för att ange vilka som hör till en skolenhet eller "
        "en klass, och gör att en enhet kan byta namn utan att något går förlorat."
    ),
    "group": _("Läsa grupper: de används för klasser och undervisningsgrupper."),
    "group.member": _(
        "Läsa vilka som är med i en grupp: i klasser och undervisningsgrupper, och bland dem som "
        "har skyddade personuppgifter."
    ),
    "domain": _("Läsa domäner: för att veta vilka adresser som är organisationens egna."),
    "customer": _("Läsa kundens id: för att skilja en huvudman från en annan."),
}


def scope_reason(scope: str) -> str:
    """Return why a scope of SCOPES is asked for, in the language of the request."""
    return str(_BY_NAME[scope.rpartition("admin.directory.")[2].removesuffix(".readonly")])


def scopes_with_reasons() -> list[tuple[str, str]]:
    """Return all scopes with their reasons."""
    return [(scope, scope_reason(scope)) for scope in SCOPES]
