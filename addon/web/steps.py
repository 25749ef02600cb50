"""The steps from installing to the first delivery: what is done, and what is left."""

from typing import Literal

from flask_babel import lazy_gettext as _
from msgspec import Struct

from addon.store import Shelf
from addon.tenant import Tenant
from addon.web.here import Here

State = Literal["done", "now", "left"]

SHELF = "guide"
SEEN = "previewed"
PUT_AWAY = "away"
KEPT = 2 * 365 * 24 * 3600.0


class Step(Struct, frozen=True):
    """One step: its name in an address, its title, the endpoint of its page, and its state."""

    name: str
    title: object
    endpoint: str
    state: State


class Steps(Struct, frozen=True):
    """All steps, and whether the walk is over or was put away."""

    steps: tuple[Step, ...]
    done: bool

    @property
    def current(self) -> Step | None:
        """The first step that is left."""
        return next((step for step in self.steps if step.state != "done"), None)

    def after(self, name: str) -> Step | None:
        """The step that follows one."""
        names = [step.name for step in self.steps]
        place = names.index(name) + 1 if name in names else len(names)
        return self.steps[place] if place < len(names) else None


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
    done = _done(here)
    found, now_given = [], False
    for name, title, endpoint in TITLES:
        state: State = "done" if done[name] else "left" if now_given else "now"
        now_given = now_given or state == "now"
        found.append(Step(name, title, endpoint, state))
    over = done["live"] or _kept(here, PUT_AWAY)
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


def _done(here: Here) -> dict[str, bool]:
    tenant: Tenant = here.tenant
    modes = {c.mode for c in tenant.connections if c.school_units}
    chosen = {code for c in tenant.connections for code in c.school_units}
    units = {u.code: u for u in tenant.school_units}
    selected = {code for code, u in units.items() if u.students.org_units or u.students.groups}
    ran = {"test", "live"} & modes and any(r.status in ("done", "held") for r in here.runs)
    return {
        "organisation": not here.is_new and bool(tenant.organisation.organisation_number),
        "units": bool(units),
        "selection": bool(units) and selected >= set(units),
        "vendors": bool(chosen),
        "preview": bool(chosen) and ("live" in modes or _kept(here, SEEN)),
        "test": bool(ran),
        "live": "live" in modes and bool(ran),
    }


def _kept(here: Here, name: str) -> bool:
    return here.store.kept(_shelf(here), name, here.now) is not None


def _shelf(here: Here) -> Shelf:
    return Shelf(SHELF, here.tenant_id)
