"""Texts of the setup steps: what is done and what is left, in a sentence or two."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from flask_babel import ngettext
from msgspec import Struct

from addon.tenants.model import Mode, Organisation
from addon.web.formats import listed
from addon.web.presenters.trial_coverage import TrialCoverage
from addon.web.translation import gettext_str as _


class SetupProgress(Struct, frozen=True):
    """A tenant's progress in setup: counts, and the names of the vendors in each mode.

    `selected` counts the units with a selection, `chosen` the units that go to any of `vendors`;
    `ran` has the vendors that have had their first run in their present mode.
    """

    organisation: Organisation
    units: int
    selected: int
    chosen: int
    vendors: int
    previewed: bool
    on: Mapping[Mode, tuple[str, ...]]
    ran: Mapping[Mode, Set[str]]


def step_texts(
    progress: SetupProgress, trial: TrialCoverage | None, name: Callable[[str], str]
) -> Mapping[str, str]:
    """Return the text of each step, by its name; `name` gives a vendor's by its id."""
    return {
        "organisation": _organisation(progress.organisation),
        "units": _units(progress.units),
        "selection": _selection(progress.selected, progress.units),
        "vendors": _vendors(progress.chosen, progress.vendors),
        "preview": _preview(progress.previewed),
        "test": _test(progress, trial, name),
        "live": _waiting("live", progress) or _live(progress),
    }


def spelled(number: str) -> str:
    """Return an organisation number in its usual form: 212000-9999."""
    return f"{number[:6]}-{number[6:]}" if len(number) == 10 else number


def _organisation(organisation: Organisation) -> str:
    number = organisation.organisation_number
    if number is None:
        return _("Organisationsnumret saknas.")
    return f"{organisation.name}, {spelled(number)}"


def _units(count: int) -> str:
    if not count:
        return _("Välj era skolenheter ur Skolverkets register.")
    return str(ngettext("%(num)s skolenhet är tillagd.", "%(num)s skolenheter är tillagda.", count))


def _selection(ready: int, units: int) -> str:
    if not ready:
        return _("Bestäm vilka elever som hör till vilken skolenhet. Skolsynk ger förslag.")
    if ready == units:
        return str(ngettext("Skolenheten är klar.", "Alla %(num)s skolenheter är klara.", units))
    said = _("%(ready)s av %(all)s skolenheter är klara.", ready=ready, all=units)
    return f"{said} {ngettext('%(num)s är kvar.', '%(num)s är kvar.', units - ready)}"


def _vendors(units: int, vendors: int) -> str:
    if not units:
        return _("Kryssa i vilka skolenheter som ska till vilken leverantör.")
    going = ngettext("%(num)s skolenhet går till", "%(num)s skolenheter går till", units)
    return f"{going} {ngettext('%(num)s leverantör.', '%(num)s leverantörer.', vendors)}"


def _preview(seen: bool) -> str:
    if seen:
        return _("Du har sett vilka som skulle skickas.")
    return _("Se vilka som skulle skickas, namn för namn, innan något skickas.")


def _waiting(mode: Mode, progress: SetupProgress) -> str:
    """Return the text shown while a vendor that is on has not had its first run, else empty."""
    waiting = [name for name in progress.on[mode] if name not in progress.ran[mode]]
    if not waiting:
        return ""
    names = listed(waiting)
    return _("%(vendors)s väntar på att den första körningen ska bli klar.", vendors=names)


def _test(progress: SetupProgress, trial: TrialCoverage | None, name: Callable[[str], str]) -> str:
    failed = trial is not None and bool(trial.failed or trial.held)
    if not failed and (waiting := _waiting("test", progress)):
        return waiting
    on = listed(progress.on["test"])
    if trial is None:
        return (
            _("%(vendors)s är i testläge.", vendors=on)
            if on
            else _("Ingen leverantör är i testläge nu.")
        )
    if not trial.possible:
        if progress.vendors:
            return _("Ingen av era leverantörer har en testmiljö i Skolsynk.")
        return _("Prova mot en leverantörs testmiljö. Ingen elev märker något.")
    if trial.complete:
        return _("Allt har kommit fram i testmiljön. Hör med leverantören att det ser rätt ut där.")
    if len(trial.untried) == progress.vendors:
        return _("Prova mot en leverantörs testmiljö. Ingen elev märker något.")
    return " ".join(_left(trial, name))


def _left(trial: TrialCoverage, name: Callable[[str], str]) -> Iterator[str]:
    """Yield what remains to be tried, a sentence for each reason."""

    def named(vendors: Sequence[str]) -> str:
        return listed([name(vendor) for vendor in vendors])

    if trial.failed:
        yield _("Allt kom inte fram till %(vendors)s.", vendors=named(trial.failed))
    if trial.held:
        yield _("En spärr väntar på ditt beslut hos %(vendors)s.", vendors=named(trial.held))
    if trial.changed:
        yield _(
            "Urvalet är ändrat sedan det provades; nästa körning skickar det till %(vendors)s.",
            vendors=named(trial.changed),
        )
    if trial.untried:
        yield _("%(vendors)s är inte provad ännu.", vendors=named(trial.untried))
    if count := trial.unassigned:
        yield str(
            ngettext(
                "%(num)s skolenhet går inte till någon leverantör.",
                "%(num)s skolenheter går inte till någon leverantör.",
                count,
            )
        )


def _live(progress: SetupProgress) -> str:
    if names := listed(progress.on["live"]):
        return _("%(vendors)s är i skarpt läge.", vendors=names)
    return _("Slå på en leverantör. Därefter sköts allt automatiskt.")
