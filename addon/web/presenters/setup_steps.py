"""The steps from installing to the first delivery: what is done, and what is left."""

from typing import Literal

from flask_babel import lazy_gettext as _
from msgspec import Struct

from addon.store.records import Shelf
from addon.tenants.model import Mode
from addon.web.presenters.connection_status import record_of
from addon.web.presenters.school_units import has_selection
from addon.web.presenters.step_words import Standing, said_of
from addon.web.request_context import Here

State = Literal["done", "now", "left"]
MODES: tuple[Mode, ...] = ("test", "live")

SHELF = "guide"
SEEN = "previewed"
PUT_AWAY = "away"
KEPT = 2 * 365 * 24 * 3600.0


class Step(Struct, frozen=True):
    """One step: its number and name, its title, the endpoint of its page, and its state.

    `said` tells what is done and what is left, in a sentence or two, as long as the walk goes on.
    """

    number: int
    name: str
    title: object
    endpoint: str
    state: State
    said: str


class Steps(Struct, frozen=True):
    """All steps, and whether the walk is over or was put away."""

    steps: tuple[Step, ...]
    done: bool

    @property
    def current(self) -> Step | None:
        """The first step that is left."""
        return next((step for step in self.steps if step.state != "done"), None)

    def at(self, endpoint: str | None) -> Step | None:
        """The step whose page this is."""
        return next((step for step in self.steps if step.endpoint == endpoint), None)

    def beyond(self, endpoint: str | None) -> Step | None:
        """Where to go on from a page: the step after its own, else the first that is left."""
        here = self.at(endpoint)
        if here is None:
            return self.current
        return self.steps[here.number] if here.number < len(self.steps) else None


TITLES = (
    ("organisation", _("Organisation"), "guide.organisation"),
    ("units", _("Skolenheter"), "register.page"),
    ("selection", _("Urval"), "proposals.page"),
    ("vendors", _("Leverantörer"), "vendors.page"),
    ("preview", _("Förhandsgranska"), "preview.page"),
    ("test", _("Testläge"), "guide.test"),
    ("live", _("Skarpt läge"), "guide.live"),
)


def steps(here: Here) -> Steps:
    """The steps as they stand."""
    standing = _standing(here)
    done = _done(here, standing)
    over = done["live"] or _kept(here, PUT_AWAY)
    said = {} if over else said_of(standing)
    found, now_given = [], False
    for number, (name, title, endpoint) in enumerate(TITLES, 1):
        state: State = "done" if done[name] else "left" if now_given else "now"
        now_given = now_given or state == "now"
        found.append(Step(number, name, title, endpoint, state, said.get(name, "")))
    return Steps(tuple(found), over)


def previewed(here: Here) -> None:
    """Remember that the preview has been looked at."""
    if not _kept(here, SEEN):
        here.store.keep(_shelf(here), SEEN, b"", here.now, here.now + KEPT)


def put_away(here: Here) -> None:
    """Show the steps no more by themselves."""
    here.store.keep(_shelf(here), PUT_AWAY, b"", here.now, here.now + KEPT)


def bring_back(here: Here) -> None:
    """Show the steps again."""
    here.store.discard(_shelf(here), PUT_AWAY)


def _standing(here: Here) -> Standing:
    tenant = here.tenant
    used = [c for c in tenant.connections if c.school_units]
    return Standing(
        organisation=tenant.organisation,
        units=len(tenant.school_units),
        selected=sum(1 for u in tenant.school_units if has_selection(u)),
        chosen=len({code for c in used for code in c.school_units}),
        vendors=len(used),
        previewed=_kept(here, SEEN),
        on={m: tuple(here.vendor_name(c.vendor) for c in used if c.mode == m) for m in MODES},
        ran={m: frozenset(map(here.vendor_name, found)) for m, found in _ran(here).items()},
    )


def _done(here: Here, standing: Standing) -> dict[str, bool]:
    live = bool(standing.ran["live"]) or any(
        key.mode == "live" for key, _n, _refused in here.store.ledgers(here.tenant_id)
    )
    return {
        "organisation": not here.is_new and bool(standing.organisation.organisation_number),
        "units": bool(standing.units),
        "selection": 0 < standing.units == standing.selected,
        "vendors": bool(standing.chosen),
        "preview": bool(standing.chosen and (standing.on["live"] or standing.previewed)),
        "test": live or bool(standing.ran["test"] or standing.on["live"]),
        "live": live,
    }


def _ran(here: Here) -> dict[Mode, set[str]]:
    """The vendors that have had a run in their mode that came to an end, or to a hold."""
    waiting = {(c.vendor, c.mode) for c in here.tenant.connections if c.school_units}
    ran: dict[Mode, set[str]] = {mode: set() for mode in MODES}
    for run in here.runs:
        for part in record_of(run).connections:
            ended = part.status != "failed" or part.only_refused
            for mode in MODES:
                if ended and part.mode == mode and (part.vendor, mode) in waiting:
                    ran[mode].add(part.vendor)
        if all((vendor in ran[mode]) for vendor, mode in waiting if mode != "off"):
            break
    return ran


def _kept(here: Here, name: str) -> bool:
    return here.store.kept(_shelf(here), name, here.now) is not None


def _shelf(here: Here) -> Shelf:
    return Shelf(SHELF, here.tenant_id)
